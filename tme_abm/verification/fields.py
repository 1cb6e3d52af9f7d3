"""Fields against closed forms in 2D and 3D: orders of convergence, decaying modes, steady gradients, point sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import k0

from ..kernels.fields import Problem
from .check import Bound, Check, Found, Series, at_most, near, plot
from .lattices import SPACING, Array, cosine_mode, evolved, green, mode_rate, places
from .works import METHOD_NAMES, Works, faster

__all__ = ["CHECKS", "TOPIC", "settled"]

TOPIC = "Fields against closed forms"
_FAULT: Any = {"defect": faster(1.05), "defect_says": "diffusivity is 5 % too large in every solver"}


def settled(works: Works, name: str, shape: tuple[int, ...], **given: Any) -> Array:
    """The steady state that a solver reaches from an empty field; decay must be 0.1 /min or more."""
    problem = Problem(dt=200.0, spacing=SPACING, **given)
    steps = 1 if name == "stencil" else 8  # the stencil takes short substeps anyway
    return np.asarray(works.solved(name, np.zeros(shape), problem, steps, tolerance=1e-8), dtype=np.float64)


# ------------------------------------------------------------------------------------------ order of convergence

# A molecule of reach 100 µm in 800 µm of tissue, the size of a typical niche.
_LENGTH, _DECAY, _SIDE = 100.0, 0.1, 800.0
_DIFFUSIVITY = _DECAY * _LENGTH**2


def _order(sizes: Sequence[float], errors: Sequence[float]) -> float:
    """The slope of the last two points, on logarithmic axes."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(sizes[-2] / sizes[-1]))


def _steady(works: Works, name: str, shape: tuple[int, ...]) -> float:
    """The relative error (L2) of a manufactured steady state on the lattice of this shape."""
    spacing = _SIDE / shape[0]
    waves: Sequence[tuple[int, ...]] = ((1, 2), (2, 1)) if len(shape) == 2 else ((1, 2, 1), (2, 1, 1))
    one, other = (cosine_mode(shape, wave) for wave in waves)
    exact = 2.0 + one
    # Uptake varies smoothly, so that the order can show; the spectral step has uniform sinks only.
    uptake = np.full(shape, _DECAY) if name == "spectral" else _DECAY * (1.0 + 0.5 * other)
    bend = _DIFFUSIVITY * mode_rate(shape, waves[0], spacing)
    source = (_DECAY + uptake) * exact + bend * one
    # The stencil takes stable substeps; the others reach the steady state in a few long steps.
    dt, steps = (5.0 / _DECAY, 1) if name == "stencil" else (20.0 / _DECAY, 8)
    problem = Problem(
        dt=dt, diffusivity=_DIFFUSIVITY, decay=_DECAY, uptake=uptake, source=source, spacing=spacing
    )
    # The start is close to the answer: the steady state of the lattice is a little off.
    c = works.solved(name, exact.copy(), problem, steps, tolerance=1e-11)
    return float(np.linalg.norm(c - exact) / np.linalg.norm(exact))


@Check(
    name="order-in-space",
    topic="Order of convergence",
    says="Halving the lattice spacing quarters the error of a steady field with uptake that varies in space, in every "
    "solver.",
    formula="error ∝ h²; the source is chosen so that c = 2 + ∏ cos(π m x/L) is the steady state (manufactured "
    "solution)",
    source="doi:10.1115/1.1436090",
    bounds=tuple(
        near(f"{name}, {ndim}D", 2.0, within=0.1,
             reason="central differences: error h²; the next term, h⁴, is a few % of it at 12–25 µm")
        for ndim in (2, 3) for name in METHOD_NAMES
    ),
    **_FAULT,
)
def order_in_space(works: Works) -> Found:
    """The order from the two finest of three lattices."""
    figures: dict[str, float] = {}
    curves: list[Series] = []
    for ndim, counts in ((2, (16, 32, 64)), (3, (8, 16, 32))):
        for name in METHOD_NAMES:
            spacings = [_SIDE / n for n in counts]
            errors = [_steady(works, name, (n,) * ndim) for n in counts]
            figures[f"{name}, {ndim}D"] = _order(spacings, errors)
            curves.append((f"{name}, {ndim}D", spacings, errors, "line" if ndim == 2 else "dots"))
    guide = np.array([_SIDE / 64, _SIDE / 8])
    curves.append(("h²", guide, 4e-3 * (guide / guide[-1]) ** 2, "dashes"))
    return figures, [plot("Error of a steady field", "lattice spacing [µm]", "relative error", curves, log="xy")]


