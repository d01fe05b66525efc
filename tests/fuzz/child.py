"""Takes files from stdin and says what became of them; process.py starts it, with little memory.

Asked with a deadline (seconds of processor time), a length (4 bytes each, little-endian) and the file; answers with
one line of JSON: `outcome` is "plan", "error" (then `text` is the user's), or "bug" (then it is a traceback);
`seconds` of the work. At the deadline the process ends by SIGPROF.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import time
import traceback

LIMIT_BYTES = 2 << 30


def compile_bytes(content: bytes) -> None:
    """The whole way from a file's bytes to the text of the C library."""
    from tinygen.kernels import build_program
    from tinygen.load.tflite import parse_tflite
    from tinygen.passes import run_passes
    from tinygen.plan import make_plan
    from tinygen.render.model import library_files
    from tinygen.verify import verify

    graph = parse_tflite(content, "fuzzed", "fuzzed.tflite")
    library_files(make_plan(build_program(run_passes(verify(graph)))), hashlib.sha256(content).hexdigest())


def outcome(content: bytes) -> tuple[str, str]:
    from tinygen.errors import TinygenError

    try:
        compile_bytes(content)
    except TinygenError as error:
        hidden = isinstance(error.__cause__, (MemoryError, RecursionError))  # that is no answer
        bad_text = not str(error) or "\n" in str(error) or "\n" in error.hint
        return ("bug" if hidden or bad_text else "error"), f"{error!r}"
    except BaseException:
        return "bug", traceback.format_exc()
    return "plan", ""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    while len(head := sys.stdin.buffer.read(8)) == 8:
        deadline, size = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
        content = sys.stdin.buffer.read(size)
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, deadline)  # the end of this process, if nothing answers before
        kind, text = outcome(content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(
            json.dumps({"outcome": kind, "text": text, "seconds": time.process_time() - started}),
            file=answers,
            flush=True,
        )


if __name__ == "__main__":
    main()
