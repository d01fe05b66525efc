"""What came out for each pair of a model and a board: a table, JSON, and one JUnit file.

Place in the flow: `tinygen matrix`, after matrix.py has run every pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from tinygen.report.junit import Case, Suite, junit_file

OUTCOMES = ("passed", "built", "does not fit", "failed")


@dataclass(frozen=True, slots=True)
class Pair:
    """A model on a board. `outcome` is one of OUTCOMES; `detail` says why it is not `passed`, or what was left out.

    Bytes and figures as in `build`, `test` and `bench`; None for what was not measured. `seconds` of all of it.
    """

    model: str
    board: str
    outcome: str
    detail: str
    seconds: float
    arena_bytes: int | None = None
    ram_bytes: int | None = None
    flash_bytes: int | None = None
    samples: int | None = None
    bit_exact: bool | None = None
    accuracy_device: float | None = None
    microseconds: float | None = None
    instructions: int | None = None

    @property
    def failed(self) -> bool:
        return self.outcome == "failed"


def matrix_json(pairs: Sequence[Pair]) -> dict[str, object]:
    """The keys of SPEC section 5."""
    return {"pairs": [asdict(pair) for pair in pairs], "pass": not any(pair.failed for pair in pairs)}


def matrix_table(pairs: Sequence[Pair]) -> Table:
    """One row per pair."""
    table = Table()
    for header in ("model", "board", "result"):
        table.add_column(header)
    for header in ("arena", "RAM", "flash", "accuracy", "us", "instructions"):
        table.add_column(header, justify="right")
    for pair in pairs:
        style = {"passed": "green", "failed": "bold red"}.get(pair.outcome, "yellow")
        accuracy = "" if pair.accuracy_device is None else f"{pair.accuracy_device:.1%}"
        numbers = (pair.arena_bytes, pair.ram_bytes, pair.flash_bytes)
        shown = ["" if n is None else f"{n:,}" for n in numbers]
        shown += [accuracy, *("" if n is None else f"{n:,.0f}" for n in (pair.microseconds, pair.instructions))]
        table.add_row(pair.model, pair.board, f"[{style}]{pair.outcome}[/]", *shown)
    return table


def matrix_junit(pairs: Sequence[Pair]) -> bytes:
    """JUnit XML, UTF-8: a suite per board, a case per model; what does not fit, or was only built, is skipped."""
    boards = dict.fromkeys(pair.board for pair in pairs)
    suites = [Suite(board, tuple(_case(pair) for pair in pairs if pair.board == board)) for board in boards]
    return junit_file("tinygen matrix", suites, sum(pair.seconds for pair in pairs))


def _case(pair: Pair) -> Case:
    why = "" if pair.outcome == "passed" else f"{pair.outcome}: {pair.detail}"
    return Case(pair.model, why if pair.failed else "", "" if pair.failed else why, pair.seconds)
