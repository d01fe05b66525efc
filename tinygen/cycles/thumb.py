"""Decodes Thumb instructions as far as their timing goes: what kind, how many registers, which make the address.

Place in the flow: price.py prices what stands here. The encodings are those of the Armv7-M Architecture Reference
Manual (DDI 0403E), chapters A5.2 (16 bits) and A5.3 (32 bits).
"""

from __future__ import annotations

from dataclasses import dataclass

JUMPS = frozenset(
    {"jump", "jump_if", "cbz", "call", "jump_reg", "call_reg", "pop_pc", "load_pc", "tbb"},
)
INDIRECT = frozenset({"jump_reg", "call_reg", "pop_pc", "load_pc", "tbb"})
ARITHMETIC = frozenset({"alu", "mul", "mla", "mull", "mlal", "dsp", "div"})
_STACK = 13
_PC = 15
_FIRST_WIDE = 0xE800  # the first halfword of every instruction of 32 bits is at least this


@dataclass(frozen=True, slots=True)
class Instruction:
    """`kind` is a word of firmware/qemu/timing.toml or one that price.py makes one of; `size` in bytes.

    registers: how many a load or store of several has. address: the registers that make its address. written: the
    register that it changes, None where there is none or it does not matter.
    """

    kind: str
    size: int
    registers: int = 0
    address: tuple[int, ...] = ()
    written: int | None = None


def decode(code: bytes) -> tuple[Instruction, ...]:
    """The instructions of little-endian machine code without data in it; bytes at the end that are none are left."""
    found = []
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        if first < _FIRST_WIDE:
            found.append(_decode_16(first))
        elif at + 4 <= len(code):
            found.append(_decode_32(first, int.from_bytes(code[at + 2 : at + 4], "little")))
        at += 2 if first < _FIRST_WIDE else 4
    return tuple(found)


def _bits(value: int, high: int, low: int) -> int:
    return value >> low & ((1 << (high - low + 1)) - 1)


def _narrow(kind: str, registers: int = 0, address: tuple[int, ...] = (), written: int | None = None) -> Instruction:
    return Instruction(kind, 2, registers, address, written)


def _wide(kind: str, registers: int = 0, address: tuple[int, ...] = (), written: int | None = None) -> Instruction:
    return Instruction(kind, 4, registers, address, written)


def _decode_16(h: int) -> Instruction:
    if h < 0x4000:  # shift, add, subtract, move, compare
        compares = _bits(h, 15, 11) == 5
        return _narrow("alu", written=None if compares else (_bits(h, 10, 8) if h >= 0x2000 else h & 7))
    if h < 0x4400:  # data processing; TST, CMP and CMN write nothing
        operation = _bits(h, 9, 6)
        return _narrow("mul" if operation == 13 else "alu", written=None if operation in (8, 10, 11) else h & 7)
    if h < 0x4800:  # special data, branch and exchange
        operation, rd = _bits(h, 9, 8), (h >> 4 & 8) | h & 7
        if operation == 3:
            return _narrow("call_reg" if h & 0x80 else "jump_reg")
        if operation != 1 and rd == _PC:
            return _narrow("jump_reg")
        return _narrow("alu", written=None if operation == 1 else rd)
    if h < 0x5000:
        return _narrow("load_lit", 1, (), _bits(h, 10, 8))
    if h < 0x6000:  # register offset
        loads = _bits(h, 11, 9) >= 3
        return _narrow("load" if loads else "store_reg", 1, (_bits(h, 5, 3), _bits(h, 8, 6)), h & 7 if loads else None)
    if h < 0x9000:  # immediate offset
        loads = bool(h & 0x800)
        return _narrow("load" if loads else "store_imm", 1, (_bits(h, 5, 3),), h & 7 if loads else None)
    if h < 0xA000:  # relative to the stack pointer
        loads = bool(h & 0x800)
        return _narrow("load" if loads else "store_imm", 1, (_STACK,), _bits(h, 10, 8) if loads else None)
    if h < 0xB000:  # ADR, ADD from the stack pointer
        return _narrow("alu", written=_bits(h, 10, 8))
    if h < 0xC000:
        return _miscellaneous_16(h)
    if h < 0xD000:
        base = _bits(h, 10, 8)
        return _narrow("ldm" if h & 0x800 else "stm", (h & 0xFF).bit_count(), (base,), base)
    if h < 0xE000:
        return _narrow("system" if _bits(h, 11, 8) >= 14 else "jump_if")
    return _narrow("jump")


