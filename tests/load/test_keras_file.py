"""Files before TensorFlow sees them: what is refused, and what of Keras 2 is put right."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygen.errors import TinygenError

h5py = pytest.importorskip("h5py", reason="h5py comes with TensorFlow, which is not installed")
keras_file = pytest.importorskip("tinygen.load.keras_file")
KERAS2_HARD_SIGMOID = keras_file.KERAS2_HARD_SIGMOID


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


def model(*members: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "m", "layers": list(members)}}


def write_h5(path: Path, config: dict[str, Any] | None, version: str = "3.4.1", **groups: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name in groups:
            file.create_group(name)
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"] = version
    return path


def write_keras(path: Path, config: dict[str, Any], version: str = "3.4.1") -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("metadata.json", json.dumps({"keras_version": version}))
        file.writestr("model.weights.h5", b"weights")
    return path


def run(path: Path, allow_lambda: bool = False) -> Any:
    folder = path.parent / "work"
    folder.mkdir(exist_ok=True)
    return keras_file.prepare(path, folder, allow_lambda)


def failure(path: Path) -> str:
    with pytest.raises(TinygenError) as caught:
        run(path)
    assert "\n" not in str(caught.value)
    return f"{caught.value} | {caught.value.hint}"


def corrected(path: Path) -> dict[str, Any]:
    """The configuration in the copy that prepare made; the layers' configurations by name."""
    file = run(path)
    if file.kind == "h5":
        with h5py.File(file.path) as copy:
            config = json.loads(copy.attrs["model_config"])
    else:
        with zipfile.ZipFile(file.path) as copy:
            config = json.loads(copy.read("config.json"))
            assert copy.read("model.weights.h5") == b"weights"
    return {str(x["config"]["name"]): x for x in keras_file.layers(config)}


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"hello")
    assert "a.h5 is not a Keras model" in failure(tmp_path / "a.h5")
    (tmp_path / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 9)
    assert "b.h5 is damaged" in failure(tmp_path / "b.h5")
    (tmp_path / "c.keras").write_bytes(b"PK\x03\x04" + bytes(range(256)))
    assert "c.keras is damaged" in failure(tmp_path / "c.keras")
    (tmp_path / "d.keras").write_bytes(b"")
    assert "d.keras is not a Keras model" in failure(tmp_path / "d.keras")
    assert "is a folder without a saved_model.pb" in failure(tmp_path)
    assert "there is no model file" in failure(tmp_path / "e.h5")
    with zipfile.ZipFile(tmp_path / "f.keras", "w") as file:
        file.writestr("other.txt", "x")
    assert "f.keras is a zip file, but not a Keras model" in failure(tmp_path / "f.keras")
    assert "does not describe a Keras model" in failure(write_keras(tmp_path / "g.keras", {"class_name": "x"}))


def test_weights_only(tmp_path: Path) -> None:
    assert "only the weights of a model" in failure(write_h5(tmp_path / "a.weights.h5", None, layers=1))
    assert "holds no Keras model" in failure(write_h5(tmp_path / "b.h5", None, something=1))


@pytest.mark.parametrize("write", [write_h5, write_keras])
def test_lambdas_are_named_and_refused(tmp_path: Path, write: Any) -> None:
    inner = model(layer("Dense", "fine"), layer("TimeDistributed", "wrap", layer=layer("Lambda", "second")))
    path = write(tmp_path / "m", model(layer("Lambda", "first"), inner))
    message = failure(path)
    assert "Lambda layers, which run Python code from the file: first, second" in message
    assert "--unsafe-lambda" in message
    assert run(path, allow_lambda=True).path.is_file()


def test_functions_of_keras2_are_named(tmp_path: Path) -> None:
    config = model(layer("TFOpLambda", "tf.math.multiply"), layer("SlicingOpLambda", "tf.__operators__.getitem"))
    message = failure(write_h5(tmp_path / "m.h5", config, "2.9.0"))
    assert "tf.math.multiply, tf.__operators__.getitem" in message


