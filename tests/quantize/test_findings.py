"""What is said about data: each oddity is named, and data without it is left alone. And shifts of the input."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tinygen.ir import Array
from tinygen.load.subset import Coverage
from tinygen.quantize import robust
from tinygen.quantize.findings import (
    Finding,
    class_findings,
    coverage_findings,
    data_findings,
    input_findings,
    prepared_findings,
    scale_findings,
    twice_findings,
)
from tinygen.quantize.robust import Subject, blurred, moved

RNG = np.random.default_rng(5)
SIGNAL: Array = RNG.normal(0, 1, (40, 16, 3)).astype(np.float32)


def causes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.cause for finding in found]


def test_good_data_is_left_alone() -> None:
    other = RNG.normal(0, 1, (40, 16, 3)).astype(np.float32)
    assert data_findings({"x": SIGNAL}, {"x": other}) == ()


def test_ranges_that_the_calibration_never_reaches() -> None:
    (cause,) = causes(data_findings({"x": SIGNAL / 10}, {"x": SIGNAL}))
    assert "those to calibrate with only from -0.3" in cause
    assert "may be cut off" in cause


def test_a_channel_without_signal() -> None:
    still = SIGNAL.copy()
    still[:, :, 1] = 0.25
    found = causes(data_findings({"x": still}, None))
    assert "channel 1 never changes (of 3)" in found
    still[:, :, 2] = 0
    assert "channels 1, 2 never change (of 3)" in causes(data_findings({"x": still}, None))


def test_samples_on_both_sides() -> None:
    (cause,) = causes(data_findings({"x": SIGNAL[:30]}, {"x": SIGNAL[28:]}))
    assert cause.startswith("2 of 12 test samples also calibrate")


def test_what_a_subset_leaves_out() -> None:
    assert coverage_findings(Coverage(30, 500, 4, 4, (("x", 0.9),))) == ()
    found = causes(coverage_findings(Coverage(30, 500, 3, 4, (("x", 0.5),))))
    assert found == [
        "the 30 samples to calibrate with reach 50% of the range of all",
        "1 of 4 classes are not among the samples to calibrate with",
    ]


@pytest.mark.parametrize(
    ("factor", "remedy"),
    [(255.0, "divide them by 255"), (1 / 200, "multiply them by 255"), (10.0, "exactly as for training")],
)
def test_the_scale_of_training(factor: float, remedy: str) -> None:
    (finding,) = scale_findings("bn", np.array([factor, factor * 1.2, np.inf]), np.zeros(3))
    assert remedy in finding.remedy


def test_the_mean_of_training() -> None:
    assert scale_findings("bn", np.ones(3), np.array([0.1, -0.4, np.nan])) == ()
    (cause,) = causes(scale_findings("bn", np.ones(3), np.array([-2.0, 1.8, 1.9])))
    assert cause == "the mean of its input lies 1.9 deviations off that of training"


def test_scaled_twice() -> None:
    unit = {"x": np.linspace(0, 1, 10, dtype=np.float32)}
    assert len(twice_findings(1 / 255, unit)) == 1
    assert twice_findings(1 / 255, {"x": unit["x"] * 255}) == ()
    assert twice_findings(None, unit) == twice_findings(1.0, unit) == ()


def test_prepared_as_for_training() -> None:
    classes = np.arange(60) % 3
    right, seldom, never = np.arange(60) < 57, np.arange(60) < 20, np.zeros(60, bool)
    assert prepared_findings(right, {"divided by 255": seldom}, classes) == ()
    (cause,) = causes(prepared_findings(seldom, {"a": never, "divided by 255": right}, classes))
    assert cause == "the float model is right in 33% of the samples, but in 95% when they are divided by 255"
    (cause,) = causes(prepared_findings(seldom, {"a": never}, classes))
    assert "always the most frequent class is in 33%" in cause
    assert class_findings(classes, 3) == ()
    assert "class 2, the model's output has 2 values" in causes(class_findings(classes, 2))[0]


def test_the_range_of_an_int8_input() -> None:
    x = np.linspace(0, 1, 50, dtype=np.float32)
    assert input_findings("x", 0.0, 1.0, x) == ()
    assert "of the data lies outside (0 to 255)" in causes(input_findings("x", 0.0, 1.0, x * 255))[0]
    assert causes(input_findings("x", 0.0, 1.0, x / 10)) == ["it takes 0 to 1, the data reaches only 0 to 0.1"]


def test_blur_keeps_what_is_flat_and_spreads_a_point() -> None:
    point = np.zeros((1, 9, 9, 1), np.float32)
    point[0, 4, 4] = 1
    assert blurred(point, 1.0).sum() == pytest.approx(1, abs=1e-6)
    assert blurred(point, 1.0)[0, 4, 4, 0] == pytest.approx(0.16, abs=0.01)  # 1 / (2 pi), of a Gaussian of 1 px
    np.testing.assert_allclose(blurred(point, 1.0), blurred(point, 1.0).swapaxes(1, 2), atol=1e-7)
    np.testing.assert_allclose(blurred(np.ones((2, 8, 8, 3), np.float32), 2.0), 1, atol=1e-6)


def test_moved_along_the_first_axis_that_is_longer_than_1() -> None:
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 5)
    assert moved(x, 2)[0, 0].tolist() == [0, 0, 0, 1, 2]
    assert moved(np.ones((3, 1), np.float32), 2).tolist() == [[1], [1], [1]]


def _clipping(content: bytes, subject: Subject, samples: Mapping[str, Array]) -> Array:
    """Scores of two classes, the sign of the mean; what is called int8 cuts its input off at 1."""
    x = samples["x"].reshape(len(samples["x"]), -1)
    mean = (np.minimum(x, 1) if content == b"int8" else x).mean(1)
    return np.stack([-mean, mean], 1)


@pytest.mark.parametrize("is_accuracy", [True, False])
def test_a_regression_that_only_shifts_show_is_named(monkeypatch: pytest.MonkeyPatch, is_accuracy: bool) -> None:
    monkeypatch.setattr(robust, "_run", _clipping)
    x = np.tile(np.array([[0.5, -0.4]], np.float32), (100, 1))
    classes = np.ones(100, np.int64) if is_accuracy else None
    subject = Subject(b"int8", b"float", {"x": (1, 2)}, {"x": x}, classes, frozenset(), None)
    judge = robust._Judge.of(subject, {"x": x + 0.0}, classes)
    clean = judge.row("none", "", {"x": x})
    assert judge.findings == []
    assert clean.float_score == clean.int8_score
    same = judge.row("gain", "x1.25", {"x": x * 1.25})
    assert judge.findings == []
    assert same.sqnr_db == 60
    bad = judge.row("gain", "x4", {"x": x * 4})
    assert bad.sqnr_db is not None
    assert bad.sqnr_db < 1
    (finding,) = judge.findings
    assert finding.cause.startswith("under gain x4 int8 is")
    assert ("int8 is right in 0.0%, float in 100.0%" in finding.cause) == is_accuracy
