"""What the command line looks like; what it does is in the modules beside this."""

from __future__ import annotations

import argparse

DESCRIPTION = """\
Watches a screen and keeps a live record of what happens on it.

Only meaningful changes reach a model, which streams back short notes. Without a configuration the
model runs on this machine and nothing leaves it.
"""
EXAMPLES = """\
examples:
  hud run                                   watch this screen, notes in this terminal
  hud run --sink file:notes.jsonl --for 60  one minute of notes into a file
  hud run openai.yaml                       the same with a model of OpenAI
  hud doctor openai.yaml                    does the key work, how fast, at what price
  hud run --sink sqlite:notes.db            into a database, and later:
  hud notes --since 2h --search error       what was noted
  hud bench                                 how fast it is on this machine
  hud demo                                  see it work on a recording, without a screen

exit status: 0 after a clean stop, 1 when the pipeline failed, 2 for a mistake in the configuration
or the command line
"""
STATUS = """\
exit status: 0 when every running hud does its work, is paused or has nothing to see; 1 when one
does not (the screen, the session or a sink is away, the money is spent, or a stage is stalled);
3 when none is running
"""


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        "hud",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = _command(commands, "run", "watch a screen and write notes")
    run.add_argument(
        "config", nargs="?", metavar="CONFIG", help="a YAML file (default: the local model)"
    )
    run.add_argument(
        "--source", metavar="SPEC", help="screen, or replay:DIR to play a recorded scene"
    )
    _pipeline_options(run)
    demo = _command(commands, "demo", "play the bundled recording with the local model")
    _pipeline_options(demo)
    check = _command(commands, "check", "validate a configuration and print all of it")
    check.add_argument("config", metavar="CONFIG", help="a YAML file")
    _set_option(check)
    record = _command(commands, "record", "record the screen as a scene")
    record.add_argument("folder", metavar="DIR", help="a new or empty folder")
    record.add_argument("--fps", type=float, default=10.0, help="frames a second (default: 10)")
    _for_option(record)
    _set_option(record)
    _estimate_options(
        _command(commands, "estimate", "say what a run over a recorded scene would send and cost")
    )
    doctor = _command(commands, "doctor", "try the model's server with one small picture")
    doctor.add_argument("config", nargs="?", metavar="CONFIG", help="a YAML file")
    _set_option(doctor)
    serve = _command(commands, "serve", "run the local model's Realtime server for other programs")
    serve.add_argument("--port", type=int, default=8765, help="0 for any free one (default: 8765)")
    serve.add_argument(
        "--key-env",
        default="HUD_SERVE_KEY",
        metavar="NAME",
        help="variable with the key clients must send (default: HUD_SERVE_KEY, else a random key)",
    )
    notes = _command(commands, "notes", "read back what was noted, also while it is written")
    notes.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="written by the sqlite or the file sink (default: notes.db, else notes.jsonl)",
    )
    when = "2h (ago; s m h d w), 14:30, yesterday, 2026-11-21, 2026-11-21T14:30"
    notes.add_argument("--since", metavar="TIME", help=f"not older than {when}")
    notes.add_argument("--until", metavar="TIME", help="older than that")
    notes.add_argument(
        "--search", default="", metavar="WORDS", help="with all these words; word* also as a prefix"
    )
    notes.add_argument(
        "--limit", type=_count, default=50, metavar="N", help="the newest so many (default: 50)"
    )
    notes.add_argument("--ids", action="store_true", help="print the ids that `hud why` takes")
    notes.add_argument("--json", action="store_true", help="print JSON Lines")
    _command(commands, "pause", "let every running hud look away until it is resumed")
    _command(commands, "resume", "let it look again")
    _why(commands)
    status = _command(commands, "status", "say what is watched, and whether all is well")
    status.epilog = STATUS
    status.formatter_class = argparse.RawDescriptionHelpFormatter
    status.add_argument("--json", action="store_true", help="one JSON object a line")
    _bench_options(_command(commands, "bench", "measure the latency of each stage on this machine"))
    _command(commands, "sinks", "list where notes can go, with all options")
    _command(commands, "models", "list the Realtime models with their prices")
    return top


