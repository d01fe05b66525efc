"""`tinygen generate --format`: every layout as its build system takes it, compiled.

ESP-IDF and Zephyr are not here: their CMake files run for real, with stand-ins for the few functions that they call,
which do what the documentation says of them.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.c_build import run_tool
from tests.support.cli import tinygen
from tests.support.models import small_model

MAIN = """#include <stdio.h>
#include "one.h"
int main(void) {
  for (int i = 0; i < ONE_INPUT_0_SIZE; ++i) one_input(0)[i] = (int8_t)(i * 9);
  one_invoke();
  for (int i = 0; i < ONE_OUTPUT_0_SIZE; ++i) printf("%d ", one_output(0)[i]);
  return 0;
}
"""
AVR_CORE = Path("/usr/share/arduino/hardware/arduino/avr")
# of the Arduino library specification
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
}
needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed (make test installs it)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.tflite").write_bytes(small_model())
    (tmp_path / "other.tflite").write_bytes(small_model(1))
    return tmp_path


def generate(folder: Path, format_: str, *more: str) -> None:
    result = tinygen("generate", "--format", format_, *more, cwd=folder)
    assert result.code == 0, result.err


def outputs(program: Path) -> str:
    return run_tool([program]).decode()


@pytest.fixture
def expected(folder: Path) -> str:
    """What the plain C prints."""
    generate(folder, "plain", "one.tflite", "-o", "c")
    assert {p.name for p in (folder / "c").iterdir()} == {"LICENSE", "one.c", "one.h", "one_kernels", "one_weights.h"}
    (folder / "main.c").write_text(MAIN)
    run_tool(
        ["gcc", "-std=c99", f"-I{folder / 'c'}", folder / "main.c", folder / "c" / "one.c", "-o", folder / "plain"]
    )
    return outputs(folder / "plain")


def cmake(source: Path, *options: str) -> Path:
    build = source / "build"
    run_tool(["cmake", "-S", source, "-B", build, *options])
    run_tool(["cmake", "--build", build])
    return build


@needs_cmake
def test_cmake(folder: Path, expected: str) -> None:
    generate(folder, "cmake", "one.tflite", "-o", "libs/one")
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_subdirectory(libs/one)\n"
        "add_executable(app main.c)\ntarget_link_libraries(app one::one)\n"
    )
    assert outputs(cmake(folder) / "app") == expected
    # alone, and in another compiler's hands
    cmake(folder / "libs" / "one", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_C_FLAGS=-Wall -Werror")


@needs_cmake
def test_cmake_of_two_models_over_one_arena(folder: Path, expected: str) -> None:
    generate(folder, "cmake", "one.tflite", "other.tflite", "-o", "libs")
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C)\n"
        "add_subdirectory(libs/one)\nadd_subdirectory(libs/other)\n"
        "add_executable(app main.c)\ntarget_link_libraries(app one other)\n"
    )
    assert outputs(cmake(folder) / "app") == expected


IDF = """cmake_minimum_required(VERSION 3.16)
project(app C)
function(idf_component_register)
  cmake_parse_arguments(given "" "" "SRCS;INCLUDE_DIRS;REQUIRES" ${ARGN})
  if(given_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown: ${given_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(COMPONENT_LIB ${name} PARENT_SCOPE)
  add_library(${name} STATIC ${given_SRCS})
  target_include_directories(${name} PUBLIC ${given_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror)
  if(given_REQUIRES)
    target_link_libraries(${name} PUBLIC ${given_REQUIRES})
  endif()
endfunction()
"""


@needs_cmake
@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ""),
        ("xtensa-lx106-elf-gcc", "-mlongcalls --specs=/usr/lib/xtensa-lx106-elf/picolibc.specs"),
        ("riscv64-unknown-elf-gcc", "-march=rv32imc -mabi=ilp32 --specs=picolibc.specs"),
    ],
)
def test_esp_idf(folder: Path, expected: str, compiler: str, flags: str) -> None:
    generate(folder, "esp-idf", "one.tflite", "other.tflite", "-o", "components")
    host = compiler == "gcc"
    parts = [f"add_subdirectory(components/{name})\n" for name in ("one_other_arena", "one", "other")]
    app = "add_executable(app main.c)\ntarget_link_libraries(app one other)\n" if host else ""
    (folder / "CMakeLists.txt").write_text(IDF + "".join(parts) + app)
    system = () if host else ("-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY")
    build = cmake(folder, f"-DCMAKE_C_COMPILER={compiler}", f"-DCMAKE_C_FLAGS={flags}", *system)
    assert (build / "components" / "one" / "libone.a").is_file()
    if host:
        assert outputs(build / "app") == expected
    manifest = (folder / "components" / "one" / "idf_component.yml").read_text()
    assert re.search(r'^version: "\d+\.\d+\.\d+"$', manifest, re.MULTILINE)
    assert re.search(r'^license: "0BSD"$', manifest, re.MULTILINE)
    assert re.search(r'^dependencies:\n  idf: ">=\d+\.\d+"$', manifest, re.MULTILINE)


ZEPHYR = """cmake_minimum_required(VERSION 3.20)
project(app C)
add_library(zephyr_interface INTERFACE)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
  target_link_libraries(${name} PUBLIC zephyr_interface)
endmacro()
macro(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
macro(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
"""


@needs_cmake
def test_zephyr(folder: Path, expected: str) -> None:
    generate(folder, "zephyr", "one.tflite", "-o", "module")
    module = (folder / "module" / "zephyr" / "module.yml").read_text()
    # the schema of scripts/zephyr_module.py: a name, and folders or files below the module
    assert re.fullmatch(r"name: one\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n", module)
    assert "config TINYGEN_ONE\n\tbool " in (folder / "module" / "zephyr" / "Kconfig").read_text()
    app = "add_executable(app main.c)\ntarget_link_libraries(app one)\n"
    for switch in (
        "set(CONFIG_TINYGEN_ONE y)\nadd_subdirectory(module/zephyr)\n" + app,
        "add_subdirectory(module/zephyr)\n",
    ):
        (folder / "CMakeLists.txt").write_text(ZEPHYR + switch)
        shutil.rmtree(folder / "build", ignore_errors=True)
        build = cmake(folder)
        assert (build / "app").exists() == ("CONFIG_" in switch)
        if "CONFIG_" in switch:
            assert outputs(build / "app") == expected


def test_arduino_zip(folder: Path) -> None:
    """As the library specification has it; the same to the byte every time."""
    generate(folder, "arduino", "one.tflite")
    first = (folder / "one.zip").read_bytes()
    generate(folder, "arduino", "one.tflite")
    assert (folder / "one.zip").read_bytes() == first
    with zipfile.ZipFile(folder / "one.zip") as archive:
        names = archive.namelist()
        properties = dict(line.split("=", 1) for line in archive.read("one/library.properties").decode().splitlines())
    assert {name.split("/")[0] for name in names} == {"one"}
    assert {"one/src/one.c", "one/src/one.h", "one/examples/one_example/one_example.ino"} <= set(names)
    required = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
    assert all(properties[key] for key in required)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]*", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] in CATEGORIES
    assert (properties["includes"], properties["architectures"]) == ("one.h", "*")
    (folder / "taken").mkdir()
    assert "is a folder" in tinygen("generate", "--format", "arduino", "one.tflite", "-o", "taken", cwd=folder).error()


@pytest.mark.skipif(not AVR_CORE.is_dir(), reason="arduino-core-avr is not installed (make test installs it)")
def test_the_zip_becomes_a_sketch_for_the_uno(folder: Path) -> None:
    """What arduino-cli does: core, library and sketch, compiled with the flags of platform.txt, and linked."""
    generate(folder, "arduino", "one.tflite")
    with zipfile.ZipFile(folder / "one.zip") as archive:
        archive.extractall(folder / "libraries")
    library = folder / "libraries" / "one"
    sketch = folder / "sketch.cpp"
    sketch.write_text("#include <Arduino.h>\n" + (library / "examples/one_example/one_example.ino").read_text())
    core = AVR_CORE / "cores" / "arduino"
    includes = (f"-I{core}", f"-I{AVR_CORE / 'variants' / 'standard'}", f"-I{library / 'src'}")
    common = ("-Os", "-w", "-ffunction-sections", "-fdata-sections", "-mmcu=atmega328p", "-DF_CPU=16000000L")
    board = ("-DARDUINO=10819", "-DARDUINO_AVR_UNO", "-DARDUINO_ARCH_AVR", "-DDECIMAL_DIG=__DECIMAL_DIG__")
    cpp = ("-std=gnu++11", "-fpermissive", "-fno-exceptions", "-fno-threadsafe-statics")
    objects = []
    wanted = ("HardwareSerial", "Print", "WString", "abi", "hooks", "main", "new", "wiring")
    sources = [path for path in core.iterdir() if path.suffix in (".c", ".cpp") and path.stem.startswith(wanted)]
    for source in (*sources, *(library / "src").glob("*.c"), sketch):
        objects.append(folder / f"{source.name}.o")
        compiler = ("avr-g++", *cpp) if source.suffix == ".cpp" else ("avr-gcc", "-std=gnu11")
        run_tool([*compiler, *common, *board, *includes, "-c", source, "-o", objects[-1]])
    run_tool(["avr-gcc", *common, "-Wl,--gc-sections", *objects, "-o", folder / "sketch.elf", "-lm"])
    sections = run_tool(["avr-size", "-A", folder / "sketch.elf"]).decode()
    sizes = {name: int(n) for name, n in re.findall(r"^(\.\w+)\s+(\d+)", sections, re.MULTILINE)}
    assert 1000 < sizes[".text"] + sizes[".data"] < 32256
    assert sizes[".data"] + sizes[".bss"] < 2048
    symbols = run_tool(["avr-nm", folder / "sketch.elf"]).decode()
    assert " one_invoke" in symbols or "one_" in symbols


def test_what_is_no_library_is_left_alone(folder: Path) -> None:
    for format_ in ("plain", "cmake"):
        (folder / "mine").mkdir(exist_ok=True)
        (folder / "mine" / "notes.txt").write_text("important")
        refused = tinygen("generate", "--format", format_, "one.tflite", "-o", "mine", cwd=folder)
        assert "not empty" in refused.error()
    generate(folder, "plain", "one.tflite", "-o", "c")
    generate(folder, "cmake", "one.tflite", "-o", "c")
    assert not (folder / "c" / "one.h").exists()
