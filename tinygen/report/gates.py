"""Thresholds that make a test a gate: --min-accuracy, --max-error, --min-agreement.

Place in the flow: report/tested.py judges a run against them. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygen.errors import TinygenError
from tinygen.report.verdict import FloatVerdict


@dataclass(frozen=True, slots=True)
class Limits:
    """What was asked for; None where it was not. Accuracy and agreement from 0 to 1, the error in real units."""

    min_accuracy: float | None = None
    max_error: float | None = None
    min_agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit and what was measured; `name` is the option's without dashes."""

    name: str
    limit: float
    value: float
    passed: bool

    @property
    def text(self) -> str:
        """In one line."""
        what, _, of = self.name.partition("-")
        return f"{of} {self.value:.6g}, {'at least' if what == 'min' else 'at most'} {self.limit:.6g} wanted"


def need_judgeable(limits: Limits, has_floats: bool, has_labels: bool, has_classes: bool, name: str) -> None:
    """Raise TinygenError for a limit on something that cannot be measured with this model and data."""
    hint = "give the Keras model, or the vectors file of --vectors"
    if limits.min_accuracy is not None and not has_labels:
        raise TinygenError(f"--min-accuracy: the data of {name} has no y_test", "add y_test, the samples' classes", 2)
    if limits.max_error is not None and not has_floats:
        raise TinygenError(f"--max-error: there is no float model of {name} to compare with", hint, 2)
    if limits.min_agreement is not None and not (has_floats and has_classes):
        what = "its output is no classes" if has_floats else "there is no float model to compare with"
        raise TinygenError(f"--min-agreement: {name} cannot agree on a class, {what}", hint, 2)


def check_limits(limits: Limits, accuracy: float | None, floats: FloatVerdict | None) -> tuple[Gate, ...]:
    """The limits that were given, against what came out; what could not be measured was refused before."""
    error, agreement = (floats.max_error, floats.top1_agreement) if floats else (None, None)
    measured = (
        ("min-accuracy", limits.min_accuracy, accuracy, 1),
        ("max-error", limits.max_error, error, -1),
        ("min-agreement", limits.min_agreement, agreement, 1),
    )
    return tuple(
        # not <=: a NaN passes nothing
        Gate(name, limit, value, sign * value >= sign * limit)
        for name, limit, value, sign in measured
        if limit is not None and value is not None
    )
