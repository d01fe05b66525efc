"""Random cases of operators that only move elements: split, join, slice, reorder, repeat, pad, resize.

`_draw` takes the element type from those that TFLM knows; tests/exact/test_movement.py asks for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, prod

import numpy as np
from numpy.random import Generator

from tests.exact.layers import image, model_input
from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Array

NOT_IN_TFLM = {"TILE"}
Made = int | Sequence[int]
_WIDE = ("int16", "int32", "float32")
# what TFLM's kernels take beside int8
TFLM_DTYPES: dict[str, tuple[str, ...]] = {
    "BATCH_TO_SPACE_ND": ("float32",),
    "BROADCAST_TO": (*_WIDE, "bool", "int64", "uint8"),
    "CONCATENATION": (*_WIDE, "bool", "int64"),
    "DEPTH_TO_SPACE": ("float32",),
    "EXPAND_DIMS": ("int16", "float32"),
    "GATHER": ("float32",),
    "MIRROR_PAD": ("float32",),
    "PACK": (*_WIDE, "int64"),
    "PADV2": _WIDE,
    "RESIZE_NEAREST_NEIGHBOR": ("int16", "float32"),
    "REVERSE_V2": (*_WIDE, "bool", "int64", "uint8"),
    "SLICE": (*_WIDE, "bool"),
    "SPACE_TO_BATCH_ND": ("float32",),
    "SPACE_TO_DEPTH": ("float32",),
    "SPLIT": _WIDE,
    "SPLIT_V": _WIDE,
    "SQUEEZE": (*_WIDE, "bool", "int64", "uint8"),
    "STRIDED_SLICE": (*_WIDE, "bool"),
    "TILE": (*_WIDE, "bool", "int64", "uint8"),
    "TRANSPOSE": ("int16", "float32"),
    "UNPACK": _WIDE,
}


@dataclass(slots=True)
class Draw:
    """A model in the making: its random numbers and the element type of all data in it."""

    b: ModelBuilder
    rng: Generator
    dtype: str
    seen: list[int] = field(default_factory=list)  # data tensors made so far

    def input(self, shape: Sequence[int]) -> int:
        """An input of the model; all after the first are quantized like it."""
        if self.seen:
            return self._like(lambda *q: self.b.input(shape, *q, dtype=self.dtype))
        if self.dtype == "int8":
            self.seen.append(model_input(self.b, self.rng, tuple(shape)))
        elif self.dtype == "int16":
            self.seen.append(self.b.input(shape, 0.25, 0, "int16"))
        else:
            self.seen.append(self.b.input(shape, None, dtype=self.dtype))
        return self.seen[0]

    def output(self, shape: Sequence[int]) -> int:
        return self._like(lambda *q: self.b.tensor(shape, *q, dtype=self.dtype))

    def data(self, shape: Sequence[int]) -> int:
        """A constant quantized like the input."""
        values = self.rng.integers(0, 256, prod(shape) * np.dtype(self.dtype).itemsize).astype(np.uint8)
        if self.dtype == "bool":
            values &= 1
        array = values.view(self.dtype) if self.dtype != "float32" else self.rng.normal(0, 1, prod(shape))
        constant = array.astype(self.dtype).reshape(shape)
        return self._like(lambda scale, zero: self.b.constant(constant, scale, zero))

    def integers(self, values: Array | Sequence[int], wide: bool = False) -> int:
        """A constant of int32, or where `wide` allows sometimes int64."""
        is_wide = wide and self.rng.random() < 0.3
        return self.b.constant(np.array(values, np.int64 if is_wide else np.int32))

    def below(self, low: int, high: int) -> int:
        """A random number from low to high inclusive."""
        return int(self.rng.integers(low, high, endpoint=True))

    def shape(self, low: int = 1, high: int = 5, largest: int = 7) -> tuple[int, ...]:
        """A random shape of `low` to `high` axes, four more often than others."""
        if low <= 4 <= high and self.rng.random() < 0.4:
            return image(self.rng)
        return tuple(int(n) for n in self.rng.integers(1, largest, self.below(low, high), endpoint=True))

    def axis(self, rank: int) -> tuple[int, int]:
        """(the axis from the front, the same sometimes counted from behind)."""
        axis = self.below(0, rank - 1)
        return axis, axis - rank if self.rng.random() < 0.4 else axis

    def _like(self, make: Callable[..., int]) -> int:
        if self.b.tensors[self.seen[0]].quantization is None:
            return make(None, 0)
        return make(self.b.scale(self.seen[0]), self.b.zero_point(self.seen[0]))


def _replaced(shape: Sequence[int], axis: int, *sizes: int) -> tuple[int, ...]:
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


def _concatenation(d: Draw) -> Made:
    shape = d.shape(1, 5)
    axis, written = d.axis(len(shape))
    pieces = [_replaced(shape, axis, d.below(1, 5)) for _ in range(d.below(1, 5))]
    inputs = [d.input(pieces[0])]
    for piece in pieces[1:]:
        inputs.append((d.input, d.data)[int(d.rng.random() < 0.3)](piece))
    if d.rng.random() < 0.2:
        inputs.append(inputs[0])
        pieces.append(pieces[0])
    order = d.rng.permutation(len(inputs))
    y = d.output(_replaced(shape, axis, sum(piece[axis] for piece in pieces)))
    d.b.op("CONCATENATION", [inputs[i] for i in order], [y], axis=written, fusedActivationFunction=0)
    return y


def _pack(d: Draw) -> Made:
    shape = d.shape(0, 4)
    axis, written = d.axis(len(shape) + 1)
    inputs = [d.input(shape)]
    inputs += [(d.input, d.data)[int(d.rng.random() < 0.3)](shape) for _ in range(d.below(0, 4))]
    y = d.output((*shape[:axis], len(inputs), *shape[axis:]))
    d.b.op("PACK", inputs, [y], axis=written, valuesCount=len(inputs))
    return y


def _outputs(d: Draw, made: list[int]) -> list[int]:
    """Mostly all of them, in some order; an output that nobody reads is left out sometimes."""
    kept = [y for y in made if d.rng.random() < 0.9] or made
    return [kept[i] for i in d.rng.permutation(len(kept))]


def _split(d: Draw) -> Made:
    shape, count = d.shape(1, 5, 5), d.below(1, 4)
    axis, written = d.axis(len(shape))
    x = d.input(_replaced(shape, axis, shape[axis] * count))
    made = [d.output(shape) for _ in range(count)]
    axis_tensor = d.b.constant(np.array(written if d.rng.random() < 0.5 else [written], np.int32))
    d.b.op("SPLIT", [axis_tensor, x], made, numSplits=count)
    return _outputs(d, made)


def _split_v(d: Draw) -> Made:
    shape, sizes = d.shape(1, 5, 5), [int(n) for n in d.rng.integers(1, 5, d.below(1, 4))]
    axis, written = d.axis(len(shape))
    x = d.input(_replaced(shape, axis, sum(sizes)))
    made = [d.output(_replaced(shape, axis, size)) for size in sizes]
    if d.rng.random() < 0.4:
        sizes[d.below(0, len(sizes) - 1)] = -1
    inputs = [x, d.integers(sizes, wide=True), d.integers([written])]
    d.b.op("SPLIT_V", inputs, made, numSplits=len(sizes))
    return _outputs(d, made)


def _unpack(d: Draw) -> Made:
    shape = d.shape(1, 5, 5)
    axis, written = d.axis(len(shape))
    x = d.input(shape)
    made = [d.output(_replaced(shape, axis)) for _ in range(shape[axis])]
    d.b.op("UNPACK", [x], made, axis=written, num=shape[axis])
    return _outputs(d, made)


def _slice(d: Draw) -> Made:
    shape = d.shape(1, 5)
    begin = [d.below(0, n - 1) if d.rng.random() < 0.6 else 0 for n in shape]
    size = [d.below(1, n - b) if d.rng.random() < 0.6 else n - b for n, b in zip(shape, begin, strict=True)]
    x, y = d.input(shape), d.output(size)
    written = [-1 if b + s == n and d.rng.random() < 0.5 else s for b, s, n in zip(begin, size, shape, strict=True)]
    kind = np.int64 if d.rng.random() < 0.3 else np.int32
    d.b.op("SLICE", [x, d.b.constant(np.array(begin, kind)), d.b.constant(np.array(written, kind))], [y])
    return y


def _strided_axis(d: Draw, extent: int) -> tuple[int, int, int, bool, bool, bool, int]:
    """(begin, end, stride, begin mask, end mask, shrink, elements) that leave at least one element."""
    while True:
        begin, end = (d.below(-extent - 2, extent + 2) for _ in range(2))
        stride = int(d.rng.choice((1, 1, 1, 2, 3, -1, -2)))
        no_begin, no_end, shrink = (bool(d.rng.random() < p) for p in (0.4, 0.4, 0.15))
        if shrink and not no_begin and -extent <= begin < extent and stride > 0:
            return begin, end, stride, False, no_end, True, 1
        length = len(range(extent)[None if no_begin else begin : None if no_end else end : stride])
        if length and not shrink:
            return begin, end, stride, no_begin, no_end, False, length


def _strided_slice(d: Draw) -> Made:
    shape = d.shape(1, 4)
    axes = [_strided_axis(d, extent) for extent in shape]
    x, y = d.input(shape), d.output([axis[6] for axis in axes if not axis[5]])
    begin, end, steps = (d.integers([axis[i] for axis in axes]) for i in range(3))
    masks = [sum(int(axis[i]) << bit for bit, axis in enumerate(axes)) for i in (3, 4, 5)]
    d.b.op("STRIDED_SLICE", [x, begin, end, steps], [y], beginMask=masks[0], endMask=masks[1], shrinkAxisMask=masks[2])
    return y


def _transpose(d: Draw) -> Made:
    shape = d.shape(1, 5)
    order = d.rng.permutation(len(shape))
    x, y = d.input(shape), d.output([shape[axis] for axis in order])
    d.b.op("TRANSPOSE", [x, d.integers(order)], [y])
    return y


def _squeeze(d: Draw) -> Made:
    shape = list(d.shape(2, 5))
    for axis in range(len(shape) - 1):
        shape[axis] = 1 if d.rng.random() < 0.6 else shape[axis]
    ones = [axis for axis, n in enumerate(shape) if n == 1]
    chosen = [axis for axis in ones if d.rng.random() < 0.6]
    dropped = chosen or ones
    x, y = d.input(shape), d.output([n for axis, n in enumerate(shape) if axis not in dropped])
    written = [axis - len(shape) if d.rng.random() < 0.4 else axis for axis in chosen]
    d.b.op("SQUEEZE", [x], [y], squeezeDims=written)
    return y


def _expand_dims(d: Draw) -> Made:
    shape = d.shape(1, 4)
    axis, written = d.axis(len(shape) + 1)
    x, y = d.input(shape), d.output((*shape[:axis], 1, *shape[axis:]))
    d.b.op("EXPAND_DIMS", [x, d.integers([written])], [y])
    return y


def _gather(d: Draw) -> Made:
    shape = d.shape(1, 4)
    axis, written = d.axis(len(shape))
    batch = d.below(0, axis) if d.rng.random() < 0.5 else 0
    places = (*shape[:batch], *(int(n) for n in d.rng.integers(1, 5, d.below(0 if batch else 1, 2))))
    x = d.input(shape)
    y = d.output((*shape[:axis], *places[batch:], *shape[axis + 1 :]))
    fixed = d.rng.random() < 0.5
    indices = d.integers(d.rng.integers(0, shape[axis], places)) if fixed else d.b.input(places, None, dtype="int32")
    counted = batch - len(places) if batch < len(places) and d.rng.random() < 0.3 else batch
    d.b.op("GATHER", [x, indices], [y], axis=written, batchDims=counted)
    return y


def _tile(d: Draw) -> Made:
    shape = d.shape(1, 5, 4)
    multiples = [d.below(1, 3) if d.rng.random() < 0.6 else 1 for _ in shape]
    x, y = d.input(shape), d.output([n * m for n, m in zip(shape, multiples, strict=True)])
    d.b.op("TILE", [x, d.integers(multiples, wide=True)], [y])
    return y


def _broadcast_to(d: Draw) -> Made:
    shape = d.shape(1, 5)
    smaller = [n if d.rng.random() < 0.5 else 1 for n in shape]
    x = d.input(smaller[d.below(0, len(shape) - 1) if d.rng.random() < 0.3 else 0 :])
    y = d.output(shape)
    d.b.op("BROADCAST_TO", [x, d.integers(shape, wide=True)], [y])
    return y


def _reverse_v2(d: Draw) -> Made:
    """Neighbouring axes, as TFLM wants them."""
    shape = d.shape(1, 5)
    first = d.below(0, len(shape) - 1)
    axes = d.rng.permutation(range(first, d.below(first, len(shape) - 1) + 1))
    x, y = d.input(shape), d.output(shape)
    d.b.op("REVERSE_V2", [x, d.integers([a - len(shape) if d.rng.random() < 0.4 else a for a in axes])], [y])
    return y


def _amounts(d: Draw, shape: Sequence[int], largest: int, limit: int) -> Array:
    """(before, behind) of each axis, up to `largest` and up to the axis' length less `limit`."""
    high = np.array([min(largest, n - limit) for n in shape])[:, np.newaxis]
    drawn = d.rng.integers(0, np.repeat(high, 2, 1), endpoint=True)
    amounts: Array = drawn * (d.rng.random((len(shape), 1)) < 0.7)
    return amounts


