"""A frame: all that the page shows of one moment, copied from the model between two steps; and the history of frames.

Drawing happens in other threads than stepping. A frame shares no array with the model, so that it can be drawn,
colored anew and saved while the model goes on. A run keeps snapshots of the whole tissue with all columns of its cells;
a frame is taken for every picture, and so copies the middle slice of a 3D tissue, and of a cell what can be shown.
"""

from __future__ import annotations

import csv
import io
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

__all__ = ["EFFECTORS", "MATRIX", "SUPPRESSORS", "Frame", "History", "capture", "state_columns"]

EFFECTORS = ("CD8", "Th1", "NK")
SUPPRESSORS = ("Treg", "M-MDSC", "PMN-MDSC")
"""Whom chemokines call: those who kill and help to, and those who hold them back. Macrophages and neutrophils, which
can be either, are in neither group."""

MATRIX = "matrix"
"""The overlay that is no molecule."""

_STATES = ("phase", "damage", "activation", "exhaustion", "polarization")


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The tissue at one moment. Lattice arrays are (ny, nx), arrays over its cells (n,).

    row, column: where a cell is. kind: index into `cell_names`. immune: whether it lies on the immune layer.
    columns: inner states and surface molecules by name. fields: concentrations [nM], with what a medium holds.
    matrix: its density, 0 to 1, where cells remodel it, else None.
    measures: all metrics; "called by RECEPTOR", the mean occupancy [0, 1] that chemokines would give it at the vessels;
    and "effectors called" and "suppressors called", how many a day the signals at a vessel ask for, averaged over the
    vessels, as long as the blood has all of them. treated: what began to be done to the tumor, by day.
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
    treated: Mapping[float, str]
    matrix: NDArray[np.float32] | None = None

    @property
    def overlays(self) -> Mapping[str, NDArray[np.float32]]:
        """What can be laid over the picture: the fields, and the matrix where it lives."""
        return self.fields if self.matrix is None else {**self.fields, MATRIX: self.matrix}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.core.shape[0], self.core.shape[1]

    @property
    def counts(self) -> dict[str, int]:
        """How many cells of each type live in the whole tissue, in the order of the catalogue."""
        names = {name: f"{name} cells" for name in self.cell_names}
        return {name: int(self.measures[metric]) for name, metric in names.items() if metric in self.measures}


class History:
    """What was measured of every frame so far. One thread may read while another adds."""

    def __init__(self) -> None:
        self.days: list[float] = []
        self._measures: list[Mapping[str, float]] = []

    def add(self, frame: Frame) -> None:
        """Append the measures of a frame that is later than the last one."""
        if not self.days or frame.day > self.days[-1]:
            self._measures.append(frame.measures)
            # Last, so that a reader who looks at the days first finds a value for each.
            self.days.append(frame.day)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """All values of a measure, (n,) or one more than there are days; NaN where it is not known."""
        return np.array([measures.get(name, np.nan) for measures in self._measures])

    def csv(self) -> str:
        """Tidy, as a run's series.csv: time_day, metric, value."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("time_day", "metric", "value"))
        for day, measures in zip(self.days, self._measures, strict=False):
            writer.writerows((repr(day), name, repr(float(value))) for name, value in measures.items())
        return out.getvalue()


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
        matrix=np.asarray(flat(tissue.matrix), dtype=np.float32) if tissue.matrix_lives else None,
        measures=measures | _called(tissue, biology),
        state=classify(measures),
        treated=_treated(model),
    )


def state_columns(biology: Biology) -> dict[str, str]:
    """What cells can be colored by -> its column in the tissue."""
    return {name: name for name in _STATES} | {c.name: expression_column(c.name) for c in biology.contacts}


def _treated(model: TumorModel) -> dict[float, str]:
    begun: dict[float, list[str]] = {}
    for item in model.scenario.protocol:
        if item.start <= model.clock.time:
            begun.setdefault(item.start / MINUTES_PER_DAY, []).append(item.says(model.catalogue))
    return {day: "; ".join(what) for day, what in sorted(begun.items())}


def _levels(tissue: Tissue) -> dict[str, NDArray[np.floating]]:
    """Concentrations [nM], in the shape of the lattice: what is dissolved, and what a medium holds on top."""
    found: dict[str, NDArray[np.floating]] = {name: tissue.fields[name] for name in tissue.fields}
    shape = tuple(tissue.lattice.shape)
    for name, held in tissue.controls.held.items():
        level = np.broadcast_to(held, tissue.lattice.n_sites).reshape(shape)
        found[name] = found[name].reshape(shape) + level if name in found else level
    return found


def _called(tissue: Tissue, biology: Biology) -> dict[str, float]:
    """How much of each receptor that leukocytes follow is held at the vessels, and how many of either group come."""
    vessels, found = tissue.vessels, {}
    response = Response(biology, tissue)
    for number, receptor in enumerate(biology.receptors):
        if (biology.chemotaxis[:, number] > 0).any():
            bound = np.zeros(len(vessels))
            for ligand, dissociation in receptor.ligands:
                if ligand not in biology.contact_index:
                    bound += response.senses.level(ligand, vessels, None) / dissociation
            found[f"called by {receptor.name}"] = float(np.mean(bound / (1 + bound))) if len(vessels) else 0.0
    adhesion = np.ones(len(vessels))
    for kind, layer in enumerate(biology.layer):
        if layer == "vessel":
            adhesion *= response.at_sites(kind, "adhesion", vessels)
    for group, names in (("effectors", EFFECTORS), ("suppressors", SUPPRESSORS)):
        kinds = [biology.cell_index[name] for name in names if name in biology.cell_index]
        rates = [response.at_sites(kind, "extravasation", vessels) * adhesion for kind in kinds]
        found[f"{group} called"] = MINUTES_PER_DAY * float(np.sum(rates)) / max(1, len(vessels))
    return found
