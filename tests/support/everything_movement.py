"""The part of the model in everything.py in which every operator stands that only moves elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.support.tflite_builder import ModelBuilder


def movement(b: ModelBuilder, x: int, in_tflm: bool) -> int:
    """int8 (1, 7, 7, 4) -> the same shape and quantization; `in_tflm` leaves out what TFLM does not have."""

    def tensor(*shape: int) -> int:
        return b.tensor(shape, b.scale(x), b.zero_point(x))

    def op(kind: str, inputs: Sequence[int], *shape: int, **options: Any) -> int:
        """An operator with one output of that shape."""
        y = tensor(*shape)
        b.op(kind, inputs, [y], **options)
        return y

    def integers(*values: Any) -> int:
        return b.constant(np.array(values, np.int32))

    value = b.constant(np.array([7], np.int8), b.scale(x), b.zero_point(x))
    y = op("PADV2", [x, integers((0, 0), (0, 1), (0, 1), (0, 0)), value], 1, 8, 8, 4)
    y = op("SPACE_TO_DEPTH", [y], 1, 4, 4, 16, blockSize=2)
    halves = [tensor(1, 4, 4, 8), tensor(1, 4, 4, 8)]
    b.op("SPLIT", [integers(3), y], halves, numSplits=2)
    y = op("CONCATENATION", halves[::-1], 1, 4, 4, 16, axis=3, fusedActivationFunction=0)
    y = op("DEPTH_TO_SPACE", [y], 1, 8, 8, 4, blockSize=2)
    # TFLM pads SPACE_TO_BATCH_ND with a value that it never sets
    border, height = (((0, 0), (0, 0)), 4) if in_tflm else (((1, 1), (0, 0)), 5)
    block, border = integers(2, 2), integers(*border)
    y = op("SPACE_TO_BATCH_ND", [y, block, border], 4, height, 4, 4)
    y = op("BATCH_TO_SPACE_ND", [y, block, border], 1, 8, 8, 4)
    y = op("TRANSPOSE", [y, integers(0, 2, 1, 3)], 1, 8, 8, 4)
    y = op("MIRROR_PAD", [y, integers((0, 0), (1, 1), (2, 0), (0, 0))], 1, 10, 10, 4, mode=0)
    y = op("SLICE", [y, integers(0, 1, 1, 0), integers(1, 7, 8, 4)], 1, 7, 8, 4)
    y = op("REVERSE_V2", [y, integers(2)], 1, 7, 8, 4)
    most, last = tensor(1, 7, 7, 4), tensor(1, 7, 1, 4)
    b.op("SPLIT_V", [y, integers(7, -1), integers(2)], [most, last], numSplits=2)
    y = op("SQUEEZE", [last], 1, 7, 4, squeezeDims=[2])
    y = op("EXPAND_DIMS", [y, integers(2)], 1, 7, 1, 4)
    if in_tflm:
        y = op("BROADCAST_TO", [y, integers(1, 7, 7, 4)], 1, 7, 7, 4)
    else:
        y = op("TILE", [y, integers(1, 1, 7, 1)], 1, 7, 7, 4)
    y = op("CONCATENATION", [most, y], 1, 7, 7, 8, axis=-1, fusedActivationFunction=0)
    y = op("GATHER", [y, integers(0, 5, 2, 7)], 1, 7, 7, 4, axis=3)
    y = op("RESIZE_NEAREST_NEIGHBOR", [y, integers(9, 7)], 1, 9, 7, 4)
    y = op("BROADCAST_TO", [y, integers(2, 9, 7, 4)], 2, 9, 7, 4)
    images = [tensor(9, 7, 4), tensor(9, 7, 4)]
    b.op("UNPACK", [y], images, num=2)
    y = op("PACK", images[::-1], 2, 9, 7, 4, valuesCount=2)
    begin, end, strides = integers(1, -1, 0, 0), integers(2, 1, 7, 4), integers(1, -1, 1, 1)
    return op("STRIDED_SLICE", [y, begin, end, strides], 1, 7, 7, 4, beginMask=8, endMask=8)
