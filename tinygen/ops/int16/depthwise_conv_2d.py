"""DEPTHWISE_CONV_2D, int16 with int8 weights, bias int64; equals DepthwiseConvPerChannel for int16."""

from __future__ import annotations

from tinygen.ir import DType
from tinygen.ops import depthwise_conv_2d


class DepthwiseConv2D(depthwise_conv_2d.DepthwiseConv2D):
    kind = "DEPTHWISE_CONV_2D"
    dtype = DType.INT16
    kernel = "depthwise_conv_2d_s16"
