"""Draw stacked bars with a legend, an axis and a dashed line as a PNG, with Pillow.

All text is in `FONT`, which is beside this file and has Latin, Greek and Cyrillic letters, so that a chart
looks the same on every host.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont, features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WIDTH, HEIGHT = 1200, 800
"""Pixels. On a phone a chart is about 390 wide, and its text more than 11 high."""
TEXT_PIXELS: Final = 35
TITLE_PIXELS: Final = 40
FONT: Final = Path(__file__).with_name("fonts") / "NotoSans-Regular.ttf"

_MARGIN: Final = 24
_RIGHT: Final = WIDTH - _MARGIN
_GAP: Final = 14
"""Between a text and what it names."""
_TITLE_STROKE: Final = 0.6
"""Makes the letters of the title bolder."""
_LEGEND_TOP: Final = 96
_LEGEND_LINE: Final = 50
_SWATCH: Final = (48, 30)
_AXIS_STEPS: Final = (1, 2, 5)
_MAX_AXIS_LINES: Final = 5
_BAR_SHARE: Final = 0.82
_MAX_BAR: Final = 160
_HEADROOM: Final = 1.04
_SEAM: Final = 2
"""The background between two layers."""
_DASH: Final = (18, 10)
_DASH_WIDTH: Final = 5
_DASH_EDGE: Final = 2
_TILE: Final = 24
_SMOOTHING: Final = 4
"""Hatching is drawn so many times larger and then reduced, which makes its edges smooth."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as `#RRGGBB`."""

    background: str
    text: str
    grid: str
    line: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the stacked bars."""

    name: str
    values: tuple[int, ...]
    """From the first bar to the last."""
    colour: str
    hatch: str
    """What is drawn over the colour in that of the background: `/`, `\\`, `/\\`, `.` or nothing."""


@dataclass(frozen=True, slots=True)
class BarChart:
    """The contents of a chart; all texts are shown as they are."""

    title: str
    bars: tuple[str, ...]
    """Below each bar; if there is no room for all, only every second, third... is shown."""
    layers: tuple[Layer, ...]
    """From the bottom up."""
    line: tuple[float, str] | None
    """The height of the dashed line, and its name."""
    number: Callable[[float], str]
    """Format a number of the axis."""

    @property
    def highest(self) -> float:
        """The highest bar or the line, and at least 1."""
        bars = [sum(values) for values in zip(*(layer.values for layer in self.layers), strict=True)]
        return max(1.0, self.line[0] if self.line else 0.0, *map(float, bars))


def can_write_text() -> bool:
    """Return whether Pillow has FreeType here, as its wheels have."""
    return bool(features.check("freetype2"))


def draw(chart: BarChart, theme: Theme) -> bytes:
    """Draw a chart as a PNG of `WIDTH` times `HEIGHT`. May run in several threads at once."""
    canvas = _Canvas(theme, {layer.hatch for layer in chart.layers})
    canvas.write_title(chart.title)
    top = _draw_legend(canvas, chart)
    _draw_plot(canvas, chart, top)
    png = io.BytesIO()
    canvas.image.save(png, "PNG", compress_level=3)
    return png.getvalue()


class _Canvas:
    """The picture, and what is drawn on it."""

    def __init__(self, theme: Theme, hatches: Iterable[str]) -> None:
        self._theme = theme
        self.image = Image.new("RGB", (WIDTH, HEIGHT), theme.background)
        self._pen = ImageDraw.Draw(self.image)
        self._font = ImageFont.truetype(FONT, TEXT_PIXELS)
        self._hatching = {hatch: _hatching(hatch) for hatch in hatches if hatch}

    def width_of(self, text: str) -> int:
        return round(self._font.getlength(text))

    def write(self, at: tuple[float, float], text: str, anchor: str) -> None:
        """Write a text; anchors are those of https://pillow.readthedocs.io/en/stable/handbook/text-anchors.html."""
        self._pen.text(at, text, self._theme.text, self._font, anchor)

    def write_title(self, text: str) -> None:
        """Write the title, smaller if it is too wide."""
        font = ImageFont.truetype(FONT, TITLE_PIXELS)
        if (width := font.getlength(text)) > (room := _RIGHT - _MARGIN):
            font = ImageFont.truetype(FONT, TITLE_PIXELS * room / width)
        at = (_MARGIN, _MARGIN)
        self._pen.text(at, text, self._theme.text, font, "la", stroke_width=_TITLE_STROKE)

    def fill(self, box: Box, layer: Layer) -> None:
        self.image.paste(layer.colour, box)
        if layer.hatch:
            self.image.paste(self._theme.background, box, self._hatching[layer.hatch].crop(box))

    def draw_grid(self, left: int, y: int) -> None:
        self._pen.line((left, y, _RIGHT, y), self._theme.grid, 2)

    def draw_dashes(self, left: int, y: int, right: int) -> None:
        """Draw a dashed line, with an edge of the background, since bars can be as light as the line."""
        for x in range(left, right, sum(_DASH)):
            end = min(x + _DASH[0], right)
            self._pen.line((x, y, end, y), self._theme.background, _DASH_WIDTH + 2 * _DASH_EDGE)
            self._pen.line((x, y, end, y), self._theme.line, _DASH_WIDTH)


