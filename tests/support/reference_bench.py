"""The project's own results in bench/: what `tinygen bench` says of the MLPerf Tiny models. `make bench` rewrites them,
and docs/benchmarks.md; tests/emulated/test_reference_bench.py holds every change against them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.reference_models import FIVE, MODELS
from tinygen.boards import get_board, load_boards
from tinygen.cli.bench import run_bench
from tinygen.cli.progress import Steps
from tinygen.cycles.plugin import is_qemu
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import compile_model
from tinygen.plan.search import OPTIMIZE
from tinygen.report.bench_result import BenchResult, Change, changes
from tinygen.request import make_request

REPOSITORY = Path(__file__).resolve().parents[2]
BENCH = REPOSITORY / "bench"
PAGE = REPOSITORY / "docs" / "benchmarks.md"
MAIN_BOARD = "qemu-cortex-m4"
_ELSEWHERE = "kws_ref_model"  # fits every emulated board
GATED = ("instructions", "arena_bytes", "code_bytes")
TOLERANCE = 1.0
_TITLES = {
    "kws_ref_model": "kws (DS-CNN)",
    "pretrainedResnet_quant": "image classification (ResNet-8)",
    "vww_96_int8": "visual wake words (MobileNetV1 0.25)",
    "ad01_int8": "anomaly detection (autoencoder)",
    "str_ww_ref_model": "streaming wake word",
}
_HEAD = """# Benchmarks

Written by `make bench`; the numbers are those of `tinygen bench --board BOARD --optimize O MODEL --json`, and lie in
`bench/` one by one. `make test` fails when a change makes one more than 1 % worse in instructions, arena or code.

Instructions are exact: QEMU runs one inference, and a plugin counts. Cycles are estimated, from the timing tables in
Arm's manuals, for memory without wait states; times published for real Cortex-M4 are 1.2 to 1.4 times such an estimate
of the same code. Arena, stack, code and constants are bytes: the arena holds input, output and scratch, code is all
of the application's flash but the model's constants.

{tflm}
"""


def cases() -> Iterator[tuple[str, str, str]]:
    """(board, model, optimize): all there is on the main board, kws on one board of every other core."""
    yield from ((MAIN_BOARD, model, optimize) for model in FIVE for optimize in OPTIMIZE)
    seen = {get_board(MAIN_BOARD).core}
    for board in load_boards():
        if is_qemu(board) and board.core not in seen and not board.regions:
            seen.add(board.core)
            yield from ((board.name, _ELSEWHERE, optimize) for optimize in ("balanced", "speed"))


def path_of(board: str, model: str, optimize: str) -> Path:
    """The file of a result, which `tinygen bench --compare` takes."""
    return BENCH / board / f"{model}-{optimize}.json"


def measured(board: str, model: str, optimize: str) -> BenchResult:
    """What bench says of a reference model now."""
    on = get_board(board)
    request = make_request(MODELS / f"{model}.tflite", None, None, {}, False, optimize)
    compiled = compile_model(request, None, lambda text: None, on.kernels, on.regions)
    return run_bench(compiled, on, None, False, Steps())


def regressions(saved: dict[str, Any], result: BenchResult) -> tuple[Change, ...]:
    """What became worse by more than the project allows."""
    found = changes(saved, result)
    return tuple(change for change in found if change.key in GATED and change.regressed(TOLERANCE))


def page(results: dict[tuple[str, str, str], dict[str, Any]], tflm: dict[str, Any]) -> str:
    """docs/benchmarks.md of the results, by (board, model, optimize), and of the peer's figures."""
    lines = [_HEAD.format(tflm=f"TFLM: {tflm['what']}.")]
    for name in dict.fromkeys(board for board, _, _ in results):
        board = get_board(name)
        some = next(result for (on, _, _), result in results.items() if on == name)
        lines += [f"## {name}: {board.title}", "", f"{some['compiler']}. Cycles: {some['cycles_by']}.", ""]
        lines += ["| model | `--optimize` | instructions | /MAC | cycles | /MAC | arena | stack | code | constants |"]
        lines += ["|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
        for model in dict.fromkeys(model for on, model, _ in results if on == name):
            rows = {opt: r for (on, of, opt), r in results.items() if (on, of) == (name, model)}
            macs = next(iter(rows.values()))["macs"]
            for optimize, result in rows.items():
                lines.append(_row(_TITLES[model], f"`{optimize}`", result, macs))
            peer = tflm.get(board.core, {}).get(model)
            if peer is not None:
                lines.append(_row("", "TFLM + CMSIS-NN", peer, macs))
        lines.append("")
    return "\n".join(lines)


def _row(title: str, which: str, result: dict[str, Any], macs: int) -> str:
    cells = []
    for key in ("instructions", "cycles"):
        value = result[key]
        cells += ["-", "-"] if value is None else [f"{value:,}", f"{value / macs:.2f}"]
    for key in ("arena_bytes", "stack_bytes", "code_bytes", "const_bytes"):
        value = result.get(key)
        cells.append("-" if value is None else f"{value:,}")
    return f"| {' | '.join((title, which, *cells))} |"


def main() -> None:
    """Measure everything and write it down."""
    if not MODELS.is_dir():
        sys.exit("the MLPerf Tiny models are not here (../shared/models)")
    results = {}
    for board, model, optimize in cases():
        result = measured(board, model, optimize)
        path = path_of(board, model, optimize)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps(result.json(), indent=2) + "\n"
        write_atomically(path, content.encode())
        results[board, model, optimize] = json.loads(content)
    tflm = json.loads((BENCH / "tflm.json").read_text())
    write_atomically(PAGE, page(results, tflm).encode())


if __name__ == "__main__":
    main()
