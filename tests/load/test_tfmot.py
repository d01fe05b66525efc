"""Models of TensorFlow Model Optimization: trained for quantization, pruned, clustered."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.exact.cases import NIGHTLY
from tests.support.cli import tinygen
from tinygen import reference
from tinygen.load.tflite import load_tflite

HERE = all(importlib.util.find_spec(name) for name in ("tf_keras", "tensorflow_model_optimization", "tensorflow"))
WRAPPED = ("qat.h5", "pruned.h5", "pruned.keras", "clustered.h5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not HERE:
        pytest.skip("tf-keras and tensorflow-model-optimization are not installed")
    path = tmp_path_factory.mktemp("tfmot")
    script = Path(__file__).with_name("make_tfmot.py")
    done = subprocess.run([sys.executable, str(script), str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.skipif(not NIGHTLY, reason="trains with Keras 2: only with TINYGEN_NIGHTLY")
@pytest.mark.parametrize("name", WRAPPED)
def test_it_becomes_int8(folder: Path, name: str) -> None:
    """As near to what the model computed in training as int8 is, and all of it int8."""
    output = f"{name}.tflite"
    report = tinygen("quantize", name, "--data", "data.npz", "-o", output, "--json", cwd=folder).json()
    learned = name.startswith("qat")
    assert ("learned in training" in report["calibration"]) is learned
    assert (report["quality"] is None) is learned
    assert report["random_calibration"] is False
    assert [(t["name"], t["dtype"]) for t in report["inputs"]] == [("x", "int8")]
    model = load_tflite(folder / output, "m")
    assert not any(tensor.dtype.value == "float32" for tensor in model.graph.tensors)
    before, after = (model.graph.tensors[i] for i in (model.graph.inputs[0], model.graph.outputs[0]))
    with np.load(folder / "data.npz") as file:
        steps = np.round(file["x_test"] / np.float32(before.scale)) + before.zero_point
        classes = file["y_test"]
    samples = np.clip(steps, -128, 127).astype(np.int8)[:, None]
    got = np.concatenate([reference.run(model.graph, [x])[0] for x in samples])
    real = np.load(folder / f"{Path(name).stem}.npy")
    assert np.abs((got.astype(float) - after.zero_point) * after.scale - real).max() < 0.1
    assert (got.argmax(1) == real.argmax(1)).mean() > 0.97
    assert (got.argmax(1) == classes).mean() > 0.9


@pytest.mark.skipif(not NIGHTLY, reason="trains with Keras 2: only with TINYGEN_NIGHTLY")
def test_learned_ranges_on_a_board(folder: Path) -> None:
    report = tinygen("test", "--board", "host", "qat.h5", "--data", "data.npz", "--json", cwd=folder).json()
    assert report["pass"] is True
    assert report["top1_agreement"] > 0.97
    arguments = ("qat.h5", "--data", "data.npz", "--target-drop", "1%")
    assert "ranges are learned" in tinygen("quantize", *arguments, cwd=folder).error()
    assert "by tfmot" in tinygen("compress", "qat.h5", "--macs", "50%", cwd=folder).error()


@pytest.mark.skipif(HERE, reason="the extra is installed")
def test_the_extra_is_named(tmp_path: Path) -> None:
    layer = {"class_name": "Conv2D", "config": {"name": "conv", "filters": 2, "kernel_size": 1}}
    wrapper = {"class_name": "QuantizeWrapperV2", "config": {"name": "quant_conv", "layer": layer}}
    config = {"class_name": "Functional", "config": {"name": "m", "layers": [wrapper]}}
    with h5py.File(tmp_path / "qat.h5", "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(config), "2.21.0"
        file.create_group("model_weights")
    result = tinygen("quantize", "qat.h5", cwd=tmp_path)
    assert "layers of TensorFlow Model Optimization; not installed: tf_keras" in result.error()
    assert "tinygen[qat]" in result.err
