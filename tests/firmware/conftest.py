"""PlatformIO projects to build, and a cache folder that belongs to the test run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.fake import HERE, TESTER
from tinygen.boards import Board
from tinygen.platformio import platform_spec

MakeProject = Callable[..., Path]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYGEN_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture
def make_project(tmp_path: Path) -> MakeProject:
    """A project for one board, laid out as tinygen's: the tester around the fake model, or the source given."""

    def make(board: Board, source: str | None = None, flags: str = "") -> Path:
        folder = tmp_path / "project"
        (folder / "src").mkdir(parents=True)
        if source is None:
            port = "port_arduino.cpp" if board.framework else "port_bare.c"
            names = ("tg_tester.c", "tg_tester.h", "tg_stack.h", port)
            for file in (*(TESTER / name for name in names), HERE / "fake_model.c"):
                shutil.copy(file, folder / "src")
        else:
            (folder / "src" / "main.c").write_text(source)
        framework = f"framework = {board.framework}\n" if board.framework else ""
        (folder / "platformio.ini").write_text(
            f"[env:{board.name}]\nplatform = {platform_spec(board)}\nboard = {board.board}\n{framework}"
            f"build_flags = {flags}\n"
        )
        return folder

    return make
