"""Interventions as a person would say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["in_words"]


def in_words(item: Mapping[str, Any]) -> str:
    """One intervention in a few words, as in "medium with 1 nM IL6 until 24 h"."""
    when = f" from {item['start']}" if item.get("start") else ""
    when += f" until {item['stop']}" if item.get("stop") else ""
    return _what(item) + when


def _what(item: Mapping[str, Any]) -> str:
    which = item.get("cells")
    cells = "" if not which else f" in {', '.join(which) if isinstance(which, list | tuple) else which}"
    share = f" by {item['fraction']}" if "fraction" in item else ""
    match item.get("do"):
        case "hold":
            gradient = f" rising or falling to {item['to']} along {item.get('axis', 'x')}" if "to" in item else ""
            return f"medium with {item.get('level')} {item.get('molecule')}{gradient}"
        case "inhibit":
            return f"{item.get('pathway')} inhibited{share}{cells}"
        case "fix":
            return f"{item.get('behavior')} held at {item.get('value')}{cells}"
        case "add":
            return _cells(item)
        case "block":
            return f"{item.get('receptor')} blocked{share}{cells}"
        case "neutralize":
            return f"{item.get('molecule')} neutralized{share}"
        case "dose":
            return f"{item.get('molecule')} given by {item.get('route')} at {item.get('rate', item.get('level'))}"
        case "knock out":
            return f"no {item.get('product')}{cells}"
        case "deplete":
            return f"{cells.removeprefix(' in ')} depleted at {item.get('rate')}"
        case "infuse":
            return f"{item.get('count')} {item.get('cell')} into the blood"
        case "set trait":
            return f"{item.get('trait')} = {item.get('value')}"
    return str(dict(item))


def _cells(item: Mapping[str, Any]) -> str:
    number = item.get("count", item.get("density"))
    where = "".join(f", {axis} {item[axis][0]} to {item[axis][1]}" for axis in "xyz" if axis in item)
    states = ("activation", "exhaustion", "polarization")
    state = "".join(f", {name} {item[name]}" for name in states if name in item)
    return f"{number} {item.get('cell')}{where}{state}"
