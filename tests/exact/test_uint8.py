"""uint8 at a model's border: QUANTIZE to and from int8, exact; samples go in and come out as uint8."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.exact import layers
from tests.support.c_build import compile_graphs
from tests.support.compare import difference
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm import Tflm, needs_tflm
from tinygen import reference
from tinygen.load.tflite import parse_tflite
from tinygen.samples import raw_samples
from tinygen.verify import verify


def model(rng: np.random.Generator, inward: bool) -> bytes:
    b = ModelBuilder()
    types = ("uint8", "int8") if inward else ("int8", "uint8")
    shift = {"int8": 0, "uint8": 128}
    x = b.input((1, 256), layers.power(rng, -10, 2), layers.zero_point(rng) + shift[types[0]], types[0])
    ratio = (1.0, layers.power(rng, -8, 8))[rng.integers(2)]
    zero = layers.zero_point(rng) + shift[types[1]]
    y = b.tensor((1, 256), layers.f32(b.scale(x) * ratio), zero, types[1])
    b.op("QUANTIZE", [x], [y])
    return b.build([y])


@needs_tflm
def test_every_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    contents = {f"u{i}": model(rng, i % 2 == 0) for i in range(60)}
    graphs = {name: verify(parse_tflite(content, name, name)) for name, content in contents.items()}
    compiled = compile_graphs(list(graphs.values()), tmp_path, ("-O1",))
    with Tflm() as tflm:
        for name, graph in graphs.items():
            dtype = graph.tensors[graph.inputs[0]].dtype.value
            sample = (np.arange(256, dtype=np.uint8).view(dtype).reshape(1, 256),)
            (wanted,) = tflm.run(contents[name], [sample])
            assert not difference(reference.run(graph, sample), wanted), name
            assert not difference(compiled[name].run(sample), wanted), name


def test_float_samples_are_quantized_to_uint8() -> None:
    b = ModelBuilder()
    x = b.input((1, 4), 0.5, 100, "uint8")
    y = b.tensor((1, 4), 0.5, -28)
    b.op("QUANTIZE", [x], [y])
    graph = verify(parse_tflite(b.build([y]), "u", "u"))
    raw = raw_samples(graph, {"input_0": np.array([[-100.0, 0.0, 0.3, 1000.0]], np.float32)})
    assert raw.inputs[0][0].tolist() == [[0, 100, 101, 255]]
