"""A sink and a capture that come to hud by entry point."""
