from __future__ import annotations

import pytest

from hud.local import likeness, wording
from hud.local.echo import Echo
from hud.local.journal import Happening, Journal, Kind
from hud.local.reader import Line
from hud.local.scroll import Move
from hud.rect import Rect

PITCH = 16


def line(text: str, row: int, x: int = 10) -> Line:
    return Line(text, Rect(x, row * PITCH, 8 * len(text), 14), 0.99)


class Screen:
    """Feeds a journal with whole screens of lines, as if every row had been drawn anew."""

    def __init__(self, *texts: str) -> None:
        self.journal = Journal()
        self.now = 100.0
        self.show(*texts)

    def show(self, *texts: str, after: float = 10.0) -> list[Happening]:
        self.now += after
        lines = [line(text, row) for row, text in enumerate(texts) if text]
        old = self.journal.take(lambda rect: True)
        return self.journal.update(old, lines, self.now)

    def scroll(self, up: int, rows: int, *texts: str) -> list[Happening]:
        """Move a block of `rows` lines, and let `texts` appear where it left room."""
        top = 0 if up > 0 else -up
        move = Move(Rect(0, top * PITCH, 600, rows * PITCH), up * PITCH)
        back = self.journal.move([move])
        first = move.exposed.y // PITCH
        lines = [line(text, first + number) for number, text in enumerate(texts)]
        old = self.journal.take(move.exposed.intersects)
        return self.journal.update(old, lines, self.now, [move.exposed], back)


def brief(happenings: list[Happening]) -> list[tuple[Kind, str]]:
    return [(happening.kind, happening.text) for happening in happenings]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("all is well", "all is well", []),
        ("14:03 started INFO", "14;03 started INF0", []),
        ("generic reliable blocks", "generie reliable blocks", []),
        ("generic reliable blocks", "generic re liable blocks", []),
        ("Queue 1,204", "Queue 1,207", [(Kind.CHANGED, "Queue 1,207")]),
        ("load 1.5", "load 15", [(Kind.CHANGED, "load 15")]),
        ("balance 5", "balance -5", [(Kind.CHANGED, "balance -5")]),
        (
            "Deployment of teapot to production: ok",
            "Deployment of teapot to production: no",
            [(Kind.CHANGED, "Deployment of teapot to production: no")],
        ),
        ("$ pip ins", "$ pip install trio", [(Kind.GREW, "$ pip install trio")]),
        ("Idle", "Copying files", [(Kind.NEW, "Copying files")]),
        ("It is 14:03:20", "It is 14:03:21", []),
        ("Save changes?", "", [(Kind.GONE, "Save changes?")]),
    ],
)
def test_what_becomes_of_a_line(before, after, expected):
    screen = Screen("a heading", before)
    assert brief(screen.show("a heading", after)) == expected


def test_a_number_that_returns_is_news():
    screen = Screen("Queue 1,204")
    for number in ("1,207", "1,204", "1,207"):
        assert brief(screen.show(f"Queue {number}")) == [(Kind.CHANGED, f"Queue {number}")]


def test_a_status_that_returns_is_news():
    screen = Screen("Idle")
    screen.show("Copying files")
    assert brief(screen.show("Idle")) == [(Kind.NEW, "Idle")]


def test_a_counter_that_never_rests_falls_silent_and_speaks_again_after_a_rest():
    screen = Screen("frame 1")
    told = [screen.show(f"frame {number}", after=0.5) for number in range(2, 30)]
    assert sum(map(bool, told)) <= 5
    assert not any(told[-20:])
    assert brief(screen.show("frame 99", after=30)) == [(Kind.CHANGED, "frame 99")]


def test_a_scrolling_terminal_tells_each_line_once():
    screen = Screen(*(f"line number {n} of many" for n in range(10)))
    told = []
    for n in range(10, 60):
        told += screen.scroll(1, 9, f"line number {n} of many")
    assert brief(told) == [(Kind.NEW, f"line number {n} of many") for n in range(10, 60)]


