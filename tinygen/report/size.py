"""What a firmware takes of its board: RAM and flash, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from tinygen.boards import Board
from tinygen.plan import Plan, shared_regions
from tinygen.regions import RegionUse
from tinygen.stack import Stack


@dataclass(frozen=True, slots=True)
class Size:
    """All in bytes. `ram` is static RAM with the arena in it, `flash` everything that is written to flash.

    `regions`: what of the arena lies in each region, on boards that have any; `ram` counts those with a linker section
    of their own as little as the board's `ram_bytes` does. `state` is static RAM beside the arena: variables, kept
    rows, and what a front end keeps. `ram` and `flash` are None while there is no firmware: nothing was built yet, or
    `overflow`, what the linker said of one that is too large. `stack` is what NAME_invoke needs, None where that is not
    known. `flash_regions`: what constants take of each flash, on boards that have several; `flash` does not count those
    with a linker section of their own.
    """

    arena: int
    constants: int
    ram: int | None = None
    flash: int | None = None
    overflow: str = ""
    stack: int | None = None
    regions: tuple[RegionUse, ...] = ()
    state: int = 0
    flash_regions: tuple[RegionUse, ...] = ()

    @property
    def main_constants(self) -> int:
        """The constants that lie where code does."""
        return self.constants - sum(use.bytes for use in self.flash_regions if use.region.section)

    @property
    def static_arena(self) -> int:
        """The part of the arena that lies where static data does."""
        return self.arena - sum(use.bytes for use in self.regions if not use.region.is_static)

    @property
    def code(self) -> int | None:
        """Flash apart from the model's constants: kernels, schedule, runtime, framework."""
        return None if self.flash is None else self.flash - self.main_constants

    def fits(self, board: Board) -> bool:
        """Whether it leaves the board's stack reserve free; before a build, by arena and constants alone."""
        ram = self.static_arena + self.state if self.ram is None else self.ram
        flash = self.main_constants if self.flash is None else self.flash
        if self.overflow or not all(use.fits for use in (*self.regions, *self.flash_regions)):
            return False
        return ram + self.reserve(board) <= board.ram_bytes and flash <= board.flash_bytes

    def reserve(self, board: Board) -> int:
        """What static data must leave to the stack; a board whose stacks lie elsewhere reserves nothing."""
        return max(board.stack_bytes, self.stack or 0) if board.stack_bytes else 0


def planned_size(plans: Sequence[Plan], stacks: Sequence[Stack]) -> Size:
    """What is known before a firmware is built; several models share an arena as large as the largest of them needs."""
    regions = shared_regions(plans)
    arena = sum(use.bytes for use in regions) if regions else max(plan.arena_bytes for plan in plans)
    known = [stack.invoke_bytes for stack in stacks if stack.invoke_bytes is not None]
    stack = max(known) if len(known) == len(plans) else None
    state = sum(plan.static_bytes for plan in plans)
    constants = sum(plan.const_bytes for plan in plans)
    flash = zip(*(plan.flash for plan in plans), strict=True)
    constant = tuple(RegionUse(each[0].region, sum(use.bytes for use in each)) for each in flash)
    return Size(arena, constants, stack=stack, regions=regions, state=state, flash_regions=constant)


def size_json(size: Size, board: Board) -> dict[str, object]:
    """The keys of SPEC section 5."""
    return {
        "arena_bytes": size.arena,
        "regions": regions_json(size.regions),
        "flash_regions": regions_json(size.flash_regions),
        "state_bytes": size.state,
        "ram_bytes": size.ram,
        "code_bytes": size.code,
        "const_bytes": size.constants,
        "flash_bytes": size.flash,
        "stack_bytes": size.stack,
        "board_ram_bytes": board.ram_bytes,
        "board_flash_bytes": board.flash_bytes,
        "fits": size.fits(board),
    }


def regions_json(regions: tuple[RegionUse, ...]) -> list[dict[str, object]]:
    """What lies in each region of a board, the fastest first."""
    return [
        {"name": use.region.name, "bytes": use.bytes, "board_bytes": use.region.bytes, "fits": use.fits}
        for use in regions
    ]


def size_table(size: Size, board: Board) -> Table:
    """A table of what goes into RAM and flash, against what the board has."""
    table = Table(title=f"{board.title}: {'fits' if size.fits(board) else 'does not fit'}", title_justify="left")
    for header in ("memory", "part", "bytes", "of the board"):
        table.add_column(header, justify="right" if header in ("bytes", "of the board") else "left")
    other = None if size.ram is None else size.ram - size.static_arena - size.state
    rows = (
        *((use.region.name, "arena", use.bytes, use.region.bytes) for use in size.regions if not use.region.is_static),
        ("RAM", "arena", size.static_arena, board.ram_bytes),
        ("RAM", "state kept between inferences", size.state or None, board.ram_bytes),
        ("RAM", "other static data", other, board.ram_bytes),
        ("RAM", "reserved for the stack", size.reserve(board), board.ram_bytes),
        ("flash", "code", size.code, board.flash_bytes),
        ("flash", "model constants", size.main_constants, board.flash_bytes),
        *((u.region.name, "model constants", u.bytes, u.region.bytes) for u in size.flash_regions if u.region.section),
    )
    for memory, part, used, available in rows:
        if used is not None:
            table.add_row(memory, part, f"{used:,}", f"{100 * used / available:.1f} % of {available:,}")
    return table
