"""The placement checked by replay, independently of how it was found; runs in every build."""

from __future__ import annotations

from collections.abc import Sequence

from tinygen.plan.liveness import ALIGNMENT, Buffer


def check_placement(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Replay all steps over an arena whose bytes know their owner; returns the arena's size in bytes.

    Raises AssertionError when a buffer is misaligned or takes a byte from one that is still alive.
    """
    size = max((o + b.size for b, o in zip(buffers, offsets, strict=True)), default=0)
    owner = [-1] * size
    for buffer, offset in zip(buffers, offsets, strict=True):
        if offset < 0 or offset % ALIGNMENT:
            raise AssertionError(f"plan: '{buffer.name}' at {offset} is misaligned")
    for step in range(-1, max((b.last for b in buffers), default=-1) + 1):
        for buffer, offset in zip(buffers, offsets, strict=True):
            if buffer.last == step - 1:
                owner[offset : offset + buffer.size] = [-1] * buffer.size
        for index, (buffer, offset) in enumerate(zip(buffers, offsets, strict=True)):
            if buffer.first == step:
                if any(o != -1 for o in owner[offset : offset + buffer.size]):
                    raise AssertionError(f"plan: '{buffer.name}' at {offset} overwrites a live buffer")
                owner[offset : offset + buffer.size] = [index] * buffer.size
    return size
