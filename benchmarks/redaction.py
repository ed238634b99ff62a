"""How many of the secrets on a screen are painted over before it is sent?

    python benchmarks/redaction.py [--seed 1] [--show DIR] [--missed]

A browser (Chromium, headless) draws 200 random secrets in three fonts and three sizes, light and
dark, and 50 harmless texts that look like secrets, each in a line with other words. The whole
screen, and then each line alone as a close-up, goes through what `privacy.redact: [all]` runs. A
secret counts as painted when at least 99 % of its ink lies below the paint; a harmless text as kept
when nothing of it does. With --show the painted screens are written as PNG, with --missed what
was not painted is listed. Needs playwright and Debian's chromium.
"""

from __future__ import annotations

import argparse
import base64
import collections
import html
import random
import string
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import cv2
import numpy as np
import trio
from playwright.sync_api import sync_playwright
from stdnum import iban, luhn

from hud.items import Frame, View
from hud.local.worker import open_reader
from hud.privacy.secrets import Secrets
from hud.rect import Rect
from stages.encode.draw import BLOT
from stages.encode.redact import Redaction

SIZE = (1280, 720)
FONTS = ("DejaVu Sans Mono", "Liberation Sans", "Liberation Serif")
PIXELS = (12, 14, 18)
SECRETS, HARMLESS = 200, 50
PAGES = 18
LETTERS = string.ascii_letters + string.digits


@attrs.frozen
class Text:
    """Something on the screen: a secret of some kind, or a harmless text."""

    kind: str
    text: str
    before: str
    after: str
    harmless: bool = False


@attrs.frozen
class Page:
    """One screen and where its texts stand."""

    pixels: np.ndarray
    texts: Sequence[Text]
    places: Sequence[Sequence[Rect]]
    look: str


def _draw(chance: random.Random, alphabet: str, count: int) -> str:
    return "".join(chance.choices(alphabet, k=count))


def _api_key(chance: random.Random) -> str:
    upper = string.ascii_uppercase + string.digits
    return chance.choice(
        (
            "sk-proj-" + _draw(chance, LETTERS, 40),
            "sk-ant-api03-" + _draw(chance, LETTERS, 40),
            "sk_live_" + _draw(chance, LETTERS, 24),
            "ghp_" + _draw(chance, LETTERS, 36),
            "github_pat_" + _draw(chance, LETTERS, 40),
            "glpat-" + _draw(chance, LETTERS, 20),
            f"xoxb-{chance.randrange(10**11, 10**12)}-" + _draw(chance, LETTERS, 24),
            "AKIA" + _draw(chance, upper, 16),
            "AIza" + _draw(chance, LETTERS + "-_", 35),
            "SG." + _draw(chance, LETTERS, 22) + "." + _draw(chance, LETTERS, 40),
            "npm_" + _draw(chance, LETTERS, 36),
            "hf_" + _draw(chance, string.ascii_letters, 34),
            _draw(chance, LETTERS + "+/", 40),
            _draw(chance, "0123456789abcdef", 40),
        )
    )


def _jwt(chance: random.Random) -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    head = part('{"alg":"HS256","typ":"JWT"}')
    body = part(f'{{"sub":"{chance.randrange(10**9)}","iat":{chance.randrange(10**9, 2 * 10**9)}}}')
    return f"{head}.{body}.{_draw(chance, LETTERS + '-_', 43)}"


def _private_key(chance: random.Random) -> str:
    kind = chance.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY"))
    rows = [_draw(chance, LETTERS + "+/", 64) for _ in range(4)]
    rows.append(_draw(chance, LETTERS + "+/", 30) + "==")
    return "\n".join((f"-----BEGIN {kind}-----", *rows, f"-----END {kind}-----"))


def _card(chance: random.Random) -> str:
    number = chance.choice("456") + _draw(chance, string.digits, 14)
    number += luhn.calc_check_digit(number)
    space = chance.choice(("", " ", "-"))
    return space.join(number[i : i + 4] for i in range(0, 16, 4))


def _iban(chance: random.Random) -> str:
    country, length = chance.choice((("DE", 18), ("FR", 23), ("AT", 16), ("NL", 14), ("ES", 20)))
    rest = _draw(chance, string.digits, length)
    if country == "NL":
        rest = "ABNA" + _draw(chance, string.digits, 10)
    number = country + iban.calc_check_digits(f"{country}00{rest}") + rest
    return chance.choice((number, " ".join(number[i : i + 4] for i in range(0, len(number), 4))))


