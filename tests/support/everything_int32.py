"""A small model with every int32 form and every way to gather: the model `everything_int32`."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import ModelBuilder
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

_BINARY = ("ADD", "MAXIMUM", "MINIMUM", "MUL", "SUB")
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")


def words_model() -> bytes:
    """Token numbers (1, 5), of any size, -> int8 (1, 5, 4), (5, 4), (5, 3) and (3,), picked by numbers made of them."""
    b = ModelBuilder()
    tokens = b.input((1, 5), None, dtype="int32")
    number, other = b.constant(np.array([3], np.int32)), b.constant(np.array([[-2, 0, 1, 7, 1 << 30]], np.int32))
    last = tokens
    for kind in _BINARY:
        y = b.tensor((1, 5), dtype="int32")
        b.op(kind, [last, number if kind == "ADD" else other], [y])
        last = y
    for index, kind in enumerate(_COMPARISONS):
        chosen, y = b.tensor((1, 5), dtype="bool"), b.tensor((1, 5), dtype="int32")
        b.op(kind, [last, tokens], [chosen])
        b.op("SELECT" if index else "SELECT_V2", [chosen, last, other], [y])
        last = y
    words = b.constant(np.arange(-18, 18, dtype=np.int8).reshape(9, 4), 0.5, 3)
    picked, looked, cut = (b.tensor(shape, 0.5, 3) for shape in ((1, 5, 4), (5, 4), (5, 3)))
    b.op("GATHER", [words, last], [picked], axis=0)
    flat, pairs = b.tensor((5,), dtype="int32"), b.tensor((5, 1), dtype="int32")
    b.op("RESHAPE", [tokens], [flat], newShape=[5])
    b.op("EMBEDDING_LOOKUP", [flat, words], [looked])
    b.op("RESHAPE", [last], [pairs], newShape=[5, 1])
    table = b.tensor((5, 3), 0.5, 3)
    b.op("SLICE", [looked, *(b.constant(np.array(v, np.int32)) for v in ((0, 1), (5, 3)))], [table])
    b.op("GATHER_ND", [table, pairs], [cut])
    product = b.tensor((3,), 20.0, -4)
    b.op("REDUCE_PROD", [cut, b.constant(np.array([0], np.int32))], [product], keepDims=False)
    return b.build([picked, looked, cut, product])


def graph() -> Graph:
    return verify(parse_tflite(words_model(), "everything_int32", "everything_int32"))
