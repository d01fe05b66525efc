"""Runs PlatformIO on a generated project, and says in one sentence what went wrong when it did.

Place in the flow: after the project folder is written; the firmware's ELF goes to elf.py, emulator.py and the board.
Emulated boards are built without any network, in a core directory of their own (platformio_core.py); real ones in
the user's, as if `pio run` had been typed.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tinygen.boards import EMULATED_PLATFORM_DIR, Board
from tinygen.device.upload_errors import explain_upload
from tinygen.errors import TinygenError
from tinygen.platformio_core import installed_platforms, offline_environment, registry_hosts

Echo = Callable[[str], None]

_PROBE_SECONDS = 3.0
_INSTALLING = re.compile(r"(?:Platform|Tool|Library) Manager: Installing (?!symlink://|file://)(.+)")
_NO_DOWNLOAD = re.compile(r"HTTPClientError|InternetConnectionError|not connected to the Internet|ioerror")
_NO_SPACE = re.compile(r"No space left on device|not enough space|ENOSPC")
_OVERFLOW = re.compile(r"region [`'‘](\w+)['’] overflowed by (\d+) bytes")
_TOO_LARGE = re.compile(r"The (program|data) size \((\d+) bytes\) is greater than maximum allowed \((\d+) bytes\)")
_SOURCE_ERROR = re.compile(r"(?:\berror: |undefined reference|multiple definition)")
_ANY_ERROR = re.compile(r"^(?:\*\*\* )?\W*(?:Error\b|A fatal error|\w*Error:)", re.IGNORECASE)
_ERROR_WORD = re.compile(r"^(?:\*\*\* )?Error: ?")


class DoesNotFit(TinygenError):
    """The firmware is too large. `overflow`: (memory region, bytes too many) as linker or PlatformIO state it."""

    def __init__(self, board: Board, overflow: tuple[tuple[str, int], ...]) -> None:
        excess = " and ".join(f"{count:,} bytes too many for {region}" for region, count in overflow)
        super().__init__(
            f"the firmware does not fit {board.name}: {excess}",
            "take a smaller model or a larger board (`tinygen boards`)",
        )
        self.overflow = overflow


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The firmware, and what PlatformIO printed."""

    elf: Path
    log: tuple[str, ...]


def platform_spec(board: Board) -> str:
    """What stands in tinygen.ini as `platform = `."""
    return f"symlink://{EMULATED_PLATFORM_DIR}" if board.emulated else board.platform


def build_firmware(project_dir: Path, environment: str, board: Board, echo: Echo = lambda line: None) -> BuildResult:
    """Build one environment of a project; `echo` gets every line that PlatformIO prints.

    Raises DoesNotFit, or TinygenError when a program, the platform or space is missing or the code does not compile.
    """
    log = _run(project_dir, environment, board, (), echo)
    build_dir = Path(os.environ.get("PLATFORMIO_BUILD_DIR") or project_dir / ".pio" / "build")
    elf = build_dir / environment / "firmware.elf"
    if not elf.is_file():
        raise TinygenError(f"PlatformIO has built no {elf}", "does platformio.ini move the build_dir?")
    return BuildResult(elf, log)


def upload(
    project_dir: Path, environment: str, board: Board, port: str | None, echo: Echo = lambda line: None
) -> tuple[str, ...]:
    """Build and upload; PlatformIO looks for the port when it is None. Returns what PlatformIO printed.

    An emulated board is started with its UART on `port` (socket://127.0.0.1:NUMBER) and goes on running until
    `pio run -t stop`. Raises as build_firmware does.
    """
    chosen = () if port is None else ("--upload-port", port)
    return _run(project_dir, environment, board, ("-t", "upload", *chosen), echo, port)


def _run(
    project_dir: Path, environment: str, board: Board, arguments: Sequence[str], echo: Echo, port: str | None = None
) -> tuple[str, ...]:
    if not (project_dir / "platformio.ini").is_file():
        raise TinygenError(f"{project_dir} is no PlatformIO project", "make one with `tinygen build`")
    if board.emulated:
        _need_compiler(board)
        variables = offline_environment()
    else:
        _need_platform(board, project_dir)
        variables = {**os.environ, "PLATFORMIO_NO_ANSI": "true"}
    variables["LANGUAGE"] = "en"  # what the compiler says is read below
    command = [sys.executable, "-m", "platformio", "run", "-d", str(project_dir), "-e", environment, *arguments]
    lines, code = _stream(command, variables, lambda line: _watch(line, board, project_dir, echo))
    overflow = _overflow(lines)
    if overflow:
        raise DoesNotFit(board, overflow)
    if code != 0:
        explained = explain_upload(lines, board, port) if arguments and not board.emulated else None
        if explained is not None:
            raise explained
        shown = " ".join(("pio run -d", str(project_dir), "-e", environment, *arguments))
        raise _failure(lines, board, project_dir, shown)
    return lines


