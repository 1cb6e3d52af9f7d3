"""Metrics: what a pathologist and an immunologist would count in the tissue, as one flat table of numbers.

Densities are per mm² of section, in the tumor *core* and in the *margin* around it. In 3D that is the mean over all
sections, each one spacing thick (cells per volume times the spacing), so the numbers compare with those of slides and
with those in 2D; the size of the core is a volume. Of a model with several wells each
metric is that of one well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.errors import InputError
from ..core.units import parse
from ..processes import expression_column
from ..tissue import ALIVE, Tissue
from .state import criteria

if TYPE_CHECKING:
    from ..model import TumorModel

__all__ = ["compartments", "measure", "measure_wells"]


def compartments(tissue: Tissue, well: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks (n_sites_per_well,) of the tumor core and of the margin in one well.

    The tumor is where its cells, smoothed, cover enough sites, with holes filled, islands included. The core is the
    tumor without its outermost border; the margin is that border and the tissue around.
    """
    known, lattice = criteria(), tissue.lattice
    if not 0 <= well < lattice.wells:
        raise InputError(f"no well {well}: the model has {lattice.wells}, numbered from 0", place="well")
    first, size = well * lattice.n_sites_per_well, lattice.n_sites_per_well
    tumor = np.zeros(lattice.n_sites)
    cells = tissue.cells
    # Dead tumor tissue is still core: a necrotic center is not stroma.
    tumor[cells.site[np.isin(cells.kind, tissue.tumor_kinds)]] = 1.0
    tumor = tumor[first : first + size]
    smooth = ndimage.gaussian_filter(tumor.reshape(lattice.shape), known.smoothing / lattice.spacing, mode="constant")
    inside = ndimage.binary_fill_holes(smooth > known.cover)
    if not inside.any():
        return np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    depth = ndimage.distance_transform_edt(inside) * lattice.spacing
    away = ndimage.distance_transform_edt(~inside) * lattice.spacing
    core = depth > known.border
    margin = (away <= known.margin) & ~core
    return core.ravel(), margin.ravel()


def measure_wells(model: TumorModel) -> list[dict[str, float]]:
    """All metrics of each well of a model now, in the order of the wells."""
    return [measure(model, well) for well in range(model.tissue.lattice.wells)]


def measure(model: TumorModel, well: int = 0) -> dict[str, float]:
    """All metrics of a model now, or of one of its wells; NaN where there is nothing to measure."""
    tissue, biology = model.tissue, model.biology
    cells, lattice = tissue.cells, tissue.lattice
    core, margin = compartments(tissue, well)
    per_mm2 = parse("1 /mm^2", "areal_density")
    core_area = core.sum() * lattice.site_area * per_mm2
    margin_area = margin.sum() * lattice.site_area * per_mm2
    here = lattice.well_of(cells.site) == well
    living = here & (cells.fate == ALIVE)
    measures: dict[str, float] = {}
    on_lattice = [(kind, name) for kind, name in enumerate(biology.cells) if biology.layer[kind] != "vessel"]
    for kind, name in on_lattice:
        measures[f"{name} cells"] = float((living & (cells.kind == kind)).sum())
    for kind, name in on_lattice:
        if biology.layer[kind] == "immune":
            sites = cells.site[living & (cells.kind == kind)] % lattice.n_sites_per_well
            measures[f"{name} core"] = _ratio(core[sites].sum(), core_area)
            measures[f"{name} margin"] = _ratio(margin[sites].sum(), margin_area)
    measures["Treg:CD8"] = _ratio(measures.get("Treg core", np.nan), measures.get("CD8 core", np.nan))
    if lattice.ndim == 2:
        measures["core area"] = float(core_area)
    else:
        measures["core volume"] = float(core.sum() * lattice.site_volume / parse("1 mm", "length") ** 3)
    tumor = living & np.isin(cells.kind, tissue.tumor_kinds)
    measures["tumor radius"] = _radius(tissue, tumor)
    measures["dead tumor cells"] = float((here & ~living & np.isin(cells.kind, tissue.tumor_kinds)).sum())
    measures |= _states(model, living, tumor)
    measures |= _killing(model, well)
    for name in tissue.fields:
        measures[f"{name} core"] = _mean(tissue.fields[name].reshape(lattice.wells, -1)[well, core])
    return measures


def _states(model: TumorModel, living: NDArray[np.bool_], tumor: NDArray[np.bool_]) -> dict[str, float]:
    cells, index = model.tissue.cells, model.biology.cell_index

    def mean(column: str, name: str) -> float:
        return _mean(cells[column][living & (cells.kind == index[name])]) if name in index else np.nan

    found = {
        "mean M1 score": mean("polarization", "TAM"),
        "mean N1 score": mean("polarization", "TAN"),
        "mean exhaustion": mean("exhaustion", "CD8"),
        "mean activation": mean("activation", "CD8"),
    }
    for contact in model.biology.contacts:
        found[f"mean {contact.name}"] = _mean(cells[expression_column(contact.name)][tumor])
    return found


def _killing(model: TumorModel, well: int) -> dict[str, float]:
    """Kills so far, and per day of engagement: comparable with what is filmed in vivo."""
    ledger = model.tissue.ledger
    kills = sum(float(number[well]) for event, number in ledger.items() if event.startswith("cytotoxicity of "))
    engaged = sum(float(number[well]) for event, number in ledger.items() if event.startswith("engaged minutes of "))
    day = parse("1 day", "time")
    return {"kills": kills, "kills per engaged day": _ratio(kills, engaged / day)}


def _radius(tissue: Tissue, tumor: NDArray[np.bool_]) -> float:
    """Root mean square distance of the tumor cells from their center [µm], scaled to that of a full disc or ball."""
    if not tumor.any():
        return 0.0
    at = tissue.lattice.coordinates(tissue.cells.site[tumor])
    spread = float(((at - at.mean(axis=0)) ** 2).sum(axis=1).mean())
    ndim = tissue.lattice.ndim
    return float(np.sqrt(spread * (ndim + 2) / ndim))


def _ratio(top: float, bottom: float) -> float:
    return float(top) / float(bottom) if bottom > 0 else np.nan


def _mean(values: NDArray[np.floating]) -> float:
    return float(values.mean(dtype=np.float64)) if len(values) else np.nan
