"""Models on emulated cores, without a board of boards/: bare C, each inference's outputs and instructions.

QEMU's virtual time stands still but for instructions (-icount); the ticks of an inference are set against those of a
loop of known length.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.c_build import STRICT, run_tool, write_library
from tinygen.ir import Array
from tinygen.plan import Plan

_FOLDER = Path(__file__).parent / "bare"
_LOOP = 100_000
_MAIN = """#include "bare.h"
{includes}
static void out(const void *from, uint32_t bytes) {{
  for (uint32_t i = 0; i < bytes; ++i) bare_out(((const uint8_t *)from)[i]);
}}

static void out_ticks(uint32_t ticks) {{ out(&ticks, sizeof ticks); }}

void bare_main(void) {{
  uint32_t start, ticks;
  start = bare_ticks();
  for (uint32_t i = {loop}; i != 0; --i) __asm__ volatile("" : "+r"(i));
  ticks = bare_ticks();
  out_ticks(ticks - start);
{body}}}
"""


@dataclass(frozen=True, slots=True)
class Core:
    """A compiler with its flags, an emulator with its arguments, and where flash and RAM begin."""

    name: str
    compiler: tuple[str, ...]
    emulator: tuple[str, ...]
    flash: int
    ram: int
    start: str  # the C file that starts it, in tests/support/bare

    @property
    def is_here(self) -> bool:
        return shutil.which(self.compiler[0]) is not None and shutil.which(self.emulator[0]) is not None


_ARM = ("arm-none-eabi-gcc", "--specs=nosys.specs", "-Wl,--no-warn-rwx-segments")
_MPS2 = ("qemu-system-arm", "-M", "mps2-an386", "-semihosting-config", "enable=on,target=native")
# the two ways of a Cortex-M4, to be given as flags
M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
M4_WITHOUT_FPU = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=soft")
CORES = {
    core.name: core
    for core in (
        Core("cortex-m0", (*_ARM, "-mcpu=cortex-m0", "-mthumb"), _MPS2, 0, 0x20000000, "cortexm"),
        Core("cortex-m4", _ARM, _MPS2, 0, 0x20000000, "cortexm"),
        Core(
            "rv32imc",
            ("riscv64-unknown-elf-gcc", "--specs=picolibc.specs", "-march=rv32imc", "-mabi=ilp32", "-mcmodel=medany"),
            ("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
            0x80000000,
            0x80400000,
            "rv32imc",
        ),
        Core(
            "lx106",
            (
                "xtensa-lx106-elf-gcc",
                "--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs",
                "-mlongcalls",
                "-mtext-section-literals",
                "-mno-serialize-volatile",
            ),
            ("qemu-system-xtensa", "-M", "lx60-nommu", "-cpu", "lx106", "-m", "16M", "-semihosting"),
            0x60000000,
            0x60400000,
            "lx106",
        ),
    )
}


def core_or_skip(name: str) -> Core:
    """One of CORES; skips the test where its compiler or emulator is missing."""
    core = CORES[name]
    if not core.is_here:
        pytest.skip(f"{core.compiler[0]} or {core.emulator[0]} is not installed (make test installs them on Debian)")
    return core


def run_bare(
    core: Core, plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]], folder: Path, flags: Sequence[str]
) -> tuple[bytes, tuple[int, ...]]:
    """All outputs of all samples of all models, one behind the other, and the instructions of each inference.

    samples[i] are those of plans[i].
    """
    sources = [write_library(plan, folder) for plan in plans]
    main = folder / "main.c"
    main.write_text(_main(plans, samples))
    elf = link_bare(core, main, sources, folder, flags)
    emulator = [*core.emulator, "-nographic", "-monitor", "none", "-serial", "stdio", "-icount", "shift=6,sleep=off"]
    done = subprocess.run(
        [*emulator, "-kernel", str(elf)], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return _parsed(done.stdout, plans, samples)


def link_bare(core: Core, main: Path, libraries: Sequence[Path], folder: Path, flags: Sequence[str]) -> Path:
    """The program of C files, of which `libraries` are compiled with warnings as errors."""
    include = [f"-I{_FOLDER}", *(f"-I{source.parent}" for source in libraries)]
    objects = []
    for index, source in enumerate((*libraries, main, _FOLDER / f"{core.start}.c")):
        objects.append(folder / f"{index}.o")
        strict = STRICT if source in libraries else ()
        run_tool([*core.compiler, *flags, *strict, *include, "-c", source, "-o", objects[-1]])
    elf = folder / "models.elf"
    origins = [f"-Wl,--defsym=FLASH_ORIGIN={core.flash:#x}", f"-Wl,--defsym=RAM_ORIGIN={core.ram:#x}"]
    run_tool([*core.compiler, *flags, "-nostartfiles", "-T", _FOLDER / "bare.ld", *origins, *objects, "-o", elf])
    return elf


def _main(plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]]) -> str:
    body: list[str] = []
    for plan, of_model in zip(plans, samples, strict=True):
        graph = plan.program.graph
        name, macro = graph.name, graph.name.upper()
        for sample in of_model:
            for i, array in enumerate(sample):
                values = ", ".join(map(str, array.tobytes()))
                body.append(f"  {{ static const uint8_t x[] = {{{values}}}; memcpy({name}_input({i}), x, sizeof x); }}")
            body.append(f"  start = bare_ticks();\n  {name}_invoke();\n  ticks = bare_ticks();")
            body.append("  out_ticks(ticks - start);")
            body += [f"  out({name}_output({i}), {macro}_OUTPUT_{i}_BYTES);" for i in range(len(graph.outputs))]
    includes = "\n".join(f'#include "{plan.program.graph.name}.h"' for plan in plans)
    return _MAIN.format(includes=includes, loop=_LOOP, body="".join(f"{line}\n" for line in body))


def _parsed(
    said: bytes, plans: Sequence[Plan], samples: Sequence[Sequence[Sequence[Array]]]
) -> tuple[bytes, tuple[int, ...]]:
    (loop,) = struct.unpack_from("<I", said)
    outputs, instructions, at = b"", [], 4
    for plan, of_model in zip(plans, samples, strict=True):
        graph = plan.program.graph
        size = sum(graph.tensors[t].nbytes for t in graph.outputs)
        for _ in of_model:
            (ticks,) = struct.unpack_from("<I", said, at)
            instructions.append(round(ticks * 2 * _LOOP / loop))  # the loop: subtract, branch
            outputs += said[at + 4 : at + 4 + size]
            at += 4 + size
    assert at == len(said), f"{len(said)} bytes, {at} expected: {said[-200:]!r}"
    return outputs, tuple(instructions)