def _in_time(works: Works, name: str, shape: tuple[int, ...], counts: Sequence[int]) -> list[float]:
    """The largest error after 10 min in each number of steps, against the exact solution of the same lattice."""
    rng = np.random.default_rng(1)
    spacing, decay, diffusivity, time = 15.0, 0.05, 11.25, 10.0
    uptake = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0) if name != "spectral" else np.zeros(shape)
    source = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
    start: Array = 1.0 + cosine_mode(shape, (1,) * len(shape))
    truth = evolved(start, source, time, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    more: Mapping[str, Any] = {"substeps": 1} if name == "stencil" else {"tolerance": 1e-13}
    errors = []
    for count in counts:
        problem = Problem(
            dt=time / count, diffusivity=diffusivity, decay=decay, uptake=uptake, source=source, spacing=spacing
        )
        c = works.solved(name, start, problem, count, **more)
        errors.append(float(np.abs(c - truth).max() / truth.max()))
    return errors


_NEXT = "; the next term is a few % at 80 steps"
_TIMED = {
    "stencil": (1, f"first order by construction (Euler, forward in diffusion, backward in sinks){_NEXT}"),
    "implicit": (1, f"backward Euler{_NEXT}"),
    "sdirk2": (2, f"two stages, second order (Alexander 1977){_NEXT}"),
}


@Check(
    name="order-in-time",
    topic="Order of convergence",
    says="Halving the time step halves or quarters the error of a field that changes beside strong consumers, as each "
    "solver's order says; the spectral one is exact.",
    formula="error ∝ Δt (stencil, implicit), Δt² (sdirk2), 0 (spectral); truth: eigenvectors of the 120 equations",
    source="doi:10.1137/0714068",
    bounds=(
        *(near(f"{name}, {ndim}D", order, within=0.1, reason=reason)
          for ndim in (2, 3) for name, (order, reason) in _TIMED.items()),
        *(at_most(f"spectral, error of one step, {ndim}D", 1e-12,
                  reason="exact in time: roundoff of a transform, a few times 1e-15") for ndim in (2, 3)),
    ),
    **_FAULT,
)
def order_in_time(works: Works) -> Found:
    """The order from the two finest of four time steps."""
    figures: dict[str, float] = {}
    curves: list[Series] = []
    counts = (20, 40, 80, 160)
    for ndim, shape in ((2, (10, 12)), (3, (4, 5, 6))):
        for name in _TIMED:
            errors = _in_time(works, name, shape, counts)
            steps = [10.0 / count for count in counts]
            figures[f"{name}, {ndim}D"] = _order(steps, errors)
            curves.append((f"{name}, {ndim}D", steps, errors, "line" if ndim == 2 else "dots"))
        figures[f"spectral, error of one step, {ndim}D"] = _in_time(works, "spectral", shape, (1,))[0]
    guide = np.array([10.0 / 160, 0.5])
    curves.append(("Δt", guide, 2e-2 * guide / guide[-1], "dashes"))
    curves.append(("Δt²", guide, 1e-3 * (guide / guide[-1]) ** 2, "dashes"))
    return figures, [plot("Error after 10 min", "time step [min]", "relative error", curves, log="xy")]


# ------------------------------------------------------------------------------------------------ decaying modes

_MINUTES, _TICK, _WAVES = 10.0, 0.1, 2
_RATE = 1000.0 * (2 * np.pi / 600.0) ** 2  # D Σ q²: the rate at which the ripple spreads out [1/min]
_IN_SPACE = 100 * _MINUTES * _RATE * (2 * np.pi * SPACING / 600.0) ** 2 / 12  # T D Σ q⁴ h²/12 [%]
_IN_TIME = {"implicit": _TICK, "stencil": _TICK / 8, "spectral": 0.0, "sdirk2": 0.0}  # T a² τ/2 with this τ


def _amplitude_bound(name: str, ndim: int) -> Bound:
    in_time = 100 * _MINUTES * (_RATE + 0.01) ** 2 * _IN_TIME[name] / 2
    reason = (
        f"leading terms: T D Σ q⁴ h²/12 = {_IN_SPACE:.2f} % in space, T a² τ/2 = {in_time:.2f} % in time; plus 15 % "
        f"for the next terms. The first bound was wrong by a factor of ten"
    )
    return at_most(f"{name}, {ndim}D: error of the amplitude", 1.15 * (_IN_SPACE + in_time), unit="%", reason=reason)


@Check(
    name="decaying-modes",
    topic=TOPIC,
    says="A cosine ripple of 600 µm wavelength fades in a hundred steps of 0.1 min as the diffusion equation says.",
    formula="c = 2 exp(−k t) + ∏ cos(q x_i) exp(−(k + D Σ q²) t), D = 500 µm²/min in 2D, 333 in 3D, k = 0.01 /min",
    source="doi:10.1137/S0036144598336745",
    bounds=tuple(_amplitude_bound(name, ndim) for ndim in (2, 3) for name in METHOD_NAMES),
    **_FAULT,
)
def decaying_modes(works: Works) -> Found:
    """The amplitude by projection on the ripple, at every step."""
    figures: dict[str, float] = {}
    curves: list[Series] = []
    for shape in ((40, 40), (40, 40, 40)):
        wave = (_WAVES,) * len(shape)
        ripple = cosine_mode(shape, wave)
        diffusivity = 1000.0 / len(shape)  # the same rate in 2D and 3D
        rate = 0.01 + diffusivity * mode_rate(shape, wave, SPACING)
        problem = Problem(dt=_TICK, diffusivity=diffusivity, decay=0.01, spacing=SPACING)
        for name in METHOD_NAMES:
            c: Any = 2.0 + ripple
            seen = [1.0]
            for _ in range(round(_MINUTES / _TICK)):
                c = works.methods[name](c, problem, tolerance=1e-9)
                seen.append(float((c * ripple).sum() / (ripple**2).sum()))
            error = abs(seen[-1] / np.exp(-_MINUTES * rate) - 1)
            figures[f"{name}, {len(shape)}D: error of the amplitude"] = 100 * error
            if len(shape) == 2:
                curves.append((name, _TICK * np.arange(0, 101, 10), seen[::10], "dots"))
    time = np.linspace(0, _MINUTES, 60)
    curves.append(("exact", time, np.exp(-rate * time), "dashes"))
    return figures, [plot("A ripple fades, 2D", "minutes", "amplitude", curves, log="y")]


# ----------------------------------------------------------------------------------------------- steady gradients


@Check(
    name="steady-gradient",
    topic=TOPIC,
    says="Away from a wall that secretes, the concentration falls by e every √(D/k): length and height.",
    formula="c(x) = (J/√(D k)) exp(−x/√(D/k)), √(D/k) = 90 µm, J the flux from the wall",
    source="Fick's second law at rest; any textbook",
    bounds=tuple(
        bound
        for ndim in (2, 3)
        for name in METHOD_NAMES
        for bound in (
            near(f"{name}, {ndim}D: length", 90.0, within=0.18, unit="µm",
                 reason="0.2 %: the length on the lattice is λ(1 + h²/24λ²), 0.12 % longer"),
            at_most(f"{name}, {ndim}D: error of the height", 0.2, unit="%",
                    reason="second order in h/λ = 1/6; the terms nearly cancel"),
        )
    ),
    **_FAULT,
)
def steady_gradient(works: Works) -> Found:
    """Slope and intercept of a straight line through the logarithm, over four lengths."""
    figures: dict[str, float] = {}
    curves: list[Series] = []
    length, decay = 90.0, 0.1
    diffusivity = decay * length**2
    x = SPACING * (np.arange(120) + 0.5)
    near_wall = x < 4 * length
    for ndim in (2, 3):
        source = np.zeros((3,) * (ndim - 1) + (120,))
        source[..., 0] = 1.0
        height = 1.0 * SPACING / np.sqrt(diffusivity * decay)
        for name in METHOD_NAMES:
            c = settled(works, name, source.shape, diffusivity=diffusivity, decay=decay, source=source)
            profile = c.reshape(-1, 120).mean(axis=0)
            slope, intercept = np.polyfit(x[near_wall], np.log(profile[near_wall]), 1)
            figures[f"{name}, {ndim}D: length"] = -1.0 / slope
            figures[f"{name}, {ndim}D: error of the height"] = 100 * abs(np.exp(intercept) / height - 1)
            if ndim == 2:
                curves.append((name, x[near_wall], profile[near_wall], "dots"))
    curves.append(("exact", x[near_wall], height * np.exp(-x[near_wall] / length), "dashes"))
    return figures, [plot("Beside a secreting wall, 2D", "distance [µm]", "concentration [nM]", curves, log="y")]


# -------------------------------------------------------------------------------------------------- point sources


@Check(
    name="point-source",
    topic=TOPIC,
    says="Around a single secreting site the steady field is that of a point source, and to the solver's precision "
    "that of the lattice.",
    formula="2D: s h² K0(r/L)/(2π D); 3D: s h³ exp(−r/L)/(4π D r); lattice: ∫ exp(−k t) ∏ exp(−2Dt/h²) I_m(2Dt/h²) dt",
    source="doi:10.1119/1.1285887",
    bounds=tuple(
        bound
        for name in METHOD_NAMES
        for bound in (
            at_most(f"{name}, 2D: largest deviation from K0", 2.0, unit="%",
                    reason="at 4 sites h²/24πr² relative to K0: 0.9 %; at 3 L the 0.17 % of the length cause 0.5 %"),
            at_most(f"{name}, 3D: largest deviation from Yukawa", 3.5, unit="%",
                    reason="first term on an axis (h²/24)(r/L³ + 6/Lr + 6/r²): 2.6 % at 5 sites; plus a third for "
                    "the next terms. 2.5 % was required first, without 6/Lr; more was measured"),
            *(at_most(f"{name}, {ndim}D: largest deviation from the lattice's", 1e-5,
                      reason="solver tolerance 1e-8; mirror images beyond the walls contribute e^−17")
              for ndim in (2, 3)),
        )
    ),
    **_FAULT,
)
def point_source(works: Works) -> Found:
    """Every site at a distance from four sites to a few lengths."""
    figures: dict[str, float] = {}
    plots = []
    for ndim, shape, length, reach in ((2, (101, 101), 75.0, 3.0), (3, (61, 61, 61), 60.0, 2.5)):
        at = places(shape) - np.array(shape) // 2
        r = SPACING * np.linalg.norm(at, axis=1)
        ring = (r > 4 * SPACING) & (r < reach * length)
        diffusivity = 0.1 * length**2
        source = np.zeros(shape)
        source[tuple(n // 2 for n in shape)] = 1.0
        if ndim == 2:
            law, what = SPACING**2 * k0(r[ring] / length) / (2 * np.pi * diffusivity), "K0"
        else:
            law, what = SPACING**3 * np.exp(-r[ring] / length) / (4 * np.pi * diffusivity * r[ring]), "Yukawa"
        exact = green(at[ring], diffusivity=diffusivity, decay=0.1, spacing=SPACING)
        curves: list[Series] = []
        order = np.argsort(r[ring])[:: max(1, ring.sum() // 60)]
        for name in METHOD_NAMES:
            c = settled(works, name, shape, diffusivity=diffusivity, decay=0.1, source=source).ravel()[ring]
            figures[f"{name}, {ndim}D: largest deviation from {what}"] = 100 * float(np.abs(c / law - 1).max())
            figures[f"{name}, {ndim}D: largest deviation from the lattice's"] = float(np.abs(c / exact - 1).max())
            curves.append((name, r[ring][order], c[order], "dots"))
        curves.append((what, r[ring][order], law[order], "dashes"))
        title = f"Around a point source, {ndim}D"
        plots.append(plot(title, "distance [µm]", "concentration [nM]", curves, log="y"))
    return figures, plots


CHECKS = (order_in_space, order_in_time, decaying_modes, steady_gradient, point_source)
