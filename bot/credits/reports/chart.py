"""Draw a report as stacked bars on the background of Discord's dark theme.

No font has every script of members' names, so members are numbered, and the message has their names. Models
have theirs, as far as the font has it.
Neighbouring layers differ in their hatching as well, so that no colours are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.credits.reports.models import COLOURED

if TYPE_CHECKING:
    from bot.credits.reports.models import ChartLabels, Report

BACKGROUND: Final = "#313338"
TEXT: Final = "#DBDEE1"
GRID: Final = "#4A4D55"
PACE_COLOUR: Final = "#FFFFFF"
# Of the first `COLOURED` spenders, then of all others, then of those whose names were erased. Any two differ
# for those who do not see red or green, too.
COLOURS: Final = (
    *("#1FC3F5", "#DB5A0B", "#BDD09A", "#FF66CF", "#F6CC19", "#8667FA"),
    *("#E9EBEE", "#7A7F89"),
)
HATCHES: Final = ("", "/", "", "\\", "", "/\\", "", ".")


def draw(report: Report, labels: ChartLabels) -> bytes | None:
    """Draw a report as a PNG, or return None if this host cannot; `labels` are all the texts in it.

    Takes a twentieth of a second; may run in several threads at once.
    """
    from bot.images import bar_chart  # noqa: PLC0415  # many bots make no reports

    if not bar_chart.can_write_text():
        return None
    columns = [*zip(*(bar.top for bar in report.buckets), strict=True)]
    layers = [
        (name, column, style)
        for style, (name, column) in enumerate(zip(labels.spenders, columns, strict=True))
    ]
    layers.append((labels.others, tuple(bar.others for bar in report.buckets), COLOURED))
    layers.append((labels.erased, tuple(bar.erased for bar in report.buckets), COLOURED + 1))
    pace = report.visible_pace
    chart = bar_chart.BarChart(
        title=labels.title,
        bars=labels.buckets,
        layers=tuple(
            bar_chart.Layer(name, column, COLOURS[style], HATCHES[style])
            for name, column, style in layers
            if any(column)
        ),
        line=None if pace is None else (pace, labels.pace),
        number=labels.number,
    )
    return bar_chart.draw(chart, bar_chart.Theme(BACKGROUND, TEXT, GRID, PACE_COLOUR))
