"""What can go wrong when PlatformIO runs: one clear error each, and soon."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.firmware.conftest import MakeProject
from tinygen import platformio
from tinygen.boards import get_board
from tinygen.errors import TinygenError
from tinygen.platformio import DoesNotFit, build_firmware, platform_spec, upload
from tinygen.platformio_core import cache_dir, offline_environment

HOST, ESP32, QEMU = get_board("host"), get_board("esp32"), get_board("qemu-stm32f405")
EMPTY_MAIN = "int main(void) { return 0; }\n"


@pytest.fixture
def core_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's PlatformIO that has nothing installed."""
    folder = tmp_path / "core"
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(folder))
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No registry, whatever network this machine has: connecting to it takes forever."""
    monkeypatch.setattr(platformio, "_connects", lambda address: bool(time.sleep(30)))
    monkeypatch.setattr(platformio.urllib.request, "getproxies", dict)


def install_platform(core_dir: Path, packages: dict[str, object]) -> None:
    """A stand-in for espressif32@6.13.0 with the packages that it asks for."""
    folder = core_dir / "platforms" / "espressif32"
    (folder / "boards").mkdir(parents=True)
    manifest = {"name": "espressif32", "version": "6.13.0", "title": "x", "description": "x"}
    frameworks = {"arduino": {"script": "builder/arduino.py"}}
    (folder / "platform.json").write_text(json.dumps({**manifest, "frameworks": frameworks, "packages": packages}))
    board = {"name": "x", "vendor": "x", "url": "x", "build": {"mcu": "esp32"}, "frameworks": ["arduino"]}
    board["upload"] = {"maximum_size": 1, "maximum_ram_size": 1}
    (folder / "boards" / "esp32dev.json").write_text(json.dumps(board))


def test_what_stands_in_the_ini() -> None:
    assert platform_spec(ESP32) == "espressif32@6.13.0"
    assert platform_spec(QEMU).startswith("symlink:///")


@pytest.mark.usefixtures("offline")
def test_a_platform_that_cannot_be_downloaded(core_dir: Path, make_project: MakeProject) -> None:
    project = make_project(ESP32)
    start = time.monotonic()
    with pytest.raises(TinygenError, match=r"download the platform espressif32@6\.13\.0 .* cannot be reached") as e:
        build_firmware(project, ESP32.name, ESP32)
    assert time.monotonic() - start < 5
    assert str(project) in str(e.value)
    assert "registry." not in str(e.value)


def test_the_same_with_the_network_of_this_machine_cut_off(core_dir: Path, make_project: MakeProject) -> None:
    """In a network namespace of its own, where there is nothing at all."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0:
        pytest.skip("unshare -n is not permitted here")
    project = make_project(ESP32)
    code = (
        "from pathlib import Path; from tinygen.boards import get_board; from tinygen.platformio import *\n"
        f"build_firmware(Path({str(project)!r}), 'esp32', get_board('esp32'))"
    )
    start = time.monotonic()
    done = subprocess.run(["unshare", "-rn", sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert time.monotonic() - start < 5
    assert "cannot be reached" in done.stderr


def test_an_emulated_board_needs_no_network(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0:
        pytest.skip("unshare -n is not permitted here")
    monkeypatch.setenv("TINYGEN_CACHE_DIR", str(tmp_path / "fresh"))
    project = make_project(QEMU, EMPTY_MAIN)
    code = (
        "from pathlib import Path; from tinygen.boards import get_board; from tinygen.platformio import *\n"
        f"print(build_firmware(Path({str(project)!r}), {QEMU.name!r}, get_board({QEMU.name!r})).elf)"
    )
    subprocess.run(["unshare", "-rn", sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.usefixtures("offline")
def test_a_platform_whose_compiler_cannot_be_downloaded(core_dir: Path, make_project: MakeProject) -> None:
    """PlatformIO would try for a minute; it is ended when it announces the download."""
    install_platform(core_dir, {"toolchain-xtensa-esp32": {"type": "toolchain", "version": "8.4.0"}})
    start = time.monotonic()
    lines: list[str] = []
    with pytest.raises(TinygenError, match=r"download \S*toolchain-xtensa-esp32 .* cannot be reached"):
        build_firmware(make_project(ESP32), ESP32.name, ESP32, lines.append)
    assert time.monotonic() - start < 6
    assert any("Installing" in line for line in lines)


@pytest.mark.usefixtures("offline")
def test_another_version_is_not_the_platform(core_dir: Path, make_project: MakeProject) -> None:
    install_platform(core_dir, {})
    manifest = core_dir / "platforms" / "espressif32" / "platform.json"
    manifest.write_text(manifest.read_text().replace("6.13.0", "6.12.0"))
    with pytest.raises(TinygenError, match="cannot be reached"):
        build_firmware(make_project(ESP32), ESP32.name, ESP32)


def test_a_proxy_is_asked_instead_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    monkeypatch.setattr(platformio, "_connects", lambda address: asked.append(address) is None)
    assert platformio._reachable()
    assert asked == [("proxy.example", 3128)]


def test_a_missing_compiler_names_its_packages(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TinygenError, match="arm-none-eabi-gcc is not installed") as e:
        build_firmware(make_project(QEMU), QEMU.name, QEMU)
    assert "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi" in e.value.hint


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("int main(void) { return oops; }\n", r"src/main\.c:1:\d+: error: .oops. undeclared"),
        ("#include <missing.h>\n", r"src/main\.c:1:\d+: fatal error: missing\.h"),
        ("void gone(void);\nint main(void) { gone(); return 0; }\n", r"undefined reference to .gone."),
    ],
)
def test_code_that_does_not_compile_shows_its_first_error(make_project: MakeProject, source: str, said: str) -> None:
    with pytest.raises(TinygenError, match=said) as e:
        build_firmware(make_project(HOST, source), HOST.name, HOST)
    assert "\n" not in str(e.value)
    assert "pio run -d" in e.value.hint
    assert not isinstance(e.value, DoesNotFit)


def test_a_compiler_that_speaks_another_language_is_understood(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with pytest.raises(TinygenError, match="error: "):
        build_firmware(make_project(HOST, "int main(void) { return oops; }\n"), HOST.name, HOST)


def test_flash_overflow(make_project: MakeProject) -> None:
    source = "const char big[2000000] = {1};\nvolatile int i;\nint main(void) { return big[i]; }\n"
    with pytest.raises(DoesNotFit) as e:
        build_firmware(make_project(QEMU, source), QEMU.name, QEMU)
    ((region, excess),) = e.value.overflow
    assert region == "FLASH"
    assert 2_000_000 - 1024 * 1024 < excess < 2_010_000 - 1024 * 1024


def test_ram_that_only_platformio_notices(monkeypatch: pytest.MonkeyPatch, make_project: MakeProject) -> None:
    """An AVR's linker lets .bss grow beyond the RAM, PlatformIO warns, and the build "succeeds"."""
    said = ("Warning! The data size (2500 bytes) is greater than maximum allowed (2048 bytes)",)
    monkeypatch.setattr(platformio, "_stream", lambda *args: (said, 0))
    with pytest.raises(DoesNotFit, match="452 bytes too many for RAM"):
        build_firmware(make_project(HOST), HOST.name, HOST)


@pytest.mark.parametrize(
    "line",
    [
        "/usr/bin/ld: final link failed: No space left on device",
        "fatal error: error writing to /tmp/x.s: No space left on device",
        "OSError: [Errno 28] No space left on device",
    ],
)
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, make_project: MakeProject, line: str) -> None:
    monkeypatch.setattr(platformio, "_stream", lambda *args: (("Compiling x", line), 1))
    with pytest.raises(TinygenError, match="the disk is full") as e:
        build_firmware(make_project(HOST), HOST.name, HOST)
    assert "space" in e.value.hint


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(TinygenError, match="is no PlatformIO project"):
        build_firmware(tmp_path, HOST.name, HOST)
    with pytest.raises(TinygenError, match="is no PlatformIO project"):
        upload(tmp_path / "gone", HOST.name, HOST, None)


def test_an_ini_that_platformio_refuses(make_project: MakeProject) -> None:
    project = make_project(HOST, EMPTY_MAIN)
    (project / "platformio.ini").write_text("[env:host]\nplatform = " + platform_spec(HOST) + "\nboard = no_such\n")
    with pytest.raises(TinygenError, match="no_such"):
        build_firmware(project, HOST.name, HOST)
    with pytest.raises(TinygenError, match="other"):
        build_firmware(project, "other", HOST)


@pytest.mark.usefixtures("core_dir")
def test_an_ini_that_cannot_be_read_is_no_traceback(make_project: MakeProject) -> None:
    project = make_project(ESP32)
    (project / "platformio.ini").write_text("this is no ini file\n")
    with pytest.raises(TinygenError):
        build_firmware(project, ESP32.name, ESP32)


def test_a_cache_that_cannot_be_written(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGEN_CACHE_DIR", "/dev/null/tinygen")
    with pytest.raises(TinygenError, match="cannot write /dev/null/tinygen"):
        build_firmware(make_project(HOST), HOST.name, HOST)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYGEN_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    assert cache_dir() == Path("/x/cache/tinygen")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "tinygen"


def test_a_half_made_core_directory_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TINYGEN_CACHE_DIR", str(tmp_path))
    core = Path(offline_environment()["PLATFORMIO_CORE_DIR"])
    script = core / "packages" / "tool-scons" / "scons.py"
    script.unlink()
    assert Path(offline_environment()["PLATFORMIO_CORE_DIR"]) == core
    assert script.is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [core.name]  # nothing half-written stays


def test_two_builds_at_once_on_a_fresh_cache(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGEN_CACHE_DIR", str(tmp_path / "fresh"))
    first = make_project(HOST, EMPTY_MAIN)
    second = Path(shutil.copytree(first, tmp_path / "second"))
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda folder: build_firmware(folder, HOST.name, HOST), (first, second)):
            assert result.elf.is_file()


def test_the_users_own_core_directory_is_left_alone(make_project: MakeProject, core_dir: Path) -> None:
    build_firmware(make_project(HOST, EMPTY_MAIN), HOST.name, HOST)
    assert not core_dir.exists()


def test_platformio_does_not_outlive_an_interruption(make_project: MakeProject) -> None:
    class Stop(Exception):
        pass

    def stop(line: str) -> None:
        raise Stop

    project = make_project(HOST, EMPTY_MAIN)
    with pytest.raises(Stop):
        build_firmware(project, HOST.name, HOST, stop)
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [command for command in commands if str(project).encode() in command]
