"""What every client's script is given and what it prints; needs nothing but Python."""

import base64
import hashlib
import json
import logging
import pathlib
import sys

MODEL = "gpt-realtime-1.5"
TURN = {"turn": "17"}
ABSENT = "item_that_never_was"


class Given:
    """The command line: `SCRIPT URL KEY PICTURE`, where URL ends in /v1/realtime."""

    def __init__(self):
        self.url, self.key, picture = sys.argv[1:]
        self.base_url = self.url.replace("ws://", "http://").removesuffix("/realtime")
        self.jpeg = pathlib.Path(picture).read_bytes()
        self.data_url = "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


class Log(logging.Handler):
    """Keeps what a library complains about."""

    def __init__(self, name):
        super().__init__(logging.WARNING)
        self.lines = []
        logging.getLogger(name).addHandler(self)

    def emit(self, record):
        self.lines.append(record.getMessage()[:500])


def digest(data):
    """A picture's name, short enough to print."""
    return hashlib.sha256(data).hexdigest()


def report(**seen):
    """Say what was seen, in the last line."""
    sys.stdout.write(json.dumps(seen) + "\n")
