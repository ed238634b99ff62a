"""The tile detector: what changed, what of it is content, and when it is complete.

`dirty` finds the changed pixels, `intake` gathers them into spots, `judge` decides about each spot
(`contents` says what it holds, `patience` how long to wait) with what `memory`, `past` and `screen`
know of its place, and `detector` puts it together.
"""
