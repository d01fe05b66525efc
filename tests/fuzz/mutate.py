"""Ways to spoil a .tflite file: its bytes, or its tables as a vicious converter would have written them.

All choices come from a random.Random: the corpus tests seed it, Hypothesis hands in one that it can shrink.
"""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_builder import pack

_WORDS = (0, 1, 2, 4, 8, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x1000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF)
_INTEGERS = (0, 1, -1, 2, 3, 5, 7, 127, 128, 255, -128, 1000, 32767, 65536, 1 << 24, (1 << 31) - 1, -(1 << 31))
_REALS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-38, 1e-30, 1e-6, 1e6, 1e30, 3e38, float("nan"), float("inf"), -1e38)
_TEXTS = (b"", b"\xff\xfe\x80", b"a" * 5000, b"*/ #error", b'"\\', b"\n\r\0", "\u202e\U0001f4a9".encode())


def spoil_bytes(content: bytes, random: Random, other: bytes) -> bytes:
    """A few edits of the file's bytes; `other` is a file to take pieces from."""
    spoiled = bytearray(content)
    for _ in range(random.randint(1, 4)):
        random.choice(_BYTE_EDITS)(spoiled, random, other)
        if len(spoiled) < 16:
            break
    return bytes(spoiled)


def _word_at(spoiled: bytearray, random: Random) -> int:
    """A place for a word: the tables of a file stand mostly at its end or its beginning."""
    return int(min(random.random(), random.random()) * (len(spoiled) - 8)) // 4 * 4 + 4


def _set_word(spoiled: bytearray, random: Random, other: bytes) -> None:
    at = _word_at(spoiled, random)
    spoiled[at : at + 4] = random.choice(_WORDS).to_bytes(4, "little")


def _shift_word(spoiled: bytearray, random: Random, other: bytes) -> None:
    """An offset or a length that is off by a little."""
    at = _word_at(spoiled, random)
    word = int.from_bytes(spoiled[at : at + 4], "little") + random.choice((-64, -8, -4, -1, 1, 4, 8, 64))
    spoiled[at : at + 4] = (word & 0xFFFFFFFF).to_bytes(4, "little")


def _set_byte(spoiled: bytearray, random: Random, other: bytes) -> None:
    spoiled[random.randrange(len(spoiled))] = random.randrange(256)


def _truncate(spoiled: bytearray, random: Random, other: bytes) -> None:
    del spoiled[random.randrange(len(spoiled)) :]


def _delete(spoiled: bytearray, random: Random, other: bytes) -> None:
    at = random.randrange(len(spoiled))
    del spoiled[at : at + random.randint(1, 64)]


def _insert(spoiled: bytearray, random: Random, other: bytes) -> None:
    at, source = random.randrange(len(spoiled)), random.randrange(len(other))
    spoiled[at:at] = other[source : source + random.randint(1, 64)]


def _splice(spoiled: bytearray, random: Random, other: bytes) -> None:
    at = random.randrange(min(len(spoiled), len(other)))
    spoiled[at : at + 256] = other[at : at + 256]


_BYTE_EDITS: tuple[Callable[[bytearray, Random, bytes], None], ...] = (
    *(_set_word, _set_word, _shift_word, _shift_word, _set_byte),
    *(_truncate, _delete, _insert, _splice),
)


