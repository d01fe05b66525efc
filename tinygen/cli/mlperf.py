"""`--protocol mlperf`: firmware that speaks MLPerf Tiny's protocol, and its test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import click

from tinygen.boards import Board
from tinygen.cli.progress import OUT, Steps
from tinygen.device.mlperf import MlperfLink, thousandths
from tinygen.errors import ReportedError, TinygenError
from tinygen.ir import DType
from tinygen.pipeline import Compiled
from tinygen.samples import to_bytes
from tinygen.tester import board_with_tester
from tinygen.testset import make_test_set

PROTOCOL = click.option(
    "--protocol",
    type=click.Choice(("tinygen", "mlperf")),
    default="tinygen",
    show_default=True,
    help="What the tester's firmware speaks: tinygen's own protocol, or MLPerf Tiny's, for its official runner.",
)


def need_mlperf(models: Sequence[Compiled]) -> Compiled:
    """The one model whose firmware can speak MLPerf's protocol; raises TinygenError for what it has no words for."""
    if len(models) > 1:
        raise TinygenError("MLPerf Tiny's protocol is for one MODEL", "build them one by one", 2)
    graph = models[0].plan.program.graph
    output = graph.tensors[graph.outputs[0]]
    if models[0].plan.hop is not None or output.dtype not in (DType.INT8, DType.INT16):
        raise TinygenError(
            "--protocol mlperf is for models with an output of int8 or int16, without --hop",
            "the protocol knows one result for each input, as real numbers",
        )
    return models[0]


def test_mlperf(
    models: Sequence[Compiled],
    board: Board,
    project: Path,
    port: str | None,
    samples: int | None,
    steps: Steps,
    as_json: bool,
) -> None:
    """Classify the test samples through MLPerf's protocol; every printed result must be that of the int8 reference.

    Raises TinygenError when one differs.
    """
    compiled = need_mlperf(models)
    with steps.step("preparing the references"):
        tests = make_test_set(compiled, samples, steps.update)
    graph = compiled.plan.program.graph
    output = graph.tensors[graph.outputs[0]]
    right, durations = 0, []
    with board_with_tester(board, project, port, steps.platformio) as on, MlperfLink.open(on.url, board.baud) as link:
        name = link.hello()
        if name != compiled.request.name:
            raise TinygenError(f"the board runs another model: '{name}'", "give --port as a device: it is flashed then")
        with steps.count(f"running on {board.name}", len(tests.raw.inputs)) as done:
            for count, inputs in enumerate(tests.raw.inputs, start=1):
                answer = link.infer(to_bytes(inputs), timeout=60 + 200 * compiled.plan.program.macs / board.clock_hz)
                values = tuple(int(v) for v in tests.int8_outputs[count - 1][0].reshape(-1))
                right += answer.results == thousandths(values, output.zero_point, output.scale)
                durations.append(answer.microseconds)
                done(count)
    total = len(tests.raw.inputs)
    report = {"board": board.name, "protocol": "mlperf", "model": name, "samples": total, "equal": right}
    report |= {"microseconds": median(durations), "pass": right == total}
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(f"{name} on {board.name} through MLPerf Tiny's protocol: {right} of {total} results are right")
    if right != total:
        raise ReportedError(f"{board.name}: {total - right} of {total} results differ from the int8 reference")
