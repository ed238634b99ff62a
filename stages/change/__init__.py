"""Which frames carry something new, and where in them it is."""
