from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from hud.local import ink
from hud.local.reader import Line, Reader, rows, tidy
from hud.rect import Rect


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def picture(*texts: str, size: float = 0.8) -> np.ndarray:
    drawn = np.full((20 + 40 * len(texts), 640, 3), 255, np.uint8)
    for row, text in enumerate(texts):
        place = (12, 40 + 40 * row)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_DUPLEX, size, (20, 20, 20), 1, cv2.LINE_AA)
    return drawn


def test_reads_lines_from_top_to_bottom(reader):
    lines = reader.read(picture("Queue 1,204 waiting", "nothing else to say"))
    assert [line.text for line in lines] == ["Queue 1,204 waiting", "nothing else to say"]
    assert lines[0].rect.y < lines[1].rect.y
    assert all(line.confidence > 0.8 for line in lines)


def test_reads_rows_apart_each_in_its_own_pixels(reader):
    texts = [str(number) for number in range(3, 12)]
    found = reader.read_rows([picture(text)[12:48, :120] for text in texts])
    assert [[line.text for line in lines] for lines in found] == [[text] for text in texts]
    assert all(line.rect.bottom <= 60 for lines in found for line in lines)


@pytest.mark.parametrize("shape", [(0, 0), (0, 30), (3, 700), (1, 1), (5000, 20), (20, 20000)])
def test_odd_shapes_are_no_error(reader, shape):
    odd = np.zeros((*shape, 3), np.uint8)
    assert reader.read(odd) == []
    assert reader.read_rows([odd, picture("a word")[10:50]])[0] == []


def test_noise_says_nothing(reader):
    noise = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)
    assert len(reader.read(noise)) <= 1


def test_pieces_of_a_row_are_one_line_and_columns_are_two():
    pieces = [
        Line("one", Rect(0, 10, 30, 14), 0.9),
        Line("two", Rect(40, 11, 30, 14), 0.8),
        Line("far", Rect(200, 10, 30, 14), 0.9),
    ]
    assert [line.text for line in rows(pieces)] == ["one two", "far"]


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("  two   words ", "two words"),
        ("full：width！", "full:width!"),
        ("你好：世界", "你好：世界"),
        ("at 14:13;02, 9;05:11", "at 14:13:02, 9:05:11"),
        ("1;22;33 x:12;99;1 a=1;b", "1;22;33 x:12;99;1 a=1;b"),
    ],
)
def test_tidy(raw, plain):
    assert tidy(raw) == plain


def test_loading_says_nothing_and_needs_no_network():
    code = (
        "import socket\n"
        "def forbidden(*arguments): raise SystemExit('network!')\n"
        "socket.socket.connect = socket.getaddrinfo = forbidden\n"
        "from hud.local.reader import Reader\n"
        "Reader()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b""
    assert done.stderr == b""


def test_without_the_engine_the_error_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['rapidocr'] = None\n"
        "from hud.local.reader import Reader\n"
        "from hud.errors import LocalModelError\n"
        "try: Reader()\n"
        "except LocalModelError as error: sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "pip install '.[local]'" in done.stdout


def test_a_caret_below_does_not_join_a_row_of_ink():
    gray = np.full((60, 300), 255, np.uint8)
    cv2.putText(gray, "open the test", (12, 24), cv2.FONT_HERSHEY_PLAIN, 1.0, 0, 1)
    (before,) = ink.rows(gray)
    gray[25:43, 13:20] = 0
    row = ink.rows(gray)[0]
    assert row.x <= before.x
    assert row.bottom <= before.bottom + 1


def test_the_engine_neither_calls_its_maker_nor_leaves_anything_at_home(tmp_path):
    """onnxruntime's telemetry writes the number of the machine before it sends anything."""
    program = (
        "import numpy; from hud.local.reader import Reader;"
        "Reader().read(numpy.full((99, 300, 3), 255, numpy.uint8))"
    )
    environment = {name: value for name, value in os.environ.items() if name[:4] != "ORT_"}
    run = [sys.executable, "-c", program]
    subprocess.run(run, env=environment | {"HOME": str(tmp_path)}, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []
