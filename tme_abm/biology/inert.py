"""Statements of the catalogue that could never act: they are refused, for they would be read and do nothing.

What a process reads depends on where a cell stands: leukocytes walk and come from the blood, vessels only hold
leukocytes and secrete, killers need a prey. And a signal may be one that a cell never has, because nobody shows it or
because the cell is asked before it is in the tissue.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ..core.errors import InputError
from .catalogue import Catalogue
from .grammar import DEFAULT_BASE, OWN_STATES, Signal, behavior, signal
from .schema import CellEntry, Rule

__all__ = ["inert"]

_OF_LEUKOCYTES = ("speed", "persistence", "chemotaxis", "infiltration", "extravasation")
_OF_KILLERS = ("binding", "detachment", "attack")
_OF_PREY = ("healing", "lethal damage")
_SEEN_BY = {"antigen visibility": "antigen", "stress visibility": "stress"}
_COMES_BY = {"binding": "binding", "damage": "lethal damage"}  # own state -> behavior without which it stays as it is
_IN_TISSUE = ("own", "exposure", "arrival")  # kinds of signal that only a cell in the tissue has


def inert(catalogue: Catalogue) -> list[InputError]:
    """What could never act in `catalogue`, whose names and numbers are all in order; each with its place."""
    return list(_Search(catalogue).found())


class _Search:
    """Looks through one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.words, self.cells = catalogue, catalogue.vocabulary, catalogue.cells
        self.of_layer = catalogue.of_layer

    def found(self) -> Iterator[InputError]:
        """All of it."""
        for name, cell in self.cells.items():
            yield from (error.replace(place=f"cell.{name}{at}") for at, error in self._cell(name, cell))
            for what, base in cell.behaviors.items():
                place = f"cell.{name}.behaviors.{what}"
                yield from (error.replace(place=place) for error in self._unread(name, what))
                if base.scaled_by is not None:
                    heard = signal(base.scaled_by.signal, self.words)
                    errors = self._unheard(name, what, heard)
                    yield from (error.replace(place=f"{place}.scaled_by") for error in errors)
        for rule in self.catalogue.rules:
            yield from (error.replace(place=rule.place) for error in self._rule(rule))
        used = {entry.parameter.trait for entry in self.catalogue.entries()}
        for trait in self.catalogue.traits:
            if trait not in used:
                error = InputError(f"nothing takes its value from this trait; write 'trait:{trait}' where it is due")
                yield error.replace(place=f"trait.{trait}")

    # ---------------------------------------------------------------- who is what

    @cached_property
    def _hunters(self) -> dict[str, set[str]]:
        """Prey -> what those that hunt it see."""
        found: dict[str, set[str]] = {}
        for cell in self.cells.values():
            for prey in cell.hunts:
                found.setdefault(prey, set()).update([cell.sees] if cell.sees else [])
        return found

    @cached_property
    def _followed(self) -> tuple[str, ...]:
        """The receptors with a ligand that diffuses."""
        diffusing = set(self.words.diffusing)
        return tuple(name for name, entry in self.catalogue.receptors.items() if diffusing & set(entry.ligands))

    def _showing(self, what: str) -> tuple[str, ...]:
        """The cells with the behavior `what`, and those that such cells become."""
        found = set(self.catalogue.behaviors.get(what, ()))
        turns = [
            (other.removeprefix("differentiation "), set(cells))
            for other, cells in self.catalogue.behaviors.items()
            if other.startswith("differentiation ")
        ]
        while new := {target for target, cells in turns if found & cells} - found:
            found |= new
        return tuple(name for name in self.cells if name in found)

    # ---------------------------------------------------------------- what cannot act

    def _cell(self, name: str, cell: CellEntry) -> Iterator[tuple[str, InputError]]:
        """What a cell says of itself in vain: the rest of the place, and the error."""
        tissue = self.of_layer("tissue")
        if cell.sees and not cell.hunts:
            yield "", InputError(f"{name} sees {cell.sees} but hunts nobody; give 'hunts'", allowed=tissue)
        if cell.hunts and not cell.sees:
            yield "", InputError(f"{name} hunts but sees nothing; give 'sees'", allowed=("antigen", "stress"))
        for prey in cell.hunts:
            if prey not in tissue:
                what = f"{name} hunts {prey}, which is no cell of the tissue layer, where targets are looked for"
                yield ".hunts", InputError(what, allowed=tissue, word=prey)
        if cell.pool is not None and cell.layer != "immune":
            yield ".pool", InputError(f"{name} is no leukocyte, so it comes from no pool of the blood; leave it out")
        if cell.layer == "vessel":
            for molecule in cell.uptake:
                what = f"{name} is a vessel, and vessels have no uptake; see 'supply' of a molecule"
                yield f".uptake.{molecule}", InputError(what)
        walks = cell.layer == "immune" and name in self._showing("chemotaxis")
        for receptor, weight in cell.receptors.items():
            if not weight.is_trait and not weight.number("number"):
                continue
            if not walks:
                what = f"{name} has no chemotaxis, so it cannot follow {receptor}; give it the weight 0"
                yield f".receptors.{receptor}", InputError(what)
            elif receptor not in self._followed:
                what = f"no ligand of {receptor} diffuses, so {name} cannot follow it; give it the weight 0"
                yield f".receptors.{receptor}", InputError(what, allowed=self._followed, word=receptor)

    def _unread(self, name: str, what: str) -> Iterator[InputError]:
        """Whether no process reads the behavior `what` in the cell `name`."""
        cell, said = self.cells[name], behavior(what, self.words)
        if cell.layer == "vessel" and what != "adhesion" and said.family != "secretion":
            allowed = ("adhesion", *(f"secretion {one}" for one in self.words.diffusing))
            yield InputError(f"{name} is a vessel, and vessels have no '{what}'", allowed=allowed, word=what)
        elif what == "adhesion" and cell.layer != "vessel":
            yield InputError(f"only vessels have adhesion, not {name}", allowed=self.of_layer("vessel"), word=name)
        elif what in _OF_LEUKOCYTES and cell.layer != "immune":
            yield InputError(f"only leukocytes have {what}, not {name}", allowed=self.of_layer("immune"), word=name)
        elif what in _OF_KILLERS and not cell.sees:
            killers = tuple(one for one, entry in self.cells.items() if entry.sees)
            nobody = f"{name} has no {what}, for it sees and hunts nobody; give it 'sees' and 'hunts'"
            yield InputError(nobody, allowed=killers)
        elif what in _OF_PREY and name not in self._hunters:
            nobody = f"{name} has no {what}, for nobody hunts it; {self._to_be_hunted(name)}"
            yield InputError(nobody, allowed=self._hunters)
        elif what in _SEEN_BY and _SEEN_BY[what] not in self._hunters.get(name, ()):
            prey = tuple(one for one, seen in self._hunters.items() if _SEEN_BY[what] in seen)
            nobody = f"{name} has no {what}, for nobody who sees that hunts it; {self._to_be_hunted(name)}"
            yield InputError(nobody, allowed=prey)
        elif said.family == "differentiation":
            others = tuple(one for one in self.of_layer(cell.layer) if one != name)
            if said.target not in others:
                what = f"{name} cannot become {said.target}, only another cell of the {cell.layer} layer"
                yield InputError(what, allowed=others, word=said.target)

    def _to_be_hunted(self, name: str) -> str:
        """What has to be said so that something hunts the cell `name`."""
        if self.cells[name].layer != "tissue":
            return "only cells of the tissue layer can be hunted"
        killer = next((one for one, cell in self.cells.items() if cell.hunts), "NAME")
        return f"let a killer do so, as in [cell.{killer}] hunts = [\"{name}\"]"

    def _unheard(self, name: str, what: str, heard: Signal) -> Iterator[InputError]:
        """Whether the cell `name` never has the signal `heard` when it is asked for the behavior `what`."""
        vessel = self.cells[name].layer == "vessel"
        if heard.kind in _IN_TISSUE and (vessel or what == "extravasation"):
            who = f"{name} is a vessel" if vessel else f"{name} is still in the blood at its {what}"
            yield InputError(f"'{heard}' is nothing here: {who} and senses only what is around the vessel")
        elif heard.kind == "contact" and heard.name in self.of_layer("vessel"):
            nobody = f"'{heard}' is always zero: vessels are no cells on sites"
            yield InputError(nobody, allowed=(*self.catalogue.placed, "dead"), word=heard.name)
        elif heard.name in self.words.contacts and not self.catalogue.producers[heard.name]:
            shown = tuple(one for one in self.words.contacts if self.catalogue.producers[one])
            yield InputError(f"'{heard}' is always zero: no cell shows {heard.name}", allowed=shown, word=heard.name)
        elif heard.kind == "own":
            if heard.name in OWN_STATES and heard.name not in _COMES_BY:
                return  # a cell may be added with any activation, exhaustion or polarization
            way = _COMES_BY.get(heard.name, f"expression {heard.name}")
            others = self._showing(way)
            if name not in others:
                yield InputError(f"'{heard}' is always zero: {name} has no '{way}'", allowed=others, word=name)

    def _rule(self, rule: Rule) -> Iterator[InputError]:
        """The first cell in which a rule could never act."""
        heard = signal(rule.signal, self.words)
        for name in rule.cell:
            errors = [*self._unread(name, rule.behavior), *self._unheard(name, rule.behavior, heard)]
            if not errors and rule.effect == "decreases" and not self._is_there(name, rule.behavior):
                what = f"{name} has no {rule.behavior} to decrease: its base is 0, and no rule increases it"
                errors = [InputError(what, because=(f"cell.{name}.behaviors.{rule.behavior}",))]
            if errors:
                yield errors[0]
                return

    def _is_there(self, name: str, what: str) -> bool:
        """Whether a behavior can be other than zero but for the rules that decrease it."""
        base = self.cells[name].behaviors.get(what)
        if base is None:
            given = DEFAULT_BASE.get(what, 0.0) != 0
        else:
            given = base.is_trait or base.number(behavior(what, self.words).kind) != 0
        ruled = [rule for rule in self.catalogue.rules if rule.behavior == what and name in rule.cell]
        return given or any(rule.effect == "increases" for rule in ruled)
