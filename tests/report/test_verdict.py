"""The verdicts, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygen.ir import DType, Quantization, Tensor
from tinygen.report.verdict import judge_code, judge_float

SCORES = Tensor("scores", (1, 3), DType.INT8, Quantization((0.5,), (-2,)))


def sample(*values: int) -> tuple[np.ndarray]:
    return (np.array([values], np.int8),)


def test_every_output_counts() -> None:
    verdict = judge_code([sample(1, 2, 3), sample(4, 5, 6)], [sample(1, 2, 3), sample(4, 9, 6)])
    assert (verdict.samples, verdict.outputs, verdict.bit_exact, verdict.passed) == (2, 6, 5, False)
    assert verdict.first_wrong == "sample 1, output 0, element 1: 5 instead of 9"
    assert judge_code([sample(1, 2, 3)], [sample(1, 2, 3)]).passed


def test_nothing_tested_is_not_passed() -> None:
    assert not judge_code([], []).passed


def test_floats_are_compared_by_their_bits() -> None:
    nan, zero = np.float32("nan"), np.float32(0.0)
    got, wanted = (np.array([nan, -zero], np.float32),), (np.array([nan, zero], np.float32),)
    assert judge_code([got], [wanted]).bit_exact == 1


def test_against_float() -> None:
    device = [sample(0, 2, -2), sample(6, 0, 0)]  # real: 1, 2, 0 and 4, 1, 1
    floats = np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 5.0]])
    verdict = judge_float(device, [SCORES], [floats], np.array([1, 2]), classes=True)
    assert verdict.top1_agreement == 0.5
    assert verdict.accuracy_device == 0.5
    assert verdict.accuracy_float == 1.0
    assert verdict.max_error == 4.0
    assert verdict.snr_db == pytest.approx(10 * math.log10(32 / 25))


def test_without_classes_there_is_no_top1() -> None:
    verdict = judge_float([sample(0, 2, -2)], [SCORES], [np.array([[1.0, 2.0, 0.0]])], None, classes=False)
    assert verdict.top1_agreement is None
    assert verdict.accuracy_device is None
    assert verdict.max_error == 0
    assert math.isinf(verdict.snr_db)


def test_one_score_is_a_probability() -> None:
    tensor = Tensor("p", (1, 1), DType.INT8, Quantization((1 / 256,), (-128,)))
    device = [(np.array([[100]], np.int8),), (np.array([[-100]], np.int8),)]
    verdict = judge_float(device, [tensor], [np.array([[0.9], [0.6]])], np.array([1, 0]), classes=True)
    assert verdict.top1_agreement == 0.5
    assert verdict.accuracy_device == 1.0
