"""Order of convergence of every solver: how fast its error falls when the lattice or the time step is halved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..kernels.fields import Problem
from .check import Bound, Curve, Found, Plot, at_most, check, curve, near
from .defects import faster
from .lattices import Array, cosine_mode, dense, mode_rate
from .works import METHOD_NAMES, Works

__all__ = ["CHECKS"]

TOPIC = "Order of convergence"

# A molecule of reach 100 µm in 800 µm of tissue, the size of a typical niche.
LENGTH, DECAY, SIDE = 100.0, 0.1, 800.0
DIFFUSIVITY = DECAY * LENGTH**2


def _steady(works: Works, name: str, shape: tuple[int, ...]) -> float:
    """Relative error (L2) of a steady state that was chosen beforehand, on the lattice of this shape."""
    spacing = SIDE / shape[0]
    waves: Sequence[tuple[int, ...]] = ((1, 2), (2, 1)) if len(shape) == 2 else ((1, 2, 1), (2, 1, 1))
    one, other = (cosine_mode(shape, wave) for wave in waves)
    exact = 2.0 + one
    # Uptake that varies in space, smoothly, so that the order can show; the exact step knows uniform sinks only.
    uptake = np.full(shape, DECAY) if name == "spectral" else DECAY * (1.0 + 0.5 * other)
    bend = DIFFUSIVITY * mode_rate(shape, waves[0], spacing, lattice=False)
    source = (DECAY + uptake) * exact + bend * one
    # The stencil needs as many substeps as are stable; the others go there in a few long steps.
    dt, steps = (5.0 / DECAY, 1) if name == "stencil" else (20.0 / DECAY, 8)
    problem = Problem(
        dt=dt, diffusivity=DIFFUSIVITY, decay=DECAY, uptake=uptake, source=source, spacing=spacing
    )
    c: Any = exact.copy()  # close to the answer already; the lattice's own steady state is a little off
    for _ in range(steps):
        c = works.methods[name](c, problem, tolerance=1e-11)
    return float(np.linalg.norm(c - exact) / np.linalg.norm(exact))


def _order(sizes: Sequence[float], errors: Sequence[float]) -> float:
    """Slope of the last two points."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(sizes[-2] / sizes[-1]))


def _bounds_in_space() -> tuple[Bound, ...]:
    reason = "central differences: error h², next term h⁴, a few % of it at 12–25 µm; 0.1 leaves it room"
    return tuple(
        near(f"{name}, {ndim}D", 2.0, within=0.1, reason=reason) for ndim in (2, 3) for name in METHOD_NAMES
    )


@check(
    name="order-in-space",
    topic=TOPIC,
    says="Halving the lattice spacing quarters the error of a steady field with uptake that varies in space, in every "
         "solver.",
    formula="error ∝ h²; the source is chosen so that c = 2 + ∏ cos(π m x/L) is the steady state (manufactured "
            "solution)",
    source="doi:10.1115/1.1436090",
    bounds=_bounds_in_space(),
    defect=faster(1.05),
    defect_says="diffusivity is 5 % too large in every solver",
)
def order_in_space(works: Works) -> Found:
    """The order from the two finest of three lattices."""
    figures: dict[str, float] = {}
    curves: list[Curve] = []
    for ndim, counts in ((2, (16, 32, 64)), (3, (8, 16, 32))):
        for name in METHOD_NAMES:
            spacings = [SIDE / n for n in counts]
            errors = [_steady(works, name, (n,) * ndim) for n in counts]
            figures[f"{name}, {ndim}D"] = _order(spacings, errors)
            curves.append(curve(f"{name}, {ndim}D", spacings, errors, "line" if ndim == 2 else "dots"))
    guide = np.array([SIDE / 64, SIDE / 8])
    curves.append(curve("h²", guide, 4e-3 * (guide / guide[-1]) ** 2, "dashes"))
    title = "Error of a steady field"
    plot = Plot(title=title, x="lattice spacing [µm]", y="relative error", curves=tuple(curves), log="xy")
    return Found(figures=figures, plots=(plot,))


