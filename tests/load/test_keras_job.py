"""Which shapes a model is compiled for, given what it leaves open and what the user says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.errors import TinygenError
from tinygen.load.keras_job import UNNAMED, Job, TensorInfo, fix_shapes

TIME = (TensorInfo("audio", (None, None, 40)),)
TWO = (TensorInfo("a", (None, 4)), TensorInfo("b", (1, None)))


def failure(inputs: tuple[TensorInfo, ...], given: dict[str, tuple[int, ...]]) -> str:
    with pytest.raises(TinygenError) as caught:
        fix_shapes(inputs, given)
    return f"{caught.value} | {caught.value.hint}"


def test_the_batch_becomes_1() -> None:
    assert fix_shapes((TensorInfo("x", (None, 4, 3)),), {}) == {"x": (1, 4, 3)}
    assert fix_shapes((TensorInfo("x", (10,)),), {}) == {"x": (10,)}
    assert fix_shapes((TensorInfo("x", (16, 10)),), {}) == {"x": (16, 10)}
    assert fix_shapes((TensorInfo("x", ()),), {}) == {"x": ()}


def test_unknown_dimensions_are_asked_for() -> None:
    message = failure(TIME, {})
    assert "input audio of the model has an unknown dimension: (?, ?, 40)" in message
    assert "--input-shape 1,N,40" in message
    assert "--input-shape N" in failure((TensorInfo("signal", (None,)),), {})


@pytest.mark.parametrize("given", [{UNNAMED: (1, 98, 40)}, {UNNAMED: (98, 40)}, {"audio": (1, 98, 40)}])
def test_a_shape_is_given(given: dict[str, tuple[int, ...]]) -> None:
    assert fix_shapes(TIME, given) == {"audio": (1, 98, 40)}


def test_shapes_by_name() -> None:
    assert fix_shapes(TWO, {"b": (7,)}) == {"a": (1, 4), "b": (1, 7)}
    assert fix_shapes((TensorInfo("signal", (None,)),), {UNNAMED: (8,)}) == {"signal": (8,)}


def test_shapes_that_contradict_the_model() -> None:
    assert "(1, 98, 39) does not fit input audio, which is (?, ?, 40)" in failure(TIME, {UNNAMED: (1, 98, 39)})
    assert "does not fit" in failure(TIME, {UNNAMED: (98,)})
    assert "does not fit" in failure(TIME, {UNNAMED: (1, 0, 40)})
    assert "does not fit" in failure(TIME, {UNNAMED: (2, 98, 40)})
    assert "no input c; its inputs are a, b" in failure(TWO, {"c": (1, 4)})
    assert "the model has 2 inputs; its inputs are a, b" in failure(TWO, {UNNAMED: (1, 4)})


@given(st.lists(st.one_of(st.none(), st.integers(1, 9)), min_size=2, max_size=5))
def test_fixed_shapes_agree_with_the_model(shape: list[int | None]) -> None:
    chosen = tuple(1 if i == 0 and d is None else d or 5 for i, d in enumerate(shape))
    assert fix_shapes((TensorInfo("x", tuple(shape)),), {"x": chosen}) == {"x": chosen}


def test_a_job_survives_json() -> None:
    job = Job("m.h5", True, "d.npz:x", False, {"": (1, 2), "a:b": ()}, True)
    assert Job.from_json(job.to_json()) == job
