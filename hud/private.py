"""Files for their owner only."""

from __future__ import annotations

import os
import pathlib


def write(path: pathlib.Path, data: bytes | memoryview) -> None:
    """Write a file whole, or leave none.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink(missing_ok=True)  # half a file is none, and the disk may be full
        raise
