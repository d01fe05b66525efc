"""Each kernel called as a row-streamed schedule would: its input in a ring that holds only the rows that the block
needs, the other rows and everything around them filled with noise, and its output in a ring too."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from tests.exact.cases import GENERATORS, NIGHTLY, WHOLE, Case, cases
from tests.support.c_build import plan_of, shared_library, write_library
from tinygen import reference
from tinygen.ir import Array, Graph
from tinygen.kernels import build_program
from tinygen.kernelsets import PORTABLE, Target
from tinygen.ops.base import KernelCall, Operand
from tinygen.passes import run_passes
from tinygen.plan import Plan, plan_schedule
from tinygen.plan.order import ordered
from tinygen.plan.schedule import Segment
from tinygen.verify import verify

COUNT = 200 if NIGHTLY else 20
_GUARD = 64  # bytes of noise before and behind every buffer

_GLUE = """
void {name}_block{index}(int8_t **memory, const int32_t *rings, int32_t y0, int32_t y1, void *scratch, void *carry) {{
  tg_{kernel}(&layer{index}, {views}, y0, y1, scratch, carry);
}}
"""


def random_blocks(rows: int, rng: Generator) -> tuple[tuple[int, int], ...]:
    """[0, rows) cut at random places: all single rows, a few cuts, or none."""
    wanted = rows - 1 if rng.random() < 0.5 else int(rng.integers(0, rows))
    cuts = [0, *sorted(int(c) for c in rng.choice(np.arange(1, rows), wanted, replace=False)), rows]
    return tuple(pairwise(cuts))


def _glue(case: Case, calls: Sequence[KernelCall], source: Path) -> Path:
    """A C file that includes the model and opens the calls of its one operator to the test."""
    text = f'#include "{source.name}"\n'
    for index, call in enumerate(calls):
        views = [f"&(tg_input){{memory[{i}], {o.row_bytes}, rings[{i}]}}" for i, o in enumerate(call.inputs)]
        last = len(call.inputs)
        # variables are whole; their memory comes behind that of inputs and output
        behind = enumerate(call.state, last + 1)
        views += [f"&(tg_output){{memory[{i}], {o.row_bytes}, {o.rows}}}" for i, o in behind]
        views.append(f"&(tg_output){{memory[{last}], {call.output.row_bytes}, rings[{last}]}}")
        text += _GLUE.format(index=index, name=case.name, kernel=call.kernel, views=", ".join(views))
    glue = source.with_name(f"{case.name}_glue.c")
    glue.write_text(text)
    return glue


def rows_needed(call: KernelCall, index: int, y0: int, y1: int) -> tuple[int, int]:
    """The rows [first, last) of an input that the block [y0, y1) reads, as its operator states."""
    reads = call.reads_of(index)
    for rows in (reads.first, reads.last):
        assert list(rows) == sorted(rows), call.kernel
    return reads.first[y0], reads.last[y1 - 1]


class Ring:
    """Memory for a few rows of a tensor between two guards."""

    def __init__(self, operand: Operand, rows: int, rng: Generator) -> None:
        self.row_bytes, self.rows, self._rng = operand.row_bytes, rows, rng
        self._memory = np.zeros(2 * _GUARD + rows * self.row_bytes, np.uint8)

    @property
    def address(self) -> int:
        return int(self._memory.ctypes.data) + _GUARD

    def row(self, y: int) -> Array:
        start = _GUARD + y % self.rows * self.row_bytes
        row: Array = self._memory[start : start + self.row_bytes]
        return row

    def noise(self) -> Array:
        """Fill with noise; a copy of it."""
        self._memory[:] = self._rng.integers(0, 256, self._memory.size)
        noise: Array = self._memory.copy()
        return noise

    def unchanged_but(self, before: Array, written: Sequence[int]) -> bool:
        after, before = self._memory.copy(), before.copy()
        for y in written:
            start = _GUARD + y % self.rows * self.row_bytes
            after[start : start + self.row_bytes] = before[start : start + self.row_bytes] = 0
        return bool((after == before).all())


def _noise(count: int, rng: Generator) -> Array:
    return rng.integers(0, 256, count).astype(np.uint8)


def _bytes(array: Array) -> Array:
    return np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)


def _initial(graph: Graph, tensor: int) -> Array:
    initial = graph.tensors[tensor].initial
    assert initial is not None
    return initial


def _image(content: Array, operand: Operand, image: int) -> Array:
    """A view of one image in a tensor's bytes: (rows, row_bytes)."""
    rows: Array = content.reshape(operand.images, operand.rows, operand.row_bytes)[image if operand.images > 1 else 0]
    return rows


