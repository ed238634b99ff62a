from __future__ import annotations

import pytest

from hud.privacy.options import PrivacyOptions
from hud.privacy.rules import Identity, parse
from hud.privacy.seeded import SEEDED
from hud.rect import Rect
from hud.stage import OptionError


@pytest.mark.parametrize(
    ("rule", "title", "means"),
    [
        ("title:Inbox", "inbox", True),
        ("title:Inbox", "My inbox", False),
        ("title:*inbox*", "My Inbox (3)", True),
        ("title:[1] a?c", "[1] abc", True),
        ("title:[1]", "1", False),
        ("title:/^re: .*salary/", "RE: your salary", True),
        ("title:/salary$/", "salary, again", False),
        ("title:a: b", "a: b", True),
        ("class:Inbox", "Inbox", False),
    ],
)
def test_a_pattern_is_exact_or_a_glob_or_a_regex(rule, title, means):
    assert parse(rule).names(Identity(titles=("other", title))) is means


def test_places_are_of_a_monitor():
    assert parse("rect:1,2,3,4").rect == Rect(1, 2, 3, 4)
    assert parse("rect:1,2,3,4").monitor == 1
    assert parse("rect:2:1,2,3,4").monitor == 2
    assert (parse("monitor:2").monitor, parse("monitor:2").rect) == (2, None)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("Inbox", "must be rect:"),
        ("title:", "must be rect:"),
        ("rect:1,2,3", "must be rect:X,Y,WIDTH,HEIGHT in whole pixels"),
        ("rect:1,2,3,0", "whole pixels"),
        ("monitor:two", "'two' must be a whole number"),
        ("class:/(/", "is no regular expression"),
    ],
)
def test_a_bad_rule_is_refused_with_a_reason(rule, says):
    with pytest.raises(OptionError, match=says):
        PrivacyOptions(mask=(rule,))


def test_only_names_windows():
    with pytest.raises(OptionError, match="must name windows"):
        PrivacyOptions(only=("monitor:1",))


def test_the_built_in_list_is_on_and_can_be_turned_off_by_name():
    vault = Identity(classes=("keepassxc", "KeePassXC"))
    private = Identity(titles=("Bank — Mozilla Firefox Private Browsing",), classes=("firefox",))
    plain = Identity(titles=("Bank — Mozilla Firefox",), classes=("firefox",))
    assert PrivacyOptions().forbids(vault)
    assert PrivacyOptions().forbids(private)
    assert not PrivacyOptions().forbids(plain)
    assert not PrivacyOptions(show=("keepass",)).forbids(vault)
    assert PrivacyOptions(show=("keepass",)).forbids(private)
    assert not PrivacyOptions(show=("all",)).forbids(private)
    with pytest.raises(OptionError, match="must be a list of some of all, 1password"):
        PrivacyOptions(show=("keypass",))


def test_every_rule_of_the_built_in_list_is_a_rule():
    assert all(parse(text).of_windows for texts in SEEDED.values() for text in texts)


def test_which_rules_cannot_do_without_the_windows():
    assert not PrivacyOptions().needs_windows
    assert not PrivacyOptions(mask=("rect:0,0,9,9",)).needs_windows
    assert PrivacyOptions(mask=("class:a",)).needs_windows
    assert PrivacyOptions(only=("class:a",)).needs_windows
    assert PrivacyOptions().asks_for_windows
    assert not PrivacyOptions(show=("all",), itself=False).asks_for_windows
