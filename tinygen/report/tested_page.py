"""The results of a test as one HTML page that needs nothing else, for a browser or a phone.

Place in the flow: `tinygen test --html FILE`. What stands on it is decided here, templates/report prints it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import numpy as np

from tinygen import __version__
from tinygen.boards import Board
from tinygen.elf import Sizes
from tinygen.ir import Array
from tinygen.render import render
from tinygen.report.drawing import memory_svg
from tinygen.report.layer_error import LayerErrors
from tinygen.report.moment import show_name
from tinygen.report.tested import Tested, has_classes, tested_lines, virtual_time
from tinygen.report.tested_charts import histogram_svg, layers_svg
from tinygen.report.verdict import decide
from tinygen.samples import real_values

_MOST_CLASSES = 40
_MOST_HISTOGRAMS = 8
_Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What the page is about; `errors` of each model, `firmware` None if it was not built here, `seconds` in all."""

    board: Board
    tested: tuple[Tested, ...]
    errors: tuple[LayerErrors, ...]
    firmware: Sizes | None
    baud: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Cell:
    """A number of the confusion matrix; `heat` from 0 to 9, `right` on the diagonal."""

    count: int
    heat: int
    right: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Confusion:
    """Rows are the truth, columns what the device decided."""

    truth: str
    labels: tuple[str, ...]
    rows: tuple[tuple[_Cell, ...], ...]


def tested_page(page: Page) -> bytes:
    """The page, UTF-8."""
    names = ", ".join(each.name for each in page.tested)
    context = {
        "title": f"{names} on {page.board.name}",
        "version": __version__,
        "passed": all(each.passed for each in page.tested),
        "models": [_model(page, each, errors) for each, errors in zip(page.tested, page.errors, strict=True)],
    }
    return render("report/tested.html.j2", m=context)


def _model(page: Page, tested: Tested, errors: LayerErrors) -> dict[str, object]:
    lines = tested_lines(page.board, tested)
    return {
        "name": tested.name,
        "passed": tested.passed,
        "head": lines[0][0],
        "lines": [(text.removesuffix("  OK").removesuffix("  WRONG"), _word(text)) for text, _ in lines[1:]],
        "confusion": _confusion(tested),
        "histograms": _histograms(tested),
        "layers": _layers(tested, errors),
        "layers_chart": layers_svg(errors.found) if errors.found else "",
        "layers_note": f"over {errors.samples} samples" if errors.found else f"Not compared: {errors.reason}.",
        "memory": memory_svg(tested.compiled.plan),
        "size": _size(page, tested),
        "speed": _speed(page, tested),
        "device": _device(page, tested),
    }


def _word(text: str) -> str:
    return next((word for word in ("OK", "WRONG") if text.endswith(f"  {word}")), "")


def _real(tested: Tested, index: int) -> Array:
    """Output `index` of all samples in real units, float64 (N, elements)."""
    graph = tested.compiled.plan.program.graph
    outputs = [sample[index] for sample in tested.result.outputs]
    real = real_values(outputs, graph.tensors[graph.outputs[index]])
    return real.astype(np.float64).reshape(len(outputs), -1)


def _confusion(tested: Tested) -> _Confusion | None:
    """Against y_test, or against what the float model decides; None where there are no classes, or too many."""
    tests = tested.tests
    scores = _real(tested, 0)
    count = max(scores.shape[1], 2)
    if not has_classes(tested.compiled, tests) or count > _MOST_CLASSES:
        return None
    device, n = decide(scores), len(scores)
    if tests.y_test is not None:
        truth, what = np.asarray(tests.y_test[:n]).astype(np.int64), "y_test"
    elif tests.float_outputs:
        truth, what = decide(np.asarray(tests.float_outputs[0][:n], np.float64).reshape(n, -1)), "the float model"
    else:
        return None
    if truth.shape != device.shape or not ((truth >= 0) & (truth < count)).all():
        return None
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (truth, device), 1)
    labels = tests.labels if len(tests.labels) == count else tuple(map(str, range(count)))
    return _Confusion(what, tuple(show_name(label) for label in labels), tuple(map(_cells, range(count), matrix)))


