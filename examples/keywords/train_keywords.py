"""Rebuilds keywords.h5 and keywords.npz: the network of examples/kws, trained on features that a device computes, too.

Speech, clips, network and training are those of examples/kws, imported; only the features are tinygen's, as
keywords.toml says. Needs numpy, TensorFlow, espeak-ng and tinygen. See README.md beside this file.
"""

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "kws"))

import ds_cnn
from dataset import TEST, TRAIN, Split, make_split, pick_calibration
from numpy.typing import NDArray
from speech import Signal, check_voices
from train_kws import CALIBRATION_PER_LABEL, confusion_report
from vocabulary import LABELS

from tinygen.features import compute, load_definition

HERE = Path(__file__).resolve().parent
TEST_PER_LABEL = 10
"""Of the 120 of each label that the accuracy is measured with; examples/kws has all of its own."""

LIMIT = 4.0
TABLE = load_definition(HERE / "keywords.toml")


def features(clip: Signal) -> NDArray[np.float32]:
    """What the device makes of a clip: (49, 10, 1), within +-LIMIT; the clip becomes int16 as a microphone's."""
    samples = np.clip(np.round(clip * 32767), -32768, 32767).astype(np.int16)
    return np.clip(compute(samples, TABLE), -LIMIT, LIMIT).astype(np.float32)[..., np.newaxis]


def first_of_each(split: Split, count: int) -> NDArray[np.int64]:
    """Where the first `count` samples of every label are, in their order."""
    return np.sort(np.concatenate([np.flatnonzero(split.y == label)[:count] for label in range(len(LABELS))]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of keywords.h5 and keywords.npz")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    arguments = parser.parse_args()

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # threads: most of the work is espeak-ng's and numpy's
        check_voices(pool)
        train = make_split(pool, TRAIN, (arguments.seed, 0), features)
        test = make_split(pool, TEST, (arguments.seed, 1), features)
    print(f"{len(train.y)} training and {len(test.y)} test samples", flush=True)
    model = ds_cnn.train(train.x.astype(np.float32), train.y, len(LABELS), arguments.seed)
    print(confusion_report(test.y, np.argmax(model.predict(test.x, verbose=0), axis=1)))

    kept = first_of_each(test, TEST_PER_LABEL)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
        model.save(Path(folder) / "keywords.h5", include_optimizer=False)
        np.savez_compressed(
            Path(folder) / "keywords.npz",
            x_calibration=pick_calibration(train, CALIBRATION_PER_LABEL),
            x_test=test.x[kept].astype(np.float16),
            y_test=test.y[kept],
            labels=np.array(LABELS),
        )
        for file in sorted(Path(folder).iterdir()):
            file.replace(arguments.out / file.name)
            print(f"{arguments.out / file.name}: {(arguments.out / file.name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
