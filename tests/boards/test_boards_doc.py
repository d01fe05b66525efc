"""docs/boards.md names every board, with its platform and its frameworks as they are."""

from __future__ import annotations

import pytest

from tests.support.cli import REPOSITORY
from tinygen.boards import Board, load_boards

DOC = (REPOSITORY / "docs" / "boards.md").read_text()
BOARDS = [board for board in load_boards() if not board.variant_of and board.platform != "tinygen-emulated"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_real_board_has_its_row(board: Board) -> None:
    frameworks = [board.framework, *(b.framework for b in load_boards() if b.variant_of == board.name)]
    row = f"| `{board.name}` | {board.title} | `{board.core}` | {board.platform} | {', '.join(frameworks)} |"
    assert row in DOC


def test_the_emulated_boards_are_named() -> None:
    assert [board.name for board in load_boards() if board.emulated and f"`{board.name}`" not in DOC] == []
