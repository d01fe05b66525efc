"""Sigmoid and tanh of int16 fixed-point numbers; equals TFLM's integer_ops/logistic.h and tanh.h for int16.

The C twin is templates/kernels/portable/tg_sigmoid16.h.
"""

from __future__ import annotations

import math

import numpy as np

from tinygen.ir import Array

# where TFLM's table is one more than the rounded value
_ONE_MORE = {
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
}
# sigmoid(i / 24) * 65536, 256 values
SIGMOID = tuple(math.floor(65536 / (1 + math.exp(-i / 24)) + 0.5) + (i in _ONE_MORE) for i in range(256))
_TABLE = np.array([*SIGMOID, SIGMOID[-1]], np.int64)


def sigmoid_table() -> Array:
    """The table as the kernels read it: (256,) int16 that hold the bits of uint16."""
    return np.array(SIGMOID, np.uint16).view(np.int16)


def sigmoid16(x: Array) -> Array:
    """sigmoid(x / 12288) * 32768 of integers |x| < 2**31, as int64 values of int16."""
    magnitude = np.abs(x)
    index = np.minimum(magnitude >> 9, 255)
    between = (_TABLE[index] << 9) + (magnitude & 511) * (_TABLE[index + 1] - _TABLE[index])
    y = np.where(magnitude >> 9 >= 255, 0x7FFF << 10, between)
    result: Array = np.where(x >= 0, y + 512, (1 << 25) - y + 511) >> 10
    return result


def tanh16(x: Array) -> Array:
    """tanh(x / 12288) * 32768 of integers |x| < 2**31, as int64 values of int16."""
    magnitude = np.abs(x)
    index = np.minimum(magnitude >> 8, 255)
    between = (_TABLE[index] << 8) + (magnitude & 255) * (_TABLE[index + 1] - _TABLE[index])
    y = np.where(magnitude >> 8 >= 255, 0xFFFF << 8, between) - (1 << 23)
    result: Array = np.where(x >= 0, y + 128, 127 - y) >> 8
    return result
