"""`tinygen plan`: where every byte of the arena goes."""

from __future__ import annotations

import json

import click

from tinygen.boards import get_board
from tinygen.cli.options import JSON, model_options
from tinygen.cli.progress import OUT, Steps
from tinygen.pipeline import Request, compile_model
from tinygen.report.float_islands import island_lines, islands_json
from tinygen.report.memory_map import plan_json, plan_text
from tinygen.report.size import planned_size


@click.command(epilog="Example: tinygen plan kws.h5 --board bluepill_f103c8")
@click.option("-b", "--board", "board_name", metavar="BOARD", help="Also say whether it can fit this board.")
@JSON
@model_options
def plan(request: Request, board_name: str | None, as_json: bool) -> None:
    """Show the memory map of MODEL: which tensor lies where in the arena, and when."""
    board = get_board(board_name) if board_name else None
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        compiled = compile_model(request, None, steps.update)
    fits = None if board is None else planned_size(compiled.plan).fits(board)
    if as_json:
        islands = islands_json(compiled.plan.program.graph)
        report = {**plan_json(compiled.plan), "float_islands": islands, "board": board_name, "fits": fits}
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(plan_text(compiled.plan))
    for line in island_lines(compiled.plan.program.graph):
        click.echo(line)
    if board is not None:
        OUT.print(
            f"\n{board.name}: {compiled.plan.arena_bytes:,} of {board.ram_bytes:,} bytes of RAM; "
            + ("arena and constants fit" if fits else "does not fit")
        )
