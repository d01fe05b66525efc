"""What `tinygen tune-decision` found: the trade-off between recall and false accepts as text, JSON, SVG and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygen.decision.tradeoff import Outcome
from tinygen.render import render
from tinygen.report.drawing import FrontierDot, dots_svg

# 95 %: none seen in T hours means fewer than 3 / T an hour
_RULE_OF_THREE = 3.0
_HEADERS = ("false accepts/h", "recall", "threshold", "smoothing", "refractory", "")


@dataclass(frozen=True, slots=True)
class TradeOff:
    """The frontier, by rising false accepts, the outcome that was chosen of it, and what it gives for each label:
    (label, found, events, false accepts). wanted: false accepts an hour."""

    name: str
    wanted: float
    points: tuple[Outcome, ...]
    chosen: Outcome
    labels: tuple[tuple[str, int, int, int], ...]

    @property
    def note(self) -> str:
        """How little can be said of rare events from so short recordings."""
        hours = self.chosen.hours
        return (
            f"of {hours:.2f} hours: a setting without a false accept may still have up to {_RULE_OF_THREE / hours:.1f} "
            "an hour (95 %)"
        )


def tradeoff_text(found: TradeOff) -> str:
    """A line for each setting of the frontier, and for each label what the chosen one gives."""
    rows = [_HEADERS, *_rows(found)]
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    lines = [
        "  ".join([cell.rjust(w) for cell, w in zip(row, widths, strict=False)] + [row[5]]).rstrip() for row in rows
    ]
    lines.append("")
    lines += [f"{name}: {hit} of {events} found, {false} false accepts" for name, hit, events, false in found.labels]
    return "\n".join([*lines, found.note])


def tradeoff_json(found: TradeOff) -> dict[str, Any]:
    """Keys as in docs/SPEC.md."""
    return {
        "hours": found.chosen.hours,
        "events": found.chosen.events,
        "chosen": _json(found.chosen),
        "curve": [_json(p) for p in found.points],
        "labels": [
            {"label": name, "found": hit, "events": events, "false_accepts": false}
            for name, hit, events, false in found.labels
        ],
    }


def tradeoff_svg(found: TradeOff) -> str:
    """False accepts an hour along x, recall along y."""
    dots = [
        FrontierDot(
            p.per_hour,
            100 * p.recall,
            f"threshold {p.setting.threshold:g}, smoothing {p.setting.smoothing}, refractory {p.setting.refractory}: "
            f"{p.found} of {p.events} found, {p.per_hour:.2f} false accepts an hour",
            "chosen" if p == found.chosen else "",
        )
        for p in found.points
    ]
    titles = (f"{found.name}: recall against false accepts", "false accepts an hour", "recall, %")
    return dots_svg(dots, titles, "{:.2f}", "{:.1f}")


def tradeoff_page(found: TradeOff) -> bytes:
    """All of it as one HTML page that needs nothing else."""
    context = {
        "name": found.name,
        "headline": f"{found.chosen.found} of {found.chosen.events} events found with "
        f"{found.chosen.per_hour:.2f} false accepts an hour; {found.wanted:g} were allowed",
        "note": found.note,
        "curve": tradeoff_svg(found),
        "headers": _HEADERS,
        "rows": _rows(found),
        "labels": [tuple(map(str, row)) for row in found.labels],
    }
    return render("report/tradeoff.html.j2", m=context)


def _rows(found: TradeOff) -> Sequence[tuple[str, ...]]:
    return [
        (
            f"{p.per_hour:.2f}",
            f"{100 * p.recall:.1f} %",
            f"{p.setting.threshold:g}",
            str(p.setting.smoothing),
            str(p.setting.refractory),
            "chosen" if p == found.chosen else "",
        )
        for p in found.points
    ]


def _json(outcome: Outcome) -> dict[str, Any]:
    s = outcome.setting
    return {
        "threshold": s.threshold,
        "smoothing": s.smoothing,
        "refractory": s.refractory,
        "recall": outcome.recall,
        "found": outcome.found,
        "false_accepts": outcome.false_accepts,
        "false_accepts_per_hour": outcome.per_hour,
    }