def _email(chance: random.Random) -> str:
    name = chance.choice(("anna", "bob.meyer", "c_diaz", "info", "j.o.hansen+news", "li"))
    host = _draw(chance, string.ascii_lowercase, 6)
    end = chance.choice(("com", "org", "co.uk", "de"))
    return f"{name}{chance.choice(('', '7', '42'))}@{host}.{end}"


def _password(chance: random.Random) -> str:
    return _draw(chance, LETTERS + "!$%&*", chance.randrange(8, 16))


MAKERS = {
    "api-keys": _api_key,
    "jwts": _jwt,
    "private-keys": _private_key,
    "cards": _card,
    "ibans": _iban,
    "emails": _email,
    "passwords": _password,
}
SHARES = {
    "api-keys": 70,
    "jwts": 20,
    "private-keys": 10,
    "cards": 30,
    "ibans": 25,
    "emails": 25,
    "passwords": 20,
}
BEFORE = {
    "api-keys": ("export KEY=", "the key is ", "use ", "Authorization: Bearer ", "key "),
    "jwts": ("token ", "cookie: session=", ""),
    "private-keys": ("",),
    "cards": ("card ", "pay with ", ""),
    "ibans": ("to ", "account ", ""),
    "emails": ("from ", "write to ", ""),
    "passwords": ("password: ", "PASSWORD=", "db_password = ", "secret: "),
}
LOOK_ALIKES = (
    "2026-11-21T10:43:06+01:00",
    "/usr/lib/python3.11/site-packages/attrs",
    "build 4711 of 12000",
    "550e8400-e29b-41d4-a716-446655440000",
    "v2.14.0-rc.3+build.77",
    "+49 170 123 45 67",
    "4 111 items in 11 boxes",
    "test_reads_a_key_twice[12-False]",
    "192.168.178.21:8080",
    "https://example.org/docs/Setup2/index.html",
    "ISBN 978-3-16-148410-0",
    "1234567890123456",
    "order 2026-0815-4711",
    "sha 8f3b2c1d",
    "token count 18432",
    "0x7ffd9a3c",
    "#a1b2c3d4",
    "GET /api/v2/users?id=17 200 12ms",
    "CamelCaseClassName42",
    "max_retries = 5",
    "password forgotten?",
    "the secret of success",
    "DE-10115 Berlin",
    "key figures: 12, 14, 18",
    "AB12 CD34",
    "4.111.111,11 EUR",
    "x86_64-linux-gnu",
    "utf-8, iso-8859-15",
    "M 4x16 DIN 912",
    "skilled work",
    "eyeball",
    "bob at example",
    "@channel deploy is done",
    "a+b=c",
    "5e-324",
    "libopencv_core.so.4.10.0",
    "f7 f8 f9",
    "12:34:56.789",
    "Q3 2026 +17.4 %",
    "B2B and B2C",
    "MAC 00:1a:2b:3c:4d:5e",
    "flight LH 1234 gate B22",
    "tracking 1Z",
    "room 4.111",
    "A4 297x210",
    "TypeError: NoneType",
    "python3 -m pytest -q -k key",
    "HTTP/1.1 404",
    "10 000 000 000",
    "#1234",
)


def texts(seed: int) -> list[Text]:
    """The secrets and the harmless texts, mixed."""
    chance = random.Random(seed)
    found = []
    for kind, count in SHARES.items():
        for _ in range(count):
            secret = MAKERS[kind](chance)
            if kind == "emails" and chance.random() < 0.2:
                secret = secret.upper()
            before = chance.choice(BEFORE[kind])
            found.append(Text(kind, secret, before, chance.choice(("", " until Monday", " (new)"))))
    assert len(found) == SECRETS
    assert len(LOOK_ALIKES) == HARMLESS
    found += [Text("harmless", text, "see ", " there", harmless=True) for text in LOOK_ALIKES]
    chance.shuffle(found)
    return found


