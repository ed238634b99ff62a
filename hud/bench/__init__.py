"""The latency of each stage on this machine: what is drawn, what is observed, what it comes to.

Two processes: this one draws on a virtual screen and plays the model's server, and the measured one
is nothing but `hud run` with one more observer. What is drawn here and what arrives here has times
of time.monotonic(), which all processes of a machine share.
"""
