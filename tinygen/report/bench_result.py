"""What `tinygen bench` found: as JSON, as tables, and against a result that was saved before.

Place in the flow: after bench.py has measured; cli/bench.py prints it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from tinygen.bench import Figures, Measured
from tinygen.bench_code import union_bytes
from tinygen.boards import Board
from tinygen.errors import TinygenError
from tinygen.pipeline import Compiled
from tinygen.plan import Placed, Plan
from tinygen.report.size import Size

_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class LayerResult:
    """Of one layer, by its index in the plan: the keys of the whole, and what its code consists of. None: not known."""

    index: int
    operator: str
    name: str
    kernel: str
    instructions: int | None
    cycles: int | None
    cycles_source: str | None
    microseconds: float | None
    arena_bytes: int
    stack_bytes: int | None
    code_bytes: int | None
    kernel_bytes: int | None
    schedule_bytes: int | None
    parameter_bytes: int | None
    const_bytes: int
    macs: int


@dataclass(frozen=True, slots=True)
class BenchResult:
    """The keys of SPEC section 5; bytes are integers, None stands for what the board does not tell."""

    model: str
    model_sha256: str
    board: str
    optimize: str
    tuned: bool
    compiler: str
    instructions: int | None
    cycles: int | None
    cycles_source: str | None
    cycles_by: str
    microseconds: float | None
    arena_bytes: int
    stack_bytes: int | None
    code_bytes: int
    kernel_bytes: int | None
    schedule_bytes: int | None
    parameter_bytes: int | None
    const_bytes: int
    macs: int
    layers: tuple[LayerResult, ...]

    def json(self) -> dict[str, object]:
        """As --json prints it."""
        return asdict(self)


def bench_result(compiled: Compiled, board: Board, compiler: str, size: Size, measured: Measured) -> BenchResult:
    """Everything that is known of an inference; `size` of the application, which must have been built."""
    assert size.code is not None
    plan, whole = compiled.plan, measured.whole
    parts = whole.code
    return BenchResult(
        model=compiled.request.name,
        model_sha256=compiled.model.sha256,
        board=board.name,
        optimize=compiled.request.optimize,
        tuned=compiled.tuned is not None,
        compiler=compiler,
        instructions=whole.instructions,
        cycles=whole.cycles,
        cycles_source=measured.cycles_source,
        cycles_by=measured.cycles_by,
        microseconds=whole.microseconds,
        arena_bytes=plan.arena_bytes,
        stack_bytes=size.stack,
        code_bytes=size.code,
        kernel_bytes=None if parts is None else parts.kernels,
        schedule_bytes=None if parts is None else parts.schedule,
        parameter_bytes=None if parts is None else parts.parameters,
        const_bytes=size.constants,
        macs=plan.program.macs,
        layers=tuple(_layer(plan, i, figures, measured) for i, figures in enumerate(measured.layers)),
    )


def _layer(plan: Plan, index: int, figures: Figures, measured: Measured) -> LayerResult:
    step, parts = plan.steps[index], figures.code
    used = [(plan.position(p), plan.position(p) + p.buffer.size) for p in plan.placed if _alive(p, index)]
    return LayerResult(
        index=index,
        operator=step.op.kind,
        name=step.op.name,
        kernel=step.call.kernel,
        instructions=figures.instructions,
        cycles=figures.cycles,
        cycles_source=measured.cycles_source,
        microseconds=figures.microseconds,
        arena_bytes=union_bytes(used),
        stack_bytes=None if parts is None else parts.stack,
        code_bytes=None if parts is None else parts.kernels + parts.schedule + parts.parameters,
        kernel_bytes=None if parts is None else parts.kernels,
        schedule_bytes=None if parts is None else parts.schedule,
        parameter_bytes=None if parts is None else parts.parameters,
        const_bytes=sum(int(constant.values.nbytes) for constant in step.call.constants),
        macs=step.macs,
    )


def _alive(placed: Placed, layer: int) -> bool:
    return placed.buffer.first <= layer <= placed.buffer.last


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
_COMPARED = ("instructions", "cycles", "arena_bytes", "code_bytes")


def load_saved(path: Path) -> dict[str, Any]:
    """A file that `bench --json` printed; raises TinygenError when it is none."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TinygenError(f"{path} cannot be read: {error}", "save one with `tinygen bench --json`") from error
    may_lack = (int, type(None))
    kinds = {
        **dict.fromkeys(_SAME, (str,)),
        **dict.fromkeys(("instructions", "cycles"), may_lack),
        **dict.fromkeys(("arena_bytes", "code_bytes"), (int,)),
        "cycles_source": (str, type(None)),
    }
    for key, kind in kinds.items():
        if not isinstance(saved, dict) or key not in saved or type(saved[key]) not in kind:
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
    """Instructions, cycles, arena and code beside the saved ones, as far as both know them.

    Raises TinygenError when their cycles are of different kinds.
    """
    if saved["cycles"] is not None and result.cycles is not None and saved["cycles_source"] != result.cycles_source:
        raise TinygenError(
            f"the saved cycles are {saved['cycles_source']}, here they are {result.cycles_source}", "save a new result"
        )
    pairs = [(key, saved[key], getattr(result, key)) for key in _COMPARED]
    return tuple(Change(key, before, now) for key, before, now in pairs if before is not None and now is not None)


