"""Fields beside strong consumers, where solvers that split uptake from diffusion fail."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.fields import Problem
from .analytic import SPACING, TOPIC, settled
from .check import Bound, Found, Plot, at_most, check, curve
from .defects import split
from .lattices import Array, dense, green, places
from .works import METHOD_NAMES, Works

__all__ = ["CHECKS"]

CONSUMING = tuple(name for name in METHOD_NAMES if name != "spectral")

_STRENGTHS = (1.0, 10.0, 1000.0)  # uptake of the consumers [1/min], in turn


def _consumers(ndim: int) -> tuple[tuple[int, ...], Array]:
    """Shape, and the uptake of twelve consumers scattered in the middle of it."""
    side = 81 if ndim == 2 else 41
    shape = (side,) * ndim
    rng = np.random.default_rng(3)
    uptake = np.zeros(shape)
    chosen = rng.choice(11**ndim, 12, replace=False)
    where = np.stack(np.unravel_index(chosen, (11,) * ndim)) + (side // 2 - 5)
    uptake[tuple(where)] = np.resize(_STRENGTHS, 12)
    return shape, uptake


def _exact_around_consumers(uptake: Array, *, diffusivity: float, decay: float, supply: float) -> Array:
    """Everywhere: c = c∞ − Σ u_j c_j G(x − x_j), where the c_j at the consumers solve the same twelve equations."""
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


@check(
    name="strong-consumers",
    topic=TOPIC,
    says="Twelve consumers, the strongest of which empties its site ten thousand times a step, end in the exact "
         "steady state at their own sites and everywhere around.",
    formula="c(x) = c∞ − Σ u_j c_j G(x − x_j), G the lattice's Green function; twelve equations for the c_j",
    source="doi:10.1119/1.1285887",
    bounds=tuple(
        bound
        for ndim in (2, 3)
        for name in CONSUMING
        for bound in (
            at_most(f"{name}, {ndim}D: largest error at the consumers", 0.1, unit="%",
                    reason="relative to the little that each has left; solver tolerance 1e-8, walls 4 lengths away, "
                           "their images 8: e^−8 = 0.03 %"),
            at_most(f"{name}, {ndim}D: largest error anywhere near", 0.1, unit="%",
                    reason="relative, within 15 sites of the middle; as above"),
        )
    )
    + tuple(
        at_most(f"{name}, {ndim}D: error at the consumers as in a run", 1.0, unit="%",
                reason="L2; steps of 10 min with the shipped tolerance, which is 1 % a solve")
        for ndim in (2, 3)
        for name in ("implicit", "sdirk2")
    ),
    defect=split(),
    defect_says="uptake acts after transport instead of with it",
)  # fmt: skip
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
        curves = []
        for name in CONSUMING:
            c: Any = settled(works, name, shape, uptake=uptake, source=1.0, **terms)
            error = np.abs(c / exact - 1)
            figures[f"{name}, {ndim}D: largest error at the consumers"] = 100 * float(error[eating].max())
            figures[f"{name}, {ndim}D: largest error anywhere near"] = 100 * float(error[middle].max())
            curves.append(curve(name, exact[eating], c[eating], "dots"))
        for name in ("implicit", "sdirk2"):
            c = np.zeros(shape)
            problem = Problem(dt=10.0, uptake=uptake, source=1.0, spacing=SPACING, **terms)
            for _ in range(12):
                c = works.methods[name](c, problem, tolerance=1e-2)
            miss = np.linalg.norm((c - exact)[eating]) / np.linalg.norm(exact[eating])
            figures[f"{name}, {ndim}D: error at the consumers as in a run"] = 100 * float(miss)
        ends = np.array([exact[eating].min(), exact[eating].max()])
        curves.append(curve("exact", ends, ends, "dashes"))
        title = f"What the consumers have left, {ndim}D"
        plots.append(Plot(title=title, x="exact [nM]", y="solved [nM]", curves=tuple(curves), log="xy"))
    return Found(figures=figures, plots=tuple(plots))


_ALLOWED = {"stencil": 0.5, "implicit": 4.0, "sdirk2": 2.0}
"""Error [%] ten steps after sources are switched on: what the solvers were chosen by, with room for other problems."""


def _switched_on() -> tuple[Bound, ...]:
    reason = (
        "twice what the method was chosen by in a comparison of ten methods (stencil 0.1, implicit 2.3, sdirk2 "
        "1.2 %; split 110 to 300 %)"
    )
    return tuple(
        at_most(f"{name}, {ndim}D, {kind}", _ALLOWED[name], unit="%", reason=reason)
        for ndim in (2, 3)
        for kind in ("float64", "float32")
        for name in CONSUMING
    )


@check(
    name="switched-on",
    topic=TOPIC,
    says="Ten steps after sources and strong consumers were switched on (D Δt/h² = 50, u Δt = 10, shipped tolerance), "
         "the consumers see the right concentration.",
    formula="‖c − c*‖/‖c*‖ at the consumers, c* by eigenvectors of all equations of the lattice; mean of six random "
            "problems",
    source="exact exponential of the lattice operator",
    bounds=_switched_on(),
    defect=split(),
    defect_says="uptake acts after transport instead of with it",
)
def switched_on(works: Works) -> Found:
    """Random consumers and sources on lattices small enough to be taken apart."""
    errors: dict[str, list[float]] = {}
    given: dict[str, Any] = {"diffusivity": 1125.0, "decay": 0.01, "spacing": SPACING}
    for shape in ((24, 24), (8, 8, 8)):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            uptake = np.where(rng.random(shape) < 0.02, 1.0, 0.0)
            uptake.flat[rng.integers(uptake.size)] = 1.0
            source = np.where(rng.random(shape) < 0.02, rng.random(shape), 0.0)
            source.flat[rng.integers(source.size)] = 1.0
            truth = dense(shape=shape, uptake=uptake, **given).after(100.0, np.zeros(shape), source)
            eating = uptake > 0
            for name in CONSUMING:
                for kind in (np.float64, np.float32):
                    c: Any = np.zeros(shape, kind)
                    problem = Problem(dt=10.0, uptake=uptake.astype(kind), source=source.astype(kind), **given)
                    for _ in range(10):
                        c = works.methods[name](c, problem, tolerance=1e-2)
                    miss = np.linalg.norm((c - truth)[eating]) / np.linalg.norm(truth[eating])
                    errors.setdefault(f"{name}, {len(shape)}D, {np.dtype(kind).name}", []).append(100 * float(miss))
    curves = tuple(
        curve(name, np.arange(1.0, 7.0), found, "dots")
        for name, found in errors.items()
        if name.endswith("2D, float64")
    )
    plot = Plot(title="Error at the consumers, 2D", x="problem", y="error [%]", curves=curves, log="y")
    return Found(figures={name: float(np.mean(found)) for name, found in errors.items()}, plots=(plot,))


CHECKS = (strong_consumers, switched_on)
