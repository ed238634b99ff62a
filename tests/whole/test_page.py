"""The page in a real Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("HUD_REQUIRE_X11"),
        reason="not installed: chromium",
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Run:
    """A program that serves the page; what is fed to it appears there."""

    def __init__(self):
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.stages.page_notes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self.program.stdout.readline().split()[-1]

    def feed(self, seq, text, status="completed"):
        self.say(f"{seq} {status} {text}")

    def say(self, line):
        self.program.stdin.write(f"{line}\n")
        self.program.stdin.flush()

    def end(self):
        self.program.stdin.close()
        self.program.wait(timeout=10)
        self.program.stdout.close()


@pytest.fixture
def run():
    run = Run()
    yield run
    run.end()


@pytest.fixture(scope="module")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture
def page(browser, run):
    context = browser.new_context(viewport={"width": 800, "height": 600})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: page.problems.append(message.text))
    page.goto(run.address)
    yield page
    context.close()


def texts(page):
    return page.locator("#notes .words").all_inner_texts()


def wait_for(page, count):
    expect(page.locator("#notes li")).to_have_count(count, timeout=20_000)


def test_words_stream_in_and_the_newest_note_is_on_top(page, run):
    run.feed(1, "New: one")
    run.feed(2, "New:", "in_progress")
    page.get_by_text("New:", exact=True).wait_for()
    run.feed(2, "New: two words", "in_progress")
    page.get_by_text("New: two words", exact=True).wait_for()
    assert texts(page) == ["New: two words", "New: one"]
    run.feed(2, "New: two words more")
    page.locator("#notes li.completed >> text=more").wait_for()
    assert texts(page) == ["New: two words more", "New: one"]
    assert page.locator("#state").inner_text() == "live"
    assert page.locator("#figures").inner_text().split("\n")[:4] == ["frames", "312", "sent", "9"]
    run.feed(3, "wrong", "in_progress")
    page.get_by_text("wrong").wait_for()
    run.feed(3, "wrong", "withdrawn")
    wait_for(page, 2)
    assert page.problems == []


def test_a_reload_loses_nothing(page, run):
    for seq in range(1, 31):
        run.feed(seq, f"note {seq}")
    wait_for(page, 30)
    page.reload()
    wait_for(page, 30)
    assert texts(page) == [f"note {seq}" for seq in range(30, 0, -1)]


def test_only_whole_and_new_notes_are_read_out(page, run):
    run.feed(1, "New: one")
    run.feed(2, "New: two")
    wait_for(page, 2)
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
          const notes = document.getElementById("notes");
          const seen = () => window.before ??= notes.getAttribute("aria-live");
          new MutationObserver(seen).observe(notes, {childList: true});
        })"""
    )
    page.reload()
    wait_for(page, 2)
    assert page.evaluate("window.before") == "off"
    expect(page.locator("#notes")).to_have_attribute("aria-live", "polite")
    run.feed(3, "New:", "in_progress")
    newest = page.locator("#notes li").first
    expect(newest).to_have_attribute("aria-busy", "true")
    run.feed(3, "New: three")
    expect(newest).to_have_attribute("aria-busy", "false")
    assert page.problems == []


class Wire:
    """Connections to a port through a port of its own, which can be cut."""

    def __init__(self, port):
        self.to, self.ends, self.asked = port, [], b""
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, args=[self.listening], daemon=True).start()

    def _accept(self, listening):
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:  # the server has gone before the browser
                near.close()
                continue
            self.ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=[one, other], daemon=True).start()

    def _copy(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                if other.getpeername()[1] == self.to:
                    self.asked += data
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def cut(self):
        for end in (self.listening, *self.ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def mend(self):
        self.listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self.listening], daemon=True).start()


def test_ten_seconds_without_a_connection_lose_nothing(playwright, run):
    port = int(run.address.split(":")[2].split("/")[0])
    wire = Wire(port)
    rules = f"--host-resolver-rules=MAP 127.0.0.1:{port} 127.0.0.1:{wire.port}"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
    page = browser.new_page()
    page.goto(run.address)
    run.feed(1, "note 1")
    wait_for(page, 1)
    wire.cut()
    for seq in range(2, 21):
        run.feed(seq, f"note {seq}")
    time.sleep(10)
    assert page.locator("#state").inner_text() == "not connected, trying again"
    assert texts(page) == ["note 1"]
    wire.asked = b""
    wire.mend()
    wait_for(page, 20)
    assert re.search(rb"(?i)last-event-id: \w+-[1-9]\r\n", wire.asked)
    assert texts(page) == [f"note {seq}" for seq in range(20, 0, -1)]
    page.locator("#state.live").wait_for()
    browser.close()
    wire.cut()