def _padded(shape: Sequence[int], amounts: Array) -> list[int]:
    return [n + int(a) + int(z) for n, (a, z) in zip(shape, amounts, strict=True)]


def _padv2(d: Draw) -> Made:
    shape = d.shape(1, 4)
    amounts = _amounts(d, shape, 3, -9)
    x, y = d.input(shape), d.output(_padded(shape, amounts))
    value = d.data(() if d.rng.random() < 0.5 else (1,))
    d.b.op("PADV2", [x, d.integers(amounts), value], [y])
    return y


def _mirror_pad(d: Draw) -> Made:
    shape, mode = d.shape(1, 5, 5), d.below(0, 1)
    amounts = _amounts(d, shape, 3, 1 - mode)
    x, y = d.input(shape), d.output(_padded(shape, amounts))
    d.b.op("MIRROR_PAD", [x, d.integers(amounts, wide=True)], [y], mode=mode)
    return y


def _space_to_depth(d: Draw) -> Made:
    (n, h, w, c), block = image(d.rng), d.below(1, 3)
    h, w = ceil(h / 2), ceil(w / 2)
    x, y = d.input((n, h * block, w * block, c)), d.output((n, h, w, c * block * block))
    d.b.op("SPACE_TO_DEPTH", [x], [y], blockSize=block)
    return y


