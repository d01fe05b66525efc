"""Start the simavr bridge (bridge.c) in the place of this process; compile it first if that was not done yet.

    python run.py MCU HZ FIRMWARE.elf PORT [FILE]

The emulator of the AVR boards, for tinygen and for PlatformIO's upload alike: only the standard library is imported.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = tuple(Path(__file__).with_name(name) for name in ("bridge.c", "count.c", "count.h"))
HEADER = Path("/usr/include/simavr/sim_avr.h")
APT = "on Debian or Ubuntu: sudo apt install gcc libsimavr-dev"


def cache_dir() -> Path:
    """As tinygen/platformio_core.py has it."""
    chosen = os.environ.get("TINYGEN_CACHE_DIR")
    return Path(chosen or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinygen")


def bridge() -> Path:
    """The compiled bridge. Its name has in it what it was made of, so another simavr gets another one."""
    if not HEADER.is_file():
        sys.exit(f"simavr's library is not installed; {APT}")
    made_of = b"".join(file.read_bytes() for file in (*SOURCES, HEADER)) + str(HEADER.stat().st_mtime_ns).encode()
    program = cache_dir() / f"simavr-{hashlib.sha256(made_of).hexdigest()[:12]}"
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            new = Path(folder) / "bridge"
            command = ["gcc", "-O2", "-o", str(new), *(str(file) for file in SOURCES[:2]), "-lsimavr"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            except FileNotFoundError:
                sys.exit(f"gcc is not installed; {APT}")
            if done.returncode != 0:
                sys.exit(f"gcc cannot compile the simavr bridge: {done.stderr.strip()[-200:]}; {APT}")
            new.replace(program)
    return program


if __name__ == "__main__":
    try:
        program = str(bridge())
    except OSError as error:
        sys.exit(f"cannot write {cache_dir()}: {error.strerror}; set TINYGEN_CACHE_DIR")
    os.execv(program, [program, *sys.argv[1:]])
