"""Secretion, uptake and transport: cells make and take up molecules, which diffuse and decay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ..biology.compiled import Biology
from ..kernels.fields import METHODS, Method, choose_method
from ..kernels.units import MOLECULES_PER_NM_UM3
from ..tissue import Tissue
from .process import behavior_family, kinds_with

__all__ = ["Secretion", "Transport"]


class Secretion:
    """Living cells and vessels secrete molecules at the rate of their rules and take others up by their receptors."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, stroma: Mapping[str, float]) -> None:
        """`stroma` is the production [nM/min] by the tissue outside the tumor, by molecule."""
        self.biology = biology
        self.stroma = dict(stroma)
        self.secreted = [
            (molecule, behavior, kinds_with(biology, behavior))
            for molecule, behavior in behavior_family(biology, "secretion").items()
        ]
        self.vascular = [
            (kind, molecule, behavior)
            for kind, layer in enumerate(biology.layer)
            if layer == "vessel"
            for molecule, behavior in behavior_family(biology, "secretion").items()
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
        for molecule, behavior, kinds in self.secreted:
            if molecule not in fields:
                continue
            for kind in kinds:
                rows = tissue.behavior.rows_of(kind)
                rate = tissue.behavior.of(kind, behavior)
                fields.add_source(molecule, cells.site[rows], np.asarray(rate) * to_level)
        for kind, molecule, behavior in self.vascular:
            if molecule in fields:
                rate = tissue.behavior.at_sites(kind, behavior, tissue.vessels)
                fields.add_source(molecule, tissue.vessels, rate * to_level)
        for molecule, kind, clearance in self.consumed:
            if molecule in fields:
                rows = tissue.behavior.rows_of(kind)
                fields.add_uptake(molecule, cells.site[rows], clearance / tissue.lattice.site_volume)
        self._from_outside(tissue, to_level)

    def _from_outside(self, tissue: Tissue, to_level: float) -> None:
        """What stroma, baths, depots and the blood bring in."""
        fields, controls = tissue.fields, tissue.controls
        outside = np.flatnonzero(~tissue.tumor_sites)
        for molecule, rate in self.stroma.items():
            if molecule in fields:
                fields.add_source(molecule, outside, rate)
        for molecule, rate in controls.bath.items():
            fields.source[molecule] += rate
        for molecule, sites, rate in controls.depots:
            fields.add_source(molecule, sites, rate * to_level / len(sites))
        carried = {m.name: (m.level, m.exchange) for m in self.biology.molecules if m.exchange > 0}
        for name, (level, exchange) in (carried | controls.blood).items():
            if name in fields:
                fields.add_uptake(name, tissue.vessels, exchange)
                fields.add_source(name, tissue.vessels, exchange * level)


class Transport:
    """Molecules diffuse, decay and are taken up; each field by the solver that fits its diffusion length."""

    writes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, biology: Biology, methods: Mapping[str, Method], tolerance: float) -> None:
        """`methods` overrides the solver by molecule; `tolerance` is the relative residual of implicit steps."""
        self.biology = biology
        self.methods = dict(methods)
        self.tolerance = tolerance

    def __call__(self, tissue: Tissue, dt: float) -> None:
        fields, spacing = tissue.fields, tissue.lattice.spacing
        for molecule in self.biology.molecules:
            if molecule.name not in fields:
                continue
            uptake = fields.uptake.get(molecule.name)
            consumed = uptake is not None and bool(uptake.any())
            sink = uptake if uptake is not None and consumed else 0.0
            method = self.methods.get(molecule.name) or choose_method(
                diffusivity=molecule.diffusivity, dt=dt, spacing=spacing, has_uptake=consumed
            )
            fields.concentration[molecule.name] = METHODS[method](
                fields[molecule.name],
                dt=dt,
                diffusivity=molecule.diffusivity,
                decay=molecule.decay,
                uptake=sink,
                source=fields.source[molecule.name],
                spacing=spacing,
                tolerance=self.tolerance,
            )
        fields.clear()
