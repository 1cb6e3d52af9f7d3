"""The form of the model in plain English: headings, paragraphs and items of about 100 columns, in Markdown."""

from __future__ import annotations

import textwrap

__all__ = ["heading", "item", "spelled", "wrapped"]

_WIDTH = 100


def heading(text: str, level: int) -> str:
    """A heading; level 1 is the title."""
    return f"{'#' * level} {text}"


def wrapped(text: str) -> str:
    """A paragraph, broken into lines between words only."""
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def item(text: str, mark: str = "-") -> str:
    """An item of a list, indented behind its mark."""
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=f"{mark} ",
        subsequent_indent=" " * (len(mark) + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )


def spelled(name: str) -> str:
    """A name of the catalogue as it stands in a sentence."""
    return name.replace("_", "-")
