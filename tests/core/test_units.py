"""Texts with units become internal numbers once; everything else is refused with an example."""

from __future__ import annotations

import pint
import pytest

from tme_abm.core.errors import InputError, TmeError
from tme_abm.core.units import KINDS, parse, show


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12.6 um^2/s", "diffusivity", 756.0),
        ("1.26e-7 cm^2/s", "diffusivity", 756.0),
        ("100 µm²/s", "diffusivity", 6000.0),
        ("5 uM", "concentration", 5000.0),
        ("30 pM", "concentration", 0.03),
        ("1 mol/m^3", "concentration", 1e6),
        ("0.01 nM/h", "production", 0.01 / 60),
        ("2 /day", "rate", 2 / 1440),
        ("2 1/day", "rate", 2 / 1440),
        ("3 hits/h", "rate", 0.05),
        ("60 molecules/cell/h", "secretion", 1.0),
        ("2 um^3/s", "clearance", 120.0),
        ("1 pL", "volume", 1000.0),
        ("80 /mm^2", "areal_density", 8e-5),
        ("80 cells/mm^2", "areal_density", 8e-5),
        ("80 cells mm⁻²", "areal_density", 8e-5),
        ("80 cells·mm**-2", "areal_density", 8e-5),
        ("3 (µm/h)^2 h", "diffusivity", 0.05),
        ("2 10^6 cells/mL", "volume_density", 2e-6),
        ("5 mins", "time", 5.0),
        ("1e5 cells/mm^3", "volume_density", 1e-4),
        ("17000 Da", "mass", 17.0),
        ("1 week", "time", 10080.0),
        ("+.5 h", "time", 30.0),
        ("20_000 cells", "number", 20000.0),
        ("30 %", "number", 0.3),
        ("-2.5", "number", -2.5),
        (3, "number", 3.0),
    ],
)
def test_a_text_becomes_a_number_in_the_internal_unit(text: str, kind: str, value: float) -> None:
    assert parse(text, kind) == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize(
    ("text", "kind", "complaint"),
    [
        ("5", "rate", "'5' has no unit; expected a rate such as '0.5 /h'"),
        (5.0, "time", "5.0 has no unit; expected a time such as '10 min'"),
        ("5 uM", "rate", "'5 uM' is a concentration, not a rate"),
        ("3 pg/mL", "concentration", r"is of dimension \[mass\]"),
        ("5 furlog", "length", "unknown unit 'furlog'"),
        ("5 degC", "rate", "unknown unit 'degC'"),
        ("5 um2/s", "diffusivity", "unknown unit 'um2/s'"),  # not two micrometers
        ("5 days (14-50)", "time", "unknown unit"),
        ("5 (um", "length", "unknown unit"),
        ("5 um)", "length", "unknown unit"),
        ("5 um//s", "speed", "unknown unit"),
        ("5 um^", "length", "unknown unit"),
        ("5 ((um^99)^99)^99", "length", "unknown unit"),
        ("5 um^99999", "length", "unknown unit"),
        ("5 /0", "rate", "unknown unit '/0'"),
        ("5 0^-1 min", "time", "unknown unit"),
        ("5 ()min", "time", "unknown unit"),
        ("5 1e9999999 min", "time", "unknown unit"),
        ("5 1e-9999999 min", "time", "unknown unit"),
        ("5 __import__('os')", "number", "unknown unit"),
        ("fast", "speed", "does not start with a number"),
        ("", "number", "does not start with a number"),
        ("nan", "number", "does not start with a number"),
        (float("nan"), "number", "not a finite number"),
        (10**400, "number", "not a finite number"),
        ("1e400", "number", "not a finite number"),
        ("1e308 km", "length", "not a finite number"),
        ("1_ h", "time", "unknown unit '_ h'"),
        ("1__0 h", "time", "unknown unit '__0 h'"),
        ("1 500 um", "length", "'1 500 um' has two numbers"),  # not 500 um
        ("1.5.5 um", "length", "has two numbers"),
        ("5 1.5e3cells", "number", "has two numbers"),
        ("\N{ARABIC-INDIC DIGIT THREE} um", "length", "does not start with a number"),
        (True, "number", "true is not a quantity"),
        (None, "number", "None is not a quantity"),
        ("30 %", "rate", "is a percentage"),
    ],
)
def test_what_is_not_such_a_quantity_is_refused(text: object, kind: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse(text, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kind", "guess"),
    [
        ("5 um2/s", "diffusivity", "um^2/s"),
        ("5 nM min-1", "production", "nM min^-1"),
        ("5 nM per hr", "production", "nM / hr"),
        ("5 Um", "length", "um"),
        ("5 Um", "concentration", "uM"),
        ("5 kD", "mass", "kDa"),
        ("5 molecles/cell/min", "secretion", "molecules/cell/min"),
        ("5 metre", "time", None),
        ("5 parsec", "length", None),
    ],
)
def test_an_unknown_unit_is_answered_by_the_nearest_one_that_fits(text: str, kind: str, guess: str | None) -> None:
    with pytest.raises(InputError) as refusal:
        parse(text, kind)
    assert str(refusal.value).partition("; did you mean ")[2] == (f"'{guess}'?" if guess else "")


@pytest.mark.parametrize(
    "text", ["x" * 9999, "10" * 999 + " um", "5 " + "(" * 9999, "5 " + "Um " * 99999, "5\n" * 99, "5 Um\ncells"]
)
def test_a_refusal_is_one_short_line_whatever_was_written(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse(text, "length")
    assert len(str(refusal.value)) < 200
    assert "\n" not in str(refusal.value)


def test_the_smallest_digit_of_a_conversion_is_always_the_same() -> None:
    assert parse("1 /day", "rate") == 0.0006944444444444444 != 1 / 1440  # stored results have it
    assert parse("1 mm^2", "area") == 1e6


def test_the_error_says_where() -> None:
    with pytest.raises(InputError, match=r"^a\.toml: clock\.dt: '10' has no unit"):
        parse("10", "time", file="a.toml", place="clock.dt")


def test_an_unknown_kind_is_our_own_mistake() -> None:
    with pytest.raises(TmeError, match="did you mean 'rate'"):
        parse("1 /h", "rates")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.03, "concentration", "30 pM"),
        (90_000.0, "concentration", "90 µM"),
        (0.00532, "rate", "0.319 /h"),
        (1 / 1440, "rate", "1 /day"),
        (0.0, "rate", "0 /min"),
        (0.0, "concentration", "0 nM"),
        (756.0, "diffusivity", "12.6 µm²/s"),
        (14_400.0, "time", "10 day"),
        (30.0, "time", "30 min"),
        (6e-5, "areal_density", "60 /mm²"),
        (20_000.0, "number", "20000"),
        (0.123456, "number", "0.123"),
    ],
)
def test_a_number_is_shown_as_a_person_would_write_it(value: float, kind: str, text: str) -> None:
    assert show(value, kind) == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 1.25e-7, 0.5, 1.0, 375.0, 2.5e6])
