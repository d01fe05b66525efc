"""Streaming over time: what moves up with a hop, what is kept, and a checker that sees every mistake in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.exact.streams import stream_networks
from tests.support.everything_state import filter_model
from tests.support.tflite_builder import ModelBuilder
from tinygen.errors import TinygenError
from tinygen.ir import Graph
from tinygen.kernels import Program, build_program
from tinygen.load.tflite import parse_tflite
from tinygen.ops.base import Operand, row_by_row
from tinygen.passes import run_passes
from tinygen.plan import Placed, make_plan, places_of
from tinygen.plan.check_hop import check_hop
from tinygen.plan.hop import Hop, Kept, choose_hop
from tinygen.plan.schedule import Segment
from tinygen.plan.shift import Shift, shifts_of
from tinygen.verify import verify

_SAME, _VALID = 0, 1


def _model(*layers: tuple[int, int, int], window: int = 24, name: str = "net") -> Graph:
    """Convolutions over time, (padding, height, stride) each, and a sum of all that is left."""
    b = ModelBuilder()
    x = b.input((1, window, 1, 4), 0.1, 3)
    for padding, height, stride in layers:
        rows = b.shape(x)[1]
        y = b.tensor((1, -(-rows // stride) if padding == _SAME else (rows - height) // stride + 1, 1, 4), 0.1)
        weights = b.constant(np.full((4, height, 1, 4), 7, np.int8), 0.1)
        b.op(
            "CONV_2D",
            [x, weights],
            [y],
            strideH=stride,
            strideW=1,
            dilationHFactor=1,
            dilationWFactor=1,
            padding=padding,
        )
        x = y
    y = b.tensor((1, 4), 0.1)
    b.op("MEAN", [x, b.constant(np.array([1, 2], np.int32))], [y], keepDims=False)
    return verify(parse_tflite(b.build([y]), name, name))


def _program(*layers: tuple[int, int, int], window: int = 24) -> Program:
    return build_program(_model(*layers, window=window))


def _shifts(program: Program, hop: int) -> list[tuple[int, int, int]]:
    """(by, top, bottom) of the output of each convolution."""
    window = program.graph.tensors[0].shape[1]
    shifts = shifts_of(program, 0, Operand(0, 1, window, 4), hop)
    made = [shifts[program.storage[step.call.output.tensor]] for step in program.steps[:-1]]
    return [(s.by, s.top, s.bottom) for s in made]


def test_what_moves_up() -> None:
    assert _shifts(_program((_VALID, 3, 1), (_VALID, 5, 1)), 1) == [(1, 0, 0), (1, 0, 0)]
    assert _shifts(_program((_SAME, 3, 1), (_SAME, 3, 1)), 2) == [(2, 1, 1), (2, 2, 2)]
    assert _shifts(_program((_SAME, 4, 2), (_VALID, 3, 1)), 2) == [(1, 1, 1), (1, 1, 1)]
    assert _shifts(_program((_VALID, 2, 2)), 3) == [(0, 0, 0)]  # no row of this window was one of the window before
    assert _shifts(_program((_VALID, 2, 2)), 4) == [(2, 0, 0)]


def test_a_window_as_wide_as_the_input_does_not_move() -> None:
    """Rows that read as many frames as any other, three apart, and are not made alike: both have windows cut off."""
    assert _shifts(_program((_SAME, 8, 5), window=9), 3) == [(0, 0, 0)]
    assert _shifts(_program((_SAME, 10, 1), window=9), 1) == [(0, 0, 0)]


def test_valid_nets_keep_the_last_rows_only() -> None:
    program = _program((_VALID, 3, 1), (_VALID, 5, 1))
    hop = choose_hop(program, 1, "speed")
    depths = [k.depth for k in hop.kept.values()]
    assert depths == [3, 5, 18]
    assert [hop.rows_computed(i) for i in range(3)] == [1, 1, 18]
    plan = make_plan(program, hop=1)
    assert plan.state_bytes == hop.state_bytes == 12 + 20 + 72


def test_less_memory_or_less_time() -> None:
    program = _program(*[(_SAME, 3, 1)] * 6, window=60)
    small, fast = (choose_hop(program, 2, optimize) for optimize in ("ram", "speed"))
    assert small.arena_bytes < fast.arena_bytes
    assert small.cost > fast.cost
    assert all(small.rows_computed(i) >= fast.rows_computed(i) for i in range(7))


def test_refused() -> None:
    program = _program((_VALID, 3, 1))
    for frames in (0, -1, 24, 100):
        with pytest.raises(TinygenError, match=f"a hop of {frames} frames, and input 'x0' has 24|a hop of") as raised:
            make_plan(program, hop=frames)
        assert "1 to 23" in raised.value.hint
    with pytest.raises(TinygenError, match="nothing of model 'net' can be kept from one hop of 3"):
        make_plan(_program((_VALID, 2, 2)), hop=3)
    with pytest.raises(TinygenError, match="exclude each other"):
        make_plan(program, by_rows=True, hop=1)
    with pytest.raises(TinygenError, match="has variables"):
        make_plan(build_program(verify(parse_tflite(filter_model(), "filter", "filter"))), hop=1)
    b = ModelBuilder()
    inputs = [b.input((1, 8, 1, 4), 0.1), b.input((1, 8, 1, 4), 0.1)]
    y = b.tensor((1, 8, 1, 4), 0.1)
    b.op("ADD", inputs, [y])
    with pytest.raises(TinygenError, match="has 2 inputs"):
        make_plan(build_program(verify(parse_tflite(b.build([y]), "sum", "sum"))), hop=1)


def _hop(program: Program, frames: int) -> Hop:
    hop = make_plan(program, "speed", hop=frames).hop
    assert hop is not None
    return hop


def _complains(hop: Hop, segments: tuple[Segment, ...] | None = None, kept: dict[int, Kept] | None = None) -> bool:
    """Whether the checker finds anything when the segments, or what is kept, are changed."""
    placed = tuple(Placed(b, o) for b, o in zip(hop.buffers, hop.placement.offsets, strict=True))
    try:
        check_hop(hop, segments or hop.segments, kept or hop.kept, places_of(placed), hop.placement.size)
    except AssertionError:
        return True
    return False


def _hops() -> list[Hop]:
    programs = [(_program((_VALID, 3, 1), (_VALID, 5, 1)), 1), (_program((_SAME, 3, 1), (_SAME, 5, 1)), 2)]
    for graph in stream_networks(12):
        try:
            programs.append((_hop(build_program(run_passes(graph)), 2).program, 2))
        except TinygenError:
            continue
    hops = [_hop(Program(p.graph, p.steps, p.storage), frames) for p, frames in programs]
    assert len(hops) > 8
    return hops


def test_checker_sees_a_row_that_is_not_computed() -> None:
    for hop in _hops():
        assert not _complains(hop)
        for index, segment in enumerate(hop.segments):
            for k, (y0, y1) in enumerate(segment.ranges):
                for less in ((y0 + 1, y1), (y0, y1 - 1)):
                    ranges = (*segment.ranges[:k], less, *segment.ranges[k + 1 :])
                    fewer = replace(segment, ranges=tuple(r for r in ranges if r[0] < r[1]))
                    if fewer.ranges and fewer.ranges != segment.ranges:
                        assert _complains(hop, (*hop.segments[:index], fewer, *hop.segments[index + 1 :]))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda k: replace(k, depth=k.depth - 1),  # a ring that is too small
        lambda k: replace(k, first=k.first + 1),  # a row less moves up
        lambda k: replace(k, end=k.end - 1),
        lambda k: replace(k, by=k.by + 1),
        lambda k: replace(k, first=0, end=0),
        lambda k: replace(k, offset=k.offset + 1),
    ],
    ids=["depth", "first", "end", "by", "none", "misaligned"],
)
def test_checker_sees_kept_rows_that_are_wrong(wrong: Callable[[Kept], Kept]) -> None:
    for hop in _hops():
        for root, kept in hop.kept.items():
            changed = wrong(kept)
            if kept.first < kept.end:
                assert _complains(hop, kept={**hop.kept, root: changed}), (hop.program.graph.name, root)


def test_checker_sees_kept_rows_that_lie_over_others() -> None:
    for hop in _hops():
        moved = [root for root, kept in hop.kept.items() if kept.first < kept.end]
        for a, b in pairwise(moved):
            over = {**hop.kept, a: replace(hop.kept[a], offset=hop.kept[b].offset)}
            assert _complains(hop, kept=over), (hop.program.graph.name, a, b)


def test_checker_sees_the_plan_of_another_hop() -> None:
    program = _program((_SAME, 3, 1), (_SAME, 5, 1))
    one, two = _hop(program, 1), _hop(program, 2)
    assert _complains(two, one.segments)
    assert _complains(two, kept=one.kept)


def test_rows_that_differ_by_a_constant_do_not_move() -> None:
    """PRELU with an alpha for each frame."""
    b = ModelBuilder()
    x, y = b.input((1, 12, 1, 4), 0.1), b.tensor((1, 12, 1, 4), 0.1)
    b.op("PRELU", [x, b.constant(np.arange(12, dtype=np.int8).reshape(12, 1, 1), 0.1)], [y])
    graph = verify(parse_tflite(b.build([y]), "prelu", "prelu"))
    assert shifts_of(build_program(graph), 0, Operand(0, 1, 12, 4), 1)[1] == Shift(Operand(1, 1, 12, 4), 0)
    assert row_by_row(12).edges == (0, 0)
