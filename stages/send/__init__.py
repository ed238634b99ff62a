"""How pictures reach a model and its words come back."""
