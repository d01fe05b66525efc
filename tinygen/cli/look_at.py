"""`tinygen doctor MODEL`: what ails a quantized model, and the data it is looked at with.

Place in the flow: cli/doctor.py calls it. Of a Keras model the child process that quantizes finds it out; an int8
.tflite is looked at here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from tinygen.cli.progress import Steps
from tinygen.errors import TinygenError
from tinygen.load.arrays import Array, Samples, write_atomically
from tinygen.load.data import load_data
from tinygen.load.tflite import load_tflite
from tinygen.pipeline import input_shapes_of, quantize_request
from tinygen.quantize.findings import Finding, are_scores, class_findings, data_findings, input_findings
from tinygen.quantize.robust import Subject, robustness
from tinygen.report.diagnosis import diagnosis_page, diagnosis_text
from tinygen.request import Request
from tinygen.verify import verify


def look_at(request: Request, html: Path | None, as_json: bool, with_robustness: bool) -> None:
    """The model's diagnosis, to the terminal and the page. Raises TinygenError."""
    if request.data is None and (request.is_tflite or request.calibration is None):
        raise TinygenError("there is no data to look at the model with", "give --data, see --help")
    steps = Steps()
    with steps.step(f"looking at {request.model.name}"):
        look = _tflite if request.is_tflite else _keras
        report = look(request, with_robustness, steps.update)
    if html is not None:
        write_atomically(html, diagnosis_page(report))
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(diagnosis_text(report))


def _keras(request: Request, with_robustness: bool, progress: Callable[[str], None]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tinygen-") as folder:
        path = Path(folder) / "model.tflite"
        result = quantize_request(request, path, progress, diagnose=True, robustness=with_robustness)
    assert result.quality is not None
    assert result.diagnosis is not None
    return {
        "model": request.name,
        **asdict(result.quality),
        **result.diagnosis,
        "coverage": None if result.coverage is None else asdict(result.coverage),
        "robustness": result.robustness,
    }


def _tflite(request: Request, with_robustness: bool, progress: Callable[[str], None]) -> dict[str, Any]:
    """No layers, since there is nothing to compare them with: only the data and, if wanted, its shifts."""
    graph = verify(load_tflite(request.model, request.name).graph)
    assert request.data is not None
    dataset = load_data(request.data, input_shapes_of(graph))
    samples = dataset.test or dataset.calibration
    if samples is None:
        raise TinygenError(f"{dataset.name} has no float samples", "give samples as the model was trained on")
    inputs = {graph.tensors[i].name: graph.tensors[i] for i in graph.inputs}
    numbers = [name for name, tensor in inputs.items() if tensor.quantization is None and "int" in tensor.dtype.value]
    fixed = frozenset(numbers)
    if any(samples[name].dtype == np.int8 for name in inputs if name not in fixed):
        raise TinygenError(f"{dataset.test_source} is raw int8", "give float samples, as the model was trained on")
    found = [*data_findings(dataset.calibration or samples, samples)]
    for name, tensor in inputs.items():
        if tensor.quantization is not None:
            info = np.iinfo(tensor.dtype.value)
            low, high = (tensor.scale * (step - tensor.zero_point) for step in (info.min, info.max))
            found += input_findings(name, low, high, samples[name])
    found += _class_findings(dataset.y_test, samples, graph.tensors[graph.outputs[0]].elements)
    shifted = None
    if with_robustness:
        progress("shifting the test samples")
        subject = Subject(
            content=request.model.read_bytes(),
            floating=None,
            shapes=input_shapes_of(graph),
            samples=samples,
            classes=dataset.y_test,
            fixed=fixed,
            direction=None,
        )
        shifted = asdict(robustness(subject, lambda done, total: None))
    return {
        "model": request.name,
        **dict.fromkeys(("plain_sqnr_db", "sqnr_db", "remedies", "plain", "now", "coverage")),
        **{"tried": [], "offers": []},
        "findings": [asdict(finding) for finding in found],
        "robustness": shifted,
    }


def _class_findings(classes: Array | None, samples: Samples, outputs: int) -> tuple[Finding, ...]:
    """For a model whose output is a score for each class, as far as can be seen."""
    known = classes is not None and are_scores(outputs, samples, classes)
    return class_findings(classes, outputs) if classes is not None and known else ()
