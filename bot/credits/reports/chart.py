"""Draws a report: stacked bars on Discord's dark ground, with numbers in place of names.

No font has every script that a name can be written in, so the picture numbers the members and the message
beside it says who they are. Colours are not needed to read it: neighbours have different hatching, too.
"""

from __future__ import annotations

import importlib.util
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bot.credits.reports.models import COLOURED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from bot.credits.reports.models import ChartLabels, Report

WIDTH, HEIGHT, DPI = 1200, 800, 100
"""Pixels. A phone shows it about 400 wide, so that the text below is still 10 of them high."""
TEXT_POINTS: Final = 30 * 72 / DPI
TITLE_POINTS: Final = 36 * 72 / DPI

BACKGROUND: Final = "#313338"
TEXT: Final = "#DBDEE1"
GRID: Final = "#4A4D55"
PACE_COLOUR: Final = "#FFFFFF"
# Of the first six members, then of all others, then of those without a name: light enough for the ground.
COLOURS: Final = (
    *("#5AA9F0", "#F2A33C", "#46CF9B", "#F083B5", "#EFE15A", "#A996F5"),
    *("#B8BCC4", "#8F949E"),
)
HATCHES: Final = ("", "//", "", "\\\\", "", "xx", "", "..")
# Shares of the picture, from below and from the left.
_PLOT_GROUND, _PLOT_TOP = 0.1, 0.81
_PLOT_LEFT, _PLOT_WIDTH = 0.105, 0.875
_LEGEND_TOP, _LEGEND_HEIGHT = 0.9, 0.065
_TITLE_LEFT, _TITLE_TOP = 0.018, 0.965
_HATCH_WIDTH: Final = 3
_CHARACTER_WIDTH: Final = 19
"""Pixels; a digit of the text's size. Its letters are narrower, but for a few."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One colour of the bars, from the first bar to the last."""

    name: str
    credits: tuple[int, ...]
    colour: str
    hatch: str


def is_available() -> bool:
    """Whether the `charts` extra is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def preload() -> None:
    """Load the library, which `draw` would otherwise do; the second time it costs nothing."""
    # Only here and below: it takes 60 MB and half a second, and most bots are never asked for a report.
    import matplotlib.backends.backend_agg  # noqa: PLC0415  # see above
    import matplotlib.figure  # noqa: PLC0415, F401  # see above


def draw(report: Report, lettering: ChartLabels) -> bytes:
    """The report as a PNG. Takes a third of a second, and more when the library is first loaded.

    `chart_labels` are all the words in it. matplotlib is not made for several threads at once: https://matplotlib.org/stable/users/faq.html
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # see above

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=BACKGROUND)
    _title(figure, lettering.title)
    top = _PLOT_TOP if report.visible_pace is None else _PLOT_TOP - _LEGEND_HEIGHT
    axes = figure.add_axes((_PLOT_LEFT, _PLOT_GROUND, _PLOT_WIDTH, top - _PLOT_GROUND), facecolor=BACKGROUND)
    if patches := _stack(axes, _layers(report, lettering)):
        _legend(figure, patches, _LEGEND_TOP)
    if (pace := report.visible_pace) is not None:
        dashes = (0, (3.2, 1.4))
        line = axes.axhline(pace, label=lettering.pace, color=PACE_COLOUR, linewidth=4, linestyle=dashes)
        _legend(figure, [line], _LEGEND_TOP - _LEGEND_HEIGHT)
    _label(axes, report, lettering)
    kept = io.BytesIO()
    figure.savefig(kept, format="png", facecolor=BACKGROUND)
    return kept.getvalue()


def _title(figure: Figure, words: str) -> None:
    """As large as it fits: some languages need more room than others."""
    title = figure.text(_TITLE_LEFT, _TITLE_TOP, words, color=TEXT, fontweight="bold", va="top")
    title.set_fontsize(TITLE_POINTS)
    width = title.get_window_extent().width
    if width > (room := (1 - 2 * _TITLE_LEFT) * WIDTH):
        title.set_fontsize(TITLE_POINTS * room / width)


def _layers(report: Report, lettering: ChartLabels) -> list[Layer]:
    """From the ground up; without those in which nothing was spent."""
    columns = [*zip(*(bar.top for bar in report.buckets), strict=True)]
    parts = [(str(place), column, place - 1) for place, column in enumerate(columns, start=1)]
    parts.append((lettering.others, tuple(bar.others for bar in report.buckets), COLOURED))
    parts.append((lettering.erased, tuple(bar.erased for bar in report.buckets), COLOURED + 1))
    return [
        Layer(name, column, COLOURS[place], HATCHES[place]) for name, column, place in parts if any(column)
    ]


def _stack(axes: Axes, layers: Sequence[Layer]) -> list[Patch]:
    """Draw the bars; returns one patch of each layer for the legend."""
    patches = []
    ground = [0] * len(layers[0].credits) if layers else []
    for layer in layers:
        drawn = [place for place, credits in enumerate(layer.credits) if credits]
        bars = axes.bar(
            drawn,
            [layer.credits[place] for place in drawn],
            bottom=[ground[place] for place in drawn],
            width=0.82,
            color=layer.colour,
            edgecolor=BACKGROUND,  # also of the hatching, and a gap between neighbours
            linewidth=1.5,
            hatch=layer.hatch,
            zorder=2,
        )
        for bar in bars:
            bar.set_hatch_linewidth(_HATCH_WIDTH)
        ground = [sum(both) for both in zip(ground, layer.credits, strict=True)]
        bars[0].set_label(layer.name)
        patches.append(bars[0])
    return patches


def _legend(figure: Figure, handles: Sequence[Artist], top: float) -> None:
    legend = figure.legend(
        handles=handles,
        labels=[str(handle.get_label()) for handle in handles],
        loc="upper left",
        bbox_to_anchor=(0.006, top),
        ncols=len(handles),
        frameon=False,
        labelcolor=TEXT,
        fontsize=TEXT_POINTS,
        handlelength=1.5,
        handletextpad=0.4,
        columnspacing=1.0,
    )
    for patch in legend.get_patches():
        patch.set_hatch_linewidth(_HATCH_WIDTH)


def _label(axes: Axes, report: Report, lettering: ChartLabels) -> None:
    highest = max(report.highest.credits, report.visible_pace or 0, 1)
    axes.set_ylim(0, highest * 1.06)
    axes.set_xlim(-0.6, len(report.buckets) - 0.4)
    axes.locator_params(axis="y", integer=True, nbins=5)
    axes.yaxis.set_major_formatter(lambda value, _: lettering.number(value))
    ticks = _ticks(lettering.buckets)
    axes.set_xticks([*ticks], [*ticks.values()])
    axes.tick_params(colors=TEXT, labelsize=TEXT_POINTS, length=0, pad=12)
    axes.grid(axis="y", color=GRID, linewidth=1.5, zorder=0)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _ticks(names: Sequence[str]) -> dict[int, str]:
    """Which labels are shown: as many as stand clear of each other, and none that the edge would cut."""
    bar = _PLOT_WIDTH * WIDTH / len(names)
    widths = [len(name) * _CHARACTER_WIDTH for name in names]
    every = math.ceil((max(widths) + 2 * _CHARACTER_WIDTH) / bar)
    room = (1 - _PLOT_LEFT - _PLOT_WIDTH) * WIDTH
    return {
        place: name
        for place, name in enumerate(names)
        if place % every == 0 and widths[place] / 2 <= (len(names) - place - 0.5) * bar + room
    }
