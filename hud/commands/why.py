"""`hud why`: what became of frames, and what a note was made from."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator, Sequence

from hud import private, records
from hud.commands.console import say, show, show_json
from hud.control import tell
from hud.errors import NotRunningError, UsageError
from hud.fates import Entry, Exhibit, places
from hud.items import clock
from stages.send.endpoint import LOCAL


def why(given: argparse.Namespace) -> None:
    """Say it of every running program of this user, or of a database."""
    wanted = " ".join((given.about or "").split())
    found = list(_from_file(given, wanted) if given.file else _from_programs(wanted))
    for entries, exhibit in found:
        if exhibit is not None:
            if given.json:
                show_json([exhibit.record()])
            else:
                show(lines(exhibit))
            if given.save is not None:
                _save(exhibit, pathlib.Path(given.save))
        recent = entries[-given.last :]
        if given.json:
            show_json(entry.record() for entry in recent)
        else:
            show(entry.line() for entry in recent)
    if wanted and not any(entries or exhibit for entries, exhibit in found):
        raise UsageError(
            f"{wanted}: no frame has this number, and no note that is remembered has this id, time "
            "or words; `hud why` lists the last frames, `hud notes --ids` the notes in a file"
        )


def _from_programs(wanted: str) -> Iterator[tuple[list[Entry], Exhibit | None]]:
    try:
        answers = list(tell(f"why {wanted}".strip()))
    except NotRunningError as error:
        raise NotRunningError(
            f"{error}; of a run that has ended ask its database, hud why --file notes.db, which "
            "hud run --sink terminal --sink sqlite:notes.db keeps"
        ) from None
    for answer in answers:
        exhibit = Exhibit.of(answer["exhibit"]) if answer.get("exhibit") else None
        yield [Entry.of(record) for record in answer.get("entries", [])], exhibit


def _from_file(
    given: argparse.Namespace, wanted: str
) -> Iterator[tuple[list[Entry], Exhibit | None]]:
    yield records.why(pathlib.Path(given.file), wanted, given.last)


def lines(exhibit: Exhibit) -> Iterator[str]:
    """What a note was made from, for a person."""
    text = exhibit.text or f"(no note: {exhibit.detail or exhibit.status.value})"
    yield f"{clock(exhibit.wall_time)}  {text}".replace("\n", "\n" + " " * 10)
    for name, said in _facts(exhibit):
        yield f"  {name:9} {said}"


def _facts(exhibit: Exhibit) -> Iterator[tuple[str, str]]:
    usage = exhibit.usage
    yield "note", f"{exhibit.id}, {exhibit.status.value}"
    yield "frame", f"{exhibit.seq} of monitor {exhibit.monitor}, {_size(exhibit.size)}"
    yield "because", exhibit.rule
    yield "changed", ", ".join(places(exhibit.regions, most=8))
    for number, picture in enumerate(exhibit.pictures, 1):
        view = picture.view
        shown = f"{_size(view.size)}, {view.detail} detail, {len(picture.jpeg) / 1000:.1f} kB"
        yield f"picture {number}", f"{shown}: {', '.join(places(view.rects))}"
    for number, row in enumerate(exhibit.caption.splitlines()):
        yield "" if number else "caption", row
    if not exhibit.caption and not exhibit.pictures:
        yield "shown", "was not kept (set pictures: true of the sqlite sink)"
    model = "the local model" if exhibit.model == LOCAL else exhibit.model or "none was asked"
    yield "model", ", session ".join(filter(None, [model, exhibit.session]))
    cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
    yield "tokens", f"{usage.input_tokens}{cached} in, {usage.output_tokens} out"
    if exhibit.usd is not None:
        yield "cost", f"${exhibit.usd:.6f}" if exhibit.usd else "nothing"
    steps = ", ".join(f"{stage} {spent:.1f}" for stage, spent in exhibit.stages.items())
    if exhibit.milliseconds is not None:
        yield "took", f"{exhibit.milliseconds:.0f} ms: {steps}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _save(exhibit: Exhibit, folder: pathlib.Path) -> None:
    """Write the pictures as they were sent, for their owner only."""
    if not exhibit.pictures:
        say("no pictures are remembered of it")
    paths: Sequence[pathlib.Path] = [
        folder / f"{exhibit.seq}-{number}.jpg" for number in range(1, len(exhibit.pictures) + 1)
    ]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, picture in zip(paths, exhibit.pictures, strict=True):
            private.write(path, picture.jpeg)
            say(f"written: {path}")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from None
