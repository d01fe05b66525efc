"""What a test of one model came to: the verdicts, the gates, and all of it as text and as JSON.

Place in the flow: cli/test.py judges with it; report/junit.py and report/tested_page.py show the same values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tinygen.boards import Board
from tinygen.pipeline import Compiled
from tinygen.report.gates import Gate, Limits, check_limits
from tinygen.report.verdict import CodeVerdict, FloatVerdict, accuracy_of, judge_code, judge_float
from tinygen.tester import DeviceRun
from tinygen.testset import TestSet


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """A model, its test set, what the board answered, and what that means. `accuracy` (0 to 1) is the device's."""

    compiled: Compiled
    tests: TestSet
    result: DeviceRun
    code: CodeVerdict
    floats: FloatVerdict | None
    accuracy: float | None
    gates: tuple[Gate, ...]

    @property
    def name(self) -> str:
        return self.compiled.request.name

    @property
    def layers_passed(self) -> bool:
        """No layer that was compared is wrong; true where none was."""
        return self.result.layers is None or self.result.layers.first is None

    @property
    def passed(self) -> bool:
        return self.code.passed and self.layers_passed and all(gate.passed for gate in self.gates)

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not pass, a line each."""
        found = []
        layers = self.result.layers
        if layers is not None and layers.first is not None:
            found.append(f"{self.name}, the first wrong layer: {layers.first.text}")
        if not self.code.passed:
            wrong = self.code.outputs - self.code.bit_exact
            found.append(
                f"{wrong} of {self.code.outputs} outputs of {self.name} differ from the int8 reference; "
                f"first {self.code.first_wrong}"
            )
        return (*found, *(f"--{gate.name} of {self.name}: {gate.text}" for gate in self.gates if not gate.passed))

    @property
    def microseconds(self) -> tuple[float, ...]:
        """Of each inference, or of each hop; empty with layers, whose hooks take time."""
        if self.result.layers is not None:
            return ()
        return tuple(1e6 * ticks / self.result.info.ticks_hz for ticks in self.result.ticks)

    @property
    def stack_bytes(self) -> int | None:
        """The deepest that the stack was; None where it is not known, and with layers, whose hooks use it too."""
        return self.result.stack_bytes if self.result.layers is None else None


def has_classes(compiled: Compiled, tests: TestSet) -> bool:
    """Whether the first output is a score per class."""
    graph = compiled.plan.program.graph
    ends_in_softmax = any(op.kind == "SOFTMAX" and graph.outputs[0] in op.outputs for op in graph.ops)
    return tests.y_test is not None or bool(tests.labels) or ends_in_softmax


def judge(compiled: Compiled, tests: TestSet, result: DeviceRun, limits: Limits) -> Tested:
    """Both verdicts, and the limits."""
    graph = compiled.plan.program.graph
    outputs = [graph.tensors[i] for i in graph.outputs]
    floats = None
    if tests.float_outputs:
        classes = has_classes(compiled, tests)
        floats = judge_float(result.outputs, outputs, tests.float_outputs, tests.y_test, classes)
    accuracy = None if tests.y_test is None else accuracy_of(result.outputs, outputs[0], tests.y_test)
    code = judge_code(result.outputs, tests.int8_outputs)
    return Tested(compiled, tests, result, code, floats, accuracy, check_limits(limits, accuracy, floats))


def tested_json(board: Board, tested: Sequence[Tested], baud: int) -> dict[str, object]:
    """The keys of SPEC section 5."""
    described = [_model_json(board, each, baud) for each in tested]
    if len(described) == 1:
        return {"board": board.name, **described[0]}
    return {
        "board": board.name,
        "models": [{"model": t.name, **d} for t, d in zip(tested, described, strict=True)],
        "arena_bytes": max(t.result.info.arena_bytes for t in tested),
        "pass": all(t.passed for t in tested),
    }


def _model_json(board: Board, tested: Tested, baud: int) -> dict[str, object]:
    code, floats, result, hop = tested.code, tested.floats, tested.result, tested.compiled.plan.hop
    times = tested.microseconds
    return {
        "samples": code.samples,
        "outputs": code.outputs,
        "bit_exact": code.bit_exact,
        "top1_agreement": floats.top1_agreement if floats else None,
        "accuracy_device": tested.accuracy,
        "accuracy_float": floats.accuracy_float if floats else None,
        "max_error": floats.max_error if floats else None,
        # JSON has no infinity: null stands for equal outputs
        "snr_db": floats.snr_db if floats and math.isfinite(floats.snr_db) else None,
        "hops": hop.hops if hop else 1,
        "microseconds": round(median(times), 1) if times else None,
        "microseconds_are_virtual": virtual_time(board),
        "retries": result.retries,
        "baud": baud,
        "stack_bytes": tested.stack_bytes,
        "arena_bytes": result.info.arena_bytes,
        "model_sha256": result.info.sha256,
        "device": {
            "tinygen": result.info.version,
            "protocol": result.info.protocol,
            "clock_hz": result.report.clock_hz,
            "free_ram_bytes": result.report.free_ram_bytes,
        },
        "layers": _layers_json(tested),
        "gates": [{"name": g.name, "limit": g.limit, "value": g.value, "pass": g.passed} for g in tested.gates],
        "pass": tested.passed,
    }


def _layers_json(tested: Tested) -> dict[str, object] | None:
    run = tested.result.layers
    if run is None:
        return None
    first = run.first
    wrong = None
    if first is not None:
        element = first.element
        wrong = {
            "sample": first.sample,
            "layer": first.layer.index,
            "operator": first.layer.operator,
            "name": first.layer.name,
            "kernel": first.layer.kernel,
            "place": element.place if element else None,
            "expected": element.expected if element else None,
            "got": element.got if element else None,
        }
    return {
        "compared": run.compared,
        "wrong_samples": list(run.wrong_samples),
        "first_wrong": wrong,
    }


def virtual_time(board: Board) -> bool:
    """An emulated core's clock counts instructions; this computer's is a clock."""
    return board.emulated and board.core != "host"


def tested_lines(board: Board, tested: Tested) -> tuple[tuple[str, str], ...]:
    """What a person reads: lines with rich's style for each."""
    code, floats, result = tested.code, tested.floats, tested.result
    info, hop = result.info, tested.compiled.plan.hop
    each = "each" if hop is None else f"for each of {hop.hops} hops of {hop.frames} frames"
    virtual = " of the emulator's virtual time" if virtual_time(board) else ""
    times = tested.microseconds
    took = f", {median(times):,.0f} us {each}{virtual}" if times else ", with a hook in each layer"
    stack = f"; stack {tested.stack_bytes:,} bytes" if tested.stack_bytes is not None else ""
    head = f"{tested.name} on {board.name}: {code.samples} samples ({tested.tests.source}){took}"
    lines = [(f"{head}; arena {info.arena_bytes:,} bytes{stack}", "")]
    if result.retries:
        lines.append((f"{result.retries} frames were lost or damaged and sent again", ""))
    exact = f"device against the int8 reference: {code.bit_exact:,} of {code.outputs:,} outputs bit-exact"
    lines.append(_verdict(exact, code.passed))
    run = result.layers
    if run is not None:
        lines.append(_verdict(f"layers: the checksums of {run.compared} in {code.samples} samples", run.first is None))
        if run.first is not None:
            lines.append((f"first wrong: {run.first.text}", "bold red"))
    lines.append(_against_float(tested, floats))
    lines += [_verdict(f"--{gate.name}: {gate.text}", gate.passed) for gate in tested.gates]
    return tuple(lines)


def _verdict(text: str, passed: bool) -> tuple[str, str]:
    return f"{text}  {'OK' if passed else 'WRONG'}", "bold green" if passed else "bold red"


def _against_float(tested: Tested, floats: FloatVerdict | None) -> tuple[str, str]:
    if floats is None:
        known = "" if tested.accuracy is None else f"; accuracy {tested.accuracy:.2%}"
        return f"device against the float model: not compared, only an int8 model was given{known}", ""
    parts = [f"max error {floats.max_error:.4g}", f"SNR {floats.snr_db:.1f} dB"]
    if floats.accuracy_device is not None and floats.accuracy_float is not None:
        parts.insert(0, f"accuracy {floats.accuracy_device:.2%} (float {floats.accuracy_float:.2%})")
    if floats.top1_agreement is not None:
        parts.insert(0, f"top-1 agreement {floats.top1_agreement:.2%}")
    return f"device against the float model: {', '.join(parts)}", "bold"
