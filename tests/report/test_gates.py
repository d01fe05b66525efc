"""Thresholds: what passes, what does not, and what cannot be asked for."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tinygen.errors import TinygenError
from tinygen.report.gates import Limits, check_limits, need_judgeable
from tinygen.report.verdict import FloatVerdict

FLOATS = FloatVerdict(0.75, 0.5, 0.6, 0.25, 20.0)


@pytest.mark.parametrize(
    ("limits", "passed"),
    [
        (Limits(min_accuracy=0.5), True),
        (Limits(min_accuracy=0.51), False),
        (Limits(max_error=0.25), True),
        (Limits(max_error=0.2), False),
        (Limits(min_agreement=0.75), True),
        (Limits(min_agreement=0.76), False),
    ],
)
def test_a_limit_itself_passes(limits: Limits, passed: bool) -> None:
    (gate,) = check_limits(limits, 0.5, FLOATS)
    assert gate.passed is passed
    assert f"{gate.limit:g} wanted" in gate.text


def test_nothing_asked_nothing_judged() -> None:
    assert check_limits(Limits(), 0.5, FLOATS) == ()
    assert len(check_limits(Limits(0.1, 0.1, 0.1), 0.5, FLOATS)) == 3


def test_nan_passes_nothing() -> None:
    (gate,) = check_limits(Limits(max_error=1e9), None, replace(FLOATS, max_error=math.nan))
    assert not gate.passed


@pytest.mark.parametrize(
    ("limits", "known", "said"),
    [
        (Limits(min_accuracy=0.5), (True, False, True), "has no y_test"),
        (Limits(max_error=1.0), (False, True, True), "no float model"),
        (Limits(min_agreement=0.5), (False, True, True), "no float model"),
        (Limits(min_agreement=0.5), (True, True, False), "no classes"),
    ],
)
def test_what_cannot_be_measured_is_refused(limits: Limits, known: tuple[bool, bool, bool], said: str) -> None:
    with pytest.raises(TinygenError, match=said):
        need_judgeable(limits, *known, "kws")
    need_judgeable(limits, True, True, True, "kws")
