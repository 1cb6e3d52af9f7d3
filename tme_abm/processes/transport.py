"""Secretion, uptake and transport: cells make and take up molecules, which diffuse and decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology, Molecule
from ..core.parallel import side_by_side, threads_wanted
from ..core.units import MOLECULES_PER_NM_UM3
from ..kernels.fields import METHODS, Method, Problem, choose_method, implicit_step, spectral_step
from ..tissue import Lattice, Tissue

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
        is the number of fields solved at a time, by default `threads_wanted()`; no result depends on it.
        """
        self.biology = biology
        self.methods = dict(methods)
        self.tolerance = tolerance
        self.threads = threads_wanted() if threads is None else threads

    def __call__(self, tissue: Tissue, dt: float) -> None:
        for levels in side_by_side(*self._pieces(tissue, dt)):
            tissue.fields.concentration |= levels
        tissue.fields.clear()

    def _pieces(self, tissue: Tissue, dt: float) -> tuple[list[Callable[[], Levels]], int]:
        """The independent pieces of the step, the most expensive first, and the number of threads for them."""
        fields, lattice = tissue.fields, tissue.lattice
        alone = [molecule for molecule in self.biology.molecules if molecule.name in fields]
        threads = self.threads if lattice.n_sites * len(alone) >= _WORTH_THREADS else 1
        pieces: list[Callable[[], Levels]] = []
        if lattice.n_sites <= _TOGETHER:
            for belongs, steps in ((self._is_implicit, self._implicit_steps), (self._is_exact, self._exact_steps)):
                several = [one for one in alone if belongs(one, tissue, dt)]
                pieces += [partial(steps, part, tissue, dt) for part in _dealt(several, threads)]
                alone = [one for one in alone if one not in several]
        alone.sort(key=lambda one: one.name not in fields.uptake)
        pieces += [partial(self._step_alone, one, tissue, dt) for one in alone]
        return pieces, threads

    def _step_alone(self, molecule: Molecule, tissue: Tissue, dt: float) -> Levels:
        """The step of one molecule, each well by the solver that fits it, whatever happens in the others."""
        fields, lattice = tissue.fields, tissue.lattice
        level, source = fields[molecule.name], fields.source[molecule.name]
        uptake = fields.uptake.get(molecule.name)
        consumed = self._consumed(uptake, lattice)
        if uptake is None or not consumed.any():
            new = self._step(molecule, lattice, level, source, None, dt)
        elif consumed.all():
            new = self._step(molecule, lattice, level, source, uptake, dt)
        else:
            new = np.empty_like(level)
            for wells, sink in ((consumed, uptake[consumed]), (~consumed, None)):
                new[wells] = self._step(molecule, lattice, level[wells], source[wells], sink, dt)
        return {molecule.name: new}

    def _exact_steps(self, molecules: Sequence[Molecule], tissue: Tissue, dt: float) -> Levels:
        """The exact steps of several molecules, taken at once."""
        levels, problem = self._together(molecules, tissue, dt)
        return _by_name(molecules, spectral_step(levels, problem))

    def _implicit_steps(self, molecules: Sequence[Molecule], tissue: Tissue, dt: float) -> Levels:
        """The implicit steps of several molecules that every well takes up, taken at once."""
        uptake = np.stack([tissue.fields.uptake[one.name] for one in molecules])
        levels, problem = self._together(molecules, tissue, dt, uptake)
        return _by_name(molecules, implicit_step(levels, problem, tolerance=self.tolerance))

    @staticmethod
    def _together(
        molecules: Sequence[Molecule], tissue: Tissue, dt: float, uptake: Grid | float = 0.0
    ) -> tuple[Grid, Problem]:
        """The levels of several molecules (k, *field_shape) and their common problem."""
        fields, lattice = tissue.fields, tissue.lattice
        problem = Problem(
            dt=dt,
            diffusivity=np.array([one.diffusivity for one in molecules]),
            decay=np.array([one.decay for one in molecules]),
            uptake=uptake,
            source=np.stack([fields.source[one.name] for one in molecules]),
            spacing=lattice.spacing,
            ndim=lattice.ndim,
        )
        return np.stack([fields[one.name] for one in molecules]), problem

    def _is_implicit(self, molecule: Molecule, tissue: Tissue, dt: float) -> bool:
        """Whether the implicit step is the one for this molecule now, in all wells."""
        fields = tissue.fields
        if self._method(molecule, tissue.lattice, dt, has_uptake=True) != "implicit":
            return False
        if not self._consumed(fields.uptake.get(molecule.name), tissue.lattice).all():
            return False
        return bool(fields[molecule.name].any() or fields.source[molecule.name].any())

    def _is_exact(self, molecule: Molecule, tissue: Tissue, dt: float) -> bool:
        """Whether the exact step is the one for this molecule now."""
        fields = tissue.fields
        if self._method(molecule, tissue.lattice, dt, has_uptake=False) != "spectral":
            return False
        if self._consumed(fields.uptake.get(molecule.name), tissue.lattice).any():
            return False
        return bool(fields[molecule.name].any() or fields.source[molecule.name].any())

    def _method(self, molecule: Molecule, lattice: Lattice, dt: float, *, has_uptake: bool) -> Method:
        return self.methods.get(molecule.name) or choose_method(
            diffusivity=molecule.diffusivity, dt=dt, spacing=lattice.spacing, has_uptake=has_uptake
        )

    @staticmethod
    def _consumed(uptake: Grid | None, lattice: Lattice) -> NDArray[np.bool_]:
        """Mark the wells (wells,) in which something takes the molecule up."""
        if uptake is None:
            return np.zeros(lattice.wells, dtype=bool)
        consumed: NDArray[np.bool_] = np.asarray(uptake.reshape(lattice.wells, -1).any(axis=1), dtype=bool)
        return consumed

    def _step(
        self, molecule: Molecule, lattice: Lattice, level: Grid, source: Grid, uptake: Grid | None, dt: float
    ) -> Grid:
        if not level.any() and not source.any():
            return level
        method = self._method(molecule, lattice, dt, has_uptake=uptake is not None)
        problem = Problem(
            dt=dt,
            diffusivity=molecule.diffusivity,
            decay=molecule.decay,
            uptake=0.0 if uptake is None else uptake,
            source=source,
            spacing=lattice.spacing,
            ndim=lattice.ndim,
        )
        return METHODS[method](level, problem, tolerance=self.tolerance)


def _by_name(molecules: Sequence[Molecule], levels: Grid) -> Levels:
    return {one.name: level for one, level in zip(molecules, levels, strict=True)}


def _dealt(molecules: Sequence[Molecule], hands: int) -> list[Sequence[Molecule]]:
    """The molecules in at most `hands` lists of about the same length."""
    return [molecules[hand::hands] for hand in range(min(hands, len(molecules)))]
