"""The boards that tinygen builds for: one TOML each in boards/, checked against boards/schema.json."""

from __future__ import annotations

import difflib
import functools
import importlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

from tinygen import resources
from tinygen.errors import TinygenError
from tinygen.regions import Region

# by name: the type checker sees one Python version only, and the other's module is not there
_TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

EMULATED_PLATFORM = "tinygen-emulated"
# the kernel set of a core; the others have `portable`
_KERNELS = {"avr": "avr", "cortex-m4": "armv7em", "cortex-m7": "armv7em", "cortex-m33": "armv7em"}
_FAMILIES = {
    "atmelavr": "avr",
    "espressif32": "esp32",
    "nordicnrf52": "nrf52",
    "raspberrypi": "rp2040",
    "ststm32": "stm32",
    EMULATED_PLATFORM: "emulated",
}
EMULATED_PLATFORM_DIR = resources.FIRMWARE / "platform"


@dataclass(frozen=True, slots=True)
class Hal:
    """Of a board under STM32Cube: the HAL's header, the UART, its pins and their alternate function (empty: none)."""

    header: str
    uart: str
    tx_port: str
    tx_pin: int
    rx_port: str
    rx_pin: int
    alternate: str


@dataclass(frozen=True, slots=True)
class Board:
    """A board as its TOML file states it; what each field means stands in boards/schema.json."""

    name: str
    title: str
    description: str
    platform: str
    board: str
    framework: str
    core: str
    compiler: str
    flags: tuple[str, ...]
    ram_bytes: int
    flash_bytes: int
    stack_bytes: int
    clock_hz: int
    upload_protocol: str
    uart: str
    baud: int
    emulated: bool
    apt: tuple[str, ...]
    regions: tuple[Region, ...] = ()
    max_baud: int = 0
    usb: tuple[str, ...] = ()
    build_flags: tuple[str, ...] = ()
    hal: Hal | None = None
    # the name of the board that this is under another framework; empty if it is itself
    variant_of: str = ""

    @property
    def fastest_baud(self) -> int:
        """What the tester may be asked to use (--baud): max_baud, or baud where the file has none."""
        return max(self.max_baud, self.baud)

    @property
    def family(self) -> str:
        """What people call the chips of its PlatformIO platform."""
        return _FAMILIES.get(self.platform.split("@")[0], self.platform.split("@")[0])

    @property
    def needs_heap(self) -> bool:
        """Whether arenas may have to be taken from the heap when an application starts."""
        return any(region.heap for region in self.regions)

    @property
    def kernels(self) -> str:
        """The kernel set for its core (kernelsets/)."""
        return _KERNELS.get(self.core, "portable")

    @property
    def emulator(self) -> tuple[str, ...]:
        """The command that emulates the board; empty for a real board.

        {elf} and {port} stand in it, and {python} and {platform} (firmware/platform) where it is a script.
        """
        if not self.emulated:
            return ()
        manifest = json.loads((EMULATED_PLATFORM_DIR / "boards" / f"{self.board}.json").read_text())
        return tuple(manifest["emulator"]["argv"])

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that must be on PATH to build and run it; a real board's come with PlatformIO."""
        if not self.emulated:
            return ()
        return (f"{self.compiler}gcc", *(part for part in self.emulator[:1] if not part.startswith("{")))


@functools.cache
def load_boards() -> tuple[Board, ...]:
    """All boards, each followed by its variants, sorted by name; raises TinygenError when a file is no board."""
    return tuple(board for path in sorted(resources.BOARDS.glob("*.toml")) for board in load_variants(path))


def get_board(name: str) -> Board:
    """The board of that name, or of that file.toml; raises TinygenError (exit code 2) that names the closest ones."""
    if name.endswith(".toml"):
        return load_board(Path(name))
    boards = {board.name: board for board in load_boards()}
    if name in boards:
        return boards[name]
    close = difflib.get_close_matches(name.lower(), boards, n=3, cutoff=0.4)
    known = f"did you mean {' or '.join(close)}? " if close else ""
    raise TinygenError(f"there is no board '{name}'", f"{known}boards: {', '.join(boards)}", exit_code=2)


def load_board(path: Path) -> Board:
    """Read one board's file; raises TinygenError that names the field at fault."""
    return load_variants(path)[0]


def load_variants(path: Path) -> tuple[Board, ...]:
    """A board's file as the board and the same one under its other frameworks; raises TinygenError as load_board."""
    try:
        content = _TOML.loads(path.read_text(encoding="utf-8"))
        wrong = best_match(_validator().iter_errors(content))
        if wrong is not None:
            raise wrong
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, no TOML
        raise TinygenError(f"{path} cannot be read: {error}") from error
    except jsonschema.ValidationError as error:
        field = "/".join(str(part) for part in error.absolute_path)
        where = f"{field}: " if field else ""
        raise TinygenError(
            f"{path}: {where}{error.message}", "docs/adding-a-board.md says what stands there"
        ) from error
    content = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    content["regions"] = tuple(Region(**region) for region in content.get("regions", ()))
    content["hal"] = Hal(**content["hal"]) if "hal" in content else None
    variants = content.pop("variants", ())
    board = Board(name=path.stem, **content)
    if board.emulated != (board.platform == EMULATED_PLATFORM):
        raise TinygenError(f"{path}: emulated boards, and only they, have platform = '{EMULATED_PLATFORM}'")
    boards = (board, *(_variant(board, variant) for variant in variants))
    if any((b.framework == "stm32cube") != (b.hal is not None) for b in boards):
        raise TinygenError(f"{path}: boards under stm32cube, and only they, have a [hal]")
    return boards


def _variant(board: Board, changed: dict[str, Any]) -> Board:
    changed = {**changed, "hal": Hal(**changed["hal"]) if "hal" in changed else None}
    return replace(board, name=f"{board.name}-{changed['framework']}", variant_of=board.name, **changed)


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    """Of boards/schema.json; a test says that it is a schema, no command has to look again."""
    schema: dict[str, Any] = json.loads((resources.BOARDS / "schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)
