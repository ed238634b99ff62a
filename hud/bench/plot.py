"""A benchmark as a picture: where the time goes, and how the whole is spread."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
from matplotlib.figure import Figure

from hud.bench.report import Report, Scene, Screen
from hud.bench.scenes import SCENES
from hud.errors import UsageError

SEGMENTS = {
    "wake": ("X server", "#999999", ""),
    "capture_work": ("capture", "#56B4E9", ""),
    "change_wait": ("wait for change", "#F0E442", "//"),
    "change_work": ("change", "#E69F00", ""),
    "change_held": ("held until it is certain", "#F5D9A8", ""),
    "encode_wait": ("wait for encode", "#7FCDBB", "//"),
    "encode_work": ("encode", "#009E73", ""),
    "send_wait": ("wait for send", "#D9A5C3", "//"),
    "send_work": ("send", "#CC79A7", ""),
}
"""What is stacked, in the order in which it happens; colours of Okabe and Ito."""
LINES = ("#0072B2", "#D55E00", "#009E73", "#000000")
PERCENTILES = ("p50", "p95", "p99")

BEYOND = 3
"""Times the slowest median, beyond which a bar is cut off and its value written."""


def draw(report: Report, path: pathlib.Path) -> None:
    """Write a PNG.

    Raises:
        UsageError: it cannot be written.
    """
    with mpl.rc_context({"font.size": 9, "hatch.linewidth": 0.5, "axes.spines.top": False,
                         "axes.spines.right": False}):  # fmt: skip
        rows = len(report.screens)
        figure = Figure((13, 0.9 + 4.2 * rows), dpi=110, layout="constrained")
        places: Any = figure.subplots(rows, 2, squeeze=False, width_ratios=[3, 2])
        for (left, right), screen in zip(places, report.screens, strict=True):
            _stages(left, screen)
            _spread(right, screen)
        handles, labels = places[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
        figure.suptitle(_title(report), fontsize=10)
        try:
            figure.savefig(path, format="png")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from None


def _title(report: Report) -> str:
    machine = report.machine
    config = " ".join([report.config, *report.settings])
    system = f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}"
    return f"hud {report.version}, {config}, {report.date[:16].replace('T', ' ')}; {system}"


def _of_changes(screen: Screen) -> dict[str, Scene]:
    return {name: scene for name, scene in screen.scenes.items() if scene.shown}


def _stages(axes: Any, screen: Screen) -> None:  # noqa: ANN401 - matplotlib annotates little
    """For each scene the percentiles of each stage, stacked, and those of the whole as dots."""
    rows, titles, wholes = [], [], []
    for number, (name, scene) in enumerate(_of_changes(screen).items()):
        for index, percentile in enumerate(PERCENTILES):
            rows.append((4 * number + index, scene, index))
            titles.append(f"{SCENES[name].title}  {percentile}" if index == 0 else percentile)
            wholes.append(scene.percentiles("change_to_wire")[index])
    if not rows:
        axes.set_title(f"{screen.size}: nothing was shown", loc="left")
        return
    places = [place for place, _, _ in rows]
    left = np.zeros(len(rows))
    for metric, (label, colour, hatch) in SEGMENTS.items():
        widths = np.nan_to_num([scene.percentiles(metric)[index] for _, scene, index in rows])
        axes.barh(places, widths, 0.8, left, label=label, color=colour, hatch=hatch,
                  edgecolor="white", linewidth=0.3)  # fmt: skip
        left += widths
    axes.plot(wholes, places, "D", color="black", markersize=4, label="the whole, as measured")
    most = BEYOND * max(wholes[:: len(PERCENTILES)])
    axes.set_xlim(0, min(most, 1.1 * max(wholes)))
    for place, whole in zip(places, wholes, strict=True):
        if whole > most:
            axes.text(most, place, f"{whole:.0f} →", ha="right", va="center", backgroundcolor="w")
    axes.set_yticks(places, titles)
    axes.invert_yaxis()
    axes.set_xlabel("ms from the drawing to the last byte at the server")
    size = f"{screen.width}×{screen.height}"
    axes.set_title(f"{screen.size} ({size}): percentiles of each stage, stacked", loc="left")


def _spread(axes: Any, screen: Screen) -> None:  # noqa: ANN401 - as above
    """The share of changes that had arrived by then."""
    for colour, (name, scene) in zip(LINES, _of_changes(screen).items(), strict=False):
        times = np.sort(scene.samples("change_to_wire"))
        # Those that never arrived are part of the whole.
        shares = np.arange(1, len(times) + 1) / scene.changes
        axes.step(times, 100 * shares, where="post", color=colour, label=SCENES[name].title)
    axes.set_xscale("log", subs=[2, 5])
    axes.set_ylim(0, 102)
    for place in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        place(mpl.ticker.FormatStrFormatter("%g"))
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.set_xlabel("ms (logarithmic)")
    axes.set_ylabel("% of the changes have arrived")
    axes.legend(frameon=False, loc="lower right")
    axes.set_title("how it is spread", loc="left")
