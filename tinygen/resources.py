"""Where the files lie that tinygen copies from: templates, kernels, firmware, boards.

In a checkout they are folders beside the package; in an installed wheel they are inside it
(`tinygen/data`, see pyproject.toml).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "data"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

TEMPLATES = ROOT / "templates"
KERNELS = TEMPLATES / "kernels"
FIRMWARE = ROOT / "firmware"
BOARDS = ROOT / "boards"
