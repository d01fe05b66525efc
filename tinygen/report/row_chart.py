"""Lying bars, one below the other, as plain SVG for the pages of reports; templates/report prints what is drawn here.

Place in the flow: report/tested_charts.py and report/diagnosis.py draw with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygen.render import render

_WIDTH = 420  # px of the plot: readable on a phone, too
_ROW = 16  # px of a bar


@dataclass(frozen=True, slots=True)
class RowBar:
    """part: of the plot's width, 0 to 1. label stands in the bar, title is shown by pointing at it; hue: 0 to 5."""

    part: float
    label: str
    title: str
    hue: int = 0


def rows_svg(title: str, bars: Sequence[RowBar], ticks: Sequence[tuple[float, str]]) -> str:
    """The chart with its title below; ticks: (part of the width, text)."""
    context = {
        "title": title,
        "width": _WIDTH,
        "height": len(bars) * _ROW,
        "bars": [
            {
                "y": k * _ROW,
                "width": round(min(max(bar.part, 0.0), 1.0) * _WIDTH, 1),
                "height": _ROW - 3,
                "hue": bar.hue,
                "label": bar.label,
                "title": bar.title,
            }
            for k, bar in enumerate(bars)
        ],
        "ticks": [(round(part * _WIDTH, 1), text) for part, text in ticks],
    }
    return render("report/rows.svg.j2", m=context).decode()
