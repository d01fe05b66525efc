"""The command line: `tinygen COMMAND`, one file per command. Errors become one line and a hint."""

from __future__ import annotations

import json
import os
import sys
import traceback

import click

from tinygen import __version__
from tinygen.cli.bench import bench
from tinygen.cli.board_list import boards
from tinygen.cli.build import build
from tinygen.cli.compress import compress
from tinygen.cli.doctor import doctor
from tinygen.cli.features import features
from tinygen.cli.flash import flash
from tinygen.cli.generate import generate
from tinygen.cli.matrix import matrix
from tinygen.cli.plan import plan
from tinygen.cli.play import play_command
from tinygen.cli.quantize import quantize
from tinygen.cli.run import run
from tinygen.cli.test import test
from tinygen.cli.tune import tune
from tinygen.cli.tune_decision import tune_decision
from tinygen.errors import ReportedError, TinygenError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinygen")
def cli() -> None:
    """Turn a trained Keras model into C for a microcontroller, and prove that it computes what it should.

    \b
    Examples:
      tinygen build --board esp32 kws.h5            a PlatformIO project, built
      tinygen test --board qemu-stm32f405 kws.h5    on an emulated board, no hardware needed
      tinygen boards                                what --board takes
    """


_ON_BOARDS = (build, test, bench, tune, matrix, run, play_command, flash)
_ON_MODELS = (generate, quantize, compress, plan, features, tune_decision, boards, doctor)
for command in (*_ON_BOARDS, *_ON_MODELS):
    cli.add_command(command)


def main() -> None:
    """Run the command line; exits 0, 1 for a failure, 2 for a wrong call."""
    try:
        cli(prog_name="tinygen", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit("interrupted")
    except click.ClickException as error:
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tinygen"
        fail(error.format_message(), f"{command} --help", error.exit_code)
    except TinygenError as error:
        fail(str(error), error.hint, error.exit_code, reported=isinstance(error, ReportedError))
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        fail(f"{error.strerror or error}{where}", "check the path, its permissions and the free space")
    except Exception as error:
        if os.environ.get("TINYGEN_DEBUG"):
            traceback.print_exc()
        message = " ".join(str(error).split())[:500]
        fail(
            f"this should not have happened: {type(error).__name__}: {message}",
            "set TINYGEN_DEBUG=1 to see where, and please report it",
        )


def fail(message: str, hint: str, exit_code: int = 1, reported: bool = False) -> None:
    """Print an error and its hint and exit; with --json also as an object on stdout, if there is none yet."""
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
    if "--json" in sys.argv and not reported:
        click.echo(json.dumps({"error": message, "hint": hint}))
    sys.exit(exit_code)
