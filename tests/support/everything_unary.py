"""The unary operators that TFLM has, PRELU, L2_NORMALIZATION and LOG_SOFTMAX, as a chain for support/everything.py."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import ModelBuilder

# each operator's output: scale, zero point, options
_CHAIN: tuple[tuple[str, float, int, dict[str, object]], ...] = (
    ("LEAKY_RELU", 0.02, -60, {"alpha": 0.25}),
    ("TANH", 1 / 128, 0, {}),
    ("ELU", 0.01, 10, {}),
    ("HARD_SWISH", 0.005, -20, {}),
    ("ABS", 0.004, -128, {}),
    ("RSQRT", 0.008, -128, {}),
    ("LOGISTIC", 1 / 256, -128, {}),
    ("L2_NORMALIZATION", 1 / 128, 0, {"fusedActivationFunction": 0}),
    ("LOG_SOFTMAX", 1 / 16, 127, {}),
)


def unary_chain(b: ModelBuilder, x: int) -> int:
    """PRELU, then the chain; the output has x's shape, of any quantization."""
    alpha = b.constant(np.arange(-20, -20 + b.shape(x)[-1], dtype=np.int8), 0.02)
    y = b.tensor(b.shape(x), 0.02, -60)
    b.op("PRELU", [x, alpha], [y])
    for kind, scale, zero_point, options in _CHAIN:
        x, y = y, b.tensor(b.shape(x), scale, zero_point)
        b.op(kind, [x], [y], **options)
    return y
