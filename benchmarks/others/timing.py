"""Times a function; needs nothing but Python, for it runs in the environments of others."""

import json
import sys
import time


def given():
    """Pixels (RGBA), width, height, and how often: SCRIPT FILE WIDTH HEIGHT COUNT."""
    file, width, height, count = sys.argv[1:]
    with open(file, "rb") as pixels:  # noqa: PTH123 - as short as it gets
        return pixels.read(), int(width), int(height), int(count)


def report(seconds, text):
    """Print what each took, in ms, and how large the message was."""
    sys.stdout.write(json.dumps({"ms": [1000 * each for each in seconds], "bytes": len(text)}))


def timed(function, count):
    """Seconds of each call after the first, and what the last one made."""
    seconds = []
    for _ in range(count + 1):
        begin = time.perf_counter()
        made = function()
        seconds.append(time.perf_counter() - begin)
    return seconds[1:], made
