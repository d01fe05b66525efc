"""Decisions: the numpy twin against the words of the documentation, the C twin against it, and a board."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulated.test_play import write_table
from tests.features.test_push import Application, convolution_model, convolution_plan
from tests.support.avr import needs_avr
from tests.support.c_build import STRICT, run_tool
from tests.support.cli import tinygen
from tests.support.feature_models import definition, noise, speech
from tinygen import resources
from tinygen.decision.decider import Decider, DecisionTable, Scores, decide, decision_table, make_decider, sum_limit
from tinygen.errors import TinygenError
from tinygen.features.definition import parse_table
from tinygen.ir import DType, Quantization, Tensor
from tinygen.play import expected_decisions, expected_results, windows_of


def tensor(labels: int, scale: float = 1 / 256, zero_point: int = -128, dtype: DType = DType.INT8) -> Tensor:
    quantization = Quantization((float(np.float32(scale)),), (zero_point,))
    return Tensor("scores", (1, labels), dtype, quantization)


def plainly(scores: Scores, table: DecisionTable, output: Tensor) -> list[int]:
    """Result by result, in real values, as docs/features.md says it."""
    rest, decided = 0, []
    thresholds = table.threshold * (scores.shape[1] if len(table.threshold) == 1 else 1)
    real = (scores.astype(np.float64) - output.zero_point) * float(output.scale)
    for at in range(1, len(scores) + 1):
        label = -1
        if at >= table.smoothing:
            mean = real[at - table.smoothing : at].sum(0) / table.smoothing
            top = int(mean.argmax())
            if rest == 0 and table.labels[top] not in table.background and mean[top] >= thresholds[top]:
                label, rest = top, table.refractory + 1
            rest = max(rest - 1, 0)
        decided.append(label)
    return decided


@given(
    seed=st.integers(0, 10000),
    smoothing=st.integers(1, 8),
    refractory=st.integers(0, 5),
    thresholds=st.lists(st.sampled_from([0.25, 0.5, 0.75]), min_size=3, max_size=3),
    background=st.sets(st.sampled_from("abc")),
)
def test_numpy_is_what_the_words_say(
    seed: int, smoothing: int, refractory: int, thresholds: list[float], background: set[str]
) -> None:
    # scores a power of two apart, so that means of floats are exact where it matters: at equality
    scores = np.random.default_rng(seed).choice(np.array([-128, -64, 0, 64], np.int8), (60, 3))
    table = DecisionTable(smoothing, tuple(thresholds), refractory, tuple(background), ("a", "b", "c"))
    wanted = plainly(scores, table, tensor(3))
    assert decide(scores, make_decider(table, tensor(3), ())) == tuple(wanted)


def test_limits_are_exact() -> None:
    output = tensor(2, scale=0.1, zero_point=3)
    for threshold in (0.35, 0.4, 1.0, -2.0):
        for smoothing in (1, 3, 255):
            limit = sum_limit(threshold, smoothing, output)
            exact = float(output.scale)
            assert exact * (limit - 3 * smoothing) >= threshold * smoothing
            assert exact * (limit - 1 - 3 * smoothing) < threshold * smoothing
    assert sum_limit(1e9, 255, output) == 127 * 255 + 1 < 32767
    assert sum_limit(-1e9, 255, output) == -128 * 255


_HARNESS = """#include "tg_decide.h"
static const int16_t limits[] = {{{limits}}};
static const tg_decide_params params = {{limits, {labels}, {smoothing}, {refractory}}};
static int8_t scores[{labels} * {smoothing}];
static int16_t sums[{labels}];
void decide_all(const int8_t *results, int count, int16_t *decided);
void decide_all(const int8_t *results, int count, int16_t *decided) {{
  tg_decide_state state;
  memset(scores, 77, sizeof scores);
  tg_decide_reset(&params, &state, scores, sums);
  for (int i = 0; i < count; ++i) {{
    decided[i] = (int16_t)tg_decide(&params, &state, scores, sums, results + i * {labels});
  }}
}}
"""


def in_c(scores: Scores, d: Decider, folder: Path) -> Sequence[int]:
    labels = len(d.labels)
    source, target = folder / "decide.c", folder / f"decide{d.smoothing}_{d.refractory}_{labels}.so"
    limits = ", ".join(map(str, d.limits))
    source.write_text(_HARNESS.format(limits=limits, labels=labels, smoothing=d.smoothing, refractory=d.refractory))
    includes = [f"-I{resources.TEMPLATES / 'features'}", f"-I{resources.KERNELS / 'portable'}"]
    run_tool(["gcc", *STRICT, "-O2", "-fPIC", "-shared", *includes, source, "-o", target])
    content, decided = np.ascontiguousarray(scores), np.zeros(len(scores), np.int16)
    call = ctypes.CDLL(str(target)).decide_all
    call(ctypes.c_void_p(content.ctypes.data), len(scores), ctypes.c_void_p(decided.ctypes.data))
    return [int(x) for x in decided]


@pytest.mark.parametrize(
    ("labels", "smoothing", "refractory", "extreme"),
    [(1, 1, 0, False), (12, 4, 7, False), (3, 255, 2, True), (300, 2, 0, False)],
)
def test_c_is_numpy(labels: int, smoothing: int, refractory: int, extreme: bool, tmp_path: Path) -> None:
    """10,000 results each; scores of 255 results at both ends of int8 fill 16 bits nearly."""
    rng = np.random.default_rng(labels)
    low, high = (-128, 128) if not extreme else (126, 128)
    scores = rng.integers(low, high, (10000, labels)).astype(np.int8)
    if extreme:
        scores[3000:6000] = -128
    limits = tuple(int(x) for x in rng.integers(-20, 90, labels) * smoothing)
    decider = Decider(tuple(map(str, range(labels))), limits, smoothing, refractory)
    wanted = decide(scores, decider)
    assert sum(x >= 0 for x in wanted) > 100
    assert in_c(scores, decider, tmp_path) == list(wanted)


def test_push_decides(tmp_path: Path) -> None:
    """The library of a model: after every result what numpy decides, and of a long push the last decision."""
    d = definition("mfcc", stride=1)
    plan = convolution_plan(d, 5)
    graph, front = plan.program.graph, plan.features
    assert front is not None
    table = DecisionTable(3, (0.05,), 4, ("c",), ("a", "b", "c", "d"))
    plan = replace(plan, features=replace(front, decider=make_decider(table, graph.tensors[graph.outputs[0]], ())))
    samples = np.concatenate([noise(20000), speech()[:20000]])
    wanted = expected_decisions(plan, expected_results(plan, windows_of(front, samples)))
    assert 5 < sum(x >= 0 for x in wanted) < len(wanted) - 5
    application = Application(plan, tmp_path)
    decision = application._library.conv_decision
    for _ in range(2):
        got = []
        for at in range(0, len(samples), 320):
            if application.push(samples[at : at + 320]):
                got.append(decision())
            else:
                assert decision() == -1
        assert tuple(got) == wanted
        application.reset()
    application.push(samples)
    assert decision() == [x for x in wanted if x >= 0][-1]


DECISION = """
[decision]
labels = ["a", "b", "c", "d"]
background = ["c"]
smoothing = 2
threshold = 0.01
refractory = 3
"""


@pytest.mark.parametrize("board", ["qemu-cortex-m4", pytest.param("simavr-uno", marks=needs_avr)])
def test_boards_decide_as_numpy(board: str, tmp_path: Path) -> None:
    name, more = ("mfcc", ("--hop", "2")) if board == "qemu-cortex-m4" else ("shortest", ())
    d = definition(name)
    (tmp_path / "net.tflite").write_bytes(convolution_model(d, 12 if more else 3))
    write_table(tmp_path / "net.toml", name)
    with (tmp_path / "net.toml").open("a") as file:
        file.write(DECISION)
    np.save(tmp_path / "x.npy", speech()[4000:24000] if more else noise(80))
    arguments = ("play", "--board", board, "--recording", "x.npy", *more, "net.tflite")
    report = tinygen(*arguments, "--json", cwd=tmp_path).json()
    assert report["pass"] is True
    made = [r["decision"] for r in report["recordings"][0]]
    assert {"a", "b", "d"} & set(made)
    assert None in made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("smoothing = 0", "smoothing"),
        ("smoothing = 256", "smoothing"),
        ('threshold = "high"', "threshold"),
        ("speed = 1", "speed"),
        ("threshold = [0.5, 0.5]", "2 thresholds for 3 scores"),
        ('labels = ["a", "b"]', "2 labels for 3 scores"),
        ('background = ["x"]', "background 'x' is none of the labels"),
        ('labels = ["a", "b", "z"]', "not those of the data"),
    ],
)
def test_refused(text: str, says: str) -> None:
    table = f'kind = "log_mel"\nrate = 16000\nwindow = 480\nhop = 320\nbands = 40\n[decision]\n{text}\n'
    with pytest.raises(TinygenError, match=says) as error:
        make_decider(decision_table(parse_table(table)[1]["decision"]), tensor(3), ("a", "b", "c"))
    assert error.value.hint


def test_only_int8_scores() -> None:
    with pytest.raises(TinygenError, match="int8 scores"):
        make_decider(DecisionTable(1, (0.5,), 0, (), ()), tensor(3, dtype=DType.FLOAT32), ())
