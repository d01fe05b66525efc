"""The plan as a person reads it on a terminal: the peak and its cause, the memory map over time, the frontier."""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.plan import Plan
from tinygen.plan.estimate import work
from tinygen.plan.schedule import Segment
from tinygen.plan.timeline import Event
from tinygen.report.moment import (
    alive_at,
    find_peak,
    layers_of,
    live_bytes,
    moved_over,
    pieces_in,
    plan_events,
    rows_of,
    show_name,
)
from tinygen.report.plan_figures import Point, optimality, turns_of

_WIDTH = 56


def plan_text(plan: Plan, optimize: str) -> str:
    """All but the frontier: figures, peak, map over time, and where each buffer lies."""
    program = plan.program
    state = f"state {plan.state_bytes:,} bytes; " if plan.state_bytes else ""
    lines = [
        f"{program.graph.name}: arena {plan.arena_bytes:,} bytes with --optimize {optimize}, {optimality(plan)}",
        f"lower bound {plan.lower_bound_bytes:,} bytes; largest scratch {plan.scratch_bytes:,}; {state}constants "
        f"{program.const_bytes:,} bytes; {program.macs:,} MACs",
        *_features(plan),
        *_hop(plan),
        "",
        *_peak(plan),
        "",
        *_map(plan),
        "",
        *_buffers(plan),
    ]
    return "\n".join(lines)


def _features(plan: Plan) -> list[str]:
    """For a model with a front end: what that takes of the arena while no inference runs, and beside it."""
    front = plan.features
    if front is None:
        return []
    array, offset = plan.frame_address
    return [
        f"{front.definition.kind}: {array}[{offset:,} .. {offset + front.scratch_bytes:,}) while a frame is made; "
        f"samples and frames {front.state_bytes:,} bytes; tables {front.const_bytes:,} bytes"
    ]


def _hop(plan: Plan) -> list[str]:
    """For a model that streams over time: what each inference computes, and what is kept."""
    hop = plan.hop
    if hop is None:
        return []
    share = hop.cost / sum(work(plan.program, i) for i in range(len(plan.steps)))
    lines = [
        f"hop: {hop.frames} new of {hop.window} frames with each inference, at {100 * share:.0f} % of the cost of all "
        "(estimated)",
        "",
        f"{'layer':>5}  {'operator':<20} {'rows computed':>13} {'of':>5}  which",
    ]
    for segment in hop.segments:
        step = plan.steps[segment.first]
        ranges = ", ".join(f"{y0}" if y1 == y0 + 1 else f"{y0} to {y1 - 1}" for y0, y1 in segment.ranges)
        count = hop.rows_computed(segment.first)
        lines.append(f"{segment.first:>5}  {step.op.kind:<20} {count:>13,} {step.call.rows:>5,}  {ranges}")
    lines += ["", f"{'offset':>8} {'bytes':>9}  {'rows kept':>9} {'of':>5}  state"]
    for root, k in hop.kept.items():
        name = show_name(plan.program.graph.tensors[root].name)
        lines.append(f"{k.offset:>8,} {k.nbytes:>9,}  {k.depth:>9,} {k.unit.rows:>5,}  {name}")
    return lines


def frontier_text(points: Sequence[Point]) -> str:
    """One line per schedule: arena, cost, which --optimize takes it, and its streamed layers."""
    lines = [
        "frontier: no schedule that was found is both smaller and cheaper than one of these",
        f"{'arena':>9} {'bound':>9} {'instructions':>14}  {'--optimize':<19} layers streamed together (rows per turn)",
    ]
    for p in points:
        streamed = ", ".join(f"{s.first}-{s.end - 1} ({s.height})" for s in p.streamed) or "none: every layer whole"
        chosen = ", ".join(p.chosen_by)
        lines.append(f"{p.arena_bytes:>9,} {p.lower_bound_bytes:>9,} {p.cost:>14,}  {chosen:<19} {streamed}")
    lines.append("instructions of one inference are estimated, to weigh the schedules; no measurement")
    return "\n".join(lines)


def _peak(plan: Plan) -> list[str]:
    peak = find_peak(plan)
    lines = [f"peak: {peak.live_bytes:,} bytes are alive {peak.when}"]
    lines += [f"{a.high - a.low:>10,}  {a.text}" for a in peak.alive]
    if peak.shared_bytes:
        lines.append(f"{-peak.shared_bytes:>10,}  which the output takes over from an input as that is read")
    return lines


def _map(plan: Plan) -> list[str]:
    """One line per layer: what is alive at its busiest moment, drawn over the arena."""
    events = plan_events(plan)
    live = live_bytes(plan, len(events))
    lines = [
        "o written, i read, - kept, s scratch; a ring of rows in capitals, kept: =; each layer at its busiest moment",
        f"{'layer':>5}  {'operator':<20} {'row':>5} |{'arena'.center(_WIDTH)}| live bytes",
    ]
    busiest: dict[int, int] = {}
    for time, event in enumerate(events, 1):
        if event.step not in busiest or live[time] > live[busiest[event.step]]:
            busiest[event.step] = time
    for segment in plan.segments:
        if segment.height:
            lines.append(_together(plan, segment))
        for index in range(segment.first, segment.end):
            time = busiest[index]
            event = events[time - 1]
            kind = plan.steps[index].op.kind
            lines.append(f"{index:>5}  {kind:<20} {event.y0:>5} |{_draw(plan, time, event)}| {live[time]:>10,}")
    return lines


def _together(plan: Plan, segment: Segment) -> str:
    rows = "a row" if segment.height == 1 else f"{segment.height} rows"
    driver = show_name(plan.program.graph.tensors[segment.driver].name)
    return (
        f"       layers {segment.first} to {segment.end - 1} together, {rows} of '{driver}' a turn, "
        f"{turns_of(plan.program, segment)} turns:"
    )


def _draw(plan: Plan, time: int, event: Event) -> str:
    cells = [" "] * _WIDTH
    call, span = plan.steps[event.step].call, plan.program.span
    read, written = [span(o.tensor) for o in call.inputs], [span(call.output.tensor)]
    for mark, spans in zip("-iso", ([], read, [], written), strict=True):
        for alive in alive_at(plan, time):
            b, start = alive.placed.buffer, plan.position(alive.placed)
            parts = [(first, end) for root, first, end in spans if b.role == "tensor" and b.key == root]
            if mark == ("-" if b.role == "tensor" else "s"):
                parts = [(alive.low, alive.high)]
            for first, end in parts:
                low, high = max(first, alive.low), min(end, alive.high)
                if low >= high:
                    continue
                begin = (start + low) * _WIDTH // plan.arena_bytes
                until = max(begin + 1, -(-(start + high) * _WIDTH // plan.arena_bytes))
                shown = "=" if b.ring_rows and mark == "-" else mark.upper() if b.ring_rows else mark
                cells[begin:until] = shown * (until - begin)
    return "".join(cells[:_WIDTH])


def _buffers(plan: Plan) -> list[str]:
    lines = [f"{'offset':>8} {'bytes':>9}  {'layers':<10} {'rows':<24} what"]
    for placed in sorted(plan.placed, key=lambda p: (p.buffer.first, p.offset)):
        b = placed.buffer
        name = show_name(b.name)
        over = moved_over(plan, placed)
        moves = ", moves in over " + " and ".join(over) if over else ""
        rows = rows_of(plan, b)
        inside = pieces_in(plan, b)
        name += f", in it {' and '.join(inside)}" if inside else ""
        lines.append(f"{plan.position(placed):>8,} {b.size:>9,}  {layers_of(plan, b):<10} {rows:<24} {name}{moves}")
    return lines
