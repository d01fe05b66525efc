"""Kernel sets besides `portable`: the same answers to the bit, on the host (instructions in plain C, under sanitizers,
in blocks and rings) and on the core that they are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import NIGHTLY, Case, cases
from tests.exact.fast_layers import GENERATORS, fast_cases
from tests.exact.networks import networks
from tests.kernels.test_compilers import COMPILERS
from tests.kernels.test_rings import check_rings
from tests.kernels.test_sanitizers import check_sanitized
from tests.kernels.test_schedules import check_blocks
from tests.support.c_build import STRICT, plan_of, run_tool, write_library
from tests.support.cortexm import M4, M4_WITHOUT_FPU, needs_cortexm, run_on_cortexm
from tinygen import reference, resources
from tinygen.kernelsets import AIMS, Target, kernel_sets

COUNT = 200 if NIGHTLY else 24
TARGETS = [Target("armv7em", aim) for aim in ("balanced", "speed")]
# operators for which the aim decides between kernels
_AIMED = {"ADD", "CONV_2D", "FULLY_CONNECTED", "SUB"}
_PAIRS = [(target, kind) for target in TARGETS for kind in sorted(GENERATORS) if kind in _AIMED or target == TARGETS[0]]
pairs = pytest.mark.parametrize(("target", "kind"), _PAIRS, ids=[f"{t.kernels} {t.aim} {kind}" for t, kind in _PAIRS])
kinds = pytest.mark.parametrize("kind", sorted(GENERATORS))
_CORES = {"armv7em": ("cortex-m4", "cortex-m7", "cortex-m33")}


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
    assert sum(n for name, n in served.items() if not name.endswith("_dsp")) >= 8


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


@needs_cortexm
@kinds
@pytest.mark.parametrize(
    ("target", "flags"),
    [(TARGETS[0], (*M4, "-O3")), (TARGETS[1], (*M4_WITHOUT_FPU, "-Os")), (TARGETS[1], (*M4, "-O0"))],
    ids=["balanced -O3", "speed without FPU -Os", "speed -O0"],
)
def test_on_the_core(
    target: Target, flags: tuple[str, ...], kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The real instructions, emulated; equal to numpy, of which test_operators.py shows that it equals TFLM."""
    chosen = _both(kind, COUNT // 2 if "-O3" in flags else COUNT // 4)
    plans = [plan_of(case.graph, target) for case in chosen]
    got = run_on_cortexm(plans, [case.samples for case in chosen], tmp_path, flags)
    wanted = [[reference.run(case.graph, sample) for sample in case.samples] for case in chosen]
    assert len(got) == sum(array.nbytes for answers in wanted for arrays in answers for array in arrays)
    for case, answers in zip(chosen, wanted, strict=True):
        content = b"".join(array.tobytes() for arrays in answers for array in arrays)
        here, got = got[: len(content)], got[len(content) :]
        differs = np.flatnonzero(np.frombuffer(here, np.int8) != np.frombuffer(content, np.int8))
        assert not len(differs), f"{case}: differs at {differs[:8]} of {len(content)}"
    record_property("exact", f"{kind} on a Cortex-M4, {target.aim} {flags[-1]}: {len(chosen)} models (numpy = C)")


@pytest.mark.parametrize("kernels", sorted({target.kernels for target in TARGETS}))
@pytest.mark.parametrize("core", COMPILERS)
def test_headers_stand_alone(core: str, kernels: str, tmp_path: Path) -> None:
    """With every compiler that has 32-bit integers and little-endian words; so the plain C stays portable."""
    if core.startswith("atmega"):
        pytest.skip("AVR has no use for 32-bit words of constants in RAM")
    for header in sorted((resources.KERNELS / kernels).glob("*.h")):
        unit = tmp_path / f"{header.stem}.c"
        unit.write_text(f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n')
        include = f"-I{resources.KERNELS / 'portable'}"
        run_tool([*COMPILERS[core], *STRICT, include, "-fsyntax-only", unit])


@kinds
@pytest.mark.parametrize("core", [core for cores in _CORES.values() for core in cores])
def test_compiles_for_its_cores(core: str, kind: str, tmp_path: Path) -> None:
    plan = plan_of(fast_cases(kind, 1)[0].graph, TARGETS[1])
    for level in ("-O0", "-Os", "-O3"):
        run_tool([*COMPILERS[core], *STRICT, "-Wvla", level, "-c", write_library(plan, tmp_path), "-o", tmp_path / "o"])


def test_aims_are_known() -> None:
    assert {target.aim for target in TARGETS} <= set(AIMS)
