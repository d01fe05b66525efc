"""Whole models from Keras through the loader, the generator and gcc: numpy = C = TFLM to the bit, and near the float
model. What TFLM cannot run is compared numpy = C, and said so."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflm import Refused, Tflm, needs_tflm
from tests.zoo.models import FILES
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import Array, DType, Graph
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.passes import PASSES, run_passes
from tinygen.passes.turn_upright import turn_upright
from tinygen.plan import make_plan
from tinygen.samples import random_samples, raw_samples
from tinygen.verify import verify

pytestmark = pytest.mark.timeout(1800)  # the first test converts for all

_FOLDER = Path(__file__).parent
NAMES = tuple(FILES)
INFERENCES = 5
# models that TFLM does not run, and what it says
NOT_IN_TFLM = {
    **dict.fromkeys(("unet_nearest", "upsampling_nearest", "upsampling_1d", "conv1d_separable"), "'TILE'"),
    **dict.fromkeys(("encoder_decoder", "shapes"), "'TILE'"),
    **dict.fromkeys(("gelu", "gelu_tanh", "attention"), "'GELU'"),
    **dict.fromkeys(("softplus", "mish", "exponential"), "Node EXP"),
    "selu": "'SELECT'",
    "masking": "'REDUCE_ANY'",
    "time_distributed": "input dim should not exceed 4",
}
# models that tinygen does not take, and what it says
REFUSED = {
    "relu6_with_slope": "input and output must have the same quantization (TFLM does not rescale here)",
}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder with NAME.tflite and the float model's answers, and what the loader said."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    folder = tmp_path_factory.mktemp("zoo")
    command = [sys.executable, str(_FOLDER / "convert.py"), str(folder), *NAMES]
    environment = os.environ | {"PYTHONPATH": str(_FOLDER.parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="module")
def tflm() -> Any:
    with Tflm() as process:
        yield process


@pytest.mark.parametrize("name", REFUSED)
def test_refused(zoo: tuple[Path, dict[str, Any]], name: str) -> None:
    with pytest.raises(TinygenError) as caught:
        verify(parse_tflite((zoo[0] / f"{name}.tflite").read_bytes(), name, name))
    assert REFUSED[name] in str(caught.value)


def test_recurrent_layers_are_reported(zoo: tuple[Path, dict[str, Any]]) -> None:
    reported = {name: result["recurrent"] for name, result in zoo[1].items() if result.get("recurrent")}
    assert set(reported) == {
        *("conv_lstm_front", "lstm_stacked", "gru_reset_before", "simple_rnn", "bidirectional", "rnn_cells"),
        *("conv_lstm", "time_distributed", "encoder_decoder", "embedding_lstm", "masking"),
    }
    assert reported["rnn_cells"] == ["layer 'rnn': unrolled over 5 steps"]
    assert reported["conv_lstm"] == ["layer 'conv_lstm2d': unrolled over 4 steps"]
    assert [line.split("'")[1][:8] for line in reported["bidirectional"]] == ["forward_", "backward"] * 2
    assert [line.count(": one UNIDIRECTIONAL_SEQUENCE_LSTM over 6 steps") for line in reported["lstm_stacked"]] == [
        1,
        1,
    ]


@pytest.mark.parametrize(("name", "before", "after", "hop"), [("tcn", 468, 292, 1), ("conv1d", 320, 216, 4)])
def test_conv1d_is_streamed(zoo: tuple[Path, dict[str, Any]], name: str, before: int, after: int, hop: int) -> None:
    """The bytes of arena with time along a row, as Keras has it, and with each frame as a row; and hops, too."""
    graph = verify(parse_tflite((zoo[0] / f"{name}.tflite").read_bytes(), name, name))
    lying = functools.reduce(lambda g, p: g if p is turn_upright else p(g), PASSES, graph)
    assert make_plan(build_program(lying), "ram").arena_bytes == before
    upright = build_program(run_passes(graph))
    assert make_plan(upright, "ram").arena_bytes <= after
    assert make_plan(upright, hop=hop).hop is not None
    with pytest.raises(TinygenError, match="nothing of model"):
        make_plan(build_program(lying), hop=hop)


@needs_tflm
@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_model(
    zoo: tuple[Path, dict[str, Any]],
    name: str,
    tflm: Tflm,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    folder, results = zoo
    assert "error" not in results[name], results[name]["error"]
    content = (folder / f"{name}.tflite").read_bytes()
    graph = verify(parse_tflite(content, name, name))
    samples = random_samples(graph, INFERENCES).inputs
    wanted = [reference.run(graph, sample) for sample in samples]
    c = compile_graphs([graph], tmp_path, ("-O1",))[name]
    for sample, answer in zip(samples, wanted, strict=True):
        assert not (complaint := difference(c.run(sample), answer)), f"C {complaint}"
    judge = _against_tflm(name, content, samples, wanted, tflm)
    snr = _snr(graph, folder, name)
    record_property("exact", f"zoo {name}: {INFERENCES} inferences, 0 wrong, {judge}, {snr:.0f} dB from float")
    assert snr > 12


def _against_tflm(name: str, content: bytes, samples: Any, wanted: list[tuple[Array, ...]], tflm: Tflm) -> str:
    """Compare with TFLM; in words who agrees with whom."""
    if name in NOT_IN_TFLM:
        with pytest.raises(Refused) as refused:
            tflm.run(content, samples)
        assert NOT_IN_TFLM[name] in str(refused.value)
        return f"numpy = C (not in TFLM: {NOT_IN_TFLM[name]})"
    for answer, judged in zip(wanted, tflm.run(content, samples), strict=True):
        assert not (complaint := difference(answer, judged)), f"numpy {complaint} (TFLM)"
    return "numpy = C = TFLM"


def _snr(graph: Graph, folder: Path, name: str) -> float:
    """Signal to noise of the int8 model against the float model, over all outputs, in dB."""
    with np.load(folder / f"{name}_data.npz") as data, np.load(folder / f"{name}.npz") as answers:
        inputs = [data[graph.tensors[i].name] for i in graph.inputs]
        floats = [answers[str(i)] for i in range(len(graph.outputs))]
    given = {graph.tensors[i].name: x for i, x in zip(graph.inputs, inputs, strict=True)}
    signal = noise = 0.0
    for index, sample in enumerate(raw_samples(graph, given).inputs):
        for tensor, got, real in zip(graph.outputs, reference.run(graph, sample), floats, strict=True):
            t = graph.tensors[tensor]
            value = got if t.dtype is DType.FLOAT32 else t.scale * (got.astype(np.float64) - t.zero_point)
            wanted = real[index].reshape(t.shape).astype(np.float64)
            signal += float(((wanted - floats[0].mean()) ** 2).sum())
            noise += float(((value - wanted) ** 2).sum())
    return float(10 * np.log10(signal / max(noise, 1e-30)))
