"""`tinygen play`: a recording into a board that runs a model with a front end, and its results."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from tinygen.boards import get_board
from tinygen.cli.build import compile_for, default_project
from tinygen.cli.options import BOARD, JSON, PORT, PROJECT, model_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.errors import ReportedError, TinygenError
from tinygen.features.recordings import read_samples
from tinygen.ir import Tensor
from tinygen.pipeline import Compiled, write_board_project
from tinygen.platformio import DoesNotFit
from tinygen.play import PlayedResult, front_end_of, play, played_of
from tinygen.render.project import Tester
from tinygen.request import Request
from tinygen.samples import real_values


@click.command("play", epilog="Example: tinygen play --board qemu-cortex-m4 kws.h5 --recording yes.wav")
@BOARD
@PORT
@PROJECT
@click.option(
    "--recording",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=".wav of 16 bits, or .npy of int16: (time,), (recordings, time), and channels as the last axis.",
)
@JSON
@model_options
def play_command(
    request: Request, board_name: str, port: str | None, project: Path | None, recording: Path, as_json: bool
) -> None:
    """Play a recording into BOARD, sample by sample, and compare every result of MODEL with the numpy pipeline.

    MODEL has a table of features (docs/features.md). The board computes features and inferences as the application
    does, through NAME_push(); each recording begins after a NAME_reset().
    """
    board = get_board(board_name)
    folder = project or default_project([request], board)
    steps = Steps()
    (compiled,) = compile_for([request], board, folder, steps)
    front = front_end_of(compiled)
    definition = front.definition
    samples = read_samples(recording, definition)
    recordings = samples if samples.ndim == (2 if definition.channels == 1 else 3) else samples[np.newaxis]
    played = played_of(compiled, recordings)
    write_board_project([compiled], board, folder, Tester(played=played))
    warn_of_random(compiled.calibration)
    with steps.step(f"playing {recording.name} into {board.name}"):
        try:
            run = play(compiled, recordings, board, folder, port, steps.update)
        except DoesNotFit as error:
            raise TinygenError(str(error), "cut the recording: all of its results lie in RAM") from error
    results = run.recordings
    wrong = [r for each in results for r in each if not r.is_exact]
    total = sum(map(len, results))
    if as_json:
        shown = [[_json(compiled, r) for r in each] for each in results]
        report: dict[str, object] = {
            "board": board.name,
            "model": request.name,
            "results": total,
            "bit_exact": total - len(wrong),
            "stack_bytes": run.stack_bytes,
            "recordings": shown,
            "pass": not wrong,
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for number, each in enumerate(results, start=1):
            _show(compiled, each, f"recording {number}: " if len(results) > 1 else "")
        watch = front.watch
        if watch is not None:
            flagged = sum(r.drift > watch.limit for each in results for r in each)
            OUT.print(f"drift: {flagged:,} results that should not be trusted; limit {watch.limit:,}")
        if _decides(compiled):
            OUT.print(f"{sum(r.decided >= 0 for each in results for r in each):,} decisions")
        OUT.print(f"device against the numpy pipeline: {total - len(wrong):,} of {total:,} results bit-exact")
    if wrong:
        raise ReportedError(f"the result at {wrong[0].seconds:.2f} s differs", "report it with the model and the board")


def _top(compiled: Compiled, result: PlayedResult) -> tuple[int, float, str]:
    """The index of the highest score of the first output, its real value, and its name."""
    graph = compiled.plan.program.graph
    tensor: Tensor = graph.tensors[graph.outputs[0]]
    scores = real_values([result.got[0]], tensor).reshape(-1)
    top = int(scores.argmax())
    return top, float(scores[top]), compiled.labels[top] if len(compiled.labels) == scores.size else str(top)


def _json(compiled: Compiled, result: PlayedResult) -> dict[str, object]:
    index, score, label = _top(compiled, result)
    shown = {"seconds": result.seconds, "index": index, "score": score, "label": label, "bit_exact": result.is_exact}
    if _decides(compiled):
        shown["decision"] = None if result.decided < 0 else compiled.labels[result.decided]
    watch = compiled.plan.features.watch if compiled.plan.features else None
    if watch is not None:
        shown |= {"drift": result.drift, "abstain": result.drift > watch.limit}
    return shown


def _decides(compiled: Compiled) -> bool:
    front = compiled.plan.features
    return front is not None and front.decider is not None


def _show(compiled: Compiled, results: tuple[PlayedResult, ...], before: str) -> None:
    """A line for each decision; without decisions, whenever another score is the highest."""
    watch = compiled.plan.features.watch if compiled.plan.features else None
    last, was_flagged = None, False
    for result in results:
        flagged = watch is not None and result.drift > watch.limit
        if flagged != was_flagged:
            says = "this is not what the model was calibrated with" if flagged else "as calibrated again"
            OUT.print(f"{before}{result.seconds:8.2f} s  drift {result.drift:,}: {says}", markup=False)
        was_flagged = flagged
        index, score, label = _top(compiled, result)
        if _decides(compiled):
            if result.decided >= 0:
                OUT.print(f"{before}{result.seconds:8.2f} s  {compiled.labels[result.decided]}", markup=False)
        elif index != last:
            OUT.print(f"{before}{result.seconds:8.2f} s  {label}  {score:.3f}", markup=False)
        last = index
