"""Whatever the file holds, load/tflite.py gives a Graph that builds, or a TinygenError; never anything else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.c_build import SHA256, plan_of
from tests.support.everything import everything_model
from tests.support.models import float_model
from tests.support.tflite_builder import ModelBuilder, pack
from tinygen.errors import TinygenError
from tinygen.load.tflite import load_tflite, parse_tflite
from tinygen.render.model import library_files

MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
EVERYTHING = everything_model()


def outcome(content: bytes) -> str:
    """ "graph" or "error"; anything but a TinygenError passes through."""
    try:
        library_files(plan_of(parse_tflite(content, "model", "model.tflite")), SHA256)
    except TinygenError as error:
        return "error" if str(error) and "\n" not in str(error) else "an error without words"
    return "graph"


def test_the_model_itself_is_fine() -> None:
    assert outcome(EVERYTHING) == "graph"


@given(st.binary(max_size=300), st.booleans())
def test_random_bytes(content: bytes, with_identifier: bool) -> None:
    if with_identifier:
        content = content[:4] + b"TFL3" + content[8:]
    assert outcome(content) == "error"


def test_truncated_at_any_length() -> None:
    for length in range(0, len(EVERYTHING), 5):
        assert outcome(EVERYTHING[:length]) == "error", length


def test_truncated_real_file() -> None:
    path = MODELS / "kws_ref_model.tflite"
    if not path.is_file():
        pytest.skip("the MLPerf Tiny models are not here (../shared/models)")
    content = path.read_bytes()
    assert outcome(content) == "graph"
    for length in [*range(0, 2000, 40), *range(2000, len(content), len(content) // 60)]:
        assert outcome(content[:length]) == "error", length


def test_unsupported_operators_are_named_all_at_once() -> None:
    b = ModelBuilder()
    x = b.input((1, 4), 0.5)
    names = ("first", "second", "third", "fourth")
    tensors = [x, *(b.tensor((1, 4), 0.5, name=n) for n in names)]
    for kind, a, z in zip(("RANK", "RELU", "BITCAST", "RANK"), tensors, tensors[1:], strict=False):
        b.op(kind, [a], [z])
    with pytest.raises(TinygenError) as caught:
        parse_tflite(b.build([tensors[-1]]), "m", "m.tflite")
    assert "RANK (layer first, fourth)" in str(caught.value)
    assert "BITCAST (layer third)" in str(caught.value)
    assert "RELU" not in str(caught.value)
    assert "CONV_2D" in caught.value.hint


def test_float_model() -> None:
    with pytest.raises(TinygenError, match="float32") as caught:
        plan_of(parse_tflite(float_model(), "m", "m.tflite"))
    assert "quantize" in caught.value.hint


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TinygenError, match="cannot read"):
        load_tflite(tmp_path / "none.tflite", "m")
    with pytest.raises(TinygenError, match="cannot read"):
        load_tflite(tmp_path, "m")


def _small() -> tuple[ModelBuilder, Any]:
    """A convolution with bias, as builder and as ModelT."""
    b = ModelBuilder()
    x = b.input((1, 4, 4, 2), 0.5)
    weights = b.constant(np.ones((3, 1, 1, 2), np.int8), [0.1, 0.2, 0.3])
    bias = b.constant(np.array([1, 2, 3], np.int32), [0.05, 0.1, 0.15])
    y = b.tensor((1, 4, 4, 3), 0.5)
    b.op("CONV_2D", [x, weights, bias], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
    return b, b.model([y])


def _set(path: str, value: Any) -> Callable[[Any], None]:
    """A change of model.PATH (names and [index]) to `value`."""

    def change(model: Any) -> None:
        owner, _, field = path.rpartition(".")
        target = eval(f"model.{owner}" if owner else "model", {"model": model})
        assert hasattr(target, field)
        setattr(target, field, value)

    return change


_T, _OP = "subgraphs[0].tensors", "subgraphs[0].operators[0]"
SPOILED: dict[str, Callable[[Any], None]] = {
    "input index": _set(f"{_OP}.inputs", [0, 99, 2]),
    "negative input index": _set(f"{_OP}.inputs", [-7, 1, 2]),
    "output index": _set(f"{_OP}.outputs", [4]),
    "no outputs of the operator": _set(f"{_OP}.outputs", []),
    "no inputs of the operator": _set(f"{_OP}.inputs", None),
    "model input index": _set("subgraphs[0].inputs", [17]),
    "model output absent": _set("subgraphs[0].outputs", [-1]),
    "no model inputs": _set("subgraphs[0].inputs", []),
    "no model outputs": _set("subgraphs[0].outputs", []),
    "opcode index": _set(f"{_OP}.opcodeIndex", 3),
    "no options": _set(f"{_OP}.builtinOptions", None),
    "buffer index": _set(f"{_T}[1].buffer", 55),
    "buffer too short": _set("buffers[1].data", np.ones(5, np.uint8)),
    "buffer too long": _set("buffers[1].data", np.ones(7, np.uint8)),
    "no buffer": _set("buffers[1].data", None),
    "channel axis": _set(f"{_T}[1].quantization.quantizedDimension", 3),
    "channel axis beyond": _set(f"{_T}[1].quantization.quantizedDimension", 9),
    "channel axis negative": _set(f"{_T}[1].quantization.quantizedDimension", -1),
    "too few scales": _set(f"{_T}[1].quantization.scale", [0.1, 0.2]),
    "scale 0": _set(f"{_T}[0].quantization.scale", [0.0]),
    "scale negative": _set(f"{_T}[1].quantization.scale", [0.1, -0.2, 0.3]),
    "scale NaN": _set(f"{_T}[0].quantization.scale", [float("nan")]),
    "scale infinite": _set(f"{_T}[3].quantization.scale", [float("inf")]),
    "scale tiny": _set(f"{_T}[3].quantization.scale", [1e-44]),
    "zero point": _set(f"{_T}[0].quantization.zeroPoint", [128]),
    "zero points": _set(f"{_T}[1].quantization.zeroPoint", [0, 0]),
    "negative shape": _set(f"{_T}[0].shape", [1, -4, 4, 2]),
    "huge shape": _set(f"{_T}[0].shape", [1, 1 << 20, 1 << 20, 1 << 20]),
    "empty shape": _set(f"{_T}[0].shape", [1, 0, 4, 2]),
    "no channels": _set(f"{_T}[0].shape", [1, 4, 4, 0]),
    "no shape": _set(f"{_T}[0].shape", None),
    "string type": _set(f"{_T}[0].type", 5),
    "unknown type": _set(f"{_T}[0].type", 100),
    "variable": _set(f"{_T}[0].isVariable", True),
    "no subgraph": _set("subgraphs", []),
    "custom operator": _set("operatorCodes[0].builtinCode", 32),
    "unknown operator": _set("operatorCodes[0].builtinCode", 9999),
    "input constant": _set("subgraphs[0].inputs", [1]),
    "input twice": _set("subgraphs[0].inputs", [0, 0]),
    "writes its input": _set(f"{_OP}.outputs", [0]),
}


def test_the_small_model_is_fine() -> None:
    assert outcome(pack(_small()[1])) == "graph"


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_model(name: str) -> None:
    model = _small()[1]
    SPOILED[name](model)
    assert outcome(pack(model)) == "error"


def test_a_bias_with_the_axis_of_its_weights() -> None:
    """TensorFlow 1's converter wrote it so, and TFLM does not look: the person detection example is such a model."""
    model = _small()[1]
    model.subgraphs[0].tensors[2].quantization.quantizedDimension = 3
    assert outcome(pack(model)) == "graph"


def test_a_name_does_not_reach_the_terminal_as_it_is() -> None:
    model = _small()[1]
    model.subgraphs[0].tensors[0].name = b"\x1b[2Jx\x07\xe2\x80\xaey"
    model.subgraphs[0].tensors[0].shape = [1, -4, 4, 2]
    with pytest.raises(TinygenError, match=r"tensor '\?\[2Jx\?\?y'"):
        parse_tflite(pack(model), "m", "m.tflite")


def test_two_subgraphs() -> None:
    model = _small()[1]
    model.subgraphs = model.subgraphs * 2
    with pytest.raises(TinygenError, match="2 subgraphs"):
        parse_tflite(pack(model), "m", "m.tflite")


@settings(max_examples=30)
@given(st.binary(min_size=1, max_size=30))
def test_names_of_tensors_may_be_any_bytes(name: bytes) -> None:
    model = _small()[1]
    for tensor in model.subgraphs[0].tensors:
        tensor.name = name
    content = pack(model)
    assert outcome(content) == "graph"
    text = b"".join(library_files(plan_of(parse_tflite(content, "model", "model.tflite")), SHA256).values())
    assert all(b in b"\t\n" or 32 <= b < 127 for b in text)
