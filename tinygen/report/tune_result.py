"""What `tinygen tune` found, as JSON and as a table.

Place in the flow: after tune.py; cli/tune.py prints it.
"""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from tinygen.tune import Outcome, Trial
from tinygen.tuned import Tuned


def tune_json(outcome: Outcome, tuned: Tuned, file: Path, max_arena: int | None) -> dict[str, object]:
    """The keys of SPEC section 5."""
    compiled, before, after = outcome.compiled, outcome.untuned, outcome.best
    return {
        "model": compiled.request.name,
        "model_sha256": compiled.model.sha256,
        "board": tuned.board,
        "optimize": tuned.optimize,
        "compiler": tuned.compiler,
        "file": str(file),
        "metric": after.metric,
        "before": before.value,
        "after": after.value,
        "percent": round(percent(outcome), 3),
        "arena_bytes_before": before.arena_bytes,
        "arena_bytes": after.arena_bytes,
        "max_arena_bytes": before.arena_bytes if max_arena is None else max_arena,
        "kernels": list(after.names),
        "trials": outcome.trials,
    }


def percent(outcome: Outcome) -> float:
    """How much more the tuned plan takes; below 0 is a gain."""
    return 100 * (outcome.best.value - outcome.untuned.value) / max(outcome.untuned.value, 1)


def tune_table(outcome: Outcome, tuned: Tuned) -> Table:
    """Untuned beside tuned."""
    table = Table(
        title=f"{outcome.compiled.request.name} on {tuned.board}, --optimize {tuned.optimize}", title_justify="left"
    )
    for header in ("", "untuned", "tuned", "change"):
        table.add_column(header, justify="right" if header else "left")
    before, after = outcome.untuned, outcome.best
    table.add_row(after.metric, f"{before.value:,.0f}", f"{after.value:,.0f}", f"{percent(outcome):+.2f} %")
    growth = 100 * (after.arena_bytes - before.arena_bytes) / max(before.arena_bytes, 1)
    table.add_row("arena, bytes", f"{before.arena_bytes:,}", f"{after.arena_bytes:,}", f"{growth:+.2f} %")
    return table


def changed_kernels(outcome: Outcome) -> tuple[str, ...]:
    """A line for each kernel call, in the order of lowering, that is served otherwise, and one for the schedule."""
    pairs = zip(outcome.untuned.names, outcome.best.names, strict=True)
    lines = [f"kernel {i}: {a} -> {b}" for i, (a, b) in enumerate(pairs) if a != b]
    if outcome.untuned.schedule != outcome.best.schedule:
        lines.append(f"schedule: {_shown(outcome.untuned)} -> {_shown(outcome.best)}")
    return tuple(lines) or ("nothing is faster than what is taken without tuning",)


def _shown(trial: Trial) -> str:
    """Layers by segment, with the rows of a turn: 0, 1-5/2, 6 is layers 1 to 5 streamed by 2 rows."""
    parts = []
    for s in trial.schedule:
        rows = f"/{s.height}" if s.height else f"/-{s.backwards}" if s.backwards else ""
        parts.append((f"{s.first}" if s.end == s.first + 1 else f"{s.first}-{s.end - 1}") + rows)
    return " ".join(parts)
