"""What the child process may take of the machine: whoever made the model file need not be trusted.

Place in the flow: worker.py calls `limit_memory` before it reads anything; worker_client.py keeps a Watchdog.
"""

from __future__ import annotations

import os
import subprocess
import threading

SILENCE_SECONDS = 1800.0
_SHARE_OF_MEMORY = 0.75


def limit_memory() -> None:
    """Let this process fail rather than the whole machine: three quarters of its memory, where the system can."""
    try:
        import resource

        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        share = int(total * _SHARE_OF_MEMORY)
        if most == resource.RLIM_INFINITY or share < most:
            resource.setrlimit(resource.RLIMIT_DATA, (share, most))
    except (ImportError, ValueError, OSError):
        pass  # not POSIX, or it says nothing of its memory


class Watchdog:
    """Ends a child that says nothing for `seconds`; a healthy one reports every stage and counts its samples.

    `start()` begins the time anew; `expired` says whether it ended the child.
    """

    def __init__(self, child: subprocess.Popen[str], seconds: float) -> None:
        self._child, self._seconds = child, seconds
        self._timer: threading.Timer | None = None
        self.expired = False

    def start(self) -> None:
        self.stop()
        self._timer = threading.Timer(self._seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        self._child.kill()
