"""What `tinygen doctor MODEL` found, as text and as one HTML page that needs nothing else.

Place in the flow: cli/doctor.py makes the report, an object as docs/SPEC.md has it, and prints it here.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from tinygen.render import render
from tinygen.report.moment import show_name

_HEADERS = ("layer", "operator", "name", "SQNR", "as converted", "share", "range", "cut off", "dead", "weights")
_NUMBERS = (0, 3, 4, 5, 7, 8, 9)
_FULL = 60.0  # dB, of a full bar
_WIDTH = 140


def diagnosis_text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    console = Console(width=_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(_headline(report), markup=False)
        for remedy, db in _tried(report):
            console.print(f"  {remedy}: {db}", markup=False)
        table = Table(box=None)
        for i, header in enumerate(_HEADERS):
            table.add_column(header, justify="right" if i in _NUMBERS else "left")
        for row in _rows(report):
            table.add_row(*row)
        console.print(table)
        console.print(f"rounding the output itself: {report['now']['output_share']:.0%} of the noise")
        for finding in report["findings"]:
            console.print(f"{show_name(finding['where'])}: {finding['cause']}; {finding['remedy']}", markup=False)
        if not report["findings"]:
            console.print("nothing stands out")
    return capture.get().rstrip("\n")


def diagnosis_page(report: dict[str, Any]) -> bytes:
    """The page, UTF-8."""
    context = {
        "name": report["model"],
        "headline": _headline(report),
        "tried": _tried(report),
        "headers": _HEADERS,
        "numbers": _NUMBERS,
        "rows": _rows(report),
        "bars": _bars(report),
        "findings": [(show_name(f["where"]), f["cause"], f["remedy"]) for f in report["findings"]],
    }
    return render("report/diagnosis.html.j2", m=context)


def _headline(report: dict[str, Any]) -> str:
    plain, now = report["plain_sqnr_db"], report["sqnr_db"]
    done = ", ".join(report["remedies"]) or "nothing better was found"
    return f"{report['model']}: {now:.1f} dB from float to int8, {plain:.1f} dB as converted ({done})"


def _tried(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["remedy"], f"{entry['sqnr_db']:.1f} dB") for entry in report["tried"]]


def _rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    plain = {layer["index"]: layer for layer in report["plain"]["layers"]}
    rows: list[tuple[str, ...]] = []
    for layer in report["now"]["layers"]:
        before = plain.get(layer["index"])
        rows.append(
            (
                str(layer["index"]),
                layer["operator"],
                show_name(layer["name"]),
                f"{layer['sqnr_db']:.1f} dB",
                f"{before['sqnr_db']:.1f} dB" if before else "",
                f"{layer['share']:.0%}",
                f"{layer['low']:.3g} to {layer['high']:.3g}",
                f"{layer['saturated']:.2%}",
                f"{layer['dead_channels']} of {layer['channels']}",
                "" if layer["weights_db"] is None else f"{layer['weights_db']:.1f} dB",
            )
        )
    return rows


def _bars(report: dict[str, Any]) -> list[dict[str, Any]]:
    """For a plot: of each layer the SQNR and the share of the noise, in percent of a full bar."""
    return [
        {
            "name": f"{layer['index']} {layer['operator']}",
            "sqnr": round(min(max(layer["sqnr_db"], 0.0), _FULL) / _FULL * 100, 1),
            "share": round(layer["share"] * 100, 1),
            "db": f"{layer['sqnr_db']:.1f} dB",
        }
        for layer in report["now"]["layers"]
    ]
