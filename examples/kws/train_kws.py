"""Rebuilds kws.h5 and kws.npz: synthesises the speech, trains the network, tests it on unheard voices.

The entry point; the flow is speech -> clips -> mfcc (joined by dataset), then ds_cnn. Needs numpy,
TensorFlow and espeak-ng. See README.md beside this file.
"""

import argparse
import importlib.util
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
from dataset import TEST, TRAIN, make_split, pick_calibration
from numpy.typing import NDArray
from speech import check_voices
from vocabulary import LABELS

CALIBRATION_PER_LABEL = 22


def confusion_report(y: NDArray[np.int32], predicted: NDArray[np.int64]) -> str:
    """Accuracy of every label and the most frequent mistakes, as text."""
    counts = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(counts, (y, predicted), 1)
    recall = np.diag(counts) / counts.sum(axis=1)
    mistakes = counts - np.diag(np.diag(counts))
    worst = np.argsort(mistakes, axis=None)[::-1][:8]
    pairs = [(LABELS[index // len(LABELS)], LABELS[index % len(LABELS)], mistakes.flat[index]) for index in worst]
    return "\n".join(
        (
            f"accuracy on {len(y)} test samples: {np.mean(y == predicted):.2%}",
            "by label: " + ", ".join(f"{label} {share:.1%}" for label, share in zip(LABELS, recall, strict=True)),
            "mistakes: " + ", ".join(f"{said} heard as {heard} {count}" for said, heard, count in pairs),
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of kws.h5 and kws.npz")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    arguments = parser.parse_args()

    if importlib.util.find_spec("tensorflow") is None:
        raise SystemExit("TensorFlow is missing: install it (pip install tensorflow)")
    start = perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # threads: most of the work is espeak-ng's and numpy's
        check_voices(pool)
        train = make_split(pool, TRAIN, (arguments.seed, 0))
        test = make_split(pool, TEST, (arguments.seed, 1))
    print(f"{len(train.y)} training and {len(test.y)} test samples in {perf_counter() - start:.0f} s", flush=True)

    import ds_cnn  # not at the top: loading TensorFlow takes seconds, and a missing espeak-ng shows at once

    start = perf_counter()
    model = ds_cnn.train(train.x.astype(np.float32), train.y, len(LABELS), arguments.seed)
    print(f"trained in {perf_counter() - start:.0f} s")
    scores = model.predict(test.x.astype(np.float32), verbose=0)
    print(confusion_report(test.y, np.argmax(scores, axis=1)))

    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
        model.save(Path(folder) / "kws.h5", include_optimizer=False)
        np.savez_compressed(
            Path(folder) / "kws.npz",
            x_calibration=pick_calibration(train, CALIBRATION_PER_LABEL),
            x_test=test.x,
            y_test=test.y,
            labels=np.array(LABELS),
        )
        for name in ("kws.h5", "kws.npz"):
            (Path(folder) / name).replace(arguments.out / name)
            print(f"{arguments.out / name}: {(arguments.out / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
