"""What is alive in the arena at one event of a plan, and the cause of its peak in words.

Place in the flow: over plan/timeline.py, for the memory map as text, as a picture and in the HTML page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygen.ir import Array
from tinygen.ops.base import Operand, operand
from tinygen.plan import Placed, Plan
from tinygen.plan.schedule import DRIVER
from tinygen.plan.timeline import Buffer, Event, busiest, events_of

_NAME = 48


@dataclass(frozen=True, slots=True, eq=False)
class Alive:
    """A buffer at one event: of it the bytes [low, high) are alive; `text` says what it is and why it is there."""

    placed: Placed
    low: int
    high: int
    text: str


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest moment: so many bytes are alive, `when` in words. `shared` of the bytes listed count twice: an
    output takes them over from an input at this very event."""

    live_bytes: int
    shared_bytes: int
    when: str
    alive: tuple[Alive, ...]


def plan_events(plan: Plan) -> tuple[Event, ...]:
    """The events of a plan; event i of the timeline is the (i - 1)th of these."""
    return events_of(plan.program, plan.segments)


def live_bytes(plan: Plan, events: int) -> Array:
    """Bytes of all buffers that are alive at each of the timeline's events, int64; shape (events + 2,)."""
    total = np.zeros(events + 2, np.int64)
    for placed in plan.placed:
        b = placed.buffer
        total[b.start : b.end] += np.maximum(b.high - b.low, 0)
    return total


def find_peak(plan: Plan) -> Peak:
    """The busiest moment of a plan."""
    count, at = busiest([p.buffer for p in plan.placed])
    alive = alive_at(plan, at)
    return Peak(count, sum(a.high - a.low for a in alive) - count, _when(plan, at), alive)


def alive_at(plan: Plan, event: int) -> tuple[Alive, ...]:
    """What is alive at an event, the largest first."""
    found = []
    for placed in plan.placed:
        b = placed.buffer
        at = event - b.start
        if 0 <= at < len(b.low) and b.low[at] < b.high[at]:
            found.append(Alive(placed, int(b.low[at]), int(b.high[at]), _what(plan, b)))
    return tuple(sorted(found, key=lambda a: a.low - a.high))


def show_name(text: str) -> str:
    """A name out of a model as a person may see it: one line, no control characters, not endless."""
    first = "".join(c if c.isprintable() else "?" for c in text.split(";")[0])
    return first if len(first) <= _NAME else f"...{first[3 - _NAME :]}"


def pieces_in(plan: Plan, buffer: Buffer) -> tuple[str, ...]:
    """The names of the tensors that live in a part of another one's memory, from the lowest byte on."""
    program = plan.program
    spans = {program.span(t): t for t in reversed(range(len(program.storage))) if program.storage[t] == buffer.key}
    inside = sorted(span for span in spans if span != program.span(buffer.key))
    return tuple(show_name(program.graph.tensors[spans[span]].name) for span in inside if buffer.role == "tensor")


def layers_of(plan: Plan, buffer: Buffer) -> str:
    """From which layer to which a buffer lives: `in..3`, `2..5`, `7..out`."""
    first = "in" if buffer.first < 0 else str(buffer.first)
    return f"{first}..{'out' if buffer.last >= len(plan.steps) else buffer.last}"


def rows_of(plan: Plan, buffer: Buffer) -> str:
    """`ring of 5 of 25 rows`, `25 rows`, or nothing for scratch."""
    if buffer.role != "tensor":
        return ""
    rows = _seen(plan, buffer.key).rows
    return f"ring of {buffer.ring_rows} of {rows} rows" if buffer.ring_rows else f"{rows} row{'s' * (rows != 1)}"


def moved_over(plan: Plan, placed: Placed) -> tuple[str, ...]:
    """The tensors that are there already and whose bytes this one takes over while they are still alive."""
    b, found = placed.buffer, []
    for other in plan.placed:
        o = other.buffer
        together = b.role == o.role == "tensor" and o.start < b.start < o.end
        if together and placed.region == other.region and placed.offset < other.end and other.offset < placed.end:
            found.append(show_name(o.name))
    return tuple(found)


def _seen(plan: Plan, root: int) -> Operand:
    """A tensor's memory as the first layer that touches it sees it."""
    program = plan.program
    for step in plan.steps:
        for seen in (*step.call.inputs, step.call.output):
            if program.span(seen.tensor) == program.span(root):
                return seen
    return operand(program.graph, root)  # an input that is an output, too, or seen in pieces alone


def _what(plan: Plan, buffer: Buffer) -> str:
    if buffer.role != "tensor":
        return f"{buffer.role} of layer {buffer.key} ({plan.steps[buffer.key].op.kind})"
    storage = plan.program.storage
    readers = [i for i, s in enumerate(plan.steps) if any(storage[o.tensor] == buffer.key for o in s.call.inputs)]
    made = "the input" if buffer.first < 0 else f"made by layer {buffer.first}"
    if buffer.last >= len(plan.steps):
        used = "read by the caller"
    elif readers:
        used = f"read by layer{'s' * (len(readers) > 1)} {', '.join(map(str, readers))}"
    else:
        used = "read by nobody"
    return f"'{show_name(buffer.name)}', {rows_of(plan, buffer)}: {made}, {used}"


def _when(plan: Plan, at: int) -> str:
    events = plan_events(plan)
    if at == 0:
        return "while the inputs are filled"
    if at > len(events):
        return "while the outputs are read"
    event = events[at - 1]
    rows = f"row {event.y0}" if event.y1 == event.y0 + 1 else f"rows {event.y0} to {event.y1 - 1}"
    if event.step == DRIVER:
        return f"while {rows} of the input come in"
    call = plan.steps[event.step].call
    goes = "goes through" if call.gathers else "makes"
    return f"while layer {event.step} ({plan.steps[event.step].op.kind}) {goes} {rows} of {call.rows}"
