"""PlatformIO's core directory: what is installed in the user's, and one of our own that needs no network.

PlatformIO runs SCons through a package of its own, tool-scons, which it would download. SCons itself is on PyPI
and installed beside tinygen, so our core directory gets a stand-in: a manifest, a link to that SCons, a script.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from tinygen.boards import EMULATED_PLATFORM_DIR
from tinygen.errors import TinygenError

_START_SCONS = "import SCons.Script\n\nSCons.Script.main()\n"
# the user's own places for packages must not be searched, and not be written to
_REDIRECTIONS = ("PLATFORMIO_PACKAGES_DIR", "PLATFORMIO_PLATFORMS_DIR", "PLATFORMIO_CACHE_DIR")


def registry_hosts() -> tuple[str, ...]:
    """The hosts that PlatformIO would ask for packages."""
    from platformio import __registry_mirror_hosts__

    return tuple(f"api.{host}" for host in __registry_mirror_hosts__)


def installed_platforms(project_dir: Path) -> frozenset[str]:
    """The platforms that a project finds installed, as name@version; TinygenError when its ini cannot be read."""
    from platformio.project.config import ProjectConfig
    from platformio.project.exception import ProjectError

    try:
        folder = Path(ProjectConfig(str(project_dir / "platformio.ini")).get("platformio", "platforms_dir"))
    except ProjectError as error:
        raise TinygenError(f"PlatformIO cannot read the project: {error}", "correct platformio.ini") from error
    found = set()
    for manifest in folder.glob("*/platform.json"):
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            found.add(f"{content['name']}@{content['version']}")
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a broken one is as good as none
    return frozenset(found)


def platforms_dir() -> Path:
    """Where PlatformIO has installed platforms for the user."""
    from platformio.project.config import ProjectConfig

    return Path(ProjectConfig(None).get("platformio", "platforms_dir"))


def toolchain_folders() -> tuple[Path, ...]:
    """Where the compilers lie that PlatformIO has installed for the user."""
    from platformio.project.config import ProjectConfig

    packages = Path(ProjectConfig(None).get("platformio", "packages_dir"))
    return tuple(sorted(packages.glob("toolchain-*/bin")))


def cache_dir() -> Path:
    """Where tinygen may keep what it can make again: $TINYGEN_CACHE_DIR, or `tinygen` in the user's cache."""
    chosen = os.environ.get("TINYGEN_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinygen"


def offline_environment() -> dict[str, str]:
    """The environment variables of a PlatformIO that asks no network for anything.

    Raises TinygenError when the core directory cannot be made.
    """
    try:
        core = _prepare()
    except OSError as error:
        raise TinygenError(
            f"cannot write {cache_dir()}: {error.strerror}", "free some space, or set TINYGEN_CACHE_DIR"
        ) from error
    kept = {name: value for name, value in os.environ.items() if name not in _REDIRECTIONS}
    return {
        **kept,
        "PLATFORMIO_CORE_DIR": str(core),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "false",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "36500",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_NO_ANSI": "true",
    }


def _prepare() -> Path:
    """Our core directory, made if it is not there. Its name has in it all that it depends on."""
    import platformio
    from platformio.dependencies import get_core_dependencies

    spec = importlib.util.find_spec("SCons")
    if spec is None or spec.origin is None:
        raise TinygenError("SCons is not installed, and PlatformIO needs it", "pip install scons")
    scons = Path(spec.origin).parent
    version = re.sub(r"[^0-9.]", "", get_core_dependencies()["tool-scons"])
    key = "\n".join((platformio.__version__, version, str(scons), str(EMULATED_PLATFORM_DIR)))
    core = cache_dir().resolve() / f"platformio-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if not (core / "packages" / "tool-scons" / "scons.py").is_file():
        core.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=core.parent))
        try:
            _write_scons(staging / "packages" / "tool-scons", version, scons)
            _put_in_place(staging, core)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return core


def _write_scons(folder: Path, version: str, scons: Path) -> None:
    folder.mkdir(parents=True)
    (folder.parent.parent / "platforms").mkdir()
    manifest = {"name": "tool-scons", "version": version, "description": "the SCons that pip installed"}
    origin = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
    record = {"type": "tool", "name": "tool-scons", "version": version, "spec": origin}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / ".piopm").write_text(json.dumps(record))
    (folder / ".piokeep").write_text("")  # PlatformIO prunes packages that it takes for unnecessary
    try:
        (folder / "SCons").symlink_to(scons, target_is_directory=True)
    except (OSError, NotImplementedError):  # Windows without the right to make links
        shutil.copytree(scons, folder / "SCons")
    (folder / "scons.py").write_text(_START_SCONS)


def _put_in_place(staging: Path, core: Path) -> None:
    """Rename, unless another process was faster; a folder that is there but incomplete makes way."""
    try:
        staging.rename(core)
    except OSError:
        if (core / "packages" / "tool-scons" / "scons.py").is_file():
            return
        shutil.rmtree(core, ignore_errors=True)
        staging.rename(core)
