"""The memories of a board that arenas may lie in.

Place in the flow: from boards.py to plan/, render/ and the report.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A memory, `bytes` of it for arenas. `section` is the linker's; empty: where static variables are."""

    name: str
    bytes: int
    section: str


@dataclass(frozen=True, slots=True)
class RegionUse:
    """What an arena takes of a region, in bytes."""

    region: Region
    bytes: int

    @property
    def fits(self) -> bool:
        return self.bytes <= self.region.bytes