def result_table(result: BenchResult) -> Table:
    """The figures of the whole model."""
    tuned = ", tuned" if result.tuned else ""
    title = f"{result.model} on {result.board}, --optimize {result.optimize}{tuned}"
    table = Table(title=title, title_justify="left")
    for header in ("", "figure"):
        table.add_column(header, justify="right" if header else "left")
    estimated = " (estimated)" if result.cycles_source == "estimated" else ""
    rows = (
        ("instructions per inference", _number(result.instructions)),
        (f"cycles per inference{estimated}", _number(result.cycles)),
        ("microseconds per inference", _number(result.microseconds)),
        ("MACs", f"{result.macs:,}"),
        ("instructions per MAC", _ratio(result.instructions, result.macs)),
        ("cycles per MAC", _ratio(result.cycles, result.macs)),
        ("arena, bytes", f"{result.arena_bytes:,}"),
        ("stack of the inference, bytes", _number(result.stack_bytes)),
        ("code of the firmware, bytes", f"{result.code_bytes:,}"),
        ("  of it kernels", _number(result.kernel_bytes)),
        ("  of it schedule", _number(result.schedule_bytes)),
        ("  of it kernels' parameters", _number(result.parameter_bytes)),
        ("model constants, bytes", f"{result.const_bytes:,}"),
    )
    for row in rows:
        if row[1] != _UNKNOWN:
            table.add_row(*row)
    return table


def layer_tables(result: BenchResult) -> tuple[Table, Table]:
    """What each layer takes: of time, and of memory (bytes)."""
    time = _table("", "kernel", "MACs", "instructions", "instr/MAC", "cycles", "cycles/MAC", "us", "share")
    memory = _table("", "kernel", "kernels", "schedule", "parameters", "constants", "arena", "stack")
    key = next(k for k in ("cycles", "instructions", "microseconds") if getattr(result, k) is not None)
    for layer in result.layers:
        time.add_row(
            str(layer.index),
            layer.kernel,
            f"{layer.macs:,}",
            _number(layer.instructions),
            _ratio(layer.instructions, layer.macs),
            _number(layer.cycles),
            _ratio(layer.cycles, layer.macs),
            _number(layer.microseconds),
            f"{100 * getattr(layer, key) / max(getattr(result, key), 1):.1f} %",
        )
        sizes = (layer.kernel_bytes, layer.schedule_bytes, layer.parameter_bytes, layer.const_bytes)
        memory.add_row(str(layer.index), layer.kernel, *map(_number, (*sizes, layer.arena_bytes, layer.stack_bytes)))
    return time, memory


def _table(*headers: str) -> Table:
    table = Table()
    for header in headers:
        table.add_column(header, justify="left" if header == "kernel" else "right", no_wrap=True)
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


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.0f}"


def _ratio(value: int | None, macs: int) -> str:
    return f"{value / macs:.2f}" if macs and value is not None else _UNKNOWN
