"""The biology of the tumor microenvironment: the catalogue as it is edited, and compiled for arrays."""

from __future__ import annotations

from .catalogue import Catalogue
from .compiled import Biology, compile
from .grammar import BEHAVIORS, FAMILIES, Signal
from .loader import changed, load_catalogue, read_pack
from .schema import Pack

__all__ = [
    "BEHAVIORS",
    "FAMILIES",
    "Biology",
    "Catalogue",
    "Pack",
    "Signal",
    "changed",
    "compile",
    "load_catalogue",
    "read_pack",
]
