"""The README's pictures of the page, out of a real run.

    python benchmarks/page_pictures.py [FOLDER] [--for 60]

On a virtual screen a terminal is worked in, a log grows and something spins; `hud run` watches it,
with the local model behind a loopback server that is given the price of a real one, so that the
meter has something to show. Writes page-light.png, page-dark.png, page-narrow.png and page-why.png
into FOLDER (docs), and prints what the run says at its end. Needs Xvfb, xterm and chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.rig import running, virtual_screen

WORK = r"""
say() {
  for ((i = 0; i < ${#1}; i++)); do printf '%s' "${1:i:1}"; sleep 0.03; done
  sleep 0.2; echo; sleep 0.8
}
prompt() { sleep "$1"; printf '\033[32mshop\033[0m $ '; }
prompt 0
while sleep 3; do
  say 'git pull --rebase'
  printf 'Updating 41f09ac..8c2d417\n prices.py | 6 +++---\n'; prompt 3
  say 'python3 -m unittest'
  printf '...F......\n\033[31mFAIL: test_no_tax_on_books\033[0m (test_shop.Prices)\n'
  printf 'AssertionError: 36.0 != 30\n'; prompt 4
  say 'sed -i s/0.20/0.0/ prices.py'; prompt 2
  say 'python3 -m unittest'
  printf '..........\n\033[32mOK\033[0m  Ran 10 tests in 0.412s\n'; prompt 5
  say 'git push'
  printf 'To git.example.org:shop.git\n   8c2d417..b4e19aa  main -> main\n'; prompt 3
done
"""
LOG = r"""
for ((n = 4700; ; n += 2)); do
  sleep 9; printf '\033[90m%s\033[0m order %d paid\n' "$(date +%T)" $n
  sleep 9; printf '\033[90m%s\033[0m \033[31mpayment declined for order %d\033[0m\n' \
    "$(date +%T)" $((n + 1))
done
"""
SPIN = r"""
for ((i = 0; ; i++)); do printf "\r  $(date +%T)  building ${s:i%4:1} "; sleep 0.25; done
"""
CONFIG = """
capture: {{use: auto, max_fps: 12}}
realtime: {{url: "ws://127.0.0.1:{port}/v1/realtime", model: hud-local, price_as: gpt-realtime-1.5}}
budget: {{usd_per_hour: 2, usd_per_day: 10, file: spending.json}}
sinks: [{{use: web}}]
"""
PAGES = {"light": (880, 820), "dark": (880, 820), "narrow": (360, 820)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", nargs="?", default="docs", type=pathlib.Path)
    arguments.add_argument("--for", dest="seconds", default=60.0, type=float)
    given = arguments.parse_args()
    pictures = given.folder.absolute()
    with (
        tempfile.TemporaryDirectory() as name,
        virtual_screen(1280, 800) as (display, _),
        contextlib.ExitStack() as stack,
    ):
        folder = pathlib.Path(name)
        environment = os.environ | {"DISPLAY": display, "XDG_RUNTIME_DIR": name}
        environment |= {"HUD_SERVE_KEY": "loopback", "OPENAI_API_KEY": "loopback", "s": "|/-\\"}
        for script, place in ((WORK, "70x34+10+10"), (LOG, "56x18+720+10"), (SPIN, "40x3+720+460")):
            look = ["-fa", "DejaVu Sans Mono", "-fs", "11", "-geometry", place]
            stack.enter_context(
                running("xterm", *look, "-e", "bash", "-c", script, env=environment)
            )
        run(folder, environment, pictures, given.seconds)


def run(folder: pathlib.Path, env: dict[str, str], pictures: pathlib.Path, seconds: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "c.yaml").write_text(CONFIG.format(port=port))
    command, told = [sys.executable, "-m", "hud"], folder / "told"
    with (
        told.open("w") as err,
        running(*command, "serve", "--port", str(port), env=env, stderr=subprocess.DEVNULL),
    ):
        time.sleep(5)
        with running(*command, "run", "c.yaml", env=env, cwd=folder, stderr=err) as program:
            while not (address := re.search(r"http://\S+", told.read_text())):
                time.sleep(0.2)
            time.sleep(seconds)
            with sync_playwright() as playwright:
                chromium = shutil.which("chromium")
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                photograph(browser, address[0], pictures)
                browser.close()
            program.send_signal(signal.SIGINT)
            program.wait(timeout=30)
    print(told.read_text().splitlines()[-1])


def photograph(browser: Browser, address: str, pictures: pathlib.Path) -> None:
    for name, (width, height) in PAGES.items():
        scheme = "light" if name == "light" else "dark"
        viewport = {"width": width, "height": height}
        page = browser.new_page(viewport=viewport, color_scheme=scheme)
        page.goto(address)
        page.locator("#notes .thumb:visible").first.wait_for()
        page.wait_for_timeout(1500)
        if name != "narrow":
            box = page.locator("#lane-sent button").nth(-3).bounding_box()
            page.mouse.move(box["x"] + 2, box["y"] + 9)
        page.screenshot(path=pictures / f"page-{name}.png")
        if name == "light":
            page.locator("#notes li", has_text="FAIL").last.locator(".thumb").click()
            page.wait_for_timeout(500)
            page.screenshot(path=pictures / "page-why.png")
        page.close()


if __name__ == "__main__":
    main()
