"""What the command line looks like; what it does is in the modules beside this."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from hud.commands import examples
from hud.commands.parsing import Parser, count, number, path, port, seconds, whole
from hud.nearest import meant
from hud.packaged import config_files

CONFIG = "a YAML file of yours, or one that comes with hud"
_WHEN = "2h (ago; s m h d w), 14:30, yesterday, 2026-11-21, 2026-11-21T14:30"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What a command line asks for; of a mistake, or a bare `hud`, the exit status is 2."""
    top = parser()
    if not arguments:
        _show_bare(top)
    word = next((each for each in arguments if not each.startswith("-")), None)
    if word is not None and word not in top.commands:
        top.error(f"unknown command {word!r}{meant(word, top.commands)}")
    given, rest = top.parse_known_args(arguments)
    command = top.commands.get(given.command, top)
    command.refuse_unknown(rest)
    if command is top:
        top.error("which command?")
    return given


def _show_bare(top: Parser) -> NoReturn:
    top.epilog = examples.BARE
    top.print_help(sys.stderr)
    top.exit(2)


class _Version(argparse.Action):
    """Prints the version and exits."""

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> NoReturn:
        import importlib.metadata  # takes as long as all the rest of `hud --help`

        sys.stdout.write(f"hud {importlib.metadata.version('hud')}\n")
        parser.exit()


def parser() -> Parser:
    """The commands and their options."""
    top = Parser("hud", description=examples.DESCRIPTION, epilog=examples.ALL)
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    top.open_commands()
    _run(top)
    _pipeline_options(top.command("demo", "play the bundled recording with the local model"))
    _check(top)
    _record(top)
    _estimate(top)
    _doctor(top)
    _serve(top)
    _notes(top)
    _process(top.command("pause", "let every running hud look away until it is resumed"))
    _process(top.command("resume", "let it look again"))
    _json(top.command("status", "say what each running hud watches, and whether all is well"))
    _why(top)
    _bench(top)
    top.command("sinks", "list where notes can go, with all options")
    top.command("models", "list the Realtime models with their prices")
    files = textwrap.fill(
        ", ".join(config_files()), 96, initial_indent="  ", subsequent_indent="  "
    )
    for name, command in top.commands.items():
        command.epilog = examples.OF[name].replace("{files}", files)
    return top


def _run(top: Parser) -> None:
    run = top.command("run", "watch a screen and write notes")
    _config(run, f"{CONFIG} (default: default.yaml, the local model)")
    run.add_argument(
        "--source", metavar="SPEC", help="screen, or replay:DIR to play a recorded scene"
    )
    _pipeline_options(run)


def _check(top: Parser) -> None:
    check = top.command("check", "validate a configuration and print all of it")
    check.add_argument("config", type=path, metavar="CONFIG", help=CONFIG)
    _set(check)


def _record(top: Parser) -> None:
    record = top.command("record", "record the screen as a scene")
    record.add_argument("folder", type=path, metavar="DIR", help="a new or empty folder")
    record.add_argument(
        "--fps",
        type=number("frames a second, above 0 and at most 240", 0, 240),
        default=10.0,
        metavar="N",
        help="frames a second (default: 10)",
    )
    _for(record)
    _set(record)


def _estimate(top: Parser) -> None:
    estimate = top.command("estimate", "say what a run over a recorded scene would send and cost")
    estimate.add_argument("scene", type=path, metavar="SCENE", help="folder of the recording")
    _config(estimate, f"{CONFIG} (default: default.yaml)")
    estimate.add_argument(
        "--answer",
        type=seconds,
        default=1.0,
        metavar="SECONDS",
        help="time the simulated model takes for an answer (default: 1.0)",
    )
    estimate.add_argument(
        "--note-tokens",
        type=whole("a whole number of tokens from 0", 0),
        default=60,
        metavar="N",
        help="tokens of an average note (default: 60)",
    )
    _json(estimate)
    _set(estimate)


def _doctor(top: Parser) -> None:
    doctor = top.command("doctor", "try the model's server with one small picture")
    _config(doctor, f"{CONFIG} (default: default.yaml, the local model)")
    _set(doctor)


def _serve(top: Parser) -> None:
    serve = top.command("serve", "run the local model's Realtime server for other programs")
    serve.add_argument(
        "--port", type=port, default=8765, metavar="N", help="0 for any free one (default: 8765)"
    )
    serve.add_argument(
        "--key-env",
        default="HUD_SERVE_KEY",
        metavar="NAME",
        help="variable with the key clients must send (default: HUD_SERVE_KEY, else a random key)",
    )


