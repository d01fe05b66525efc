"""Quantization beyond the converter's, on models made hard on purpose: what it wins, and that it stays exact."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.support.accuracy_hard import output_db
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.ir import Array
from tinygen.load.tflite import parse_tflite
from tinygen.quantize.diagnose import Diagnosis, diagnose
from tinygen.quantize.equalize import equalized
from tinygen.quantize.findings import data_findings, layer_findings, scale_findings
from tinygen.quantize.flat import WEIGHTED, Flat
from tinygen.quantize.groups import groups
from tinygen.quantize.improve import Improved, improve
from tinygen.quantize.measure import Inputs, look, outputs
from tinygen.quantize.mixed import can_be_int16, with_int16
from tinygen.quantize.search import Exam, search
from tinygen.quantize.write import Rewriter
from tinygen.verify import verify

pytestmark = pytest.mark.filterwarnings("ignore:Warning. Enabling:UserWarning")
NAMES = ("separable", "wide_channels", "wide_autoencoder", "outlier", "autoencoder", "branches", "shared", "difference")
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Pair:
    floating: bytes
    quantized: bytes
    samples: list[Inputs]
    test: list[Inputs]

    def test_db(self, content: bytes) -> float:
        """Mean SQNR in dB on samples that nothing was chosen by."""
        return output_db(self.floating, self.quantized, content, self.test)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    folder = tmp_path_factory.mktemp("pairs")
    command = [sys.executable, "-m", "tests.quantize.pairs", str(folder), *NAMES]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY, env=environment)
    made = {}
    for name in NAMES:
        with np.load(folder / f"{name}.npz") as file:
            samples, test = ([[x[None]] for x in file[key]] for key in ("x", "x_test"))
            made[name] = Pair(file["floating"].tobytes(), file["quantized"].tobytes(), samples, test)
    return made


@pytest.fixture(scope="module")
def improved(pairs: dict[str, Pair]) -> dict[str, Improved]:
    return {name: improve(pair.floating, pair.quantized, pair.samples) for name, pair in pairs.items()}


@pytest.fixture(scope="module")
def tflm() -> Iterator[Tflm]:
    with Tflm() as running:
        yield running


def _quiet(done: int, total: int) -> None:
    pass


@pytest.mark.parametrize("name", NAMES)
def test_the_converters_numbers_come_out_of_its_ranges(pairs: dict[str, Pair], name: str) -> None:
    """The recipe for weights and biases is the converter's own."""
    before = Flat.of(pairs[name].quantized)
    after = Flat.of(Rewriter(pairs[name].quantized, pairs[name].floating).write({}))
    for i in range(len(before.graph.tensors)):
        old, new = before.data(i), after.data(i)
        assert (old is None) == (new is None)
        if old is not None and new is not None:
            apart = np.abs(old.astype(np.int64) - new)
            assert apart.max(initial=0) <= 1, before.name(i)  # a half, rounded in float32 there
            assert (apart > 0).mean() < 0.01, before.name(i)


@needs_tflm
@pytest.mark.parametrize("name", NAMES)
def test_improved_is_exact(pairs: dict[str, Pair], improved: dict[str, Improved], tflm: Tflm, name: str) -> None:
    _exact(improved[name].content, pairs[name], tflm)


def _exact(content: bytes, pair: Pair, tflm: Tflm) -> None:
    graph = verify(parse_tflite(content, "m", "m"))
    tensor = graph.tensors[graph.inputs[0]]
    steps = [np.round(x[0] / np.float32(tensor.scale)) + tensor.zero_point for x in pair.test[:10]]
    samples = [(np.clip(x, -128, 127).astype(np.int8),) for x in steps]
    for sample, answer in zip(samples, tflm.run(content, samples), strict=True):
        for got, expected in zip(reference.run(graph, sample), answer, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_what_it_wins(pairs: dict[str, Pair], improved: dict[str, Improved]) -> None:
    """On samples that it has not seen: much where the model is hard, nothing lost where it is not."""
    wins = {name: pair.test_db(improved[name].content) - pair.test_db(pair.quantized) for name, pair in pairs.items()}
    assert wins.pop("wide_channels") > 20
    assert wins.pop("wide_autoencoder") > 20
    assert wins.pop("outlier") > 15
    assert min(wins.values()) > -1.0, wins
    assert "channels equalised" in improved["wide_channels"].remedies
    assert any("mse" in remedy or "percentile" in remedy for remedy in improved["outlier"].remedies)


def test_equalising_changes_no_result(pairs: dict[str, Pair]) -> None:
    pair = pairs["wide_channels"]
    free = groups(Flat.of(pair.quantized), Flat.of(pair.floating))
    seen = look(pair.floating, pair.samples, sorted({f for group in free for f in group.floats}), _quiet)
    content = equalized(pair.floating, seen)
    assert content != pair.floating
    end = int(Flat.of(content).graph.outputs[0])
    before, after = (outputs(c, pair.test, [end])[end] for c in (pair.floating, content))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-6)
    assert equalized(pairs["autoencoder"].floating, {}) is pairs["autoencoder"].floating


