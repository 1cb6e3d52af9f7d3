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
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .errors import InputError, TmeError, brief, nearest

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
        "digestion": ("1/nM/min", "0.09 /nM/day", 0.1, ("1/nM/min", "1/nM/h", "1/nM/day")),
        "areal_density": ("1/um^2", "80 /mm^2", 0.1, ("1/um^2", "1/mm^2")),
        "volume_density": ("1/um^3", "1e4 /mm^3", 0.1, ("1/um^3", "1/mm^3")),
        "mass": ("kDa", "17 kDa", 0.1, ("kDa", "Da")),
        "number": ("", "0.5", 0.0, ("",)),
    }
)
KINDS: Mapping[str, str] = MappingProxyType({kind: unit for kind, (unit, *_) in _KINDS.items()})
"""Kind of quantity -> its unit inside arrays."""

_DIMENSIONS = ("length", "time", "mass", "substance")


class _Unit(NamedTuple):
    """A unit as an exact multiple of meter, second, gram and mole to some `powers`."""

    size: Fraction
    powers: tuple[int, ...] = (0, 0, 0, 0)

    def times(self, other: _Unit, power: int = 1) -> _Unit:
        powers = tuple(mine + power * theirs for mine, theirs in zip(self.powers, other.powers, strict=True))
        return _Unit(self.size * other.size**power, powers)


_ONE = _Unit(Fraction(1))

# All known units: our own list and exact. A library that knows all units takes longer to import than the catalogue to
# load, and here a name like "furlong" is an error. Each line: the names of a unit, and what it is.
_DEFINITIONS = """
minute, min = 60 s
hour, h, hr = 60 min
day, d = 24 h
week = 7 d
month = 30.4375 d
year = 365.25 d
hertz, Hz = 1/s
liter, L, l = 1e-3 m^3
molar, M = mol/L
dalton, Da = 1.66053906892e-24 g
pascal, Pa = 1e3 g/m/s^2
mmHg = 133.322387415 Pa
"""
_UNITS: dict[str, _Unit] = {
    **dict.fromkeys(("meter", "m"), _Unit(Fraction(1), (1, 0, 0, 0))),
    **dict.fromkeys(("second", "s", "sec"), _Unit(Fraction(1), (0, 1, 0, 0))),
    **dict.fromkeys(("gram", "g"), _Unit(Fraction(1), (0, 0, 1, 0))),
    **dict.fromkeys(("mole", "mol"), _Unit(Fraction(1), (0, 0, 0, 1))),
    **dict.fromkeys(("molecule", "cell", "hit", "leukocyte", "site", "vessel"), _ONE),  # counted things
}
_PREFIXES = {
    prefix: Fraction(10) ** power
    for names, power in (
        ("femto f", -15), ("pico p", -12), ("nano n", -9), ("micro µ μ u", -6), ("milli m", -3), ("centi c", -2),
        ("deci d", -1), ("kilo k", 3), ("mega M", 6),
    )
    for prefix in names.split()
}  # fmt: skip
_NUMBER = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(.*?)\s*", re.DOTALL
)
# A number other than 1 and without a power, where a unit should begin: "1 500 um" is not 500 um.
_SECOND = re.compile(r"(?!1(?![0-9.]))[0-9.]++(?:[eE][+-]?[0-9]++)?+(?!\s*(?:\^|\*\*|⁻?[²³¹]))")
_NAME = "[A-Za-zµμ]+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<name>{_NAME})|(?P<number>(?<!{_NAME[:-1]})[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<sign>\*(?!\*)|[·/()])|(?:\^|\*\*)\s*(?P<power>[+-]?[0-9]+|\(\s*[+-]?[0-9]+\s*\))|(?P<raised>⁻?[²³¹]))\s*"
)
_LONGEST, _MOST_BITS = 60, 10_000  # no unit is longer, or as large
_RAISED = str.maketrans("⁻¹²³", "-123")


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

    said, example = brief(value), f"expected {_article(kind)} such as '{_KINDS[kind][1]}'"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise fail(f"{said} is not a quantity; {example}")
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        if match is None:
            raise fail(f"{said} does not start with a number; {example}")
        number, unit = float(match[1]), match[2]
    else:
        number, unit = _finite_float(value), ""
    if not math.isfinite(number):
        raise fail(f"{said} is not a finite number; {example}")
    if not unit:
        if kind != "number":
            raise fail(f"{said} has no unit; {example}")
        return number
    if unit == "%":
        if kind != "number":
            raise fail(f"{said} is a percentage; {example}")
        return number / 100.0
    if _SECOND.match(unit):
        raise fail(f"{said} has two numbers; {example}")
    try:
        factor = _factor(unit, kind)
    except _UnknownUnitError as error:
        guess = _meant(unit, kind)
        meant = f"; did you mean '{guess}'?" if guess else ""
        raise fail(f"unknown unit {brief(str(error))} in {said}; {example}{meant}") from None
    except _WrongDimensionError as error:
        raise fail(f"{said} is {error}, not {_article(kind)}; {example}") from None
    result = number * factor
    if not math.isfinite(result):
        raise fail(f"{said} is not a finite number; {example}")
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


