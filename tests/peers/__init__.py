"""Realtime clients and servers that nobody here wrote, against ours."""
