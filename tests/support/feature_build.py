"""Front ends in C: the library of a model that gives back its features, and programs that compute frames alone."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.c_build import STRICT, plan_of, run_tool, write_library
from tests.support.feature_models import Samples, definition, echo_model
from tinygen.decision.decider import DecisionTable, make_decider
from tinygen.drift.watch import DriftWatch
from tinygen.features import Definition
from tinygen.features.front_end import make_front_end
from tinygen.kernelsets import PORTABLE, Target
from tinygen.load.tflite import parse_tflite
from tinygen.plan import Plan, with_features

Int32 = npt.NDArray[np.int32]


def echo_plan(d: Definition, name: str, frames: int = 3, target: Target = PORTABLE) -> Plan:
    """The plan of an echo model with the front end `d` before it."""
    graph = parse_tflite(echo_model(frames, d.features), name, name)
    front = make_front_end(d, graph.tensors[graph.inputs[0]], None, False)
    return with_features(plan_of(graph, target), front)


def watching_plan(plan: Plan) -> Plan:
    """The plan with decisions and a drift watch behind it, of numbers that mean nothing."""
    front, graph = plan.features, plan.program.graph
    assert front is not None
    decider = make_decider(DecisionTable(3, (0.5,), 2, (), ()), graph.tensors[graph.outputs[0]], ())
    watch = DriftWatch(2, (0, 1, 2, 3), (1, -2, 300, 4), (1 << 20,) * 4, tuple(range(-5, 5)), 1000)
    return replace(plan, features=replace(front, decider=decider, watch=watch))


@dataclass(frozen=True, slots=True)
class FrameFunction:
    """A C function NAME_frame(samples of all channels, values), which computes a frame as NAME_push does.

    It lies in a file beside the library, and keeps its bins in static memory.
    """

    name: str
    definition: Definition
    source: Path

    @property
    def prototype(self) -> str:
        return f"void {self.name}_frame(const int16_t *x, int32_t *values);"


def frame_function(name: str, folder: Path) -> FrameFunction:
    """Of one of feature_models.TABLES, with its library written below `folder`."""
    d = definition(name)
    library = write_library(echo_plan(d, name), folder)
    per_channel = d.features_per_channel
    bins = f"static tg_bin bins[{d.fft // 2 + 1}];" if d.fft else ""
    arguments = f"&{name}_features, x + c, {d.channels}{', bins' if d.fft else ''}, made"
    made = FrameFunction(name, d, library.parent / "frame.c")
    # MFCC puts its bands behind the coefficients
    made.source.write_text(
        f"""#include "{name}_features.h"
{bins}
static int32_t made[{per_channel + d.bands}];
{made.prototype}
void {name}_frame(const int16_t *x, int32_t *values) {{
  int8_t quantized;
  for (uint16_t c = 0; c < {d.channels}; ++c) {{
    tg_{d.kind}({arguments});
    tg_quantize_features(&{name}_quantize_features, made, 1, &quantized);
    memcpy(values + c * {per_channel}, made, {per_channel} * sizeof *values);
  }}
}}
"""
    )
    return made


def frames_on_host(function: FrameFunction, samples: Samples, flags: Sequence[str] = ("-O2",)) -> Int32:
    """(frames, features) values of all frames of the samples, by the host's C."""
    d, target = function.definition, function.source.with_suffix(".so")
    run_tool(["gcc", *STRICT, *flags, "-fPIC", "-shared", function.source, "-o", target])
    call = getattr(ctypes.CDLL(str(target)), f"{function.name}_frame")
    content = np.ascontiguousarray(samples)
    values = np.zeros((1 + (len(samples) - d.window) // d.hop, d.features), np.int32)
    for k in range(len(values)):
        at = content.ctypes.data + 2 * k * d.hop * d.channels
        call(ctypes.c_void_p(at), ctypes.c_void_p(values[k].ctypes.data))
    return values
