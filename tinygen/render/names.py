"""Names and texts from models and data files, made safe for C. They are untrusted."""

from __future__ import annotations

import re

# a model named like a standard header would hide it: `#include <string.h>` would find string.h of the model
_HEADERS = """arduino assert ctype errno float inttypes limits locale main math setjmp signal stdarg stdbool
stddef stdint stdio stdlib string time wchar test tester tg tinygen"""
_TAKEN = frozenset(_HEADERS.split())


def c_name(text: str) -> str:
    """A lower-case C identifier for a model, from its file's stem: `My Model-2` becomes `my_model_2`."""
    name = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", text.lower())).strip("_")
    if not name or name[0].isdigit() or name in _TAKEN or len(name) == 1:
        name = f"model_{name}".rstrip("_")
    return name[:48]


def comment(text: str) -> str:
    """The text as it may stand in a C comment: no end of comment, no line end, nothing exotic."""
    return re.sub(r"[^A-Za-z0-9_./:;,()\[\]=+ -]", "_", text).replace("//", "/_")[:120]


def string_body(text: str) -> str:
    """The text between the quotes of a C string literal, other bytes than plain ASCII as octal escapes."""
    safe = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-+.,:;/()[]{}<>=!#$%&*@^|~'`")
    return "".join(chr(b) if b in safe else f"\\{b:03o}" for b in text.encode())
