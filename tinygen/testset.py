"""What the host tester sends and expects: inputs with the int8 and the float reference.

Place in the flow: made from --data and the model before the board is touched; saved by --vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinygen import reference
from tinygen.ir import Array
from tinygen.load.data import Dataset, load_data
from tinygen.load.vectors import save_vectors
from tinygen.load.worker_client import predict_float
from tinygen.ops.dequantize import dequantize_array
from tinygen.pipeline import Compiled, input_shapes_of
from tinygen.samples import RawSamples, random_samples, raw_samples, stack

RANDOM_SAMPLES = 20


@dataclass(frozen=True, slots=True, eq=False)
class TestSet:
    """Samples with what the device must answer (`int8_outputs`, per sample one array per output).

    `float_outputs` has one array (N, ...) per output, empty without a float model; `y_test` (N,) or None.
    """

    source: str
    raw: RawSamples
    int8_outputs: tuple[tuple[Array, ...], ...]
    float_inputs: dict[str, Array]
    float_outputs: tuple[Array, ...]
    y_test: Array | None
    labels: tuple[str, ...]


def make_test_set(compiled: Compiled, limit: int | None, progress: Callable[[str], None]) -> TestSet:
    """The test samples of the data file, at most `limit` of them; random ones where there is no file.

    Runs the float model in its child process (unless the file has its outputs) and the numpy reference.
    Raises TinygenError.
    """
    request, graph = compiled.request, compiled.plan.program.graph
    data = None
    if request.data is not None:
        data = load_data(request.data, input_shapes_of(graph), model_sha256=compiled.model.sha256)
    if data is not None and data.int8_inputs is not None:
        return _from_vectors(compiled, data, limit)
    if data is not None and data.test is not None:
        raw, source = raw_samples(graph, data.test, limit), data.test_source
    else:
        raw, source = random_samples(graph, limit or RANDOM_SAMPLES), "random input"
    floats = _float_inputs(compiled, data, raw)
    float_outputs: tuple[Array, ...] = ()
    if not request.is_tflite:
        float_outputs = predict_float(
            request.model,
            floats,
            input_shapes=request.input_shapes,
            allow_lambda=request.allow_lambda,
            progress=progress,
        )
    progress(f"running the int8 reference on {len(raw.inputs)} samples")
    expected = tuple(reference.run(graph, inputs) for inputs in raw.inputs)
    y_test = None if data is None or data.y_test is None else data.y_test[: len(raw.inputs)]
    return TestSet(source, raw, expected, floats, float_outputs, y_test, compiled.labels)


def save_test_set(path: Path, compiled: Compiled, tests: TestSet) -> None:
    """Write a vectors file, from which `load_data` makes the same test set without TensorFlow."""
    graph = compiled.plan.program.graph
    save_vectors(
        path,
        model_sha256=compiled.model.sha256,
        int8_inputs=tests.raw.by_name(graph),
        int8_outputs=[stack([sample[k] for sample in tests.int8_outputs]) for k in range(len(graph.outputs))],
        test=tests.float_inputs,
        float_outputs=tests.float_outputs,
        y_test=tests.y_test,
        labels=tests.labels,
    )


def _from_vectors(compiled: Compiled, data: Dataset, limit: int | None) -> TestSet:
    graph = compiled.plan.program.graph
    assert data.int8_inputs is not None
    raw = raw_samples(graph, data.int8_inputs, limit)
    count = len(raw.inputs)
    y_test = None if data.y_test is None else data.y_test[:count]
    shapes = [graph.tensors[i].shape for i in graph.outputs]
    outputs = [o[:count].reshape(count, *shape) for o, shape in zip(data.int8_outputs, shapes, strict=True)]
    expected = tuple(zip(*outputs, strict=True))
    floats = {name: array[:count] for name, array in (data.test or {}).items()}
    return TestSet(
        data.test_source, raw, expected, floats, tuple(f[:count] for f in data.float_outputs), y_test, data.labels
    )


def _float_inputs(compiled: Compiled, data: Dataset | None, raw: RawSamples) -> dict[str, Array]:
    """The samples as the float model takes them: those of the data file, else what the raw ones stand for."""
    graph = compiled.plan.program.graph
    given = {} if data is None or data.test is None else data.test
    floats: dict[str, Array] = {}
    for name, array in raw.by_name(graph).items():
        tensor = next(graph.tensors[i] for i in graph.inputs if graph.tensors[i].name == name)
        if name in given and given[name].dtype.kind == "f":
            floats[name] = given[name][: len(array)]
        elif tensor.quantization is not None:
            floats[name] = dequantize_array(array, tensor.scale, tensor.zero_point)
        else:
            floats[name] = array
    return floats
