"""Rebuilds vibration.h5, vibration.npz and recordings.npy: an autoencoder that knows how healthy machines vibrate.

Needs numpy, TensorFlow and tinygen. See README.md beside this file.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
import signals
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from tinygen.features import Definition, compute, load_definition

HERE = Path(__file__).parent
SECONDS = 4
TRAIN_MACHINES = 80
TEST_MACHINES = 40
"""Healthy ones, and as many with each fault; none of them is a machine of the training."""

FRAMES_AT_ONCE = 12
"""Frames whose scores make one: 0.96 s."""

PLAYED = FRAMES_AT_ONCE * 128
PLAYED_OF_FAULT = 3
CALIBRATION = 300
EPOCHS = 30

Frames = NDArray[np.float32]
Floats = NDArray[np.float64]


def build(features: int) -> keras.Model:
    """An untrained autoencoder; it gives what it cannot reconstruct: input less reconstruction."""
    inputs = keras.Input((features,), name="spectrum")
    x = layers.Dense(24, activation="relu", name="encoder")(inputs)
    x = layers.Dense(8, activation="relu", name="code")(x)
    x = layers.Dense(24, activation="relu", name="decoder")(x)
    x = layers.Dense(features, name="reconstruction")(x)
    return keras.Model(inputs, layers.Subtract(name="difference")([inputs, x]), name="vibration")


def train(x: Frames, seed: int) -> keras.Model:
    """A trained network; the same seed gives the same one on the same kind of machine."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = build(x.shape[-1])
    model.compile(keras.optimizers.Adam(2e-3), keras.losses.MeanSquaredError())
    model.fit(x, np.zeros_like(x), epochs=EPOCHS, batch_size=64, verbose=0)
    return model


def machines(count: int, fault: str, rng: np.random.Generator) -> NDArray[np.int16]:
    """Recordings of so many machines: (count, time). A fault's severity is drawn, too."""
    return np.stack([signals.recording(SECONDS, fault, rng.uniform(0.3, 1.0), rng) for _ in range(count)])


def scores(model: keras.Model, samples: NDArray[np.int16], table: Definition) -> tuple[Floats, Floats]:
    """The anomaly score, the mean square of the difference: of each frame, and of FRAMES_AT_ONCE together."""
    frames = compute(samples, table)
    difference = model.predict(frames.reshape(-1, table.features), verbose=0).reshape(frames.shape)
    of_frames = np.mean(np.square(difference, dtype=np.float64), axis=-1)
    whole = of_frames.shape[1] // FRAMES_AT_ONCE * FRAMES_AT_ONCE
    joined = of_frames[:, :whole].reshape(-1, FRAMES_AT_ONCE).mean(axis=1)
    return of_frames.reshape(-1), joined


def auc(healthy: Floats, faulty: Floats) -> float:
    """The share of all pairs in which the faulty one has the higher score (the area under the ROC curve)."""
    return float(np.mean(healthy[:, None] < faulty) + np.mean(healthy[:, None] == faulty) / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the three files")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    arguments = parser.parse_args()

    table = load_definition(HERE / "vibration.toml")
    rng = np.random.default_rng(arguments.seed)
    trained = machines(TRAIN_MACHINES, "", rng)
    x = compute(trained, table).reshape(-1, table.features)
    raw = x * table.scale[0] + table.offset[0]
    print(f"of the training: offset = {raw.mean():.0f}, scale = {raw.std():.0f}")
    model = train(x, arguments.seed)

    healthy = machines(TEST_MACHINES, "", rng)
    faulty = [machines(TEST_MACHINES, fault, rng) for fault in signals.FAULTS]
    of_healthy = scores(model, healthy, table)
    of_faulty = [scores(model, samples, table) for samples in faulty]
    for fault, (frames, seconds) in zip(signals.FAULTS, of_faulty, strict=True):
        print(f"AUC of {fault}: {auc(of_healthy[0], frames):.3f} by frame, {auc(of_healthy[1], seconds):.3f} by second")
    every = [np.concatenate(each) for each in zip(*of_faulty, strict=True)]
    print(f"AUC of all: {auc(of_healthy[0], every[0]):.3f} by frame, {auc(of_healthy[1], every[1]):.3f} by second")
    threshold = float(np.quantile(scores(model, trained, table)[1], 0.995))
    print(f"threshold that 0.5 % of the training's seconds pass: {threshold:.3f}")
    print(f"above it in the test: {np.mean(of_healthy[1] > threshold):.1%} of the healthy seconds, ", end="")
    print(f"{np.mean(every[1] > threshold):.1%} of the faulty ones")
    write(arguments.out, model, x, healthy, faulty, table, rng)


def write(
    out: Path,
    model: keras.Model,
    x: Frames,
    healthy: NDArray[np.int16],
    faulty: list[NDArray[np.int16]],
    table: Definition,
    rng: np.random.Generator,
) -> None:
    """The three files: test samples are frames of the recordings that are played, a second of each machine."""
    count = PLAYED_OF_FAULT
    # half of it with noise: what is not healthy makes larger differences, which int8 must hold
    calibration = x[rng.choice(len(x), CALIBRATION, replace=False)]
    calibration[::2] += rng.normal(0, 0.8, calibration[::2].shape).astype(np.float32)
    play = np.concatenate([healthy[: count * len(faulty)], *(samples[:count] for samples in faulty)])[:, :PLAYED]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as name:
        folder = Path(name)
        model.save(folder / "vibration.h5", include_optimizer=False)
        np.save(folder / "recordings.npy", play)
        np.savez_compressed(
            folder / "vibration.npz",
            x_calibration=calibration.astype(np.float16),
            x_test=compute(play, table).reshape(-1, table.features).astype(np.float16),
            is_faulty=np.arange(len(play)) >= count * len(faulty),
        )
        for file in sorted(folder.iterdir()):
            file.replace(out / file.name)
            print(f"{out / file.name}: {(out / file.name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
