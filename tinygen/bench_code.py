"""Of a benched firmware: how many bytes of code are kernels, schedule and parameters, in all and for each layer.

Place in the flow: for bench.py, from the symbols of the ELF and the blocks that QEMU ran. The compiler may have inlined
a kernel into NAME_invoke; then its code counts to the schedule, where it lies.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tinygen.cycles.plugin import Block
from tinygen.elf import Symbol
from tinygen.stack import Stack

_PARAMETERS = re.compile(r"layer(\d+)(\.|$)")
_JUMP_BYTES = 2  # of the jump before a mark


@dataclass(frozen=True, slots=True)
class CodeParts:
    """Bytes. kernels: functions of the library that ran, of a layer also those that others run, too. schedule: code in
    NAME_invoke. parameters: the kernels' parameters, as far as they are in the firmware, weights apart.

    stack: what NAME_invoke needs for this.
    """

    kernels: int
    schedule: int
    parameters: int
    stack: int | None


def code_parts(symbols: Sequence[Symbol], entry: str, stack: Stack) -> CodeParts | None:
    """Of the whole model; None where the library's functions are not known."""
    if entry not in stack.functions:
        return None
    model = entry.rpartition("_")[0]
    kernels = {s.address: s.size for s in symbols if s.name in stack.functions and not s.name.startswith(f"{model}_")}
    schedule = sum(s.size for s in symbols if s.is_function and s.name.split(".")[0] == entry)
    return CodeParts(sum(kernels.values()), schedule, sum(_parameters(symbols).values()), stack.functions[entry])


def layer_parts(
    blocks: Sequence[Sequence[Block]], symbols: Sequence[Symbol], marks: Mapping[int, int], entry: str, stack: Stack
) -> tuple[CodeParts | None, ...]:
    """Of each layer, by the blocks that ran for it."""
    if entry not in stack.functions:
        return (None,) * len(blocks)
    functions = sorted((s for s in symbols if s.is_function and s.size), key=lambda s: s.address)
    starts = [s.address for s in functions]
    parameters = _parameters(symbols)
    found = []
    for layer, ran in enumerate(blocks):
        inside: list[tuple[int, int]] = []
        kernels: dict[str, int] = {}
        for block in ran:
            function = functions[max(bisect.bisect_right(starts, block.start) - 1, 0)]
            if function.name.split(".")[0] == entry:
                inside.append((block.start, block.end))
            elif function.name in stack.functions:
                kernels[function.name] = function.size
        jumps = _JUMP_BYTES * sum(of == layer for of in marks.values())
        deepest = max((stack.functions[name] for name in kernels), default=0)
        schedule = max(union_bytes(inside) - jumps, 0)
        found.append(CodeParts(sum(kernels.values()), schedule, parameters.get(layer, 0), stack.own_bytes + deepest))
    return tuple(found)


def union_bytes(ranges: Iterable[tuple[int, int]]) -> int:
    """How many bytes lie in at least one of the ranges [start, end)."""
    total = until = 0
    for start, end in sorted(ranges):
        total += max(end - max(start, until), 0)
        until = max(until, end)
    return total


def _parameters(symbols: Sequence[Symbol]) -> dict[int, int]:
    """The bytes of the parameters of each layer that has any in the firmware."""
    found: dict[int, int] = {}
    for symbol in symbols:
        match = _PARAMETERS.match(symbol.name)
        if match and not symbol.is_function:
            found[int(match[1])] = found.get(int(match[1]), 0) + symbol.size
    return found
