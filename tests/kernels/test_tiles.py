"""The tiles of the set `portable`: on the host in the form of every core, and on cores without SIMD, emulated, where
their instructions are counted, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import NIGHTLY, Case, cases
from tests.exact.fast_layers import fast_cases
from tests.kernels.test_rings import check_rings
from tests.kernels.test_sanitizers import check_sanitized
from tests.kernels.test_schedules import check_blocks
from tests.support.bare import core_or_skip, run_bare
from tests.support.c_build import plan_of
from tests.support.reference_models import needs_models, reference_model
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.ir import Array, Graph
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

COUNT = 100 if NIGHTLY else 8
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# one column or two, products of 64 bits or of halves
FORMS = [("-DTG_TILE_COLUMNS=1", "-DTG_LONG_PRODUCT=0"), ("-DTG_TILE_COLUMNS=2", "-DTG_LONG_PRODUCT=1")]
forms = pytest.mark.parametrize("flags", FORMS, ids=["as on a Cortex-M0", "as on RISC-V"])
kinds = pytest.mark.parametrize("kind", KINDS)
KERNELS = ("conv_2d_s8_tiles", "depthwise_3x3_s8", "fully_connected_s8_tiles")


def _both(kind: str, count: int) -> list[Case]:
    return [*fast_cases(kind, count), *cases(kind, count // 2)]


def test_cases_reach_every_kernel() -> None:
    chosen = [case for kind in KINDS for case in _both(kind, 3 * COUNT)]
    served = Counter(step.call.kernel for case in chosen for step in plan_of(case.graph).steps)
    general = ("conv_2d_s8", "depthwise_conv_2d_s8", "fully_connected_s8")
    assert not {name: served[name] for name in (*KERNELS, *general) if served[name] < 4}


@forms
@kinds
def test_on_the_host(kind: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    check_sanitized(_both(kind, COUNT), tmp_path, flags=flags)


@kinds
def test_in_blocks(kind: str, tmp_path: Path) -> None:
    check_blocks(fast_cases(kind, COUNT), tmp_path)


@kinds
def test_in_rings(kind: str, tmp_path: Path) -> None:
    check_rings(fast_cases(kind, COUNT), tmp_path)


@kinds
@pytest.mark.parametrize("name", ["cortex-m0", "rv32imc", "lx106"])
def test_on_the_core(name: str, kind: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Equal to numpy, of which test_operators.py shows that it equals TFLM."""
    core = core_or_skip(name)
    for level in ("-O3", "-Os"):
        chosen = _both(kind, COUNT if level == "-O3" else COUNT // 4)
        samples = [case.samples[:4] for case in chosen]
        folder = tmp_path / level[1:]
        folder.mkdir()
        got, _ = run_bare(core, [plan_of(case.graph) for case in chosen], samples, folder, (level,))
        wanted = [reference.run(c.graph, s) for c, some in zip(chosen, samples, strict=True) for s in some]
        assert got == b"".join(array.tobytes() for arrays in wanted for array in arrays)
        record_property("exact", f"{kind} on {name} {level}: {len(chosen)} models (numpy = C)")


def _sample(graph: Graph) -> list[Array]:
    rng = np.random.default_rng(1)
    return [rng.integers(-128, 128, graph.tensors[i].shape).astype(np.int8) for i in graph.inputs]


def _count(graph: Graph, core: str, folder: Path) -> int:
    """Instructions of an inference whose outputs are right; -O3, as a build has it by default."""
    sample = _sample(graph)
    got, (instructions,) = run_bare(core_or_skip(core), [plan_of(graph)], [[sample]], folder, ("-O3",))
    assert got == b"".join(array.tobytes() for array in reference.run(graph, sample))
    return instructions


@needs_models
@pytest.mark.parametrize(("core", "most"), [("cortex-m0", 14_500_000), ("rv32imc", 11_000_000)])
def test_instructions_of_kws(
    core: str, most: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    instructions = _count(reference_model("kws_ref_model"), core, tmp_path)
    record_property("instructions", f"kws on {core}: {instructions:,}")
    assert 0.5 * most < instructions <= most


@pytest.mark.parametrize(("core", "most"), [("cortex-m0", 4.6), ("rv32imc", 3.6), ("lx106", 4.5)])
def test_instructions_of_a_pointwise_convolution(
    core: str, most: float, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """64 -> 64 channels, all in: bytes moved, sums, outputs."""
    rng = np.random.default_rng(2)
    b = ModelBuilder()
    x, y = b.input((1, 8, 8, 64), 0.02, -128), b.tensor((1, 8, 8, 64), 0.06, -128)
    weights = b.constant(rng.integers(-127, 128, (64, 1, 1, 64)).astype(np.int8), [0.01] * 64)
    bias = b.constant(rng.integers(-2000, 2000, 64).astype(np.int32), [0.0002] * 64)
    options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op("CONV_2D", [x, weights, bias], [y], fusedActivationFunction=1, **options)
    graph = verify(parse_tflite(b.build([y]), "pointwise", "pointwise"))
    per_mac = _count(graph, core, tmp_path) / (64 * 64 * 64)
    record_property("instructions", f"pointwise 64 -> 64 on {core}: {per_mac:.2f} per MAC")
    assert 2.5 < per_mac <= most


def _dense(multiplier: float, weight: int, depth: int, bias: int) -> Graph:
    b = ModelBuilder()
    x, y = b.input((1, depth), 1.0, 3), b.tensor((1, 4), 1.0, -4)
    scale = float(np.float32(multiplier))
    weights = b.constant(np.full((4, depth), weight, np.int8), [scale])
    b.op(
        "FULLY_CONNECTED",
        [x, weights, b.constant(np.full(4, bias, np.int32), [scale])],
        [y],
        keepNumDims=False,
        fusedActivationFunction=0,
    )
    return verify(parse_tflite(b.build([y]), "dense", "dense"))


@pytest.mark.parametrize(
    ("multiplier", "weight", "depth", "bias", "kernel"),
    [
        (0.01, 1, 8, 0, "fully_connected_s8_tiles"),
        (0.7, 1, 8, 0, "fully_connected_s8_tiles"),  # no shift
        (3.0, 1, 8, 0, "fully_connected_s8_tiles"),  # a left shift
        (3.0, -128, 100, 1 << 26, "fully_connected_s8"),  # sums times 4 beyond 2^28
        (3e-7, 127, 200, (1 << 28) - 3_200_000, "fully_connected_s8_tiles"),
        (3e-7, 127, 200, (1 << 28) - 3_100_000, "fully_connected_s8"),
        (3e-7, -128, 200, -(1 << 28) + 3_100_000, "fully_connected_s8"),
        (2.0**-31, 1, 8, 2_000_000_000, "fully_connected_s8_tiles"),  # the output is always the same
    ],
)
def test_what_is_not_exact_is_refused(
    multiplier: float, weight: int, depth: int, bias: int, kernel: str, tmp_path: Path
) -> None:
    graph = _dense(multiplier, weight, depth, bias)
    assert [step.call.kernel for step in plan_of(graph).steps] == [kernel]
    rng = np.random.default_rng(6)
    ranges = ((-128, 128), (-128, -127), (127, 128))
    samples = tuple((rng.integers(low, high, (1, depth)).astype(np.int8),) for low, high in ranges)
    for flags in FORMS:
        folder = tmp_path / flags[0][-1]
        folder.mkdir()
        check_sanitized([Case("FULLY_CONNECTED", "dense", b"", graph, samples)], folder, flags=flags)
