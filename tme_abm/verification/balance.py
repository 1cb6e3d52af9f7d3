"""Mass balance and isotropy of the field solvers: nothing is made or lost, no direction is preferred."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import k0, kv

from ..kernels.fields import Problem, budget, choose_method
from .analytic import SPACING, settled
from .check import Bound, Found, Plot, at_most, check, curve, near
from .defects import leaking, stretched
from .dishes import small
from .lattices import Array
from .works import METHOD_NAMES, Works

__all__ = ["CHECKS"]

_ROUNDOFF = {
    "float64": (1e-12, "roundoff: sums of 4e3 numbers of 2e-16 each, in double precision"),
    "float32": (1e-5, "roundoff: each site has 6e-8, errors of 4e3 sites and twenty steps add up at worst"),
}


def _problem(name: str, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Start, uptake and source at random; consumers up to u Δt = 1e4."""
    rng = np.random.default_rng(5)
    uptake = np.where(rng.random(shape) < 0.05, 10.0 ** rng.uniform(-2, 3, shape), 0.0)
    source = np.where(rng.random(shape) < 0.05, rng.random(shape), 0.0)
    return rng.random(shape), uptake * (name != "spectral"), source


@check(
    name="mass-balance",
    topic="Balance and isotropy",
    says="Whatever is secreted decays, is taken up or is still there: in every solver, precision and tolerance, and "
         "in the tissue of a running tumor.",
    formula="|stored − (secreted − decayed − taken up)| / (secreted + what was there)",
    source="conservation of mass",
    bounds=(
        *(
            at_most(f"{name}, {ndim}D, {kind}", _ROUNDOFF[kind][0], reason=_ROUNDOFF[kind][1])
            for ndim in (2, 3)
            for kind in _ROUNDOFF
            for name in METHOD_NAMES
        ),
        at_most("fields of a running tumor, float32", 1e-5, reason="as above; worst molecule of one step"),
    ),
    defect=leaking(1e-4),
    defect_says="a step loses a ten-thousandth of what there is",
)
def mass_balance(works: Works) -> Found:
    """Twenty steps of 10 min; the worst of a tight and a loose tolerance."""
    figures: dict[str, float] = {}
    for shape in ((64, 64), (16, 16, 16)):
        for name in METHOD_NAMES:
            start, uptake, source = _problem(name, shape)
            for kind in (np.float64, np.float32):
                worst = max(_excess(works, name, start, uptake, source, kind, tolerance) for tolerance in (0.5, 1e-2))
                figures[f"{name}, {len(shape)}D, {np.dtype(kind).name}"] = worst
    figures["fields of a running tumor, float32"] = _of_a_tumor(works)
    return Found(figures=figures)


def _excess(works: Works, name: str, start: Array, uptake: Array, source: Array, kind: Any, tolerance: float) -> float:
    c, uptake, source = (array.astype(kind) for array in (start, uptake, source))
    number = 2.0 if name == "stencil" else 50.0  # each in its own range of D Δt / h²
    problem = Problem(
        dt=10.0, diffusivity=number * SPACING**2 / 10, decay=0.01, uptake=uptake, source=source, spacing=SPACING
    )
    worst = 0.0
    for _ in range(20):
        mean = np.empty_like(c)
        new = works.methods[name](c, problem, tolerance=tolerance, mean=mean)
        flows = budget(c, new, mean, problem)
        worst = max(worst, abs(flows.excess) / (flows.secreted + SPACING**3 * float(c.sum(dtype=np.float64))))
        c = new
    return worst


def _of_a_tumor(works: Works) -> float:
    """Sources and sinks as the cells, vessels and stroma of a small hot tumor make them."""
    model = works.model(small("hot", days=1), 1, 1)
    for _ in range(6):
        model.step()
    tissue, dt = model.tissue, model.tissue.clock.dt
    for name, process in model.processes.items():
        if name == "transport":
            break
        process(tissue, dt)
    worst = 0.0
    for molecule in model.biology.molecules:
        if molecule.name not in tissue.fields:
            continue
        before = tissue.fields[molecule.name]
        eaten = tissue.fields.uptake.get(molecule.name)
        eaten = eaten if eaten is not None and eaten.any() else None
        spacing = tissue.lattice.spacing
        name = choose_method(diffusivity=molecule.diffusivity, dt=dt, spacing=spacing, has_uptake=eaten is not None)
        problem = Problem(
            dt=dt, diffusivity=molecule.diffusivity, decay=molecule.decay, uptake=0.0 if eaten is None else eaten,
            source=tissue.fields.source[molecule.name], spacing=spacing,
        )  # fmt: skip
        mean = np.empty_like(before)
        after = works.methods[name](before, problem, tolerance=1e-2, mean=mean)
        flows = budget(before, after, mean, problem)
        turned_over = flows.secreted + spacing**3 * float(before.sum(dtype=np.float64))
        if turned_over > 0:
            worst = max(worst, abs(flows.excess) / turned_over)
    return worst


# ------------------------------------------------------------------------------------------ isotropy of diffusion

_PAIRS: dict[int, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    2: (((5, 0), (3, 4)), ((10, 0), (6, 8))),
    3: (((9, 0, 0), (8, 4, 1)), ((9, 0, 0), (7, 4, 4))),
}
"""Places equally far from a source, on an axis and beside it."""

_REACH = {2: 10.0, 3: 6.0}  # of the molecule, in sites


