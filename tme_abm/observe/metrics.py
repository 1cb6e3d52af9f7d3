"""Metrics: what a pathologist and an immunologist would count in the tissue, as one flat table of numbers.

`METRICS` is the registry: one entry for each metric, or for a family of them such as "{cell} cells", with title, unit
and computation. Tables and reports take the titles and units of metrics from here.

Densities are per mm² of section, in the tumor *core* and in the *margin* around it. In 3D that is the mean over all
sections, each one spacing thick (cells per volume times the spacing), so the numbers compare with those of slides and
with those in 2D; the size of the core is a volume. Of a model with several wells each metric is that of one well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.units import MINUTES_PER_DAY, parse
from ..processes import expression_column
from ..processes.presence import fields_needed
from ..tissue import ALIVE
from .compartments import compartments

if TYPE_CHECKING:
    from ..biology import Biology, Catalogue
    from ..scenario import Scenario
    from ..simulation import Simulation

__all__ = [
    "HEADLINES", "METRICS", "PER_MM2", "Metric", "describe", "find_metric", "headlines", "measure", "measure_wells",
    "metric_names",
]  # fmt: skip

PER_MM2 = "cells/mm²"
_KINDS = {
    PER_MM2: ("areal_density", "/mm^2"),
    "nM": ("concentration", "nM"),
    "mm²": ("area", "mm^2"),
    "mm³": ("volume", "mm^3"),
    "µm": ("length", "um"),
}
_FAMILY = re.compile(r"\{(cell|leukocyte|contact|molecule)\}")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, or a family of them: one for each cell, leukocyte, contact or molecule named in braces.

    unit : as a reader writes it; empty for ratios and scores. titles : of members whose title is not the family's.
    compute : the value in a well, for one member. ndim : dimensions of the lattices that have it, None for all.
    """

    name: str
    title: str
    compute: Callable[[_Well, str], float] = field(repr=False)
    unit: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    ndim: int | None = None
    subject: str = ""

    @property
    def family(self) -> str:
        """The word in braces, such as "cell"; empty for a single metric."""
        found = _FAMILY.search(self.name)
        return found[1] if found else ""

    @property
    def quantity(self) -> tuple[str, str]:
        """The kind of quantity and the unit, as in `core.units`."""
        return _KINDS.get(self.unit, ("number", ""))

    @property
    def heading(self) -> str:
        """The name and unit for the head of a column: "CD8 core /mm²"."""
        unit = "" if " per " in self.name else self.unit.removeprefix("cells")
        return f"{self.name} {unit}".rstrip()

    def of(self, subject: str) -> Metric:
        """The member of this family for one cell, contact or molecule."""
        if not self.family:
            return self
        spelled = subject.replace("_", "-") if self.family in ("cell", "leukocyte") else subject
        return replace(
            self,
            name=_FAMILY.sub(lambda _: subject, self.name),
            title=self.titles.get(subject, _FAMILY.sub(lambda _: spelled, self.title)),
            subject=subject,
        )

    def subject_of(self, name: str) -> str | None:
        """The cell, contact or molecule in `name`; None if `name` is not a metric of this family."""
        if not self.family:
            return None
        before, _, after = (re.escape(part) for part in _FAMILY.split(self.name))
        found = re.fullmatch(f"{before}(.+){after}", name)
        return found[1] if found else None


def describe(name: str, cells: Collection[str]) -> Metric:
    """The metric called `name` in results with the cell types `cells`; an unknown one gets no unit."""
    for metric in METRICS:
        if metric.name == name:
            return metric
    for metric in METRICS:
        subject = metric.subject_of(name)
        if subject is not None and (metric.family != "leukocyte" or subject in cells):
            return metric.of(subject)
    return Metric(name=name, title=name[:1].upper() + name[1:], compute=lambda _, __: np.nan)


def find_metric(name: str, catalogue: Catalogue) -> Metric:
    """The metric called `name`. Raises InputError if models of `catalogue` have no such metric."""
    known = catalogue.vocabulary
    members = _members(
        cells=[cell for cell, entry in catalogue.cells.items() if entry.layer != "vessel"],
        leukocytes=[cell for cell, entry in catalogue.cells.items() if entry.layer == "immune"],
        contacts=known.levels,
        molecules=known.diffusing,
    )
    found = {metric.name: metric for metric in members}
    if name not in found:
        raise InputError(f"no metric '{name}'", allowed=found, word=name)
    return found[name]


