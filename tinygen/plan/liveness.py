"""From when to when each piece of the arena is needed."""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.kernels import Program

ALIGNMENT = 4


@dataclass(frozen=True, slots=True)
class Buffer:
    """A piece of arena, live from step `first` to step `last` inclusive.

    role is `tensor` (key: tensor index), `scratch` or `carry` (key: step index). Step -1 is the time before
    invoke, when the inputs are filled; step n (the number of steps) the time after it, when outputs are read.
    """

    role: str
    key: int
    name: str
    size: int
    first: int
    last: int

    def overlaps_in_time(self, other: Buffer) -> bool:
        return self.first <= other.last and other.first <= self.last


def find_buffers(program: Program) -> tuple[Buffer, ...]:
    """All buffers of the program, tensors first; sizes in bytes, rounded up to the alignment."""
    graph, end = program.graph, len(program.steps)
    first: dict[int, int] = {program.storage[i]: -1 for i in graph.inputs}
    last: dict[int, int] = dict(first)
    for index, step in enumerate(program.steps):
        for operand in step.call.inputs:
            last[program.storage[operand.tensor]] = index
        written = program.storage[step.call.output.tensor]
        first.setdefault(written, index)
        last[written] = index
    last.update((program.storage[i], end) for i in graph.outputs)
    # a constant that is read like an activation stays in flash
    buffers = [
        Buffer("tensor", t, graph.tensors[t].name, _aligned(graph.tensors[t].nbytes), begin, last[t])
        for t, begin in first.items()
    ]
    for index, step in enumerate(program.steps):
        for role, size in (("scratch", step.call.scratch_bytes), ("carry", step.call.carry_bytes)):
            if size:
                buffers.append(Buffer(role, index, f"{role} of {step.op.name}", _aligned(size), index, index))
    return tuple(buffers)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