def _leaning(axis: tuple[int, ...], beside: tuple[int, ...]) -> float:
    """How much more the lattice has on the axis: the first term of its Green's function that knows directions,
    (h²/24 L²) Σ x_i⁴/r⁴ · r' K3(r')/K0(r') in 2D, √(2/π) e^r' r'^1.5 K3.5(r') in 3D, with r' = r/L.
    """
    r = float(np.linalg.norm(axis))
    reach = _REACH[len(axis)]
    scaled = r / reach
    gain = scaled * kv(3, scaled) / k0(scaled) if len(axis) == 2 else (
        np.sqrt(2 / np.pi) * np.exp(scaled) * scaled**1.5 * kv(3.5, scaled)
    )  # fmt: skip
    more = sum(x**4 for x in axis) - sum(x**4 for x in beside)
    return float(gain * more / r**4 / (24 * reach**2))


def _isotropy_bounds() -> tuple[Bound, ...]:
    of_ratio = "the lattice's own preference, first term {:.2f} %; 0.3 of it and 0.1 % for the terms that follow"
    return (
        *(
            near(f"{name}, {axis} : {beside}", 1 + _leaning(axis, beside), within=0.3 * _leaning(axis, beside) + 1e-3,
                 reason=of_ratio.format(100 * _leaning(axis, beside)))
            for pairs in _PAIRS.values() for axis, beside in pairs for name in METHOD_NAMES
        ),
        *(at_most(f"{name}: turned or mirrored", 1e-9, reason="the same sums in another order; solver tolerance 1e-12")
          for name in METHOD_NAMES),
        *(near(f"{name}: spread along {way} / 2 D t", 1.0, within=1e-6,
               reason="exact for the lattice with every solver: the second moment obeys its own equation")
          for way in ("x", "y", "the diagonal") for name in METHOD_NAMES),
    )  # fmt: skip


@check(
    name="isotropy-of-diffusion",
    topic="Balance and isotropy",
    says="A molecule reaches equally far along an axis and beside it, a released dot spreads by 2 D t in every "
         "direction, and turning or mirroring the tissue changes nothing.",
    formula="c(5, 0) : c(3, 4) and the like; variance along x, y, (x + y)/√2 = 2 D t",
    source="doi:10.1119/1.1285887",
    bounds=_isotropy_bounds(),
    defect=stretched(0.002),
    defect_says="a step moves 0.2 % of every site's amount one site further along x",
)
def isotropy_of_diffusion(works: Works) -> Found:
    """A steady source for the reach, a dot that spreads for ten minutes, random consumers for the turn."""
    figures: dict[str, float] = {}
    plots = []
    for ndim, side in ((2, 121), (3, 53)):
        shape = (side,) * ndim
        source = np.zeros(shape)
        middle = np.array(shape) // 2
        source[tuple(middle)] = 1.0
        diffusivity = 0.1 * (_REACH[ndim] * SPACING) ** 2
        for name in METHOD_NAMES:
            c = settled(works, name, shape, diffusivity=diffusivity, decay=0.1, source=source)
            for axis, beside in _PAIRS[ndim]:
                # The last axis of the array is x.
                on, off = (float(c[tuple(middle + np.array(at[::-1]))]) for at in (axis, beside))
                figures[f"{name}, {axis} : {beside}"] = on / off
            if ndim == 2 and name == "implicit":
                away = np.arange(1, 30)
                along = c[middle[0], middle[1] + away]
                aslant = c[middle[0] + away[:21], middle[1] + away[:21]]
                plots.append(
                    Plot(
                        title="Around a point source (implicit)", x="distance [µm]", y="concentration [nM]", log="y",
                        curves=(curve("along x", SPACING * away, along, "line"),
                                curve("along the diagonal", SPACING * np.sqrt(2) * away[:21], aslant, "dots")),
                    )
                )  # fmt: skip
    for name in METHOD_NAMES:
        figures |= {f"{name}: spread along {way} / 2 D t": value for way, value in _spread(works, name).items()}
        figures[f"{name}: turned or mirrored"] = _turned(works, name)
    return Found(figures=figures, plots=tuple(plots))


def _spread(works: Works, name: str) -> dict[str, float]:
    c: Any = np.zeros((121, 121))
    c[60, 60] = 1.0
    problem = Problem(dt=1.0, diffusivity=500.0, decay=0.0, spacing=SPACING)
    for _ in range(10):
        c = works.methods[name](c, problem, tolerance=1e-12)
    y, x = np.indices(c.shape) - 60.0
    ways = {"x": x, "y": y, "the diagonal": (x + y) / np.sqrt(2)}
    return {way: SPACING**2 * float((c * d**2).sum() / c.sum()) / (2 * 500.0 * 10) for way, d in ways.items()}


def _turned(works: Works, name: str) -> float:
    """Largest relative difference after one step between a tissue and the same one turned, mirrored, turned back."""
    start, uptake, source = _problem(name, (24, 20))

    def stepped(c: Array, uptake: Array, source: Array) -> Any:
        problem = Problem(dt=10.0, diffusivity=90.0, decay=0.05, uptake=uptake, source=source, spacing=SPACING)
        return works.methods[name](c, problem, tolerance=1e-12)

    new = stepped(start, uptake, source)
    turned = stepped(start.T.copy(), uptake.T.copy(), source.T.copy()).T
    flip = (slice(None, None, -1), slice(None, None, -1))
    mirrored = stepped(start[flip], uptake[flip], source[flip])[flip]
    return float(max(np.abs(turned / new - 1).max(), np.abs(mirrored / new - 1).max()))


CHECKS = (mass_balance, isotropy_of_diffusion)
