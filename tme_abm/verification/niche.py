"""The reach of a cytokine among its consumers: the niche of IL-2, by the processes of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..biology import Biology
from ..core.units import parse
from ..processes import Secretion, Transport
from .check import Bound, Found, Plot, check, curve, near
from .defects import with_uptake
from .dishes import bare, shipped, tissue_of
from .lattices import Array
from .works import Works

__all__ = ["CHECKS"]

SPACING = 15.0
_DENSITIES = (1e-4, 1e-5)  # consumers [1/µm³]
_PUBLISHED = {1e-4: 48.0, 1e-5: 153.0}  # µm, for the diffusivity and clearance below
_DIFFUSIVITY = parse("12 um^2/s", "diffusivity")
_CLEARANCE = parse("51 um^3/s", "clearance")  # 1000 receptors × 0.0515 µm³/s
_RADIUS = 5.0  # of a T cell [µm]
_HALO = (
    "a consumer empties its own surroundings (k_c/4πDa = 7 %, of the length half), placed at random (2 %), h/λ = "
    "0.3 (0.4 %)"
)


def niche(density: float, *, diffusivity: float, clearance: float, decay: float, radius: float = 0.0) -> float:
    """√(D/(k + n k_c)) [µm]; with the `radius` of a consumer, k_c is capped by diffusion: k_c / (1 + k_c/4πDa)."""
    slow = clearance / (4 * np.pi * diffusivity * radius) if radius else 0.0
    return float(np.sqrt(diffusivity / (decay + density * clearance / (1 + slow))))


def _own() -> tuple[float, float, float]:
    """Diffusivity, clearance by a regulatory T cell and decay of IL-2 in the catalogue."""
    biology = shipped()
    number = biology.molecule_index["IL2"]
    molecule = biology.molecules[number]
    return molecule.diffusivity, float(biology.uptake[biology.cell_index["Treg"], number]), molecule.decay


def _of_the_catalogue(density: float) -> float:
    diffusivity, clearance, decay = _own()
    return niche(density, diffusivity=diffusivity, clearance=clearance, decay=decay, radius=_RADIUS)


def _bounds() -> tuple[Bound, ...]:
    own = (
        "consumers of the catalogue clear faster than diffusion supplies them: formula with k_c/(1 + k_c/4πDa), a = "
        "5 µm; a slab of one layer and sites of 15 µm are no ball of 5 µm"
    )
    return (
        *(near(f"{ndim}D, {density:g} consumers/µm³", _PUBLISHED[density], within=0.1 * _PUBLISHED[density], unit="µm",
               reason=f"10 %: {_HALO}") for density in _DENSITIES for ndim in (2, 3)),
        *(near(f"catalogue, {ndim}D, {density:g} Treg/µm³", _of_the_catalogue(density),
               within=0.15 * _of_the_catalogue(density),
               unit="µm", reason=f"15 %: {own}") for density in _DENSITIES for ndim in (2, 3)),
    )  # fmt: skip


@check(
    name="il2-niche",
    topic="Biology with known answers",
    says="IL-2 from one side reaches as far among regulatory T cells as its niche formula says.",
    formula="√(D/(k + n R k_on)): D = 12 µm²/s, R k_on = 51 µm³/s, k = 0 give 48 µm at 1e-4/µm³ and 153 µm at 1e-5/µm³",
    source="doi:10.1016/j.immuni.2017.03.011",
    bounds=_bounds(),
    defect=with_uptake(1.4),
    defect_says="cells take up 40 % more than their receptors say",
)
def il2_niche(works: Works) -> Found:
    """Consumers at random sites, a source along one wall, the slope of the logarithm from half a length to three."""
    figures: dict[str, float] = {}
    curves = []
    diffusivity, clearance, decay = _own()
    for density in _DENSITIES:
        for ndim, shape in ((2, (300, 64)), (3, (24, 24, 64))):
            profile = _profile(works, density, shape, _DIFFUSIVITY, _CLEARANCE, 0.0)
            figures[f"{ndim}D, {density:g} consumers/µm³"] = _reach(profile, _PUBLISHED[density])
            if ndim == 3:
                x = SPACING * np.arange(len(profile))
                shown = x < 3.5 * _PUBLISHED[density]
                curves.append(curve(f"{density:g} /µm³", x[shown], profile[shown] / profile[0], "dots"))
                fall = np.exp(-x[shown] / _PUBLISHED[density])
                curves.append(curve(f"exp(−x / {_PUBLISHED[density]:g} µm)", x[shown], fall, "dashes"))
            own = _profile(works, density, shape, diffusivity, clearance, decay)
            figures[f"catalogue, {ndim}D, {density:g} Treg/µm³"] = _reach(own, _of_the_catalogue(density))
    title = "IL-2 among consumers, 3D"
    plot = Plot(title=title, x="distance [µm]", y="relative concentration", curves=tuple(curves), log="y")
    return Found(figures=figures, plots=(plot,))


def _biology(works: Works, diffusivity: float, clearance: float, decay: float) -> Biology:
    biology = bare({})
    uptake = np.zeros_like(biology.uptake)
    uptake[biology.cell_index["Treg"], biology.molecule_index["IL2"]] = clearance
    molecules = tuple(
        replace(one, diffusivity=diffusivity, decay=decay) if one.name == "IL2" else one for one in biology.molecules
    )
    return works.biology(replace(biology, uptake=uptake, molecules=molecules))


def _profile(
    works: Works, density: float, shape: tuple[int, ...], diffusivity: float, clearance: float, decay: float
) -> Array:
    """Mean concentration by distance from the wall, at rest."""
    biology = _biology(works, diffusivity, clearance, decay)
    n_sites = int(np.prod(shape))
    sites = np.random.default_rng(2).choice(n_sites, round(density * SPACING**3 * n_sites), replace=False)
    tissue = tissue_of(biology, [("Treg", sites)], shape=shape, dt=60.0, spacing=SPACING, molecules=["IL2"])
    wall = np.flatnonzero(np.arange(n_sites) % shape[-1] == 0)
    secretion, transport = Secretion(biology, {}), Transport(biology, {}, 1e-6)
    for _ in range(20):
        secretion(tissue, 60.0)
        tissue.fields.add_source("IL2", wall, 1.0)
        transport(tissue, 60.0)
    return np.asarray(tissue.fields["IL2"].reshape(-1, shape[-1]).mean(axis=0))


def _reach(profile: Array, about: float) -> float:
    x = SPACING * np.arange(len(profile))
    chosen = (x > 0.5 * about) & (x < 3 * about)
    return float(-1.0 / np.polyfit(x[chosen], np.log(profile[chosen]), 1)[0])


CHECKS = (il2_niche,)
