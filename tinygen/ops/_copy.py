"""Affine copies: from nested loops over strided elements to calls of the kernel copy_nd.

Loops are merged here so that few are left and each memcpy is long, and tensors are cut into rows: output rows by
the outermost loop, input rows too where an output row comes from one input row; else the input is one long row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

from tinygen.ir import Graph, row_layout
from tinygen.ops.base import KernelCall, Operand, Reads

LOOPS = 4  # inside a row; the kernel's arrays have as many


@dataclass(frozen=True, slots=True)
class Loop:
    """`extent` steps of so many bytes each; a negative input stride walks backwards, 0 repeats."""

    extent: int
    input_stride: int
    output_stride: int


@dataclass(frozen=True, slots=True)
class Copy:
    """One element per pass through all loops, outer to inner in the order of the output; offsets in bytes."""

    loops: tuple[Loop, ...]
    input_offset: int = 0
    output_offset: int = 0


@dataclass(frozen=True, slots=True)
class Fill:
    """The value of elements that no input element goes to: `size` bytes, as a little-endian integer."""

    size: int
    value: int


@dataclass(frozen=True, slots=True)
class _Merged:
    """Loops outer to inner with a run of `run` contiguous bytes inside."""

    loops: tuple[Loop, ...]
    run: int


def strides(shape: Sequence[int], size: int) -> tuple[int, ...]:
    """Bytes from an element to the next along each axis; `size` is an element's."""
    return tuple(prod(shape[axis + 1 :]) * size for axis in range(len(shape)))


def is_identity(graph: Graph, source: int, target: int, copy: Copy) -> bool:
    """Whether the output is the input byte for byte."""
    merged = _merge(copy.loops, graph.tensors[source].dtype.size, 0)
    whole = merged.run == graph.tensors[source].nbytes == graph.tensors[target].nbytes
    return not merged.loops and whole and copy.input_offset == copy.output_offset == 0


