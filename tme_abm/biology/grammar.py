"""The words of rules: what a cell can sense (signals) and what it can do (behaviors).

A rule reads "in *cell*, *signal* increases or decreases *behavior*". Here both texts are parsed once into small
frozen values. Words that name something in the catalogue (a molecule, a receptor, a cell) are checked against a
:class:`Vocabulary`, so that this module knows no biology but its own verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..core.errors import InputError
from ..core.units import show

__all__ = ["BEHAVIORS", "FAMILIES", "OWN_STATES", "Behavior", "Signal", "Vocabulary", "behavior", "signal"]

BEHAVIORS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "division": ("rate", "divides, if there is a free site within pushing distance"),
        "apoptosis": ("rate", "dies quietly"),
        "necrosis": ("rate", "dies of hunger"),
        "clearance": ("rate", "is removed once dead"),
        "speed": ("speed", "crawls"),
        "persistence": ("time", "keeps its direction"),
        "chemotaxis": ("number", "follows differences of receptor occupancy; gain"),
        "infiltration": ("number", "enters tumor from stroma; 0 never, 1 as if it were stroma"),
        "binding": ("rate", "binds a target it touches"),
        "detachment": ("rate", "lets go of a bound target"),
        "attack": ("rate", "lands hits on a bound target"),
        "activation": ("rate", "gains activation"),
        "deactivation": ("rate", "loses activation"),
        "exhaustion": ("rate", "becomes exhausted"),
        "recovery": ("rate", "recovers from exhaustion"),
        "polarization up": ("rate", "moves towards M1 or N1"),
        "polarization down": ("rate", "moves towards M2 or N2"),
        "extravasation": ("rate", "leaves the blood, per vessel"),
        "adhesion": ("number", "endothelium holds leukocytes"),
        "healing": ("rate", "repairs hits"),
        "deposition": ("clearance", "lays matrix down around itself; volume that becomes dense"),
        "proteolysis": ("clearance", "cuts the matrix around itself; volume that becomes free"),
        "lethal damage": ("number", "hits that kill"),
        "antigen visibility": ("number", "is seen by cells that look for antigen"),
        "stress visibility": ("number", "is seen by cells that look for stress and missing self"),
    }
)
"""Behavior -> (kind of quantity, what the cell does)."""

FAMILIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "secretion": ("secretion", "secretes a diffusing molecule"),
        "expression": ("number", "aims at this level of a contact molecule, or of a state inside"),
        "differentiation": ("rate", "becomes another cell type"),
    }
)
"""First word of a behavior whose second word names a molecule or a cell -> (kind of quantity, what the cell does)."""

DEFAULT_BASE: Mapping[str, float] = MappingProxyType({"infiltration": 1.0})
"""Base of a behavior that a cell does not have in the catalogue, if it is not 0: by default, nothing hinders a cell."""

FRACTIONS: frozenset[str] = frozenset({"infiltration"})
"""Behaviors that are shares, 0 to 1."""

OWN_STATES: tuple[str, ...] = ("activation", "exhaustion", "polarization", "damage", "binding")
"""States that every cell has and senses as "own NAME"; so it senses the contact molecules and inner states it has."""

_PLAIN = ("crowding", "matrix", "time since arrival")
_SHARES = ("occupancy", "contact", "crowding", "matrix")
_CONTACT, _EXPOSURE, _OWN, _OCCUPANCY, _OVER = "contact with ", "exposure to ", "own ", " occupancy", " over "


@dataclass(frozen=True)
class Vocabulary:
    """The names a catalogue defines. `levels` are what a cell has a level of: contact molecules, which neighbors feel,
    and those with reach "inside", listed again in `inside`, which they do not.
    """

    diffusing: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    inside: frozenset[str] = frozenset()
    receptors: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()

    @property
    def contacts(self) -> tuple[str, ...]:
        """The molecules that neighbors feel by touch."""
        return tuple(name for name in self.levels if name not in self.inside)


@dataclass(frozen=True, order=True)
class Signal:
    """Something a cell senses.

    kind : ``"concentration"`` of a diffusing molecule [nM], ``"level"`` of a contact molecule on the neighbors,
        ``"occupancy"`` of a receptor (0 to 1), ``"contact"`` with a cell type or ``"dead"`` (fraction of the
        neighborhood), ``"own"`` state or level, ``"exposure"`` to a molecule (its concentration, or the level felt of
        the neighbors if it is a contact molecule, low-passed over `memory`; zero in a cell that has just arrived),
        ``"crowding"``, ``"matrix"``, ``"arrival"`` (time since arrival [min]).
    name : the molecule, receptor, cell or state; empty where the kind says it all.
    memory : time constant of an exposure [min], else 0.
    """

    kind: str
    name: str = ""
    memory: float = 0.0

    def __str__(self) -> str:
        if self.kind == "exposure":
            return f"{_EXPOSURE}{self.name}" + (f"{_OVER}{show(self.memory, 'time')}" if self.memory > 0 else "")
        if self.kind == "arrival":
            return "time since arrival"
        prefix = {"contact": _CONTACT, "own": _OWN}.get(self.kind, "")
        return f"{prefix}{self.name or self.kind}" + (_OCCUPANCY if self.kind == "occupancy" else "")

    @property
    def is_share(self) -> bool:
        """Whether the signal lies between 0 and 1 by what it is."""
        return self.kind in _SHARES or (self.kind == "own" and self.name in ("activation", "exhaustion"))

    def quantity(self, vocabulary: Vocabulary) -> str:
        """Kind of quantity the signal, and so its half-max, is measured in."""
        if self.kind == "arrival":
            return "time"
        diffusing = self.kind == "concentration" or (self.kind == "exposure" and self.name in vocabulary.diffusing)
        return "concentration" if diffusing else "number"


@dataclass(frozen=True)
class Behavior:
    """Something a cell does: `name` as written, its `kind` of quantity, and for a family its two words."""

    name: str
    kind: str
    family: str = ""
    target: str = ""


def behavior(text: str, vocabulary: Vocabulary) -> Behavior:
    """The behavior that `text` names. Raises InputError, which lists the behaviors, if there is no such one."""
    if text in BEHAVIORS:
        return Behavior(text, BEHAVIORS[text][0])
    family, _, target = text.partition(" ")
    targets = _targets(vocabulary)
    if family in FAMILIES:
        if target in targets[family]:
            return Behavior(text, FAMILIES[family][0], family, target)
        kind = {
            "secretion": "diffusing molecule",
            "expression": "contact molecule or inner state",
            "differentiation": "cell",
        }[family]
        raise InputError(f"'{text}': no {kind} '{target}'", allowed=targets[family], word=target)
    raise InputError(f"no behavior '{text}'", allowed=(*BEHAVIORS, *(f"{family} …" for family in FAMILIES)), word=text)


def signal(text: str, vocabulary: Vocabulary) -> Signal:
    """The signal `text` names (memory not yet filled in). Raises InputError that lists the possible ones."""
    contacts = vocabulary.contacts
    molecules = (*vocabulary.diffusing, *contacts)
    hidden = text.removeprefix(_CONTACT).removeprefix(_EXPOSURE)
    if hidden in vocabulary.inside:
        raise InputError(
            f"'{text}': {hidden} is inside the cell (reach = \"inside\"), so no neighbor feels it; "
            f"the cell itself senses it as 'own {hidden}'"
        )
    if text in vocabulary.diffusing:
        return Signal("concentration", text)
    if text in contacts:
        return Signal("level", text)
    if text in _PLAIN:
        return Signal("arrival") if text == "time since arrival" else Signal(text)
    if text.startswith(_CONTACT):
        return Signal("contact", _known(text, _CONTACT, "cell", (*vocabulary.cells, "dead")))
    if text.startswith(_EXPOSURE):
        plain, over, time = text.partition(_OVER)
        if over and plain.removeprefix(_EXPOSURE) in molecules:
            raise InputError(f"'{text}': the time is said apart; write '{plain}' and memory = \"{time}\"")
        return Signal("exposure", _known(text, _EXPOSURE, "molecule", molecules))
    if text.startswith(_OWN):
        return Signal("own", _known(text, _OWN, "state or contact molecule", (*OWN_STATES, *vocabulary.levels)))
    if text.endswith(_OCCUPANCY):
        name = text.removesuffix(_OCCUPANCY)
        if name in vocabulary.receptors:
            return Signal("occupancy", name)
        raise InputError(f"'{text}': no receptor '{name}'", allowed=vocabulary.receptors, word=name)
    forms = (
        "MOLECULE",
        "RECEPTOR occupancy",
        "contact with CELL",
        "exposure to MOLECULE",
        "own STATE",
        *_PLAIN,
    )
    known = (*molecules, *(f"{name}{_OCCUPANCY}" for name in vocabulary.receptors), *_PLAIN)
    hint = InputError("", allowed=known, word=text).clause().partition("Did you mean")
    what = f"no signal '{text}'. Forms: {', '.join(forms)}."
    raise InputError(what + (f" Did you mean{hint[2]}" if hint[2] else ""))


def family_members(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Every behavior of a family that this vocabulary makes possible, in the order of the catalogue."""
    return tuple(f"{family} {target}" for family, targets in _targets(vocabulary).items() for target in targets)


def _targets(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    return {
        "secretion": vocabulary.diffusing,
        "expression": vocabulary.levels,
        "differentiation": vocabulary.cells,
    }


def _known(text: str, prefix: str, what: str, names: tuple[str, ...]) -> str:
    name = text.removeprefix(prefix)
    if name not in names:
        raise InputError(f"'{text}': no {what} '{name}'", allowed=names, word=name)
    return name
