from __future__ import annotations

import itertools

import pytest

from hud.realtime.memory import KEEP, MOST, Memory
from hud.realtime.prompt import INSTRUCTIONS, NOTHING, is_nothing, may_become_nothing


@pytest.mark.parametrize("text", ["", NOTHING, "nothing worth noting", ' "Nothing worth noting." '])
def test_nothing_by_any_spelling(text):
    assert is_nothing(text)


def test_a_note_is_not_nothing():
    assert not is_nothing("Nothing worth noting except the error")
    assert NOTHING in INSTRUCTIONS


def test_an_answer_is_held_back_only_while_it_can_still_be_nothing():
    held = [may_become_nothing(NOTHING[:end]) for end in range(len(NOTHING) + 1)]
    assert all(held)
    assert not may_become_nothing("Nothing works")


def test_memory_grows_and_is_cut_in_one_step():
    memory = Memory()
    texts = []
    for number in range(200):
        memory.add("14:00:00", f"note\n{number}")
        texts.append(memory.text())
    assert max(len(text.splitlines()) for text in texts) == MOST
    extended = [later.startswith(earlier) for earlier, later in itertools.pairwise(texts)]
    assert extended.count(False) == (200 - MOST) // (MOST - KEEP) + 1
    assert texts[-1].splitlines()[-1] == "14:00:00 note 199"