def _run_image(
    block: Any, call: KernelCall, inputs: Sequence[Array], result: Array, states: Sequence[Array], rng: Generator
) -> None:
    """One image through rings; inputs (rows, row_bytes) each, and the output likewise: what earlier calls of the
    operator have left there, then what this one makes of it. The variables in `states` are changed in place."""
    blocks = random_blocks(call.rows, rng)
    needed = [[rows_needed(call, i, y0, y1) for y0, y1 in blocks] for i in range(len(call.inputs))]
    sizes = [max(1, *(last - first for first, last in spans)) for spans in needed]
    # a row that is repeated over all output rows is a ring of one; else a spare row does no harm
    spare = [0 if o.rows == 1 else int(rng.integers(2)) for o in call.inputs]
    rings = [Ring(o, n + more, rng) for o, n, more in zip(call.inputs, sizes, spare, strict=True)]
    gathers = call.gathers
    height = 1 if gathers else max(y1 - y0 for y0, y1 in blocks) + int(rng.integers(2))
    out_ring = Ring(call.output, height, rng)
    carry, scratch = (rng.integers(0, 256, n + 1).astype(np.uint8) for n in (call.carry_bytes, call.scratch_bytes))
    addresses = [*(r.address for r in rings), out_ring.address, *(s.ctypes.data for s in states)]
    memory = (ctypes.c_void_p * len(addresses))(*addresses)
    ring_rows = (ctypes.c_int32 * (len(rings) + 1))(*(r.rows for r in rings), out_ring.rows)
    for index, (y0, y1) in enumerate(blocks):
        for ring, spans, rows in zip(rings, needed, inputs, strict=True):
            ring.noise()
            for y in range(*spans[index]):
                ring.row(y)[:] = rows[y]
        before = out_ring.noise()
        written = ([0] if y1 == call.rows else []) if gathers else list(range(y0, y1))
        for y in written:
            out_ring.row(y)[:] = result[y]
        scratch[:] = rng.integers(0, 256, scratch.size)
        block(memory, ring_rows, y0, y1, ctypes.c_void_p(scratch.ctypes.data), ctypes.c_void_p(carry.ctypes.data))
        assert out_ring.unchanged_but(before, written), "a byte outside of the block's rows was written"
        for y in written:
            result[y] = out_ring.row(y)


def _plain(graph: Graph, target: Target) -> Plan:
    """A plan with every call of the operator; one that a build makes may save some."""
    program = ordered(build_program(run_passes(verify(graph)), target))
    return plan_schedule(program, tuple(Segment(i, i + 1) for i in range(len(program.steps))))


@pytest.mark.parametrize("kind", sorted(set(GENERATORS) - WHOLE))
def test_kernel_on_rings(kind: str, tmp_path: Path) -> None:
    check_rings(cases(kind, COUNT), tmp_path)


def check_rings(chosen: Sequence[Case], tmp_path: Path, target: Target = PORTABLE) -> None:
    """The cases through rings, by the target's kernels; = numpy."""
    rng = np.random.default_rng(4)
    plans = [_plain(case.graph, target) for case in chosen]
    calls = [[step.call for step in plan.steps] for plan in plans]
    sources = [_glue(c, some, write_library(p, tmp_path)) for c, some, p in zip(chosen, calls, plans, strict=True)]
    library = shared_library(sources, tmp_path)
    for case, some, plan in zip(chosen, calls, plans, strict=True):
        graph = plan.program.graph
        for sample in case.samples[:2] + case.samples[5:]:
            values = reference.run_all(graph, sample)
            results = {call.output.tensor: _noise(graph.tensors[call.output.tensor].nbytes, rng) for call in some}
            results |= {o.tensor: _bytes(_initial(graph, o.tensor)).copy() for call in some for o in call.state}
            for index, call in enumerate(some):
                block = getattr(library, f"{case.name}_block{index}")
                for image in range(call.output.images):
                    inputs = [_image(_bytes(values[o.tensor]), o, image) for o in call.inputs]
                    result = _image(results[call.output.tensor], call.output, image)
                    states = [_image(results[o.tensor], o, image) for o in call.state]
                    _run_image(block, call, inputs, result, states, rng)
            for tensor, got in results.items():
                assert (got == _bytes(values[tensor])).all(), str(case)


def test_rings_are_smaller_than_tensors() -> None:
    """The test above would prove little if rings held everything."""
    calls = [plan_of(case.graph).steps[0].call for case in cases("CONV_2D", COUNT)]
    spans = [(rows_needed(c, 0, y, y + 1), c.inputs[0].rows) for c in calls for y in range(c.rows)]
    assert sum(last - first < rows for (first, last), rows in spans) > len(spans) / 2