def _notes(top: Parser) -> None:
    notes = top.command("notes", "read back what was noted, also while it is written")
    notes.add_argument(
        "files",
        nargs="*",
        type=path,
        metavar="FILE",
        help="written by the sqlite or the file sink (default: notes.db, else notes.jsonl)",
    )
    notes.add_argument("--since", metavar="TIME", help=f"not older than {_WHEN}")
    notes.add_argument("--until", metavar="TIME", help="older than that")
    notes.add_argument(
        "--search", default="", metavar="WORDS", help="with all these words; word* also as a prefix"
    )
    notes.add_argument(
        "--limit", type=count, default=50, metavar="N", help="the newest so many (default: 50)"
    )
    notes.add_argument("--ids", action="store_true", help="print the ids that `hud why` takes")
    _json(notes)


def _why(top: Parser) -> None:
    why = top.command(
        "why", "say what became of the last frames, or what a note was made from, and why"
    )
    why.add_argument(
        "about",
        nargs="?",
        metavar="NOTE",
        help="a note's id, its time (14:03:20) or some of its words; or a frame's number",
    )
    why.add_argument(
        "--last", type=count, default=20, metavar="N", help="the newest so many (default: 20)"
    )
    why.add_argument(
        "--save", type=path, metavar="DIR", help="write the pictures as they were sent there"
    )
    why.add_argument(
        "--file", type=path, metavar="FILE", help="ask a database instead of the running programs"
    )
    _json(why)


def _bench(top: Parser) -> None:
    bench = top.command("bench", "measure the latency of each stage on this machine")
    _config(bench, f"{CONFIG} (default: default.yaml)")
    bench.add_argument(
        "--size",
        action="append",
        choices=["720p", "1080p", "4k", "all"],
        help="of the screen (repeatable; default: 1080p)",
    )
    bench.add_argument(
        "--for",
        dest="seconds",
        type=seconds,
        default=40.0,
        metavar="SECONDS",
        help="of measuring in each round, at each size (default: 40)",
    )
    bench.add_argument(
        "--rounds",
        type=count,
        default=1,
        metavar="N",
        help="start anew so often (default: 1); sizes take turns",
    )
    bench.add_argument(
        "--answer",
        type=seconds,
        default=0.1,
        metavar="SECONDS",
        help="time the model's stand-in takes for an answer (default: 0.1)",
    )
    bench.add_argument("--json", action="store_true", help="print JSON with all samples")
    bench.add_argument(
        "--from",
        dest="read",
        type=path,
        metavar="FILE",
        help="show what --json printed, measure nothing",
    )
    bench.add_argument(
        "--compare", type=path, metavar="FILE", help="say what got slower since --json printed FILE"
    )
    bench.add_argument(
        "--tolerance",
        type=number("a percentage above 0", 0),
        default=5.0,
        metavar="PERCENT",
        help="differences that do not count (default: 5)",
    )
    bench.add_argument(
        "--fail", action="store_true", help="with --compare: exit 1 if something got slower"
    )
    bench.add_argument("--plot", type=path, metavar="FILE", help="draw it as a PNG (extra `plot`)")
    _set(bench)


def _pipeline_options(command: Parser) -> None:
    command.add_argument(
        "--sink",
        action="append",
        default=[],
        metavar="SPEC",
        help="where notes go: terminal, file:PATH, ... (repeatable; replaces the configured sinks; "
        "`hud sinks` lists them)",
    )
    command.add_argument(
        "--trace",
        type=path,
        metavar="FILE",
        help="write each frame's way through the stages, for Perfetto",
    )
    _for(command)
    _set(command)


def _config(command: Parser, meaning: str) -> None:
    command.add_argument("config", nargs="?", type=path, metavar="CONFIG", help=meaning)


def _process(command: Parser) -> None:
    command.add_argument(
        "process",
        nargs="?",
        type=whole("the number of a process, as `hud status` says", 1),
        metavar="PROCESS",
        help="only that one, by its number as in `hud status` (default: all)",
    )


def _for(command: Parser) -> None:
    command.add_argument(
        "--for", dest="seconds", type=seconds, metavar="SECONDS", help="stop after that time"
    )


def _json(command: Parser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, one object a line")


def _set(command: Parser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="a.b=value",
        help="set any key of the configuration (repeatable; `hud check default.yaml` lists them)",
    )