@lru_cache(maxsize=1024)
def _factor(unit: str, kind: str) -> float:
    """Internal units of `kind` in one `unit`."""
    found, internal = _unit(unit), _unit(KINDS[kind])
    if found.powers != internal.powers:
        raise _WrongDimensionError(_named_dimension(found))
    factor = _finite_float(found.size) * float(1 / internal.size)  # two roundings, which stored results have
    exact = float(f"{factor:.12g}")  # 1 mm^2 is 1e6 um^2, not 1000000.0000000001
    return exact if math.isclose(factor, exact, rel_tol=1e-14) else factor


@lru_cache(maxsize=1024)
def _unit(text: str) -> _Unit:
    """The unit that a text such as "molecules/cell/min", "/mm^2" or "µm² s⁻¹" says; "" is 1."""
    tokens: list[tuple[str, str]] = []
    end = 0
    while end < len(text):
        token = _TOKEN.match(text, end)
        if token is None or len(text) > _LONGEST:
            raise _UnknownUnitError(text)
        tokens.append((token.lastgroup or "", token[token.lastgroup or 0]))
        end = token.end()
    try:
        found = _product(tokens)
    except (_UnknownUnitError, IndexError):
        raise _UnknownUnitError(text) from None
    if tokens:  # a bracket that was never opened
        raise _UnknownUnitError(text)
    return found


def _product(tokens: list[tuple[str, str]]) -> _Unit:
    """Read factors from `tokens`, left to right, up to a closing bracket or the end."""
    total, first = _ONE, True
    while tokens and tokens[0] != ("sign", ")"):
        over = tokens[0] == ("sign", "/")
        if over or (not first and tokens[0] in (("sign", "*"), ("sign", "·"))):
            tokens.pop(0)
        total, first = total.times(_power(tokens), -1 if over else 1), False
    return total


def _power(tokens: list[tuple[str, str]]) -> _Unit:
    """Read a name, a number or a bracket, with its power."""
    what, text = tokens.pop(0)
    if what == "name":
        base = _named(text)
    elif what == "number" and 0.0 < float(text) < math.inf:  # not to divide by 0, nor to write 1e9999999 out
        base = _Unit(Fraction(text))
    elif text == "(" and tokens[0] != ("sign", ")"):
        base = _product(tokens)
        tokens.pop(0)
    else:
        raise _UnknownUnitError(text)
    if not tokens or tokens[0][0] not in ("power", "raised"):
        return base
    power = int(tokens.pop(0)[1].strip("() ").translate(_RAISED))
    if abs(power) * max(base.size.numerator.bit_length(), base.size.denominator.bit_length()) > _MOST_BITS:
        raise _UnknownUnitError(text)
    return _ONE.times(base, power)


def _named(name: str) -> _Unit:
    """A unit by its name, in the plural or with a prefix."""
    for ending in ("", "s"):
        stem = name.removesuffix(ending)
        if stem in _UNITS and (len(stem) > 1 or not ending):
            return _UNITS[stem]
        for prefix, size in _PREFIXES.items():
            rest = stem.removeprefix(prefix)
            if rest != stem and rest in _UNITS and name.endswith(ending) and (len(rest) > 1 or not ending):
                return _UNITS[rest]._replace(size=size * _UNITS[rest].size)
    raise _UnknownUnitError(name)


def _meant(text: str, kind: str) -> str | None:
    """The unit of `kind` for which "um2" or "Um" may stand: powers raised, and names like known ones replaced."""
    if len(text) > _LONGEST:
        return None
    units = [unit for one in (kind, *KINDS) for unit in (KINDS[one], *_KINDS[one][-1])]  # of this kind first
    known = [*re.findall(_NAME, " ".join(units)), *_UNITS]
    text = re.sub(rf"(?<={_NAME[:-1]})(?=[+-]?[0-9])", "^", re.sub(r"\bper\b", "/", " ".join(text.split())))
    text = re.sub(_NAME, lambda word: word[0] if _is_named(word[0]) else nearest(word[0], known) or word[0], text)
    try:
        _factor(text, kind)
    except (_UnknownUnitError, _WrongDimensionError):
        return None
    return text


def _is_named(name: str) -> bool:
    try:
        _named(name)
    except _UnknownUnitError:
        return False
    return True


def _named_dimension(unit: _Unit) -> str:
    """``"a time"`` if a kind has this dimension, else the dimension itself."""
    for kind, internal in KINDS.items():
        if _unit(internal).powers == unit.powers:
            return _article(kind)
    powers = sorted(zip(_DIMENSIONS, unit.powers, strict=True), key=lambda one: -one[1])
    return "of dimension " + " ".join(f"[{name}]" + (f"^{n}" if n != 1 else "") for name, n in powers if n)


for _line in _DEFINITIONS.strip().splitlines():
    _names, _, _is = _line.partition(" = ")
    _UNITS |= dict.fromkeys(_names.split(", "), _unit(_is))


def _finite_float(value: float | Fraction) -> float:
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