def test_a_line_across_two_columns_that_moved_follows_one_of_them():
    journal = Journal()
    journal.update([], [line(f"line number {n}", n) for n in range(9)], 100.0)
    columns = Rect(10, 0, 20, 7 * PITCH), Rect(80, 0, 20, 7 * PITCH)
    journal.move([Move(column, PITCH) for column in columns])
    assert [(each.text, each.rect.y // PITCH) for each in journal.lines] == [
        (f"line number {n}", n - 1) for n in range(1, 8)
    ] + [("line number 8", 8)]


def test_a_line_printed_again_at_the_bottom_is_new():
    screen = Screen("first", "ok", "third")
    assert brief(screen.scroll(1, 2, "ok")) == [(Kind.NEW, "ok")]


def test_scrolling_back_and_forth_tells_nothing_until_something_new_comes():
    screen = Screen("one", "two", "three", "four")
    screen.scroll(1, 3, "five")
    screen.scroll(1, 3, "six")
    assert screen.scroll(-2, 2, "one", "two") == []
    assert screen.scroll(2, 2, "five", "six") == []
    assert brief(screen.scroll(1, 3, "five")) == [(Kind.NEW, "five")]


def test_a_dialog_that_closes_is_gone_and_what_it_covered_is_not_new():
    texts = [f"{word} stands in the window" for word in ("alpha", "beta", "gamma", "delta")]
    screen = Screen(*texts)
    dialog = [line("Save changes?", 1, 90), line("Discard", 2, 90)]
    covered = screen.journal.take(lambda rect: PITCH <= rect.y < 3 * PITCH)
    screen.journal.update(covered, dialog, 200.0)
    shown = screen.journal.take(lambda rect: PITCH <= rect.y < 3 * PITCH)
    told = screen.journal.update(shown, [line(texts[n], n) for n in (1, 2)], 210.0)
    assert brief(told) == [(Kind.GONE, "Save changes?"), (Kind.GONE, "Discard")]


def test_a_line_whose_covered_half_was_misread_is_not_new():
    """What the edge of a dialogue leaves of a line may be read twice, once as rubbish."""
    covered, question = "timber orange alpha salmon", line("Save all of it now?", 0, 300)
    screen = Screen(covered)
    halves = [line("timber ore", 0), line("TemUn mal r", 0), question]
    screen.journal.update(screen.journal.take(lambda rect: True), halves, 101.0)
    assert brief(screen.show(covered)) == [(Kind.GONE, "Save all of it now?")]


def test_a_line_that_moved_elsewhere_is_nothing():
    screen = Screen("alpha works", "beta rests", "gamma waits")
    assert brief(screen.show("new at the top", "alpha works", "beta rests", "gamma waits")) == [
        (Kind.NEW, "new at the top")
    ]


def test_the_journal_is_bounded():
    screen = Screen()
    for n in range(30):
        screen.show(*(f"word {n} {row}" for row in range(200)))
    assert len(screen.journal.lines) <= 1500


NOTE = 'New: "build teapot failed with 3 errors", "see /tmp/teapot.log for the whole story"'


@pytest.mark.parametrize(
    "printed",
    [
        [NOTE],
        [f"14:03:20 {NOTE}"],
        [f"[2026-11-21 14:03:20] screen 1  {NOTE}"],
        [
            '14:03:20 New: "build teapot failed wi',
            'th 3 errors", "see /tmp/teapot.log fo',
            'r the whole story"',
        ],
        [
            '14:03:20 Newt "bui1d teapot failed with',
            ' 3 errors" "see /tmp/teapot log for the',
            'whole story"',
        ],
    ],
)
def test_printed_notes_are_recognised(printed):
    echo = Echo()
    echo.wrote(NOTE)
    rects = [Rect(10, 20 * row, 300, 16) for row in range(len(printed))]
    assert all(echo.is_note(text, rect) for text, rect in zip(printed, rects, strict=True))


def test_the_end_of_a_long_note_is_recognised_where_notes_are_printed():
    echo = Echo()
    echo.wrote(NOTE)
    quoted = "see /tmp/teapot.log for the whole story"
    assert not echo.is_note(quoted, Rect(500, 90, 300, 16))
    assert echo.is_note(f"14:03:20 {NOTE[:40]}", Rect(10, 0, 300, 16))
    assert echo.is_note(quoted, Rect(10, 90, 300, 16))


@pytest.mark.parametrize(
    "text", ["build teapot failed with 3 errors", "make: *** [teapot] Error 1"]
)
def test_what_a_note_quotes_is_no_echo_elsewhere(text):
    echo = Echo()
    echo.wrote(NOTE)
    echo.is_note(NOTE, Rect(10, 0, 300, 16))
    assert not echo.is_note(text, Rect(400, 40, 300, 16))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("drwxr-xr-x 2 root", "drwxr-xr-x 2 r0ot", True),
        ("the test has passed today", "the test has failed today", False),
        ("port 8080", "port 8088", False),
        ("relaxing static deadline exporting", "relaxing statio deadline exporting", True),
        ("turn it on now please", "turn it off now please", False),
    ],
)
def test_likeness(one, other, same):
    assert likeness.same(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "nearly"),
    [
        ("feather planet basket", "feathen planet basket", True),
        ("feather planet 17 basket", "feather planet 18 basket", False),
        ("feather planet basket", "feather planet bucket", False),
        ("short", "shore", False),
    ],
)
def test_nearly(one, other, nearly):
    assert likeness.nearly(likeness.fold(one), likeness.fold(other)) is nearly


def test_lines_of_a_note_are_in_the_order_of_the_screen():
    texts = ["$ make", "compiling", "error: no teapot", "done", "$ "]
    happenings = [
        Happening(Kind.NEW, text, rect=line(text, row).rect) for row, text in enumerate(texts)
    ]
    assert wording.later(happenings[::-1]) == "New: " + ", ".join(f'"{text}"' for text in texts)
    lines = [line(text, row) for row, text in enumerate(texts)]
    assert wording.first(lines[::-1], 640, 360) == "On screen: " + ", ".join(
        f'"{text}"' for text in texts
    )


def test_the_most_important_of_many_lines_is_told():
    texts = [f"{'a long line ' * 20}{row}" for row in range(40)]
    texts[30] = "error: no teapot"
    happenings = [
        Happening(Kind.NEW, text, rect=line(text, row).rect) for row, text in enumerate(texts)
    ]
    assert wording.later(happenings).endswith('"error: no teapot" +34 more lines')
