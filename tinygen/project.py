"""A project folder on disk: generated parts replaced as a whole, the user's own files left alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tinygen.errors import TinygenError
from tinygen.render import Files
from tinygen.render.project import ProjectFiles

_MARK = "tinygen.ini"


def write_files(folder: Path, files: Files) -> None:
    """Write files below a folder that may not exist yet; names are relative, "" is the folder's own path."""
    for name, content in files.items():
        path = folder / name if name else folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def replace_folder(folder: Path, files: Files) -> None:
    """Put `files` in the place of `folder`, all of them or none.

    Raises TinygenError when the disk is full or the folder cannot be written; the old one is then still there.
    """
    _replace(folder.parent, {folder.name: files}, {})


def write_project(folder: Path, files: ProjectFiles) -> None:
    """Write or update a project. Everything is written beside and renamed into place at the end.

    Raises TinygenError when `folder` holds something else, or cannot be written.
    """
    if folder.exists() and not (folder / _MARK).exists():
        taken = [name for name in files.generated if (folder / name).exists()]
        if not folder.is_dir() or taken:
            raise TinygenError(f"{folder} exists and is no tinygen project", "name another folder with -o")
    created = not folder.exists()
    try:
        _replace(folder, files.generated, files.once)
    except BaseException:
        if created:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _replace(folder: Path, generated: dict[str, Files], once: Files) -> None:
    staging: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".tinygen-", dir=folder))
        for name, files in generated.items():
            write_files(staging / "new" / name, files)
        missing = {name: content for name, content in once.items() if not (folder / name).exists()}
        write_files(staging / "once", missing)
        for name in generated:
            _swap(staging / "new" / name, folder / name, staging / "old" / name)
        for name in missing:
            _swap(staging / "once" / name, folder / name, staging / "old" / name)
    except OSError as error:
        raise TinygenError(
            f"cannot write {folder}: {error.strerror}", "free some space or name another folder with -o"
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _swap(new: Path, place: Path, old: Path) -> None:
    """Move `new` to `place`, and what was there to `old`; a file that is the same stays untouched."""
    if place.is_file() and new.is_file() and place.read_bytes() == new.read_bytes():
        return  # a newer date alone would make PlatformIO build everything again
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        old.parent.mkdir(parents=True, exist_ok=True)
        os.replace(place, old)
    os.replace(new, place)
