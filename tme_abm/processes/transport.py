"""Secretion, uptake and transport: cells make and take up molecules, which diffuse and decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology, Molecule
from ..core.parallel import side_by_side, thread_count
from ..core.units import MOLECULES_PER_NM_UM3
from ..kernels.fields import METHODS, Method, Problem, choose_method
from ..tissue import Tissue

__all__ = ["Secretion", "Transport"]

# Sites up to which many fields at once are faster than one after the other, which stay in the cache.
_TOGETHER = 1 << 15
# Numbers in all fields from which threads gain more than they lose by waiting for each other between two arrays. Two of
# them took 2 times the wall time of one at 46,000, the same at 182,000, 0.8 of it at 450,000 and 0.6 at 4.6 million.
_WORTH_THREADS = 1 << 18

Grid = NDArray[np.floating]
Levels = dict[str, Grid]
"""New concentrations by molecule."""


class Secretion:
    """Living cells and vessels secrete molecules at the rate of their rules and take others up by their receptors."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, stroma: Mapping[str, float]) -> None:
        """`stroma` is the production [nM/min] by the tissue outside the tumor, by molecule."""
        self.biology = biology
        self.stroma = dict(stroma)
        self.secreted = [
            (molecule, behavior, biology.kinds_with(behavior))
            for molecule, behavior in biology.family("secretion").items()
        ]
        self.vascular = [
            (kind, molecule, behavior)
            for kind, layer in enumerate(biology.layer)
            if layer == "vessel"
            for molecule, behavior in biology.family("secretion").items()
            if biology.base[kind, biology.behavior_index[behavior]] != 0
            or any(p.cell == kind and p.behavior == biology.behavior_index[behavior] for p in biology.programs)
        ]
        self.consumed = [
            (biology.molecules[column].name, int(kind), float(biology.uptake[kind, column]))
            for kind, column in np.argwhere(biology.uptake > 0)
        ]

    def __call__(self, tissue: Tissue, dt: float) -> None:
        fields, cells = tissue.fields, tissue.cells
        to_level = 1.0 / (tissue.lattice.site_volume * MOLECULES_PER_NM_UM3)
        kinds_here = range(len(self.biology.cells))
        sites = [cells.site[tissue.behavior.rows_of(kind)].astype(np.intp) for kind in kinds_here]
        for molecule, behavior, kinds in self.secreted:
            if molecule not in fields:
                continue
            for kind in kinds:
                if len(sites[kind]):
                    rate = tissue.behavior.of(kind, behavior)
                    fields.add_source(molecule, sites[kind], np.asarray(rate) * to_level)
        for kind, molecule, behavior in self.vascular:
            if molecule in fields:
                rate = tissue.behavior.at_sites(kind, behavior, tissue.vessels)
                fields.add_source(molecule, tissue.vessels, rate * to_level)
        for molecule, kind, clearance in self.consumed:
            if molecule in fields and len(sites[kind]):
                fields.add_uptake(molecule, sites[kind], clearance / tissue.lattice.site_volume)
        self._from_outside(tissue, to_level)

    def _from_outside(self, tissue: Tissue, to_level: float) -> None:
        """Add what stroma, baths, depots and the blood bring in."""
        fields, controls = tissue.fields, tissue.controls
        outside = np.flatnonzero(~tissue.tumor_sites)
        for molecule, rate in self.stroma.items():
            if molecule in fields:
                fields.add_source(molecule, outside, rate)
        for molecule, rate in controls.bath.items():
            fields.source[molecule] += rate
        for molecule, sites, rate in controls.depots:
            fields.add_source(molecule, sites, rate * to_level * tissue.lattice.wells / len(sites))
        carried = {m.name: (m.level, m.exchange) for m in self.biology.molecules if m.exchange > 0}
        for name, (level, exchange) in (carried | controls.blood).items():
            if name in fields:
                fields.add_uptake(name, tissue.vessels, exchange)
                fields.add_source(name, tissue.vessels, exchange * level)


