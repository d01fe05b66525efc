"""The generated C compiles without a warning for every core, calls nothing, and knows its stack."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import NOT_IN_TFLM
from tests.support.c_build import STRICT, CModel, plan_of, run_tool, shared_library, write_library
from tests.support.everything import MODELS, everything_graph
from tests.support.tflite_builder import ModelBuilder
from tinygen import resources
from tinygen.ir import Graph
from tinygen.load.tflite import parse_tflite
from tinygen.ops import VARIANTS, operator_for

_ARM = ("arm-none-eabi-gcc", "-mthumb")
_HARD_FLOAT = ("-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
COMPILERS: dict[str, tuple[str, ...]] = {
    "gcc": ("gcc",),
    "gcc unsigned char": ("gcc", "-funsigned-char"),
    "clang": ("clang",),
    "cortex-m0": (*_ARM, "-mcpu=cortex-m0"),
    "cortex-m3": (*_ARM, "-mcpu=cortex-m3"),
    "cortex-m4": (*_ARM, "-mcpu=cortex-m4", *_HARD_FLOAT),
    "cortex-m7": (*_ARM, "-mcpu=cortex-m7", *_HARD_FLOAT),
    "cortex-m33": (*_ARM, "-mcpu=cortex-m33", *_HARD_FLOAT),
    "atmega328p": ("avr-gcc", "-mmcu=atmega328p"),
    "atmega2560": ("avr-gcc", "-mmcu=atmega2560"),
    "rv32imc": ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    "lx106": ("xtensa-lx106-elf-gcc", "--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs"),
}
KERNELS = sorted((resources.KERNELS / "portable").glob("*.h"))
LIBRARY_CALLS = {"memcpy", "memset", "memmove"}


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> tuple[str, ...]:
    command = COMPILERS[str(request.param)]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (make test installs it on Debian)")
    return command


@pytest.fixture(scope="module", params=MODELS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .c file of a model; together they have every operator and every kernel."""
    return _source(str(request.param), tmp_path_factory.mktemp("everything"))


def _source(name: str, folder: Path) -> Path:
    return write_library(plan_of(MODELS[name]()), folder)


def test_nothing_is_left_out(tmp_path: Path) -> None:
    there = set()
    used = set()
    for name, make in MODELS.items():
        graph = make()
        there |= {(op.kind, operator_for(graph, op).dtype) for op in graph.ops}
        used |= {path.name for path in (_source(name, tmp_path).parent / f"{name}_kernels").iterdir()}
    # TABLE is no TFLite operator; a model that TFLM also runs has none of the others
    assert there >= {v for v in VARIANTS if not {v[0], f"{v[0]} {v[1].value}"} & (NOT_IN_TFLM | {"TABLE", "SHAPE"})}
    assert used == {path.name for path in KERNELS}, "a kernel that no operator uses, or none that it needs"


def test_model_compiles(compiler: tuple[str, ...], source: Path, tmp_path: Path) -> None:
    for level in ("-O0", "-Os", "-O3"):
        run_tool([*compiler, *STRICT, "-Wvla", level, "-c", source, "-o", tmp_path / "model.o"])


