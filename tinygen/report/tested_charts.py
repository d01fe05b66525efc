"""Charts of a test as plain SVG: histograms of errors, bars of the layers. What is drawn where is decided here.

Place in the flow: for the page of report/tested_page.py; templates/report prints it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.render import render
from tinygen.report.layer_error import LayerError
from tinygen.report.moment import show_name
from tinygen.report.row_chart import RowBar, rows_svg

_WIDTH, _HEIGHT = 420, 160  # px of the plot: readable on a phone, too
_BINS = 41
_MOST_DB = 80.0


@dataclass(frozen=True, slots=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float
    title: str
    label: str


@dataclass(frozen=True, slots=True)
class _Tick:
    at: float
    text: str


def histogram_svg(errors: Array, title: str) -> str:
    """How often which error occurs, float64 of any shape, in 41 bins around 0; NaN and infinities are left out.

    Counts are drawn as log(1 + count): a few large errors must be seen beside many small ones.
    """
    finite = errors[np.isfinite(errors)].ravel()
    reach = float(np.abs(finite).max(initial=0)) or 1.0
    counts, edges = np.histogram(finite, _BINS, (-reach, reach))
    highest = max(int(counts.max(initial=0)), 1)
    width = _WIDTH / _BINS

    def scaled(count: int) -> float:
        return round(_HEIGHT * math.log1p(count) / math.log1p(highest), 1)

    bars = []
    for k, count in enumerate(counts.tolist()):
        height = scaled(count)
        text = f"{count:,} of {finite.size:,} errors from {edges[k]:.3g} to {edges[k + 1]:.3g}"
        bars.append(_Bar(round(k * width, 1), round(_HEIGHT - height, 1), round(width - 1, 1), height, text, ""))
    context = {
        "title": title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "bars": bars,
        "x_ticks": [_Tick(_WIDTH * (0.5 + part / 2), f"{part * reach:.3g}") for part in (-1.0, -0.5, 0.0, 0.5, 1.0)],
        "y_ticks": [_Tick(round(_HEIGHT - scaled(v), 1), f"{v:,}") for v in (0, *_tens(highest))],
    }
    return render("report/histogram.svg.j2", m=context).decode()


def _tens(highest: int) -> tuple[int, ...]:
    """1, 10, 100 ... up to `highest`."""
    return tuple(10**e for e in range(len(str(highest))))


def layers_svg(found: Sequence[LayerError]) -> str:
    """The SNR of each layer against float as a bar, up to 80 dB."""
    bars = []
    for error in found:
        shown = min(max(error.snr_db, 0.0), _MOST_DB)
        text = "equal" if math.isinf(error.snr_db) and error.snr_db > 0 else f"{error.snr_db:.1f} dB"
        layer = error.layer
        title = f"layer {layer.index}, {layer.operator} {show_name(layer.name)}: {text}"
        bars.append(RowBar(shown / _MOST_DB, f"{layer.index} {layer.operator}: {text}", title))
    ticks = [(db / _MOST_DB, f"{db}") for db in (0, 20, 40, 60, 80)]
    return rows_svg("dB: signal to error of each layer, against the float model", bars, ticks)
