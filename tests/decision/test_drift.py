"""The drift watch: what it sees and what it lets pass, the C twin on every core, its cost, and boards."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.decision.drift_data import HAS_ESPEAK, MEN, WOMEN, clips, stream
from tests.emulated.test_play import write_table
from tests.features.test_push import convolution_model
from tests.support.avr import needs_avr
from tests.support.bare import CORES, M4, link_bare, run_bare
from tests.support.c_build import plan_of
from tests.support.cli import tinygen
from tests.support.feature_models import Samples, definition, echo_model, noise, speech
from tinygen import resources
from tinygen.drift.fit import LEAST_SAMPLES, fit_watch
from tinygen.drift.watch import MOST_SCORE, DriftWatch, drift_scores
from tinygen.errors import TinygenError
from tinygen.features import compute, fixed_values, quantize_values
from tinygen.features.front_end import FrontEnd, make_front_end
from tinygen.ir import DType, Quantization, Tensor
from tinygen.kernelsets import Target
from tinygen.load.tflite import parse_tflite

NIGHTLY = "TINYGEN_NIGHTLY" in os.environ
_MACS = 2_600_000  # of the keyword spotter of MLPerf Tiny
Int8 = npt.NDArray[np.int8]


def front_end(name: str = "mfcc", frames: int = 49, stride: int = 10) -> FrontEnd:
    d = definition(name, stride=stride)
    tensor = Tensor("x", (1, frames, d.features), DType.INT8, Quantization((0.03,), (-5,)))
    return make_front_end(d, tensor, None, False)


def scored(windows: Int8) -> Int8:
    """Four scores of each window: an arbitrary model."""
    weights = np.random.default_rng(0).normal(0, 0.025, (windows.shape[1], 4))
    return np.asarray(np.clip(np.rint(windows @ weights), -128, 127), np.int8)


def windows_of(samples: Samples, front: FrontEnd) -> Int8:
    frames = quantize_values(fixed_values(samples, front.definition), front.folding)
    if frames.ndim == 3:
        return frames.reshape(len(frames), -1)
    ends = range(50, len(frames) + 1, front.stride)
    return np.stack([frames[end - front.window : end].reshape(-1) for end in ends])


def random_watch(windows: int = 200) -> tuple[DriftWatch, Int8, Int8]:
    """A watch of random windows, and others to watch: some like them, some shifted, some extreme."""
    rng, front = np.random.default_rng(4), front_end("shortest", 5, 5)
    seen = rng.normal(0, 40, (windows, 45)).clip(-128, 127).astype(np.int8)
    watch = fit_watch(seen, scored(seen), front, 100_000)
    shifted = rng.normal(rng.uniform(-90, 90, 45), 30, (60, 45)).clip(-128, 127).astype(np.int8)
    extreme = np.concatenate([np.full((40, 45), -128), np.full((40, 45), 127)]).astype(np.int8)
    stream = np.concatenate([seen[:60], shifted, extreme])
    return watch, stream, scored(stream)


@pytest.mark.skipif(not HAS_ESPEAK, reason="espeak-ng is not installed (make test installs it on Debian)")
@pytest.mark.parametrize("name", ["log_mel", "mfcc"])
def test_speech(name: str) -> None:
    """Calibrated on men in quiet: gain, noise and women are flagged within 100 windows, other men's words are not.

    By night 10,000 windows that are not shifted may have one flag; by day 1,500 none.
    """
    front = front_end(name)
    for seed in (1, 2, 3) if NIGHTLY else (1,):
        seen = windows_of(clips(MEN, 300, seed), front)
        watch = fit_watch(seen, scored(seen), front, _MACS)
        assert watch.state_bytes <= 64

        def flags(samples: Samples, watch: DriftWatch = watch) -> npt.NDArray[np.bool_]:
            windows = windows_of(samples, front)
            return np.array(drift_scores(windows, scored(windows), watch)) > watch.limit

        for k in range(6 if NIGHTLY else 1):
            for voices, gain, loud in ((MEN, 2.0, 60.0), (MEN, 0.5, 60.0), (MEN, 1.0, 180.0), (WOMEN, 1.0, 60.0)):
                shifted = flags(stream(voices, 21, 5000 + k, gain, loud))
                assert shifted[:100].any(), (seed, k, voices, gain, loud)
        quiet = (
            [flags(stream(MEN, 350, 1000 * seed + k)) for k in range(6)] if NIGHTLY else [flags(stream(MEN, 300, 9))]
        )
        assert sum(map(len, quiet)) >= (10000 if NIGHTLY else 1490)
        assert sum(int(x.sum()) for x in quiet) <= int(NIGHTLY)


def test_scores_have_their_place() -> None:
    watch, inputs, outputs = random_watch()
    scores = drift_scores(inputs, outputs, watch)
    assert max(scores[:60]) <= watch.limit
    assert max(scores[60:120]) > watch.limit
    assert max(scores) <= MOST_SCORE


def test_too_few_samples() -> None:
    with pytest.raises(TinygenError, match=f"{LEAST_SAMPLES} calibration samples"):
        random_watch(LEAST_SAMPLES - 1)


# 200 times 100 instructions, and two or three for the next round
_LOOP = 20500
_HARNESS = """#include "bare.h"
#include "tg_drift.h"
static const int16_t positions[] TG_FLASH = {{{positions}}};
static const int32_t first[] TG_FLASH = {{{means}}};
static const int32_t multipliers[] TG_FLASH = {{{multipliers}}};
static const int16_t mixing[] TG_FLASH = {{{mixing}}};
static const tg_drift_params params = {{positions, first, multipliers, mixing, {groups}, {each}}};
static const int8_t inputs[][{elements}] = {{{inputs}}};
static const int8_t outputs[][{scores}] = {{{outputs}}};
static int32_t means[{statistics}];
static void out(uint32_t value) {{
  for (uint32_t i = 0; i < 32; i += 8) bare_out((uint8_t)(value >> i));
}}

