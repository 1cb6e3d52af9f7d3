"""Fields near strong consumers, mass balance, and isotropy of diffusion."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import k0, kv

from ..kernels.fields import Problem, budget, choose_method
from .check import Check, Found, Series, at_most, near, plot
from .dishes import small
from .fields import TOPIC, settled
from .lattices import SPACING, Array, evolved, green, places
from .works import METHOD_NAMES, Works, leaking, split, stretched

__all__ = ["CHECKS"]

_CONSUMING = tuple(name for name in METHOD_NAMES if name != "spectral")
_SPLIT: Any = {"defect": split(), "defect_says": "uptake acts after transport instead of with it"}

# ------------------------------------------------------------------------------------------------ strong consumers

_STRENGTHS = (1.0, 10.0, 1000.0)  # uptake of the consumers [1/min], in turn


def _consumers(ndim: int) -> tuple[tuple[int, ...], Array]:
    """The shape of a lattice, and the uptake of twelve consumers scattered in the middle of it."""
    side = 81 if ndim == 2 else 41
    shape = (side,) * ndim
    rng = np.random.default_rng(3)
    uptake = np.zeros(shape)
    chosen = rng.choice(11**ndim, 12, replace=False)
    where = np.stack(np.unravel_index(chosen, (11,) * ndim)) + (side // 2 - 5)
    uptake[tuple(where)] = np.resize(_STRENGTHS, 12)
    return shape, uptake


def _exact_around_consumers(uptake: Array, *, diffusivity: float, decay: float, supply: float) -> Array:
    """The exact steady state c = c∞ − Σ u_j c_j G(x − x_j); the c_j at the consumers solve the same equations."""
    everywhere = places(uptake.shape)
    at = np.argwhere(uptake > 0)
    strength = uptake[uptake > 0]
    constants = {"diffusivity": diffusivity, "decay": decay, "spacing": SPACING}
    among = green((at[:, None] - at[None]).reshape(-1, uptake.ndim), **constants).reshape(len(at), -1)
    held = np.linalg.solve(np.eye(len(at)) + among * strength, np.full(len(at), supply / decay))
    c = np.full(len(everywhere), supply / decay)
    for place, drawn in zip(at, strength * held, strict=True):
        c -= drawn * green(everywhere - place, **constants)
    return np.asarray(c.reshape(uptake.shape))


def _miss(c: Array, exact: Array, at: Any) -> float:
    """The relative error at some sites [%], L2."""
    return 100 * float(np.linalg.norm((c - exact)[at]) / np.linalg.norm(exact[at]))


@Check(
    name="strong-consumers",
    topic=TOPIC,
    says="Twelve consumers, the strongest of which empties its site ten thousand times a step, end in the exact "
    "steady state at their own sites and everywhere around.",
    formula="c(x) = c∞ − Σ u_j c_j G(x − x_j), G the lattice's Green function; twelve equations for the c_j",
    source="doi:10.1119/1.1285887",
    bounds=(
        *(
            bound
            for ndim in (2, 3)
            for name in _CONSUMING
            for bound in (
                at_most(f"{name}, {ndim}D: largest error at the consumers", 0.1, unit="%",
                        reason="relative to what is left at each; solver tolerance 1e-8; walls are 4 lengths away, "
                        "their images 8: e^−8 = 0.03 %"),
                at_most(f"{name}, {ndim}D: largest error anywhere near", 0.1, unit="%",
                        reason="relative, within 15 sites of the middle; as above"),
            )
        ),
        *(at_most(f"{name}, {ndim}D: error at the consumers as in a run", 1.0, unit="%",
                  reason="L2; steps of 10 min with the shipped tolerance, which is 1 % a solve")
          for ndim in (2, 3) for name in ("implicit", "sdirk2")),
    ),
    **_SPLIT,
)
def strong_consumers(works: Works) -> Found:
    """A uniform supply against decay, and consumers of three strengths."""
    figures: dict[str, float] = {}
    plots = []
    terms: Any = {"diffusivity": 360.0, "decay": 0.1}  # a length of 60 µm, four sites
    for ndim in (2, 3):
        shape, uptake = _consumers(ndim)
        exact = _exact_around_consumers(uptake, supply=1.0, **terms)
        eating = uptake > 0
        middle = tuple(slice(n // 2 - 15, n // 2 + 16) for n in shape)
        curves: list[Series] = []
        for name in _CONSUMING:
            c: Any = settled(works, name, shape, uptake=uptake, source=1.0, **terms)
            error = np.abs(c / exact - 1)
            figures[f"{name}, {ndim}D: largest error at the consumers"] = 100 * float(error[eating].max())
            figures[f"{name}, {ndim}D: largest error anywhere near"] = 100 * float(error[middle].max())
            curves.append((name, exact[eating], c[eating], "dots"))
        for name in ("implicit", "sdirk2"):
            problem = Problem(dt=10.0, uptake=uptake, source=1.0, spacing=SPACING, **terms)
            c = works.solved(name, np.zeros(shape), problem, 12, tolerance=1e-2)
            figures[f"{name}, {ndim}D: error at the consumers as in a run"] = _miss(c, exact, eating)
        ends = np.array([exact[eating].min(), exact[eating].max()])
        curves.append(("exact", ends, ends, "dashes"))
        plots.append(plot(f"What the consumers have left, {ndim}D", "exact [nM]", "solved [nM]", curves, log="xy"))
    return figures, plots


_ALLOWED = {"stencil": 0.5, "implicit": 4.0, "sdirk2": 2.0}
"""The error [%] that is allowed ten steps after sources are switched on: twice that by which solvers were chosen."""


@Check(
    name="switched-on",
    topic=TOPIC,
    says="Ten steps after sources and strong consumers were switched on (D Δt/h² = 50, u Δt = 10, shipped tolerance), "
    "the consumers see the right concentration.",
    formula="‖c − c*‖/‖c*‖ at the consumers, c* by eigenvectors of all equations of the lattice; mean of six random "
    "problems",
    source="exact exponential of the lattice operator",
    bounds=tuple(
        at_most(f"{name}, {ndim}D, {kind}", _ALLOWED[name], unit="%",
                reason="twice the error in the comparison by which methods were chosen (stencil 0.1, implicit 2.3, "
                "sdirk2 1.2 %; split 110 to 300 %)")
        for ndim in (2, 3) for kind in ("float64", "float32") for name in _CONSUMING
    ),
    **_SPLIT,
)
def switched_on(works: Works) -> Found:
    """Random consumers and sources on lattices small enough for an exact solution."""
    errors: dict[str, list[float]] = {}
    given: dict[str, Any] = {"diffusivity": 1125.0, "decay": 0.01, "spacing": SPACING}
    for shape in ((24, 24), (8, 8, 8)):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            uptake = np.where(rng.random(shape) < 0.02, 1.0, 0.0)
            uptake.flat[rng.integers(uptake.size)] = 1.0
            source = np.where(rng.random(shape) < 0.02, rng.random(shape), 0.0)
            source.flat[rng.integers(source.size)] = 1.0
            truth = evolved(np.zeros(shape), source, 100.0, uptake=uptake, **given)
            for name in _CONSUMING:
                for kind in (np.float64, np.float32):
                    problem = Problem(dt=10.0, uptake=uptake.astype(kind), source=source.astype(kind), **given)
                    c = works.solved(name, np.zeros(shape, kind), problem, 10, tolerance=1e-2)
                    key = f"{name}, {len(shape)}D, {np.dtype(kind).name}"
                    errors.setdefault(key, []).append(_miss(c, truth, uptake > 0))
    curves: list[Series] = [
        (name, range(1, 7), found, "dots") for name, found in errors.items() if name.endswith("2D, float64")
    ]
    figures = {name: float(np.mean(found)) for name, found in errors.items()}
    return figures, [plot("Error at the consumers, 2D", "problem", "error [%]", curves, log="y")]


# --------------------------------------------------------------------------------------------------- mass balance

_ROUNDOFF = {
    "float64": (1e-12, "roundoff: sums of 4e3 numbers of 2e-16 each, in double precision"),
    "float32": (1e-5, "roundoff: each site has 6e-8, errors of 4e3 sites and twenty steps add up at worst"),
}


def _at_random(name: str, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Random start, uptake and source; consumers have up to u Δt = 1e4."""
    rng = np.random.default_rng(5)
    uptake = np.where(rng.random(shape) < 0.05, 10.0 ** rng.uniform(-2, 3, shape), 0.0)
    source = np.where(rng.random(shape) < 0.05, rng.random(shape), 0.0)
    return rng.random(shape), uptake * (name != "spectral"), source


