"""Which samples are taken of many, and what they cover."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tinygen.load.subset import Coverage, coverage, stratified


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200), st.integers(1, 50))
def test_every_class_gets_its_part(numbers: list[int], most: int) -> None:
    classes = np.array(numbers)
    chosen = stratified(classes, len(classes), most)
    assert len(chosen) == min(most, len(classes))
    assert (np.diff(chosen) > 0).all()
    known, sizes = np.unique(classes, return_counts=True)
    taken = np.array([(classes[chosen] == k).sum() for k in known])
    if most >= len(known):
        assert taken.min() >= 1
        wanted = sizes * min(1, most / len(classes))
        assert (np.abs(taken - wanted) <= np.maximum(1, len(known))).all()
    else:
        assert taken.max() == 1
    np.testing.assert_array_equal(chosen, stratified(classes, len(classes), most))


def test_a_rare_class_is_not_lost() -> None:
    classes = np.array([0] * 980 + [1] * 17 + [2] * 3)
    chosen = stratified(classes, 1000, 100)
    assert np.bincount(classes[chosen]).tolist() == [98, 1, 1]


def test_without_classes_they_are_spread() -> None:
    assert stratified(None, 101, 3).tolist() == [0, 50, 100]
    assert stratified(None, 3, 5).tolist() == [0, 1, 2]


def test_coverage() -> None:
    x = np.array([0.0, 1, 2, 10], np.float32).reshape(4, 1)
    found = coverage({"x": x, "flat": np.ones((4, 1), np.float32)}, np.array([0, 0, 1, 2]), np.array([1, 2]))
    assert found == Coverage(2, 4, 2, 3, (("x", 0.1), ("flat", 1.0)))
    assert found.text == "2 of 4 samples, 2 of 3 classes, 10.0% of the range of x, 100.0% of the range of flat"
    assert coverage({"x": x}, None, np.arange(4)).text == "4 of 4 samples, 100.0% of the range of x"
