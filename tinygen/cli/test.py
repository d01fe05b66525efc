"""`tinygen test`: does the board compute what it should, and how good is the quantization?"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click

from tinygen.boards import Board, get_board
from tinygen.cli.build import default_project, write_project_of
from tinygen.cli.on_board import run_samples
from tinygen.cli.options import BOARD, JSON, PORT, PROJECT, models_options
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import ReportedError, TinygenError
from tinygen.pipeline import Compiled, Request
from tinygen.report.verdict import CodeVerdict, FloatVerdict, judge_code, judge_float
from tinygen.tester import DeviceRun
from tinygen.testset import TestSet, make_test_set, save_test_set


@click.command(epilog="Example: tinygen test kws.h5 --board qemu-stm32f405 --data kws.npz")
@BOARD
@PORT
@PROJECT
@click.option("--samples", type=click.IntRange(min=1), metavar="N", help="Test on the first N samples (default: all).")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also save inputs and both references, for `--data FILE` where there is no TensorFlow.",
)
@JSON
@models_options
def test(
    requests: tuple[Request, ...],
    board_name: str,
    port: str | None,
    project: Path | None,
    samples: int | None,
    vectors: Path | None,
    as_json: bool,
) -> None:
    """Test MODEL on BOARD: every output against the int8 reference, to the bit, and against the float model.

    Builds the tester's firmware, flashes it (or boots the emulator) and sends the test samples of --data over
    serial; random ones where there is no data. A PORT that is a URL is taken as a board that runs already.
    Several MODELs are tested in one firmware, over the arena that they share, taking turns sample by sample.
    """
    board = get_board(board_name)
    if vectors is not None and len(requests) > 1:
        raise TinygenError("--vectors is for one MODEL", "save them model by model", 2)
    folder = project or default_project(requests, board)
    steps = Steps()
    models = write_project_of(requests, board, folder, steps)
    with steps.step("preparing the references"):
        tests = [make_test_set(compiled, samples, steps.update) for compiled in models]
    if vectors is not None:
        save_test_set(vectors, models[0], tests[0])
    pairs = list(zip(models, tests, strict=True))
    results = run_samples([(compiled, test_set.raw) for compiled, test_set in pairs], board, folder, port, steps)
    verdicts = [_judge(*pair, result) for pair, result in zip(pairs, results, strict=True)]
    if as_json:
        click.echo(json.dumps(_json(board, verdicts), indent=2))
    else:
        for verdict in verdicts:
            _print(board, verdict)
    wrong = [verdict for verdict in verdicts if not verdict.code.passed]
    if wrong:
        raise _not_exact(board, wrong[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Verdict:
    """What came out for one of the models."""

    compiled: Compiled
    tests: TestSet
    result: DeviceRun
    code: CodeVerdict
    floats: FloatVerdict | None


def _judge(compiled: Compiled, tests: TestSet, result: DeviceRun) -> _Verdict:
    code = judge_code(result.outputs, tests.int8_outputs)
    return _Verdict(compiled, tests, result, code, _judge_float(compiled, tests, result))


def _not_exact(board: Board, wrong: _Verdict) -> TinygenError:
    code = wrong.code
    return ReportedError(
        f"{board.name}: {code.outputs - code.bit_exact} of {code.outputs} outputs of {wrong.compiled.request.name} "
        f"differ from the int8 reference; first {code.first_wrong}",
        "the firmware does not compute this model: report it with the model, the board and this output",
    )


def _judge_float(compiled: Compiled, tests: TestSet, result: DeviceRun) -> FloatVerdict | None:
    if not tests.float_outputs:
        return None
    graph = compiled.plan.program.graph
    outputs = [graph.tensors[i] for i in graph.outputs]
    ends_in_softmax = any(op.kind == "SOFTMAX" and graph.outputs[0] in op.outputs for op in graph.ops)
    classes = tests.y_test is not None or bool(tests.labels) or ends_in_softmax
    return judge_float(result.outputs, outputs, tests.float_outputs, tests.y_test, classes)


def _json(board: Board, verdicts: list[_Verdict]) -> dict[str, object]:
    described = [_model_json(board, verdict) for verdict in verdicts]
    if len(described) == 1:
        return {"board": board.name, **described[0]}
    return {
        "board": board.name,
        "models": [{"model": v.compiled.request.name, **d} for v, d in zip(verdicts, described, strict=True)],
        "arena_bytes": max(verdict.result.info.arena_bytes for verdict in verdicts),
        "pass": all(verdict.code.passed for verdict in verdicts),
    }


def _model_json(board: Board, verdict: _Verdict) -> dict[str, object]:
    code, floats, result, hop = verdict.code, verdict.floats, verdict.result, verdict.compiled.plan.hop
    return {
        "samples": code.samples,
        "outputs": code.outputs,
        "bit_exact": code.bit_exact,
        "top1_agreement": floats.top1_agreement if floats else None,
        "accuracy_device": floats.accuracy_device if floats else None,
        "accuracy_float": floats.accuracy_float if floats else None,
        "max_error": floats.max_error if floats else None,
        # JSON has no infinity: null stands for equal outputs
        "snr_db": floats.snr_db if floats and math.isfinite(floats.snr_db) else None,
        "hops": hop.hops if hop else 1,
        "microseconds": _microseconds(result),
        "microseconds_are_virtual": _virtual_time(board),
        "retries": result.retries,
        "arena_bytes": result.info.arena_bytes,
        "model_sha256": result.info.sha256,
        "pass": code.passed,
    }


def _virtual_time(board: Board) -> bool:
    """An emulated core's clock counts instructions; this computer's is a clock."""
    return board.emulated and board.core != "host"


def _microseconds(result: DeviceRun) -> float:
    return round(1e6 * median(result.ticks) / result.info.ticks_hz, 1)


def _print(board: Board, verdict: _Verdict) -> None:
    tests, code, floats, result = verdict.tests, verdict.code, verdict.floats, verdict.result
    name, arena = verdict.compiled.request.name, result.info.arena_bytes
    virtual = " of the emulator's virtual time" if _virtual_time(board) else ""
    hop = verdict.compiled.plan.hop
    each = "each" if hop is None else f"for each of {hop.hops} hops of {hop.frames} frames"
    duration = f"{_microseconds(result):,.0f} us {each}{virtual}"
    OUT.print(f"{name} on {board.name}: {code.samples} samples ({tests.source}), {duration}; arena {arena:,} bytes")
    if result.retries:
        OUT.print(f"{result.retries} frames were lost or damaged and sent again")
    word = "OK" if code.passed else "WRONG"
    OUT.print(
        f"device against the int8 reference: {code.bit_exact:,} of {code.outputs:,} outputs bit-exact  {word}",
        style="bold green" if code.passed else "bold red",
    )
    if floats is None:
        OUT.print("device against the float model: not compared, only an int8 model was given")
        return
    parts = [f"max error {floats.max_error:.4g}", f"SNR {floats.snr_db:.1f} dB"]
    if floats.accuracy_device is not None and floats.accuracy_float is not None:
        parts.insert(0, f"accuracy {floats.accuracy_device:.2%} (float {floats.accuracy_float:.2%})")
    if floats.top1_agreement is not None:
        parts.insert(0, f"top-1 agreement {floats.top1_agreement:.2%}")
    OUT.print(f"device against the float model: {', '.join(parts)}", style="bold")
