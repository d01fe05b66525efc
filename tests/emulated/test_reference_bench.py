"""The gate: no change makes a reference model more than 1 % worse in instructions, arena or code (bench/)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.exact.cases import NIGHTLY
from tests.support.reference_bench import BENCH, GATED, MAIN_BOARD, PAGE, cases, measured, page, path_of, regressions
from tests.support.reference_models import needs_models
from tinygen.bench import compiler_version
from tinygen.boards import get_board
from tinygen.report.bench_result import BenchResult, load_saved

EVERYDAY = [case for case in cases() if case[0] == MAIN_BOARD and case[2] == "balanced"]


@needs_models
@pytest.mark.parametrize(("board", "model", "optimize"), list(cases()) if NIGHTLY else EVERYDAY)
def test_no_reference_model_becomes_worse(board: str, model: str, optimize: str) -> None:
    saved = load_saved(path_of(board, model, optimize))
    if saved["compiler"] != compiler_version(get_board(board)):
        pytest.skip(f"bench/ was measured with another compiler: {saved['compiler']}")
    result = measured(board, model, optimize)
    assert result.model_sha256 == saved["model_sha256"]
    worse = [f"{c.key} {c.before:,} -> {c.now:,} ({c.percent:+.2f} %)" for c in regressions(saved, result)]
    assert not worse, f"{model}, --optimize {optimize}, on {board}: {worse}; if that is wanted: make bench"


@pytest.mark.parametrize("key", GATED)
def test_the_gate_fails(key: str) -> None:
    """For each of what it looks at: 1 % more passes, a little beyond does not, and less is always welcome."""
    content = json.loads(path_of(*EVERYDAY[0]).read_text())
    now = BenchResult(**{**content, "layers": ()})
    assert regressions(content, now) == ()
    for percent, fails in ((-20, False), (0.99, False), (1.02, True), (20, True)):
        changed = replace(now, **{key: round(content[key] * (1 + percent / 100))})
        assert [change.key for change in regressions(content, changed)] == ([key] if fails else [])


def test_the_files_are_complete_and_nothing_but_numbers() -> None:
    wanted = {path_of(*case) for case in cases()}
    assert {path for path in BENCH.rglob("*.json") if path.parent != BENCH} == wanted
    for board, model, optimize in cases():
        saved = load_saved(path_of(board, model, optimize))
        assert (saved["board"], saved["model"], saved["optimize"]) == (board, model.lower(), optimize)
        assert saved["layers"] == []
        assert saved["instructions"] > 0


def test_the_page_is_that_of_the_files() -> None:
    results: dict[tuple[str, str, str], dict[str, Any]] = {c: json.loads(path_of(*c).read_text()) for c in cases()}
    tflm = json.loads((BENCH / "tflm.json").read_text())
    assert Path(PAGE).read_text() == page(results, tflm), "make bench"
