"""SCons script of the framework `arduino`: the core for AVR as Debian ships it (arduino-core-avr)."""

import os
import sys

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
root = board.get("build.core")
core = os.path.join(root, "cores", "arduino")
variant = os.path.join(root, "variants", board.get("build.variant"))
if not os.path.isdir(variant):
    sys.stderr.write("Error: there is no Arduino core; on Debian or Ubuntu: apt install arduino-core-avr\n")
    env.Exit(1)
env.Append(
    # gcc 5's float.h has DECIMAL_DIG for C only, and the core wants it in C++
    CPPDEFINES=[("ARDUINO", 10808), "ARDUINO_ARCH_AVR", board.get("build.define"), ("DECIMAL_DIG", "__DECIMAL_DIG__")],
    CXXFLAGS=["-fpermissive"],
    CPPPATH=[core, variant],
    LIBSOURCE_DIRS=[os.path.join(root, "libraries")],
)
env.Append(LIBS=[env.BuildLibrary(os.path.join("$BUILD_DIR", "FrameworkArduino"), core)])