def metric_names(scenario: Scenario) -> tuple[str, ...]:
    """The names of the metrics of a model of `scenario`, in their order, without making the model."""
    biology = scenario.biology()
    members = _measured(biology, len(scenario.lattice.shape), fields_needed(scenario, biology))
    return tuple(metric.name for metric in members)


def headlines(available: Collection[str]) -> list[str]:
    """The metrics of `HEADLINES` that are available, in their order; M_MDSC and M-MDSC are the same cell."""
    known = {metric.replace("_", "-"): metric for metric in available}
    return [known[metric] for metric in HEADLINES if metric in known]


def measure_wells(model: Simulation) -> list[dict[str, float]]:
    """All metrics of each well of a model, in the order of the wells."""
    return [measure(model, well) for well in range(model.tissue.lattice.wells)]


def measure(model: Simulation, well: int = 0) -> dict[str, float]:
    """All metrics of one well of a model; NaN where there is nothing to measure."""
    tissue, here = model.tissue, _Well(model, well)
    members = _measured(model.biology, tissue.lattice.ndim, list(tissue.fields))
    return {metric.name: float(metric.compute(here, metric.subject)) for metric in members}


def _measured(biology: Biology, ndim: int, fields: Sequence[str]) -> Iterator[Metric]:
    layers = list(zip(biology.cells, biology.layer, strict=True))
    members = _members(
        cells=[name for name, layer in layers if layer != "vessel"],
        leukocytes=[name for name, layer in layers if layer == "immune"],
        contacts=[contact.name for contact in biology.contacts],
        molecules=fields,
    )
    return (metric for metric in members if metric.ndim in (None, ndim))


def _members(
    *, cells: Sequence[str], leukocytes: Sequence[str], contacts: Sequence[str], molecules: Sequence[str]
) -> Iterator[Metric]:
    """All metrics in the order of the registry; neighboring families of the same kind alternate, subject by subject."""
    subjects = {"": ("",), "cell": cells, "leukocyte": leukocytes, "contact": contacts, "molecule": molecules}
    for family, group in groupby(METRICS, key=lambda metric: metric.family):
        together = list(group)
        yield from (metric.of(subject) for subject in subjects[family] for metric in together)


# ------------------------------------------------------------------ how they are computed


