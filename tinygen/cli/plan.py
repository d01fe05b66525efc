"""`tinygen plan`: where every byte of the arena goes, when, and what a smaller or faster schedule would cost."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinygen.boards import get_board
from tinygen.cli.build import stack_of
from tinygen.cli.options import JSON, model_options
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import compile_model
from tinygen.report.drawing import memory_svg
from tinygen.report.float_islands import island_lines, islands_json
from tinygen.report.memory_map import frontier_text, plan_text
from tinygen.report.page import plan_page
from tinygen.report.plan_figures import frontier_points, plan_json
from tinygen.report.size import planned_size
from tinygen.request import Request

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="Example: tinygen plan kws.h5 --board bluepill_f103c8 --optimize ram --html kws.html")
@click.option(
    "-b", "--board", "board_name", metavar="BOARD", help="Also say whether it can fit this board, and its stack."
)
@click.option("--frontier", "show_frontier", is_flag=True, help="Also print the schedules between small and fast.")
@click.option("--svg", type=_FILE, metavar="FILE", help="Write the memory map over time as a picture.")
@click.option(
    "--html", type=_FILE, metavar="FILE", help="Write a page with everything: map, frontier, layers, segments."
)
@JSON
@model_options
def plan(
    request: Request, board_name: str | None, show_frontier: bool, svg: Path | None, html: Path | None, as_json: bool
) -> None:
    """Show the memory map of MODEL: which tensor lies where in the arena, when, and what makes the peak."""
    if request.hop is not None and (show_frontier or html is not None):
        hint = "--optimize chooses with --hop, too"
        raise TinygenError("--frontier and --html are of schedules without --hop", hint, 2)
    board = get_board(board_name) if board_name else None
    steps = Steps()
    with steps.step(f"preparing {request.model.name}"):
        kernels, regions = (board.kernels, board.regions) if board else ("portable", ())
        compiled = compile_model(request, None, steps.update, kernels, regions, board_name or "")
    made = compiled.plan
    stack = None if board is None else stack_of(compiled, board, steps)
    points = None
    if show_frontier or html is not None:
        points = frontier_points(made.frontier)
    if svg is not None:
        write_atomically(svg, memory_svg(made).encode())
    if html is not None and points is not None:
        write_atomically(html, plan_page(made, request.optimize, board, stack, points))
    fits = None if board is None or stack is None else planned_size([made], [stack]).fits(board)
    shown = points if show_frontier else None
    if as_json:
        figures = plan_json(made, request.optimize, stack, shown)
        islands = islands_json(made.program.graph)
        report = {**figures, "float_islands": islands, "board": board.name if board else None, "fits": fits}
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(plan_text(made, request.optimize))
    for line in island_lines(made.program.graph):
        click.echo(line)
    if shown is not None:
        click.echo(f"\n{frontier_text(shown)}")
    for use in (*made.regions, *made.flash):
        OUT.print(f"{use.region.name}: {use.bytes:,} of {use.region.bytes:,} bytes")
    if board is not None and stack is not None:
        OUT.print(f"\nstack of {request.name} on {board.name}: {stack.text}", markup=False)
        OUT.print(
            f"{board.name}: {made.arena_bytes + made.static_bytes:,} of {board.ram_bytes:,} bytes of RAM; "
            + ("arena and constants fit" if fits else "does not fit")
        )
    for file in (svg, html):
        if file is not None:
            OUT.print(f"written: {file}", markup=False)
