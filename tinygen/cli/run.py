"""`tinygen run`: your samples through the model on a board."""

from __future__ import annotations

import io
import json
from pathlib import Path

import click
import numpy as np

from tinygen.boards import get_board
from tinygen.cli.build import default_project, write_project_of
from tinygen.cli.on_board import run_samples
from tinygen.cli.options import BOARD, JSON, OPTIMIZED, PORT, PROJECT_SHORT, source_options
from tinygen.cli.port import port_of
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import TinygenError
from tinygen.ir import Array, Graph
from tinygen.load.arrays import write_atomically
from tinygen.load.data import load_data
from tinygen.load.settle import settled
from tinygen.pipeline import input_shapes_of
from tinygen.request import Request
from tinygen.samples import raw_samples, real_values, stack
from tinygen.tester import DeviceRun


@click.command(epilog="Example: tinygen run kws.h5 --board qemu-stm32f405 --input x.npy --output y.npy")
@BOARD
@PORT
@PROJECT_SHORT
@click.option(
    "--input",
    "input_file",
    required=True,
    metavar="DATA",
    help="What to run, as --data has it: .npy, .npz, photos,scale=0..1 ...",
)
@click.option(
    "--output",
    "output_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the outputs go: .npy, or .npz with the outputs' names.",
)
@JSON
@OPTIMIZED
@source_options
def run(
    request: Request,
    board_name: str,
    port: str | None,
    project: Path | None,
    input_file: str,
    output_file: Path,
    as_json: bool,
) -> None:
    """Run MODEL on BOARD with samples of your own; the first axis of an array is the sample.

    int8 arrays go in and come out raw; float arrays are quantized on the way in, and the outputs dequantized.
    """
    board = get_board(board_name)
    port = port_of(board, port)
    folder = project or default_project([request], board)
    steps = Steps()
    (compiled,) = write_project_of([request], board, folder, steps)
    graph = compiled.plan.program.graph
    if len(graph.outputs) > 1 and output_file.suffix != ".npz":
        raise TinygenError(f"{request.name} has {len(graph.outputs)} outputs", "give an .npz file as --output")
    samples = load_data(settled(input_file, request.model, request.features), input_shapes_of(graph)).test
    if samples is None:
        raise TinygenError(f"{input_file} has no samples", "give an .npy, or an .npz with the inputs' names")
    raw = raw_samples(graph, samples)
    (result,) = run_samples([(compiled, raw)], board, folder, port, steps).models
    as_float = any(array.dtype.kind == "f" for array in samples.values())
    outputs = _collect(graph, result, as_float)
    _save(output_file, outputs)
    if as_json:
        click.echo(json.dumps({"samples": len(raw.inputs), "output": str(output_file), "names": list(outputs)}))
    else:
        OUT.print(f"{output_file}: {len(raw.inputs)} samples of {', '.join(outputs)}")


def _collect(graph: Graph, result: DeviceRun, as_float: bool) -> dict[str, Array]:
    """One array (N, ...) per output by its name, without the batch axis of 1."""
    collected: dict[str, Array] = {}
    for k, index in enumerate(graph.outputs):
        tensor = graph.tensors[index]
        arrays = [sample[k] for sample in result.outputs]
        collected[tensor.name] = real_values(arrays, tensor) if as_float else stack(arrays)
    return collected


def _save(path: Path, outputs: dict[str, Array]) -> None:
    content = io.BytesIO()
    if path.suffix == ".npz":
        np.savez_compressed(content, allow_pickle=False, **outputs)
    else:
        np.save(content, next(iter(outputs.values())))
    write_atomically(path, content.getvalue())
