"""`--data MODULE:FUNCTION`: samples that a function of the user's own gives, from a module in the current folder.

Place in the flow: settle.py calls `call_function` once per command; what the function returns becomes an .npz, and all
that follows reads that. The function runs in a process of its own (this module's `main`), so that whatever it imports,
prints or breaks stays there: what it prints goes to stderr, its working folder is the user's.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tinygen.errors import TinygenError

_FORM = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_RETURNS = "return x, or (x, y) with a class number for each sample, or a dict of arrays as an .npz has them"
_ROOT = Path(__file__).resolve().parents[2]


def function_name(text: str) -> tuple[str, str] | None:
    """(module, function) if `--data` names a function of a module in the current folder."""
    found = _FORM.fullmatch(text)
    if found is None or Path(found[1]).exists():
        return None
    place = Path(*found[1].split("."))
    is_there = place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()
    return (found[1], found[2]) if is_there else None


@cache
def call_function(module: str, function: str) -> str:
    """Call it; FILE.npz or FILE.npz:KEY with what it returned, until this process ends. Raises TinygenError."""
    folder = tempfile.TemporaryDirectory(prefix="tinygen-")
    atexit.register(folder.cleanup)
    path = Path(folder.name) / f"{module}.{function}.npz"
    answer = Path(folder.name) / "answer.json"
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "tinygen.load.function", module, function, str(path), str(answer)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=2, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    )
    if not answer.exists():
        raise TinygenError(f"{module}:{function} ended its process with code {done.returncode}", _RETURNS)
    said = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in said:
        raise TinygenError(f"{module}:{function}: {said['error']}", said["hint"])
    return f"{path}:{said['key']}" if said["key"] else str(path)


def arrays_of(result: Any) -> tuple[dict[str, Any], str]:
    """The arrays of an .npz, and the key to read ("" for its own layout). Raises TinygenError."""
    if isinstance(result, dict):
        return {str(key): _array(value, f"[{key!r}]") for key, value in result.items()}, ""
    if isinstance(result, tuple):
        if len(result) != 2:
            raise TinygenError(f"it returned {len(result)} values", _RETURNS)
        return {"x_test": _array(result[0], "x"), "y_test": _array(result[1], "y")}, "x_test"
    return {"x_test": _array(result, "x")}, "x_test"


def _array(value: Any, what: str) -> Any:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:  # lists of unlike lengths
        raise TinygenError(f"{what} is not an array: {' '.join(str(error).split())[:120]}", _RETURNS) from error
    if array.dtype.kind not in "fiubSU":
        raise TinygenError(f"{what} is a {type(value).__name__}, not an array of numbers", _RETURNS)
    return array


def _called(module: str, function: str) -> Any:
    """What the function returns. Raises TinygenError with the line where it failed."""
    try:
        return getattr(importlib.import_module(module), function)()
    except BaseException as error:  # whatever the user's code raises, SystemExit too
        if isinstance(error, AttributeError) and getattr(error, "obj", None) is sys.modules.get(module):
            raise TinygenError(f"there is no such function in {module}", "see the name behind the colon") from error
        frame = traceback.extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())[:200]
        raise TinygenError(
            f"{type(error).__name__}{': ' if said else ''}{said}",
            f"see {Path(frame.filename).name}, line {frame.lineno}",
        ) from error


def main(arguments: list[str]) -> None:
    """MODULE FUNCTION FILE.npz ANSWER.json: call, write, and say what became of it."""
    module, function, path, answer = arguments
    said: dict[str, str]
    try:
        sys.path.insert(0, os.getcwd())
        arrays, key = arrays_of(_called(module, function))
        with Path(path).open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        said = {"key": key}
    except TinygenError as error:
        said = {"error": str(error), "hint": error.hint}
    Path(answer).write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
