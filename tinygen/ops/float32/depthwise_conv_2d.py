"""DEPTHWISE_CONV_2D, float32, any depth multiplier; weights may be int8 with scales, stored as float32."""

from __future__ import annotations

import numpy as np

from tinygen.ir import Array, Graph, Op
from tinygen.ops.base import reject
from tinygen.ops.float32._conv import FloatConv
from tinygen.ops.float32._float import float_weights


class DepthwiseConv2D(FloatConv):
    kind = "DEPTHWISE_CONV_2D"
    kernel = "depthwise_conv_2d_f32"
    channel_axis = 3

    def check(self, graph: Graph, op: Op) -> None:
        super().check(graph, op)
        x, weights = graph.required(op, 0), graph.required(op, 1)
        if weights.shape[0] != 1 or weights.shape[3] % x.shape[3]:
            raise reject(op, f"input {x.shape} does not fit weights {weights.shape}")

    def sums(self, graph: Graph, op: Op, patches: Array) -> Array:
        weights = float_weights(graph, op, 1)[0]
        repeated = np.repeat(patches, weights.shape[2] // patches.shape[5], axis=5)
        total = np.zeros((*patches.shape[:3], weights.shape[2]), np.float32)
        for ky, kx in np.ndindex(weights.shape[:2]):
            total += repeated[:, :, :, ky, kx] * weights[ky, kx]
        return total

    def macs(self, graph: Graph, op: Op) -> int:
        weights = graph.required(op, 1)
        return graph.output(op).elements * weights.shape[1] * weights.shape[2]