def _in_time(works: Works, name: str, shape: tuple[int, ...], counts: Sequence[int]) -> list[float]:
    """Largest error after 10 min in as many steps as told, against the exact solution of the same lattice."""
    rng = np.random.default_rng(1)
    spacing, decay, diffusivity, time = 15.0, 0.05, 11.25, 10.0
    uptake = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0) if name != "spectral" else np.zeros(shape)
    source = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
    start: Array = 1.0 + cosine_mode(shape, (1,) * len(shape))
    exact = dense(shape=shape, diffusivity=diffusivity, decay=decay, uptake=uptake, spacing=spacing)
    truth = exact.after(time, start, source)
    more: Mapping[str, Any] = {"substeps": 1} if name == "stencil" else {"tolerance": 1e-13}
    errors = []
    for count in counts:
        problem = Problem(
            dt=time / count, diffusivity=diffusivity, decay=decay, uptake=uptake, source=source, spacing=spacing
        )
        c: Any = start
        for _ in range(count):
            c = works.methods[name](c, problem, **more)
        errors.append(float(np.abs(c - truth).max() / truth.max()))
    return errors


_TIMED = {"stencil": 1, "implicit": 1, "sdirk2": 2}
_FIRST = (
    "first order by construction (Euler, forward in diffusion, backward in sinks); the next term is a few % at "
    "80 steps"
)
_IMPLICIT = "backward Euler; the next term is a few % at 80 steps"
_SECOND = "two stages, second order (Alexander 1977); the next term is a few % at 80 steps"
_WHY = {"stencil": _FIRST, "implicit": _IMPLICIT, "sdirk2": _SECOND}


@check(
    name="order-in-time",
    topic=TOPIC,
    says="Halving the time step halves or quarters the error of a field that changes beside strong consumers, as each "
         "solver's "
    "order says; the spectral one is exact.",
    formula="error ∝ Δt (stencil, implicit), Δt² (sdirk2), 0 (spectral); truth: eigenvectors of the 120 equations",
    source="doi:10.1137/0714068",
    bounds=(
        *(
            near(f"{name}, {ndim}D", order, within=0.1, reason=_WHY[name])
            for ndim in (2, 3)
            for name, order in _TIMED.items()
        ),
        *(
            at_most(f"spectral, error of one step, {ndim}D", 1e-12, reason="exact in time: roundoff of a transform, "
                                                                           "1e-15 × some")
            for ndim in (2, 3)
        ),
    ),
    defect=faster(1.05),
    defect_says="diffusivity is 5 % too large in every solver",
)
def order_in_time(works: Works) -> Found:
    """The order from the two finest of four time steps."""
    figures: dict[str, float] = {}
    curves: list[Curve] = []
    counts = (20, 40, 80, 160)
    for ndim, shape in ((2, (10, 12)), (3, (4, 5, 6))):
        for name in _TIMED:
            errors = _in_time(works, name, shape, counts)
            steps = [10.0 / count for count in counts]
            figures[f"{name}, {ndim}D"] = _order(steps, errors)
            curves.append(curve(f"{name}, {ndim}D", steps, errors, "line" if ndim == 2 else "dots"))
        figures[f"spectral, error of one step, {ndim}D"] = _in_time(works, "spectral", shape, (1,))[0]
    guide = np.array([10.0 / 160, 0.5])
    curves.append(curve("Δt", guide, 2e-2 * guide / guide[-1], "dashes"))
    curves.append(curve("Δt²", guide, 1e-3 * (guide / guide[-1]) ** 2, "dashes"))
    plot = Plot(title="Error after 10 min", x="time step [min]", y="relative error", curves=tuple(curves), log="xy")
    return Found(figures=figures, plots=(plot,))


CHECKS = (order_in_space, order_in_time)
