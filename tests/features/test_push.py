"""NAME_push(): however the samples come, every result is that of the numpy front end and the reference."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.c_build import plan_of, run_tool, shared_library, write_library
from tests.support.feature_build import echo_plan
from tests.support.feature_models import Samples, definition, noise
from tests.support.tflite_builder import ModelBuilder
from tinygen import reference
from tinygen.errors import TinygenError
from tinygen.features import Definition, fixed_values, quantize_values
from tinygen.features.front_end import make_front_end
from tinygen.ir import Array
from tinygen.kernels import build_program
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan import Plan, make_plan, with_features
from tinygen.verify import verify


class Application:
    """The library of a plan with a front end, called as an application does."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.graph = plan.program.graph
        self._library = shared_library([write_library(plan, folder)], folder)
        self._output = getattr(self._library, f"{self.graph.name}_output")
        self._output.restype = ctypes.c_void_p
        self._push = getattr(self._library, f"{self.graph.name}_push")
        self.reset = getattr(self._library, f"{self.graph.name}_reset")

    def push(self, samples: Samples) -> int:
        content = np.ascontiguousarray(samples)
        return int(self._push(ctypes.c_void_p(content.ctypes.data), ctypes.c_size_t(len(content))))

    def output(self) -> Array:
        tensor = self.graph.tensors[self.graph.outputs[0]]
        content = ctypes.string_at(self._output(0), tensor.nbytes)
        return np.frombuffer(content, np.int8).reshape(tensor.shape)


def expected(plan: Plan, samples: Samples) -> Iterator[Array]:
    """What comes out of all samples, in order: the pipeline in numpy."""
    graph, front = plan.program.graph, plan.features
    assert front is not None
    frames = quantize_values(fixed_values(samples, front.definition), front.folding)
    for end in range(front.stride, len(frames) + 1, front.stride):
        if end >= front.window:
            window = frames[end - front.window : end].reshape(graph.tensors[graph.inputs[0]].shape)
            yield reference.run(graph, (window,))[0]


def in_pieces(application: Application, samples: Samples, most: int, seed: int) -> list[Array]:
    """Every result, of pieces of 0 to `most` samples."""
    rng, at, results = np.random.default_rng(seed), 0, []
    while at < len(samples):
        end = at + int(rng.integers(0, most + 1))
        made = application.push(samples[at:end])
        assert made in (0, 1)
        results += [application.output().copy()] * made
        at = end
    return results


@pytest.mark.parametrize(
    ("name", "changed", "frames"),
    [
        ("log_mel", {"stride": 2}, 5),
        ("mfcc", {"hop": 480}, 3),  # windows side by side
        ("vibration", {"stride": 7}, 3),  # frames between two inferences that are never used
        ("statistics", {}, 1),
        ("shortest", {"stride": 1}, 10),
    ],
)
def test_every_result_is_that_of_numpy(name: str, changed: dict[str, int], frames: int, tmp_path: Path) -> None:
    d = definition(name, **changed)
    plan = echo_plan(d, name, frames)
    front = plan.features
    assert front is not None
    application = Application(plan, tmp_path)
    samples = noise(d.window + d.hop * 40 * front.stride, d.channels)
    wanted = list(expected(plan, samples))
    assert len(wanted) >= 30
    for seed in range(3):
        application.reset()
        got = in_pieces(application, samples, min(d.hop * front.stride, [1000, 3, 1000][seed]), seed)
        np.testing.assert_array_equal(got, wanted)
    application.reset()
    assert application.push(samples) == len(wanted)  # all at once: the last one counts
    np.testing.assert_array_equal(application.output(), wanted[-1])


# Pushes pieces of 0 to 700 samples out of stdin, and writes every result.
_MAIN = """#include "{name}.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {{
  size_t count = 0;
  for (;; count = (count * 7 + 3) % 701) {{
    int16_t *samples = malloc(count * {channels} * sizeof *samples + 1);
    const size_t got = fread(samples, sizeof *samples * {channels}, count, stdin);
    if ({name}_push(samples, got) != 0) fwrite({name}_output(0), 1, {macro}_OUTPUT_0_BYTES, stdout);
    free(samples);
    if (got < count) return 0;
  }}
}}
"""


@pytest.mark.parametrize("name", ["mfcc", "vibration", "statistics"])
def test_under_sanitizers(name: str, tmp_path: Path) -> None:
    """No byte beside the samples, the frames and the scratch is touched, and nothing is undefined."""
    d = definition(name, stride=100)
    plan = echo_plan(d, name, 2)
    source, program = write_library(plan, tmp_path), tmp_path / "program"
    (tmp_path / "main.c").write_text(_MAIN.format(name=name, macro=name.upper(), channels=d.channels))
    flags = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wno-error=unused-result")
    run_tool(["gcc", *flags, f"-I{source.parent}", source, tmp_path / "main.c", "-o", program])
    samples = noise(d.window + d.hop * 600, d.channels)
    got = run_tool([program], samples.astype("<i2").tobytes())
    assert got == b"".join(y.tobytes() for y in expected(plan, samples))


def test_reset_forgets(tmp_path: Path) -> None:
    d = definition("log_mel")
    application = Application(echo_plan(d, "net", 2), tmp_path)
    samples = noise(d.window + d.hop)
    assert application.push(samples[:-1]) == 0
    application.reset()
    assert application.push(samples[-1:]) == 0
    assert application.push(samples[:-2]) == 0
    assert application.push(samples[-2:-1]) == 1