class Transport:
    """Molecules diffuse, decay and are taken up; each field by the solver that fits its diffusion length."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, biology: Biology, methods: Mapping[str, Method], tolerance: float, threads: int | None = None
    ) -> None:
        """`methods` overrides the solver by molecule; `tolerance` is the relative residual of implicit steps; `threads`
        is the number of fields solved at a time, by default `thread_count()`; no result depends on it.
        """
        self.biology = biology
        self.methods = dict(methods)
        self.tolerance = tolerance
        self.threads = thread_count() if threads is None else threads

    def __call__(self, tissue: Tissue, dt: float) -> None:
        for levels in side_by_side(*self._pieces(tissue, dt)):
            tissue.fields.concentration |= levels
        tissue.fields.clear()

    def _pieces(self, tissue: Tissue, dt: float) -> tuple[list[Callable[[], Levels]], int]:
        """The independent pieces of the step, the most expensive first, and the number of threads for them."""
        fields, lattice = tissue.fields, tissue.lattice
        molecules = [one for one in self.biology.molecules if one.name in fields]
        threads = self.threads if lattice.n_sites * len(molecules) >= _WORTH_THREADS else 1
        busy = [one for one in molecules if fields[one.name].any() or fields.source[one.name].any()]
        together: dict[tuple[Method, bool], list[Molecule]] = {("implicit", True): [], ("spectral", False): []}
        alone: list[Molecule] = []
        for one in busy:
            consumed = _consumed(one, tissue)
            fits = (self._method(one, tissue, dt, bool(consumed.any())), bool(consumed.all()))
            many = lattice.n_sites <= _TOGETHER and fits in together
            (together[fits] if many else alone).append(one)
        alone.sort(key=lambda one: one.name not in fields.uptake)
        pieces: list[Callable[[], Levels]] = [
            partial(self._together, several[hand::threads], tissue, dt)
            for several in together.values()
            for hand in range(min(threads, len(several)))
        ]
        return pieces + [partial(self._alone, one, tissue, dt) for one in alone], threads

    def _together(self, molecules: Sequence[Molecule], tissue: Tissue, dt: float) -> Levels:
        """The step of several molecules of one method, in all wells."""
        fields, lattice = tissue.fields, tissue.lattice
        has_uptake = bool(_consumed(molecules[0], tissue).any())
        method = self._method(molecules[0], tissue, dt, has_uptake)
        problem = Problem(
            dt=dt,
            diffusivity=np.array([one.diffusivity for one in molecules]),
            decay=np.array([one.decay for one in molecules]),
            uptake=np.stack([fields.uptake[one.name] for one in molecules]) if has_uptake else 0.0,
            source=np.stack([fields.source[one.name] for one in molecules]),
            spacing=lattice.spacing,
            ndim=lattice.ndim,
        )
        levels = np.stack([fields[one.name] for one in molecules])
        new = METHODS[method](levels, problem, tolerance=self.tolerance)
        return {one.name: level for one, level in zip(molecules, new, strict=True)}

    def _alone(self, molecule: Molecule, tissue: Tissue, dt: float) -> Levels:
        """The step of one molecule, each well by the method that fits it, whatever happens in the others."""
        fields, lattice, name = tissue.fields, tissue.lattice, molecule.name
        new, consumed = np.empty_like(fields[name]), _consumed(molecule, tissue)
        mixed = consumed.any() and not consumed.all()
        for wells in (consumed, ~consumed) if mixed else (...,):
            has_uptake = bool(consumed[wells].any())
            method = self._method(molecule, tissue, dt, has_uptake)
            problem = Problem(
                dt=dt,
                diffusivity=molecule.diffusivity,
                decay=molecule.decay,
                uptake=fields.uptake[name][wells] if has_uptake else 0.0,
                source=fields.source[name][wells],
                spacing=lattice.spacing,
                ndim=lattice.ndim,
            )
            new[wells] = METHODS[method](fields[name][wells], problem, tolerance=self.tolerance)
        return {name: new}

    def _method(self, molecule: Molecule, tissue: Tissue, dt: float, has_uptake: bool) -> Method:
        spacing = tissue.lattice.spacing
        return self.methods.get(molecule.name) or choose_method(
            diffusivity=molecule.diffusivity, dt=dt, spacing=spacing, has_uptake=has_uptake
        )


def _consumed(molecule: Molecule, tissue: Tissue) -> NDArray[np.bool_]:
    """Mark the wells (wells,) in which something takes the molecule up."""
    wells, uptake = tissue.lattice.wells, tissue.fields.uptake.get(molecule.name)
    if uptake is None:
        return np.zeros(wells, dtype=bool)
    return np.asarray(uptake.reshape(wells, -1).any(axis=1), dtype=bool)
