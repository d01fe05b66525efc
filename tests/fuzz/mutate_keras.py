"""Ways to spoil a Keras file: its bytes, or the JSON of its configuration."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import h5py

from tests.fuzz.mutate import spoil_bytes

_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 3, 1 << 31, 1e308, float("nan"), "", "x" * 1000, "Lambda", [], {}, [[]]),
    *({"class_name": "Dense", "config": {}}, {"class_name": "Lambda", "config": {"function": ["4wEA"]}}),
)


def spoil(content: bytes, random: Random, folder: Path) -> bytes:
    """A spoiled copy of an .h5 or .keras file; `folder` is for temporary files."""
    if random.random() < 0.4:
        return spoil_bytes(content, random, content)
    if content[:4] == b"PK\x03\x04":
        return _with_config_of_zip(content, random)
    path = folder / "configured.h5"
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = _spoiled_json(file.attrs["model_config"], random)
    return path.read_bytes()


def _with_config_of_zip(content: bytes, random: Random) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, _spoiled_json(data.decode(), random) if name == "config.json" else data)
    return target.getvalue()


def _spoiled_json(text: str, random: Random) -> str:
    if random.random() < 0.1:
        return random.choice(("", "{", "[" * 100_000, text[: len(text) // 2], "null", "7", '{"config": {"layers": 3}}'))
    value = json.loads(text)
    for _ in range(random.randint(1, 3)):
        holders = _holders(value)
        if not holders:
            break
        holder = random.choice(holders)
        key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if random.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(random.choice((*_VALUES, random.choice(holders))))
    return json.dumps(value)


def _holders(value: Any) -> list[Any]:
    """Every object and list of the JSON that has something in it."""
    if not isinstance(value, (dict, list)) or not value:
        return []
    members = value.values() if isinstance(value, dict) else value
    return [value, *(holder for member in members for holder in _holders(member))]
