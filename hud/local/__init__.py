"""The local model: a Realtime server on the loopback interface that reads the pixels itself."""
