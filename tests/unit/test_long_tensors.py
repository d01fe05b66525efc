"""Tensors of thousands of rows: what the planner does for each event must not be as long as the schedule."""

from __future__ import annotations

import pytest

from tests.support.c_build import plan_of
from tests.support.tflite_builder import ModelBuilder
from tinygen.load.tflite import parse_tflite
from tinygen.plan import timeline


def test_one_track_for_each_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    b = ModelBuilder()
    x, pieces = b.input((500, 3, 2), 0.5), [b.tensor((500, 2), 0.5) for _ in range(3)]
    b.op("UNPACK", [x], pieces, axis=1, num=3)
    plan = plan_of(parse_tflite(b.build(pieces), "m", "m"))
    made = []

    class Counted(timeline._Track):
        def __init__(self, events: int) -> None:
            made.append(events)
            super().__init__(events)

    monkeypatch.setattr(timeline, "_Track", Counted)
    assert len(timeline.find_buffers(plan.program, plan.segments)) >= 4
    assert len(made) == 4
    assert made[0] > 100
