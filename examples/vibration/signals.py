"""Synthesised vibration of a small motor, as an accelerometer would give it: no real machine was recorded.

A healthy one has its rotation with harmonics, the hum of the mains, and noise that the housing's resonance colours.
The faults are those of the textbooks (R. B. Randall, Vibration-based Condition Monitoring, chapter 2): imbalance adds
to the rotation itself, misalignment to twice of it, looseness adds many harmonics and halves of them, and a bearing's
pitted outer race excites a resonance at every ball that passes. Every machine has its own speed, load and resonances.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 1600
FAULTS = ("imbalance", "misalignment", "looseness", "bearing")

Floats = NDArray[np.float64]
Samples = NDArray[np.int16]

_COUNTS = 256.0
"""An ADXL345's counts of 1 g at full resolution."""


def _ringing(excitation: Floats, hz: float, damping: float) -> Floats:
    """What a resonance makes of an excitation: a mass on a spring, with gain 1 at its frequency (periodic, by FFT)."""
    ratio = np.fft.rfftfreq(excitation.size, 1 / RATE) / hz
    response = 2 * damping / (1 - ratio**2 + 2j * damping * ratio)
    return np.asarray(np.fft.irfft(np.fft.rfft(excitation) * response, excitation.size))


def recording(seconds: float, fault: str, severity: float, rng: np.random.Generator) -> Samples:
    """int16 (time,), one axis of a machine that `rng` draws; fault: "" or one of FAULTS; severity from 0 to 1."""
    time = np.arange(int(seconds * RATE)) / RATE
    speed = rng.uniform(23.5, 25.0) * (1 + 0.002 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * time))
    turns = np.cumsum(speed) / RATE + rng.random()
    levels = np.array([0.10, 0.05, 0.03, 0.02]) * rng.uniform(0.7, 1.4, 4)
    levels[0] += 0.35 * severity * (fault == "imbalance")
    levels[1] += 0.25 * severity * (fault == "misalignment")
    x = sum(a * np.sin(2 * np.pi * (k * turns + rng.random())) for k, a in enumerate(levels, start=1))
    x = x + rng.uniform(0.01, 0.03) * np.sin(2 * np.pi * 100 * time)
    x = x + rng.uniform(0.3, 0.5) * _ringing(rng.standard_normal(time.size), rng.uniform(300, 330), 0.05)
    x = x + rng.uniform(0.01, 0.02) * rng.standard_normal(time.size) + 1  # gravity
    if fault == "looseness":
        for k in np.arange(0.5, 10, 0.5):
            x = x + 0.06 * severity * np.sin(2 * np.pi * (k * turns + rng.random()))
    if fault == "bearing":
        balls = np.floor(3.58 * turns)  # passes of the outer race
        hits = np.diff(balls, prepend=balls[0]) * rng.uniform(0.7, 1.3, time.size)
        x = x + 6 * severity * _ringing(hits, rng.uniform(560, 620), 0.04)
    return np.asarray(np.clip(np.rint(x * _COUNTS), -4096, 4095), np.int16)
