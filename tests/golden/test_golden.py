"""The generated files of one tiny model, byte for byte: a change of the output shows as a diff in review.

`make golden` rewrites tests/golden/tiny after a wanted change.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.c_build import plan_of
from tests.support.everything import everything_graph
from tests.support.tflite_builder import ModelBuilder
from tinygen.load.tflite import parse_tflite
from tinygen.render import Files
from tinygen.render.model import library_files

EXPECTED = Path(__file__).parent / "tiny"
REPOSITORY = Path(__file__).resolve().parents[2]
FILES = ("library.json", "library.properties", "src/tiny.c", "src/tiny.h", "src/tiny_weights.h")


def tiny_model() -> bytes:
    """Convolution, mean, dense layer, softmax: 3 classes of an 8x8 image."""
    b = ModelBuilder()
    x = b.input((1, 8, 8, 1), 0.0078125, -1)
    conv = b.tensor((1, 4, 4, 2), 0.05, -128, name="tiny/conv")
    weights = b.constant(np.arange(-9, 9, dtype=np.int8).reshape(2, 3, 3, 1), [0.25, 0.125])
    bias = b.constant(np.array([-40, 77], np.int32), [0.001953125, 0.0009765625])
    options = {"padding": 0, "strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1}
    b.op("CONV_2D", [x, weights, bias], [conv], fusedActivationFunction=1, **options)
    mean = b.tensor((1, 2), 0.04, -128, name="tiny/mean")
    b.op("MEAN", [conv, b.constant(np.array([1, 2], np.int32))], [mean], keepDims=False)
    dense = b.tensor((1, 3), 0.1, 5, name="tiny/dense; not */ a comment")
    b.op("FULLY_CONNECTED", [mean, b.constant(np.array([[9, -7], [0, 5], [-3, 1]], np.int8), 0.02)], [dense])
    scores = b.tensor((1, 3), 0.00390625, -128, name="tiny/softmax")
    b.op("SOFTMAX", [dense], [scores], beta=1.0)
    return b.build([scores])


def tiny_files() -> Files:
    content = tiny_model()
    plan = plan_of(parse_tflite(content, "tiny", "tiny.tflite"))
    return library_files(plan, hashlib.sha256(content).hexdigest(), ("zero", 'one "1"', "zwei\n"))


@pytest.mark.parametrize("name", FILES)
def test_golden(name: str) -> None:
    generated, expected = tiny_files()[name], EXPECTED / Path(name).name
    if "TINYGEN_GOLDEN" in os.environ:
        expected.parent.mkdir(exist_ok=True)
        expected.write_bytes(generated)
    assert generated == expected.read_bytes(), f"{expected} differs; `make golden` rewrites it, then read the diff"


def test_every_file_has_a_golden_one_or_is_copied() -> None:
    others = set(tiny_files()) - set(FILES)
    copied = ("LICENSE", "_s8.h", "_nd.h")
    assert all(name.startswith("src/tiny_kernels/tg_") or name.endswith(copied) for name in others)


def digest() -> str:
    """One number for all files of two models."""
    files = {**tiny_files(), **library_files(plan_of(everything_graph()), "0" * 64)}
    return hashlib.sha256(repr(list(files.items())).encode()).hexdigest()


def test_same_input_same_bytes() -> None:
    """In one process, and in others that order their sets and dicts differently."""
    wanted = digest()
    assert digest() == wanted
    for seed in ("1", "2"):
        code = "from tests.golden.test_golden import digest; print(digest())"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd="/")
        assert done.stdout.strip() == wanted, done.stderr
