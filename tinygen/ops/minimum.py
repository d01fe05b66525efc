"""MINIMUM, int8; see _extremum.py."""

from __future__ import annotations

from tinygen.ops._extremum import Extremum


class Minimum(Extremum):
    kind = "MINIMUM"
    largest = False
