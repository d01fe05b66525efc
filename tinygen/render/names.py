"""Names and texts from models and data files, made safe for C. They are untrusted."""

from __future__ import annotations

import re

# a model named like a standard header would hide it: `#include <string.h>` would find string.h of the model
# (on some disks `stream.h` is Arduino's Stream.h, too)
_HEADERS = """alloca arduino assert binary client complex ctype errno features fenv float inttypes iso646 limits
locale main malloc math memory new newlib picolibc print printable reent sched server setjmp signal spi stdalign
stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn stream string strings test tester tg tgmath threads
time tinygen uchar udp unistd wchar wctype wire wiring"""
_TAKEN = frozenset(_HEADERS.split())


def c_name(text: str) -> str:
    """A lower-case C identifier for a model, from its file's stem: `My Model-2` becomes `my_model_2`."""
    name = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", text.lower())).strip("_")
    if not name or name[0].isdigit() or name in _TAKEN or name.startswith("tg_") or len(name) == 1:
        name = f"model_{name}".rstrip("_")
    return name[:48].rstrip("_")


def comment(text: str) -> str:
    """The text as it may stand in a C comment: no end of comment, no line end, nothing exotic."""
    return re.sub(r"[^A-Za-z0-9_./:;,()\[\]=+ -]", "_", text).replace("//", "/_")[:120]


def string_body(text: str) -> str:
    """The text between the quotes of a C string literal, other bytes than plain ASCII as octal escapes."""
    safe = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-+.,:;/()[]{}<>=!#$%&*@^|~'`")
    return "".join(chr(b) if b in safe else f"\\{b:03o}" for b in text.encode(errors="replace"))