def test_a_layer_used_twice_keeps_its_numbers(pairs: dict[str, Pair]) -> None:
    pair = pairs["shared"]
    flat = Flat.of(pair.quantized)
    layers = Rewriter(pair.quantized, pair.floating).layers
    weighted = [op for op in flat.graph.operators if flat.kind(op) in WEIGHTED]
    assert (len(layers), len(weighted)) == (1, 3)


@needs_tflm
@pytest.mark.parametrize("name", ["separable", "branches", "autoencoder", "difference"])
def test_any_layers_in_int16_are_exact(pairs: dict[str, Pair], tflm: Tflm, name: str) -> None:
    pair = pairs[name]
    able = can_be_int16(Flat.of(pair.quantized))
    rng = np.random.default_rng(3)
    for wide in (able, able[:1], able[-1:], [i for i in able if rng.random() < 0.5]):
        _exact(with_int16(pair.quantized, wide, {}), pair, tflm)


def test_the_cheapest_set_that_reaches_a_target(pairs: dict[str, Pair], improved: dict[str, Improved]) -> None:
    pair, now = pairs["difference"], improved["difference"]
    end = int(Flat.of(pair.floating).graph.outputs[0])
    exam = Exam(pair.test, outputs(pair.floating, pair.test, [end])[end], None)
    ailments = diagnose(now.source, now.content, pair.samples, _quiet)
    found = search(now.content, ailments, exam, 0.05, lambda text: None)
    assert found.steps[0].drop > 0.2
    assert found.met
    assert found.chosen.drop <= 0.05
    assert 0 < len(found.chosen.layers) < len(found.all_int16.layers)
    assert found.chosen.arena_bytes < found.all_int16.arena_bytes
    assert found.chosen.const_bytes < found.all_int16.const_bytes
    assert exam.drop(found.content) == found.chosen.drop


def test_the_doctor_names_the_cause(pairs: dict[str, Pair], improved: dict[str, Improved]) -> None:
    def causes(name: str) -> str:
        pair, now = pairs[name], improved[name]
        plain = diagnose(pair.floating, pair.quantized, pair.samples, _quiet)
        after = diagnose(now.source, now.content, pair.samples, _quiet)
        _is_whole(plain)
        samples = {"x": np.concatenate([x[0] for x in pair.samples])}
        found = (*data_findings(samples, None), *layer_findings(plain, after))
        return "\n".join(f"{f.where}: {f.cause}" for f in found)

    assert "channels reach" in causes("wide_channels")
    assert "dense_64_to_48" in causes("wide_autoencoder").partition(": its channels reach")[0]
    assert "x: calibration sample 17 reaches" in causes("outlier")
    assert "calibration sample" not in causes("separable")


def _is_whole(diagnosis: Diagnosis) -> None:
    shares = [layer.share for layer in diagnosis.layers]
    assert min(shares) >= 0
    assert sum(shares) + diagnosis.output_share == pytest.approx(1, abs=0.05)


def test_data_findings() -> None:
    rng = np.random.default_rng(1)
    x: Array = rng.normal(0, 1, (20, 3)).astype(np.float32)
    x[:, 1] = 0.5
    test = np.concatenate([x[:2], rng.normal(0, 1, (3, 3)).astype(np.float32)])
    causes = [finding.cause for finding in data_findings({"x": x}, {"x": test})]
    assert causes == [
        "1 of 3 input values are the same in every calibration sample",
        "2 of 5 test samples also calibrate: the test flatters",
    ]
    assert scale_findings("bn", np.full(4, 1.3)) == ()
    (finding,) = scale_findings("bn", np.full(4, 255.0))
    assert "255 times as much as in training" in finding.cause
