"""The files that the fuzzer spoils: models in which every operator stands, single operators, and real ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tests.exact.cases import GENERATORS
from tests.support.everything import everything_model
from tests.support.tflite_builder import ModelBuilder

_REAL = Path(__file__).resolve().parents[3] / "shared" / "models"
_LARGEST = 120_000  # bytes; what is spoiled in a large file is nearly always a weight
_CASES_OF_AN_OPERATOR = 4


@cache
def operators() -> dict[str, bytes]:
    """Models of one operator, some of each form of each operator."""
    return {f"{kind} {number}": _case(kind, number) for kind in GENERATORS for number in range(_CASES_OF_AN_OPERATOR)}


def _case(kind: str, number: int) -> bytes:
    b = ModelBuilder()
    made = GENERATORS[kind](b, np.random.default_rng(number))
    return b.build([made] if isinstance(made, int) else made)


@cache
def whole_models() -> dict[str, bytes]:
    """Models of many operators; the MLPerf Tiny ones only where ../shared/models is."""
    real = [path for path in sorted(_REAL.glob("*.tflite")) if path.stat().st_size <= _LARGEST]
    return {
        "everything": everything_model(),
        **{path.name: path.read_bytes() for path in real if "float" not in path.name},
    }
