"""Features: one second of sound becomes 49 frames of 10 mel-frequency cepstral coefficients.

Third step of the flow speech -> clips -> mfcc -> train_kws, and what a device has to compute from its
microphone. Frames, mel bands and coefficients are those of the keyword spotting reference of MLPerf Tiny
(tf.signal.stft, linear_to_mel_weight_matrix and mfccs_from_log_mel_spectrograms of TensorFlow); the fixed
scaling at the end is our own.
"""

import numpy as np
from numpy.typing import NDArray

from speech import SAMPLE_RATE, Signal

WINDOW = SAMPLE_RATE * 30 // 1000
HOP = SAMPLE_RATE * 20 // 1000
FFT_SIZE = 512
MEL_BANDS = 40
MEL_LOW_HZ, MEL_HIGH_HZ = 20.0, 4000.0
LOG_FLOOR = 1e-6
COEFFICIENTS = 10
FRAMES = 1 + (SAMPLE_RATE - WINDOW) // HOP

# Fixed for everyone, never fitted to a data set: feature = (coefficient - OFFSET) / SCALE, cut at +-LIMIT.
OFFSET = np.array([-12.0, 0.5, 0.5, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
SCALE = np.array([10.0, 2.5, 1.5, 1.5, 1.25, 1.25, 1.0, 1.0, 1.0, 1.0])
LIMIT = 4.0


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(hertz / 700.0)


def mel_weights() -> NDArray[np.float64]:
    """Triangular filters on the mel scale, (FFT_SIZE // 2 + 1, MEL_BANDS); bin 0 (DC) belongs to none."""
    bins = _mel(np.linspace(0.0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1))[:, None]
    edges = np.linspace(*_mel(np.array([MEL_LOW_HZ, MEL_HIGH_HZ])), MEL_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    weights = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0
    return weights


def dct_matrix() -> NDArray[np.float64]:
    """The first COEFFICIENTS columns of a DCT-II, scaled by 1 / sqrt(2 * MEL_BANDS) as TensorFlow does."""
    bands, order = np.arange(MEL_BANDS)[:, None], np.arange(COEFFICIENTS)[None, :]
    return 2.0 * np.cos(np.pi * order * (bands + 0.5) / MEL_BANDS) / np.sqrt(2.0 * MEL_BANDS)


HANN = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
MEL = mel_weights()
DCT = dct_matrix()


def mfcc(clip: Signal) -> NDArray[np.float64]:
    """Coefficients of a clip of SAMPLE_RATE samples before any scaling: (FRAMES, COEFFICIENTS)."""
    frames = np.lib.stride_tricks.sliding_window_view(clip, WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * HANN, FFT_SIZE))
    return np.log(magnitudes @ MEL + LOG_FLOOR) @ DCT


def features(clip: Signal) -> NDArray[np.float16]:
    """The network's input: (FRAMES, COEFFICIENTS, 1), within +-LIMIT."""
    scaled = (mfcc(clip) - OFFSET) / SCALE
    return np.clip(scaled, -LIMIT, LIMIT).astype(np.float16)[:, :, None]
