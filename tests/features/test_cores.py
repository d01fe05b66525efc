"""The front ends' C on emulated cores equals the numpy twin, to the bit; by night on more than 10,000 frames each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.test_compilers import COMPILERS, LIBRARY_CALLS
from tests.support.avr import needs_avr
from tests.support.c_build import STRICT, run_tool, write_library
from tests.support.feature_build import FrameFunction, echo_plan, frame_function, watching_plan
from tests.support.feature_cores import FEATURE_CORES, checksums, checksums_on_avr, checksums_on_bare
from tests.support.feature_models import TABLES, Samples, definition, noise, speech
from tinygen import resources
from tinygen.features import fixed_values

NIGHTLY = "TINYGEN_NIGHTLY" in os.environ


def work_of(names: list[str], frames: int, folder: Path, seed: int) -> list[tuple[FrameFunction, Samples]]:
    """Functions, each with samples for so many frames, a third of them speech where it has one channel."""
    work = []
    for name in names:
        function = frame_function(name, folder)
        d = function.definition
        length = d.window + d.hop * (frames - 1)
        samples = noise(length, d.channels, seed)
        if d.channels == 1:
            said = speech()[5000 : 5000 + length // 3]
            samples[: len(said)] = said
        work.append((function, samples))
    return work


def expected(work: list[tuple[FrameFunction, Samples]]) -> list[int]:
    values = [fixed_values(samples, function.definition) for function, samples in work]
    return [sum_ for each in values for sum_ in checksums(each.astype(np.int32))]


@pytest.mark.parametrize("name", FEATURE_CORES)
def test_core(name: str, tmp_path: Path) -> None:
    core = FEATURE_CORES[name]
    if not core.is_here:
        pytest.skip(f"{core.compiler[0]} or {core.emulator[0]} is not installed (make test installs them on Debian)")
    seen = 0
    for turn in range(8 if NIGHTLY else 1):
        folder = tmp_path / str(turn)
        work = work_of(list(TABLES), 200 if NIGHTLY else 25, folder, turn)
        wanted = expected(work)
        assert checksums_on_bare(core, work, folder, ["-O2", "-Os", "-O3"][turn % 3]) == wanted
        seen += len(wanted)
    assert seen >= (10000 if NIGHTLY else 175)


# what fits 8 KB of RAM together
@needs_avr
@pytest.mark.parametrize("names", [["log_mel", "vibration", "shortest"], ["mfcc", "statistics"], ["spectrogram"]])
def test_avr(names: list[str], tmp_path: Path) -> None:
    work = work_of(names, 1700 if NIGHTLY else 8, tmp_path, 5)
    assert checksums_on_avr(work, tmp_path) == expected(work)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_everywhere(compiler: str, tmp_path: Path) -> None:
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (make test installs it on Debian)")
    for name, level in (("mfcc", "-O3"), ("statistics", "-Os")):
        plan, target = echo_plan(definition(name), name), tmp_path / "net.o"
        source = write_library(watching_plan(plan) if name == "mfcc" else plan, tmp_path)
        run_tool([*command, *STRICT, "-Wvla", level, "-c", source, "-o", target])
        if command[0] != "clang":
            symbols = run_tool([command[0].replace("gcc", "nm"), "-u", target]).decode().split("\n")
            called = {line.split()[-1] for line in symbols if line}
            foreign = {s for s in called - LIBRARY_CALLS if not s.startswith("_")}
            assert not foreign, (name, foreign)


def test_headers_stand_alone(tmp_path: Path) -> None:
    for header in sorted((resources.TEMPLATES / "features").glob("*.h")):
        unit = tmp_path / f"{header.stem}.c"
        unit.write_text(f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n')
        include = f"-I{resources.KERNELS / 'portable'}"
        run_tool(["gcc", *STRICT, "-Wno-unused-variable", include, "-fsyntax-only", unit])
