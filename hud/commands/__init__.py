"""The commands, a module each; with `__main__` the only place where hud and stages meet.

A module is imported when its command runs, so that `hud --help` does not wait for OpenCV.
"""
