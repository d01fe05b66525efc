"""Models as TensorFlow Model Optimization leaves them: run as a script, with tf_keras.

Argument: a folder. It gets data.npz, qat.h5, pruned.h5, pruned.keras, clustered.h5, and NAME.npy: their
outputs on x_test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras

L = keras.layers


def _network() -> Any:
    x = inputs = L.Input((8, 8, 1), name="x")
    x = L.Conv2D(8, 3, padding="same", use_bias=False, name="conv")(x)
    x = L.ReLU(name="relu")(L.BatchNormalization(name="bn")(x))
    x = L.ReLU(name="relu2")(L.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    x = L.Conv2D(12, 1, activation="relu", name="pointwise")(x)
    x = L.Flatten()(L.AveragePooling2D(4)(x))
    return keras.Model(inputs, L.Dense(4, activation="softmax", name="classes")(x))


def _fit(model: Any, x: Any, y: Any, epochs: int, *callbacks: Any) -> Any:
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=list(callbacks))
    return model


def main(folder: Path) -> None:
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 600)
    x = rng.normal(0, 0.3, (600, 8, 8, 1)).astype(np.float32)
    for i, place in enumerate(y):
        x[i, 4 * (place // 2) : 4 * (place // 2) + 4, 4 * (place % 2) : 4 * (place % 2) + 4] += 0.5
    np.savez(folder / "data.npz", x_calibration=x[:400], x_test=x[400:], y_test=y[400:])
    trained = _fit(_network(), x[:400], y[:400], 6)

    def keep(name: str, model: Any, *suffixes: str) -> None:
        for suffix in suffixes:
            model.save(folder / f"{name}{suffix}")
        np.save(folder / f"{name}.npy", np.asarray(model(x[400:], training=False)))

    quantized = tfmot.quantization.keras.quantize_model(trained)
    keep("qat", _fit(quantized, x[:400], y[:400], 3), ".h5")
    half = tfmot.sparsity.keras.ConstantSparsity(0.5, 0)
    sparse = tfmot.sparsity.keras.prune_low_magnitude(trained, pruning_schedule=half)
    keep("pruned", _fit(sparse, x[:400], y[:400], 2, tfmot.sparsity.keras.UpdatePruningStep()), ".h5", ".keras")
    how = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
    clustered = tfmot.clustering.keras.cluster_weights(trained, number_of_clusters=8, cluster_centroids_init=how)
    clustered.save(folder / "clustered.h5")
    keep("clustered", tfmot.clustering.keras.strip_clustering(clustered))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
