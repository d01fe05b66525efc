"""Keras models and SavedModels through the real child process: each run imports TensorFlow, about 3 s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tinygen.errors import TinygenError
from tinygen.load.keras_job import Job
from tinygen.load.worker_client import UNNAMED, QuantizeResult, predict_float, quantize_model
from tinygen.ops import OPERATORS

pytestmark = pytest.mark.tensorflow
FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"

_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


@dataclass(frozen=True)
class Converted:
    """What became of a model: the result, the flatbuffer and the stages seen."""

    result: QuantizeResult
    content: bytes
    stages: tuple[str, ...]

    @property
    def model(self) -> Any:
        return schema.ModelT.InitFromPackedBuf(self.content, 0)

    @property
    def operators(self) -> list[str]:
        codes = [_OPERATORS[code.builtinCode] for code in self.model.operatorCodes]
        return [codes[op.opcodeIndex] for op in self.model.subgraphs[0].operators]

    def tensors(self, which: str) -> list[Any]:
        """The tensors of `inputs` or `outputs`."""
        graph = self.model.subgraphs[0]
        return [graph.tensors[i] for i in getattr(graph, which)]


def convert(model: Path, folder: Path, **options: Any) -> Converted:
    stages: list[str] = []
    out = folder / f"{model.name}.tflite"
    result = quantize_model(model, out, progress=stages.append, **options)
    return Converted(result, out.read_bytes(), tuple(stages))


def failure(model: Path, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(TinygenError) as caught:
        quantize_model(model, tmp_path / "out.tflite", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.tflite").exists()
    return f"{caught.value} | {caught.value.hint}"


def reference(folder: Path, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and outputs as make_models.py saw them."""
    with np.load(folder / f"{name}.ref.npz") as file:
        return [file[k] for k in file.files if k[0] == "x"], [file[k] for k in file.files if k[0] == "y"]


