"""The operators that tinygen knows, one file each; a new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from tinygen.ops.base import Operator


def _collect() -> dict[str, Operator]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found: dict[str, Operator] = {}
    pending = list(Operator.__subclasses__())
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if "kind" in cls.__dict__:
            found[cls.kind] = cls()
    return dict(sorted(found.items()))


OPERATORS: dict[str, Operator] = _collect()
