"""Every command of README.md and of the three first pages is one that tinygen takes, for a board that is there.

What they do is run elsewhere; the pages say where, and what is not run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.cli import REPOSITORY
from tinygen.boards import get_board
from tinygen.cli import cli

PAGES = ("README.md", "docs/for-arduino.md", "docs/for-esp-idf.md", "docs/for-ci.md")
BLOCK = re.compile(r"^ {4,}tinygen (.+)$", re.MULTILINE)
INSIDE = re.compile(r"`tinygen ([^`]+ [^`]+)`")  # of a sentence
FILES = ("kws.h5", "kws.tflite", "kws.npz", "vectors.npz", "a.h5", "b.h5")


def commands(page: str) -> list[str]:
    """Not those with `ID`, `MODEL` and their like in them; README.md's sentences have parts of commands, too."""
    text = (REPOSITORY / page).read_text()
    found = BLOCK.findall(text) + (INSIDE.findall(text) if page != "README.md" else [])
    return [command for command in found if not re.search(r"\b(ID|MODEL)\b|boards new", command)]


CASES = [(page, command) for page in PAGES for command in dict.fromkeys(commands(page))]


def test_the_pages_have_commands() -> None:
    assert len(CASES) > 15
    assert {page for page, _ in CASES} == set(PAGES)


@pytest.mark.parametrize(("page", "command"), CASES)
def test_a_command_of_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for file in FILES:
        (tmp_path / file).touch()
    name, *arguments = shlex.split(command.split("#")[0])
    context = cli.commands[name].make_context(name, arguments)
    boards = context.params.get("board_name") or context.params.get("names") or ""
    for board in filter(None, str(boards).split(",")):
        get_board(board)
