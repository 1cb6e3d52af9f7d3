"""How a template becomes a page: all text is escaped, and a name that is missing is an error, not a blank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

__all__ = ["page"]


def page(template: str, content: Mapping[str, Any], filters: Mapping[str, Any] | None = None) -> str:
    """HTML text of a template of this package."""
    environment = Environment(
        loader=PackageLoader("tme_abm.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters or {})
    return environment.get_template(template).render(content)