def test_what_is_shown_can_be_read_back(value: float, kind: str) -> None:
    assert parse(show(value, kind), kind) == pytest.approx(value, rel=5e-3)


def test_numbers_that_are_compared_are_shown_in_one_unit() -> None:
    slow, fast = parse("0.0763 /day", "rate"), parse("0.125 /h", "rate")
    assert show(fast, "rate") == "0.125 /h"
    assert show(fast, "rate", like=slow) == "3 /day"
    assert show(fast, "rate", like=0.0) == "0.125 /h"


LENGTHS = ("m", "cm", "mm", "um", "nm", "meter")
TIMES = ("s", "min", "h", "d", "week", "year", "ms")
TEXTS = [
    *((length, "length") for length in LENGTHS),
    *((f"{length}^2", "area") for length in LENGTHS),
    *((f"{length}^3", "volume") for length in LENGTHS),
    *((volume, "volume") for volume in ("L", "mL", "uL", "pL", "fL", "liter")),
    *((time, "time") for time in TIMES),
    *((f"1/{time}", "rate") for time in TIMES),
    *((f"{length}/{time}", "speed") for length in LENGTHS for time in TIMES),
    *((f"{length}^2/{time}", "diffusivity") for length in LENGTHS for time in TIMES),
    *((f"{length}**3 / {time}", "clearance") for length in LENGTHS for time in TIMES),
    *((f"{amount}/{volume}", "concentration") for amount in ("mol", "pmol") for volume in ("L", "mL", "m^3", "um^3")),
    *((f"{prefix}M", "concentration") for prefix in ("", "m", "u", "n", "p", "f")),
    *((f"{prefix}M/{time}", "production") for prefix in ("m", "u", "n", "p") for time in TIMES),
    *((f"1/{length}^2", "areal_density") for length in LENGTHS),
    *((f"1/{length}^3", "volume_density") for length in LENGTHS),
    *((mass, "mass") for mass in ("Da", "kDa", "g", "kg", "pg")),
    ("Hz", "rate"), ("kHz", "rate"), ("mol/m/m^2", "concentration"), ("(um/min)^2 * h", "diffusivity"),
]  # fmt: skip


def test_units_are_those_of_a_library_that_knows_all() -> None:
    registry = pint.UnitRegistry()
    for unit, kind in TEXTS:
        internal = KINDS[kind] or "dimensionless"
        expected = registry.Quantity(3.0, unit).to(internal).magnitude
        assert parse(f"3 {unit}", kind) == pytest.approx(expected, rel=1e-9), unit
