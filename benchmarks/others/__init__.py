"""The usual ways to show a screen to a Realtime model, each a program of its own."""
