"""What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND share: images cut into `block` interleaved images along each axis.

Pixel p of the padded image is pixel p // block of the interleaved image of phase p % block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, product

from tinygen.ir import Graph, Op
from tinygen.ops._copy import Copy, Loop, strides
from tinygen.ops._movement import integers, need_integers, need_operands, need_rank, need_same_values
from tinygen.ops.base import Shape, reject


@dataclass(frozen=True, slots=True)
class Interleave:
    """One spatial axis: `image` pixels, padded in front by `before`, are `small` pixels of `block` images."""

    image: int
    before: int
    block: int
    small: int


@dataclass(frozen=True, slots=True)
class _Phases:
    """Phases begin to begin + count, of which the same small pixels [first, first + pixels) lie in the image."""

    begin: int
    count: int
    first: int
    pixels: int


def check_batch(graph: Graph, op: Op) -> None:
    """Types, shapes and constants; the block and the paddings (or crops) are inputs 1 and 2."""
    need_operands(graph, op, 3)
    x = graph.required(op, 0)
    need_same_values(op, x, graph.output(op))
    need_rank(op, x.shape, 3, 4)
    spatial = len(x.shape) - 2
    block = need_integers(graph, op, 1, "the block", spatial)
    amounts = need_integers(graph, op, 2, "paddings or crops", 2 * spatial)
    if min(block) < 1 or min(amounts) < 0:
        raise reject(op, f"a block {block} with paddings or crops {amounts}")


def blocks_and_pairs(graph: Graph, op: Op) -> tuple[tuple[int, int, int], ...]:
    """(block, before, behind) of each spatial axis."""
    amounts = integers(graph, op, 2)
    return tuple(zip(integers(graph, op, 1), amounts[::2], amounts[1::2], strict=True))


def _phases(axis: Interleave) -> Iterator[_Phases]:
    """The phases of an axis, those alike together: three groups at most."""

    def span(phase: int) -> tuple[int, int]:
        first = max(0, -((phase - axis.before) // axis.block))
        last = min(axis.small - 1, (axis.image - 1 + axis.before - phase) // axis.block)
        return first, last - first + 1

    for (first, pixels), group in groupby(range(axis.block), span):
        members = list(group)
        if pixels > 0:
            yield _Phases(members[0], len(members), first, pixels)


def batch_copies(small: Shape, image: Shape, axes: tuple[Interleave, ...], size: int, to_small: bool) -> list[Copy]:
    """The copies between the interleaved images `small` (B, H, W, C) and the image (N, H, W, C), all with axes
    H and W; up to nine, for phases at the border see other pixels than those inside. `size`: bytes of an element."""
    n, channels = image[0], image[3]
    rows, columns = axes
    of_small, of_image = strides(small, size), strides(image, size)
    phase_row, phase_column = columns.block * n * of_small[0], n * of_small[0]
    copies = []
    for h, w in product(_phases(rows), _phases(columns)):
        y, x = h.first * rows.block + h.begin - rows.before, w.first * columns.block + w.begin - columns.before
        image_offset = y * of_image[1] + x * of_image[2]
        small_offset = h.begin * phase_row + w.begin * phase_column + h.first * of_small[1] + w.first * of_small[2]
        # (extent, stride in the image, stride in the small images)
        phases = [(h.count, of_image[1], phase_row), (w.count, of_image[2], phase_column)]
        batch, channel = (n, of_image[0], of_small[0]), (channels, size, size)
        pixels = [
            (h.pixels, rows.block * of_image[1], of_small[1]),
            (w.pixels, columns.block * of_image[2], of_small[2]),
        ]
        if to_small:
            order = [*phases, batch, *pixels, channel]
            loops = tuple(Loop(extent, i, s) for extent, i, s in order)
            copies.append(Copy(loops, image_offset, small_offset))
        else:
            order = [batch, pixels[0], phases[0], pixels[1], phases[1], channel]
            loops = tuple(Loop(extent, s, i) for extent, i, s in order)
            copies.append(Copy(loops, small_offset, image_offset))
    return copies


def with_width(shape: Shape) -> Shape:
    """NHC as NHWC with W = 1."""
    return shape if len(shape) == 4 else (shape[0], shape[1], 1, shape[2])
