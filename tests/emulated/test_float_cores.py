"""The float functions and kernels give numpy's bits on every core: with and without an FPU, with fused multiply-add,
and however the compiler is called."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.c_build import run_tool
from tinygen import floatmath, resources
from tinygen.ir import Array
from tinygen.ops.float32._float import dot

_SOURCES = Path(__file__).parents[1] / "support" / "float_cores"
_INCLUDE = f"-I{resources.KERNELS / 'portable'}"
_COUNT, _WIDTH = 2048, 16
F = np.float32


def _draws(count: int) -> Array:
    """uint32 of the generator in main.c."""
    state, values = 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state)
    return np.array(values, np.uint32)


def _hash(values: Array) -> str:
    h = 2166136261
    for bits in np.where(np.isnan(values), np.uint32(0x7FC00000), values.view(np.uint32)).tolist():
        h = ((h ^ bits) * 16777619) & 0xFFFFFFFF
    return f"{h:08x}"


_FUNCTIONS: dict[str, Callable[[Array, Array], Array]] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "polynomial": lambda x, y: (x * y + x) * x - y,
    "exp": lambda x, _: floatmath.exp(x),
    "expm1": lambda x, _: floatmath.expm1(x),
    "log": lambda x, _: floatmath.log(x),
    "sqrt": lambda x, _: floatmath.sqrt(x),
    "logistic": lambda x, _: floatmath.logistic(x),
    "tanh": lambda x, _: floatmath.tanh(x),
    "sin": lambda x, _: floatmath.sin(x),
    "cos": lambda x, _: floatmath.cos(x),
    "gelu": lambda x, _: floatmath.gelu(x),
    "gelu_tanh": lambda x, _: floatmath.gelu_tanh(x),
    "floor": lambda x, _: np.floor(x),
    "ceil": lambda x, _: np.ceil(x),
    "round": lambda x, _: np.rint(x),
}


def _kernels() -> Array:
    small = (_draws(_WIDTH * (_WIDTH + 2)).view(np.int32) >> 8).astype(np.float32) * F(1 / 1048576)
    inputs, weights, bias = np.split(small, [_WIDTH, _WIDTH * (_WIDTH + 1)])
    sums = dot(inputs[None], weights.reshape(_WIDTH, _WIDTH).T)[0] + bias
    e = floatmath.exp((sums - sums.max()) * F(0.37))
    return np.concatenate((sums, e / floatmath.sequential_sum(e)))


@pytest.fixture(scope="module")
def wanted() -> dict[str, str]:
    bits = _draws(2 * _COUNT).reshape(_COUNT, 2)
    common = (bits & np.uint32(0x807FFFFF)) | (np.uint32(96) + (bits >> np.uint32(23) & np.uint32(63)) << np.uint32(23))
    values = np.where(np.arange(_COUNT)[:, None] % 2 == 1, common, bits).view(np.float32)
    with np.errstate(all="ignore"):
        found = {name: _hash(function(values[:, 0], values[:, 1])) for name, function in _FUNCTIONS.items()}
    return {**found, "kernels": _hash(_kernels())}


def _hashes(output: bytes) -> dict[str, str]:
    words = output.decode().split()
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", ["-O0", "-O3 -march=native", "-O3 -march=native -std=c99", "-Os -march=native"])
def test_host(compiler: str, flags: str, wanted: dict[str, str], tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    program = tmp_path / "program"
    run_tool([compiler, *flags.split(), _INCLUDE, _SOURCES / "main.c", _SOURCES / "host.c", "-o", program])
    assert _hashes(run_tool([program])) == wanted


_ARM = "arm-none-eabi-gcc -mthumb"
_RISCV = "riscv64-unknown-elf-gcc -mcmodel=medany --specs=picolibc.specs"
# compiler, emulator, where code lies, where data
CORES: dict[str, tuple[str, str, int, int]] = {
    "cortex-m0": (f"{_ARM} -mcpu=cortex-m0", "qemu-system-arm -M microbit", 0, 0x20000000),
    "cortex-m4 soft": (f"{_ARM} -mcpu=cortex-m4", "qemu-system-arm -M mps2-an386", 0, 0x20000000),
    "cortex-m4f": (
        f"{_ARM} -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16",
        "qemu-system-arm -M mps2-an386",
        0,
        0x20000000,
    ),
    "cortex-m7f": (
        f"{_ARM} -mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16",
        "qemu-system-arm -M mps2-an500",
        0,
        0x20000000,
    ),
    "rv32imac": (
        f"{_RISCV} -march=rv32imac -mabi=ilp32",
        "qemu-system-riscv32 -M virt -bios none",
        0x80000000,
        0x80100000,
    ),
    "rv32imafc": (
        f"{_RISCV} -march=rv32imafc -mabi=ilp32f",
        "qemu-system-riscv32 -M virt -bios none",
        0x80000000,
        0x80100000,
    ),
}


def _bare(core: str, level: str, folder: Path) -> Path:
    compiler, _, code, data = CORES[core]
    script = folder / "bare.ld"
    text = (_SOURCES / "bare.ld").read_text()
    script.write_text(text.replace("ORIGIN_CODE", hex(code)).replace("ORIGIN_DATA", hex(data)))
    program = folder / "program.elf"
    sources = (_SOURCES / "main.c", _SOURCES / "bare.c")
    flags = ["-ffreestanding", "-nostdlib", "-fno-tree-loop-distribute-patterns", f"-T{script}", "-Wl,-e,_start"]
    if compiler.startswith(_ARM):
        flags[-1] = "-Wl,-e,start"
    run_tool([*compiler.split(), level, _INCLUDE, *sources, *flags, "-lgcc", "-o", program])
    return program


@pytest.mark.parametrize("level", ["-O3", "-Os"])
@pytest.mark.parametrize("core", CORES)
def test_core(core: str, level: str, wanted: dict[str, str], tmp_path: Path) -> None:
    compiler, emulator, _, _ = CORES[core]
    for tool in (compiler.split()[0], emulator.split()[0]):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    program = _bare(core, level, tmp_path)
    quiet = ["-display", "none", "-monitor", "none", "-serial", "none", "-chardev", "stdio,id=said"]
    semihosting = ["-semihosting-config", "enable=on,target=native,chardev=said"]
    output = run_tool(["timeout", "60", *emulator.split(), *quiet, *semihosting, "-kernel", program])
    assert _hashes(output) == wanted


@pytest.mark.parametrize("core", ["cortex-m4f", "cortex-m7f", "rv32imafc"])
def test_the_pragma_is_needed_and_works(core: str, tmp_path: Path) -> None:
    """Without it the compiler fuses, by default, what numpy does not; with it no fused instruction is left."""
    compiler = CORES[core][0].split()
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    kernels = tmp_path / "kernels"
    shutil.copytree(resources.KERNELS / "portable", kernels)
    counts = []
    for _ in range(2):
        listing = run_tool([*compiler, "-O3", f"-I{kernels}", "-S", _SOURCES / "main.c", "-o", "-"]).decode()
        counts.append(len(re.findall(r"\b(?:vfn?m[as]|fn?m(?:add|sub))\.", listing)))
        header = kernels / "tg_float.h"
        header.write_text(header.read_text().replace("#pragma", "//"))
    assert counts[0] == 0 < counts[1]