def test_arena_outside_and_trace_compile(compiler: tuple[str, ...], source: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.h"
    trace.write_text(
        "#include <stdint.h>\nextern int32_t seen;\n#define TG_TRACE(l, y0, y1) (seen += (l) + (y0) + (y1))\n"
    )
    flags = [f"-D{source.stem.upper()}_ARENA_EXTERNAL", "-include", trace]
    run_tool([*compiler, *STRICT, "-O2", *flags, "-c", source, "-o", tmp_path / "model.o"])


def test_headers_stand_alone(compiler: tuple[str, ...], tmp_path: Path) -> None:
    for header in KERNELS:
        unit = tmp_path / f"{header.stem}.c"
        unit.write_text(f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n')
        run_tool([*compiler, *STRICT, "-fsyntax-only", unit])


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
def test_header_serves_cpp(tmp_path: Path) -> None:
    source = _source("everything", tmp_path)
    main = tmp_path / "main.cpp"
    main.write_text(
        """#include "everything.h"
        #include "everything.h"
        #include <cstdio>
        int main() {
          static_assert(EVERYTHING_INPUT_COUNT == 2 && EVERYTHING_OUTPUT_COUNT >= 2, "counts");
          static_assert(EVERYTHING_INPUT_0_BYTES == 4 * EVERYTHING_INPUT_0_SIZE, "float input");
          static_assert(EVERYTHING_INPUT_1_BYTES == EVERYTHING_INPUT_1_SIZE, "int8 input");
          static_assert(EVERYTHING_INPUT_1_ZERO_POINT == 7 && EVERYTHING_INPUT_1_SCALE == 0.03f, "quantization");
          static_assert(sizeof(EVERYTHING_MODEL_SHA256) == 65, "SHA-256");
          float *x = static_cast<float *>(everything_input(0));
          for (int i = 0; i < EVERYTHING_INPUT_0_SIZE; ++i) x[i] = 0.5f;
          everything_invoke();
          const float *y = static_cast<const float *>(everything_output(0));
          const bool none = everything_input(2) == nullptr && everything_output(-1) == nullptr;
          std::printf("%s %d %g\\n", EVERYTHING_NAME, none, static_cast<double>(y[0] + y[1] + y[2] + y[3]));
        }
        """
    )
    run_tool(["gcc", "-c", source, "-o", tmp_path / "model.o"])
    executable = tmp_path / "main"
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", f"-I{source.parent}"]
    run_tool(["g++", *flags, main, tmp_path / "model.o", "-o", executable])
    name, none, total = run_tool([executable]).decode().split()
    assert (name, none) == ("everything", "1")
    assert abs(float(total) - 1) < 0.02  # scores of a softmax


def test_calls_no_library(source: Path, tmp_path: Path) -> None:
    """Undefined symbols: memcpy and its like, and on small cores the compiler's own helpers."""
    for name, command in COMPILERS.items():
        if shutil.which(command[0]) is None or command[0] == "clang":
            continue
        for level in ("-Os", "-O3"):
            target = tmp_path / "model.o"
            run_tool([*command, *STRICT, level, "-c", source, "-o", target])
            nm = command[0].replace("gcc", "nm")
            symbols = {line.split()[-1] for line in run_tool([nm, "-u", target]).decode().splitlines()}
            foreign = {s for s in symbols - LIBRARY_CALLS if not s.startswith("__") and s != "_GLOBAL_OFFSET_TABLE_"}
            assert not foreign, (name, level, foreign)


needs_arm = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")


def stack_of(source: Path, level: str, folder: Path) -> int:
    """Bytes of stack from NAME_invoke down on a Cortex-M4; asserts that no function recurses or sizes a frame late."""
    target = folder / "model.o"
    sections = ("-ffunction-sections", "-fdata-sections")  # as every PlatformIO platform does; frames depend on it
    flags = (*COMPILERS["cortex-m4"], *STRICT, *sections, level, "-fcallgraph-info=su")
    run_tool([*flags, "-c", source, "-o", target])
    graph = target.with_suffix(".ci").read_text()
    frames = {m[1]: m[2] for m in re.finditer(r'node: \{ title: "([^"]+)" label: "[^"]*?(\d+ bytes \([^)]*\))', graph)}
    assert all(text.endswith("(static)") for text in frames.values()), frames
    assert "__indirect_call" not in graph
    calls: dict[str, set[str]] = {}
    for edge in re.finditer(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
        calls.setdefault(edge[1], set()).add(edge[2])

    def depth(function: str, above: tuple[str, ...] = ()) -> int:
        assert function not in above, f"recursion: {' -> '.join((*above, function))}"
        own = int(frames[function].split()[0]) if function in frames else 0  # memset and its like: leaves
        return own + max((depth(f, (*above, function)) for f in calls.get(function, ())), default=0)

    used = depth(f"{source.stem}_invoke")
    assert used > 0
    return used


@needs_arm
@pytest.mark.parametrize("level", ["-Os", "-O2", "-O3"])
def test_stack(source: Path, tmp_path: Path, level: str) -> None:
    assert stack_of(source, level, tmp_path) <= 512


@needs_arm
@pytest.mark.parametrize("level", ["-Os", "-O2", "-O3"])
def test_stack_of_many_layers(tmp_path: Path, level: str) -> None:
    assert stack_of(write_library(plan_of(_chain(60)), tmp_path), level, tmp_path) <= 512


def _chain(layers: int) -> Graph:
    """Convolutions one after the other, every other one 3x3."""
    b = ModelBuilder()
    x = b.input((1, 4, 4, 2), 0.1)
    for index in range(layers):
        y = b.tensor((1, 4, 4, 2), 0.1)
        size = 1 + index % 2 * 2
        weights = b.constant(np.full((2, size, size, 2), 7, np.int8), 0.1)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    name = f"chain_{layers}"
    return parse_tflite(b.build([x]), name, name)


def test_models_live_side_by_side(tmp_path: Path) -> None:
    """Two models with the same layers in one program keep their own arenas, weights and kernels."""
    graphs = [everything_graph(name) for name in ("one", "two")]
    library = shared_library([write_library(plan_of(g), tmp_path) for g in graphs], tmp_path)
    one, two = (CModel(library, graph) for graph in graphs)
    symbols = run_tool(["nm", "-D", "--defined-only", library._name]).decode().split()
    public = {s for s in symbols if len(s) > 1 and not s.startswith("_") and not re.fullmatch("[0-9a-f]+", s)}
    assert public == {f"{n}_{f}" for n in ("one", "two") for f in ("input", "output", "invoke")}
    addresses = {getattr(library, f"{m.graph.name}_input")(0) for m in (one, two)}
    assert len(addresses) == 2
