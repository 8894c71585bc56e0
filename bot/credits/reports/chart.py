"""Draw a report as stacked bars on the background of Discord's dark theme.

No font has every script of members' names, so members are numbered, and the message has their names.
Neighbouring layers differ in their hatching as well, so that no colours are needed.
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
"""Pixels. On a phone it is about 400 wide, and text of `TEXT_POINTS` is 10 high."""
TEXT_POINTS: Final = 30 * 72 / DPI
TITLE_POINTS: Final = 36 * 72 / DPI

BACKGROUND: Final = "#313338"
TEXT: Final = "#DBDEE1"
GRID: Final = "#4A4D55"
PACE_COLOUR: Final = "#FFFFFF"
# Of the first `COLOURED` members, then of all others, then of those whose names were erased.
COLOURS: Final = (
    *("#5AA9F0", "#F2A33C", "#46CF9B", "#F083B5", "#EFE15A", "#A996F5"),
    *("#B8BCC4", "#8F949E"),
)
HATCHES: Final = ("", "//", "", "\\\\", "", "xx", "", "..")
# Fractions of the figure, from the bottom and from the left.
_PLOT_BOTTOM, _PLOT_TOP = 0.1, 0.81
_PLOT_LEFT, _PLOT_WIDTH = 0.105, 0.875
_LEGEND_TOP, _LEGEND_HEIGHT = 0.9, 0.065
_TITLE_LEFT, _TITLE_TOP = 0.018, 0.965
_HATCH_WIDTH: Final = 3
_CHARACTER_WIDTH: Final = 19
"""Pixels; of a digit at `TEXT_POINTS`. Most letters are narrower."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the stacked bars, from the first bar to the last."""

    name: str
    credits: tuple[int, ...]
    colour: str
    hatch: str


def is_available() -> bool:
    """Return whether the `charts` extra is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def preload() -> None:
    """Load matplotlib, which `draw` would do otherwise."""
    # Imported only here and below: it takes 45 MB and half a second, and many bots make no reports.
    import matplotlib.backends.backend_agg  # noqa: PLC0415  # see above
    import matplotlib.figure  # noqa: PLC0415, F401  # see above


def draw(report: Report, labels: ChartLabels) -> bytes:
    """Draw a report as a PNG; `labels` are all the texts in it.

    Takes a third of a second, and half a second more if matplotlib is not loaded yet. Only one thread may
    draw at a time: https://matplotlib.org/stable/users/faq.html
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # see above

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=BACKGROUND)
    _title(figure, labels.title)
    top = _PLOT_TOP if report.visible_pace is None else _PLOT_TOP - _LEGEND_HEIGHT
    axes = figure.add_axes((_PLOT_LEFT, _PLOT_BOTTOM, _PLOT_WIDTH, top - _PLOT_BOTTOM), facecolor=BACKGROUND)
    if patches := _stack(axes, _layers(report, labels)):
        _legend(figure, patches, _LEGEND_TOP)
    if (pace := report.visible_pace) is not None:
        dashes = (0, (3.2, 1.4))
        line = axes.axhline(pace, label=labels.pace, color=PACE_COLOUR, linewidth=4, linestyle=dashes)
        _legend(figure, [line], _LEGEND_TOP - _LEGEND_HEIGHT)
    _label(axes, report, labels)
    png = io.BytesIO()
    figure.savefig(png, format="png", facecolor=BACKGROUND)
    return png.getvalue()


def _title(figure: Figure, text: str) -> None:
    """Write the title, smaller if it is too wide."""
    title = figure.text(_TITLE_LEFT, _TITLE_TOP, text, color=TEXT, fontweight="bold", va="top")
    title.set_fontsize(TITLE_POINTS)
    width = title.get_window_extent().width
    if width > (room := (1 - 2 * _TITLE_LEFT) * WIDTH):
        title.set_fontsize(TITLE_POINTS * room / width)


def _layers(report: Report, labels: ChartLabels) -> list[Layer]:
    """Return the layers with any credits, from the bottom up."""
    columns = [*zip(*(bar.top for bar in report.buckets), strict=True)]
    layers = [(str(number), column, number - 1) for number, column in enumerate(columns, start=1)]
    layers.append((labels.others, tuple(bar.others for bar in report.buckets), COLOURED))
    layers.append((labels.erased, tuple(bar.erased for bar in report.buckets), COLOURED + 1))
    return [
        Layer(name, column, COLOURS[style], HATCHES[style]) for name, column, style in layers if any(column)
    ]


def _stack(axes: Axes, layers: Sequence[Layer]) -> list[Patch]:
    """Draw the bars; return one patch of each layer for the legend."""
    patches = []
    bottoms = [0] * len(layers[0].credits) if layers else []
    for layer in layers:
        drawn = [index for index, credits in enumerate(layer.credits) if credits]
        bars = axes.bar(
            drawn,
            [layer.credits[index] for index in drawn],
            bottom=[bottoms[index] for index in drawn],
            width=0.82,
            color=layer.colour,
            edgecolor=BACKGROUND,  # also the colour of the hatching
            linewidth=1.5,
            hatch=layer.hatch,
            zorder=2,
        )
        for bar in bars:
            bar.set_hatch_linewidth(_HATCH_WIDTH)
        bottoms = [sum(pair) for pair in zip(bottoms, layer.credits, strict=True)]
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


def _label(axes: Axes, report: Report, labels: ChartLabels) -> None:
    highest = max(report.highest.credits, report.visible_pace or 0, 1)
    axes.set_ylim(0, highest * 1.06)
    axes.set_xlim(-0.6, len(report.buckets) - 0.4)
    axes.locator_params(axis="y", integer=True, nbins=5)
    axes.yaxis.set_major_formatter(lambda value, _: labels.number(value))
    ticks = _ticks(labels.buckets)
    axes.set_xticks([*ticks], [*ticks.values()])
    axes.tick_params(colors=TEXT, labelsize=TEXT_POINTS, length=0, pad=12)
    axes.grid(axis="y", color=GRID, linewidth=1.5, zorder=0)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _ticks(names: Sequence[str]) -> dict[int, str]:
    """Choose the labels of the bars, by index, so that none overlap and none is cut by the edge."""
    bar = _PLOT_WIDTH * WIDTH / len(names)
    widths = [len(name) * _CHARACTER_WIDTH for name in names]
    every = math.ceil((max(widths) + 2 * _CHARACTER_WIDTH) / bar)
    room = (1 - _PLOT_LEFT - _PLOT_WIDTH) * WIDTH
    return {
        index: name
        for index, name in enumerate(names)
        if index % every == 0 and widths[index] / 2 <= (len(names) - index - 0.5) * bar + room
    }