def test_words_from_the_watched_screen_are_never_markup(page, run):
    run.feed(1, "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>")
    wait_for(page, 1)
    assert texts(page)[0].startswith("<img src=x")
    assert page.title() == "hud"
    assert page.problems == []


def test_the_end_of_the_run_is_told(page, run):
    run.feed(1, "note 1")
    wait_for(page, 1)
    run.program.stdin.close()
    page.get_by_text("not connected, trying again").wait_for()
    assert texts(page) == ["note 1"]
    run.program.wait(timeout=10)


def test_a_page_from_elsewhere_cannot_read_the_notes(browser, run, tmp_path):
    (tmp_path / "evil.html").write_text("<title>evil</title>")
    page = browser.new_page()
    page.goto((tmp_path / "evil.html").as_uri())
    read = "url => fetch(url).then(answer => answer.text(), error => 'refused')"
    assert page.evaluate(read, run.address + "api/notes") == "refused"
    assert page.goto(run.address.rsplit("/", 2)[0] + "/guess/").status == 404
    page.close()


def test_a_note_stands_beside_what_was_sent_and_says_why(page, run):
    run.feed(4, "New: a badge")
    thumb = page.locator("#notes .thumb")
    thumb.wait_for()
    drawn = "image => image.complete && image.naturalWidth"
    page.wait_for_function(f"({drawn})(document.querySelector('.thumb img')) === 140")
    assert page.locator("#notes svg rect").get_attribute("x") == "0.1429"
    thumb.click()
    expect(page.locator("#why")).to_be_visible()
    assert page.locator("#why-words").inner_text() == "New: a badge"
    assert page.locator("#why-caption").inner_text() == "14:03:20, screen 1 (900x900)"
    assert "new content" in page.locator("#why-facts").inner_text()
    assert page.locator("#why-pictures rect").count() == 1
    page.get_by_label("Close").click()
    expect(page.locator("#why")).to_be_hidden()
    assert page.problems == []


def test_the_timeline_says_what_became_of_each_frame(page, run):
    run.say("fate 1 noise")
    run.say("fate 2 sent")
    run.say("fate 3 failed")
    run.feed(2, "New: two")
    expect(page.locator("#lanes button")).to_have_count(3)
    box = page.locator("#lane-ignored button").bounding_box()
    page.mouse.move(box["x"] - 8, box["y"] + 2)  # near is enough
    told = page.locator("#told")
    expect(told).to_contain_text("frame 1: noise – one of many flickering values; 30×40 at 1,2")
    page.locator("#lane-ignored button").focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("frame 2: sent")
    expect(page.locator("#notes li.pointed .words")).to_have_text("New: two")
    expect(page.locator("#lane-not-sent")).to_be_visible()
    assert page.problems == []


def test_the_button_pauses_and_shows_what_is_paused_from_elsewhere(page, run):
    button, state = page.locator("#pause"), page.locator("#state")
    expect(state).to_have_text("live")
    button.click()
    expect(state).to_have_text("paused")
    expect(button).to_have_text("Resume")
    run.say("resume")
    expect(state).to_have_text("live")
    run.say("pause")
    expect(state).to_have_text("paused")
    page.reload()
    expect(state).to_have_text("paused")
    button.click()
    expect(button).to_have_text("Pause")
    assert page.problems == []


def test_the_meters_show_the_budget(page, run):
    expect(page.locator("#meters")).to_contain_text("$0.0213 spent in this run")
    hour = page.get_by_role("meter", name="Budget an hour")
    assert hour.get_attribute("aria-valuemax") == "0.5"
    expect(page.locator(".meter.near")).to_contain_text("$0.42 of $0.50")
    expect(page.locator("#notes_by")).to_have_text("gpt-realtime-1.5 at api.openai.com")


@pytest.mark.parametrize("name", ["light", "dark", "narrow"])
def test_it_fits_every_window_in_light_and_dark(browser, run, name):
    size = (360, 640) if name == "narrow" else (800, 520)
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="light" if name == "light" else "dark",
        timezone_id="UTC",
    )
    page.goto(run.address)
    run.feed(1, 'On screen: "shop", "app.log", "14:02:06 INFO service started"')
    run.feed(
        5, 'New: "FAIL: test_no_tax_on_books (test_shop.Prices)", "AssertionError: 36.0 != 30"'
    )
    run.feed(11, 'New: "14:02:17 ERROR payment declined for order 4711"')
    run.feed(12, 'New: "https://example.org/' + "a-very-long-path-" * 9 + '"')
    run.feed(13, 'New: "a note that was cut', "incomplete")
    run.feed(14, 'New: "$ python3 -m unittest', "in_progress")
    run.say("fate 1 noise")
    run.say("fate 2 sent")
    wait_for(page, 6)
    page.locator("#lanes button").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(246, 246, 244)") == (name == "light")
    page.close()
