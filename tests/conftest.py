"""Hypothesis draws the same examples in every run; `make nightly` draws many more."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=100)
settings.register_profile("nightly", derandomize=True, database=None, deadline=None, max_examples=5000)
settings.load_profile("nightly" if "TINYGEN_NIGHTLY" in os.environ else "ci")
