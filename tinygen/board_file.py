"""Makes a board's TOML out of what an installed PlatformIO platform says of it.

Place in the flow: `tinygen boards new`; what comes out is read by boards.py like any other board.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinygen.boards import EMULATED_PLATFORM, load_boards
from tinygen.errors import TinygenError
from tinygen.platformio_core import platforms_dir

# apps of the Arduino core's partition tables, in bytes; the first is the default
_PARTITIONS = {
    "default.csv": 0x140000,
    "default_8MB.csv": 0x330000,
    "default_16MB.csv": 0x640000,
    "huge_app.csv": 0x300000,
    "min_spiffs.csv": 0x1E0000,
    "no_ota.csv": 0x200000,
}
_IDF_PARTITION = 0x100000
_ESP32 = re.compile(r"esp32(s2|s3|c3|c6)?$")
_AVR = re.compile(r"at(mega|tiny)\w+$")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_ARM_FPU = {"cortex-m4": "fpv4-sp-d16", "cortex-m7": "fpv5-sp-d16", "cortex-m33": "fpv5-sp-d16"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """What follows from a board's core: the compiler of its family as Debian has it, the flags, static data."""

    core: str
    compiler: str
    flags: tuple[str, ...]
    apt: tuple[str, ...]


def new_board(board_id: str) -> str:
    """The TOML of PlatformIO's board `board_id`; raises TinygenError when no installed platform has it, or none of
    its cores or frameworks is known here."""
    platform, manifest = _find(board_id)
    try:
        return _toml(board_id, platform, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TinygenError(
            f"PlatformIO's file of {board_id} lacks what is needed: {error}", "write its TOML by hand"
        ) from error


def _find(board_id: str) -> tuple[str, dict[str, Any]]:
    """(platform@version, manifest) of a board, of the first installed platform that has it."""
    found = []
    folder = platforms_dir()
    for path in sorted(folder.glob("*/platform.json")):
        try:
            platform = json.loads(path.read_text(encoding="utf-8"))
            spec = f"{platform['name']}@{platform['version']}"
            if platform["name"] == EMULATED_PLATFORM:
                continue
            found.append(spec)
            file = path.parent / "boards" / f"{board_id}.json"
            if _ID.fullmatch(board_id) and file.is_file():
                return spec, json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TinygenError(
                f"PlatformIO's platform in {path.parent} is broken: {error}", "install it anew"
            ) from error
    known = f"installed: {', '.join(found)}" if found else f"none is installed in {folder}"
    raise TinygenError(
        f"no installed PlatformIO platform has a board '{board_id}' ({known})",
        "`pio boards` lists all boards, `pio pkg install -g -p PLATFORM` installs a platform",
    )


def _toml(board_id: str, platform: str, manifest: Mapping[str, Any]) -> str:
    build, upload = manifest["build"], manifest["upload"]
    kind = _kind(build, board_id)
    esp = kind.core.startswith("esp32")
    framework = next((f for f in ("arduino", "espidf") if f in manifest["frameworks"]), None)
    if framework is None:
        have = ", ".join(manifest["frameworks"])
        raise TinygenError(f"{board_id} has no framework that tinygen knows of (it has {have})", "arduino or espidf")
    ram = _esp32_ram(kind.core) if esp else int(upload["maximum_ram_size"])
    flash = _esp32_flash(build, framework) if esp else int(upload["maximum_size"])
    values = {
        "title": str(manifest["name"])[:60],
        "description": f"{build['mcu']}, from {platform}'s own description",
        "platform": platform,
        "board": board_id,
        "framework": framework,
        "core": kind.core,
        "compiler": kind.compiler,
        "flags": kind.flags,
        "ram_bytes": ram,
        "stack_bytes": 0 if esp else min(2048, ram // 8),
        "flash_bytes": flash,
        "clock_hz": int(str(build["f_cpu"]).rstrip("L")),
        "upload_protocol": str(upload.get("protocol") or ("esptool" if esp else "")),
        "uart": "the first serial port of the framework; the maker's documentation says where it comes out",
        "baud": 115200,
        "emulated": False,
        "usb": tuple(f"{int(vid, 16):04X}:{int(pid, 16):04X}" for vid, pid in build.get("hwids", ())),
        "apt": kind.apt,
    }
    # JSON's strings, numbers, booleans and lists of them are TOML's
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def _kind(build: Mapping[str, Any], board_id: str) -> _Kind:
    mcu, cpu = str(build["mcu"]).lower(), str(build.get("cpu", "")).lower()
    if _AVR.match(mcu):
        return _Kind("avr", "avr-", (f"-mmcu={mcu}",), ("gcc-avr", "avr-libc"))
    if mcu in ("esp32c3", "esp32c6"):
        arch = "-march=rv32imc" if mcu == "esp32c3" else "-march=rv32imac"
        apt = ("gcc-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")
        return _Kind(mcu, "riscv64-unknown-elf-", (arch, "-mabi=ilp32"), apt)
    if _ESP32.match(mcu):
        return _Kind(mcu, "xtensa-lx106-elf-", ("-mlongcalls",), ("gcc-xtensa-lx106", "picolibc-xtensa-lx106-elf"))
    if cpu in {"cortex-m0", "cortex-m0plus", "cortex-m3", *_ARM_FPU}:
        fpu = (f"-mfpu={_ARM_FPU[cpu]}", "-mfloat-abi=hard") if cpu in _ARM_FPU else ()
        apt = ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi")
        return _Kind(cpu, "arm-none-eabi-", (f"-mcpu={cpu}", "-mthumb", *fpu), apt)
    raise TinygenError(
        f"{board_id} has a core that tinygen knows nothing of: {cpu or mcu}",
        "AVR, Cortex-M0 to M33 and ESP32, S2, S3, C3 and C6 are known; the C of `tinygen generate` runs on all others",
    )


def _esp32_ram(core: str) -> int:
    """What static data may take: the chip decides it, so the same as on the board of that chip that we describe."""
    return next(board.ram_bytes for board in load_boards() if board.core == core)


def _esp32_flash(build: Mapping[str, Any], framework: str) -> int:
    """The app partition; of a table that is not known, the smallest."""
    if framework == "espidf":
        return _IDF_PARTITION
    return _PARTITIONS.get(build.get("arduino", {}).get("partitions", "default.csv"), _PARTITIONS["default.csv"])
