"""`tinygen test`: does the board compute what it should, and how good is the quantization?"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import click

from tinygen.boards import Board, get_board
from tinygen.cli.build import default_project, write_project_of
from tinygen.cli.mlperf import PROTOCOL, test_mlperf
from tinygen.cli.on_board import How, run_samples
from tinygen.cli.options import BOARD, JSON, PORT, PROJECT, models_options
from tinygen.cli.port import port_of
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import ReportedError, TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import Compiled, write_board_project
from tinygen.render.project import Tester
from tinygen.report.gates import Limits, need_judgeable
from tinygen.report.junit import junit_xml
from tinygen.report.layer_error import layer_errors
from tinygen.report.tested import Tested, has_classes, judge, tested_json, tested_lines
from tinygen.report.tested_page import Page, tested_page
from tinygen.request import Request
from tinygen.testset import TestSet, make_test_set, save_test_set

_FILE = click.Path(path_type=Path, dir_okay=False)
_SHARE = click.FloatRange(min=0, max=1)
_EXAMPLES = (
    "Example: tinygen test kws.h5 --board qemu-stm32f405 --data kws.npz; "
    "tinygen test kws.h5 --board uno --port /dev/ttyACM0 --baud 250000 --resume; "
    "tinygen test kws.h5 --board host --layers --min-accuracy 0.9 --junit kws.xml --html kws.html"
)


@click.command(epilog=_EXAMPLES)
@BOARD
@PORT
@PROJECT
@PROTOCOL
@click.option("--samples", type=click.IntRange(min=1), metavar="N", help="Test on the first N samples (default: all).")
@click.option("--layers", is_flag=True, help="Also compare every layer; names the first wrong one, and its element.")
@click.option(
    "--baud", type=click.IntRange(min=1200), metavar="N", help="Baud rate of the tester, at most the board's max_baud."
)
@click.option("--resume", is_flag=True, help="Go on where a killed run with --resume ended (same model, data, board).")
@click.option("--min-accuracy", type=_SHARE, metavar="0..1", help="Fail when the device's accuracy is lower.")
@click.option(
    "--max-error", type=click.FloatRange(min=0), metavar="X", help="Fail when an output is farther from float."
)
@click.option("--min-agreement", type=_SHARE, metavar="0..1", help="Fail when it decides less often as float does.")
@click.option("--junit", type=_FILE, metavar="FILE", help="Write the results as JUnit XML.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page with everything, for a browser or a phone.")
@click.option(
    "--vectors",
    type=_FILE,
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
    protocol: str,
    samples: int | None,
    layers: bool,
    baud: int | None,
    resume: bool,
    min_accuracy: float | None,
    max_error: float | None,
    min_agreement: float | None,
    junit: Path | None,
    html: Path | None,
    vectors: Path | None,
    as_json: bool,
) -> None:
    """Test MODEL on BOARD: every output against the int8 reference, to the bit, and against the float model.

    Builds the tester's firmware, flashes it (or boots the emulator) and sends the test samples of --data over
    serial; random ones where there is no data. A PORT that is a URL is taken as a board that runs already; without
    --port a real board is found by its USB VID and PID, and of several you are asked.
    Several MODELs are tested in one firmware, over the arena that they share, taking turns sample by sample.
    """
    start = time.monotonic()
    board = get_board(board_name)
    baud, port = _baud(board, baud), port_of(board, port)
    if vectors is not None and len(requests) > 1:
        raise TinygenError("--vectors is for one MODEL", "save them model by model", 2)
    limits = Limits(min_accuracy, max_error, min_agreement)
    folder = project or default_project(requests, board)
    steps = Steps()
    models = write_project_of(requests, board, folder, steps, Tester(baud, protocol=protocol))
    if protocol == "mlperf":
        test_mlperf(models, board, folder, port, samples, steps, as_json)
        return
    with steps.step("preparing the references"):
        tests = [make_test_set(compiled, samples, steps.update) for compiled in models]
    if vectors is not None:
        save_test_set(vectors, models[0], tests[0])
    pairs = list(zip(models, tests, strict=True))
    for compiled, test_set in pairs:
        _need_judgeable(limits, compiled, test_set)
    where = _with_layers(models, board, folder, baud) if layers else folder
    how = How(baud, layers, folder.with_name(f"{folder.name}.resume") if resume else None)
    runs = run_samples([(compiled, test_set.raw) for compiled, test_set in pairs], board, where, port, steps, how)
    tested = [judge(*pair, result, limits) for pair, result in zip(pairs, runs.models, strict=True)]
    if junit is not None:
        write_atomically(junit, junit_xml(board, tested, time.monotonic() - start))
    if html is not None:
        with steps.step("comparing the layers with the float model"):
            errors = tuple(layer_errors(each.compiled, each.tests, steps.update) for each in tested)
        page = Page(board, tuple(tested), errors, runs.firmware, baud, time.monotonic() - start)
        write_atomically(html, tested_page(page))
    _show(board, tested, baud, as_json, [file for file in (junit, html) if file is not None])
    failures = [failure for each in tested for failure in each.failures]
    if failures:
        raise _failed(board, tested, failures)


def _baud(board: Board, baud: int | None) -> int:
    """The tester's baud rate; raises TinygenError for one that the board does not take."""
    if baud is not None and baud > board.fastest_baud:
        raise TinygenError(
            f"{board.name} takes up to {board.fastest_baud} baud, not {baud}", "its max_baud stands in boards/", 2
        )
    return baud or board.baud


def _need_judgeable(limits: Limits, compiled: Compiled, tests: TestSet) -> None:
    classes = has_classes(compiled, tests)
    need_judgeable(limits, bool(tests.float_outputs), tests.y_test is not None, classes, compiled.request.name)


def _with_layers(models: Sequence[Compiled], board: Board, folder: Path, baud: int) -> Path:
    """The project with the hooks, a folder in the other one, with the user's settings of that."""
    inside = folder / "layers"
    write_board_project(models, board, inside, Tester(baud, layers=True))
    settings = (folder / "platformio.ini").read_bytes()
    if (inside / "platformio.ini").read_bytes() != settings:
        write_atomically(inside / "platformio.ini", settings)
    return inside


def _show(board: Board, tested: Sequence[Tested], baud: int, as_json: bool, files: Sequence[Path]) -> None:
    if as_json:
        click.echo(json.dumps(tested_json(board, tested, baud), indent=2))
        return
    for each in tested:
        for text, style in tested_lines(board, each):
            OUT.print(text, style=style or None, markup=False)
    for file in files:
        OUT.print(f"written: {file}", markup=False)


def _failed(board: Board, tested: Sequence[Tested], failures: Sequence[str]) -> TinygenError:
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    if all(each.code.passed and each.layers_passed for each in tested):
        hint = "the code is right: quantize with other data, or set another limit"
    elif any(each.result.layers is not None for each in tested):
        hint = "the firmware does not compute this model: report it with the model, the board and this output"
    else:
        hint = "the firmware does not compute this model: --layers says where; report it with the model and the board"
    return ReportedError(f"{board.name}: {failures[0]}{more}", hint)
