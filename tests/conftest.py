"""Hypothesis draws the same examples in every run; `make nightly` draws many more."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=100)
settings.register_profile("nightly", derandomize=True, database=None, deadline=None, max_examples=5000)
settings.load_profile("nightly" if "TINYGEN_NIGHTLY" in os.environ else "ci")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many models and inferences were compared with TFLM, per operator and model."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    counts = sorted(str(v) for r in reports for name, v in r.user_properties if name == "exact")
    if counts:
        terminalreporter.section("compared to the bit: TFLM = numpy = C")
        terminalreporter.write_line("\n".join(counts))