def _draw_legend(canvas: _Canvas, chart: BarChart) -> int:
    """Name the layers and the line, in as many lines as that takes; return where the legend ends."""
    x, y = _MARGIN, _LEGEND_TOP
    for name, layer in _legend(chart):
        width = _SWATCH[0] + _GAP + canvas.width_of(name)
        if x > _MARGIN and x + width > _RIGHT:
            x, y = _MARGIN, y + _LEGEND_LINE
        middle = y + _LEGEND_LINE // 2
        if layer is None:
            canvas.draw_dashes(x, middle, x + _SWATCH[0])
        else:
            top = middle - _SWATCH[1] // 2
            canvas.fill((x, top, x + _SWATCH[0], top + _SWATCH[1]), layer)
        canvas.write((x + _SWATCH[0] + _GAP, middle), name, "lm")
        x += width + 2 * _GAP
    return y + _LEGEND_LINE


def _legend(chart: BarChart) -> list[tuple[str, Layer | None]]:
    """Return the names in the legend, each with its layer, or None for the line."""
    layers: list[tuple[str, Layer | None]] = [(layer.name, layer) for layer in chart.layers]
    return layers if chart.line is None else [*layers, (chart.line[1], None)]


@dataclass(frozen=True, slots=True)
class _Plot:
    """The area of the bars. `scale` is in pixels for a credit, `step` in pixels from bar to bar."""

    left: int
    bottom: int
    scale: float
    step: float

    def y(self, value: float) -> int:
        return round(self.bottom - value * self.scale)

    def middle(self, bar: int) -> float:
        return self.left + (bar + 0.5) * self.step

    def sides(self, bar: int) -> tuple[int, int]:
        half = min(self.step * _BAR_SHARE, _MAX_BAR) / 2
        return round(self.middle(bar) - half), round(self.middle(bar) + half)


def _draw_plot(canvas: _Canvas, chart: BarChart, top: int) -> None:
    axis = _axis(chart.highest)
    widest = max(canvas.width_of(chart.number(value)) for value in axis)
    left = _MARGIN + max(widest + _GAP, canvas.width_of(chart.bars[0]) // 2)
    bottom = HEIGHT - _MARGIN - TEXT_PIXELS - _GAP
    scale = (bottom - top - TEXT_PIXELS // 2) / (chart.highest * _HEADROOM)
    plot = _Plot(left, bottom, scale, (_RIGHT - left) / len(chart.bars))
    for value in axis:
        canvas.draw_grid(left, plot.y(value))
        canvas.write((left - _GAP, plot.y(value)), chart.number(value), "rm")
    _draw_bars(canvas, plot, chart.layers)
    if chart.line is not None:
        canvas.draw_dashes(left, plot.y(chart.line[0]), _RIGHT)
    _label_bars(canvas, plot, chart.bars)


def _axis(highest: float) -> list[int]:
    """Return round numbers from 0 to `highest`, at most `_MAX_AXIS_LINES` above 0."""
    steps = (step * 10**power for power in count() for step in _AXIS_STEPS)
    step = next(step for step in steps if highest / step <= _MAX_AXIS_LINES)
    return [*range(0, int(highest) + 1, step)]


def _draw_bars(canvas: _Canvas, plot: _Plot, layers: tuple[Layer, ...]) -> None:
    bottoms = [0] * (len(layers[0].values) if layers else 0)
    for layer in layers:
        for bar, value in enumerate(layer.values):
            low, high = plot.y(bottoms[bar]), plot.y(bottoms[bar] + value)
            bottoms[bar] += value
            if value:
                left, right = plot.sides(bar)
                canvas.fill((left, min(high + _SEAM, low - 1), right, low), layer)


def _label_bars(canvas: _Canvas, plot: _Plot, names: tuple[str, ...]) -> None:
    """Label every bar, every second, third..., so that no label meets the next one or the edge."""
    widths = [canvas.width_of(name) for name in names]
    every = int((max(widths) + 2 * _GAP) / plot.step) + 1
    for bar in range(0, len(names), every):
        if plot.middle(bar) + widths[bar] / 2 <= _RIGHT + _GAP:
            canvas.write((plot.middle(bar), plot.bottom + _GAP), names[bar], "ma")


def _hatching(hatch: str) -> Image.Image:
    """Return a mask of the size of the picture that is white where `hatch` is drawn."""
    side = _TILE * _SMOOTHING
    large = Image.new("L", (side, side))
    pen = ImageDraw.Draw(large)
    for shift in (-side, 0, side):  # the neighbours, whose lines reach over the corners
        if "/" in hatch:
            pen.line((shift - side, 2 * side, shift + 2 * side, -side), 255, side // 6)
        if "\\" in hatch:
            pen.line((shift - side, -side, shift + 2 * side, 2 * side), 255, side // 6)
    if "." in hatch:
        for middle in (side // 4, 3 * side // 4):
            pen.circle((middle, middle), side // 8, 255)
    mask = Image.new("L", (WIDTH, HEIGHT))
    mask.paste(large.reduce(_SMOOTHING), (0, 0))
    width, height = _TILE, _TILE
    while width < WIDTH:  # the part that is done, beside itself and then below itself
        mask.paste(mask.crop((0, 0, width, _TILE)), (width, 0))
        width *= 2
    while height < HEIGHT:
        mask.paste(mask.crop((0, 0, WIDTH, height)), (0, height))
        height *= 2
    return mask
