"""Units on the way in and on the way out.

Inside the package a number has no unit: lengths are µm, times min, concentrations nM, and so on, one internal unit
per *kind* of quantity (:data:`KINDS`). Texts such as ``"12.6 um^2/s"`` are checked for dimension and converted once,
by :func:`parse`; :func:`show` writes an internal number the way a person would. Counted things (molecules, cells,
hits) are plain numbers, so ``"10 molecules/cell/min"`` is a rate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import InputError, TmeError, nearest

__all__ = ["KINDS", "MINUTES_PER_DAY", "MOLECULES_PER_NM_UM3", "parse", "show", "split"]

MINUTES_PER_DAY = 1440.0
MOLECULES_PER_NM_UM3 = 0.602214076
"""Molecules in 1 µm³ at 1 nM (Avogadro's number × 1e-9 mol/L × 1e-15 L)."""

# Kind of quantity: its unit inside arrays; an example; how `show` writes it: in the first unit in which the number is
# at least this large, else in the last one.
_KINDS: Mapping[str, tuple[str, str, float, tuple[str, ...]]] = MappingProxyType(
    {
        "length": ("um", "15 um", 1.0, ("mm", "um")),
        "area": ("um^2", "1 mm^2", 0.1, ("mm^2", "um^2")),
        "volume": ("um^3", "500 um^3", 0.01, ("mm^3", "um^3")),
        "time": ("min", "10 min", 1.0, ("day", "h", "min", "s")),
        "rate": ("1/min", "0.5 /h", 0.1, ("1/min", "1/h", "1/day")),
        "speed": ("um/min", "4 um/min", 0.1, ("um/min", "um/h")),
        "diffusivity": ("um^2/min", "100 um^2/s", 0.1, ("um^2/s", "um^2/min")),
        "concentration": ("nM", "0.5 nM", 0.1, ("mM", "uM", "nM", "pM", "fM")),
        "production": ("nM/min", "0.01 nM/min", 0.1, ("nM/min", "nM/h", "pM/min", "pM/h")),
        "secretion": ("1/min", "60 molecules/cell/min", 1.0, ("molecules/cell/min", "molecules/cell/h")),
        "clearance": ("um^3/min", "20 um^3/s", 0.1, ("um^3/s", "um^3/min")),
        "areal_density": ("1/um^2", "80 /mm^2", 0.1, ("1/um^2", "1/mm^2")),
        "volume_density": ("1/um^3", "1e4 /mm^3", 0.1, ("1/um^3", "1/mm^3")),
        "mass": ("kDa", "17 kDa", 0.1, ("kDa", "Da")),
        "number": ("", "0.5", 0.0, ("",)),
    }
)
KINDS: Mapping[str, str] = MappingProxyType({kind: unit for kind, (unit, *_) in _KINDS.items()})
"""Kind of quantity -> its unit inside arrays."""

# All known units. Our own list, because reading pint's takes a second, and a name like "furlong" is an error here.
_DEFINITIONS = """
femto- = 1e-15 = f-
pico- = 1e-12 = p-
nano- = 1e-9 = n-
micro- = 1e-6 = µ- = μ- = u-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
deci- = 1e-1 = d-
kilo- = 1e3 = k-
mega- = 1e6 = M-
meter = [length] = m
second = [time] = s = sec
gram = [mass] = g
mole = [substance] = mol
minute = 60 * second = min
hour = 60 * minute = h = hr
day = 24 * hour = d
week = 7 * day
month = 30.4375 * day
year = 365.25 * day
hertz = 1 / second = Hz
liter = 1e-3 * meter ** 3 = L = l
molar = mole / liter = M
dalton = 1.66053906892e-24 * gram = Da
pascal = 1e3 * gram / meter / second ** 2 = Pa
mmHg = 133.322387415 * pascal
molecule = 1
cell = 1
hit = 1
leukocyte = 1
site = 1
vessel = 1
"""
_NUMBER = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_UNIT_TEXT = re.compile(r"[A-Za-zµμÅ0-9²³⁻¹·*/^(). +-]*")


def parse(value: str | float, kind: str, *, file: Path | str | None = None, place: str | None = None) -> float:
    """The number of `value` in the internal unit of `kind`.

    A text holds a number and a unit; for kind ``"number"``, the unit may be absent or percent. Raises InputError, with
    `file` and `place`, if the unit is missing or unknown, has the wrong dimension, or the number is not finite, and
    TmeError if `kind` is unknown.
    """
    if kind not in KINDS:
        guess = nearest(kind, KINDS)
        raise TmeError(f"no kind of quantity '{kind}'" + (f"; did you mean '{guess}'?" if guess else ""))

    def fail(what: str) -> InputError:
        return InputError(what, file=file, place=place)

    example = f"expected {_article(kind)} such as '{_KINDS[kind][1]}'"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise fail(f"{value!r} is not a quantity; {example}")
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        if match is None:
            raise fail(f"'{value}' does not start with a number; {example}")
        number, unit = float(match[1]), match[2]
    else:
        number, unit = _finite_float(value), ""
    if not math.isfinite(number):
        raise fail(f"{value} is not a finite number; {example}")
    if not unit:
        if kind != "number":
            raise fail(f"{value!r} has no unit; {example}")
        return number
    if unit == "%":
        if kind != "number":
            raise fail(f"'{value}' is a percentage; {example}")
        return number / 100.0
    try:
        factor = _factor(unit, kind)
    except _UnknownUnitError as error:
        raise fail(f"unknown unit '{error}' in '{value}'; {example}") from None
    except _WrongDimensionError as error:
        raise fail(f"'{value}' is {error}, not {_article(kind)}; {example}") from None
    result = number * factor
    if not math.isfinite(result):
        raise fail(f"{value} is not a finite number; {example}")
    return result


def split(text: str) -> tuple[float, str] | None:
    """The number and the unit of a text such as "10 min", unconverted; None if it does not start with a number."""
    match = _NUMBER.fullmatch(text)
    return None if match is None else (float(match[1]), match[2])


def show(value: float, kind: str, *, like: float = 0.0) -> str:
    """`value` (internal unit of `kind`) as text, in a unit that makes the number readable.

    To compare two numbers, show both in one unit: that which suits `like`, unless it is 0.
    """
    *_, low, units = _KINDS[kind]
    chosen, size = units[-1], like or value
    if value == 0.0:
        chosen = KINDS[kind]
    else:
        for unit in units:
            if abs(size / _factor(unit, kind)) >= low * (1 - 1e-9):
                chosen = unit
                break
    return f"{_short(value / _factor(chosen, kind))} {_pretty(chosen)}".rstrip()


class _UnknownUnitError(Exception):
    """The text names an unknown unit."""


class _WrongDimensionError(Exception):
    """The unit is known but measures something else."""


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint  # here because it is slow to import, and not every command reads a file

    registry: Any = pint.UnitRegistry(None, cache_folder=None)
    registry.load_definitions(_DEFINITIONS.strip().splitlines())
    return registry


@lru_cache(maxsize=1024)
def _factor(unit: str, kind: str) -> float:
    """Internal units of `kind` in one `unit`."""
    quantity = _quantity(unit)
    internal = _quantity(KINDS[kind])
    if quantity.dimensionality != internal.dimensionality:
        raise _WrongDimensionError(_named_dimension(quantity))
    factor = float((quantity / internal).to_base_units().magnitude)
    exact = float(f"{factor:.12g}")  # 1 mm^2 is 1e6 um^2, not 1000000.0000000001
    return exact if math.isclose(factor, exact, rel_tol=1e-14) else factor


@lru_cache(maxsize=1024)
def _quantity(unit: str) -> Any:
    registry = _registry()
    if not unit:
        return registry.Quantity(1.0)
    if _UNIT_TEXT.fullmatch(unit) is None or len(unit) > 60 or re.search(r"\d{4}", unit):
        raise _UnknownUnitError(unit)  # never hand a parser more than a unit can be
    text = unit.strip()
    try:
        quantity = registry.Quantity(1.0) * registry.parse_expression("1" + text if text.startswith("/") else text)
        quantity.to_base_units()
    except Exception:  # noqa: BLE001 - the parser raises a zoo of errors, all of which mean the same to the reader
        raise _UnknownUnitError(unit) from None
    return quantity


def _named_dimension(quantity: Any) -> str:
    """``"a time"`` if a kind has this dimension, else the dimension itself."""
    for kind, unit in KINDS.items():
        if _quantity(unit).dimensionality == quantity.dimensionality:
            return _article(kind)
    return f"of dimension {quantity.dimensionality}"


def _finite_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _article(kind: str) -> str:
    words = kind.replace("_", " ")
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _short(number: float) -> str:
    """A number with three digits, without exponent up to a million."""
    text = f"{number:.3g}"
    return f"{float(text):.0f}" if 1e3 <= abs(number) < 1e6 else text


def _pretty(unit: str) -> str:
    text = unit.replace("um", "µm").replace("uM", "µM").replace("^2", "²").replace("^3", "³")
    return text.removeprefix("1") if text.startswith("1/") else text
