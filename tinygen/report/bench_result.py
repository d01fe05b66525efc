"""What `tinygen bench` found: as JSON, as tables, and against a result that was saved before.

Place in the flow: after bench.py has counted; cli/bench.py prints it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from tinygen.errors import TinygenError


@dataclass(frozen=True, slots=True)
class LayerCount:
    """Of one layer, by its index in the plan."""

    index: int
    operator: str
    name: str
    kernel: str
    macs: int
    instructions: int


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The keys of SPEC section 5. `cycles` is None: counted instructions are no cycles; bytes are integers."""

    model: str
    model_sha256: str
    board: str
    optimize: str
    compiler: str
    instructions: int
    arena_bytes: int
    stack_bytes: int | None
    code_bytes: int
    const_bytes: int
    macs: int
    layers: tuple[LayerCount, ...]
    cycles: int | None = None
    cycles_source: str | None = None

    def json(self) -> dict[str, object]:
        """As --json prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure beside what it was; `percent` is above 0 when it became larger, which is worse."""

    key: str
    before: int
    now: int

    @property
    def percent(self) -> float:
        return 100 * (self.now - self.before) / max(self.before, 1)

    def regressed(self, tolerance: float) -> bool:
        """Whether it grew by more than `tolerance` percent; a tolerance that is no number tolerates nothing."""
        return not self.percent <= tolerance


# what must be the same, or two results say nothing about each other
_SAME = ("compiler", "board", "model", "model_sha256", "optimize")
_COMPARED = ("instructions", "arena_bytes", "code_bytes")


def load_saved(path: Path) -> dict[str, Any]:
    """A file that `bench --json` printed; raises TinygenError when it is none."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TinygenError(f"{path} cannot be read: {error}", "save one with `tinygen bench --json`") from error
    for key, kind in (*((key, str) for key in _SAME), *((key, int) for key in _COMPARED)):
        if not isinstance(saved, dict) or type(saved.get(key)) is not kind:
            raise TinygenError(
                f"{path} is no result of bench: it has no '{key}'", "save one with `tinygen bench --json`"
            )
    return dict(saved)


def need_comparable(saved: dict[str, Any], path: Path, same: dict[str, str]) -> None:
    """Raise TinygenError where `saved` (as from load_saved) is of another compiler, board, model or --optimize.

    same: these values now, or those of them that are known already.
    """
    for key, now in same.items():
        if saved[key] != now:
            raise TinygenError(
                f"{path} cannot be compared: its {key} is '{saved[key]}', here it is '{now}'",
                "compare with a result that differs in tinygen alone, or save a new one",
            )


def changes(saved: dict[str, Any], result: BenchResult) -> tuple[Change, ...]:
    """Instructions, arena and code beside the saved ones."""
    return tuple(Change(key, saved[key], getattr(result, key)) for key in _COMPARED)


def result_table(result: BenchResult) -> Table:
    """The figures of the whole model."""
    table = Table(title=f"{result.model} on {result.board}, --optimize {result.optimize}", title_justify="left")
    for header in ("", "figure"):
        table.add_column(header, justify="right" if header else "left")
    rows = (
        ("instructions per inference", f"{result.instructions:,}"),
        ("MACs", f"{result.macs:,}"),
        ("instructions per MAC", _ratio(result.instructions, result.macs)),
        ("arena", f"{result.arena_bytes:,} bytes"),
        ("stack of the inference", "unknown" if result.stack_bytes is None else f"{result.stack_bytes:,} bytes"),
        ("code of the firmware", f"{result.code_bytes:,} bytes"),
        ("model constants", f"{result.const_bytes:,} bytes"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def layer_table(result: BenchResult) -> Table:
    """The layers by the kernels that compute them, with their share of all instructions."""
    table = Table()
    for header in ("", "kernel", "MACs", "instructions", "instr/MAC", "share"):
        table.add_column(header, justify="left" if header == "kernel" else "right", no_wrap=True)
    for layer in result.layers:
        table.add_row(
            str(layer.index),
            layer.kernel,
            f"{layer.macs:,}",
            f"{layer.instructions:,}",
            _ratio(layer.instructions, layer.macs),
            f"{100 * layer.instructions / result.instructions:.1f} %",
        )
    return table


def change_table(found: tuple[Change, ...], tolerance: float) -> Table:
    """Now beside before."""
    table = Table(title=f"against the saved result, tolerance {tolerance:g} %", title_justify="left")
    for header in ("", "before", "now", "change"):
        table.add_column(header, justify="right" if header else "left")
    for change in found:
        colour = "red" if change.regressed(tolerance) else "green"
        shown = f"[{colour}]{change.percent:+.2f} %[/]"
        table.add_row(change.key, f"{change.before:,}", f"{change.now:,}", shown)
    return table


def _ratio(instructions: int, macs: int) -> str:
    return f"{instructions / macs:.2f}" if macs else "-"
