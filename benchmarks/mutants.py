"""Mutation testing: small faults are put into a module, and the tests must notice each of them.

    python benchmarks/mutants.py [--json FILE] [MODULE ...]

A module is named by its path below hud/ without the suffix, such as `channel` or
`realtime/session`; without any, all of `TESTS` come one after the other. mutmut works in a copy
that is thrown away, one child at a time, at low priority. In the copy, property tests draw fewer
examples, always the same ones, and shrink none of them: a mutant's end does not depend on luck.
Printed are a line of counts for each module and the changed lines of each mutant that no test
noticed:

    realtime/memory: 30 mutants, 29 killed, 0 timed out, 1 survived

What the survivors are, says docs/mutants.md. mutmut changes no data outside of functions and no
function behind a decorator, properties included. Needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

ROOT = pathlib.Path(__file__).parents[1]
COPIED = ["hud", "stages", "tests", "config", "benchmarks"]
EXAMPLES = 40
"""Of each property test, at most."""
PRIORITY = 15  # nice
LONGEST = 3600.0
"""Seconds for one module."""

PROTOCOL = [
    "tests/realtime/test_session.py",
    "tests/realtime/test_requests.py",
    "tests/properties/test_session_machine.py",
]
MONEY = ["tests/realtime/test_money.py", "tests/stages/test_admission.py", "tests/test_estimate.py"]
TESTS = {
    "channel": ["tests/test_channel.py", "tests/properties/test_channel_machine.py"],
    "supervise": ["tests/test_supervise.py", "tests/properties/test_supervise_machine.py"],
    "realtime/session": PROTOCOL,
    "realtime/budget": ["tests/realtime/test_budget.py", "tests/properties/test_budget_machine.py"],
    "realtime/memory": ["tests/realtime/test_prompt.py"],
    "realtime/trouble": ["tests/realtime/test_trouble.py", *PROTOCOL],
    "realtime/backoff": ["tests/realtime/test_trouble.py"],
    "realtime/scrub": ["tests/realtime/test_trouble.py"],
    "realtime/events": ["tests/realtime/test_events.py", *PROTOCOL],
    "realtime/requests": PROTOCOL,
    "realtime/caption": ["tests/realtime/test_caption.py"],
    "realtime/models": MONEY,
    "realtime/forecast": MONEY,
    "realtime/bill": MONEY,
    "realtime/tokens": MONEY,
    "realtime/prompt": ["tests/realtime/test_prompt.py"],
}
"""Which tests must notice the faults in a module."""

PROFILE = """
import hypothesis
hypothesis.settings.register_profile(
    "mutants",
    max_examples={examples},
    derandomize=True,
    database=None,
    deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
hypothesis.settings.load_profile("mutants")
"""
MUTMUT = """
[tool.mutmut]
source_paths = ["hud/"]
only_mutate = ["hud/{module}.py"]
also_copy = {copied}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-n0"]
timeout_multiplier = 4.0
timeout_constant = 1.0
"""
KILLED, SURVIVED = {1, 3}, {0}
UNTESTED = {5, 33}
"""Exit codes of pytest and of mutmut where no test runs a function."""


def prepare(copy: pathlib.Path, module: str) -> None:
    """Copy the project, with cheaper property tests and a section for mutmut."""
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md"):
        shutil.copy(ROOT / name, copy)
    tests = [path for path in TESTS[module] if (copy / path).exists()]
    section = MUTMUT.format(module=module, copied=json.dumps(COPIED), tests=json.dumps(tests))
    (copy / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + section)
    fixtures = copy / "tests/conftest.py"
    fixtures.write_text(fixtures.read_text() + PROFILE.format(examples=EXAMPLES))
    for path in tests:
        cheaper = re.sub(r"max_examples=\d+", f"max_examples={EXAMPLES}", (copy / path).read_text())
        (copy / path).write_text(cheaper)


def mutmut(copy: pathlib.Path, *arguments: str) -> str:
    """Run it in the copy, as the user of what is left of the machine."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    # The copy stands for the project; another one on the path would be tested instead of it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
        preexec_fn=lambda: os.nice(PRIORITY),
    )
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def fate(code: int | None) -> str:
    """What became of a mutant, by mutmut's exit code."""
    if code in SURVIVED:
        return "survived"
    if code in UNTESTED:
        return "no test"
    return "killed" if code in KILLED else "timed out"


def examine(module: str) -> dict[str, object]:
    """Put faults into one module: counts, and the changed lines of each mutant that survived."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        copy = pathlib.Path(name)
        prepare(copy, module)
        mutmut(copy, "run", "--max-children", "1")
        record = json.loads((copy / f"mutants/hud/{module}.py.meta").read_text())
        fates = {mutant: fate(code) for mutant, code in record["exit_code_by_key"].items()}
        left = [mutant for mutant, end in fates.items() if end in {"survived", "no test"}]
        return {
            "counts": dict(Counter(fates.values())),
            "late": [mutant for mutant, end in fates.items() if end == "timed out"],
            "left": {mutant: changed(mutmut(copy, "show", mutant)) for mutant in left},
        }


def changed(shown: str) -> str:
    """The lines that differ, out of a whole difference."""
    lines = shown.splitlines()
    return "\n".join(
        line for line in lines if re.match(r"[-+]", line) and not re.match(r"---|\+\+\+", line)
    )


def report(module: str, found: dict[str, object]) -> None:
    """Print what was found."""
    counts = Counter(found["counts"])
    ends = ", ".join(f"{counts[end]} {end}" for end in ("killed", "timed out", "survived"))
    untested = f", {counts['no test']} no test" if counts["no test"] else ""
    print(f"{module}: {counts.total()} mutants, {ends}{untested}", flush=True)
    for mutant, lines in found["left"].items():
        print(f"\n{mutant}\n{lines}")


def main() -> None:
    """Run it for the modules that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write it there")
    options = parser.parse_args()
    if unknown := set(options.modules) - set(TESTS):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    results = {}
    for module in options.modules or TESTS:
        results[module] = examine(module)
        report(module, results[module])
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
