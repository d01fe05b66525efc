"""The report of a plan as one HTML page that needs nothing else: figures, segments, layers, memory map, frontier."""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.boards import Board
from tinygen.plan import Plan
from tinygen.render import render
from tinygen.report.drawing import frontier_svg, memory_svg
from tinygen.report.moment import find_peak, layers_of, moved_over, rows_of, show_name
from tinygen.report.plan_figures import Point, optimality, turns_of
from tinygen.stack import Stack

_Rows = list[tuple[str, ...]]


def plan_page(plan: Plan, optimize: str, board: Board | None, stack: Stack | None, points: Sequence[Point]) -> bytes:
    """The page, UTF-8; board and stack are None where no board was named."""
    peak = find_peak(plan)
    alive = [(f"{a.high - a.low:,}", a.text) for a in peak.alive]
    if peak.shared_bytes:
        alive.append((f"{-peak.shared_bytes:,}", "which the output takes over from an input as that is read"))
    context = {
        "name": plan.program.graph.name,
        "figures": _figures(plan, optimize, board, stack),
        "peak": f"{peak.live_bytes:,} bytes are alive {peak.when}",
        "alive": alive,
        "memory": memory_svg(plan),
        "frontier": frontier_svg(points),
        "points": _points(points),
        "segments": _segments(plan),
        "layers": _layers(plan),
        "buffers": _buffers(plan),
    }
    return render("report/plan.html.j2", m=context)


def _figures(plan: Plan, optimize: str, board: Board | None, stack: Stack | None) -> _Rows:
    rows: _Rows = [
        ("arena", f"{plan.arena_bytes:,} bytes with --optimize {optimize}, {optimality(plan)}"),
        ("lower bound", f"{plan.lower_bound_bytes:,} bytes"),
        ("largest scratch", f"{plan.scratch_bytes:,} bytes"),
        ("constants", f"{plan.program.const_bytes:,} bytes"),
        ("multiply-accumulates", f"{plan.program.macs:,}"),
    ]
    if board is not None:
        rows.append(("board", f"{board.title}: {board.ram_bytes:,} bytes of RAM, {board.flash_bytes:,} of flash"))
    if stack is not None:
        rows.append(("stack", stack.text))
    return rows


def _points(points: Sequence[Point]) -> _Rows:
    return [
        (
            f"{p.arena_bytes:,}",
            f"{p.lower_bound_bytes:,}",
            f"{p.cost:,}",
            ", ".join(p.chosen_by),
            ", ".join(f"{s.first}-{s.end - 1} ({s.height})" for s in p.streamed) or "none",
        )
        for p in points
    ]


def _segments(plan: Plan) -> _Rows:
    rows: _Rows = []
    for s in plan.segments:
        driver = show_name(plan.program.graph.tensors[s.driver].name) if s.height else ""
        how = f"{s.height} row{'s' * (s.height > 1)} of {driver} a turn" if s.height else "whole"
        rows.append(
            (f"{s.first}-{s.end - 1}" if s.end > s.first + 1 else f"{s.first}", how, f"{turns_of(plan.program, s):,}")
        )
    return rows


def _layers(plan: Plan) -> _Rows:
    return [
        (
            str(index),
            step.op.kind,
            show_name(step.op.name),
            step.call.kernel,
            f"{step.call.rows:,}",
            f"{step.macs:,}",
            f"{step.call.scratch_bytes + step.call.carry_bytes:,}",
        )
        for index, step in enumerate(plan.steps)
    ]


def _buffers(plan: Plan) -> _Rows:
    return [
        (
            f"{plan.position(p):,}",
            f"{p.buffer.size:,}",
            layers_of(plan, p.buffer),
            rows_of(plan, p.buffer),
            show_name(p.buffer.name),
            ", ".join(moved_over(plan, p)),
        )
        for p in sorted(plan.placed, key=lambda p: (p.buffer.first, p.offset))
    ]
