"""A project folder: generated parts are replaced as a whole, the user's files are never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinygen import project
from tinygen.errors import TinygenError
from tinygen.project import replace_folder, write_project
from tinygen.render.project import ProjectFiles

FIRST = ProjectFiles(
    generated={"lib/kws": {"src/kws.c": b"one", "src/old.c": b"old"}, "tinygen.ini": {"": b"ini 1"}},
    once={"platformio.ini": b"yours", "src/main.cpp": b"start"},
)
SECOND = ProjectFiles(
    generated={"lib/kws": {"src/kws.c": b"two"}, "tinygen.ini": {"": b"ini 2"}},
    once={"platformio.ini": b"yours, another", "src/main.cpp": b"another start"},
)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_rebuild_replaces_what_was_generated_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "p"
    write_project(folder, FIRST)
    (folder / "src" / "main.cpp").write_bytes(b"edited")
    (folder / "src" / "sensor.cpp").write_bytes(b"mine")
    (folder / ".pio").mkdir()
    (folder / ".pio" / "object.o").write_bytes(b"built")
    (folder / "lib" / "other").mkdir()
    (folder / "lib" / "other" / "o.c").write_bytes(b"other library")
    write_project(folder, SECOND)
    assert files(folder) == {
        "lib/kws/src/kws.c": b"two",
        "tinygen.ini": b"ini 2",
        "platformio.ini": b"yours",
        "src/main.cpp": b"edited",
        "src/sensor.cpp": b"mine",
        ".pio/object.o": b"built",
        "lib/other/o.c": b"other library",
    }


@pytest.mark.parametrize("name", ["lib/kws", "tinygen.ini"])
def test_a_failure_while_writing_leaves_the_old_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "p"
    write_project(folder, FIRST)
    before = files(folder)
    written = project.write_files

    def full_disk(target: Path, content: dict[str, bytes]) -> None:
        if target.as_posix().endswith(name):
            raise OSError(28, "No space left on device")
        written(target, content)

    monkeypatch.setattr(project, "write_files", full_disk)
    with pytest.raises(TinygenError, match="No space left on device"):
        write_project(folder, SECOND)
    assert files(folder) == before


def test_a_failure_leaves_no_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(target: Path, content: dict[str, bytes]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(project, "write_files", full_disk)
    with pytest.raises(TinygenError):
        write_project(tmp_path / "p", FIRST)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lib" / "kws").mkdir(parents=True)
    with pytest.raises(TinygenError, match="no tinygen project"):
        write_project(tmp_path, FIRST)
    (tmp_path / "file").write_text("x")
    with pytest.raises(TinygenError, match="no tinygen project"):
        write_project(tmp_path / "file", FIRST)


def test_replace_folder_replaces_all_of_it(tmp_path: Path) -> None:
    replace_folder(tmp_path / "kws", {"a/b.c": b"1", "c.h": b"2"})
    replace_folder(tmp_path / "kws", {"c.h": b"3"})
    assert files(tmp_path) == {"kws/c.h": b"3"}