def _estimate_options(estimate: argparse.ArgumentParser) -> None:
    estimate.add_argument("scene", metavar="SCENE", help="folder of the recording")
    estimate.add_argument("config", nargs="?", metavar="CONFIG", help="a YAML file")
    estimate.add_argument(
        "--answer",
        type=_seconds,
        default=1.0,
        metavar="SECONDS",
        help="time the simulated model takes for an answer (default: 1.0)",
    )
    estimate.add_argument(
        "--note-tokens",
        type=int,
        default=60,
        metavar="N",
        help="tokens of an average note (default: 60)",
    )
    estimate.add_argument("--json", action="store_true", help="print JSON")
    _set_option(estimate)


def _bench_options(bench: argparse.ArgumentParser) -> None:
    bench.epilog = (
        "Draws on a virtual screen (Xvfb), runs the pipeline of `hud run` on it, and answers in "
        "the model's place: it needs no key and costs nothing. Takes about a minute a size."
    )
    bench.add_argument(
        "config", nargs="?", metavar="CONFIG", help="a YAML file (default: default.yaml)"
    )
    bench.add_argument(
        "--size",
        action="append",
        choices=["720p", "1080p", "4k", "all"],
        help="of the screen (repeatable; default: 1080p)",
    )
    bench.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default=40.0,
        metavar="SECONDS",
        help="of measuring in each round, at each size (default: 40)",
    )
    bench.add_argument(
        "--rounds",
        type=_count,
        default=1,
        metavar="N",
        help="start anew so often (default: 1); sizes take turns",
    )
    bench.add_argument(
        "--answer",
        type=_seconds,
        default=0.1,
        metavar="SECONDS",
        help="time the model's stand-in takes for an answer (default: 0.1)",
    )
    bench.add_argument("--json", action="store_true", help="print JSON with all samples")
    bench.add_argument(
        "--from", dest="read", metavar="FILE", help="show what --json printed, measure nothing"
    )
    bench.add_argument(
        "--compare", metavar="FILE", help="say what got slower since --json printed FILE"
    )
    bench.add_argument(
        "--tolerance",
        type=float,
        default=5.0,
        metavar="PERCENT",
        help="differences that do not count (default: 5)",
    )
    bench.add_argument(
        "--fail", action="store_true", help="with --compare: exit 1 if something got slower"
    )
    bench.add_argument("--plot", metavar="FILE", help="draw it as a PNG (extra `plot`)")
    _set_option(bench)


def _why(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    why = _command(
        commands, "why", "say what became of the last frames, or what a note was made from, and why"
    )
    why.add_argument(
        "about",
        nargs="?",
        metavar="NOTE",
        help="a note's id, its time (14:03:20) or some of its words; or a frame's number",
    )
    why.add_argument("--last", type=_count, default=20, metavar="N", help="entries (default: 20)")
    why.add_argument("--save", metavar="DIR", help="write the pictures as they were sent there")
    why.add_argument(
        "--file", metavar="FILE", help="ask a database instead of the running programs"
    )
    why.add_argument("--json", action="store_true", help="one JSON object a line")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, meaning: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=meaning, description=f"{meaning.capitalize()}.")
    command.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return command


def _pipeline_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--sink",
        action="append",
        default=[],
        metavar="SPEC",
        help="where notes go: terminal, file:PATH, ... (repeatable; replaces the configured sinks)",
    )
    command.add_argument(
        "--trace", metavar="FILE", help="write each frame's way through the stages, for Perfetto"
    )
    _for_option(command)
    _set_option(command)


def _for_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--for", dest="seconds", type=_seconds, metavar="SECONDS", help="stop after that time"
    )


def _set_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="a.b=value",
        help="set any key of the configuration (repeatable)",
    )


def _count(text: str) -> int:
    count = int(text)
    if not 0 < count < 1e9:
        raise argparse.ArgumentTypeError("must be a positive number")
    return count


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError("must be a positive number of seconds")
    return seconds
