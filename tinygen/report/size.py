"""What a firmware takes of its board: RAM and flash, and of what."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from tinygen.boards import Board
from tinygen.plan import Plan
from tinygen.stack import Stack


@dataclass(frozen=True, slots=True)
class Size:
    """All in bytes. `ram` is static RAM with the arena in it, `flash` everything that is written to flash.

    `ram` and `flash` are None while there is no firmware: nothing was built yet, or `overflow`, what the
    linker said of one that is too large. `stack` is what NAME_invoke needs, None where that is not known.
    """

    arena: int
    constants: int
    ram: int | None = None
    flash: int | None = None
    overflow: str = ""
    stack: int | None = None

    @property
    def code(self) -> int | None:
        """Flash apart from the model's constants: kernels, schedule, runtime, framework."""
        return None if self.flash is None else self.flash - self.constants

    def fits(self, board: Board) -> bool:
        """Whether it leaves the board's stack reserve free; before a build, by arena and constants alone."""
        ram = self.arena if self.ram is None else self.ram
        flash = self.constants if self.flash is None else self.flash
        return not self.overflow and ram + self.reserve(board) <= board.ram_bytes and flash <= board.flash_bytes

    def reserve(self, board: Board) -> int:
        """What static data must leave to the stack; a board whose stacks lie elsewhere reserves nothing."""
        return max(board.stack_bytes, self.stack or 0) if board.stack_bytes else 0


def planned_size(plan: Plan, stack: Stack) -> Size:
    """What is known before a firmware is built."""
    return Size(plan.arena_bytes, plan.program.const_bytes, stack=stack.invoke_bytes)


def size_json(size: Size, board: Board) -> dict[str, object]:
    """The keys of SPEC section 5."""
    return {
        "arena_bytes": size.arena,
        "ram_bytes": size.ram,
        "code_bytes": size.code,
        "const_bytes": size.constants,
        "flash_bytes": size.flash,
        "stack_bytes": size.stack,
        "board_ram_bytes": board.ram_bytes,
        "board_flash_bytes": board.flash_bytes,
        "fits": size.fits(board),
    }


def size_table(size: Size, board: Board) -> Table:
    """A table of what goes into RAM and flash, against what the board has."""
    table = Table(title=f"{board.title}: {'fits' if size.fits(board) else 'does not fit'}", title_justify="left")
    for header in ("memory", "part", "bytes", "of the board"):
        table.add_column(header, justify="right" if header in ("bytes", "of the board") else "left")
    other = None if size.ram is None else size.ram - size.arena
    rows = (
        ("RAM", "arena", size.arena, board.ram_bytes),
        ("RAM", "other static data", other, board.ram_bytes),
        ("RAM", "reserved for the stack", size.reserve(board), board.ram_bytes),
        ("flash", "code", size.code, board.flash_bytes),
        ("flash", "model constants", size.constants, board.flash_bytes),
    )
    for memory, part, used, available in rows:
        if used is not None:
            table.add_row(memory, part, f"{used:,}", f"{100 * used / available:.1f} % of {available:,}")
    return table
