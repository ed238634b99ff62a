"""What of the screen is never looked at; nothing here knows X, stages or files."""
