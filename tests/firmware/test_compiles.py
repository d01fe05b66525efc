"""The tester, its ports and the boards' own code, compiled for every core without a warning."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from tests.device.test_link import on_pty
from tests.firmware.fake import BSP, HERE, INPUT_BYTES, TESTER, reference
from tests.support.arduino_cores import core_defines
from tests.support.c_build import STRICT, run_tool
from tinygen.boards import EMULATED_PLATFORM_DIR, Board, get_board, load_boards
from tinygen.device.link import Link

CPP_STRICT = ("-std=gnu++11", "-fno-exceptions", "-fno-rtti", *STRICT[1:])
PICOLIBC = {
    "xtensa-lx106-elf-": ("--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs",),
    "riscv64-unknown-elf-": ("--specs=picolibc.specs",),
}
CORES = sorted({(board.compiler, board.flags) for board in load_boards()})
BARE = tuple(board for board in load_boards() if board.emulated and not board.framework and board.compiler)
ARDUINO = tuple(board for board in load_boards() if board.framework == "arduino" and not board.emulated)


def as_its_core(board: Board) -> list[str]:
    """The compiler of a board under Arduino, with what its core defines, and the stand-ins of its headers."""
    flags = (*board.flags, *library_of(board.compiler, board.flags), *core_defines(board))
    return [f"{board.compiler}g++", *flags, f"-I{TESTER}", f"-I{HERE / 'stubs'}"]


def library_of(prefix: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Where the C library of Debian's compiler is, if the flags do not say it."""
    return () if any(flag.startswith("--specs") for flag in flags) else PICOLIBC.get(prefix, ())


def compile_c(prefix: str, flags: tuple[str, ...], source: Path, target: Path, *more: str) -> None:
    include = (f"-I{TESTER}", f"-I{BSP}")
    run_tool(
        [
            f"{prefix}gcc",
            *STRICT,
            *flags,
            *library_of(prefix, flags),
            "-Os",
            *include,
            *more,
            "-c",
            source,
            "-o",
            target,
        ]
    )