def _miscellaneous_16(h: int) -> Instruction:
    operation = _bits(h, 11, 8)
    if operation & 5 == 1:
        return _narrow("cbz")
    if operation in (4, 5):
        return _narrow("stm", (h & 0x1FF).bit_count(), (_STACK,), _STACK)
    if operation in (12, 13):
        return _narrow("pop_pc" if operation == 13 else "ldm", (h & 0x1FF).bit_count(), (_STACK,), _STACK)
    if operation == 15:
        return _narrow("it" if h & 15 else "nop")
    if operation == 0:  # ADD, SUB of the stack pointer
        return _narrow("alu", written=_STACK)
    if operation in (2, 10):  # extend, reverse
        return _narrow("alu", written=h & 7)
    return _narrow("system")


def _decode_32(a: int, b: int) -> Instruction:
    group, operation = _bits(a, 12, 11), _bits(a, 10, 4)
    rd = _bits(b, 11, 8)
    if operation & 0x40 and group != 2:
        return _floating_point(a, b)
    if group == 1:
        if operation & 0x64 == 0:
            return _multiple(a, b)
        if operation & 0x64 == 4:
            return _pair(a, b)
        return _wide("alu", written=None if rd == _PC else rd)
    if group == 2:
        return _branch(a, b) if b & 0x8000 else _wide("alu", written=None if rd == _PC else rd)
    if operation & 0x60 == 0:
        return _load_store(a, b)
    return _data_processing(a, b)


def _multiple(a: int, b: int) -> Instruction:
    base = a & 15
    if not a & 0x10:
        return _wide("stm", b.bit_count(), (base,), base)
    return _wide("pop_pc" if b & 0x8000 else "ldm", b.bit_count(), (base,), base)


def _pair(a: int, b: int) -> Instruction:
    """Two registers, exclusive access, and table branches."""
    base, loads = a & 15, bool(a & 0x10)
    if a & 0x120:  # indexed or written back
        return _wide("ldm" if loads else "stm", 2, (base,), base if a & 0x20 else None)
    if a & 0x80 and loads and _bits(b, 7, 4) < 2:
        return _wide("tbb", 1, (base, b & 15))
    return _wide("load" if loads else "store_reg", 1, (base,), _bits(b, 15, 12) if loads else None)


def _branch(a: int, b: int) -> Instruction:
    if b & 0x4000:
        return _wide("call", written=14)
    if b & 0x1000:
        return _wide("jump")
    if _bits(a, 9, 7) != 7:
        return _wide("jump_if")
    is_hint = _bits(a, 10, 4) == 0x3A and b & 0xFF == 0
    return _wide("nop" if is_hint else "system")


def _load_store(a: int, b: int) -> Instruction:
    base, target = a & 15, _bits(b, 15, 12)
    immediate = bool(a & 0x80 or b & 0x800)
    address = (base,) if immediate else (base, b & 15)
    if not a & 0x10:
        return _wide("store_imm" if immediate else "store_reg", 1, address)
    if target == _PC:  # PLD, PLI are loads to no register
        return _wide("load_pc" if _bits(a, 10, 4) & 0x66 == 4 else "nop", 1, address)
    return _wide("load_lit" if base == _PC else "load", 1, () if base == _PC else address, target)


def _data_processing(a: int, b: int) -> Instruction:
    operation, rd = _bits(a, 10, 4), _bits(b, 11, 8)
    if operation & 0x70 == 0x20:
        parallel = bool(a & 0x80) and not (a & 0x70 >= 0x10 and b & 0xC0 == 0x80)
        extends_16 = not a & 0x80 and bool(b & 0x80) and _bits(a, 6, 4) in (2, 3)
        return _wide("dsp" if parallel or extends_16 else "alu", written=rd)
    if operation & 0x78 == 0x30:
        if operation & 7:
            return _wide("dsp", written=rd)
        return _wide("mla" if b & 0x30 or _bits(b, 15, 12) != _PC else "mul", written=rd)
    which, low = operation & 7, _bits(b, 7, 4)
    if which in (1, 3):
        return _wide("div", written=rd)
    if which in (0, 2):
        return _wide("mull", written=rd)
    return _wide("dsp" if low & 8 or which == 5 else "mlal", written=rd)


def _floating_point(a: int, b: int) -> Instruction:
    loads, base = bool(a & 0x10), a & 15
    if _bits(a, 11, 9) == 6:
        if a & 0x1E0 == 0x40:
            return _wide("fp_pair")
        if a & 0x120 == 0x100:  # VLDR, VSTR: of a double two words
            return _wide("fp_ldm", 2 if b & 0x100 else 1, (base,))
        return _wide("fp_ldm", b & 0xFF, (base,), base if a & 0x20 else None)
    if b & 0x10:  # moves between the register files
        return _wide("fp", written=_bits(b, 15, 12) if loads else None)
    operation = _bits(a, 7, 7) << 2 | _bits(a, 5, 4)
    if operation in (0, 1, 5, 6):
        return _wide("fp_mla")
    if operation == 4 or (operation == 7 and base == 1 and b & 0xC0 == 0xC0):
        return _wide("fp_div")
    return _wide("fp")