def spoil_tables(content: bytes, random: Random, edits: int = 3) -> bytes:
    """Up to `edits` changes of fields, lists and references anywhere in the model."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    spoiled = content
    for _ in range(random.randint(1, edits)):
        before = copy.deepcopy(model)
        try:
            _edit(model, random)
            spoiled = pack(model)
        except (struct.error, TypeError, OverflowError, AttributeError, ValueError, IndexError):
            model = before  # a value that the field cannot hold, or nothing left to choose from
    return spoiled


def _edit(model: Any, random: Random) -> None:
    subgraph = model.subgraphs[0] if model.subgraphs else None
    if subgraph is not None and subgraph.tensors and subgraph.operators and random.random() < 0.4:
        random.choice(_TABLE_EDITS)(model, subgraph, random)
        return
    part = random.choice(list(_parts(model)))
    name = random.choice(sorted(vars(part)))
    value = getattr(part, name)
    setattr(part, name, _another(value, random))


def _parts(value: Any) -> Iterator[Any]:
    """Every table of the model."""
    if isinstance(value, list):
        for member in value:
            yield from _parts(member)
    elif hasattr(value, "__dict__"):
        if vars(value):
            yield value
        for member in vars(value).values():
            yield from _parts(member)


def _another(value: Any, random: Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice((value + 1, value - 1, value * 2, random.choice(_INTEGERS)))
    if isinstance(value, float):
        return random.choice((value * 2, -value, random.choice(_REALS)))
    if isinstance(value, bytes):
        return random.choice(_TEXTS)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list) and value and not hasattr(value[0], "__dict__"):
        return _other_numbers(value, random)
    if isinstance(value, list) and value:
        return random.choice((value[:-1], [*value, value[0]], value[::-1], [], None))
    return None if value is not None else random.choice(([], [0], [random.choice(_INTEGERS)], b"x", 1))


def _other_numbers(values: list[Any], random: Random) -> list[Any] | None:
    spoiled, at = list(values), random.randrange(len(values))
    spoiled[at] = _another(spoiled[at], random)
    choices = (spoiled, spoiled, spoiled, values[:-1], [*values, values[0]], values * 2, values[:1], [], None)
    return random.choice(choices)


def _other_operator(model: Any, subgraph: Any, random: Random) -> None:
    """Another operator's code, the options as they were."""
    code = random.choice(model.operatorCodes)
    code.builtinCode = random.choice((random.randrange(210), code.builtinCode + 1))
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)


def _other_options(model: Any, subgraph: Any, random: Random) -> None:
    """A field of an operator's options out of range, or no options."""
    op = random.choice(subgraph.operators)
    fields = sorted(vars(op.builtinOptions)) if op.builtinOptions is not None else []
    if not fields or random.random() < 0.1:
        op.builtinOptions, op.builtinOptionsType = None, random.choice((0, op.builtinOptionsType))
    else:
        name = random.choice(fields)
        setattr(op.builtinOptions, name, _another(getattr(op.builtinOptions, name), random))


def _rewire(model: Any, subgraph: Any, random: Random) -> None:
    """An operator reads or writes another tensor: cycles, absent inputs, constants written."""
    op = random.choice(subgraph.operators)
    side = random.choice(("inputs", "inputs", "outputs"))
    indices = [int(i) for i in _numbers(getattr(op, side))] or [0]
    indices[random.randrange(len(indices))] = random.choice(
        (random.randrange(len(subgraph.tensors)), -1, 0, -2, 1 << 30)
    )
    setattr(op, side, indices)


def _reorder(model: Any, subgraph: Any, random: Random) -> None:
    random.shuffle(
        random.choice([x for x in (subgraph.operators, subgraph.tensors, model.buffers, model.operatorCodes) if x])
    )


def _other_type(model: Any, subgraph: Any, random: Random) -> None:
    """A tensor of another type, with or without data that fit."""
    tensor = random.choice(subgraph.tensors)
    tensor.type = random.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 13, 14, 15, 17, 18, 100))
    if random.random() < 0.5:
        tensor.buffer = random.choice((0, random.randrange(len(model.buffers)), 1 << 20))


def _grow(model: Any, subgraph: Any, random: Random) -> None:
    """The same dimension larger or smaller in every tensor that has it: shapes that still fit one another."""
    dimension = random.choice([int(n) for t in subgraph.tensors for n in _numbers(t.shape)] or [1])
    larger = random.choice((0, 1, dimension + 1, dimension * 2, 1 << 12, 1 << 20, 1 << 26, 1 << 30))
    for tensor in subgraph.tensors:
        constant = 0 < tensor.buffer < len(model.buffers) and model.buffers[tensor.buffer].data is not None
        if not constant:
            tensor.shape = [larger if n == dimension else int(n) for n in _numbers(tensor.shape)]


def _numbers(vector: Any) -> list[Any]:
    """A vector of the flatbuffer, which may be absent, a list or an array."""
    return [] if vector is None else list(vector)


_TABLE_EDITS: tuple[Callable[[Any, Any, Random], None], ...] = (
    *(_other_operator, _other_options, _rewire),
    *(_reorder, _other_type, _grow),
)
