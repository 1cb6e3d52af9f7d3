"""Secretion, uptake and transport: cells make and take up molecules, which diffuse and decay."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..biology.compiled import Biology
from ..core.parallel import side_by_side, thread_count
from ..core.units import MOLECULES_PER_NM_UM3
from ..kernels.fields import METHODS, Method, Problem, choose_method, relative_change, total
from ..tissue import Tissue

__all__ = ["Secretion", "Transport"]

# Voxels solved at once: few calls, and what a solver works on stays in the cache.
_AT_ONCE = 1 << 18
# Numbers to be solved from which threads gain more than they lose by waiting for each other between two arrays. Two of
# them took 2 times the wall time of one at 46,000, the same at 182,000, 0.8 of it at 450,000 and 0.6 at 4.6 million.
_WORTH_THREADS = 1 << 18
# Minutes that a field waits at most: it may stand still because two changes cancel each other.
_LONGEST = 60.0

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


class Secretion:
    """Living cells and vessels secrete molecules at the rate of their rules and take others up by their receptors.

    Uptake that saturates is V c / (K + c): cells clear V / (K + c), with the level c that the field has now. The field
    is implicit in c, so that it settles on the solution from step to step, from either side without overshoot.
    """

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, stroma: Mapping[str, float]) -> None:
        """`stroma` is the production [nM/min] by the tissue outside the tumor, by molecule."""
        self.biology = biology
        self.stroma = dict(stroma)
        ruled = {(program.cell, program.behavior) for program in biology.programs}
        family = [(*pair, biology.behavior_index[pair[1]]) for pair in biology.family("secretion").items()]
        self.secreted = [(molecule, behavior, biology.kinds_with(behavior)) for molecule, behavior, _ in family]
        self.vascular = [
            (kind, molecule, behavior)
            for kind, layer in enumerate(biology.layer)
            if layer == "vessel"
            for molecule, behavior, n in family
            if (kind, n) in ruled or biology.base[kind, n] != 0
        ]
        self.consumed = [
            (biology.molecules[column], int(kind), float(biology.uptake[kind, column]))
            for column, kind in np.argwhere(biology.uptake.T > 0)
        ]
        self.carried = {m.name: (m.level, m.exchange) for m in biology.molecules if m.exchange > 0}

    def __call__(self, tissue: Tissue, dt: float) -> None:
        fields, cells = tissue.fields, tissue.cells
        to_level = 1.0 / (tissue.lattice.site_volume * MOLECULES_PER_NM_UM3)
        kinds_here = range(len(self.biology.cells))
        sites = [cells.site.take(tissue.behavior.rows_of(kind)).astype(np.intp) for kind in kinds_here]
        # Molecule after molecule: a field stays in the cache. Kind after kind takes 1.2 of the time for 100,000 cells.
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
            if molecule.name in fields and len(sites[kind]):
                cleared: Array | float = clearance / tissue.lattice.site_volume
                if molecule.saturation < np.inf:
                    cleared = cleared / (1.0 + fields[molecule.name].reshape(-1)[sites[kind]] / molecule.saturation)
                fields.add_uptake(molecule.name, sites[kind], cleared)
        self._from_outside(tissue, to_level)

    def _from_outside(self, tissue: Tissue, to_level: float) -> None:
        """Add what stroma, baths, depots and the blood bring in."""
        fields, controls = tissue.fields, tissue.controls
        stroma = {molecule: rate for molecule, rate in self.stroma.items() if molecule in fields}
        if stroma:
            outside = ~tissue.tumor_sites.reshape(tissue.lattice.field_shape)
            for molecule, rate in stroma.items():
                source = fields.source[molecule]
                source += np.multiply(outside, rate, dtype=fields.dtype)
        for molecule, rate in controls.bath.items():
            source = fields.source[molecule]
            source += rate
        for molecule, sites, rate in controls.depots:
            fields.add_source(molecule, sites, rate * to_level / (len(sites) // tissue.lattice.wells))
        for name, (level, exchange) in (self.carried | controls.blood).items():
            if name in fields:
                fields.add_uptake(name, tissue.vessels, exchange)
                fields.add_source(name, tissue.vessels, exchange * level)


class Transport:
    """Molecules diffuse, decay and are taken up; each field by the solver that fits its diffusion length.

    A field that hardly changes waits: what is secreted and taken up adds up, and is solved in one longer step when the
    field may have changed by `lag`, in its L2 norm, since the last one. How much it may have changed is judged by its
    change in the last solution, and by how much more or less is secreted and taken up since then.
    """

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        biology: Biology,
        methods: Mapping[str, Method],
        tolerance: float,
        lag: float = 0.0,
        threads: int | None = None,
    ) -> None:
        """`methods` overrides the solver by molecule; `tolerance` is the relative error of implicit steps; `lag` is
        0 to solve every field in every step; `threads` is the number of pieces solved at a time, by default
        `thread_count()`; no result depends on it.
        """
        self.biology = biology
        self.methods = dict(methods)
        self.tolerance = tolerance
        self.lag = lag
        self.threads = thread_count() if threads is None else threads

    def __call__(self, tissue: Tissue, dt: float) -> None:
        if not tissue.fields.row:
            return
        lattices = _Lattices(self.biology, tissue)
        due = lattices.due(self.lag, dt)
        these = np.flatnonzero(due & lattices.busy)
        threads = self.threads if lattices.size * len(these) >= _WORTH_THREADS else 1
        pieces = self._pieces(lattices, these, dt, threads)
        side_by_side([partial(self._solve, lattices, *piece, dt) for piece in pieces], threads)
        lattices.waited[due] = 0.0
        tissue.fields.clear(due.reshape(-1, tissue.lattice.wells))

    def _pieces(self, lattices: _Lattices, these: Numbers, dt: float, threads: int) -> list[tuple[Method, Numbers]]:
        """The independent pieces of the step, the most expensive first: lattices that are solved at once, and how."""
        alike: dict[tuple[bool, Method, tuple[float, ...]], list[int]] = {}
        each = zip(*(values[these].tolist() for values in (
            lattices.diffusivity, lattices.decay, lattices.waited * dt, lattices.consumed
        )), strict=True)  # fmt: skip
        for one, (diffusivity, decay, time, consumed) in zip(these.tolist(), each, strict=True):
            method = self.methods.get(lattices.names[one]) or choose_method(
                diffusivity=diffusivity, dt=time, spacing=lattices.spacing, has_uptake=consumed
            )
            # The stencil takes the same substeps everywhere.
            constants = (diffusivity, decay, time) if method == "stencil" else ()
            alike.setdefault((not consumed, method, constants), []).append(one)
        most = max(_AT_ONCE // lattices.size, 1)
        pieces = []
        for (_, method, _), group in sorted(alike.items()):
            at_once = min(most, -(-len(group) // threads))
            pieces += [(method, np.array(group[n : n + at_once])) for n in range(0, len(group), at_once)]
        return pieces

    def _solve(self, lattices: _Lattices, method: Method, these: Numbers, dt: float) -> None:
        """The step of `these` lattices by one method; what they have gathered is spread over the time they waited."""
        # A slice is a view: lattices that stand side by side are not copied.
        side = slice(these[0], these[-1] + 1)
        where = side if side.stop - side.start == len(these) else these
        level, source, waited = lattices.level[where], lattices.source[where], lattices.waited[where]
        uptake = lattices.uptake[where] if lattices.consumed[these[0]] else None
        if (waited > 1).any():
            share = (1.0 / waited).astype(level.dtype).reshape(-1, *(1,) * (level.ndim - 1))
            source = np.multiply(source, share, out=None if where is side else source)
            if uptake is not None:
                uptake = np.multiply(uptake, share, out=None if where is side else uptake)
        problem = Problem(
            dt=dt * waited,
            diffusivity=lattices.diffusivity[where],
            decay=lattices.decay[where],
            uptake=0.0 if uptake is None else uptake,
            source=source,
            spacing=lattices.spacing,
            ndim=level.ndim - 1,
        )
        new = METHODS[method](level, problem, tolerance=self.tolerance)
        if self.lag:
            lattices.change[where] = relative_change(level, new) / problem.dt
        lattices.level[where] = new


class _Lattices:
    """Each molecule in each well as a lattice of its own, molecule by molecule: whatever happens in other wells, it is
    solved when it is due and by the method that fits it.

    level, source, uptake: (lattices, *shape). amount, produced, eaten: their sums, (lattices,). waited, change, supply,
    drain: (lattices,), see `Fields.pace`. busy: whether there is anything of the molecule. consumed: whether anything
    takes it up.
    """

    def __init__(self, biology: Biology, tissue: Tissue) -> None:
        fields, lattice = tissue.fields, tissue.lattice
        self.spacing, self.size = lattice.spacing, lattice.n_sites_per_well
        self.names, self.diffusivity, self.decay = _constants(biology, tuple(fields.row), lattice.wells)
        blocks = fields.concentrations, fields.sources, fields.uptakes
        self.level, self.source, self.uptake = (block.reshape(-1, *lattice.shape) for block in blocks)
        self.waited, self.change, self.supply, self.drain = fields.pace.reshape(len(self.level), 4).T
        # Nothing is negative: where a sum is zero there is nothing, and what is not a number is left to the solver.
        self.amount, self.produced, self.eaten = (total(block) for block in (self.level, self.source, self.uptake))
        self.busy = (self.amount != 0) | (self.produced != 0)
        self.consumed = self.eaten != 0

    def due(self, lag: float, dt: float) -> NDArray[np.bool_]:
        """Count this step as waited for, and mark the lattices that are to be solved now.

        The diffusion operator moves nothing away from the solution, so that a field changes within a time t by at most
        t times its last rate of change, plus what is produced or taken up beyond the last rates.
        """
        self.waited += 1.0
        if not lag:
            return np.ones(len(self.waited), dtype=bool)
        produced, eaten = self.produced / self.waited, self.eaten / self.waited
        with np.errstate(divide="ignore", invalid="ignore"):
            more = np.abs(produced - self.supply) / self.amount + np.abs(eaten - self.drain) / self.size
            changed = dt * self.waited * (self.change + more)
        due: NDArray[np.bool_] = ~(changed <= lag) | (dt * (self.waited + 1.0) > _LONGEST)
        self.supply[due], self.drain[due] = produced[due], eaten[due]
        return due


@lru_cache(maxsize=8)
def _constants(biology: Biology, names: tuple[str, ...], wells: int) -> tuple[list[str], Array, Array]:
    """Molecule, diffusivity [µm²/min] and decay [1/min] of each lattice."""
    known = {molecule.name: (molecule.diffusivity, molecule.decay) for molecule in biology.molecules}
    each = [name for name in names for _ in range(wells)]
    diffusivity, decay = np.array([known[name] for name in each]).T
    return each, diffusivity, decay
