"""examples/vibration: machines that the autoencoder does not know, played into an emulated Cortex-M3."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.avr import needs_avr
from tests.support.c_build import STRICT, run_tool
from tests.support.cli import REPOSITORY, tinygen
from tests.support.sketches import build_sketch, run_sketch
from tinygen.boards import get_board
from tinygen.elf import section_sizes
from tinygen.pipeline import compile_model, write_board_project
from tinygen.platformio import build_firmware
from tinygen.play import play, played_of
from tinygen.render import project
from tinygen.request import make_request

EXAMPLE = REPOSITORY / "examples" / "vibration"
SKETCH = EXAMPLE / "vibration_sketch"
MODEL = EXAMPLE / "vibration.h5"
FRAMES = 12  # SCORE_FRAMES of the sketch
NIGHTLY = "TINYGEN_NIGHTLY" in os.environ


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the int8 model and its table."""
    folder = tmp_path_factory.mktemp("vibration")
    assert tinygen("quantize", "-o", "vibration.tflite", MODEL, cwd=folder).code == 0
    shutil.copy(EXAMPLE / "vibration.toml", folder)
    return folder


def sketch_scores(differences: npt.NDArray[np.int8], zero_point: int, folder: Path) -> npt.NDArray[np.int64]:
    """What the sketch's C makes of each row of int8 differences."""
    (folder / "score.c").write_text(
        '#include "score.h"\n'
        "uint32_t score(const int8_t *q, int16_t n, int16_t z);\n"
        "uint32_t score(const int8_t *q, int16_t n, int16_t z) { return score_of(q, n, z); }\n"
    )
    run_tool(["gcc", *STRICT, "-O2", "-shared", "-fPIC", f"-I{SKETCH}", folder / "score.c", "-o", folder / "score.so"])
    function = ctypes.CDLL(str(folder / "score.so")).score
    function.restype = ctypes.c_uint32
    rows = [(ctypes.c_int8 * len(row)).from_buffer_copy(row.tobytes()) for row in differences]
    return np.array([function(row, len(row), zero_point) for row in rows], np.int64)


def auc(healthy: npt.NDArray[np.int64], faulty: npt.NDArray[np.int64]) -> float:
    return float(np.mean(healthy[:, None] < faulty) + np.mean(healthy[:, None] == faulty) / 2)


def test_played_into_a_cortex_m3(folder: Path, record_property: Callable[[str, object], None]) -> None:
    """Every difference is numpy's; the sketch's score of them tells the faulty machines from the others."""
    board, samples = get_board("qemu-cortex-m3"), np.load(EXAMPLE / "recordings.npy")
    compiled = compile_model(make_request(folder / "vibration.tflite", None, None, {}, False), None, lambda text: None)
    tester = project.Tester(played=played_of(compiled, samples))
    write_board_project([compiled], board, folder / "m3", tester)
    results = play(compiled, samples, board, folder / "m3", None, lambda text: None).recordings
    assert sum(map(len, results)) == len(samples) * FRAMES
    assert all(r.is_exact for each in results for r in each)

    graph = compiled.plan.program.graph
    tensor = graph.tensors[graph.outputs[0]]
    got = np.stack([r.got[0].reshape(-1) for each in results for r in each]).astype(np.int8)
    scores = sketch_scores(got, tensor.zero_point, folder)
    assert np.array_equal(scores, np.square(got.astype(np.int64) - tensor.zero_point).sum(axis=1))
    of_frames = scores.reshape(len(samples), FRAMES)
    is_faulty = np.load(EXAMPLE / "vibration.npz")["is_faulty"]
    by_frame = auc(of_frames[~is_faulty].reshape(-1), of_frames[is_faulty].reshape(-1))
    by_second = auc(of_frames[~is_faulty].sum(axis=1), of_frames[is_faulty].sum(axis=1))
    record_property("exact", f"vibration on a Cortex-M3: AUC {by_frame:.3f} by frame, {by_second:.3f} by second")
    assert by_frame >= 0.7
    assert by_second >= 0.85

    library = folder / "m3" / "lib" / "vibration" / "src"
    program = build_sketch(SKETCH / "vibration_sketch.ino", library, "vibration", folder)
    (threshold,) = re.findall(r"#define THRESHOLD ([0-9.]+)", (SKETCH / "vibration_sketch.ino").read_text())
    most = int(float(threshold) * FRAMES * got.shape[1] / float(np.float32(tensor.scale)) ** 2)
    lines = [run_sketch(program, each) for each in samples]
    sums = of_frames.sum(axis=1)
    assert lines == [
        [f"{'ANOMALY' if x > most else 'healthy'} {x * 10 // (most // 10)} % of the threshold"] for x in sums
    ]
    assert {line.split()[0] for (line,) in lines} == {"ANOMALY", "healthy"}


@pytest.mark.skipif(not NIGHTLY, reason="compiles Arduino's core: only with TINYGEN_NIGHTLY")
@needs_avr
def test_the_sketch_builds(folder: Path) -> None:
    """With an Arduino core that can be had here, and its SPI: an AVR's; the sensor itself is not emulated."""
    board = get_board("simavr-mega2560")
    assert tinygen("build", "--board", board.name, "vibration.tflite", "-o", "p", cwd=folder).code == 0
    shutil.copy(SKETCH / "score.h", folder / "p" / "src")
    shutil.copy(SKETCH / "vibration_sketch.ino", folder / "p" / "src" / "main.cpp")
    sizes = section_sizes(build_firmware(folder / "p", board.name, board).elf)
    assert sizes.ram < 2500
    assert sizes.flash < 24000
