"""What modules of all kernel sets take out of a portable kernel's call, and the call that they make of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinygen.ir import Array
from tinygen.ops.base import Constant, KernelCall

Params = tuple[tuple[str, int | float | tuple[int, ...] | Constant], ...]


def fields(call: KernelCall) -> dict[str, int]:
    """The numbers among a call's params by name."""
    return {name: value for name, value in call.params if isinstance(value, int)}


def constant(call: KernelCall, name: str) -> Array:
    """The values of a constant among a call's params."""
    return next(c.values for c in call.constants if c.field == name)


def numbers(call: KernelCall, *names: str) -> Params:
    """These numbers among a call's params, as params."""
    p = fields(call)
    return tuple((name, p[name]) for name in names)


def geometry(call: KernelCall, *without: str) -> Params:
    """What a call to a convolution has first in its params, to its input zero point, but for what is named."""
    names = [name for name, _ in call.params]
    return numbers(call, *(name for name in names[: names.index("input_zero_point") + 1] if name not in without))


def served_by(
    call: KernelCall,
    kernel: str,
    params: Params,
    cost: float,
    call_cost: float = 100,
    scratch_bytes: int = 0,
    rows_at_once: int = 1,
) -> KernelCall:
    """The same rows by another kernel: operands stay, and which rows are read. `cost` is that of one image."""
    return replace(
        call,
        kernel=kernel,
        params=params,
        scratch_bytes=scratch_bytes,
        rows_at_once=rows_at_once,
        cost=int(cost) * call.output.images,
        call_cost=int(call_cost),
    )


def int32_words(name: str, words: Array) -> Constant:
    """Values of 32 bits, signed or not, as an int32 constant."""
    return Constant(name, words.astype(np.int64).astype(np.uint32).view(np.int32).reshape(-1))
