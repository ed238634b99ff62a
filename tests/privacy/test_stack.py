from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hud.privacy.cover import LINGER, MANY, STEP, Cover
from hud.privacy.rules import Identity
from hud.privacy.stack import Hidden, LostTrackError, Stack, Window
from hud.rect import Rect
from tests.painting import RECTS, SIZE, drawn


def window(number: int, rect: Rect, **more) -> Window:
    known = {"mapped": True, "solid": True, "forbidden": False, "identity": Identity()}
    return Window(number=number, rect=rect, **known | more)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(RECTS, st.booleans(), st.booleans(), st.booleans()), max_size=7),
)
def test_hidden_is_what_a_painter_would_leave_of_the_forbidden(windows):
    stack = Stack(
        [
            window(n << 21, rect, forbidden=forbidden, mapped=mapped, solid=solid)
            for n, (rect, forbidden, mapped, solid) in enumerate(windows, 1)
        ],
        size=SIZE,
    )
    # Painted from the lowest to the highest: what is solid hides what is below it.
    expected = np.zeros(SIZE[::-1], bool)
    for rect, forbidden, mapped, solid in windows:
        if mapped and (forbidden or solid):
            expected = expected & ~drawn([rect]) if not forbidden else expected | drawn([rect])
    assert np.array_equal(drawn(stack.hidden().known), expected)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(RECTS, st.booleans(), st.booleans()), max_size=7))
def test_with_a_list_of_allowed_windows_everything_else_is_hidden(windows):
    stack = Stack(
        [
            window(n << 21, r, allowed=ok, solid=solid)
            for n, (r, ok, solid) in enumerate(windows, 1)
        ],
        size=SIZE,
        only_allowed=True,
    )
    seen = np.zeros(SIZE[::-1], bool)
    for rect, allowed, solid in windows:
        seen = seen | drawn([rect]) if allowed and solid else seen & ~drawn([rect])
    assert np.array_equal(drawn(stack.hidden().known), ~seen)


def test_a_window_nobody_has_looked_at_is_hidden_for_now():
    stack = Stack([window(1, Rect(0, 0, 9, 9), identity=None)], size=SIZE)
    assert stack.hidden() == Hidden(unknown=frozenset({Rect(0, 0, 9, 9)}))


def test_menus_and_dialogues_belong_to_their_window():
    app, other = 1 << 21, 2 << 21
    stack = Stack(
        [
            window(9, Rect(0, 0, 10, 10), forbidden=True, identity=Identity(clients=(app,))),
            window(app | 5, Rect(10, 0, 5, 5), managed=False),
            window(other | 5, Rect(15, 0, 5, 5), managed=False),
            window(8, Rect(20, 0, 5, 5), identity=Identity(clients=(7,), transient_for=app)),
            window(6, Rect(25, 0, 5, 5), identity=Identity(clients=(5,), transient_for=7)),
            window(4, Rect(30, 0, 5, 5), identity=Identity(transient_for=other)),
        ],
        size=SIZE,
    )
    assert {rect.x for rect in stack.hidden().known} == {0, 10, 20, 25}


def test_the_order_follows_what_is_told():
    stack = Stack([window(n, Rect(0, 0, 1, 1)) for n in (1, 2, 3)], size=SIZE)
    stack.restack(1, 3)
    stack.restack(2, 0)
    stack.restack(3, None)
    assert [each.number for each in stack] == [2, 1, 3]
    stack.add(window(4, Rect(0, 0, 1, 1)))
    stack.remove(1)
    stack.remove(99)
    assert [each.number for each in stack] == [2, 3, 4]
    for wrong in (lambda: stack.restack(9, 0), lambda: stack.restack(2, 9)):
        with pytest.raises(LostTrackError):
            wrong()


A, B = Rect(0, 0, 5, 5), Rect(10, 0, 5, 5)


def test_a_place_stays_covered_for_a_moment():
    cover = Cover()
    cover.stood(Hidden(frozenset({A})), 1.0)
    cover.stood(Hidden(frozenset({A})), 5.0)
    cover.stood(Hidden(frozenset({B})), 5.0)
    assert cover.at(5.0) == {A, B}
    assert 5.0 + LINGER <= cover.due <= 5.0 + LINGER + STEP
    cover.stood(Hidden(frozenset({B})), 5.0 + LINGER + 2 * STEP)
    assert cover.at(5.0 + LINGER + 2 * STEP) == {B}
    assert cover.due == float("inf")


def test_many_places_are_covered_as_few_larger_ones():
    cover = Cover()
    for x in range(2 * MANY):
        cover.stood(Hidden(frozenset({Rect(x, 0, 3, 3)})), 1.0)
    places = cover.at(1.0)
    assert len(places) <= 2
    assert drawn(places)[0, : SIZE[0]].all()
