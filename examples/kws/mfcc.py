"""Features: one second of sound becomes 49 frames of 10 mel-frequency cepstral coefficients.

Third step of the flow speech -> clips -> mfcc (joined by dataset), and what a device has to compute from
its microphone. Frames, mel bands and coefficients are those of the keyword spotting reference of MLPerf
Tiny (tf.signal.stft, linear_to_mel_weight_matrix and mfccs_from_log_mel_spectrograms of TensorFlow, equal
to 1e-4); the fixed scaling at the end is our own.
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
FRAMES = 1 + (SAMPLE_RATE - WINDOW) // HOP
COEFFICIENTS = 10

# The same for everyone, not fitted to a data set: feature = (coefficient - OFFSET) / SCALE, cut at +-LIMIT.
OFFSET = np.array([-12.0, 0.5, 0.5, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
SCALE = np.array([10.0, 2.5, 1.5, 1.5, 1.25, 1.25, 1.0, 1.0, 1.0, 1.0])
LIMIT = 4.0

Matrix = NDArray[np.float64]


def mel(hertz: Matrix) -> Matrix:
    """Frequency on the mel scale (O'Shaughnessy; as in HTK)."""
    return np.multiply(1127.0, np.log1p(hertz / 700.0))


def mel_weights() -> Matrix:
    """Triangular filters on the mel scale, (FFT_SIZE // 2 + 1, MEL_BANDS); bin 0 (DC) belongs to none."""
    bins = mel(np.linspace(0.0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1))[:, np.newaxis]
    lowest, highest = mel(np.array([MEL_LOW_HZ, MEL_HIGH_HZ]))
    edges = np.linspace(lowest, highest, MEL_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    weights: Matrix = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return weights


def dct_matrix() -> Matrix:
    """The first COEFFICIENTS columns of a DCT-II, scaled by 1 / sqrt(2 * MEL_BANDS) as TensorFlow does."""
    bands, order = np.arange(MEL_BANDS)[:, np.newaxis], np.arange(COEFFICIENTS)
    matrix: Matrix = np.cos(np.pi * order * (bands + 0.5) / MEL_BANDS) * (2.0 / np.sqrt(2.0 * MEL_BANDS))
    return matrix


HANN = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
MEL = mel_weights()
DCT = dct_matrix()


def mfcc(clip: Signal) -> Matrix:
    """Coefficients of a clip of SAMPLE_RATE samples before any scaling: (FRAMES, COEFFICIENTS)."""
    frames = np.lib.stride_tricks.sliding_window_view(clip, WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * HANN, FFT_SIZE))
    coefficients: Matrix = np.log(magnitudes @ MEL + LOG_FLOOR) @ DCT
    return coefficients


def features(clip: Signal) -> NDArray[np.float16]:
    """The network's input: (FRAMES, COEFFICIENTS, 1), within +-LIMIT."""
    scaled: Matrix = np.clip((mfcc(clip) - OFFSET) / SCALE, -LIMIT, LIMIT)
    return scaled.astype(np.float16)[:, :, np.newaxis]
