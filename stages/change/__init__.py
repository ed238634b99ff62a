"""What in a frame means something."""
