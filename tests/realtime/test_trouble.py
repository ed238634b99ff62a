from __future__ import annotations

import pytest

from hud.realtime.backoff import LONGEST, Backoff
from hud.realtime.scrub import MOST, scrub
from hud.realtime.trouble import Cure, Trouble, closed, delay_in, refused


@pytest.mark.parametrize(
    ("code", "kind", "cure"),
    [
        ("insufficient_quota", "", Cure.STOP),
        ("something_new", "insufficient_quota", Cure.STOP),
        ("beta_api_shape_disabled", "invalid_request_error", Cure.STOP),
        ("rate_limit_exceeded", "tokens", Cure.WAIT),
        ("tokens", "rate_limit_exceeded", Cure.WAIT),
        ("session_expired", "invalid_request_error", Cure.RECONNECT),
        ("server_error", "server_error", Cure.ASK_AGAIN),
        ("never_seen", "", Cure.ASK_AGAIN),
        ("", "", Cure.ASK_AGAIN),
    ],
)
def test_code_or_type_says_what_cures_it(code, kind, cure):
    assert Trouble(code, "", kind).cure is cure


@pytest.mark.parametrize(
    ("code", "cure"),
    [(code, Cure.RECONNECT) for code in (1000, 1001, 1006, 1011, 1012, 1013, 1015, 4999)]
    + [(code, Cure.STOP) for code in (1008, 3000, 4000)]
    + [(1009, Cure.DROP)],
)
def test_closes(code, cure):
    assert closed(code, "").cure is cure


def test_a_close_that_names_a_fatal_code_is_final():
    assert closed(1011, "invalid_request_error.insufficient_quota").cure is Cure.STOP


def test_a_close_is_told_by_its_code_and_reason():
    trouble = closed(1011, "overloaded, try again in 5s")
    assert (trouble.code, trouble.message) == ("closed 1011", "overloaded, try again in 5s")
    assert str(trouble) == "closed 1011: overloaded, try again in 5s"
    assert trouble.wait == 5.0
    assert str(Trouble("")) == "an error without words"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Trouble("busy", "later", "server_error"), "busy: later"),
        (Trouble("busy", "", "server_error"), "busy"),
        (Trouble("", "later", "server_error"), "later"),
        (Trouble("", "", "server_error"), "no reason given"),
    ],
)
def test_a_refusal_is_told_by_its_status_and_what_was_said(said, message):
    trouble = refused(503, said)
    assert (trouble.code, trouble.message, trouble.kind) == ("HTTP 503", message, "server_error")
    assert trouble.wait is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301, 410])
def test_these_refusals_stay(status):
    assert refused(status, Trouble("", "")).cure is Cure.STOP


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_these_refusals_pass_unless_the_account_is_the_reason(status):
    passing = refused(status, Trouble("busy", "later"), "12")
    assert (passing.cure, passing.wait) == (Cure.RECONNECT, 12.0)
    assert refused(status, Trouble("insufficient_quota", "pay")).cure is Cure.STOP


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 7.853s. Visit", 7.853),
        ("try again in 1m26.4s", 86.4),
        ("try again in 350ms.", 0.35),
        ("try again in 0h59m59.5s", 3599.5),
        ("try again in 2h", 3600.0),
        ("Try again in 5m", 300.0),
        ("try again in a while", None),
        ("slow down", None),
        ("try again in 99999999999999999999s", None),
    ],
)
def test_how_long_to_wait(message, seconds):
    assert delay_in(message) == seconds


def test_waits_double_and_only_an_answer_resets_them():
    backoff = Backoff(chance=lambda: 1.0)
    assert [backoff.next() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, LONGEST, LONGEST]
    backoff.reset()
    assert backoff.next() == 0.5
    assert Backoff(chance=lambda: 0.0).next() == 0.25


KEY = "sk-proj-abcdefghijklmnop"


@pytest.mark.parametrize(
    "message",
    [
        f"Incorrect API key provided: {KEY}.",
        "Incorrect API key provided: sk-pr***mnop.",
        "the key that ends in mnop is unknown",
        "Rate limit reached in organization org-abc123def on tokens",
        "key (ek_0123456789abcdef) expired",
    ],
)
def test_no_key_and_no_account_is_shown(message):
    line = scrub(message, KEY)
    for secret in (KEY, "mnop", "org-abc", "ek_0123"):
        assert secret not in line


def test_a_message_is_one_short_line():
    assert scrub("two\nlines\x1b[31m red\x00", "") == "two lines [31m red"
    assert len(scrub("word " * 9999, "")) == MOST + 1
    assert scrub("plain words stay as they are", KEY) == "plain words stay as they are"
    assert scrub("x " * (MOST // 2 - 1) + "xx", "") == "x " * (MOST // 2 - 1) + "xx"
    assert scrub("", KEY) == ""


def test_what_is_taken_out_leaves_one_sign():
    assert scrub("the key sk-abcdefgh of org_12345 is (mnop), 'mnop' or pr***op", KEY) == (
        "the key … of … is … … or …"
    )
    assert scrub("Xmnop", KEY) == "Xmnop", "letters are part of the word"
    assert scrub("nop is too short to tell", KEY) == "nop is too short to tell"
