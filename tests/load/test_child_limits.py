"""The child may not take the whole machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts mapped memory in RLIMIT_DATA")
def test_memory_is_limited() -> None:
    """Asking for all of the machine's memory fails at once; a tenth of it is there."""
    code = (
        "import os, numpy; from tinygen.load.child_limits import limit_memory; limit_memory()\n"
        "total = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')\n"
        "numpy.empty(total // 10, numpy.uint8)\n"
        "try: numpy.empty(total, numpy.uint8)\n"
        "except MemoryError: print('limited')"
    )
    environment = os.environ | {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.stdout.strip(), done.stderr) == ("limited", "")
