"""A Program becomes a Plan: every byte of the arena placed, and every kernel call cut into blocks of rows.

Place in the flow: after kernels.py, before render/. Rendering decides no offset; everything is here.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.kernels import Program, Step
from tinygen.plan.check import check_placement
from tinygen.plan.liveness import Buffer, find_buffers
from tinygen.plan.place import lower_bound, place


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A buffer at its offset in the arena."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.buffer.size


@dataclass(frozen=True, slots=True, eq=False)
class PlannedStep:
    """A step with its blocks [y0, y1) of rows; the schedule runs the blocks of a step one after the other."""

    step: Step
    blocks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Where everything lies. `arena_bytes` holds input, output, all tensors and all scratch."""

    program: Program
    steps: tuple[PlannedStep, ...]
    placed: tuple[Placed, ...]
    arena_bytes: int
    lower_bound_bytes: int

    @property
    def scratch_bytes(self) -> int:
        """The largest scratch and carry of any step."""
        per_step = [s.step.call.scratch_bytes + s.step.call.carry_bytes for s in self.steps]
        return max(per_step, default=0)

    def tensor_offset(self, tensor: int) -> int:
        """Arena offset of a tensor that is not constant, in bytes."""
        return self._offset("tensor", self.program.storage[tensor])

    def step_offset(self, role: str, step: int) -> int:
        """Arena offset of the `scratch` or `carry` of a step."""
        return self._offset(role, step)

    def _offset(self, role: str, key: int) -> int:
        return next(p.offset for p in self.placed if p.buffer.role == role and p.buffer.key == key)


def make_plan(program: Program) -> Plan:
    """Place whole tensors: every layer runs as one block of all its rows.

    The placement is checked independently of how it was found; a mistake there raises AssertionError.
    """
    buffers = find_buffers(program)
    offsets = place(buffers)
    arena = check_placement(buffers, offsets)
    return Plan(
        program=program,
        steps=tuple(PlannedStep(step, ((0, step.call.rows),)) for step in program.steps),
        placed=tuple(Placed(buffer, offset) for buffer, offset in zip(buffers, offsets, strict=True)),
        arena_bytes=arena,
        lower_bound_bytes=lower_bound(buffers),
    )