def convolution_model(d: Definition, frames: int) -> bytes:
    """A model over time: two SAME convolutions along the frames, and a mean."""
    b, rng = ModelBuilder(), np.random.default_rng(3)
    x = b.input((1, frames, 1, d.features), 0.05, -3)
    for channels in (6, 4):
        y = b.tensor((1, frames, 1, channels), 0.08, 4)
        shape = (channels, 3, 1, b.shape(x)[3])
        weights = b.constant(rng.integers(-127, 128, shape).astype(np.int8), [0.005] * channels, axis=0)
        b.op("CONV_2D", [x, weights], [y], strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=0)
        x = y
    y = b.tensor((1, 4), 0.02, 0)
    b.op("MEAN", [x, b.constant(np.array([1, 2], np.int32))], [y], keepDims=False)
    return b.build([y])


@pytest.mark.parametrize("hop", [1, 2, 5])
def test_streaming_gives_what_whole_windows_give(hop: int, tmp_path: Path) -> None:
    """With --hop features go in hop by hop, none is computed twice, and every result is the same."""
    d = definition("log_mel")
    graph = parse_tflite(convolution_model(d, 12), f"hop{hop}", "hop")
    plan = make_plan(build_program(run_passes(verify(graph))), hop=hop)
    plan = with_features(plan, make_front_end(d, graph.tensors[graph.inputs[0]], hop, False))
    front = plan.features
    assert front is not None
    assert (front.stride, front.kept, front.window) == (hop, hop, 12)
    samples = noise(d.window + d.hop * 60)
    wanted = list(expected(plan, samples))
    assert len(wanted) == 61 // hop - -(-12 // hop) + 1
    application = Application(plan, tmp_path)
    for seed in range(2):
        np.testing.assert_array_equal(in_pieces(application, samples, d.hop * hop, seed), wanted)
        application.reset()


def convolution_plan(d: Definition, frames: int) -> Plan:
    graph = parse_tflite(convolution_model(d, frames), "conv", "conv")
    return with_features(plan_of(graph), make_front_end(d, graph.tensors[graph.inputs[0]], None, False))


def counting_model() -> bytes:
    """int8 (1, 1, 9) with a variable that grows by 1 with each inference; the output is the input and it."""
    b = ModelBuilder()
    x, handle, before = b.input((1, 9), 0.5), b.handle("count"), b.tensor((1, 9), 0.5)
    b.op("READ_VARIABLE", [handle], [before])
    count, y = b.tensor((1, 9), 0.5), b.tensor((1, 18), 0.5)
    b.op("ADD", [before, b.constant(np.full((1, 9), 2, np.int8), 0.5)], [count], fusedActivationFunction=0)
    b.op("ASSIGN_VARIABLE", [handle, count], [])
    b.op("CONCATENATION", [x, count], [y], axis=1, fusedActivationFunction=0)
    return b.build([y])


@pytest.mark.parametrize("forgets", [False, True])
def test_variables(forgets: bool, tmp_path: Path) -> None:
    """A model with a memory keeps it from result to result; one of Keras begins anew each time."""
    d = definition("shortest")
    graph = parse_tflite(counting_model(), "count", "count")
    plan = with_features(plan_of(graph), make_front_end(d, graph.tensors[graph.inputs[0]], None, forgets))
    application = Application(plan, tmp_path)
    samples = noise(15 + 4)
    for _ in range(2):
        assert application.push(samples[:15]) == 0
        counted = []
        for sample in samples[15:]:
            assert application.push(np.array([sample])) == 1
            counted.append(int(application.output()[0, 9]))
        assert counted == ([2, 2, 2, 2] if forgets else [2, 4, 6, 8])
        application.reset()


def test_scratch_lies_in_the_arena_beside_the_output() -> None:
    d = definition("log_mel")
    small, large = echo_plan(d, "small", 2), convolution_plan(d, 200)
    assert small.features is not None
    assert small.features.scratch_bytes == 257 * 8 + 40 * 4
    assert small.arena_bytes == 80 + small.features.scratch_bytes
    assert large.arena_bytes == plan_of(large.program.graph).arena_bytes


@pytest.mark.parametrize(
    ("shape", "dtype", "hop", "changed", "says"),
    [
        ((1, 40, 49), "int8", None, {}, "no row of frames of 40 features"),
        ((1, 41), "int8", None, {}, "no row of frames of 40 features"),
        ((1, 7, 40), "int16", None, {}, "int16"),
        ((1, 7, 40), "int8", 2, {"stride": 3}, "--hop 2, but the table says stride = 3"),
        ((1, 40), "int8", 1, {}, "several frames"),
        ((1, 30001, 40), "int8", None, {}, "30,001 frames"),
    ],
)
def test_refused(shape: tuple[int, ...], dtype: str, hop: int | None, changed: dict[str, int], says: str) -> None:
    b = ModelBuilder()
    x, y = b.input(shape, 0.1, dtype=dtype), b.tensor(shape, 0.1, dtype=dtype)
    b.op("RELU", [x], [y])
    graph = parse_tflite(b.build([y]), "net", "net")
    with pytest.raises(TinygenError) as error:
        make_front_end(definition("log_mel", **changed), graph.tensors[graph.inputs[0]], hop, False)
    assert says in str(error.value)
    assert error.value.hint


def test_flat_inputs_are_frames_too() -> None:
    d = definition("shortest")
    for shape in ((1, 27), (1, 3, 9), (1, 3, 9, 1), (1, 3, 1, 9)):
        b = ModelBuilder()
        x, y = b.input(shape, 0.1), b.tensor(shape, 0.1)
        b.op("RELU", [x], [y])
        graph = parse_tflite(b.build([y]), "net", "net")
        assert make_front_end(d, graph.tensors[graph.inputs[0]], None, False).window == 3
