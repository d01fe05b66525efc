"""The placement checked by replay, independently of how it was found; runs in every build."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygen.plan.liveness import ALIGNMENT, Buffer


def check_placement(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Replay all steps over an arena whose bytes know whether they are taken; returns the arena's size in bytes.

    Raises AssertionError when a buffer is misaligned or takes a byte from one that is still alive.
    """
    size = max((o + b.size for b, o in zip(buffers, offsets, strict=True)), default=0)
    taken = np.zeros(size, np.bool_)
    for buffer, offset in zip(buffers, offsets, strict=True):
        if offset < 0 or offset % ALIGNMENT:
            raise AssertionError(f"plan: '{buffer.name}' at {offset} is misaligned")
    for step in range(-1, max((b.last for b in buffers), default=-1) + 1):
        for buffer, offset in zip(buffers, offsets, strict=True):
            if buffer.last == step - 1:
                taken[offset : offset + buffer.size] = False
        for buffer, offset in zip(buffers, offsets, strict=True):
            if buffer.first == step:
                if taken[offset : offset + buffer.size].any():
                    raise AssertionError(f"plan: '{buffer.name}' at {offset} overwrites a live buffer")
                taken[offset : offset + buffer.size] = True
    return size
