"""What the model is shown of a change."""
