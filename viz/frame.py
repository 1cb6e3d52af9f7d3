"""A frame: everything the page shows of one moment, copied from the model between two steps.

Drawing happens in other threads than stepping. A frame shares no array with the model, so that it can be drawn,
colored anew and saved at leisure while the model goes on. Of a 3D tissue it holds the middle slice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tme_abm.biology import Biology
from tme_abm.core.units import MINUTES_PER_DAY
from tme_abm.model import TumorModel
from tme_abm.observe.compartments import compartments
from tme_abm.observe.metrics import measure
from tme_abm.observe.state import classify
from tme_abm.processes import Response, expression_column
from tme_abm.tissue import ALIVE, IMMUNE, Tissue

__all__ = ["EFFECTORS", "SUPPRESSORS", "Frame", "capture", "recruiters", "state_columns"]

EFFECTORS = ("CD8", "Th1", "NK")
SUPPRESSORS = ("Treg", "M-MDSC", "PMN-MDSC")
"""Whom chemokines call: those who kill and help to, and those who hold them back. Macrophages and neutrophils, which
can be either, are in neither group."""

_STATES = ("phase", "damage", "activation", "exhaustion", "polarization")


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The tissue at one moment. Lattice arrays are (ny, nx), arrays over its cells (n,).

    row, column: where a cell is. kind: index into `cell_names`. immune: whether it lies on the immune layer.
    columns: inner states and surface molecules by name. fields: concentrations [nM], with what a medium holds.
    called: by receptor, the mean occupancy [0, 1] that chemokines would give it at the vessels. summoned: by group, how
    many leukocytes a day the signals at a vessel ask for, averaged over the vessels, as long as the blood has all of
    them. treated: the days on which something began to be done to the tumor.
    """

    step: int
    day: float
    days: float
    spacing: float
    slice: int | None
    cell_names: tuple[str, ...]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    kind: NDArray[np.int64]
    living: NDArray[np.bool_]
    immune: NDArray[np.bool_]
    columns: Mapping[str, NDArray[np.float64]]
    vessel: NDArray[np.bool_]
    core: NDArray[np.bool_]
    fields: Mapping[str, NDArray[np.float32]]
    measures: Mapping[str, float]
    state: str
    called: Mapping[str, float]
    summoned: Mapping[str, float]
    treated: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.core.shape[0], self.core.shape[1]


def capture(model: TumorModel) -> Frame:
    """A copy of what there is to see of `model`; call it between two steps."""
    tissue, biology = model.tissue, model.biology
    shape = tuple(tissue.lattice.shape)
    depth = shape[0] // 2 if len(shape) == 3 else None
    places = np.unravel_index(tissue.cells.site, shape)
    here = np.ones(len(tissue.cells), dtype=bool) if depth is None else places[0] == depth
    vessel = np.zeros(tissue.lattice.n_sites, dtype=bool)
    vessel[tissue.vessels] = True
    core, _ = compartments(tissue)
    measures = measure(model)

    def flat(grid: NDArray[np.generic]) -> NDArray[np.generic]:
        plane = grid.reshape(shape)
        return plane.copy() if depth is None else plane[depth].copy()

    return Frame(
        step=tissue.clock.step,
        day=model.day,
        days=model.scenario.clock.days,
        spacing=tissue.lattice.spacing,
        slice=depth,
        cell_names=biology.cells,
        row=places[-2][here],
        column=places[-1][here],
        kind=tissue.cells.kind[here].astype(np.int64),
        living=tissue.cells.fate[here] == ALIVE,
        immune=tissue.layer[here] == IMMUNE,
        columns={name: tissue.cells[column][here] for name, column in state_columns(biology).items()},
        vessel=np.asarray(flat(vessel), dtype=bool),
        core=np.asarray(flat(core), dtype=bool),
        fields={name: np.asarray(flat(level), dtype=np.float32) for name, level in _levels(tissue).items()},
        measures=measures,
        state=classify(measures),
        called=_called(tissue, biology),
        summoned=_summoned(tissue, biology),
        treated=tuple(
            sorted({one.start / MINUTES_PER_DAY for one in model.scenario.protocol if one.start <= tissue.clock.time})
        ),
    )


def state_columns(biology: Biology) -> dict[str, str]:
    """What cells can be colored by -> its column in the tissue."""
    return {name: name for name in _STATES} | {c.name: expression_column(c.name) for c in biology.contacts}


def recruiters(biology: Biology) -> dict[str, tuple[str, ...]]:
    """Receptors that some leukocyte follows by chemotaxis -> the cells that do, in the order of the catalogue."""
    return {
        receptor.name: tuple(
            cell
            for kind, cell in enumerate(biology.cells)
            if biology.layer[kind] == "immune" and biology.chemotaxis[kind, number] > 0
        )
        for number, receptor in enumerate(biology.receptors)
        if (biology.chemotaxis[:, number] > 0).any()
    }


def _levels(tissue: Tissue) -> dict[str, NDArray[np.floating]]:
    """Concentrations [nM], in the shape of the lattice: what is dissolved, and what a medium holds on top."""
    found: dict[str, NDArray[np.floating]] = {name: tissue.fields[name] for name in tissue.fields}
    shape = tuple(tissue.lattice.shape)
    for name, held in tissue.controls.held.items():
        level = np.broadcast_to(held, tissue.lattice.n_sites).reshape(shape)
        found[name] = found[name].reshape(shape) + level if name in found else level
    return found


def _called(tissue: Tissue, biology: Biology) -> dict[str, float]:
    """Mean occupancy at the vessels, Σ(L/Kd) / (1 + Σ(L/Kd)), of the receptors that leukocytes follow."""
    found, senses = {}, Response(biology, tissue).senses
    for name in recruiters(biology):
        bound = np.zeros(len(tissue.vessels))
        for ligand, dissociation in biology.receptors[biology.receptor_index[name]].ligands:
            if ligand not in biology.contact_index:
                bound += senses.level(ligand, tissue.vessels, None) / dissociation
        found[name] = float(np.mean(bound / (1 + bound))) if len(bound) else 0.0
    return found


def _summoned(tissue: Tissue, biology: Biology) -> dict[str, float]:
    """Arrivals a day and vessel that receptors and adhesion allow, for either group."""
    if not len(tissue.vessels):
        return {"effectors": 0.0, "suppressors": 0.0}
    response = Response(biology, tissue)
    adhesion = np.ones(len(tissue.vessels))
    for kind, layer in enumerate(biology.layer):
        if layer == "vessel":
            adhesion *= response.at_sites(kind, "adhesion", tissue.vessels)

    def of(names: tuple[str, ...]) -> float:
        kinds = [biology.cell_index[name] for name in names if name in biology.cell_index]
        rates = [response.at_sites(kind, "extravasation", tissue.vessels) * adhesion for kind in kinds]
        return MINUTES_PER_DAY * float(np.sum(rates)) / len(tissue.vessels)

    return {"effectors": of(EFFECTORS), "suppressors": of(SUPPRESSORS)}
