"""Charts of a diagnosis: which layers lose, how well their ranges fit, what shifts of the input do.

Place in the flow: for the page of report/diagnosis.py; report/row_chart.py draws.
"""

from __future__ import annotations

from typing import Any

from tinygen.report.moment import show_name
from tinygen.report.row_chart import RowBar, rows_svg

_FULL_DB = 60.0
_CUT = 0.001  # of the values: fewer are outliers
_STEPS, _MOST_STEPS = 255, 400  # of int8; of the plot


def shares_svg(report: dict[str, Any]) -> str:
    """Layers by their share of the noise at the model's output, the largest first."""
    layers = sorted(report["now"]["layers"], key=lambda layer: -float(layer["share"]))
    bars = [_bar(x, float(x["share"]), f"{x['share']:.1%}", 4) for x in layers]
    bars.append(
        RowBar(report["now"]["output_share"], f"rounding the output: {report['now']['output_share']:.1%}", "", 5)
    )
    return rows_svg("%: share of the noise at the model's output", bars, [(k / 100, str(k)) for k in range(0, 101, 20)])


def sqnr_svg(report: dict[str, Any]) -> str:
    """The signal to noise ratio of each layer's output against float, up to 60 dB."""
    bars = [_bar(x, float(x["sqnr_db"]) / _FULL_DB, f"{x['sqnr_db']:.1f} dB", 0) for x in report["now"]["layers"]]
    ticks = [(k / _FULL_DB, str(k)) for k in range(0, 61, 20)]
    return rows_svg("dB: signal to noise of each layer's output", bars, ticks)


def ranges_svg(report: dict[str, Any]) -> str:
    """How many steps of int8 the float values span: few are coarse, more than 255 are cut off."""
    bars = []
    for layer in report["now"]["layers"]:
        steps = (layer["high"] - layer["low"]) / layer["step"] if layer["step"] else 0.0
        is_cut = layer["saturated"] > _CUT
        text = f"{steps:.0f}" + (f", {layer['saturated']:.1%} cut off" if is_cut else "")
        bars.append(_bar(layer, steps / _MOST_STEPS, text, 4 if is_cut else 2))
    ticks = [(k / _MOST_STEPS, str(k)) for k in (0, 64, 128, _STEPS)]
    return rows_svg("steps of int8 that the float values span", bars, ticks)


def robustness_svg(found: dict[str, Any]) -> str:
    """Each shift: float (blue) above int8 (orange); accuracy, or the error up to the largest."""
    scores = [s for row in found["rows"] for s in (row["float_score"], row["int8_score"]) if s is not None]
    full = 1.0 if found["is_accuracy"] else max(scores) or 1.0
    bars = []
    for row in found["rows"]:
        what = f"{row['shift']} {row['level']}".strip()
        for name, hue, score in (("float", 0, row["float_score"]), ("int8", 1, row["int8_score"])):
            if score is not None:
                text = f"{score:.1%}" if found["is_accuracy"] else f"{score:.3f}"
                bars.append(RowBar(score / full, f"{what}, {name}: {text}", found["measure"], hue))
    parts = (0.0, 0.25, 0.5, 0.75, 1.0)
    ticks = [(p, f"{p:.0%}" if found["is_accuracy"] else f"{p * full:.2g}") for p in parts]
    return rows_svg("accuracy" if found["is_accuracy"] else "error", bars, ticks)


def _bar(layer: dict[str, Any], part: float, text: str, hue: int) -> RowBar:
    label = f"{layer['index']} {layer['operator']}: {text}"
    return RowBar(part, label, f"{label} ({show_name(layer['name'])})", hue)
