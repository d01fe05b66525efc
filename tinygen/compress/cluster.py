"""Weight clustering: each tensor keeps so many different values (k-means in one dimension).

Place in the flow: worker.py calls `clustered` last; training behind it would undo it. `clustered` imports TensorFlow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygen.compress.job import Palette
from tinygen.ir import Array

_ROUNDS = 30


def clustered(model: Any, clusters: int) -> Palette:
    """Cluster the kernels of convolutions and dense layers in place; what that could save if there were kernels."""
    import keras

    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Dense)
    tensors = weights = 0
    for layer in model.layers:
        if isinstance(layer, kinds) and layer.get_weights():
            kernel, *rest = layer.get_weights()
            layer.set_weights([nearest(kernel, clusters), *rest])
            tensors, weights = tensors + 1, weights + kernel.size
    bits = max(1, math.ceil(math.log2(clusters)))
    return Palette(clusters, tensors, weights, weights, -(-weights * bits // 8) + tensors * clusters)


def nearest(values: Array, clusters: int) -> Array:
    """The values, each moved to the nearest of at most `clusters` centres, of the same shape and type.

    Lloyd's algorithm from equally spaced quantiles: in one dimension a sort and a search are enough.
    """
    flat = np.sort(values.reshape(-1).astype(np.float64))
    centres = np.unique(np.quantile(flat, np.linspace(0, 1, clusters)))
    sums = np.concatenate([[0.0], np.cumsum(flat)])
    for _ in range(_ROUNDS):
        edges = np.searchsorted(flat, (centres[1:] + centres[:-1]) / 2)
        bounds = np.concatenate([[0], edges, [len(flat)]])
        counts = np.diff(bounds)
        means = np.diff(sums[bounds]) / np.maximum(counts, 1)
        centres = np.where(counts > 0, means, centres)
    chosen = np.searchsorted((centres[1:] + centres[:-1]) / 2, values)
    moved: Array = centres[chosen].astype(values.dtype)
    return moved
