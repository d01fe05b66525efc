"""What counted blocks of Thumb code take in cycles, estimated from the timing tables in Arm's manuals.

Place in the flow: after plugin.py has counted. Within a block each instruction is priced behind the one before it:
loads that pipeline, addresses that stall, IT that folds. Memory has no wait states; not modelled are the operands of
divisions, operations that an IT block skips (they count as done) and contention on the bus.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinygen import resources
from tinygen.cycles.plugin import Block
from tinygen.cycles.thumb import ARITHMETIC, INDIRECT, JUMPS, Instruction, decode
from tinygen.elf import code_at

_TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
_STACK = (13,)
_LONGEST = 4  # bytes of an instruction
# no table for its two issue slots: that of the Cortex-M4 is an upper bound
_PRICED_AS = {"cortex-m7": ("cortex-m4", ", an upper bound for a Cortex-M7, which may issue two instructions at once")}


@dataclass(frozen=True, slots=True)
class Timing:
    """The table of a core; what it lacks costs nothing. `source` says where the figures are from."""

    source: str
    cycles: Mapping[str, int]

    def __getitem__(self, key: str) -> int:
        return self.cycles.get(key, 0)


@functools.cache
def timing_of(core: str) -> Timing | None:
    """The timing table of a core (`core` of a board), None if Arm publishes none."""
    tables = _TOML.loads((resources.FIRMWARE / "qemu" / "timing.toml").read_text(encoding="utf-8"))
    name, remark = _PRICED_AS.get(core, (core, ""))
    if name not in tables:
        return None
    table = dict(tables[name])
    return Timing(table.pop("source") + remark, table)


def estimate(blocks: Iterable[Block], elf: Path, timing: Timing) -> int:
    """Cycles of the blocks, whose code is in `elf`; raises TinygenError when that is no ELF."""
    blocks = tuple(blocks)
    # and the instruction behind a block: QEMU may cut one in two anywhere, and the halves are to cost what it would
    code = code_at(elf, {(block.start, block.end + _LONGEST) for block in blocks})
    return sum(_price(block, decode(code[block.start, block.end + _LONGEST]), timing) for block in blocks)


def _price(block: Block, decoded: tuple[Instruction, ...], timing: Timing) -> int:
    """decoded: the block's instructions, and what lies behind it."""
    each, previous = 0, None
    for instruction in decoded[: block.instructions]:
        each += _in_sequence(instruction, previous, timing)
        previous = instruction
    behind = decoded[block.instructions : block.instructions + 1]
    if previous is not None and previous.kind not in JUMPS and behind:
        each += _in_sequence(behind[0], previous, timing) - _in_sequence(behind[0], None, timing)
    kind = "" if previous is None else previous.kind
    if kind in JUMPS:
        jumps = (block.left - block.left_for_wide) * _refill(kind, False, timing)
        jumps += block.left_for_wide * _refill(kind, True, timing)
    else:
        jumps = block.left * timing["exception"]
    return block.runs * each + jumps + block.unaligned_loads * timing["unaligned"]


def _in_sequence(now: Instruction, before: Instruction | None, timing: Timing) -> int:
    """Cycles of an instruction behind another (None at the start of a block), when no jump is taken."""
    kind = now.kind
    stalls = before is not None and before.kind in ARITHMETIC and before.written in now.address
    stall = timing["address_stall"] if stalls else 0
    if kind in ("load", "load_lit", "store_reg"):
        # a load before hides the address phase, unless its result is the address
        hidden = before is not None and before.kind in ("load", "load_lit") and before.written not in now.address
        after_load = "store_reg_after_load" if kind == "store_reg" else "load_after_load"
        alone = "store_reg" if kind == "store_reg" else "load"
        return timing[after_load if hidden and timing["loads_pipeline"] else alone] + stall
    if kind == "store_imm":
        return timing[kind] + stall
    if kind in ("ldm", "stm", "pop_pc"):
        each = timing["stm_each" if kind == "stm" else "ldm_each"]
        return timing[kind] + now.registers * each + (stall if now.address != _STACK else 0)
    if kind == "fp_ldm":
        return timing[kind] + now.registers * timing["fp_ldm_each"]
    if kind == "it":
        return 0 if timing["it_folds"] and before is not None and before.size == 2 else timing[kind]
    if kind in JUMPS:
        return timing[kind] if kind in ("load_pc", "tbb") else timing["branch"]
    return timing[kind]


def _refill(kind: str, wide_target: bool, timing: Timing) -> int:
    """What a jump that is taken costs beyond itself."""
    special = {"pop_pc": "refill_pop", "call": "refill_call", "load_pc": "refill_blocking", "tbb": "refill_blocking"}
    if special.get(kind) in timing.cycles:
        return timing[special[kind]]
    usual = timing["refill_indirect" if kind in INDIRECT else "refill_direct"]
    return usual + (timing["refill_wide_target"] if wide_target else 0)
