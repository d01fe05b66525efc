"""SCons script of the emulated boards: build with a compiler on PATH, start the result in an emulator.

PlatformIO runs it, perhaps with a Python of its own: only the standard library and SCons may be imported.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

DEFAULT_PORT = "socket://127.0.0.1:5333"
START_SECONDS = 10

env = DefaultEnvironment()
platform = env.PioPlatform()
board = env.BoardConfig()
build = board.get("build")
emulator = board.get("emulator")
prefix = build["toolchain"]
cross = bool(prefix)

if not shutil.which(prefix + "gcc", path=env["ENV"]["PATH"]):
    sys.stderr.write(f"Error: {prefix}gcc is not on PATH; on Debian or Ubuntu: apt install {build['apt']}\n")
    env.Exit(1)

env.Replace(
    AR=prefix + "gcc-ar" if cross else "ar",
    AS=prefix + "gcc",
    CC=prefix + "gcc",
    CXX=prefix + "g++",
    RANLIB=prefix + "gcc-ranlib" if cross else "ranlib",
    OBJCOPY=prefix + "objcopy",
    SIZETOOL=prefix + "size",
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    ARFLAGS=["rc"],
    SIZEPROGREGEXP=r"^(?:\.text|\.data|\.rodata|\.isr_vector|\.init_array|\.ARM\.exidx)\S*\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.noinit)\S*\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
if "linker" in build:  # Debian's g++ for RISC-V comes without the library that it links
    env.Replace(LINK=build["linker"])
machine = build["machine_flags"]
bsp_root = os.path.join(platform.get_dir(), "bsp")
bsp = [os.path.join(bsp_root, name) for name in build["bsp"]]
env.Append(
    ASFLAGS=machine,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CFLAGS=["-std=gnu99"],
    CXXFLAGS=["-std=gnu++14", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
    CCFLAGS=[*machine, "-Os", "-ffunction-sections", "-fdata-sections", "-Wall"],
    CPPDEFINES=[("F_CPU", "$BOARD_F_CPU")],
    CPPPATH=[bsp_root],
    LINKFLAGS=[*machine, *build["link_flags"]],
    LIBS=["m"],
)
if cross:
    env.Append(LINKFLAGS=["-Wl,--gc-sections", '-Wl,-Map="${BUILD_DIR}/firmware.map"'])
if "ldscript" in build:
    env.Replace(LDSCRIPT_PATH=os.path.join(bsp_root, build["ldscript"]))
    env.Append(LIBPATH=bsp)
# linked in as objects, not as a library: the vector table stays whether or not anything refers to it
for folder in bsp:
    env.BuildSources(os.path.join("$BUILD_DIR", "bsp", os.path.basename(folder)), folder)

program = env.BuildProgram()


def command_line(pid):
    """The command of a running process, or "" when there is none or it is a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return ""
    found = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return found.stdout


def stop_emulator(pid_file, elf):
    """End the emulator of the last upload, if it still runs and is ours: its command names our program."""
    try:
        with open(pid_file) as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return
    if elf in command_line(pid):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while elf in command_line(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    os.remove(pid_file)


def answers(number):
    try:
        socket.create_connection(("127.0.0.1", number), 1).close()
    except OSError:
        return False
    return True


def start_emulator(target, source, env):
    """`upload`: end the emulator of the last upload, start a new one that outlives PlatformIO."""
    url = env.subst("$UPLOAD_PORT") or DEFAULT_PORT
    place = urlsplit(url)
    if place.scheme != "socket" or place.hostname not in ("127.0.0.1", "localhost") or not place.port:
        sys.stderr.write(f"Error: an emulated board's port looks like {DEFAULT_PORT}, not {url}\n")
        return 1
    elf = os.path.abspath(str(source[0]))
    pid_file = env.subst("$BUILD_DIR/emulator.pid")
    stop_emulator(pid_file, elf)
    if answers(place.port):
        sys.stderr.write(f"Error: port {place.port} is in use by another program; choose one with --upload-port\n")
        return 1
    names = {"elf": elf, "port": place.port, "python": sys.executable, "platform": platform.get_dir()}
    argv = [part.format(**names) for part in emulator["argv"]]
    if not shutil.which(argv[0], path=env["ENV"]["PATH"]):
        sys.stderr.write(f"Error: {argv[0]} is not on PATH; on Debian or Ubuntu: apt install {emulator['apt']}\n")
        return 1
    print(shlex.join(argv))
    log_name = env.subst("$BUILD_DIR/emulator.log")
    with open(log_name, "wb") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    with open(pid_file, "w") as file:
        file.write(str(child.pid))
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and not answers(place.port):
        if time.monotonic() > deadline:
            child.kill()
            break
        time.sleep(0.05)
    if child.poll() is not None:
        with open(log_name, errors="replace") as log:
            sys.stderr.write(f"Error: the emulator did not start: {log.read().strip()}\n")
        return 1
    print(f"serial port: {url}")
    return 0


def stop(target, source, env):
    stop_emulator(env.subst("$BUILD_DIR/emulator.pid"), os.path.abspath(env.subst("$BUILD_DIR/firmware.elf")))


AlwaysBuild(env.Alias("upload", program, [env.VerboseAction(start_emulator, "Starting $SOURCE; `-t stop` ends it")]))
env.AddPlatformTarget("stop", None, stop, "Stop the emulator")
AlwaysBuild(env.Alias("size", program, env.VerboseAction("$SIZEPRINTCMD", "Calculating size of $SOURCE")))
Default([program])
