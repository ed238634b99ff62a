"""The notes as a page on this machine."""
