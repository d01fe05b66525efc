"""What the child does before and around TensorFlow: choosing samples, and its line to the parent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygen.errors import TinygenError
from tinygen.load.calibration import calibration_of
from tinygen.load.data import Dataset

SHAPES = {"a": (1, 3), "b": (5,)}


def dataset(count: int, dtype: type = np.float32) -> Dataset:
    a = np.repeat(np.arange(count), 3).reshape(count, 3).astype(dtype)
    return Dataset("d.npz", {"a": a, "b": np.zeros((count, 5), np.float32)}, "x_calibration of d.npz", None, "")


def test_few_samples_are_all_used() -> None:
    calibration = calibration_of(dataset(300), SHAPES, {})
    assert calibration.text == "x_calibration of d.npz, 300 samples"
    assert len(calibration.samples["a"]) == 300


@pytest.mark.parametrize("count", [301, 650, 60000])
def test_of_many_samples_300_are_spread_over_the_file(count: int) -> None:
    calibration = calibration_of(dataset(count), SHAPES, {})
    chosen = calibration.samples["a"][:, 0]
    assert calibration.text == f"x_calibration of d.npz, 300 of {count} samples"
    assert (chosen[0], chosen[-1], len(set(chosen))) == (0, count - 1, 300)
    steps = np.diff(chosen)
    assert steps.max() - steps.min() <= 1
    assert len(calibration.samples["b"]) == 300


def test_random_samples_are_the_same_every_time() -> None:
    first, again = (calibration_of(None, SHAPES, {}) for _ in range(2))
    assert first.text == "random values from -1 to 1, 100 samples"
    assert {name: x.shape for name, x in first.samples.items()} == {"a": (100, 1, 3), "b": (100, 5)}
    for name, x in first.samples.items():
        np.testing.assert_array_equal(x, again.samples[name])
        assert x.dtype == np.float32
        assert -1 <= x.min() < -0.9
        assert 0.9 < x.max() <= 1


def test_data_that_cannot_calibrate() -> None:
    with pytest.raises(TinygenError, match=r"d\.npz has no samples to calibrate with"):
        calibration_of(Dataset("d.npz", None, "", None, ""), SHAPES, {})
    with pytest.raises(TinygenError, match=r"x_calibration of d\.npz is int8"):
        calibration_of(dataset(4, np.int8), SHAPES, {})


def test_what_libraries_print_does_not_disturb_the_lines() -> None:
    code = (
        "import os\nfrom tinygen.load.channel import Channel\nchannel = Channel()\nprint('from Python', flush=True)\n"
        "os.write(1, b'from C++\\n')\nchannel.progress('loading')\nchannel.count('loading', 1, 2)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert json.loads(done.stdout) == {"progress": "loading"}
    assert done.stderr.split("\n") == ["from Python", "from C++", ""]