def copy_calls(graph: Graph, source: int, target: int, copy: Copy, fill: Fill | None = None) -> tuple[KernelCall, ...]:
    """The calls of copy_nd that copy from tensor `source` to `target`.

    fill: written to every other element of the target first. One call, unless there are more than LOOPS loops
    inside a row: then the outermost is unrolled.
    """
    x, y = graph.tensors[source], graph.tensors[target]
    layout = row_layout(y.shape)
    natural = layout.row_elements * y.dtype.size if len(y.shape) == 4 else 0
    merged = _merge(copy.loops, x.dtype.size, natural)
    images = _images(merged, x.nbytes, y.nbytes, layout.images if natural else 1)
    loops = merged.loops[images > 1 :]
    row_bytes, row_loop = _output_rows(loops, merged.run, copy.output_offset, y.nbytes // images, natural)
    inner = loops[1:] if row_loop else loops
    if len(inner) > LOOPS:
        return _unrolled(graph, source, target, replace(copy, loops=merged.loops), merged.run, fill)
    output = Operand(target, images, y.nbytes // images // row_bytes, row_bytes)
    step = row_loop.input_stride if row_loop else 0
    reads, first_row, input_offset = _input_rows(graph, source, images, inner, merged.run, copy.input_offset, step)
    by_rows = reads.rows > 1
    missing = LOOPS - len(inner)
    params = (
        ("fill_size", fill.size if fill else 0),
        ("fill_value", fill.value if fill else 0),
        ("first_row", copy.output_offset // row_bytes),
        ("rows", row_loop.extent if row_loop else 1),
        ("input_row", first_row),
        ("input_row_step", step // reads.row_bytes if by_rows else 0),
        ("input_row_stride", 0 if by_rows else step),
        ("input_offset", input_offset),
        ("output_offset", copy.output_offset % row_bytes),
        ("extent", (1,) * missing + tuple(loop.extent for loop in inner)),
        ("input_stride", (0,) * missing + tuple(loop.input_stride for loop in inner)),
        ("output_stride", (0,) * missing + tuple(loop.output_stride for loop in inner)),
        ("run", merged.run),
    )
    wanted = _reads(output.rows, dict(params), reads)
    whole = _merge(copy.loops, x.dtype.size, 0)
    moves = None if whole.loops or fill else (copy.input_offset, copy.output_offset, whole.run)
    return (KernelCall("copy_nd", params, (reads,), output, output.rows, reads=wanted, moves=moves),)


def _reads(rows: int, params: dict[str, Any], source: Operand) -> tuple[Reads, ...]:
    """The one input row of each output row that is copied to; all there is where they go backwards."""
    if params["input_row_step"] < 0 or source.rows == 1:
        return ()
    copied = [min(max(y - params["first_row"], 0), params["rows"]) for y in range(rows + 1)]
    at = [params["input_row"] + i * params["input_row_step"] for i in copied]
    is_copied = [first != behind for first, behind in pairwise(copied)]
    last = [min(row + 1, source.rows) if some else row for row, some in zip(at, is_copied, strict=False)]
    first = [min(row, source.rows) for row in at[:-1]]
    filled = min(params["first_row"], rows), rows - min(params["first_row"] + params["rows"], rows)
    ends = tuple(max(f, n) if s else f for f, n, s in zip(first, last, is_copied, strict=True))
    return (Reads(tuple(first), ends, filled),)


def _merge(loops: tuple[Loop, ...], size: int, row: int) -> _Merged:
    """Neighbours that are one long loop become one, and contiguous elements a run.

    row: bytes of an output row that no loop and no run may reach beyond, unless it steps by whole rows; or 0.
    """
    merged: list[Loop] = []  # inner to outer
    run = size
    for loop in reversed(loops):
        if loop.extent == 1:
            continue
        inside = merged[-1].output_stride < row if merged else True
        crosses = row > 0 and loop.output_stride >= row and inside
        if merged and not crosses:
            inner = merged[-1]
            reach = (inner.input_stride * inner.extent, inner.output_stride * inner.extent)
            if reach == (loop.input_stride, loop.output_stride):
                merged[-1] = replace(inner, extent=inner.extent * loop.extent)
                continue
        if not merged and not crosses and loop.input_stride == loop.output_stride == run:
            run *= loop.extent
            continue
        merged.append(loop)
    return _Merged(tuple(reversed(merged)), run)


def _images(merged: _Merged, input_bytes: int, output_bytes: int, count: int) -> int:
    """`count` if the outermost loop walks over so many images in input and output alike; else 1."""
    if count == 1 or len(merged.loops) < 2:
        return 1
    outer = merged.loops[0]
    even = (outer.input_stride * count, outer.output_stride * count) == (input_bytes, output_bytes)
    return count if even and outer.extent == count else 1


def _output_rows(
    loops: tuple[Loop, ...], run: int, offset: int, image_bytes: int, natural: int
) -> tuple[int, Loop | None]:
    """(bytes of a row, the loop over rows if there is one); `natural` is the row of an image, or 0."""
    if loops and loops[0].output_stride >= natural:
        row = loops[0].output_stride
        if image_bytes % row == 0 and offset % row + _span(loops[1:], run) <= row:
            return row, loops[0]
    if natural and offset % natural + _span(loops, run) <= natural:
        return natural, None
    return image_bytes, None


def _span(loops: tuple[Loop, ...], run: int) -> int:
    """Output bytes from the first one written to behind the last."""
    return sum((loop.extent - 1) * loop.output_stride for loop in loops) + run


def _input_rows(
    graph: Graph, source: int, images: int, inner: tuple[Loop, ...], run: int, offset: int, step: int
) -> tuple[Operand, int, int]:
    """(the input as rows, the first row read, the offset in it); the input is one row if rows do not do."""
    x = graph.tensors[source]
    reaches = [(loop.extent - 1) * loop.input_stride for loop in inner]
    low, high = sum(min(0, r) for r in reaches), sum(max(0, r) for r in reaches) + run
    image_bytes = x.nbytes // images
    natural = row_layout(x.shape).row_elements * x.dtype.size
    for row in (natural, *reversed(strides(x.shape, x.dtype.size))):
        within = low + offset % row >= 0 and offset % row + high <= row
        if within and image_bytes % row == 0 and step % row == 0:
            return Operand(source, images, image_bytes // row, row), offset // row, offset % row
    return Operand(source, images, 1, image_bytes), 0, offset


def _unrolled(
    graph: Graph, source: int, target: int, copy: Copy, run: int, fill: Fill | None
) -> tuple[KernelCall, ...]:
    """The outermost loop as calls, one for each of its steps."""
    outer, *rest = copy.loops
    size = graph.tensors[source].dtype.size
    loops = (*rest, Loop(run // size, size, size))
    calls: tuple[KernelCall, ...] = ()
    for index in range(outer.extent):
        part = Copy(
            loops,
            copy.input_offset + index * outer.input_stride,
            copy.output_offset + index * outer.output_stride,
        )
        calls += copy_calls(graph, source, target, part, None if index else fill)
    return calls
