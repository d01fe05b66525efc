"""The last step of a front end: offset, scale and the quantization of a model's input as one multiplication.

Place in the flow: made for a model by front_end.py; framing.py and templates/features/tg_quantize_features.h do it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from tinygen.errors import TinygenError
from tinygen.features.definition import Definition

_MULTIPLIER_BITS = 23
_MOST_SHIFT = 30


@dataclass(frozen=True, slots=True)
class Folding:
    """A value v of feature i becomes clamp((v * multipliers[i] + addends[i]) >> shift, -128, 127), in 64 bits.

    One multiplier and addend for all features, or one for each feature of a channel.
    """

    multipliers: tuple[int, ...]
    addends: tuple[int, ...]
    shift: int


def fold(definition: Definition, scale: float, zero_point: int) -> Folding:
    """The folding into an input of this scale and zero point: round(feature / scale) + zero_point, halves upwards.

    Of exact fractions, so that every machine makes the same. Raises TinygenError where the numbers leave 64 bits.
    """
    count = max(len(definition.offset), len(definition.scale))
    offsets, scales = (x * (count // len(x)) for x in (definition.offset, definition.scale))
    steps = [Fraction(s) * Fraction(scale) for s in scales]
    factors = [1 / (step * (1 << definition.fraction_bits)) for step in steps]
    shift = min(_MOST_SHIFT, _MULTIPLIER_BITS - math.frexp(float(max(factors)))[1])
    zeros = [zero_point - Fraction(offset) / step + Fraction(1, 2) for offset, step in zip(offsets, steps, strict=True)]
    if shift < 0 or max(abs(zero) for zero in zeros) * (1 << shift) >= 1 << 62:
        raise TinygenError(
            "offset and scale of the features do not fit the model's input", "choose a larger scale, or train anew"
        )
    multipliers = tuple(min(round(factor * (1 << shift)), (1 << _MULTIPLIER_BITS) - 1) for factor in factors)
    return Folding(multipliers, tuple(round(zero * (1 << shift)) for zero in zeros), shift)
