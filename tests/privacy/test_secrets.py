from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hud.local.reader import Line, Word
from hud.privacy.covers import covers
from hud.privacy.options import PrivacyOptions
from hud.privacy.secrets import KINDS, Secrets, problem
from hud.rect import Rect
from hud.stage import OptionError

ALL = Secrets.named(["all"])


def found(text: str, secrets: Secrets = ALL) -> list[str]:
    return [text[begin:end] for begin, end in secrets.find(text)]


@pytest.mark.parametrize(
    ("kind", "before", "secret", "after"),
    [
        ("api-keys", "the key is ", "sk-proj-Ab3dEf9hIjKlMn0pQrStUvWx", " ok"),
        ("api-keys", "use ", "AKIAIOSFODNN7EXAMPLE", " and"),
        ("api-keys", "use ", "AKlAIOSFODNN7EXAMPLE", " misread"),
        ("api-keys", "x ", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", " y"),
        ("jwts", "token ", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123", " end"),
        ("cards", "pay ", "4111 1111 1111 1111", " now"),
        ("cards", "pay ", "4111111111111111", " now"),
        ("cards", "pay ", "4111 1111 1111 1112", " a slip of the reader"),
        ("ibans", "to ", "DE89 3704 0044 0532 0130 00", ""),
        ("ibans", "to ", "DE89370400440532013000", ""),
        ("emails", "from ", "bob.meyer+news@example.co.uk", ": hello"),
        ("passwords", "password: ", "hunter2", " there"),
        ("passwords", "PASSW0RD=", "FPJSJJxH", " misread"),
        ("passwords", "export DB_PASSWORD=", "s3cr%t", ""),
        ("private-keys", "", "-----BEGIN RSA PRIVATE KEY-----", ""),
    ],
)
def test_a_secret_is_found_and_its_neighbours_are_not(kind, before, secret, after):
    text = before + secret + after
    assert found(text) == [secret]
    assert found(text, Secrets.named([kind])) == [secret]


@pytest.mark.parametrize(
    "text",
    [
        "order 1234567890123456",
        "/home/user/Project2/src/FooBar1.py line 20",
        "2026-11-21T10:43:06 build 4711 failed with 3 errors",
        "550e8400-e29b-41d4-a716-446655440000",
        "test_that_something_works_2_times_over passed",
        "phone +49 170 1234567",
        "token count: 1",
        "skilled work on the secret of success",
    ],
)
def test_what_only_looks_like_one_is_left(text):
    assert found(text) == []


def test_only_the_kinds_that_were_asked_for():
    assert found("bob@example.com 4111111111111111", Secrets.named(["cards"])) == [
        "4111111111111111"
    ]


def test_patterns_of_ones_own():
    assert found("see TOP-1234 and TOP-1", Secrets.named([r"/TOP-\d{4}/"])) == ["TOP-1234"]


@pytest.mark.parametrize("texts", [["all", "/a+/"], list(KINDS), []])
def test_known_names_are_accepted(texts):
    assert problem(texts) is None


@pytest.mark.parametrize(("text", "says"), [("/a(/", "regular expression"), ("keys", "api-keys")])
def test_a_mistake_is_named(text, says):
    with pytest.raises(OptionError, match=says):
        PrivacyOptions(redact=(text,))


@given(st.text(max_size=200))
def test_any_text_can_be_searched(text):
    spans = ALL.find(text)
    assert all(begin < end <= len(text) for begin, end in spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


# Where they stand


def line(text: str, y: int, x: int = 10) -> Line:
    """As the reader gives it, ten columns a letter."""
    words, at = [], x
    for each in text.split():
        words.append(Word(each, at, at + 10 * len(each)))
        at += 10 * len(each) + 10
    return Line(text, Rect(x, y, 10 * len(text), 16), 0.99, tuple(words))


def test_only_the_words_of_the_secret_are_covered():
    (cover,) = covers([line("card 4111 1111 1111 1111 expires soon", 100)], ALL)
    assert cover.x <= 60
    assert 250 <= cover.right <= 260
    assert cover.y < 100
    assert cover.bottom > 116


def test_a_wrapped_secret_is_followed_into_the_next_rows():
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxNzY2MDkwOTIi"
    rows = [line(f"see {token}", 100), line("LCJpYXQiOjE1Nzk2NDAwMDh9BGP8dn1yGG6", 120)]
    rows += [line("oWt (new)", 140), line("4 builds have passed", 160)]
    assert {cover.y // 20 for cover in covers(rows, ALL)} == {4, 5, 6}  # not 7


def test_a_private_key_is_covered_from_end_to_end():
    rows = ["-----BEGIN PRIVATE KEY-----", *["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwgg"] * 3]
    rows += ["-----END PRIVATE KEY-----", "done"]
    lines = [line(text, 20 * number) for number, text in enumerate(rows)]
    assert len({cover.y for cover in covers(lines, ALL)}) == 5
    # Scrolled, so that its first line is out of sight.
    assert len({cover.y for cover in covers(lines[2:], ALL)}) == 3
    assert covers(lines, Secrets.named(["emails"])) == []


def test_without_places_of_words_the_whole_line_is_covered():
    whole = Line("write to bob@example.com", Rect(50, 100, 300, 16), 0.9)
    (cover,) = covers([whole], ALL)
    assert cover.x < 50
    assert cover.right > 350