def _stream(command: Sequence[str], variables: dict[str, str], watch: Echo) -> tuple[tuple[str, ...], int]:
    """Run a command, in a process group of its own that does not outlive this call; its lines and exit code."""
    lines: list[str] = []
    child = subprocess.Popen(
        command,
        env=variables,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                lines.append(line.rstrip())
                watch(lines[-1])
        return tuple(lines), child.wait()
    finally:
        if child.poll() is None:
            if sys.platform == "win32":
                child.terminate()
            else:
                os.killpg(child.pid, signal.SIGTERM)
            child.wait()


def _watch(line: str, board: Board, project_dir: Path, echo: Echo) -> None:
    """Pass a line on; stop when it announces a download that cannot succeed."""
    echo(line)
    wanted = _INSTALLING.match(line)
    if wanted and not _reachable():
        raise _cannot_download(wanted[1].strip(), board, project_dir)


def _need_compiler(board: Board) -> None:
    compiler = board.programs[0]
    if shutil.which(compiler) is None:
        raise TinygenError(f"{compiler} is not installed; {board.name} needs it", _apt(board))


def _need_platform(board: Board, project_dir: Path) -> None:
    """A platform that is not installed must at least be downloadable: PlatformIO would try for a minute."""
    if board.platform not in installed_platforms(project_dir) and not _reachable():
        raise _cannot_download(f"the platform {board.platform}", board, project_dir)


def _cannot_download(what: str, board: Board, project_dir: Path) -> TinygenError:
    return TinygenError(
        f"PlatformIO has to download {what} for {board.name}, and its registry cannot be reached; the complete "
        f"project lies in {project_dir.resolve()}",
        f"with a network run `pio run -d {project_dir}` once, or choose an emulated board: they need no download",
    )


def _reachable() -> bool:
    """Whether PlatformIO's registry, or the proxy on the way to it, takes a TCP connection within 3 seconds."""
    proxies = urllib.request.getproxies()
    proxy = next((proxies[kind] for kind in ("https", "all", "http") if kind in proxies), None)
    if proxy is not None:
        place = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        addresses = [(place.hostname or "", place.port or (443 if place.scheme == "https" else 80))]
    else:
        addresses = [(host, 443) for host in registry_hosts()]
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for address in addresses:  # threads, because looking up a name has no time limit of its own
        threading.Thread(target=lambda a=address: answers.put(_connects(a)), daemon=True).start()
    try:
        return any(answers.get(timeout=_PROBE_SECONDS) for _ in addresses)
    except queue.Empty:
        return False


def _connects(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, _PROBE_SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True


def _overflow(lines: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Regions that overflow: the linker's errors, and PlatformIO's (which only warns when RAM does)."""
    text = "\n".join(lines)
    found = {region: int(count) for region, count in _OVERFLOW.findall(text)}
    for what, size, limit in _TOO_LARGE.findall(text):
        found.setdefault("flash" if what == "program" else "RAM", int(size) - int(limit))
    return tuple(found.items())


def _failure(lines: Sequence[str], board: Board, project_dir: Path, command: str) -> TinygenError:
    text = "\n".join(lines)
    if _NO_SPACE.search(text):
        return TinygenError(f"the disk is full: PlatformIO cannot build in {project_dir}", "free some space")
    wanted = _INSTALLING.search(text)
    if wanted and _NO_DOWNLOAD.search(text):
        return _cannot_download(wanted[1].strip(), board, project_dir)
    errors = [line for line in lines if _SOURCE_ERROR.search(line)] or [x for x in lines if _ANY_ERROR.search(x)]
    first = "; ".join(_ERROR_WORD.sub("", line) for line in errors[:2])
    last = next((line for line in reversed(lines) if line), "it printed nothing")
    more = f" (and {len(errors) - 2} more)" if len(errors) > 2 else ""
    return TinygenError(f"PlatformIO fails: {first or last}{more}", f"`{command}` shows all of it")


def _apt(board: Board) -> str:
    return f"on Debian or Ubuntu: sudo apt install {' '.join(board.apt)}"
