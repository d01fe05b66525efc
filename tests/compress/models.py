"""Models with channels that do nothing, and what is left of them: run as a script, it imports TensorFlow.

Argument: a folder. It gets plain.keras with plain.npz, and found.json: for each network how far the outputs are apart
after pruning, and the layers' widths before and after.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES="-1")

import keras
import numpy as np
from keras import layers as L

from tinygen.compress.channels import channels_of
from tinygen.compress.lowrank import factorised
from tinygen.compress.prune import macs_of, pruned

DEAD = 4  # of each group


def _separable(x: Any) -> Any:
    x = L.Conv2D(16, 3, padding="same", use_bias=False)(x)
    x = L.ReLU()(L.BatchNormalization()(x))
    x = L.ReLU()(L.BatchNormalization()(L.DepthwiseConv2D(3, strides=2, padding="same")(x)))
    x = L.Conv2D(24, 1, activation="relu")(x)
    x = L.Dense(16, activation="relu")(L.Flatten()(x))  # every place of a channel has rows of its own
    return L.Dense(5)(x)


def _residual(x: Any) -> Any:
    """Two layers whose channels are added, and one that reads their sum twice."""
    x = L.Conv2D(16, 3, padding="same", activation="relu")(x)
    y = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = L.Conv2D(16, 1, activation="relu")(y)
    x = L.Add()([x, y])
    x = L.Concatenate()([L.MaxPooling2D()(x), L.Conv2D(12, 2, strides=2, activation="tanh")(x)])
    return L.Dense(3)(L.GlobalAveragePooling2D()(x))


def _stubborn(x: Any) -> Any:
    """Channels that meet a layer which mixes them stay, as do those of the input and the output."""
    x = L.Conv2D(8, 3, activation="relu")(x)
    x = L.Reshape((12, -1))(x)  # 6 x 6 x 8: rows of 24
    return L.Conv1D(4, 3)(L.LayerNormalization()(x))


def _twice(x: Any) -> Any:
    layer = L.Conv2D(8, 3, padding="same", activation="relu")
    x = layer(layer(L.Conv2D(8, 1, activation="relu")(x)))
    return L.GlobalMaxPooling2D()(x)


NETWORKS: dict[str, Callable[[Any], Any]] = {
    "separable": _separable,
    "residual": _residual,
    "stubborn": _stubborn,
    "twice": _twice,
}


def _with_dead_channels(model: Any, rng: np.random.Generator) -> None:
    """DEAD channels of each group compute 0 from now on; all else gets numbers from everywhere."""
    channels = channels_of(model)
    dead = [a for group in channels.groups for a in rng.permutation(group)[:DEAD].tolist()]
    for layer in channels.layers:
        gone = np.isin(layer.output, dead)
        if layer.layer.weights:
            weights = [rng.normal(0.1, 0.5, w.shape).astype(np.float32) for w in layer.layer.get_weights()]
            if layer.normalises:
                weights[3] = np.abs(weights[3]) + 0.5
            for w in weights[: 2 if layer.normalises else None]:
                if layer.makes or layer.normalises or w.ndim == 1:
                    w[..., gone] = 0
            layer.layer.set_weights(weights)


def main(folder: Path) -> None:
    found = {}
    for name, network in NETWORKS.items():
        keras.utils.set_random_seed(3)
        rng = np.random.default_rng(3)
        inputs = keras.Input((8, 8, 3), name="x")
        model = keras.Model(inputs, network(inputs))
        _with_dead_channels(model, rng)
        x = rng.normal(0, 1, (20, 8, 8, 3)).astype(np.float32)
        channels = channels_of(model)
        small, lost = pruned(model, _part_without(channels))
        apart = float(np.abs(model.predict(x, verbose=0) - small.predict(x, verbose=0)).max())
        widths = {layer.layer: (layer.before, layer.after) for layer in lost}
        found[name] = {"apart": apart, "groups": sorted(map(len, channels.groups)), "widths": widths}
    found["low_rank"] = _low_rank()
    (folder / "found.json").write_text(json.dumps(found))
    _plain(folder)


def _part_without(channels: Any) -> float:
    """The part of the multiply-accumulates that is left when every group loses its dead channels."""
    removed = [a for group in channels.groups for a in group[:DEAD]]
    return macs_of(channels.layers, removed) / macs_of(channels.layers, []) if channels.groups else 0.5


def _low_rank() -> dict[str, Any]:
    """A kernel of rank 3 is one; one of full rank stays."""
    rng = np.random.default_rng(2)
    inputs = keras.Input((40,), name="x")
    x = L.Dense(30, activation="relu", name="thin")(inputs)
    model = keras.Model(inputs, L.Dense(20, name="full")(x))
    kernel = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30))
    model.get_layer("thin").set_weights([kernel, rng.normal(size=30)])
    model.get_layer("full").set_weights([np.linalg.qr(rng.normal(size=(30, 20)))[0], rng.normal(size=20)])
    small, found = factorised(model, 0.999)
    x = rng.normal(size=(20, 40)).astype(np.float32)
    apart = float(np.abs(model.predict(x, verbose=0) - small.predict(x, verbose=0)).max())
    return {"apart": apart, "layers": {layer.layer: (layer.before, layer.after) for layer in found}}


def _plain(folder: Path) -> None:
    """A trained classifier of where a spot is."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 800)
    x = rng.normal(0, 0.3, (800, 8, 8, 1)).astype(np.float32)
    for i, place in enumerate(y):
        x[i, 4 * (place // 2) : 4 * (place // 2) + 4, 4 * (place % 2) : 4 * (place % 2) + 4] += 0.5
    layers = [L.Conv2D(16, 3, activation="relu", name="first"), L.Conv2D(16, 3, activation="relu", name="second")]
    layers += [L.Flatten(), L.Dense(24, activation="relu", name="dense"), L.Dense(4, activation="softmax", name="out")]
    model = keras.Sequential([keras.Input((8, 8, 1), name="x"), *layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:500], y[:500], epochs=4, verbose=0)
    model.save(folder / "plain.keras")
    np.savez(folder / "plain.npz", x_calibration=x[:500], x_test=x[500:], y_test=y[500:])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