static __attribute__((noinline)) int32_t watch(const int8_t *input, const int8_t *output) {{
  tg_drift_input(&params, means, input);
  return tg_drift_score(&params, means, output, {scores});
}}

void bare_main(void) {{
  uint32_t start = bare_ticks();
  for (uint32_t n = 200; n != 0; --n) __asm__ volatile(".rept 100\\nnop\\n.endr" : "+r"(n));
  out(bare_ticks() - start);
  tg_drift_reset(&params, means);
  for (uint32_t k = 0; k < sizeof inputs / sizeof *inputs; ++k) {{
    start = bare_ticks();
    const int32_t score = watch(inputs[k], outputs[k]);
    out(bare_ticks() - start);
    out((uint32_t)score);
  }}
}}
"""
_CORES = {
    **{name: core for name, core in CORES.items() if name != "lx106"},
    "cortex-m4": replace(CORES["cortex-m4"], compiler=(*CORES["cortex-m4"].compiler, *M4)),
}


def numbers(values: npt.NDArray[np.int8]) -> str:
    return ", ".join("{" + ", ".join(map(str, row)) + "}" for row in values.tolist())


def on_bare(core_name: str, watch: DriftWatch, inputs: Int8, outputs: Int8, folder: Path) -> tuple[list[int], int]:
    """The scores on an emulated core, and about how many instructions a window took."""
    core = _CORES[core_name]
    if not core.is_here:
        pytest.skip(f"{core.compiler[0]} or {core.emulator[0]} is not installed (make test installs them on Debian)")
    for header in (resources.TEMPLATES / "features" / "tg_drift.h", resources.KERNELS / "portable" / "tg_kernel.h"):
        shutil.copy(header, folder)
    source, main = folder / "watch.c", folder / "main.c"
    source.write_text(
        _HARNESS.format(
            **{k: ", ".join(map(str, getattr(watch, k))) for k in ("positions", "means", "multipliers", "mixing")},
            groups=watch.groups,
            each=len(watch.positions) // watch.groups,
            elements=inputs.shape[1],
            scores=outputs.shape[1],
            statistics=watch.statistics,
            inputs=numbers(inputs),
            outputs=numbers(outputs),
        )
    )
    main.write_text("typedef int nothing;\n")
    elf = link_bare(core, main, [source], folder, ["-O2"])
    emulator = [*core.emulator, "-nographic", "-monitor", "none", "-serial", "stdio", "-icount", "shift=6,sleep=off"]
    command = [*emulator, "-kernel", str(elf)]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=100).stdout
    (loop,) = struct.unpack_from("<I", said)
    pairs = list(struct.iter_unpack("<Ii", said[4:]))
    assert len(pairs) == len(inputs)
    return [score for _, score in pairs], round(sum(ticks for ticks, _ in pairs) / len(pairs) * _LOOP / loop)


@pytest.mark.parametrize("core", _CORES)
def test_cores_score_as_numpy(core: str, tmp_path: Path) -> None:
    watch, inputs, outputs = random_watch()
    scores, _ = on_bare(core, watch, inputs, outputs, tmp_path)
    assert scores == list(drift_scores(inputs, outputs, watch))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_takes_a_hundredth_of_the_inference(core: str, tmp_path: Path) -> None:
    d, frames = definition("log_mel"), 130  # 103,000 multiplications: enough, says docs/decisions/drift.md
    name = "armv7em" if core == "cortex-m4" else "portable"
    plan = plan_of(parse_tflite(convolution_model(d, frames), "net", "net"), Target(name, "speed"))
    front = front_end("log_mel", frames)
    rng = np.random.default_rng(1)
    inputs = rng.integers(-128, 128, (LEAST_SAMPLES, frames * 40)).astype(np.int8)
    (tmp_path / "net").mkdir()
    sample = [(inputs[0].reshape(1, frames, 1, 40),)]
    _, (inference,) = run_bare(_CORES[core], [plan], [sample], tmp_path / "net", ["-O2"])
    watch = fit_watch(inputs, scored(inputs), front, plan.program.macs)
    _, instructions = on_bare(core, watch, inputs[:9], scored(inputs[:9]), tmp_path)
    assert instructions <= inference / 100


@pytest.mark.parametrize("board", ["qemu-cortex-m4", pytest.param("simavr-uno", marks=needs_avr)])
def test_boards_watch_as_numpy(board: str, tmp_path: Path) -> None:
    """With and without a hop; what is played is far from the calibration samples, and flagged."""
    name, frames, more = ("mfcc", 12, ("--hop", "2")) if board == "qemu-cortex-m4" else ("shortest", 3, ())
    d = definition(name)
    (tmp_path / "net.tflite").write_bytes(convolution_model(d, frames))
    write_table(tmp_path / "net.toml", name)
    with (tmp_path / "net.toml").open("a") as file:
        file.write("[drift]\n[decision]\nthreshold = 0.01\n")
    quiet = np.random.default_rng(3).normal(0, 100, (80, d.window + d.hop * (frames - 1)))
    calibration = np.rint(quiet).astype(np.int16)
    x = compute(calibration, d).reshape(80, frames, 1, d.features)
    np.savez(tmp_path / "net.npz", x_calibration=x)
    np.save(tmp_path / "x.npy", speech()[4000:24000] if more else noise(200))
    arguments = ("play", "--board", board, "--recording", "x.npy", *more, "net.tflite")
    report = tinygen(*arguments, "--json", cwd=tmp_path).json()
    assert report["pass"] is True
    shown = report["recordings"][0]
    assert len({r["drift"] for r in shown}) > 5
    if more:
        assert shown[-1]["abstain"] is True


def test_needs_calibration_samples(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(echo_model(10, 40))
    write_table(tmp_path / "net.toml", "log_mel")
    with (tmp_path / "net.toml").open("a") as file:
        file.write("[drift]\n")
    assert "needs calibration samples" in tinygen("generate", "net.tflite", cwd=tmp_path).error()
