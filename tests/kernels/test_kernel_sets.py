"""Kernel sets besides `portable`: the same answers to the bit, on the host (instructions in plain C, under sanitizers,
in blocks and rings) and on the core that they are for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exact import layers
from tests.exact.cases import NIGHTLY, Case, cases
from tests.exact.fast_layers import GENERATORS, fast_cases
from tests.exact.networks import networks
from tests.kernels.test_compilers import COMPILERS
from tests.kernels.test_rings import check_rings
from tests.kernels.test_sanitizers import check_sanitized
from tests.kernels.test_schedules import check_blocks
from tests.support.avr import fits_avr, needs_avr, run_on_avr
from tests.support.bare import M4, M4_WITHOUT_FPU, core_or_skip, run_bare
from tests.support.c_build import STRICT, compile_plans, plan_of, run_tool, write_library
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference, resources
from tinygen.ir import Graph
from tinygen.kernels import lowered
from tinygen.kernelsets import AIMS, Target, kernel_sets
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

COUNT = 200 if NIGHTLY else 24
_ON_AN_AVR = 7  # models in one program: pointers to constants reach 64 KB of flash
TARGETS = [*(Target("armv7em", aim) for aim in ("balanced", "speed")), Target("avr")]
# operators for which the aim decides between kernels
_AIMED = {"ADD", "CONV_2D", "FULLY_CONNECTED", "SUB"}
# operators that only some of the sets serve
_SERVED = {"avr": {"CONV_2D", "FULLY_CONNECTED"}}
_PAIRS = [
    (target, kind)
    for target in TARGETS
    for kind in sorted(_SERVED.get(target.kernels, GENERATORS))
    if kind in _AIMED or target != TARGETS[1]
]
pairs = pytest.mark.parametrize(("target", "kind"), _PAIRS, ids=[f"{t.kernels} {t.aim} {kind}" for t, kind in _PAIRS])
kinds = pytest.mark.parametrize("kind", sorted(GENERATORS))
_CORES = {"armv7em": ("cortex-m4", "cortex-m7", "cortex-m33"), "avr": ("atmega328p", "atmega2560")}
_COMPILED = [
    (target, core, kind)
    for target in (TARGETS[1], TARGETS[2])
    for core in _CORES[target.kernels]
    for kind in sorted(_SERVED.get(target.kernels, GENERATORS))
]


def _kernels(target: Target) -> set[str]:
    return {path.stem for path in (resources.KERNELS / target.kernels).glob("*.h") if not path.stem.startswith("tg_")}


def _both(kind: str, count: int) -> list[Case]:
    return [*fast_cases(kind, count), *cases(kind, count // 2)]


def test_all_sets_are_tested() -> None:
    assert {target.kernels for target in TARGETS} == set(kernel_sets()) - {"portable"}


def test_cases_reach_every_kernel() -> None:
    """Each kernel serves many cases of all sets and aims, and the portable ones some: what no fast kernel may do."""
    served: Counter[str] = Counter()
    for kind in GENERATORS:
        for target in TARGETS:
            plans = [plan_of(case.graph, target) for case in _both(kind, COUNT)]
            served.update(step.call.kernel for plan in plans for step in plan.steps)
    for kernels in {target.kernels for target in TARGETS}:
        assert not {name: served[name] for name in _kernels(Target(kernels)) if served[name] < 5}
    assert sum(n for name, n in served.items() if not name.endswith(("_dsp", "_avr"))) >= 8


@pairs
def test_on_the_host(target: Target, kind: str, tmp_path: Path) -> None:
    check_sanitized(_both(kind, COUNT), tmp_path, target)


@pairs
def test_in_blocks(target: Target, kind: str, tmp_path: Path) -> None:
    check_blocks(_both(kind, COUNT // 2), tmp_path, target)


@pairs
def test_in_rings(target: Target, kind: str, tmp_path: Path) -> None:
    check_rings(fast_cases(kind, COUNT // 2), tmp_path, target)


def test_networks(tmp_path: Path) -> None:
    check_sanitized(networks(COUNT // 2), tmp_path, TARGETS[1])


@kinds
@pytest.mark.parametrize(
    ("target", "flags"),
    [(TARGETS[0], (*M4, "-O3")), (TARGETS[1], (*M4, "-Os")), (TARGETS[1], (*M4_WITHOUT_FPU, "-O0"))],
    ids=["balanced -O3", "speed -Os", "speed without FPU -O0"],
)
def test_on_the_core(
    target: Target, flags: tuple[str, ...], kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The real instructions, emulated; equal to numpy, of which test_operators.py shows that it equals TFLM."""
    chosen = _both(kind, COUNT // 2 if "-O3" in flags else COUNT // 4)
    plans = [plan_of(case.graph, target) for case in chosen]
    outputs, _ = run_bare(core_or_skip("cortex-m4"), plans, [case.samples for case in chosen], tmp_path, flags)
    _need_equal(chosen, outputs)
    record_property("exact", f"{kind} on a Cortex-M4, {target.aim} {flags[-1]}: {len(chosen)} models (numpy = C)")


@needs_avr
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
@pytest.mark.parametrize("level", ["-Os", "-O3"])
def test_on_an_avr(level: str, kind: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """As above, on the emulated ATmega2560, with the models that are small enough for it; no general kernel."""
    count = COUNT if level == "-Os" else COUNT // 2
    planned = [(case, plan_of(case.graph, TARGETS[2])) for case in fast_cases(kind, count)]
    small = [(case, plan) for case, plan in planned if fits_avr(plan)]
    kernels = Counter(plan.steps[0].call.kernel for _, plan in small)
    assert kernels.total() - kernels[lowered(small[0][0].graph)[0].kernel] >= len(planned) / 6
    for first in range(0, len(small), _ON_AN_AVR):
        part = small[first : first + _ON_AN_AVR]
        chosen = [replace(case, samples=case.samples[:4]) for case, _ in part]
        folder = tmp_path / str(first)
        folder.mkdir()
        plans, samples = [plan for _, plan in part], [case.samples for case in chosen]
        _need_equal(chosen, run_on_avr(plans, samples, folder, (level,)))
    record_property("exact", f"{kind} on an ATmega2560 {level}: {len(small)} models (numpy = C)")


def _need_equal(chosen: list[Case], got: bytes) -> None:
    wanted = [[reference.run(case.graph, sample) for sample in case.samples] for case in chosen]
    assert len(got) == sum(array.nbytes for answers in wanted for arrays in answers for array in arrays)
    for case, answers in zip(chosen, wanted, strict=True):
        content = b"".join(array.tobytes() for arrays in answers for array in arrays)
        here, got = got[: len(content)], got[len(content) :]
        differs = np.flatnonzero(np.frombuffer(here, np.int8) != np.frombuffer(content, np.int8))
        assert not len(differs), f"{case}: differs at {differs[:8]} of {len(content)}"


@pytest.mark.parametrize("kernels", sorted({target.kernels for target in TARGETS}))
@pytest.mark.parametrize("core", COMPILERS)
def test_headers_stand_alone(core: str, kernels: str, tmp_path: Path) -> None:
    """With every compiler that has 32-bit integers and little-endian words; so the plain C stays portable."""
    if core.startswith("atmega") and kernels != "avr":
        pytest.skip("AVR has no use for 32-bit words of constants in RAM")
    for header in sorted((resources.KERNELS / kernels).glob("*.h")):
        unit = tmp_path / f"{header.stem}.c"
        unit.write_text(f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n')
        include = f"-I{resources.KERNELS / 'portable'}"
        run_tool([*COMPILERS[core], *STRICT, include, "-fsyntax-only", unit])


@pytest.mark.parametrize(("target", "core", "kind"), _COMPILED, ids=[f"{core} {kind}" for _, core, kind in _COMPILED])
def test_compiles_for_its_cores(target: Target, core: str, kind: str, tmp_path: Path) -> None:
    plan = plan_of(fast_cases(kind, 1)[0].graph, target)
    for level in ("-O0", "-Os", "-O3"):
        run_tool([*COMPILERS[core], *STRICT, "-Wvla", level, "-c", write_library(plan, tmp_path), "-o", tmp_path / "o"])


def test_aims_are_known() -> None:
    assert {target.aim for target in TARGETS} <= set(AIMS)


def _dense(weights: np.ndarray, multiplier: float, bias: int = 0) -> Graph:
    """A dense layer whose accumulators are multiplied by `multiplier`."""
    b = ModelBuilder()
    outputs, depth = weights.shape
    x, y = b.input((1, depth), 1.0, 3), b.tensor((1, outputs), 1.0, -4)
    scale = layers.f32(multiplier)
    inputs = [x, b.constant(weights.astype(np.int8), [scale]), b.constant(np.full(outputs, bias, np.int32), [scale])]
    b.op("FULLY_CONNECTED", inputs, [y], keepNumDims=False, fusedActivationFunction=0)
    return verify(parse_tflite(b.build([y]), "dense", "dense"))


_ONES = np.ones((4, 8), np.int64)


@pytest.mark.parametrize(
    ("weights", "multiplier", "bias", "kernel"),
    [
        (_ONES, 0.01, 0, "fully_connected_s8_dsp"),
        (_ONES, 0.24, 0, "fully_connected_s8_dsp"),  # a right shift of 2
        (_ONES, 0.26, 0, "fully_connected_s8_tiles"),  # of 1
        (_ONES, 0.6, 0, "fully_connected_s8_tiles"),  # of none
        (_ONES, 3.0, 0, "fully_connected_s8_tiles"),  # a left shift
        (np.outer([1, -128, 1, 1], _ONES[0]), 0.01, 0, "fully_connected_s8_dsp"),  # -128 behind 1
        (np.outer([-1, -128, 1, 1], _ONES[0]), 0.01, 0, "fully_connected_s8_tiles"),  # -128 behind -1 would be -129
        (np.outer([-128, 1, 1, 1], _ONES[0]), 0.01, 0, "fully_connected_s8_dsp"),
        (np.full((4, 500), 127), 0.0001, 0, "fully_connected_s8_dsp"),
        (np.full((4, 520), 127), 0.0001, 0, "fully_connected_s8_tiles"),  # the second sum of a pair leaves 24 bits
        (127 * _ONES, 0.00001, 8_200_000, "fully_connected_s8_dsp"),
        (127 * _ONES, 0.00001, 8_300_000, "fully_connected_s8_tiles"),
        (_ONES, 2.0**-31, 2_000_000_000, "fully_connected_s8_dsp"),  # the output is always the same
    ],
)
def test_what_is_not_exact_is_refused(
    weights: np.ndarray, multiplier: float, bias: int, kernel: str, tmp_path: Path
) -> None:
    graph = _dense(weights, multiplier, bias)
    plan = plan_of(graph, TARGETS[0])
    assert plan.steps[0].call.kernel == kernel
    model = compile_plans([plan], tmp_path)["dense"]
    rng = np.random.default_rng(6)
    for low, high in ((-128, 128), (-128, -127), (127, 128)):
        sample = [rng.integers(low, high, (1, weights.shape[1])).astype(np.int8)]
        assert not difference(model.run(sample), reference.run(graph, sample))


_DEFINED = re.compile(
    r"^#define (\w+)|^} (tg_\w+);|^(?:static|TG_KERNEL|TG_SHARED|TG_ONE_COPY|TG_NAKED)\b[^;(]*?(\w+)\(", re.MULTILINE
)


@pytest.mark.parametrize("kernels", sorted({target.kernels for target in TARGETS}))
def test_no_name_stands_in_two_files(kernels: str) -> None:
    """All kernels of a set, and those of `portable` that it has no file for, may be in one model's C file."""
    files = {
        path.name: path for name in Target(kernels).folders[::-1] for path in (resources.KERNELS / name).glob("*.h")
    }
    names = {file: {"".join(found) for found in _DEFINED.findall(path.read_text())} for file, path in files.items()}
    assert {"tg_smlad", "TG_TILE_STEP", "tg_tile_frame"} <= set().union(*names.values()) or kernels != "armv7em"
    counts = Counter(name for defined in names.values() for name in defined)
    assert not {name: [file for file in names if name in names[file]] for name in counts if counts[name] > 1}
