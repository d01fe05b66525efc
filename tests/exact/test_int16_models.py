"""Whole Keras models in TFLite's 16x8 mode, from the file to the C: numpy = C = TFLM, to the bit.

Which operators the converter emits in this mode was found by converting some two hundred small models; the list below
has them all. Others it refuses itself ("no int16 form of ..."), or tinygen does, by name.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.exact.cases import samples
from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.ir import DType
from tinygen.load.tflite import parse_tflite
from tinygen.verify import verify

NAMES = ("kws", "residual", "autoencoder", "convolution_1d", "heads", "mobilenet", "unet", "attention", "gru", "lstm")
NAMES += ("functions", "beyond_tflm")
# what the converter writes in this mode, less what only moves elements; refused is PADV2, whose value it leaves in
# float32
EMITTED = {
    *(
        "ABS",
        "ADD",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "EXP",
        "FULLY_CONNECTED",
        "GELU",
    ),
    *("LEAKY_RELU", "LOG", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "QUANTIZE", "REDUCE_MAX"),
    *(
        "REDUCE_MIN",
        "REDUCE_PROD",
        "RELU",
        "RESIZE_BILINEAR",
        "RSQRT",
        "SOFTMAX",
        "SUB",
        "SUM",
        "TANH",
        "TRANSPOSE_CONV",
    ),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    folder = tmp_path_factory.mktemp("int16")
    script = Path(__file__).with_name("make_int16_models.py")
    repository = Path(__file__).parents[2]
    command = [sys.executable, str(script), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(repository)})
    assert done.returncode == 0, done.stderr
    return folder


@needs_tflm
@pytest.mark.parametrize("name", NAMES)
def test_model(name: str, models: Path, tmp_path: Path) -> None:
    content = (models / name / "model.tflite").read_bytes()
    graph = verify(parse_tflite(content, name, name))
    assert {graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)} == {DType.INT16}
    drawn = samples(graph, np.random.default_rng(5))
    compiled = compile_graphs([graph], tmp_path)[name]
    with Tflm() as tflm:
        answers = tflm.run(content, drawn) if name != "beyond_tflm" else [reference.run(graph, s) for s in drawn]
    for number, (sample, wanted) in enumerate(zip(drawn, answers, strict=True)):
        assert not (complaint := difference(reference.run(graph, sample), wanted)), (
            f"sample {number}: numpy {complaint}"
        )
        assert not (complaint := difference(compiled.run(sample), wanted)), f"sample {number}: C {complaint}"
    assert len(np.unique([output.reshape(-1) for output, *_ in answers])) > 8


def test_the_models_have_every_operator(models: Path) -> None:
    kinds = set()
    for name in NAMES:
        kinds |= {op.kind for op in parse_tflite((models / name / "model.tflite").read_bytes(), name, name).ops}
    assert kinds >= EMITTED, EMITTED - kinds


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("PADV2", "the padding value is float32"),
        ("ELU", "is int16, int8 expected"),
        ("PRELU", "is int16, int8 expected"),
        ("HARD_SWISH", "is int16, int8 expected"),
        ("LOG_SOFTMAX", "is int16, int8 expected"),
        ("GREATER", "is int16"),
        ("ARG_MAX", "is int16, int8 expected"),
        ("DIV", "is int16, int8 expected"),
    ],
)
def test_what_is_refused(kind: str, why: str) -> None:
    b = ModelBuilder()
    x = b.input((1, 4), 0.01, dtype="int16")
    y = b.tensor((1, 6) if kind == "PADV2" else (1, 4), 0.01, dtype="int16")
    second = {
        "PADV2": [b.constant(np.array([[0, 0], [1, 1]], np.int32)), b.constant(np.array(1.0, np.float32))],
        "PRELU": [b.constant(np.ones(4, np.int8), 0.1)],
        "GREATER": [b.constant(np.ones(4, np.int16), 0.1)],
        "DIV": [b.constant(np.ones(4, np.int16), 0.1)],
        "ARG_MAX": [b.constant(np.array(1, np.int32))],
    }.get(kind, [])
    b.op(kind, [x, *second], [y])
    with pytest.raises(TinygenError, match=re.escape(why)):
        verify(parse_tflite(b.build([y]), "refused", "refused"))
