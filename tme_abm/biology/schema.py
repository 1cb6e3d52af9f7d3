"""The shape of the catalogue's files: one frozen model for each kind of entry.

Only what can be said about an entry alone is checked here; whether it agrees with the rest of the catalogue
(units of a behavior, known sources, a receptor the cell carries) is `check.py`'s business.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from ..core.errors import InputError
from ..core.toml import Frozen
from ..core.units import KINDS
from .parameter import Evidence, Parameter, StringList, inherit

__all__ = [
    "BehaviorEntry",
    "CellEntry",
    "MoleculeEntry",
    "Pack",
    "ReceptorEntry",
    "ReferenceEntry",
    "Rule",
    "Scale",
    "SupplyEntry",
    "TraitEntry",
]

_DOI = re.compile(r"10\.[0-9]{4,9}/\S+")


class Pack(Frozen):
    """A catalogue file of a user, merged over the shipped catalogue: its name and its text."""

    name: StrictStr = Field(min_length=1, description="Name of the file (written when it is read).")
    toml: StrictStr = Field(description="What is in it (written when it is read).")

    @property
    def sha256(self) -> str:
        """Fingerprint of the text."""
        return hashlib.sha256(self.toml.encode()).hexdigest()


class ReferenceEntry(Frozen):
    """A publication, a data set or a repository."""

    title: StrictStr
    authors: StringList = ()
    year: StrictInt | None = None
    doi: StrictStr = ""
    url: StrictStr = ""
    repository: StrictStr = ""
    note: StrictStr = ""

    @model_validator(mode="after")
    def _can_be_found(self) -> ReferenceEntry:
        if not (self.doi or self.url or self.repository):
            raise ValueError("a reference needs a 'doi', a 'url' or a 'repository'")
        if self.doi and _DOI.fullmatch(self.doi) is None:
            raise ValueError(f"'{self.doi}' is no DOI; write it bare, as in '10.1038/ni.3201'")
        return self

    @property
    def address(self) -> str:
        """Its address on the web."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url or self.repository

    @property
    def citation(self) -> str:
        """Authors, title and year."""
        who = f"{', '.join(self.authors)}. " if self.authors else ""
        return f"{who}{self.title}{f' ({self.year})' if self.year else ''}"


class SupplyEntry(Frozen):
    """The exchange of a molecule through a vessel, with blood that holds it at a level."""

    exchange: Parameter
    level: Parameter


class MoleculeEntry(Frozen):
    """A molecule that diffuses as a field, acts by touch, or is a state inside the cell that only the cell senses."""

    name: StrictStr
    reach: Literal["diffusing", "contact", "inside"]
    description: StrictStr = ""
    diffusivity: Parameter | None = None
    decay: Parameter | None = None
    weight: Parameter | None = None
    background: Parameter | None = None
    saturation: Parameter | None = None
    supply: SupplyEntry | None = None
    turnover: Parameter | None = None
    digestion: Parameter | None = None

    @model_validator(mode="after")
    def _has_what_its_reach_needs(self) -> MoleculeEntry:
        needed = ("diffusivity", "decay") if self.reach == "diffusing" else ()
        spread = ("diffusivity", "decay", "background", "saturation", "supply", "digestion")
        barred = ("turnover",) if self.reach == "diffusing" else spread
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"a molecule with reach '{self.reach}' needs '{key}'")
        for key in barred:
            if getattr(self, key) is not None:
                raise ValueError(f"a molecule with reach '{self.reach}' has no '{key}'")
        return self


class ReceptorEntry(Frozen):
    """A receptor and the dissociation constants of its ligands."""

    name: StrictStr
    description: StrictStr = ""
    checkpoint: StrictBool = False
    ligands: dict[str, Parameter]

    @model_validator(mode="after")
    def _has_a_ligand(self) -> ReceptorEntry:
        if not self.ligands:
            raise ValueError("a receptor needs at least one ligand")
        return self


class TraitEntry(Parameter):
    """A property in which tumors differ, with its default. Traits of one `group` are swapped together."""

    kind: StrictStr
    description: StrictStr
    group: StrictStr | None = None

    @model_validator(mode="after")
    def _is_a_number_of_a_kind(self) -> TraitEntry:
        if self.kind not in KINDS:
            raise InputError(f"no kind of quantity '{self.kind}'", allowed=KINDS, word=self.kind)
        if self.is_trait:
            raise ValueError("a trait cannot be defined by a trait")
        return self


class Scale(Frozen):
    """A last factor on a behavior: a Hill function of one signal."""

    signal: StrictStr
    half_max: Parameter
    hill: Parameter | None = None


class BehaviorEntry(Parameter):
    """The base of a behavior: its value without signals."""

    scaled_by: Scale | None = None

    @model_validator(mode="before")
    @classmethod
    def _scale_shares_evidence(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("scaled_by"), dict):
            return table
        evidence = {key: table[key] for key in Evidence.model_fields if key in table}
        return {**table, "scaled_by": inherit(table["scaled_by"], ("half_max", "hill"), evidence)}


class CellEntry(Frozen):
    """A cell type: its layer, the bases of its behaviors, its receptors and uptake."""

    name: StrictStr
    agent: StrictStr
    layer: Literal["tissue", "immune", "vessel"]
    description: StrictStr = ""
    pool: StrictStr | None = None
    sees: Literal["antigen", "stress"] | None = None
    hunts: StringList = ()
    behaviors: dict[str, BehaviorEntry] = Field(default_factory=dict)
    receptors: dict[str, Parameter] = Field(default_factory=dict)
    uptake: dict[str, Parameter] = Field(default_factory=dict)


class Rule(Evidence):
    """In `cell`, `signal` increases or decreases `behavior` towards a value, with half-max and Hill power.

    `pathway` names the signaling routes or sensing receptors that carry it, for interventions that inhibit one.
    """

    cell: StringList
    signal: StrictStr
    effect: Literal["increases", "decreases"]
    behavior: StrictStr
    towards: Parameter
    half_max: Parameter
    hill: Parameter | None = None
    memory: Parameter | None = None
    pathway: StringList = ()

    @model_validator(mode="before")
    @classmethod
    def _numbers_share_evidence(cls, table: Any) -> Any:
        return inherit(table, ("towards", "half_max", "hill", "memory"))

    @property
    def title(self) -> str:
        """The rule in words, without its numbers."""
        return f"{', '.join(self.cell)}: {self.signal} {self.effect} {self.behavior}"

    @property
    def place(self) -> str:
        """The place of its numbers, as in `Catalogue.entries`."""
        return f"rule ({self.title})"
