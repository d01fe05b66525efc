"""`tinygen quantize`: the quantized .tflite that the other commands work with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.cli.options import JSON, source_options
from tinygen.cli.progress import OUT, Steps, warn_of_random
from tinygen.ir import Tensor
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import Request, compile_model


@click.command(epilog="Example: tinygen quantize kws.h5 --data kws.npz -o kws_int8.tflite")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The int8 model (default: NAME_int8.tflite, or NAME_int16.tflite, in the current folder).",
)
@JSON
@source_options
def quantize(request: Request, output: Path | None, as_json: bool) -> None:
    """Quantize MODEL to full int8: per-channel weights, int8 inputs and outputs.

    With --activations int16: weights stay int8, all else becomes int16.
    """
    path = output or Path(f"{request.name}_{request.activations}.tflite")
    steps = Steps()
    with steps.step(f"quantizing {request.model.name}"):
        compiled = compile_model(request, None, steps.update)
        write_atomically(path, compiled.tflite)
    graph = compiled.model.graph
    warn_of_random(compiled.calibration)
    report = {
        "tflite": str(path),
        "model_sha256": compiled.model.sha256,
        "bytes": len(compiled.tflite),
        "calibration": compiled.calibration.source,
        "calibration_samples": compiled.calibration.samples,
        "random_calibration": compiled.calibration.random,
        "recurrent": list(compiled.calibration.recurrent),
        "inputs": [_describe(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_describe(graph.tensors[i]) for i in graph.outputs],
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        OUT.print(f"{path}: {len(compiled.tflite):,} bytes, calibrated on {compiled.calibration.source}")


def _describe(tensor: Tensor) -> dict[str, object]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.value,
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
    }
