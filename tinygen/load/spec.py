"""What `--data` says: a file or folder, perhaps a key inside, perhaps options behind commas.

Place in the flow: data.py reads what a Spec names; settle.py makes a Spec complete before any process reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinygen.errors import TinygenError

_OPTIONS = re.compile(r"(?:,[a-z]+=[^,]*)+$")
FORMS = "give FILE.npz, FILE.npz:KEY, FILE.npy, FILE.csv, a folder of images or .wav files, or MODULE:FUNCTION"


@dataclass(frozen=True, slots=True)
class Spec:
    """PATH[:KEY][,OPTION=VALUE...]; `key` is an array of an .npz."""

    path: Path
    key: str | None
    options: Mapping[str, str]

    @property
    def absolute(self) -> str:
        """The same for a process with another current folder."""
        key = f":{self.key}" if self.key else ""
        return f"{self.path.resolve()}{key}{''.join(f',{name}={value}' for name, value in self.options.items())}"

    def need_only(self, *names: str) -> None:
        """Raise TinygenError for an option that this kind of data does not take."""
        unknown = [name for name in self.options if name not in names]
        if unknown:
            known = f"it takes {', '.join(f'{name}=' for name in names)}" if names else "it takes none"
            raise TinygenError(f"{self.path.name} takes no option {', '.join(unknown)}", known)

    def whole(self, name: str, default: int) -> int:
        """An option that is a whole number above 0. Raises TinygenError."""
        text = self.options.get(name, str(default))
        if not re.fullmatch(r"[1-9]\d{0,8}", text):
            raise TinygenError(f"{name}={text} is not a whole number above 0", f"for example {name}={default}")
        return int(text)

    def scale(self, default: str) -> tuple[float, float]:
        """The option scale=LOW..HIGH. Raises TinygenError."""
        text = self.options.get("scale", default)
        found = re.fullmatch(r"(-?\d{1,9}(?:\.\d{1,9})?)\.\.(-?\d{1,9}(?:\.\d{1,9})?)", text)
        low, high = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
        if not low < high:
            raise TinygenError(f"scale={text} is not LOW..HIGH", "for example scale=0..1, scale=-1..1 or scale=0..255")
        return low, high


def parse_spec(text: str) -> Spec:
    """Take `--data` apart. A file or folder of that very name wins, so a name may contain colons and commas.

    Raises TinygenError when nothing lies there, or an option stands there twice.
    """
    if Path(text).is_file() or (text and Path(text).is_dir()):
        return Spec(Path(text), None, {})
    found = _OPTIONS.search(text)
    head = text[: found.start()] if found else text
    parts = found.group()[1:].split(",") if found else []
    pairs = [(name, value) for name, _, value in (p.partition("=") for p in parts)]
    options: dict[str, str] = dict(pairs)
    if len(options) < len(pairs):
        raise TinygenError(f"{text} gives an option twice", "give each once")
    if head and Path(head).is_dir():
        return Spec(Path(head), None, options)
    path, key = split_spec(head)
    return Spec(path, key, options)


def split_spec(spec: str) -> tuple[Path, str | None]:
    """FILE or FILE:KEY to (path, key). A file of that very name wins, so a name may contain colons.

    Raises TinygenError when there is no such file.
    """
    if Path(spec).is_file():
        return Path(spec), None
    head, _, key = spec.rpartition(":")
    if head and key and Path(head).is_file():
        return Path(head), key
    raise TinygenError(f"there is no data file {spec}", FORMS)
