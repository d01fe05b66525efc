"""`tinygen boards`: what --board takes; `tinygen boards new`: a board that tinygen does not know yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from tinygen.board_file import new_board
from tinygen.boards import Board, load_board, load_boards
from tinygen.cli.options import JSON
from tinygen.cli.progress import OUT, Steps
from tinygen.errors import TinygenError
from tinygen.load.arrays import write_atomically
from tinygen.pipeline import compile_model
from tinygen.plan import Plan
from tinygen.regions import Region
from tinygen.report.size import planned_size
from tinygen.request import make_request


@click.group(
    invoke_without_command=True,
    epilog="Example: tinygen boards --family stm32 --fits kws.tflite",
)
@click.option("--family", metavar="NAME", help="Only this family: esp32, stm32, avr, nrf52, rp2040, emulated.")
@click.option("--core", metavar="CORE", help="Only boards with this core: cortex-m4, avr, esp32s3, ...")
@click.option("--emulated/--real", default=None, help="Only emulated boards, or only real ones.")
@click.option(
    "--fits",
    "models",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="MODEL",
    help="Only boards that this model fits, by arena and constants (`build` has the last word); may be repeated.",
)
@JSON
@click.pass_context
def boards(
    context: click.Context,
    family: str | None,
    core: str | None,
    emulated: bool | None,
    models: tuple[Path, ...],
    as_json: bool,
) -> None:
    """List the boards, real and emulated, with what an application may use of them."""
    if context.invoked_subcommand is not None:
        return
    found = [
        board
        for board in load_boards()
        if family in (None, board.family) and core in (None, board.core) and emulated in (None, board.emulated)
    ]
    if not found:
        raise TinygenError("there is no such board", "`tinygen boards` lists all of them", 2)
    plans = [_planner(model) for model in models]
    arenas = {board.name: [_arena(plan, board) for plan in plans] for board in found}
    found = [board for board in found if None not in arenas[board.name]]
    if as_json:
        shown = [{**asdict(board), "family": board.family} for board in found]
        if models:
            shown = [{**entry, "arena_bytes": arenas[entry["name"]]} for entry in shown]
        click.echo(json.dumps(shown, indent=2))
        return
    if not found:
        OUT.print(f"no board of these holds {' and '.join(model.name for model in models)}")
        return
    OUT.print(_table(found, [model.name for model in models], arenas))


@boards.command(
    epilog="Example: tinygen boards new nucleo_l432kc, then tinygen build --board nucleo_l432kc.toml kws.h5"
)
@click.argument("board_id", metavar="ID")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Default: ID.toml, here."
)
def new(board_id: str, output: Path | None) -> None:
    """Write the TOML of PlatformIO's board ID, out of a platform that is installed; --board takes the file's name."""
    path = output or Path(f"{board_id}.toml")
    if path.suffix != ".toml":
        raise TinygenError(f"{path} is no name for a board", "it ends in .toml", 2)
    if path.exists():
        raise TinygenError(f"{path} is there already", "name another file with -o")
    write_atomically(path, new_board(board_id).encode())
    try:
        board = load_board(path)
    except TinygenError:
        path.unlink()
        raise
    OUT.print(f"{path}: {board.title}, {board.core}, {board.ram_bytes:,} bytes of RAM, {board.flash_bytes:,} of flash")
    OUT.print("read it: what PlatformIO does not know, e.g. where the serial port comes out, is only guessed")


def _planner(model: Path) -> Callable[[str, Sequence[Region]], Plan]:
    """The model's plan for a kernel set and the regions of a board; each is made once."""
    request = make_request(model, None, None, {}, False)
    if not request.is_tflite:
        raise TinygenError(f"--fits takes an int8 .tflite, not {model}", "make one with `tinygen quantize`", 2)
    plans: dict[tuple[str, tuple[Region, ...]], Plan] = {}
    steps = Steps()

    def plan(kernels: str, regions: Sequence[Region]) -> Plan:
        key = kernels, tuple(regions)
        if key not in plans:
            with steps.step(f"planning {model.name} for {kernels}"):
                plans[key] = compile_model(request, None, steps.update, kernels, regions).plan
        return plans[key]

    return plan


def _arena(plan_for: Callable[[str, Sequence[Region]], Plan], board: Board) -> int | None:
    """The arena's bytes on a board, or None when arena, state and constants do not fit."""
    plan = plan_for(board.kernels, board.regions)
    return plan.arena_bytes if planned_size([plan], []).fits(board) else None


def _table(found: Sequence[Board], models: Sequence[str], arenas: dict[str, list[int | None]]) -> Table:
    """One row per board; its variants under other frameworks stand in its own. With models, their arenas instead."""
    table = Table()
    headers = (
        ("--board", "core", "RAM", "flash") if models else ("--board", "core", "RAM", "flash", "framework", "board")
    )
    for header in headers:
        table.add_column(header, justify="right" if header in ("RAM", "flash") else "left", no_wrap=header != "board")
    for model in models:
        table.add_column(f"arena of {model}", justify="right")
    names = {board.name for board in found}
    for board in found:
        if board.variant_of not in names:
            others = [f"-{b.framework}" for b in found if b.variant_of == board.name]
            more = (f"{nbytes:,}" for nbytes in arenas[board.name])
            table.add_row(*_row(board), *(more if models else _names(board, others)))
    return table


def _row(board: Board) -> tuple[str, ...]:
    return (board.name, board.core, f"{board.ram_bytes // 1024:,} KB", f"{board.flash_bytes // 1024:,} KB")


def _names(board: Board, others: Sequence[str]) -> tuple[str, str]:
    return ("emulated" if board.emulated else " ".join((board.framework, *others)), board.title)