class _Well:
    """One well of a model as metrics see it.

    core, margin : masks over its sites. dead, living : over the cells of the tissue, those of this well. of_tumor :
    cells of the tumor's kinds. tumor : those that live.
    """

    def __init__(self, model: Simulation, well: int) -> None:
        self.biology, self.tissue, self.number = model.biology, model.tissue, well
        self.cells, self.lattice = model.tissue.cells, model.tissue.lattice
        self.core, self.margin = compartments(model.tissue, well)
        here = self.lattice.well_of(self.cells.site) == well
        self.living: NDArray[np.bool_] = here & (self.cells.fate == ALIVE)
        self.dead: NDArray[np.bool_] = here & (self.cells.fate != ALIVE)
        self.of_tumor = np.isin(self.cells.kind, self.tissue.tumor_kinds)
        self.tumor = self.living & self.of_tumor
        mine = np.flatnonzero(here)
        self._by_key = mine[np.argsort(self.cells.key[mine])]

    def of(self, cell: str) -> NDArray[np.bool_]:
        """A mask of the living cells of a type, which the biology need not have."""
        chosen: NDArray[np.bool_] = self.living & (self.cells.kind == self.biology.cell_index.get(cell, -1))
        return chosen

    def rows(self, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The rows of this well in a mask of cells, ordered by key: no digit of a sum depends on the order of rows."""
        return self._by_key[chosen[self._by_key]]

    def area(self, part: NDArray[np.bool_]) -> float:
        """The area of a part of the lattice [mm² of section]."""
        return float(part.sum() * self.lattice.site_area * parse("1 /mm^2", "areal_density"))

    def density(self, cell: str, part: NDArray[np.bool_]) -> float:
        """Cells of a type in a part of the lattice, per mm² of section; NaN if the biology has no such cells."""
        if cell not in self.biology.cell_index:
            return np.nan
        return _ratio(part[self.cells.site[self.of(cell)] % self.lattice.n_sites_per_well].sum(), self.area(part))

    def mean(self, column: str, cell: str) -> float:
        """Mean of a column over the cells of a type."""
        return _mean(self.cells[column][self.rows(self.of(cell))])

    def events(self, prefix: str) -> float:
        """Events of all kinds that begin with `prefix`, since the start."""
        return sum(float(n[self.number]) for event, n in self.tissue.ledger.items() if event.startswith(prefix))

    def radius(self) -> float:
        """Root mean square distance of tumor cells from their center [µm], scaled to that of a full disc or ball."""
        if not self.tumor.any():
            return 0.0
        at = self.lattice.coordinates(self.cells.site[self.rows(self.tumor)])
        spread = float(((at - at.mean(axis=0)) ** 2).sum(axis=1).mean())
        ndim = self.lattice.ndim
        return float(np.sqrt(spread * (ndim + 2) / ndim))


def _ratio(top: float, bottom: float) -> float:
    return float(top) / float(bottom) if bottom > 0 else np.nan


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else np.nan


# ------------------------------------------------------------------ the registry

METRICS: tuple[Metric, ...] = (
    Metric(
        name="{cell} cells",
        title="{cell} cells",
        titles={"tumor": "Tumor cells"},
        unit="cells",
        compute=lambda well, cell: float(well.of(cell).sum()),
    ),
    Metric(
        name="{leukocyte} core",
        title="{leukocyte}, tumor core",
        unit=PER_MM2,
        compute=lambda well, cell: well.density(cell, well.core),
    ),
    Metric(
        name="{leukocyte} margin",
        title="{leukocyte}, tumor margin",
        unit=PER_MM2,
        compute=lambda well, cell: well.density(cell, well.margin),
    ),
    Metric(
        name="Treg:CD8",
        title="Treg to CD8 ratio",
        compute=lambda well, _: _ratio(well.density("Treg", well.core), well.density("CD8", well.core)),
    ),
    Metric(
        name="core area",
        title="Area of the tumor core",
        unit="mm²",
        compute=lambda well, _: well.area(well.core),
        ndim=2,
    ),
    Metric(
        name="core volume",
        title="Volume of the tumor core",
        unit="mm³",
        compute=lambda well, _: float(well.core.sum() * well.lattice.site_volume / parse("1 mm", "length") ** 3),
        ndim=3,
    ),
    Metric(name="tumor radius", title="Tumor radius", unit="µm", compute=lambda well, _: well.radius()),
    Metric(
        name="dead tumor cells",
        title="Dead tumor cells, not yet cleared",
        unit="cells",
        compute=lambda well, _: float((well.dead & well.of_tumor).sum()),
    ),
    Metric(
        name="mean M1 score",
        title="Macrophages: M1 score (0 M2, 1 M1)",
        compute=lambda well, _: well.mean("polarization", "TAM"),
    ),
    Metric(
        name="mean N1 score",
        title="Neutrophils: N1 score (0 N2, 1 N1)",
        compute=lambda well, _: well.mean("polarization", "TAN"),
    ),
    Metric(
        name="mean exhaustion",
        title="CD8: exhaustion (0 to 1)",
        compute=lambda well, _: well.mean("exhaustion", "CD8"),
    ),
    Metric(
        name="mean activation",
        title="CD8: activation (0 to 1)",
        compute=lambda well, _: well.mean("activation", "CD8"),
    ),
    Metric(
        name="mean {contact}",
        title="{contact} on tumor cells",
        titles={"PDL1": "PD-L1 on tumor cells", "MHC1": "MHC-I on tumor cells"},
        unit="level",
        compute=lambda well, contact: _mean(well.cells[expression_column(contact)][well.rows(well.tumor)]),
    ),
    Metric(
        name="kills",
        title="Tumor cells killed so far",
        unit="cells",
        compute=lambda well, _: well.events("cytotoxicity of "),
    ),
    Metric(
        name="kills per engaged day",
        title="Kills by a killer, per day bound",
        unit="per day",
        # Of engagement: comparable with what is filmed in vivo.
        compute=lambda well, _: _ratio(
            well.events("cytotoxicity of "), well.events("engaged minutes of ") / MINUTES_PER_DAY
        ),
    ),
    Metric(
        name="{molecule} core",
        title="{molecule}, tumor core",
        unit="nM",
        compute=lambda well, molecule: _mean(
            well.tissue.fields[molecule].reshape(well.lattice.wells, -1)[well.number, well.core]
        ),
    ),
)
"""Every metric. Columns of results are in this order."""

HEADLINES = (
    "tumor cells", "CD8 core", "CD8 margin", "Treg:CD8", "kills", "kills per engaged day",
    "mean exhaustion", "NK core", "Treg core", "TAM core", "M-MDSC core", "PMN-MDSC core", "TAN core",
    "mean M1 score", "mean N1 score", "mean PDL1", "mean MHC1", "IFNG core", "CXCL10 core", "TGFB core",
    "CSF1 core",
)  # fmt: skip
"""The metrics that a tumor immunologist reads first, in this order; reports show the others below."""
