"""Concatenations and splits without copies: what lies in what, what stays a copy; a checker that sees what is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.exact.branches import branch_networks
from tests.support.tflite_builder import ModelBuilder
from tinygen.kernels import Program, build_program
from tinygen.kernelsets import Target
from tinygen.load.tflite import parse_tflite
from tinygen.passes import run_passes
from tinygen.plan import Plan, check_plan, make_plan, places_of
from tinygen.plan.aliases import in_place, pieces_of
from tinygen.report.memory_map import plan_text
from tinygen.verify import verify

SHAPE = (1, 6, 4, 2)  # 48 bytes


def program_of(b: ModelBuilder, outputs: list[int], kernels: str = "portable") -> Program:
    return build_program(run_passes(verify(parse_tflite(b.build(outputs), "pieces", "pieces"))), Target(kernels))


def function(b: ModelBuilder, x: int) -> int:
    y = b.tensor(b.shape(x), 0.1)
    b.op("ABS", [x], [y])
    return y


def side_by_side(b: ModelBuilder, parts: list[int], axis: int = 1) -> int:
    shape = list(b.shape(parts[0]))
    shape[axis] = sum(b.shape(p)[axis] for p in parts)
    y = b.tensor(tuple(shape), 0.1)
    b.op("CONCATENATION", parts, [y], axis=axis, fusedActivationFunction=0)
    return y


def split(b: ModelBuilder, x: int, axis: int = 1) -> tuple[int, int]:
    shape = list(b.shape(x))
    shape[axis] //= 2
    pieces = b.tensor(tuple(shape), 0.1), b.tensor(tuple(shape), 0.1)
    b.op("SPLIT", [b.constant(np.array(axis, np.int32)), x], pieces, numSplits=2)
    return pieces


def kernels(plan: Plan) -> Counter[str]:
    return Counter(step.call.kernel for step in plan.steps)


@pytest.mark.parametrize("optimize", ["ram", "speed"])
def test_pieces_are_made_in_their_place(optimize: str) -> None:
    b = ModelBuilder()
    x = b.input(SHAPE, 0.1)
    y = side_by_side(b, [function(b, x), function(b, function(b, x))])
    plan = make_plan(program_of(b, [y]), optimize)
    assert "copy_nd" not in kernels(plan)
    assert plan.arena_bytes == 2 * 48  # the input, too: the last layer overwrites it
    assert ", in it tensor_" in plan_text(plan, optimize)


@pytest.mark.parametrize("optimize", ["ram", "speed"])
def test_a_split_is_where_its_input_is(optimize: str) -> None:
    b = ModelBuilder()
    pieces = split(b, b.input(SHAPE, 0.1))
    plan = make_plan(program_of(b, [side_by_side(b, [function(b, pieces[1]), function(b, pieces[0])])]), optimize)
    assert kernels(plan) == {"lut_s8": 2}
    assert plan.arena_bytes <= 48 + 24


def test_what_stays_a_copy() -> None:
    b = ModelBuilder()
    x = b.input(SHAPE, 0.1)
    y = function(b, x)
    constant = b.constant(np.full(SHAPE, 7, np.int8), 0.1)
    outputs = [side_by_side(b, [y, constant, y]), side_by_side(b, [y, function(b, x)])]
    outputs += [side_by_side(b, [function(b, x), function(b, x)], axis=3)]  # by turns
    assert kernels(make_plan(program_of(b, outputs), "speed"))["copy_nd"] == 1 + 1 + 1 + 2


def test_words_stay_aligned() -> None:
    """Kernels of a set may read words, so a piece begins at a word or is copied; portable ones read bytes."""
    for shape, counts in (((1, 3, 5), (0, 1)), ((1, 4, 5), (0, 0))):
        b = ModelBuilder()
        x = b.input(shape, 0.1)
        y = side_by_side(b, [function(b, x), function(b, x)])
        for kernel_set, count in zip(("portable", "armv7em"), counts, strict=True):
            plan = make_plan(program_of(b, [y], kernel_set), "speed")
            assert kernels(plan)["copy_nd"] == count


def test_all_pieces_of_a_tensor_are_known() -> None:
    for case in branch_networks(20):
        program = in_place(build_program(run_passes(case.graph)))
        for tensor, pieces in enumerate(pieces_of(program)):
            root, first, end = program.span(tensor)
            assert pieces[0].first == first
            assert pieces[-1].end == end
            assert all(a.end == b.first and a.root == root for a, b in pairwise(pieces))


def complaint(plan: Plan, program: Program) -> str:
    try:
        check_plan(program, plan.segments, places_of(plan.placed), plan.arena_bytes + 4096)
    except AssertionError as error:
        return str(error)
    return ""


def test_checker_sees_a_piece_that_lies_wrong() -> None:
    moved = overlapping = 0
    for case in branch_networks(20):
        plan = next(
            (p for o in ("speed", "ram") if (p := make_plan(build_program(run_passes(case.graph)), o)).program.saved),
            None,
        )
        if plan is None:
            continue
        program = plan.program
        assert not complaint(plan, program)
        for step in program.saved:
            for tensor in (step.call.inputs[0].tensor, step.call.output.tensor):
                wrong = list(program.offsets)
                wrong[tensor] += 4
                moved += 1
                assert complaint(plan, replace(program, offsets=tuple(wrong)))
        for one, other in pairwise(program.saved):
            pieces = one.call.inputs[0].tensor, other.call.inputs[0].tensor
            if one.op is other.op and pieces[0] != pieces[1] and one.op.kind == "CONCATENATION":
                wrong = list(program.offsets)
                wrong[pieces[1]] = wrong[pieces[0]]  # two operators would write the same bytes
                overlapping += 1
                assert complaint(plan, replace(program, offsets=tuple(wrong), saved=()))
    assert moved > 20
    assert overlapping > 3


def test_rows_that_nobody_needs_are_pushed_all_the_same() -> None:
    """The last row of the input goes into the ring when the first layer has made all of its own."""
    b = ModelBuilder()
    x = b.input((1, 8, 4, 4), 0.1)
    y = b.tensor((1, 3, 1, 4), 0.1)
    weights = b.constant(np.full((4, 3, 3, 4), 7, np.int8), 0.1)
    b.op("CONV_2D", [x, weights], [y], strideH=2, strideW=2, dilationHFactor=1, dilationWFactor=1, padding=1)
    plan = make_plan(program_of(b, [function(b, y)]), "ram", by_rows=True)
    assert [block for turn in plan.segments[0].turns(plan.program) for block in turn if block[0] < 0][-1] == (-1, 7, 8)