@Check(
    name="mass-balance",
    topic="Balance and isotropy",
    says="Whatever is secreted decays, is taken up or is still there: in every solver, precision and tolerance, and "
    "in the tissue of a running tumor.",
    formula="|stored − (secreted − decayed − taken up)| / (secreted + what was there)",
    source="conservation of mass",
    bounds=(
        *(at_most(f"{name}, {ndim}D, {kind}", high, reason=reason)
          for ndim in (2, 3) for kind, (high, reason) in _ROUNDOFF.items() for name in METHOD_NAMES),
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
            number = 2.0 if name == "stencil" else 50.0  # each in its own range of D Δt / h²
            given: Any = _at_random(name, shape)
            for kind in (np.float64, np.float32):
                start, uptake, source = (array.astype(kind) for array in given)
                problem = Problem(
                    dt=10.0, diffusivity=number * SPACING**2 / 10, decay=0.01, uptake=uptake, source=source,
                    spacing=SPACING,
                )  # fmt: skip
                worst = 0.0
                for tolerance in (0.5, 1e-2):
                    c = start
                    for _ in range(20):
                        c, excess = _excess(works, name, c, problem, tolerance)
                        worst = max(worst, excess)
                figures[f"{name}, {len(shape)}D, {np.dtype(kind).name}"] = worst
    figures["fields of a running tumor, float32"] = _of_a_tumor(works)
    return figures, ()


def _excess(works: Works, name: str, c: Any, problem: Problem, tolerance: float) -> tuple[Any, float]:
    """The field after a step, and the amount made or lost in it, relative to the amount turned over."""
    mean = np.empty_like(c)
    new = works.methods[name](c, problem, tolerance=tolerance, mean=mean)
    flows = budget(c, new, mean, problem)
    turned_over = flows.secreted + problem.spacing**3 * float(c.sum(dtype=np.float64))
    return new, abs(flows.excess) / turned_over if turned_over > 0 else 0.0


def _of_a_tumor(works: Works) -> float:
    """The worst excess of a molecule, with the sources and sinks of a small hot tumor."""
    model = works.model(small("hot", days=1), 1, 1)
    for _ in range(6):
        model.step()
    tissue, dt, spacing = model.tissue, model.tissue.clock.dt, model.tissue.lattice.spacing
    for name, process in model.processes.items():
        if name == "transport":
            break
        process(tissue, dt)
    worst = 0.0
    for molecule in model.biology.molecules:
        if molecule.name in tissue.fields:
            eaten = tissue.fields.uptake.get(molecule.name)
            eats = eaten is not None and bool(eaten.any())
            name = choose_method(diffusivity=molecule.diffusivity, dt=dt, spacing=spacing, has_uptake=eats)
            problem = Problem(
                dt=dt, diffusivity=molecule.diffusivity, decay=molecule.decay,
                uptake=eaten if eats and eaten is not None else 0.0,
                source=tissue.fields.source[molecule.name], spacing=spacing,
            )  # fmt: skip
            worst = max(worst, _excess(works, name, tissue.fields[molecule.name], problem, 1e-2)[1])
    return worst


# ------------------------------------------------------------------------------------------ isotropy of diffusion

_PAIRS: dict[int, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    2: (((5, 0), (3, 4)), ((10, 0), (6, 8))),
    3: (((9, 0, 0), (8, 4, 1)), ((9, 0, 0), (7, 4, 4))),
}
"""Pairs of places equally far from a source, on an axis and beside it."""

_REACH = {2: 10.0, 3: 6.0}  # of the molecule, in sites
_WAYS = ("x", "y", "the diagonal")


def _leaning(axis: tuple[int, ...], beside: tuple[int, ...]) -> float:
    """The relative excess of the lattice on the axis: the first term of its Green's function that depends on direction,
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


@Check(
    name="isotropy-of-diffusion",
    topic="Balance and isotropy",
    says="A molecule reaches equally far along an axis and beside it, a released dot spreads by 2 D t in every "
    "direction, and turning or mirroring the tissue changes nothing.",
    formula="c(5, 0) : c(3, 4) and the like; variance along x, y, (x + y)/√2 = 2 D t",
    source="doi:10.1119/1.1285887",
    bounds=(
        *(near(f"{name}, {axis} : {beside}", 1 + lean, within=0.3 * lean + 1e-3,
               reason=f"the anisotropy of the lattice has the first term {100 * lean:.2f} %; 0.3 of it and 0.1 % for "
               "the next terms")
          for pairs in _PAIRS.values() for axis, beside in pairs for lean in (_leaning(axis, beside),)
          for name in METHOD_NAMES),
        *(at_most(f"{name}: turned or mirrored", 1e-9, reason="the same sums in another order; solver tolerance 1e-12")
          for name in METHOD_NAMES),
        *(near(f"{name}: spread along {way} / 2 D t", 1.0, within=1e-6,
               reason="exact for the lattice with every solver: the second moment obeys its own equation")
          for way in _WAYS for name in METHOD_NAMES),
    ),
    defect=stretched(0.002),
    defect_says="a step moves 0.2 % of every site's amount one site further along x",
)
def isotropy_of_diffusion(works: Works) -> Found:
    """A steady source for the reach, a dot that spreads for ten minutes, random consumers for the turn."""
    figures: dict[str, float] = {}
    curves: list[Series] = []
    for ndim, side in ((2, 121), (3, 53)):
        source = np.zeros((side,) * ndim)
        middle = np.full(ndim, side // 2)
        source[tuple(middle)] = 1.0
        diffusivity = 0.1 * (_REACH[ndim] * SPACING) ** 2
        for name in METHOD_NAMES:
            c = settled(works, name, source.shape, diffusivity=diffusivity, decay=0.1, source=source)
            for axis, beside in _PAIRS[ndim]:
                # The last axis of the array is x.
                on, off = (float(c[tuple(middle + np.array(at[::-1]))]) for at in (axis, beside))
                figures[f"{name}, {axis} : {beside}"] = on / off
            if ndim == 2 and name == "implicit":
                away = np.arange(1, 30)
                along, aslant = c[side // 2, side // 2 + away], c.diagonal()[side // 2 + away[:21]]
                curves = [
                    ("along x", SPACING * away, along, "line"),
                    ("along the diagonal", SPACING * np.sqrt(2) * away[:21], aslant, "dots"),
                ]
    for name in METHOD_NAMES:
        figures |= {f"{name}: spread along {way} / 2 D t": value for way, value in _spread(works, name).items()}
        figures[f"{name}: turned or mirrored"] = _turned(works, name)
    title = "Around a point source (implicit)"
    return figures, [plot(title, "distance [µm]", "concentration [nM]", curves, log="y")]


def _spread(works: Works, name: str) -> dict[str, float]:
    """The variance of a dot after 10 min along each direction, over 2 D t."""
    dot = np.zeros((121, 121))
    dot[60, 60] = 1.0
    problem = Problem(dt=1.0, diffusivity=500.0, decay=0.0, spacing=SPACING)
    c = works.solved(name, dot, problem, 10, tolerance=1e-12)
    y, x = np.indices(c.shape) - 60.0
    return {
        way: SPACING**2 * float((c * d**2).sum() / c.sum()) / (2 * 500.0 * 10)
        for way, d in zip(_WAYS, (x, y, (x + y) / np.sqrt(2)), strict=True)
    }


def _turned(works: Works, name: str) -> float:
    """The largest relative difference after one step between a field and the same one turned or mirrored."""
    given = _at_random(name, (24, 20))

    def stepped(c: Array, uptake: Array, source: Array) -> Any:
        problem = Problem(dt=10.0, diffusivity=90.0, decay=0.05, uptake=uptake, source=source, spacing=SPACING)
        return works.methods[name](c, problem, tolerance=1e-12)

    new = stepped(*given)
    turned = stepped(*(array.T.copy() for array in given)).T
    flip = (slice(None, None, -1), slice(None, None, -1))
    mirrored = stepped(*(array[flip] for array in given))[flip]
    return float(max(np.abs(turned / new - 1).max(), np.abs(mirrored / new - 1).max()))


CHECKS = (strong_consumers, switched_on, mass_balance, isotropy_of_diffusion)
