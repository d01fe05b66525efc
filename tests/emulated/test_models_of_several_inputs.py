"""Two inputs, two outputs: over serial, and as .npz with their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.cli import tinygen
from tests.support.tflite_builder import ModelBuilder


def two_by_two() -> bytes:
    """`sum` = a + b, and `pooled` of it."""
    m = ModelBuilder()
    a, b = m.input((1, 4, 4, 2), 0.5, 1), m.input((1, 4, 4, 2), 0.25, -3)
    total = m.tensor((1, 4, 4, 2), 0.7, 5, name="sum")
    pooled = m.tensor((1, 2, 2, 2), 0.7, 5, name="pooled")
    m.op("ADD", [a, b], [total], fusedActivationFunction=0)
    m.op("MAX_POOL_2D", [total], [pooled], padding=1, strideH=2, strideW=2, filterHeight=2, filterWidth=2)
    return m.build([total, pooled])


def test_names_go_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "two.tflite").write_bytes(two_by_two())
    rng = np.random.default_rng(0)
    arrays = {name: rng.integers(-128, 128, (5, 4, 4, 2)).astype(np.int8) for name in ("input_0", "input_1")}
    np.savez(tmp_path / "x.npz", **arrays)
    ran = tinygen(
        *["run", "--board", "qemu-cortex-m4", "--input", "x.npz", "--output", "y.npz", "two.tflite"], cwd=tmp_path
    )
    assert ran.code == 0, ran.err
    got = np.load(tmp_path / "y.npz")
    assert set(got.files) == {"sum", "pooled"}
    assert got["sum"].shape == (5, 4, 4, 2)
    windows = got["sum"].reshape(5, 2, 2, 2, 2, 2)
    assert np.array_equal(got["pooled"], windows.max(axis=(2, 4)))


def test_random_samples_without_data(tmp_path: Path) -> None:
    (tmp_path / "two.tflite").write_bytes(two_by_two())
    result = tinygen(*["test", "--board", "host", "--json", "two.tflite"], cwd=tmp_path).json()
    assert result["pass"] is True
    assert result["outputs"] == 20 * (32 + 8)
    assert result["top1_agreement"] is None