@pytest.mark.parametrize(("prefix", "flags"), CORES)
def test_the_tester_for_every_core(prefix: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    mlperf = TESTER.parent / "mlperf"
    for source in (TESTER / "tg_tester.c", HERE / "fake_model.c", TESTER / "port_bare.c", mlperf / "tg_mlperf.c"):
        compile_c(prefix, flags, source, tmp_path / "x.o", f"-I{mlperf}")


@pytest.mark.parametrize(("prefix", "flags"), CORES)
def test_the_tester_with_layers_for_every_core(prefix: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    for source in (TESTER / "tg_tester.c", TESTER / "tg_layers.c"):
        compile_c(prefix, flags, source, tmp_path / "x.o", "-DTG_TESTER_LAYERS")


@pytest.mark.parametrize("board", BARE, ids=lambda board: board.name)
def test_the_code_of_the_emulated_boards(board: Board, tmp_path: Path) -> None:
    manifest = json.loads((EMULATED_PLATFORM_DIR / "boards" / f"{board.board}.json").read_text())
    sources = [source for folder in manifest["build"]["bsp"] for source in (BSP / folder).glob("*.c")]
    assert sources
    for source in sources:
        compile_c(board.compiler, board.flags, source, tmp_path / "x.o")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_host_as_a_board(compiler: str, tmp_path: Path) -> None:
    for source in (BSP / "host" / "board.c", TESTER / "tg_tester.c", TESTER / "port_bare.c"):
        run_tool([compiler, *STRICT, f"-I{TESTER}", f"-I{BSP}", "-c", source, "-o", tmp_path / "x.o"])


@pytest.mark.parametrize("board", ARDUINO, ids=lambda board: board.name)
def test_the_arduino_port_for_every_board(board: Board, tmp_path: Path) -> None:
    command = [*as_its_core(board), *CPP_STRICT, f"-DTG_BAUD={board.baud}"]
    run_tool([*command, "-c", TESTER / "port_arduino.cpp", "-o", tmp_path / "x.o"])


def test_every_branch_of_the_arduino_port_is_compiled(tmp_path: Path) -> None:
    """By the compiler of a family that takes it: no line but those for the preprocessor is left over."""
    source = TESTER / "port_arduino.cpp"
    (tmp_path / "tg_heap.h").write_text("int tg_take_arenas(void);\n")
    unknown = {"", *(line for line in source.read_text().splitlines() if line.startswith(("#", "//")))}
    taken: dict[str, set[str]] = {}
    for board in ARDUINO:
        heap = ("-DTG_HEAP", f"-I{tmp_path}") if board.needs_heap else ()
        seen = run_tool([*as_its_core(board), *heap, "-E", "-fdirectives-only", source]).decode()
        own = seen[seen.rindex("tg_tester.h") :]
        taken.setdefault(board.family, set()).update(own.splitlines())
    lines = [line for line in source.read_text().splitlines() if line not in unknown]
    # of a core without F_CPU, which test_the_arduino_port_runs has
    assert [line for line in lines if not any(line in seen for seen in taken.values())] == ["  return 0;"]
    assert {"avr", "esp32", "nrf52", "rp2040", "stm32"} == set(taken)
    for family, line in (
        ("esp32", "  return ESP.getCycleCount();"),
        ("stm32", "  return DWT->CYCCNT;"),
        ("stm32", "  return static_cast<uint8_t *>(sbrk(0));"),
        ("nrf52", "  return DWT->CYCCNT;"),
        ("rp2040", "  return (uint32_t)micros();"),
        ("avr", "  TCCR1B = _BV(CS10);"),
    ):
        assert line in taken[family], family


COUNTER = ("-include", str(HERE / "stubs" / "counters.h"))


@pytest.mark.parametrize(
    ("more", "ticks_hz", "least", "most"),
    [
        ((), 1_000_000, 0, 1_000_000),
        ((*COUNTER, "-DARDUINO_ARCH_ESP32"), 240_000_000, 1000, 1000),
        (COUNTER, 72_000_000, 1000, 1000),
    ],
    ids=["micros", "esp32", "dwt"],
)
def test_the_arduino_port_runs(tmp_path: Path, more: tuple[str, ...], ticks_hz: int, least: int, most: int) -> None:
    """On an Arduino whose Serial is stdin and stdout, behind a tty; its clock is micros(), or a core's counter."""
    include = (f"-I{TESTER}", f"-I{HERE / 'stubs'}")
    objects = []
    for source in (TESTER / "tg_tester.c", HERE / "fake_model.c"):
        objects.append(tmp_path / f"{source.stem}.o")
        compile_c("", (), source, objects[-1])
    port, arduino = tmp_path / "port.o", HERE / "stubs" / "arduino_host.cpp"
    run_tool(["g++", *CPP_STRICT, "-DTG_BAUD=57600", *include, *more, "-c", TESTER / "port_arduino.cpp", "-o", port])
    program = tmp_path / "arduino"
    run_tool(["g++", *CPP_STRICT, *include, port, arduino, *objects, "-o", program])
    inputs = random.Random(1).randbytes(INPUT_BYTES)
    with on_pty([str(program)]) as (name, _), Link.open(name, 921600) as link:
        assert link.hello().ticks_hz == ticks_hz
        answer = link.infer(inputs)
        assert answer.outputs == reference(inputs)
        assert least <= answer.ticks <= most


def test_the_tester_leaves_a_small_avr_its_ram(tmp_path: Path) -> None:
    board = get_board("uno")
    compile_c(board.compiler, board.flags, TESTER / "tg_tester.c", tmp_path / "x.o")
    sections = run_tool(["avr-size", "-A", tmp_path / "x.o"]).decode()
    ram = sum(int(n) for n in re.findall(r"^\.(?:data|bss|rodata)\S*\s+(\d+)", sections, re.MULTILINE))
    assert 64 < ram < 100, sections


def test_a_buffer_of_a_senseless_size_is_a_compile_error(tmp_path: Path) -> None:
    for size in (8, 2000):
        with pytest.raises(AssertionError, match="TG_TESTER_MAX_PAYLOAD must lie"):
            compile_c("", (), TESTER / "tg_tester.c", tmp_path / "x.o", f"-DTG_TESTER_MAX_PAYLOAD={size}")