def check_int8(converted: Converted, x: list[np.ndarray], y: list[np.ndarray], tolerance: float) -> None:
    """The int8 model under LiteRT gives the float outputs within the tolerance, in the order claimed."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=converted.content)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    assert [d["dtype"] for d in inputs + outputs] == [np.int8] * (len(x) + len(y))
    for i in range(len(x[0])):
        for detail, values in zip(inputs, x, strict=True):
            scale, zero = detail["quantization"]
            raw = np.clip(np.round(values[i] / scale) + zero, -128, 127).astype(np.int8)
            interpreter.set_tensor(detail["index"], raw.reshape(detail["shape"]))
        interpreter.reset_all_variables()
        interpreter.invoke()
        for detail, values in zip(outputs, y, strict=True):
            scale, zero = detail["quantization"]
            real = (interpreter.get_tensor(detail["index"]).astype(np.float32) - zero) * scale
            assert np.abs(real.reshape(values[i].shape) - values[i]).max() < tolerance


@pytest.fixture(scope="module")
def tiny_data(models: Path) -> str:
    x, _ = reference(models, "tiny")
    np.savez(models / "tiny_data.npz", x_calibration=np.tile(x[0], (10, 1, 1, 1)), x_test=x[0], labels=np.array(["a"]))
    return str(models / "tiny_data.npz")


@pytest.fixture(scope="module")
def tiny(models: Path, tiny_data: str, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return convert(models / "tiny.keras", tmp_path_factory.mktemp("tiny"), data=tiny_data, predict=True)


@pytest.fixture(scope="module")
def two(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    x, _ = reference(models, "two")
    np.savez(models / "two.npz", alpha=x[1], zeta=x[0])
    return convert(models / "two.keras", tmp_path_factory.mktemp("two"), data=str(models / "two.npz"), predict=True)


def test_keras_to_int8(tiny: Converted, models: Path) -> None:
    x, y = reference(models, "tiny")
    assert tiny.result.kind == "keras"
    assert tiny.result.calibration == "x_calibration of tiny_data.npz, 300 of 400 samples"
    assert (tiny.result.calibration_samples, tiny.result.random_calibration) == (300, False)
    np.testing.assert_allclose(tiny.result.float_outputs[0], y[0], atol=1e-5)
    assert [(t.name, t.shape) for t in tiny.result.inputs] == [("image", (1, 6, 6, 2))]
    assert [(t.name, t.shape) for t in tiny.result.outputs] == [("classes", (1, 3))]
    check_int8(tiny, x, y, tolerance=0.05)


def test_the_flatbuffer_is_full_int8_per_channel(tiny: Converted) -> None:
    assert tiny.operators == ["CONV_2D", "DEPTHWISE_CONV_2D", "RESHAPE", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
    names = [(t.name.decode(), t.type, t.shape.tolist()) for t in tiny.tensors("inputs") + tiny.tensors("outputs")]
    assert names == [("image", schema.TensorType.INT8, [1, 6, 6, 2]), ("classes", schema.TensorType.INT8, [1, 3])]
    graph = tiny.model.subgraphs[0]
    weights = [graph.tensors[op.inputs[1]].quantization for op in graph.operators[:2]]
    assert [len(q.scale) for q in weights] == [4, 4]
    assert all(len(set(q.scale)) > 1 for q in weights)


def test_progress_tells_every_stage(tiny: Converted) -> None:
    kinds = ["checking", "starting TensorFlow", "loading", "converting", "calibrating on 300", "quantizing", "running"]
    places = [next(i for i, stage in enumerate(tiny.stages) if stage.startswith(kind)) for kind in kinds]
    assert places == sorted(places)


def test_the_same_bytes_again_and_no_tensorflow_here(
    tiny: Converted, models: Path, tiny_data: str, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom tinygen.load.worker_client import quantize_model\n"
        "quantize_model(Path(sys.argv[1]), Path(sys.argv[2]), data=sys.argv[3])\n"
        "print(sorted({'tensorflow', 'keras', 'h5py'} & set(sys.modules)))"
    )
    out = tmp_path / "again.tflite"
    command = [sys.executable, "-c", code, str(models / "tiny.keras"), str(out), tiny_data]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True)
    assert done.stdout.strip() == "[]"
    assert out.read_bytes() == tiny.content


@pytest.mark.parametrize(("name", "kind"), [("tiny.h5", "h5"), ("tiny_saved", "SavedModel")])
def test_the_same_model_in_other_files(
    tiny: Converted, models: Path, tiny_data: str, tmp_path: Path, name: str, kind: str
) -> None:
    other = convert(models / name, tmp_path, data=tiny_data, predict=True)
    assert other.result.kind == kind
    assert other.operators == tiny.operators
    np.testing.assert_allclose(other.result.float_outputs[0], tiny.result.float_outputs[0], atol=1e-5)
    check_int8(other, *reference(models, "tiny"), tolerance=0.05)


def test_two_inputs_keep_the_order_of_the_model(two: Converted, models: Path) -> None:
    x, y = reference(models, "two")
    assert [t.name for t in two.result.inputs] == ["zeta", "alpha"]
    assert [t.name for t in two.result.outputs] == ["zz", "aa"]
    assert [t.name.decode() for t in two.tensors("inputs") + two.tensors("outputs")] == ["zeta", "alpha", "zz", "aa"]
    for actual, expected in zip(two.result.float_outputs, y, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    check_int8(two, x, y, tolerance=0.2)


def test_two_inputs_of_a_saved_model_are_sorted(models: Path, tmp_path: Path, two: Converted) -> None:
    x, y = reference(models, "two")
    other = convert(models / "two_saved", tmp_path, data=str(models / "two.npz"), predict=True)
    assert [t.name for t in other.result.inputs] == ["alpha", "zeta"]
    assert [t.name for t in other.result.outputs] == ["output_0", "output_1"]
    for actual, expected in zip(other.result.float_outputs, y, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    check_int8(other, x[::-1], y, tolerance=0.2)


def test_predict_float(models: Path) -> None:
    x, y = reference(models, "two")
    outputs = predict_float(models / "two.keras", {"alpha": x[1], "zeta": x[0]})
    for actual, expected in zip(outputs, y, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_predict_float_checks_its_samples(models: Path) -> None:
    with pytest.raises(TinygenError, match="samples were given for other, the model's inputs are zeta, alpha"):
        predict_float(models / "two.keras", {"other": np.zeros((1, 8), np.float32)})


def test_unknown_time_dimension(models: Path, tmp_path: Path) -> None:
    message = failure(models / "time.keras", tmp_path)
    assert "input audio of the model has an unknown dimension: (?, ?, 3)" in message
    assert "--input-shape 1,N,3" in message
    fixed = convert(models / "time.keras", tmp_path, input_shapes={UNNAMED: (20, 3)})
    assert fixed.result.input_shapes == {"audio": (1, 20, 3)}
    assert fixed.result.random_calibration
    assert fixed.result.calibration == "random values from -1 to 1, 100 samples"
    assert not {"SHAPE", "PACK", "STRIDED_SLICE"} & set(fixed.operators)


def test_keras2_file_means_what_keras2_meant(models: Path, tmp_path: Path) -> None:
    x, y = reference(models, "old")
    np.save(tmp_path / "x.npy", x[0])
    converted = convert(models / "old.h5", tmp_path, data=str(tmp_path / "x.npy"), predict=True)
    assert ((y[0] > 0.05) & (y[0] < 0.95)).any()
    np.testing.assert_allclose(converted.result.float_outputs[0], y[0], atol=1e-5)


def test_a_recurrent_model_is_unrolled(models: Path, tmp_path: Path) -> None:
    x, y = reference(models, "lstm")
    np.save(tmp_path / "x.npy", x[0])
    converted = convert(models / "lstm.keras", tmp_path, data=str(tmp_path / "x.npy"), predict=True)
    assert "WHILE" not in converted.operators
    np.testing.assert_allclose(converted.result.float_outputs[0], y[0], atol=1e-5)
    check_int8(converted, x, y, tolerance=0.1)
    (line,) = converted.result.recurrent
    assert line.startswith("layer 'lstm': ")
    assert " over 5 steps" in line
    assert line in converted.stages


def test_recurrent_layers_of_every_kind(models: Path, tmp_path: Path) -> None:
    """In wrappers, over a time dimension that the file leaves open, masked, started elsewhere than at zero."""
    x, y = reference(models, "rnns")
    np.save(tmp_path / "x.npy", x[0])
    data = str(tmp_path / "x.npy")
    converted = convert(models / "rnns.keras", tmp_path, data=data, predict=True, input_shapes={UNNAMED: (4, 3)})
    np.testing.assert_allclose(converted.result.float_outputs[0], y[0], atol=1e-5)
    ways = dict(line.removeprefix("layer '").split("': ") for line in converted.result.recurrent)
    unrolled = ("forward_gru", "backward_gru", "start")
    assert {name: ways.pop(name) for name in unrolled} == dict.fromkeys(unrolled, "unrolled over 4 steps")
    assert list(ways) == ["back"]  # "cells" was saved unrolled


def test_two_lstms_of_one_size_are_not_both_one_operator(models: Path, tmp_path: Path) -> None:
    """The converter would let them share their state; nor is a layer that is called twice."""
    x, y = reference(models, "twins")
    np.save(tmp_path / "x.npy", x[0])
    converted = convert(models / "twins.keras", tmp_path, data=str(tmp_path / "x.npy"), predict=True)
    assert converted.operators.count(FUSED) == 1
    check_int8(converted, x, y, tolerance=0.1)


def test_an_lstm_whose_output_is_joined_is_unrolled(models: Path, tmp_path: Path) -> None:
    """The converter gives its output the scale of the concatenation, but not its state."""
    x, y = reference(models, "joined")
    np.save(tmp_path / "x.npy", x[0])
    converted = convert(models / "joined.keras", tmp_path, data=str(tmp_path / "x.npy"), predict=True)
    assert FUSED not in converted.operators
    assert converted.result.recurrent == ("layer 'joined': unrolled over 5 steps",)
    check_int8(converted, x, y, tolerance=0.1)


def test_an_lstm_is_one_operator(models: Path, tmp_path: Path) -> None:
    if FUSED not in OPERATORS:
        pytest.skip(f"there is no operator {FUSED}")
    x, y = reference(models, "lstms")
    np.savez(tmp_path / "x.npz", zeta=x[0], alpha=x[1])
    converted = convert(models / "lstms.keras", tmp_path, data=str(tmp_path / "x.npz"), predict=True)
    assert converted.operators.count(FUSED) == 2
    assert converted.result.recurrent == (
        f"layer 'second': one {FUSED} over 6 steps (its state stays: reset it before each inference)",
        f"layer 'first': one {FUSED} over 4 steps (its state stays: reset it before each inference)",
    )
    for which, names in (("inputs", [b"zeta", b"alpha"]), ("outputs", [b"zz", b"aa"])):
        assert [t.name for t in converted.tensors(which)] == names
    check_int8(converted, x, y, tolerance=0.1)


def test_the_batch_of_fit_is_forgotten(models: Path, tmp_path: Path) -> None:
    assert convert(models / "fitted.h5", tmp_path).tensors("inputs")[0].shape.tolist() == [1, 5]


def test_a_module_without_a_batch(models: Path, tmp_path: Path) -> None:
    x, y = reference(models, "plain")
    np.save(tmp_path / "x.npy", x[0])
    converted = convert(models / "plain_saved", tmp_path, data=str(tmp_path / "x.npy"), predict=True)
    assert converted.result.input_shapes == {"signal": (10,)}
    assert [t.name for t in converted.result.outputs] == ["projection"]
    np.testing.assert_allclose(converted.result.float_outputs[0], y[0], atol=1e-5)
    check_int8(converted, x, y, tolerance=0.1)


def test_lambda_only_if_allowed(models: Path, tmp_path: Path) -> None:
    assert "--unsafe-lambda" in failure(models / "lambda.keras", tmp_path)
    x, y = reference(models, "lambda")
    outputs = predict_float(models / "lambda.h5", {"input_layer": x[0]}, allow_lambda=True)
    np.testing.assert_allclose(outputs[0], y[0], atol=1e-5)


def test_loops_are_refused(models: Path, tmp_path: Path) -> None:
    """The converter of TensorFlow 2.21 dies of them with SIGSEGV: it is not asked."""
    message = failure(models / "loop.keras", tmp_path, allow_lambda=True)
    assert "loop.keras has loops, which an int8 model cannot have: " in message
    assert "while" in message
    message = failure(models / "lstm_saved", tmp_path)
    assert "lstm" in message.partition("cannot have: ")[2]
    assert "give the .keras or .h5 file" in message


UNUSABLE = {
    "tiny.weights.h5": "holds only the weights of a model",
    "unbuilt.keras": "does not say what its inputs are",
    "words64_saved": "inputs of this type cannot be quantized: pixels (uint8), words (int64)",
    "stateful.keras": "layer 'keeps' (GRU) is stateful",
    "foreign.keras": "layers that are not part of Keras: one (class Foreign), two (class Other)",
    "lambda.h5": "Lambda layers, which run Python code from the file: double",
    "diverged.keras": "diverged.keras computes NaN",
    "resized.keras": "resized.keras cannot be loaded: ",
    "bare_saved": "it has no signature",
    "svd_saved": "the TFLite converter has no operator for Svd (",
    "tiny_data.npz": "is a zip file, but not a Keras model",
    "tiny.keras": "nan.npy has 1 values that are NaN",
}


@pytest.fixture(scope="module")
def errors(models: Path, tiny_data: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the worker says about each model of UNUSABLE, from one process."""
    folder = tmp_path_factory.mktemp("jobs")
    with zipfile.ZipFile(models / "tiny.keras") as source, zipfile.ZipFile(models / "resized.keras", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(
                name, content.replace(b'"filters": 4', b'"filters": 5') if name == "config.json" else content
            )
    x = np.zeros((3, 6, 6, 2), np.float32)
    x[1, 2, 3, 0] = np.nan
    np.save(folder / "nan.npy", x)
    data = {"tiny.keras": str(folder / "nan.npy")}
    jobs = {name: asdict(Job(str(models / name), True, data.get(name), False, {}, False)) for name in UNUSABLE}
    (folder / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("run_jobs.py")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), str(folder / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", list(UNUSABLE))
def test_models_and_data_that_cannot_be_used(errors: dict[str, Any], name: str) -> None:
    assert UNUSABLE[name] in errors[name].get("error", "no error")


def test_truncated_files(models: Path, tmp_path: Path) -> None:
    for name in ("tiny.h5", "tiny.keras"):
        content = (models / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        assert f"{name} is damaged" in failure(tmp_path / name, tmp_path)


REFERENCE_MODELS = {
    "ad01": ("", ["FULLY_CONNECTED"]),
    "pretrainedResnet": ("", ["CONV_2D", "ADD", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]),
    "str_ww_ref_model": ("calibration_samples.npz", ["DEPTHWISE_CONV_2D", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]),
    "vww_96": ("", ["CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]),
}


@pytest.mark.parametrize("name", list(REFERENCE_MODELS))
def test_reference_models(shared_models: Path, tmp_path: Path, name: str) -> None:
    data, operators = REFERENCE_MODELS[name]
    spec = str(shared_models / data) if data else None
    converted = convert(shared_models / f"{name}.h5", tmp_path, data=spec, predict=True)
    assert set(converted.operators) - {"RESHAPE"} == set(operators)
    assert converted.result.random_calibration is (not data)
    if data:
        assert converted.result.calibration == "specs of calibration_samples.npz, 45 samples"
        np.testing.assert_allclose(converted.result.float_outputs[0].sum(axis=1), np.ones(45), atol=1e-5)


def test_vww_float_equals_the_float_tflite(shared_models: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    x = np.random.default_rng(2).uniform(0, 1, (6, 96, 96, 3)).astype(np.float32)
    (outputs,) = predict_float(shared_models / "vww_96.h5", {"input_1": x})
    interpreter = Interpreter(model_path=str(shared_models / "vww_96_float.tflite"))
    interpreter.allocate_tensors()
    for sample, output in zip(x, outputs, strict=True):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
        np.testing.assert_allclose(output, expected, atol=1e-5)