def screens(found: Sequence[Text]) -> Iterator[Page]:
    """Pages with all of these texts, drawn by the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for number in range(PAGES):
            some = found[number::PAGES]
            font, size = FONTS[number % 3], PIXELS[number // 3 % 3]
            dark = number >= PAGES // 2
            page.set_content(_page(some, font, size, dark=dark))
            boxes = page.evaluate(
                "[...document.querySelectorAll('b')].map(b => [...b.getClientRects()]"
                ".map(r => [r.x, r.y, r.width, r.height]))"
            )
            data = np.frombuffer(page.screenshot(), np.uint8)
            pixels = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2BGRA)
            places = [[_rect(*box) for box in each] for each in boxes]
            yield Page(pixels, some, places, f"{font} {size}")
        browser.close()


def _rect(x: float, y: float, width: float, height: float) -> Rect:
    left, top = int(x), int(y)
    return Rect(left, top, int(x + width) + 1 - left, int(y + height) + 1 - top)


def _page(some: Sequence[Text], font: str, size: int, *, dark: bool) -> str:
    colours = "#d4d4d4; background: #1e1e1e" if dark else "#222; background: #fff"
    rows = "".join(
        f"<p>{html.escape(each.before)}<b>{html.escape(each.text)}</b>{html.escape(each.after)}"
        for each in some
    )
    return (
        f"<style>body {{ font: {size}px '{font}'; color: {colours}; margin: 8px }}"
        "p { margin: 0 0 6px; white-space: pre-wrap; overflow-wrap: anywhere }"
        f"b {{ font-weight: normal }}</style>{rows}"
    )


def covered(page: Page, number: int, blots: Sequence[Rect]) -> float:
    """Share of the ink of one text that lies below the paint."""
    paint = np.zeros(page.pixels.shape[:2], np.bool_)
    for blot in blots:
        paint[blot.slices] = True
    ink = below = 0
    ground = page.pixels[0, 0, :3].astype(int)
    for place in page.places[number]:
        part = np.abs(page.pixels[place.slices][..., :3].astype(int) - ground).max(axis=2) > 60
        ink += int(part.sum())
        below += int((part & paint[place.slices]).sum())
    return below / max(1, ink)


async def measure(pages: Sequence[Page], given: argparse.Namespace) -> None:
    """Print the tables."""
    async with open_reader() as reader:
        redaction = Redaction(Secrets.named(["all"]), reader, 120, "withhold")
        for name, close in (("whole screen", False), ("close-up of its line", True)):
            painted: collections.Counter[str] = collections.Counter()
            looks: collections.Counter[str] = collections.Counter()
            total: collections.Counter[str] = collections.Counter()
            kept, seconds, missed = 0, [], []
            for at, page in enumerate(pages):
                frame = Frame(at, 1, 0.0, 0.0, page.pixels)
                blots: Any = ()
                if not close:
                    blots = await timed(redaction, frame, [frame.whole], seconds)
                    _show(given.show, at, page, blots)
                for number, text in enumerate(page.texts):
                    if close:
                        line = page.places[number][0].padded(24, *SIZE)
                        around = Rect(0, line.y, SIZE[0], line.height)
                        blots = await timed(redaction, frame, [around], seconds)
                    share = covered(_first(page, number) if close else page, number, blots)
                    if text.harmless:
                        kept += share == 0
                        continue
                    total[text.kind] += 1
                    total[page.look] += 1
                    if share >= 0.99:
                        painted[text.kind] += 1
                        looks[page.look] += 1
                    else:
                        missed.append(f"{page.look}, {share:.2f}: {text.before}{text.text}")
            _table(name, painted + looks, total, kept, seconds)
            if given.missed:
                print(*missed, sep="\n")


def _first(page: Page, number: int) -> Page:
    """Only the first row of a text: the one that a close-up of it shows."""
    places = [each[:1] if at == number else each for at, each in enumerate(page.places)]
    return attrs.evolve(page, places=places)


async def timed(
    redaction: Redaction, frame: Frame, rects: Sequence[Rect], seconds: list[float]
) -> Sequence[Rect]:
    """The blots, and how long they took."""
    began = time.perf_counter()
    views = [View((rect,), (rect.width, rect.height)) for rect in rects]
    blots = await redaction.blots(frame, views)
    seconds.append(time.perf_counter() - began)
    assert blots is not None
    return blots


def _table(
    name: str,
    painted: collections.Counter[str],
    total: collections.Counter[str],
    kept: int,
    seconds: Sequence[float],
) -> None:
    done, all_ = sum(painted[kind] for kind in SHARES), sum(total[kind] for kind in SHARES)
    print(
        f"\n{name}: {done} of {all_} secrets painted ({done / all_:.1%}); {kept} of {HARMLESS} "
        f"harmless texts kept; read in {np.median(seconds):.2f} s (median)"
    )
    for key in total:
        print(f"  {key:24} {painted[key]:4} of {total[key]}")


def _show(folder: str | None, number: int, page: Page, blots: Sequence[Rect]) -> None:
    if folder is None:
        return
    picture = page.pixels.copy()
    for blot in blots:
        picture[blot.slices] = (BLOT, BLOT, BLOT, 255)
    Path(folder).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(Path(folder) / f"{number:02}.png"), picture)


def main() -> None:
    """Draw, read and count."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", metavar="DIR")
    parser.add_argument("--missed", action="store_true")
    given = parser.parse_args()
    trio.run(measure, list(screens(texts(given.seed))), given)


if __name__ == "__main__":
    main()
