"""What looks like a secret in a line of text that was read off a screen.

The reader slips now and then: it takes I for l and 0 for O, drops an underscore, puts a space into
a long word. So the patterns are wider than those of programs that search source code, and what is
doubtful counts as a secret: a line too much painted over costs a word, one too little a password.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import attrs
from stdnum import luhn

Span = tuple[int, int]
"""First letter and the one behind the last."""

_DIGIT = "0-9OoQDIl|SBZ"
_DIGITS = str.maketrans("OoQDIl|SBZ", "0000111582")
_SPACE = r"[ \u00a0]?"

_PREFIXED = re.compile(
    # Of the services' own documents: how their keys begin.
    r"(?<![A-Za-z0-9])(?:"
    r"[sprk]{1,2}[-_ ]?(?:live|test|proj|ant|or|svcacct|admin)[-_ ]?[A-Za-z0-9_\-]{6,}"
    r"|sk[-_][A-Za-z0-9_\-]{8,}|(?:gh[pousr]|github_pat|glpat|npm|pypi|hf|r8|gsk|dop_v1|shp[a-z]{2})"
    r"[-_ ][A-Za-z0-9_\-]{8,}|xox[a-z0-9]-[A-Za-z0-9\-]{8,}|xapp-[A-Za-z0-9\-]{8,}"
    r"|A[KS][I1l|][A@][A-Z0-9]{10,}|A[I1l|]za[A-Za-z0-9_\- ]{20,}|ya29\.[A-Za-z0-9_\-]{10,}"
    r"|SG\.[A-Za-z0-9_\-]{8,}\.?[A-Za-z0-9_\-]*|hv[sb]\.[A-Za-z0-9_\-]{10,}"
    r"|key-[a-f0-9]{16,}|AC[a-f0-9]{28,}|EAA[A-Za-z0-9]{20,}|[Bb]earer [A-Za-z0-9_\-.=+/]{8,}"
    r")"
)
_ASSIGNED = re.compile(
    r"(?:passw[o0]r[dt]|passwd|passphrase|pwd|[s5]ecret|credential|t[o0]ken|ap[i1l][_\- ]?key"
    r"|access[_\- ]?key|pr[i1l]vate[_\- ]?key|auth)[A-Za-z0-9_\-]{0,24}[\"'”]?\s{0,3}(?::=|=>|[:=])"
    r"\s{0,3}[\"'“]?(?P<secret>[^\s\"'”,;]{4,})",
    re.IGNORECASE,
)
_BLOB = re.compile(r"[A-Za-z0-9+=~_\-/.]{16,}")
_PIECE = re.compile(r"[A-Za-z0-9+=~]{16,}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}")
_JWT = re.compile(r"ey[JjI1l][A-Za-z0-9_\-]{7,}(?:" + _SPACE + r"[._]" + _SPACE + r"[\w\-]{4,})*")
_CARD = re.compile(rf"(?<![A-Za-z0-9])[{_DIGIT}](?:[ \-.]?[{_DIGIT}]){{12,18}}(?![A-Za-z0-9])")
_CARD_LAYOUT = re.compile(r"\d{4}([ \-.])\d{4}\1\d{4}\1\d{4}|\d{4}([ \-.])\d{6}\2\d{4,5}")
_IBAN = re.compile(
    rf"(?<![A-Za-z0-9])[A-Z|]{{2}}{_SPACE}[{_DIGIT}]{{2}}(?:{_SPACE}[A-Z0-9Ool|]){{11,30}}"
)
_EMAIL = re.compile(
    r"[\w.+\-%]+"
    + _SPACE
    + r"[@©®]"
    + _SPACE
    + r"[\w\-]+(?:"
    + _SPACE
    + r"[.,]"
    + _SPACE
    + r"\w+)+"
)
_KEY_BEGIN = re.compile(r"BEG[I1l|]N[A-Z ]*(?:PRIVATE|KEY)|PRIVATE\s?KEY\s?-{2,}")
_KEY_END = re.compile(r"END[A-Z ]*PR[I1l|]VATE|-{2,}\s?END\b")
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{24,}")


def _prefixed(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _PREFIXED.finditer(text))


def _assigned(text: str) -> Iterator[Span]:
    yield from (found.span("secret") for found in _ASSIGNED.finditer(text))


def _blobs(text: str) -> Iterator[Span]:
    """Long words that no person made up: letters of both sizes mixed with digits, or hex."""
    for found in _BLOB.finditer(text):
        if any(_is_random(piece) for piece in _PIECE.findall(found.group())):
            yield found.span()


def _is_random(word: str) -> bool:
    digits = sum(letter.isdigit() for letter in word)
    upper = sum(letter.isupper() for letter in word)
    lower = sum(letter.islower() for letter in word)
    if _HEX.fullmatch(word):
        return digits >= 4 and upper + lower >= 2
    if len(word) >= 32 and upper and lower and digits:
        return True
    return digits >= 2 and upper >= 2 and lower >= 2 and _changes(word) >= len(word) / 4


def _changes(word: str) -> int:
    """How often the kind of letter changes from one to the next."""
    kinds = ["d" if each.isdigit() else "u" if each.isupper() else "l" for each in word]
    return sum(one != other for one, other in itertools.pairwise(kinds))


def _api_keys(text: str) -> Iterator[Span]:
    yield from _prefixed(text)
    yield from _blobs(text)


def _jwts(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _JWT.finditer(text))


def _private_keys(text: str) -> Iterator[Span]:
    if begins_key(text) or ends_key(text):
        yield 0, len(text)


def _cards(text: str) -> Iterator[Span]:
    """A valid check digit, or the grouping that is printed on cards: a digit may be misread."""
    for found in _CARD.finditer(text):
        if sum(letter.isdigit() for letter in found.group()) < 10:
            continue
        number = found.group().translate(_DIGITS)
        plain = re.sub(r"\D", "", number)
        if _CARD_LAYOUT.fullmatch(number) or (13 <= len(plain) <= 19 and luhn.is_valid(plain)):
            yield found.span()


def _ibans(text: str) -> Iterator[Span]:
    """Two letters, two digits, and groups of four as printed; the check is left to banks."""
    for found in _IBAN.finditer(text):
        plain = found.group().replace(" ", "")
        if sum(letter.isdigit() for letter in plain) >= 10 and 15 <= len(plain) <= 34:
            yield found.span()


def _emails(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _EMAIL.finditer(text))


KINDS: dict[str, Callable[[str], Iterator[Span]]] = {
    "api-keys": _api_keys,
    "passwords": _assigned,
    "jwts": _jwts,
    "private-keys": _private_keys,
    "cards": _cards,
    "ibans": _ibans,
    "emails": _emails,
}
"""Name in the configuration → where such secrets stand in a text."""
ALL = "all"


def problem(texts: Sequence[str]) -> str | None:
    """What is wrong with names and patterns that a user wrote, None if nothing."""
    for text in texts:
        if _is_pattern(text):
            try:
                re.compile(text[1:-1])
            except re.error as error:
                return f"{text} is no regular expression: {error}"
        elif text != ALL and text not in KINDS:
            names = ", ".join((ALL, *KINDS))
            return f"must be a list of some of {names}, or patterns such as /TOP-\\d+/"
    return None


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


@attrs.frozen
class Secrets:
    """The kinds of secrets, and patterns of a user's own, that are looked for."""

    finders: tuple[Callable[[str], Iterator[Span]], ...]
    has_keys: bool = False
    """Whether private keys, which stand on many lines, are among them."""

    @classmethod
    def named(cls, texts: Sequence[str]) -> Secrets:
        """From the names and patterns of a configuration."""
        names = [name for name in KINDS if name in texts or ALL in texts]
        own = [_finder(text[1:-1]) for text in texts if _is_pattern(text)]
        return cls((*(KINDS[name] for name in names), *own), "private-keys" in names)

    def find(self, text: str) -> list[Span]:
        """Where secrets stand, in order, none touching another."""
        spans = sorted(span for finder in self.finders for span in finder(text))
        found: list[Span] = []
        for begin, end in spans:
            if found and begin <= found[-1][1]:
                found[-1] = found[-1][0], max(end, found[-1][1])
            elif begin < end:
                found.append((begin, end))
        return found


