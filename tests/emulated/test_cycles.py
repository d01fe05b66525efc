"""The estimate of cycles: functions worked out by hand, and the decoder against objdump on a whole firmware."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from itertools import accumulate, takewhile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.c_build import STRICT, run_tool
from tinygen.boards import get_board, load_boards
from tinygen.cycles.plugin import Block, count_blocks
from tinygen.cycles.price import estimate, timing_of
from tinygen.cycles.thumb import JUMPS, decode
from tinygen.elf import code_at, symbols_of
from tinygen.errors import TinygenError
from tinygen.resources import FIRMWARE

HERE = Path(__file__).resolve().parent
# function: (instructions, cycles). A jump that is taken costs 1 more when direct, 2 when indirect, 3 for TBB, and 1
# beyond that when its target is a 32-bit instruction at an odd halfword
BY_HAND = {
    "t_spin": (1 + 200 + 1, 1 + 100 * 1 + 99 * 2 + 1 + 3),
    "t_pair": (2 + 60 + 1, 2 + 10 * (2 + 1 + 1 + 1 + 1) + 9 * 2 + 1 + 3),
    "t_many": (8, 1 + (1 + 3) + (1 + 4) + 3 + 3 + (1 + 3) + 2 + (1 + 3 + 2)),
    "t_stall": (13, 1 + 1 + 1 + (2 + 1) + 1 + 1 + 2 + 2 + 1 + 2 + 2 + 1 + 3),
    "t_arith": (25, 13 + 7 + 1 + 1 + 1 + 3 + 3 + 14 + 14 + 5 + 2 + 5 + 3),
    "t_unaligned": (9, 1 + (2 + 1 + 2) + 1 + (2 + 1) + 1 + (2 + 1) + 1 + 2 + 3),
    "t_wide": (1 + 150 + 1, 1 + 100 + 49 * (1 + 2) + 1 + 3),
    "t_it": (8, 1 + 1 + 0 + 1 + 1 + 1 + 1 + 3),
    # push; bl; movs; b; mov pc,lr; cbz taken; adr; tbb; pop {r4, pc}
    "t_calls": (9, 3 + 2 + 1 + 2 + 3 + 2 + 1 + (3 + 3) + (1 + 2 + 2)),
}
# what a mnemonic may be decoded as; the first match wins
_CONDITIONS = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
KINDS = (
    (r"vml[as]|vnml|vfn?m[as]", "fp_mla"),
    (r"vdiv|vsqrt", "fp_div"),
    (r"vpush|vstm|vpop|vldm|vldr|vstr", "fp_ldm"),
    (r"v\w+", "fp|fp_pair"),
    (r"push|stm|strd", "stm"),
    (r"pop|ldm|ldrd", "ldm|pop_pc"),
    (r"tb[bh]", "tbb"),
    (r"ldr", "load|load_lit|load_pc"),
    (r"str", "store_imm|store_reg"),
    (r"it[te]*$", "it"),
    (r"cbn?z", "cbz"),
    (r"blx", "call_reg"),
    (r"bx", "jump_reg"),
    (rf"bl{_CONDITIONS}$", "call|jump_if"),
    (rf"b{_CONDITIONS}(\.[nw])?$", "jump|jump_if"),
    (r"bkpt|svc|udf|msr|mrs|dsb|dmb|isb|cps|wf[ie]|sev", "system"),
    (r"nop|yield|pld", "nop|alu"),
    (r"[su]div", "div"),
    (r"[su]mull", "mull"),
    (rf"([su]mlal|umaal){_CONDITIONS}$", "mlal"),
    (r"ml[as]", "mla"),
    (r"mul", "mul"),
    (r"sm|usad|[su]xta?b16|(q|s|u|sh|uh|uq)(add|sub|asx|sax|dadd|dsub)(8|16)?|qd|sel", "dsp|alu"),
    (r"\w+", "alu|jump_reg"),
)


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    elf = tmp_path_factory.mktemp("cycles") / "hand.elf"
    start = ("-nostdlib", "-Wl,-Ttext=0", "-Wl,--defsym=_start=0")
    run_tool(["arm-none-eabi-gcc", *start, "-o", elf, HERE / "cycles_by_hand.S"])
    return elf


def wait_for_a_dot(url: str) -> None:
    address = urlsplit(url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), 30) as connection:
        assert connection.recv(1) == b"."


@pytest.mark.parametrize("function", BY_HAND)
def test_what_was_worked_out_by_hand(elf: Path, function: str) -> None:
    board, timing = get_board("qemu-cortex-m4"), timing_of("cortex-m4")
    assert timing is not None
    blocks, _ = count_blocks(board, elf, symbols_of(elf), function, wait_for_a_dot)
    cycles = estimate(blocks, elf, timing)
    assert (sum(b.runs * b.instructions for b in blocks), cycles) == BY_HAND[function]


@pytest.mark.parametrize("function", BY_HAND)
def test_a_block_in_two_halves_costs_the_same(elf: Path, function: str) -> None:
    """QEMU cuts blocks where a timer is due."""
    timing = timing_of("cortex-m4")
    assert timing is not None
    symbol = next(s for s in symbols_of(elf) if s.name == function)
    (code,) = code_at(elf, [(symbol.address, symbol.address + 60)]).values()
    straight = list(takewhile(lambda i: i.kind not in JUMPS, decode(code)))
    ends = [symbol.address, *(symbol.address + size for size in accumulate(i.size for i in straight))]
    whole = Block(-1, ends[0], ends[-1], len(straight), 7, 0, 0, 0)
    for cut in range(1, len(straight)):
        halves = (
            replace(whole, end=ends[cut], instructions=cut),
            replace(whole, start=ends[cut], instructions=len(straight) - cut),
        )
        assert estimate(halves, elf, timing) == estimate([whole], elf, timing)


def test_a_function_that_is_not_there(elf: Path) -> None:
    with pytest.raises(TinygenError, match="has no function nobody"):
        count_blocks(get_board("qemu-cortex-m4"), elf, symbols_of(elf), "nobody", wait_for_a_dot)


def test_the_decoder_against_objdump(elf: Path) -> None:
    """Every instruction of the C library's arithmetic and printf, and of the functions above."""
    source = elf.parent / "all.c"
    source.write_text(
        "#include <stdio.h>\n#include <math.h>\nint main(int n, char **v) {\n"
        '  return printf("%f %lld", pow(n, sinf((float)n)), (long long)n * n / 7) + v[0][0];\n}\n'
    )
    whole = elf.parent / "all.elf"
    flags = get_board("qemu-cortex-m4").flags
    run_tool(
        ["arm-none-eabi-gcc", *flags, "-O2", "--specs=rdimon.specs", "-u", "_printf_float", source, "-lm", "-o", whole]
    )
    seen = 0
    for program in (elf, whole):
        listing = run_tool(["arm-none-eabi-objdump", "-d", program]).decode()
        line = re.compile(r"^ +[0-9a-f]+:\t([0-9a-f]{4})(?: ([0-9a-f]{4}))? +\t(\S+)(.*)$", re.MULTILINE)
        for first, second, name, rest in line.findall(listing):
            if name.startswith(("<UND", ".", "0x")) or "UNDEFINED" in rest:
                continue
            code = b"".join(int(half, 16).to_bytes(2, "little") for half in (first, second) if half)
            (instruction,) = decode(code)
            wanted = next(kinds for pattern, kinds in KINDS if re.match(pattern, name))
            if re.match(r"\s*(pc,|.*\{.*pc\})", rest):
                wanted = "pop_pc" if name.startswith(("pop", "ldm")) else "load_pc" if name[:3] == "ldr" else wanted
            assert instruction.kind in wanted.split("|"), (first, second, name, rest)
            assert instruction.size == len(code)
            seen += 1
    assert seen > 5000


def test_timing_tables() -> None:
    m4, m7 = timing_of("cortex-m4"), timing_of("cortex-m7")
    assert m4 is not None
    assert m7 is not None
    assert m7.cycles == m4.cycles
    assert "upper bound" in m7.source
    assert timing_of("avr") is None
    assert timing_of("cortex-m33") is None
    for board in load_boards():
        timing = timing_of(board.core)
        assert timing is None or ("TRM" in timing.source and timing["load"] == 2)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("version", [1, 2])
def test_the_plugin_compiles_without_a_warning(compiler: str, version: int, tmp_path: Path) -> None:
    flags = (*STRICT, "-O2", "-shared", "-fPIC", f"-DAPI_VERSION={version}")
    run_tool([compiler, *flags, "-o", tmp_path / "x.so", FIRMWARE / "qemu" / "tg_blocks.c"])
