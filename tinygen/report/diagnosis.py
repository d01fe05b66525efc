"""What `tinygen doctor MODEL` found, as text and as one HTML page that needs nothing else.

Place in the flow: cli/look_at.py makes the report, an object as docs/SPEC.md has it, and prints it here.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from tinygen.load.subset import Coverage
from tinygen.render import render
from tinygen.report.diagnosis_charts import ranges_svg, robustness_svg, shares_svg, sqnr_svg
from tinygen.report.moment import show_name

_HEADERS = ("layer", "operator", "name", "SQNR", "as converted", "share", "range", "cut off", "dead", "weights")
_NUMBERS = (0, 3, 4, 5, 7, 8, 9)
_SHIFT_HEADERS = ("shift", "float", "int8", "int8 against float")
_WIDTH = 140
_MOST_RANKED = 5

_Rows = list[tuple[str, ...]]


def diagnosis_text(report: dict[str, Any]) -> str:
    """The report for a terminal."""
    console = Console(width=_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(_headline(report), markup=False)
        for line in _lines(report):
            console.print(line, markup=False)
        for remedy, db in (*_tried(report), *_offers(report)):
            console.print(f"  {remedy}: {db}", markup=False)
        if report["now"] is not None:
            console.print(_table(_HEADERS, _rows(report), _NUMBERS))
            console.print(f"most of the noise: {_ranked(report)}", markup=False)
        if report["robustness"] is not None:
            console.print(_shift_title(report), markup=False)
            console.print(_table(_SHIFT_HEADERS, _shift_rows(report), (1, 2, 3)))
            for line in report["robustness"]["left_out"]:
                console.print(f"left out: {line}", markup=False)
        for where, cause, remedy in _findings(report):
            console.print(f"{where}: {cause}; {remedy}", markup=False)
        if not _findings(report):
            console.print("nothing stands out")
    return capture.get().rstrip("\n")


def diagnosis_page(report: dict[str, Any]) -> bytes:
    """The page, UTF-8."""
    layers = report["now"] is not None
    context = {
        "name": report["model"],
        "headline": _headline(report),
        "lines": _lines(report),
        "tried": _tried(report),
        "offers": _offers(report),
        "headers": _HEADERS,
        "numbers": _NUMBERS,
        "rows": _rows(report) if layers else [],
        "ranked": _ranked(report) if layers else "",
        "charts": [draw(report) for draw in (shares_svg, sqnr_svg, ranges_svg)] if layers else [],
        "findings": _findings(report),
        "robustness": None if report["robustness"] is None else _shifted(report),
    }
    return render("report/diagnosis.html.j2", m=context)


def _shifted(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": _shift_title(report),
        "chart": robustness_svg(report["robustness"]),
        "headers": _SHIFT_HEADERS,
        "rows": _shift_rows(report),
        "left_out": report["robustness"]["left_out"],
    }


def _table(headers: tuple[str, ...], rows: _Rows, numbers: tuple[int, ...]) -> Table:
    table = Table(box=None)
    for i, header in enumerate(headers):
        table.add_column(header, justify="right" if i in numbers else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _headline(report: dict[str, Any]) -> str:
    if report["now"] is None:
        return f"{report['model']}: int8 as given, there is no float model to compare its layers with"
    plain, now = report["plain_sqnr_db"], report["sqnr_db"]
    done = ", ".join(report["remedies"]) or "nothing better was found"
    return f"{report['model']}: {now:.1f} dB from float to int8, {plain:.1f} dB as converted ({done})"


def _lines(report: dict[str, Any]) -> list[str]:
    covered = Coverage.from_json(report["coverage"])
    return [] if covered is None else [f"calibrated with {covered.text}"]


def _findings(report: dict[str, Any]) -> _Rows:
    shifted = report["robustness"]["findings"] if report["robustness"] is not None else []
    return [(show_name(f["where"]), f["cause"], f["remedy"]) for f in (*report["findings"], *shifted)]


def _tried(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["remedy"], f"{entry['sqnr_db']:.1f} dB") for entry in report["tried"]]


def _offers(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["remedy"], f"{entry['sqnr_db']:.1f} dB") for entry in report["offers"]]


def _ranked(report: dict[str, Any]) -> str:
    layers = sorted(report["now"]["layers"], key=lambda layer: -float(layer["share"]))[:_MOST_RANKED]
    parts = [f"layer {x['index']} {x['operator']} {x['share']:.0%}" for x in layers if x["share"] >= 0.005]
    return ", ".join((*parts, f"rounding the output itself {report['now']['output_share']:.0%}"))


def _rows(report: dict[str, Any]) -> _Rows:
    plain = {layer["index"]: layer for layer in report["plain"]["layers"]}
    rows: _Rows = []
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


def _shift_title(report: dict[str, Any]) -> str:
    found = report["robustness"]
    return f"under shifts of the input, {found['samples']} samples: {found['measure']}"


def _shift_rows(report: dict[str, Any]) -> _Rows:
    found = report["robustness"]

    def score(value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.1%}" if found["is_accuracy"] else f"{value:.3f}"

    return [
        (
            f"{row['shift']} {row['level']}".strip(),
            score(row["float_score"]),
            score(row["int8_score"]),
            "" if row["sqnr_db"] is None else f"{row['sqnr_db']:.1f} dB",
        )
        for row in found["rows"]
    ]
