"""The checksum of every layer: what it must be, and which element is the first that is wrong.

Place in the flow: `tinygen test --layers`, beside the verdict over the outputs. The firmware (firmware/tester/
tg_layers.c) adds up a CRC-32 of each row that a layer has written: of the row's number, as u32, and its bytes. The sum
does not depend on the order in which a schedule writes the rows. Layers that write parts of the same rows (a
CONCATENATION is a copy per input) are one group; a row counts when all of them have written it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tinygen.device.messages import Watched
from tinygen.ir import Array, Tensor
from tinygen.plan import Plan
from tinygen.plan.schedule import writers

_AXES = ("row", "column", "channel")


@dataclass(frozen=True, slots=True)
class Layer:
    """A step of the plan as the firmware's table has it (tg_layers.h), and as a person calls it.

    `group` is the first step that writes the same tensor. `tensor` is what it writes, of `row_bytes` a row. `compared`
    is false for what no reference has: variables, which are judged by what is made of them.
    """

    index: int
    operator: str
    name: str
    kernel: str
    tensor: int
    rows: int
    output_rows: int
    images: int
    traced: int
    row_bytes: int
    group: int
    compared: bool
    written: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WrongElement:
    """The first wrong element of a layer: its place in words, and the values as they are in memory."""

    place: str
    expected: int | float
    got: int | float


def layers_of(plan: Plan) -> tuple[Layer, ...]:
    """The steps of a plan, in order."""
    program = plan.program
    groups = {step: steps[0] for steps in writers(program).values() for step in steps}
    found = []
    for index, step in enumerate(plan.steps):
        call, op = step.call, step.op
        root = program.storage[call.output.tensor]
        ranges = _ranges(plan, index)
        found.append(
            Layer(
                index=index,
                operator=op.kind,
                name=op.name,
                kernel=call.kernel,
                tensor=call.output.tensor,
                rows=call.rows,
                output_rows=call.output.rows if call.gathers else 0,
                images=call.output.images,
                traced=sum(y1 - y0 for y0, y1 in ranges) * call.output.images,
                row_bytes=call.output.row_bytes,
                group=groups[index],
                compared=not program.graph.tensors[root].is_variable,
                written=_written(plan, index, ranges),
            )
        )
    return tuple(found)


def _ranges(plan: Plan, index: int) -> tuple[tuple[int, int], ...]:
    """The blocks of rows of a step that one inference computes of each image."""
    segment = next(s for s in plan.segments if s.first <= index < s.end)
    return segment.ranges or ((0, plan.steps[index].call.rows),)


def _written(plan: Plan, index: int, ranges: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """The rows of the output, counted over all images, that one inference writes."""
    call = plan.steps[index].call
    output = call.output
    if call.gathers:
        last = max(y1 for _, y1 in ranges)
        return tuple(range(output.images * output.rows)) if last == call.rows else ()
    return tuple(n * output.rows + y for n in range(output.images) for y0, y1 in ranges for y in range(y0, y1))


def expected_sums(layers: Sequence[Layer], values: Mapping[int, Array]) -> tuple[int | None, ...]:
    """The checksum of each layer for one sample, at the first layer of a group; None where nothing is compared.

    values: every tensor by its index, as reference.run_all returns them.
    """
    return tuple(
        row_sum(layer, values[layer.tensor], len(layer.written))
        if layer.compared and layer.group == layer.index
        else None
        for layer in layers
    )


def row_sum(layer: Layer, value: Array, count: int) -> int:
    """The checksum of the first `count` rows that a layer writes of a tensor with this value."""
    rows = as_rows(layer, value)
    return sum(zlib.crc32(y.to_bytes(4, "little") + rows[y].tobytes()) for y in layer.written[:count]) & 0xFFFFFFFF


def as_rows(layer: Layer, value: Array) -> Array:
    """The bytes of a tensor as rows of the layer's output, uint8 (rows, row_bytes), little-endian."""
    little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
    return np.frombuffer(little.tobytes(), np.uint8).reshape(-1, layer.row_bytes)


def first_wrong(expected: Sequence[int | None], got: Sequence[int]) -> int | None:
    """The first layer whose checksum is another one; all that it reads has been compared before, and was right."""
    wrong = (i for i, (e, g) in enumerate(zip(expected, got, strict=True)) if e is not None and e != g)
    return next(wrong, None)


def find_wrong(layer: Layer, tensor: Tensor, value: Array, look: Callable[[int, int], Watched]) -> WrongElement | None:
    """The first wrong element of a layer whose checksum is wrong, in the order of rows.

    value: what it should be. look(row, offset): runs the sample again, and what the device then has of a row: the
    checksum of the rows before it, and its bytes from an offset on. The first wrong row is found by halving: some ten
    runs. None when everything looks right: the device does not do the same twice.
    """
    low, high = 0, len(layer.written)  # rows before `low` are right; among those before `high` one is wrong
    while high - low > 1:
        middle = (low + high) // 2
        if look(layer.written[middle], 0).head == row_sum(layer, value, middle):
            low = middle
        else:
            high = middle
    row = layer.written[low]
    wanted = as_rows(layer, value)[row].tobytes()
    offset = 0
    while offset < len(wanted):
        content = look(row, offset).content
        if not content:
            return None
        for k, (g, w) in enumerate(zip(content, wanted[offset:], strict=False)):
            if g != w:
                return _element(layer, tensor, value, row, offset + k, lambda at: look(row, at).content)
        offset += len(content)
    return None


def _element(
    layer: Layer, tensor: Tensor, value: Array, row: int, byte: int, fetch: Callable[[int], bytes]
) -> WrongElement:
    """The element in which byte `byte` of a row lies."""
    size = tensor.dtype.size
    start = byte - byte % size
    got = np.frombuffer(fetch(start)[:size], np.dtype(tensor.dtype.value).newbyteorder("<"))[0]
    flat = (row * layer.row_bytes + start) // size
    return WrongElement(place_of(tensor.shape, flat), value.reshape(-1)[flat].item(), got.item())


def place_of(shape: tuple[int, ...], flat: int) -> str:
    """Where the element of that number lies, in words: `row 3, column 0, channel 17`, behind axes of more than 1."""
    where = [int(i) for i in np.unravel_index(flat, shape)] if shape else []
    names = [f"axis {k}" for k in range(len(where) - 3)] + list(_AXES)[max(3 - len(where), 0) :]
    if len(where) == 4:
        names[0] = "image"
    shown = [f"{name} {i}" for name, i, n in zip(names, where, shape, strict=True) if n > 1 or name in _AXES[-1:]]
    return ", ".join(shown) or "the only element"
