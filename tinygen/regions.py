"""The memories of a board that arenas may lie in.

Place in the flow: from boards.py to plan/, render/ and the report.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """A memory, `bytes` of it for arenas. `section` is the linker's; empty: where static variables are.

    heap: not empty where the memory can only be had from the heap: what heap_caps_aligned_alloc() is asked for.
    """

    name: str
    bytes: int
    section: str
    heap: str = ""

    @property
    def is_static(self) -> bool:
        """Whether its arena is one of the program's static variables."""
        return not self.section and not self.heap


@dataclass(frozen=True, slots=True)
class RegionUse:
    """What an arena takes of a region, in bytes."""

    region: Region
    bytes: int

    @property
    def fits(self) -> bool:
        return self.bytes <= self.region.bytes
