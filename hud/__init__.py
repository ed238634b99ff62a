"""A program that watches a screen and keeps a live record of what happens on it."""
