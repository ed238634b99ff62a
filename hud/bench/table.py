"""A benchmark as tables for a terminal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hud.bench.compare import Difference, Verdict
from hud.bench.report import Report, Scene, Screen
from hud.bench.scenes import SCENES

STAGES = {
    "wake": "X server",
    "capture": "capture",
    "change": "change",
    "held": "…until it is certain",
    "encode": "encode",
    "send": "send",
}
_WORK = {"wake": "wake", "held": "change_held"}
IDLE, LOADED = "line", "line_beside_film"
"""The scenes of which the stages are shown."""


def tables(report: Report) -> Group:
    """Everything a user wants to know of one run."""
    parts: list[RenderableType] = [_head(report)]
    for screen in report.screens:
        parts += [Text(), _title(screen), _ends(screen)]
        parts += [_stages(screen, scene) for scene in (IDLE, LOADED)]
        parts.append(_costs(screen))
        parts.append(_foot(screen))
    return Group(*parts)


def _head(report: Report) -> Text:
    machine = report.machine
    system = f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}"
    config = " ".join([report.config, *report.settings])
    return Text.assemble(
        (f"hud {report.version}", "bold"), f" · {config} · {system}\n",
        (f"On a virtual screen; the model is a stand-in on this machine that answers after "
         f"{report.answer:g} s.", "dim"),
    )  # fmt: skip


def _title(screen: Screen) -> Text:
    rounds = len(screen.first_request)
    times = f", {rounds} rounds" if rounds > 1 else ""
    size = f"{screen.width}×{screen.height}"
    return Text.assemble((f"{screen.size} ({size}{times})", "bold"), f", {screen.manner}")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _ends(screen: Screen) -> Table:
    table = _table(
        "from the drawing on, ms", "shown", "to the\nserver p50", "p95", "p99",
        "to the first\nword p50", "p95", "p99",
    )  # fmt: skip
    for name, scene in screen.scenes.items():
        if scene.changes:
            wire, word = (scene.percentiles(f"change_to_{end}") for end in ("wire", "first_word"))
            counts = f"{scene.shown} of {scene.changes}"
            (p50, *wire_rest), (word_p50, *word_rest) = map(_ms, wire), map(_ms, word)
            bold, bold_too = f"[bold]{p50}", f"[bold]{word_p50}"
            table.add_row(SCENES[name].title, counts, bold, *wire_rest, bold_too, *word_rest)
    return table


def _stages(screen: Screen, name: str) -> Table:
    table = _table(
        f"{SCENES[name].title}: stages, ms", "waits p50", "p95", "p99", "works p50", "p95", "p99"
    )
    scene = screen.scenes[name]
    for stage, title in STAGES.items():
        wait, work = f"{stage}_wait", _WORK.get(stage, f"{stage}_work")
        table.add_row(title, *map(_ms, scene.percentiles(wait) + scene.percentiles(work)))
    return table


def _costs(screen: Screen) -> Table:
    table = _table(
        "what it costs", "CPU,\nhud %", "CPU,\nX %", "frames\n/s", "sent\n/s", "sent\nkB/s",
        "stale\nms", "merged\n+ lost", "step\nms",
    )  # fmt: skip
    for name, scene in screen.scenes.items():
        lost = [sum(n for edge, n in scene.drops.items() if edge.endswith(how)) for how in _HOWS]
        table.add_row(
            SCENES[name].title,
            _percent(scene, "cpu_hud"),
            _percent(scene, "cpu_x_extra"),
            f"{scene.frames / scene.seconds:.1f}",
            f"{scene.turns / scene.seconds:.1f}",
            f"{scene.kilobytes / scene.seconds:.0f}",
            _ms(max(scene.samples("stale_when_sent"), default=math.nan)),
            " + ".join(map(str, lost)),
            _ms(max(scene.samples("long_step"), default=math.nan)) or "< 1",
        )
    return table


_HOWS = ("merged", "dropped")


def _foot(screen: Screen) -> Text:
    memory = [sample for scene in screen.scenes.values() for sample in scene.samples("memory")]
    first = statistics.median(screen.first_request)
    return Text(
        f"Memory {statistics.median(memory):.0f} MB, {screen.peak_memory:.0f} at most; "
        f"first request {first:.2f} s after the start.\n"
        "CPU: of one core, and what X needs more than without hud; stale: how long there had been "
        "a newer\nframe when one was sent, at most; step: the longest in which the event loop "
        "stood still.",
        "dim",
    )


def _percent(scene: Scene, metric: str) -> str:
    samples = scene.samples(metric)
    return f"{max(0.0, statistics.fmean(samples)):.2f}" if samples else ""


def _ms(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


_STYLES = {Verdict.WORSE: "red", Verdict.BETTER: "green"}


def comparison(differences: Sequence[Difference], earlier: Report) -> Group:
    """What got worse, what better, in words; below it the stages that explain it."""
    head = f"Compared with {earlier.date}; in brackets the difference and its 99 % interval"
    felt = [each for each in differences if each.metric.headline]
    others = [each for each in differences if not each.metric.headline]
    parts: list[RenderableType] = [Text(head, "bold")]
    for verdict, style in _STYLES.items():
        parts += [Text(sentence(each), style) for each in felt if each.verdict is verdict]
    parts += [Text(f"  {sentence(each)}", "dim") for each in others if each.verdict in _STYLES]
    for verdict in (Verdict.SAME, Verdict.UNKNOWN):
        if count := sum(each.verdict is verdict for each in differences):
            parts.append(Text(f"{verdict.value}: {count} figures", "dim"))
    return Group(*parts)


def sentence(each: Difference) -> str:
    """One difference with its interval, or without where there are too few starts for one."""
    where = f"{each.size}, {SCENES[each.scene].title}"
    change = f"{each.percent(each.after - each.before):+.0f} %, " if each.before else ""
    sure = f"{each.low:+.2f} to {each.high:+.2f}"
    if each.starts is not None:
        sure = f"by the tolerance alone: {each.starts} start{'s' * (each.starts > 1)}"
    return (
        f"{each.verdict.value}: {where}: {each.metric.title} {each.before:.2f} → {each.after:.2f} "
        f"{each.metric.unit} ({change}{sure})"
    )
