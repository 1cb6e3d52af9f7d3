"""How a template becomes a page: in HTML all text is escaped, and a name that is missing is an error, not a blank."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .numbers import in_days, join, plural

__all__ = ["data_address", "page"]


def page(template: str, content: Mapping[str, Any], filters: Mapping[str, Any] | None = None) -> str:
    """The text of a template of the reports.

    Templates may use `plural`, `join` and `in_days`, and the filters `data` and `one_line`.
    """
    environment = Environment(
        loader=PackageLoader("tme_abm.report", ""),
        autoescape=lambda name: name is None or not name.endswith(".md.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({"data": data_address, "one_line": _one_line, **(filters or {})})
    environment.globals.update(plural=plural, join=join, in_days=in_days)
    return environment.get_template(template).render(content)


def _one_line(text: str) -> str:
    """A block of a template as one line; what it holds was escaped before."""
    line = " ".join(text.split())
    return Markup(line) if isinstance(text, Markup) else line


def data_address(content: bytes) -> str:
    """A picture as an address that holds it (data:…;base64,…)."""
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/svg+xml"
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
