"""What programs print in a terminal: lines like one another, of which letters and digits differ.

Each kind gives steps: what is written to the terminal at once, the lines that are finished with
it, and the lines that stand on the screen for a while.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator

import attrs

CITIES = ["Lisbon", "Dublin", "London", "Berlin", "Madrid", "Milano", "Vienna", "Warsaw"]
FORMS = ["GmbH", "Ltd", "AG", "SARL", "Inc"]
NAMES = ["anna", "bruno", "clara", "david", "elena", "frida", "greta", "henry"]
WORDS = """
the order list is ready now please send more paper to our office before noon today we have lost one
parcel near that station and nobody knows where it went after lunch
""".split()  # noqa: SIM905
READY = "ready"
"""What stands there before."""
HOME, CLEAR = "\033[H", "\033[K"


@attrs.frozen
class Step:
    """One write to the terminal."""

    text: str
    finished: tuple[str, ...] = ()
    """Lines that must be told once."""
    standing: tuple[str, ...] = ()
    """Other lines that may be told."""


def words(count: int, _rows: int) -> Iterator[Step]:
    """Lines of random letters."""
    for _ in range(count):
        first, second, third = (
            "".join(random.choices(string.ascii_lowercase, k=random.randint(4, 9)))
            for _ in range(3)
        )
        line = f"{first} {second} took {random.randint(2, 9999)} ms in {third}"
        yield Step(f"{line}\n", (line,))


def log(count: int, _rows: int) -> Iterator[Step]:
    """Similar lines, one by one."""
    for line in _logged(count):
        yield Step(f"{line}\n", (line,))


def burst(count: int, _rows: int) -> Iterator[Step]:
    """Similar lines, one to four at once."""
    lines = _logged(count)
    while some := [line for line, _ in zip(lines, range(random.randint(1, 4)), strict=False)]:
        yield Step("".join(f"{line}\n" for line in some), tuple(some))


def progress(count: int, _rows: int) -> Iterator[Step]:
    """Lines that grow while the work goes on, and end."""
    for number in range(count):
        line = f"{_time(number)} copying {random.choice(NAMES)}-{random.randint(100, 999)} "
        for _ in range(random.randint(1, 4)):
            line += f"part {random.randint(10, 99)} "
            yield Step(f"\r{line}", (), (line.strip(),))
        line += f"done in {random.randint(2, 99)} s"
        yield Step(f"\r{line}\n", (line,))


def table(count: int, rows: int) -> Iterator[Step]:
    """A table that is drawn anew in place, its rows in another order each time."""
    names = [f"{random.choice(NAMES)}-{number:02d}" for number in range(min(8, rows - 3))]
    for _ in range(count):
        random.shuffle(names)
        lines = ["  PID COMMAND       CPU   MEM"] + [
            f"{random.randint(1000, 9999):5d} {name:12s} {random.randint(1, 99):4d} "
            f"{random.randint(1, 99):5d}"
            for name in names
        ]
        yield Step(HOME + "".join(f"{line}{CLEAR}\n" for line in lines), (), tuple(lines))


def chat(count: int, rows: int) -> Iterator[Step]:
    """Messages that scroll above a line to write in."""
    for number in range(count):
        said = " ".join(random.choices(WORDS, k=random.randint(2, 7)))
        line = f"{_time(number)[:5]} <{random.choice(NAMES)}> {said}"
        window = f"\033[{rows};1H\033[K[#office] say: \033[1;{rows - 2}r\033[{rows - 2};1H"
        yield Step(f"{window}\n{line}\033[r\033[{rows};16H", (line,), ("[#office] say:",))


def _logged(count: int) -> Iterator[str]:
    customer = f"{random.choice(CITIES)} {random.choice(FORMS)}"
    for number in range(count):
        done = f"worker {random.randint(1, 9)} finished invoice {random.randint(1000, 9999)}"
        yield f"{_time(2 * number)} {done} for {customer}"


def _time(seconds: int) -> str:
    return f"14:{13 + seconds // 60:02d}:{seconds % 60:02d}"


KINDS: dict[str, Callable[[int, int], Iterator[Step]]] = {
    "words": words,
    "log": log,
    "burst": burst,
    "progress": progress,
    "table": table,
    "chat": chat,
}
"""What a run may print: called with the number of lines and the rows of the terminal."""
