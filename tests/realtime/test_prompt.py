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


def test_a_summary_takes_the_place_of_the_older_notes():
    memory = Memory(keep=2, most=4, summarizes=True)
    for number in range(3):
        memory.add("14:00", str(number))
    assert not memory.wants_summary
    memory.add("14:00", "3")
    assert memory.wants_summary
    memory.rebase("all\n  went  well")
    assert memory.text() == "Earlier: all went well\n14:00 2\n14:00 3"
    assert not memory.wants_summary
    memory.rebase("")
    assert memory.text().startswith("Earlier: all went well\n")


def test_a_summary_that_never_comes_is_not_waited_for_for_ever():
    memory = Memory(keep=2, most=4, summarizes=True)
    sizes = []
    for number in range(30):
        memory.add("14:00", str(number))
        sizes.append(len(memory.text().splitlines()))
    assert max(sizes) == 4 + 10
    assert memory.text().startswith("14:00 ")
    assert not Memory(most=1).wants_summary


def test_a_memory_of_nothing():
    memory = Memory(most=0)
    memory.add("14:00", "note")
    assert memory.text() == ""
