"""The checksums of layers, and the search for the first wrong element, with a device made of arrays."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.c_build import plan_of
from tests.support.everything import everything_graph
from tinygen import reference
from tinygen.device.messages import Watched
from tinygen.ir import Array, DType, Quantization, Tensor
from tinygen.layers import Layer, WrongElement, expected_sums, find_wrong, first_wrong, layers_of, place_of, row_sum
from tinygen.samples import random_samples


def layer(rows: int, row_bytes: int, written: tuple[int, ...] | None = None) -> Layer:
    numbers = tuple(range(rows)) if written is None else written
    return Layer(0, "CONV_2D", "c", "conv_2d_s8", 0, rows, 0, 1, rows, row_bytes, 0, True, numbers)


class FakeDevice:
    """What a device would answer that has computed `got`; `capacity` bytes of a row at a time."""

    def __init__(self, of: Layer, got: Array, capacity: int) -> None:
        self.of, self.got, self.capacity, self.runs = of, got, capacity, 0

    def look(self, row: int, offset: int) -> Watched:
        self.runs += 1
        size = self.of.row_bytes
        content = self.got.tobytes()[row * size : (row + 1) * size]
        return Watched(row_sum(self.of, self.got, self.of.written.index(row)), content[offset:][: self.capacity])


def test_the_sum_is_that_of_the_definition() -> None:
    """SPEC section 3: the CRC-32s of each row's number and bytes, added up."""
    value = np.arange(6, dtype=np.int8).reshape(1, 3, 1, 2)
    rows = [b"\0\0\0\0\0\1", b"\1\0\0\0\2\3", b"\2\0\0\0\4\5"]
    assert row_sum(layer(3, 2), value, 3) == sum(map(zlib.crc32, rows)) % 2**32
    assert row_sum(layer(3, 2), value, 2) == sum(map(zlib.crc32, rows[:2])) % 2**32
    assert row_sum(layer(3, 2, (2,)), value, 1) == zlib.crc32(rows[2])


@settings(max_examples=30)
@given(st.data())
def test_the_first_wrong_element_is_found(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([DType.INT8, DType.INT16, DType.FLOAT32]))
    rows, columns, channels = (data.draw(st.integers(1, most)) for most in (25, 6, 6))
    shape = (1, rows, columns, channels)
    tensor = Tensor("t", shape, dtype, Quantization((0.1,), (0,)))
    value = np.arange(rows * columns * channels).astype(dtype.value).reshape(shape)
    got = value.copy()
    wrong = sorted(data.draw(st.sets(st.integers(0, value.size - 1), min_size=1, max_size=4)))
    for at in wrong:
        got.reshape(-1)[at] = -1 - value.reshape(-1)[at]
    of = layer(rows, columns * channels * dtype.size)
    device = FakeDevice(of, got, data.draw(st.integers(4, 60)))
    found = find_wrong(of, tensor, value, device.look)
    first = wrong[0]
    expected = WrongElement(place_of(shape, first), value.reshape(-1)[first].item(), got.reshape(-1)[first].item())
    assert found == expected
    assert device.runs <= 8 + of.row_bytes // 4


def test_what_is_right_after_all_is_said_so() -> None:
    value = np.zeros((1, 5, 3, 2), np.int8)
    of = layer(5, 6)
    assert find_wrong(of, Tensor("t", value.shape, DType.INT8, None), value, FakeDevice(of, value, 4).look) is None


@pytest.mark.parametrize(
    ("shape", "flat", "place"),
    [
        ((1, 5, 4, 3), 35, "row 2, column 3, channel 2"),
        ((2, 5, 4, 3), 60, "image 1, row 0, column 0, channel 0"),
        ((1, 12), 7, "channel 7"),
        ((1, 4, 3), 5, "column 1, channel 2"),
        ((3,), 2, "channel 2"),
        ((), 0, "the only element"),
        ((2, 1, 5, 4, 3), 60, "axis 0 1, row 0, column 0, channel 0"),
    ],
)
def test_places(shape: tuple[int, ...], flat: int, place: str) -> None:
    assert place_of(shape, flat) == place


def test_parts_of_one_tensor_are_one_group() -> None:
    """Every operator there is: each tensor has one checksum, whatever number of kernels writes it."""
    plan = plan_of(everything_graph())
    layers = layers_of(plan)
    groups = {x.group: x.tensor for x in layers}
    assert len(set(groups.values())) == len(groups) < len(layers)
    assert all(layers[x.group].group == x.group <= x.index for x in layers)
    (inputs,) = random_samples(plan.program.graph, 1).inputs
    sums = expected_sums(layers, reference.run_all(plan.program.graph, inputs))
    assert [i for i, s in enumerate(sums) if s is not None] == [x.index for x in layers if x.group == x.index]
    assert first_wrong(sums, [s or 0 for s in sums]) is None
    changed = [s or 0 for s in sums]
    changed[5] ^= 1
    changed[9] ^= 1
    assert first_wrong(sums, changed) == 5