def test_foreign_classes_are_listed(tmp_path: Path) -> None:
    config = model(
        layer("Dense", "a") | {"module": "keras.layers"},
        layer("Mine", "b") | {"module": "my.code"},
        layer("Odd", "c") | {"module": None},
        layer("Multiply", "d") | {"module": "keras.src.ops.numpy"},
    )
    assert run(write_keras(tmp_path / "m.keras", config | {"module": "keras"})).classes == (("Mine", "b"), ("Odd", "c"))


@pytest.mark.parametrize("write", [write_h5, write_keras])
def test_keras2_is_put_right(tmp_path: Path, write: Any) -> None:
    config = model(
        layer("InputLayer", "in", batch_input_shape=[None, 4]),
        layer("DepthwiseConv2D", "depthwise", groups=1, strides=[1, 1]),
        layer("Conv2D", "grouped", groups=2),
        layer("Conv2DTranspose", "transposed", groups=1),
        layer("SeparableConv2D", "separable", groups=1, kernel_initializer={}, depthwise_initializer={}),
        layer("Bidirectional", "both", layer=layer("LSTM", "lstm", time_major=False, unroll=False)),
        layer("BatchNormalization", "norm", axis=[3]),
        layer("ThresholdedReLU", "threshold", theta=0.5),
        layer("Dense", "dense", activation="hard_sigmoid", batch_input_shape=[None, 4]),
        layer("GRU", "gru", recurrent_activation="hard_sigmoid", activation="tanh"),
    )
    fixed = corrected(write(tmp_path / "m", config, "2.12.0"))
    assert fixed["in"]["config"]["batch_input_shape"] == [None, 4]
    assert fixed["depthwise"]["config"] == {"name": "depthwise", "strides": [1, 1]}
    assert fixed["grouped"]["config"]["groups"] == 2
    assert fixed["transposed"]["config"] == {"name": "transposed"}
    assert fixed["separable"]["config"] == {"name": "separable", "depthwise_initializer": {}}
    assert fixed["lstm"]["config"] == {"name": "lstm", "unroll": False}
    assert fixed["norm"]["config"]["axis"] == 3
    assert fixed["threshold"] == layer("ReLU", "threshold", threshold=0.5)
    assert fixed["dense"]["config"]["activation"]["config"] == KERAS2_HARD_SIGMOID
    assert "batch_input_shape" not in fixed["dense"]["config"]
    assert fixed["gru"]["config"]["recurrent_activation"]["config"] == KERAS2_HARD_SIGMOID
    assert fixed["gru"]["config"]["activation"] == "tanh"


@pytest.mark.parametrize("write", [write_h5, write_keras])
def test_keras3_is_left_alone(tmp_path: Path, write: Any) -> None:
    config = model(
        layer(
            "Dense",
            "dense",
            activation="hard_sigmoid",
            dtype={"class_name": "DTypePolicy", "config": {"name": "float32"}},
        ),
        layer("Conv2D", "half", dtype={"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}),
    )
    fixed = corrected(write(tmp_path / "m", config))
    assert fixed["dense"] == config["config"]["layers"][0]
    assert fixed["half"]["config"]["dtype"]["config"]["name"] == "float32"


def test_the_model_itself_is_not_changed(tmp_path: Path) -> None:
    path = write_h5(tmp_path / "m.h5", model(layer("DepthwiseConv2D", "d", groups=1)), "2.9.0")
    path.chmod(0o444)
    before = path.read_bytes()
    assert "groups" not in corrected(path)["d"]["config"]
    assert path.read_bytes() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data(), kind=st.sampled_from(["h5", "keras"]))
def test_damaged_files_are_an_error_or_a_model(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    write = write_h5 if kind == "h5" else write_keras
    path = write(tmp_path / f"m.{kind}", model(layer("Dense", "d")))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    failed = None
    try:
        assert run(path).path.is_file()
    except TinygenError as error:
        failed = str(error)
    assert failed is None or path.name in failed
