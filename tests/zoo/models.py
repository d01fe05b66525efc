"""The zoo: small Keras models of the kinds that people run on microcontrollers.

Every public function of a file models_*.py here builds one, and names it; none may be called as another. Those files
import TensorFlow, so only convert.py imports them, in a child process: their functions are listed by reading them.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

# the file of each model
FILES: dict[str, str] = {
    node.name: path.stem
    for path in sorted(Path(__file__).parent.glob("models_*.py"))
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name[0] != "_"
}


def builder(name: str) -> Callable[[], Any]:
    """The function that builds a model. Imports TensorFlow."""
    function: Callable[[], Any] = getattr(importlib.import_module(f"tests.zoo.{FILES[name]}"), name)
    return function
