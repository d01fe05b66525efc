"""A Plan becomes files: `Files` maps relative paths to their content. Nothing is decided here, only written."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinygen import resources

Files = dict[str, bytes]

ENVIRONMENT = Environment(
    loader=FileSystemLoader(resources.TEMPLATES),
    undefined=StrictUndefined,
    # in C and ini files names are made safe by render/names.py
    autoescape=lambda template: template is not None and template.endswith((".html.j2", ".svg.j2")),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **context: object) -> bytes:
    """A template of templates/, as UTF-8 with \\n line ends."""
    return ENVIRONMENT.get_template(template).render(**context).encode()