def _depth_to_space(d: Draw) -> Made:
    (n, h, w, c), block = image(d.rng), d.below(1, 3)
    h, w = ceil(h / 2), ceil(w / 2)
    x, y = d.input((n, h, w, c * block * block)), d.output((n, h * block, w * block, c))
    d.b.op("DEPTH_TO_SPACE", [x], [y], blockSize=block)
    return y


def batched(d: Draw, kind: str, padding: bool = True) -> Made:
    """SPACE_TO_BATCH_ND or BATCH_TO_SPACE_ND between images and interleaved images, NHWC or NHC."""
    spatial = d.below(1, 2)
    n, c = d.below(1, 3), d.below(1, 6)
    block, small = ([int(v) for v in d.rng.integers(1, high, spatial, endpoint=True)] for high in (4, 4))
    whole = [b * s for b, s in zip(block, small, strict=True)]
    amounts = np.zeros((spatial, 2), np.int64)
    if padding and d.rng.random() < 0.7:
        for axis, extent in enumerate(whole):
            amounts[axis, 0] = d.below(0, min(5, extent - 1))
            amounts[axis, 1] = d.below(0, min(5, extent - 1 - int(amounts[axis, 0])))
    inside = [extent - int(a) - int(z) for extent, (a, z) in zip(whole, amounts, strict=True)]
    shapes = [(n, *inside, c), (n * prod(block), *small, c)]
    shapes = shapes if kind == "SPACE_TO_BATCH_ND" else shapes[::-1]
    x, y = d.input(shapes[0]), d.output(shapes[1])
    d.b.op(kind, [x, d.integers(block), d.integers(amounts)], [y])
    return y