def _cells(row: int, counts: Array) -> tuple[_Cell, ...]:
    total = max(int(counts.sum()), 1)
    return tuple(
        _Cell(count, math.ceil(9 * count / total), column == row) for column, count in enumerate(counts.tolist())
    )


def _histograms(tested: Tested) -> list[str]:
    graph = tested.compiled.plan.program.graph
    charts = []
    for k, floats in enumerate(tested.tests.float_outputs[:_MOST_HISTOGRAMS]):
        real = _real(tested, k)
        name = show_name(graph.tensors[graph.outputs[k]].name)
        wanted = np.asarray(floats, np.float64)[: len(real)].reshape(len(real), -1)
        charts.append(histogram_svg(real - wanted, f"{name}: device less float, real units"))
    return charts


def _layers(tested: Tested, errors: LayerErrors) -> _Rows:
    found = {error.layer.index: error for error in errors.found}
    run = tested.result.layers
    rows: _Rows = []
    for index, step in enumerate(tested.compiled.plan.steps):
        error = found.get(index)
        checked = ""
        if run is not None and run.layers[index].compared and run.layers[index].group == index:
            wrong = run.wrong_samples[index]
            checked = f"wrong in {wrong}" if wrong else "right"
        against = ("", "", "")
        if error is not None:
            against = (_db(error.snr_db), f"{error.max_error:.3g}", f"{error.largest:.3g}")
        rows.append(
            (str(index), step.op.kind, show_name(step.op.name), step.call.kernel, f"{step.macs:,}", checked, *against)
        )
    return rows


def _db(value: float) -> str:
    return "equal" if value == math.inf else f"{value:.1f}"


def _size(page: Page, tested: Tested) -> _Rows:
    board, plan = page.board, tested.compiled.plan
    rows: _Rows = [
        _share("RAM: arena", plan.arena_bytes, board.ram_bytes),
        _share("RAM: kept between inferences", plan.static_bytes, board.ram_bytes),
        _share("flash: constants", plan.const_bytes, board.flash_bytes),
    ]
    if page.firmware is not None:
        rows.append(_share("RAM: the tester's firmware in all", page.firmware.ram, board.ram_bytes))
        rows.append(_share("flash: the tester's firmware in all", page.firmware.flash, board.flash_bytes))
    if tested.stack_bytes is not None:
        rows.append(_share("stack: deepest of an inference", tested.stack_bytes, board.ram_bytes))
    return rows


def _share(what: str, used: int, available: int) -> tuple[str, ...]:
    return what, f"{used:,}", f"{100 * used / available:.1f} % of {available:,}"


def _speed(page: Page, tested: Tested) -> _Rows:
    times, macs = tested.microseconds, tested.compiled.plan.program.macs
    count = tested.code.samples
    rows: _Rows = [("multiply-accumulates", f"{macs:,}")]
    if times:
        middle = median(times)
        unit = "us" + (" (virtual time of the emulator)" if virtual_time(page.board) else "")
        rows += [
            (f"median of an inference, {unit}", f"{middle:,.1f}"),
            ("fastest and slowest", f"{min(times):,.1f} and {max(times):,.1f}"),
        ]
        if middle > 0 and tested.compiled.plan.hop is None:
            rows.append(("MACs a microsecond", f"{macs / middle:,.2f}"))
    rows.append(("frames that were sent again", f"{tested.result.retries:,}"))
    rows.append(("the whole test", f"{count:,} samples in {page.seconds:.1f} s, builds and references included"))
    return rows


def _device(page: Page, tested: Tested) -> _Rows:
    info, report = tested.result.info, tested.result.report
    clock = "not known" if report.clock_hz is None else f"{report.clock_hz:,} Hz"
    free = "not known" if report.free_ram_bytes is None else f"{report.free_ram_bytes:,} bytes"
    return [
        ("board", f"{page.board.title}: {page.board.description}"),
        ("model, SHA-256 of the int8 .tflite", info.sha256),
        ("tinygen", info.version),
        ("clock", clock),
        ("RAM that nothing uses", free),
        ("serial", f"{page.baud:,} baud, protocol version {info.protocol}"),
    ]
