"""The templates: Jinja2 with autoescape, and an error for a name that is not there. Read next: `pages`."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

_environment = Environment(
    loader=PackageLoader("web"), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def template(name: str) -> Template:
    """A template by its file's name."""
    return _environment.get_template(name)
