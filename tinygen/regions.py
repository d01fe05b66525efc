"""The memories of a board that arenas may lie in, and constants.

Place in the flow: from boards.py to plan/, render/ and the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Region:
    """A memory, `bytes` of it for arenas, or of a `flash` for constants.

    `section` is the linker's; empty: where static variables are, or constants.
    heap: not empty where the memory can only be had from the heap: what heap_caps_aligned_alloc() is asked for.
    """

    name: str
    bytes: int
    section: str
    heap: str = ""
    flash: bool = False

    @property
    def is_static(self) -> bool:
        """Whether its arena is one of the program's static variables."""
        return not self.section and not self.heap


@dataclass(frozen=True, slots=True)
class RegionUse:
    """What an arena takes of a region, or constants, in bytes."""

    region: Region
    bytes: int

    @property
    def fits(self) -> bool:
        return self.bytes <= self.region.bytes


def left_over(regions: Sequence[Region], uses: Sequence[RegionUse]) -> tuple[Region, ...]:
    """The regions for one model more, behind one whose constants take `uses`; arenas are shared and take nothing."""
    used = {use.region.name: use.bytes for use in uses}
    return tuple(replace(region, bytes=max(region.bytes - used.get(region.name, 0), 0)) for region in regions)
