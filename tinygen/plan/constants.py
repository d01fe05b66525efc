"""Which constant lies in which flash, on a board that has a fast one and slower ones.

Place in the flow: beside plan/regions.py, which does the same for the arena. Hot constants, those that are read most
per byte of size, go to the fastest flash that has room; the slowest takes all the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.kernels import Program, Step
from tinygen.plan.timeline import aligned
from tinygen.regions import Region, RegionUse

# ("layer", its index, field of the kernel's params), ("tensor", index, "") or ("state", index of the variable, "")
Key = tuple[str, int, str]


def place_constants(program: Program, flash: Sequence[Region]) -> tuple[tuple[RegionUse, ...], dict[Key, int]]:
    """What constants take of each flash, and in which of them, by number, each lies."""
    sizes = _sizes(program)
    heat = {key: reads / sizes[key] for key, reads in _reads(program).items()}
    used, chosen = [0] * len(flash), {}
    for key in sorted(sizes, key=lambda k: (-heat.get(k, 0), k)):
        size, last = aligned(sizes[key]), len(flash) - 1
        where = next((i for i, region in enumerate(flash) if used[i] + size <= region.bytes or i == last), 0)
        used[where] += size
        chosen[key] = where
    return tuple(RegionUse(region, size) for region, size in zip(flash, used, strict=True)), chosen


def _sizes(program: Program) -> dict[Key, int]:
    """Bytes of every constant."""
    tensors = program.graph.tensors
    sizes = {
        ("layer", i, c.field): int(c.values.nbytes) for i, step in enumerate(program.steps) for c in step.call.constants
    }
    sizes |= {("tensor", t, ""): tensors[t].nbytes for t in program.constant_operands}
    started = [t for t in program.graph.variables if tensors[t].initial_fill is None]
    return sizes | {("state", t, ""): tensors[t].nbytes for t in started}


def _reads(program: Program) -> dict[Key, int]:
    """How often each constant is read in an inference, estimated; initial values are not."""
    reads: dict[Key, int] = {}
    for index, step in enumerate(program.steps):
        keys: list[Key] = [("layer", index, c.field) for c in step.call.constants]
        constant = (o.tensor for o in step.call.inputs if program.graph.tensors[o.tensor].data is not None)
        for key in (*keys, *(("tensor", t, "") for t in constant)):
            reads[key] = reads.get(key, 0) + _uses(step)
    return reads


def _uses(step: Step) -> int:
    """A multiplication reads a weight; a layer without any reads a constant for each byte that it makes."""
    output = step.call.output
    return max(step.macs, output.images * output.rows * output.row_bytes)