def _finder(pattern: str) -> Callable[[str], Iterator[Span]]:
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[Span]:
        yield from (found.span() for found in compiled.finditer(text))

    return find


def begins_key(text: str) -> bool:
    """Whether a private key begins with this line."""
    return bool(_KEY_BEGIN.search(text)) and not ends_key(text)


def ends_key(text: str) -> bool:
    """Whether a private key ends with this line."""
    return bool(_KEY_END.search(text))


def goes_on(text: str) -> bool:
    """Whether a line holds nothing but what may be the rest of a secret."""
    words = text.split()
    if not words or len(words) > 3:
        return False
    longest = max(words, key=len)
    return len(longest) >= 6 and len(longest) >= 0.6 * len(text) and _is_mixed(longest)


def rest(text: str) -> Span | None:
    """The first word of a line, if it may be the rest of a secret that filled the line above."""
    word = text.partition(" ")[0]
    if _is_mixed(word) or (len(word) <= 3 and not word.islower()):
        return 0, len(word)
    return None


def _is_mixed(word: str) -> bool:
    return any(letter.isdigit() for letter in word) or word[1:] != word[1:].lower()


def is_encoded(text: str) -> bool:
    """Whether a line is a row of an encoded key."""
    return bool(_ENCODED.fullmatch(text.replace(" ", "")))