def _space_to_batch_nd(d: Draw) -> Made:
    # TFLM pads with a value that it never sets: test_movement.py looks at padding
    return batched(d, "SPACE_TO_BATCH_ND", padding=False)


def _batch_to_space_nd(d: Draw) -> Made:
    return batched(d, "BATCH_TO_SPACE_ND")


def _resize_nearest_neighbor(d: Draw) -> Made:
    n, h, w, c = image(d.rng)
    larger = d.below(1, 4)
    size = [h * larger, w * larger] if d.rng.random() < 0.3 else [int(v) for v in d.rng.integers(1, 25, 2)]
    x, y = d.input((n, h, w, c)), d.output((n, *size, c))
    corners, centers = (bool(v) for v in d.rng.integers(0, 2, 2))
    d.b.op("RESIZE_NEAREST_NEIGHBOR", [x, d.integers(size)], [y], alignCorners=corners, halfPixelCenters=centers)
    return y


DRAWS: dict[str, Callable[[Draw], Made]] = {
    "BATCH_TO_SPACE_ND": _batch_to_space_nd,
    "BROADCAST_TO": _broadcast_to,
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _depth_to_space,
    "EXPAND_DIMS": _expand_dims,
    "GATHER": _gather,
    "MIRROR_PAD": _mirror_pad,
    "PACK": _pack,
    "PADV2": _padv2,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest_neighbor,
    "REVERSE_V2": _reverse_v2,
    "SLICE": _slice,
    "SPACE_TO_BATCH_ND": _space_to_batch_nd,
    "SPACE_TO_DEPTH": _space_to_depth,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "TILE": _tile,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}


def _generator(kind: str) -> Callable[[ModelBuilder, Generator], Made]:
    """Cases of int8 as often as of the other types that TFLM knows together."""

    def draw(b: ModelBuilder, rng: Generator) -> Made:
        other = str(rng.choice(TFLM_DTYPES[kind]))
        return DRAWS[kind](Draw(b, rng, other if rng.random() < 0.5 else "int8"))

    return draw


GENERATORS: dict[str, Callable[[ModelBuilder, Generator], Made]] = {kind: _generator(kind) for kind in DRAWS}
