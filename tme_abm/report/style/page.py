"""How a template becomes a page: in HTML all text is escaped, and a name that is missing is an error, not a blank."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .numbers import join, plural

__all__ = ["data_address", "page"]


def page(template: str, content: Mapping[str, Any], filters: Mapping[str, Any] | None = None) -> str:
    """The text of a template of the reports; templates may use `plural`, `join` and the filter `data`."""
    environment = Environment(
        loader=PackageLoader("tme_abm.report", ""),
        autoescape=lambda name: name is None or not name.endswith(".md.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({"data": data_address, **(filters or {})})
    environment.globals.update(plural=plural, join=join)
    return environment.get_template(template).render(content)


def data_address(content: bytes) -> str:
    """A picture as an address that holds it (data:…;base64,…)."""
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/svg+xml"
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
