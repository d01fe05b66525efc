"""Names, labels and comments from untrusted text, and float constants, as a C compiler reads them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.c_build import SHA256, STRICT, plan_of, run_tool
from tests.support.models import small_model
from tinygen.load.tflite import parse_tflite
from tinygen.render.constants import c_float
from tinygen.render.model import library_files
from tinygen.render.names import c_name, comment, string_body

# what an application includes beside the model; a model's header must not stand in for one of these
_SYSTEM = (
    *("assert", "ctype", "errno", "features", "float", "inttypes", "limits", "locale", "math", "setjmp", "signal"),
    *("stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "time", "wchar"),
)
_ODD = (
    *("tg_kernel", "tg_dot", "tg_fixedpoint", "fully_connected_s8", "main", "int", "int8", "null", "NULL", "EOF"),
    *("arena", "layer0", "input", "output", "invoke", "model", "My Model-2", "7", "ünï", "binary", "stream"),
)
TEXT = st.text(st.characters(codec=None), max_size=60)  # every code point, surrogates too


@given(TEXT)
@example("")
@example("3d")
@example("İ")
@example("__")
@example("../../etc/passwd")
@example("x" * 500)
@example("x" * 47 + "_y")
def test_c_name_is_an_identifier(text: str) -> None:
    name = c_name(text)
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,47}", name)
    assert c_name(name) == name


@given(TEXT)
@example("*/ int x; /*")
@example("// a\\\nb")
@example("??/")
def test_comment_is_harmless(text: str) -> None:
    safe = comment(text)
    assert re.fullmatch(r"[ -~]*", safe)
    assert not re.search(r"\*/|/\*|//|\\|\?\?|\n", safe)
    assert len(safe) <= 120


_NASTY = [
    "",
    '"',
    "\\",
    '\\"',
    "??/",
    "%s%n",
    "\0",
    "a\0b",
    "\n",
    "\r",
    "\t",
    "ÿ7",
    "é",
    "\x7f",
    "\u2028",
    "*/",
    "//",
    "'",
    "\ud800",
]


@settings(max_examples=10)
@given(st.lists(TEXT, min_size=50, max_size=200))
@example(_NASTY)
@example([chr(i) + "7f" for i in range(256)])
def test_string_body_compiles_to_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("strings")
    literals = "\n".join(f'    {{sizeof("{string_body(t)}") - 1, "{string_body(t)}"}},' for t in texts)
    (folder / "main.c").write_text(
        f"""#include <stdio.h>
        static const struct {{ size_t size; const char *text; }} all[] = {{\n{literals}\n}};
        int main(void) {{
          for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {{
            printf("%zu ", all[i].size);
            fwrite(all[i].text, 1, all[i].size, stdout);
          }}
          return 0;
        }}
        """
    )
    run_tool(["gcc", *STRICT, "-pedantic", "-trigraphs", folder / "main.c", "-o", folder / "main"])
    encoded = [text.encode(errors="replace") for text in texts]
    assert run_tool([folder / "main"]) == b"".join(b"%d %b" % (len(b), b) for b in encoded)


@pytest.mark.parametrize("stem", [*_SYSTEM, *_ODD])
def test_model_of_any_name_compiles(stem: str, tmp_path: Path) -> None:
    """In an application that sees the library's folder first, as PlatformIO has it, and the system's headers."""
    name = c_name(stem)
    files = library_files(plan_of(parse_tflite(small_model(), name, stem)), SHA256, ("a", 'b"', "\n"))
    for path, content in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    includes = "\n".join(f"#include <{header}.h>" for header in _SYSTEM)
    main = tmp_path / "main.c"
    main.write_text(
        f"""{includes}
        #include "{name}.h"
        int main(void) {{
          size_t given = strlen({name}_labels[{name.upper()}_LABEL_COUNT - 2]);
          {name}_invoke();
          printf("%d\\n", (int)given + (int)lround(fabs(1.5)));
          return {name}_output(0) == NULL;
        }}
        """
    )
    src = tmp_path / "src"
    run_tool(["gcc", *STRICT, f"-I{src}", main, src / f"{name}.c", "-lm", "-o", tmp_path / "main"])
    assert run_tool([tmp_path / "main"]) == b"4\n"


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(FLOATS)
@example(0.0)
@example(1.0)
@example(1e10)
@example(float(np.float32(1e-45)))
@example(float(np.finfo(np.float32).max))
def test_c_float_reads_back(value: float) -> None:
    text = c_float(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?f", text)
    assert "." in text or "e" in text  # else it is an int with a suffix that C does not know
    assert np.float32(text[:-1]) == np.float32(value)


def test_c_float_compiles_to_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    values = rng.integers(0, 1 << 32, 3000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values = np.concatenate([values[np.isfinite(values)], np.array([0, 1, 3, 1e10, 1e-45, 0.1, 1 / 256], np.float32)])
    body = ",\n".join(c_float(float(v)) for v in values)
    main = tmp_path / "main.c"
    main.write_text(
        f"#include <stdio.h>\nstatic const float all[] = {{\n{body}\n}};\n"
        "int main(void) { return fwrite(all, sizeof all, 1, stdout) != 1; }\n"
    )
    run_tool(["gcc", *STRICT, main, "-o", tmp_path / "main"])
    assert run_tool([tmp_path / "main"]) == values.astype("<f4").tobytes()
