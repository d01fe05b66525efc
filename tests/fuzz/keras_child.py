"""Checks spoiled Keras files one after the other; test_keras.py starts it: h5py is C, and may die of a file.

python -m tests.fuzz.keras_child FILE FIRST COUNT FOLDER: a line per file, `ok`, `refused`, or JSON of a traceback.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from random import Random

from tests.fuzz.mutate_keras import spoil
from tinygen.errors import TinygenError
from tinygen.load.keras_file import prepare


def main(arguments: list[str]) -> None:
    content, folder = Path(arguments[0]).read_bytes(), Path(arguments[3])
    for number in range(int(arguments[1]), int(arguments[1]) + int(arguments[2])):
        spoiled = folder / f"spoiled{Path(arguments[0]).suffix}"
        spoiled.write_bytes(spoil(content, Random(number), folder))
        try:
            prepare(spoiled, folder, allow_lambda=False)
            print("ok", flush=True)
        except TinygenError:
            print("refused", flush=True)
        except BaseException:
            print(repr(traceback.format_exc()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
