"""A made-up comparison directory: what the experiments write, without running a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tme_abm.compare.comparison import Comparison, Course, Run, Summary, Tumor, contrasts, run_directory
from tme_abm.core.files import npz_bytes

CELLS = ("tumor", "CD8", "Th1", "Treg", "NK", "M-MDSC", "PMN-MDSC", "TAM", "TAN", "endothelium")
IMMUNE = CELLS[1:-1]
MOLECULES = ("OXYGEN", "IFNG", "TNF", "TGFB", "CSF1", "CXCL10", "CCL2", "IL2", "IL10")
LEVELS = {"cold": 0.15, "hot": 1.0, "excluded": 0.4}
END = {"cold": (5400, 22, 60), "hot": (1650, 960, 720), "excluded": (4300, 180, 430)}
STATE = {"cold": "cold", "hot": "hot", "excluded": "excluded"}


def write_synthetic(
    directory: Path,
    names: tuple[str, ...] = ("cold", "hot"),
    *,
    replicates: int = 4,
    days: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0),
    side: int = 160,
    snapshots: bool = True,
    brief: bool = False,
    failed: Mapping[str, int] | None = None,
    titles: Mapping[str, str] | None = None,
    descriptions: Mapping[str, str] | None = None,
    command: str = "python run.py compare cold hot --replicates 4 --days 10",
) -> Path:
    """Write comparison.json, time_courses.json and run directories with snapshots; `failed` is name -> seed.

    `brief` leaves out the pictures and all but the metrics of the verdict: a report of it is drawn in a moment.
    """
    failed = failed or {}
    directory.mkdir(parents=True, exist_ok=True)
    seeds = list(range(1, replicates + 1))
    times = np.arange(0, days[-1] + 1e-9, 0.25)
    values = {name: [_course(name, seed, times) for seed in seeds] for name in names}
    if brief:
        snapshots = False
        wanted = ("CD8 core", "CD8 margin", "tumor cells", "CD8 cells")
        values = {n: [{m: run[m] for m in wanted} for run in runs] for n, runs in values.items()}
    tumors = {}
    for name in names:
        done = [seed != failed.get(name) for seed in seeds]
        states = tuple(STATE.get(name, "cold") if ok else "" for ok in done)
        error = "the fields blew up at day 3.2"
        tumors[name] = Tumor(
            name=name,
            title=(titles or {}).get(name, f"A {name} tumor"),
            description=(descriptions or {}).get(name, "Low antigen, much TGF-beta, few CD8 cells."),
            hash="ab12" * 16,
            resolved=_resolved(name, side, days[-1]),
            states_by_day={5.0: states, days[-1]: states},
            metrics={
                m: Summary.of([float(run[m][-1]) if ok else np.nan for run, ok in zip(values[name], done, strict=True)])
                for m in values[name][0]
            },
            courses={m: Course.of(times, np.array([run[m] for run in values[name]])) for m in values[name][0]},
            runs=tuple(
                Run(
                    scenario=name, seed=seed, directory=run_directory(directory, name, seed), error="" if ok else error
                )
                for seed, ok in zip(seeds, done, strict=True)
            ),
        )
        for run in tumors[name].runs:
            (run.directory / "snapshots").mkdir(parents=True, exist_ok=True)
            for day in days if snapshots and run.finished else ():
                content = npz_bytes(_snapshot(name, run.seed, day / days[-1], side))
                (run.directory / "snapshots" / f"day_{day:07.3f}.npz").write_bytes(content)
    Comparison(
        directory=directory, tumors=tumors, contrasts=contrasts(tumors), differences=(), days=days[-1],
        seeds=tuple(seeds), versions={"tme_abm": "0.1.0", "python": "3.11.2", "numpy": "2.4.6", "mesa": "3.3.1"},
        extra={"command": command},
    ).write()  # fmt: skip
    return directory


def _course(name: str, seed: int, times: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, len(name)])
    tumor, core, margin = END.get(name, (3000, 100, 200))
    x = times / times[-1]
    noise = 1 + 0.08 * rng.normal()

    def between(start: float, end: float, wobble: float = 0.03) -> np.ndarray:
        return np.maximum(0, (start + (end - start) * x**1.3) * (noise + wobble * rng.normal(size=x.size) * x))

    level = LEVELS.get(name, 0.3)
    found = {"tumor cells": np.rint(between(700, tumor)), "CD8 core": between(60, core)}
    found |= {"CD8 margin": between(60, margin)}
    for cell in IMMUNE:
        found[f"{cell} cells"] = np.rint(between(120, 150 + 900 * level))
        found.setdefault(f"{cell} core", between(30, 40 + 160 * (1 - level)))
        found.setdefault(f"{cell} margin", between(30, 60 + 100 * level))
    found["Treg:CD8"] = found["Treg core"] / np.maximum(found["CD8 core"], 1)
    found |= {"core area": between(0.16, tumor / 4000), "tumor radius": between(225, 100 + tumor / 12)}
    found |= {"kills": np.rint(between(0, 1900 * level)), "kills per engaged day": between(1, 1 + 2 * level)}
    found |= {"mean M1 score": between(0.3, 0.1 + 0.7 * level), "mean N1 score": between(0.3, 0.2 + 0.5 * level)}
    found |= {"mean exhaustion": between(0, 0.5 * level), "mean PDL1": between(1, 1 + 4 * level)}
    for molecule in MOLECULES:
        found[f"{molecule} core"] = between(0.001, _scale(molecule) * (level if molecule != "TGFB" else 1 - level))
    return found


def _scale(molecule: str) -> float:
    return {"OXYGEN": 40_000.0, "CXCL10": 5.0, "CSF1": 0.5, "IFNG": 0.2}.get(molecule, 0.05)


def _snapshot(name: str, seed: int, x: float, side: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([seed, len(name), int(100 * x)])
    y, z = np.mgrid[:side, :side] - side / 2 + 0.5
    away = np.hypot(y, z) + 2 * np.sin(5 * np.arctan2(y, z)) + rng.normal(0, 0.8, (side, side))
    tumor_end = END.get(name, (3000, 100, 200))[0] * (side / 160) ** 2
    radius = np.sqrt((700 * (side / 160) ** 2 * (1 - x) + tumor_end * x) / np.pi)
    tissue = np.where((away < radius) & (rng.random((side, side)) < 0.93), 0, -1).astype(np.int8)
    core = np.hypot(y, z) < radius
    level = LEVELS.get(name, 0.3)
    immune = np.full((side, side), -1, dtype=np.int8)
    densities = {1: (level * 0.22, level * 0.16), 2: (0.02, 0.02), 3: (0.012, 0.012), 4: (0.01, 0.01)}
    densities |= {5: (0.03 * (1 - level), 0.02), 6: (0.04 * (1 - level), 0.02), 7: (0.05, 0.03), 8: (0.012, 0.012)}
    if name == "excluded":
        densities[1] = (0.03, 0.12)
    for kind, (inside, outside) in densities.items():
        near = np.where(core, inside, outside * np.exp(-np.maximum(away - radius, 0) / 20)) * (0.15 + 0.85 * x)
        immune[(rng.random((side, side)) < near) & (immune < 0)] = kind
    arrays = {
        "time": np.array(x * 14400.0),
        "shape": np.array([side, side]),
        "spacing": np.array(15.0),
        "tissue_kind": tissue,
        "immune_kind": immune,
        "dead": (tissue >= 0) & (rng.random((side, side)) < (0.06 if away.size and name == "hot" else 0.01)),
        "vessel": rng.random((side, side)) < 0.018,
        "core": core,
        "cell_names": np.array(CELLS),
        "molecule_names": np.array(MOLECULES),
    }
    for molecule in MOLECULES:
        width = {"OXYGEN": 40, "TGFB": 12}.get(molecule, 25)
        blob = np.exp(-np.maximum(np.hypot(y, z) - radius, 0) / width) * (1 + 0.2 * np.sin(y / 6) * np.cos(z / 7))
        amount = _scale(molecule) * x * (level if molecule != "TGFB" else 1 - level)
        value = 40_000 * (1 - 0.6 * blob * x) if molecule == "OXYGEN" else amount * blob
        arrays[f"field/{molecule}"] = value.astype(np.float32)
    return arrays


def _resolved(name: str, side: int, days: float) -> str:
    level = LEVELS.get(name, 0.3)
    return f"""# A resolved scenario: every value is stated.
name = "{name}"
title = "A {name} tumor"

[lattice]
shape = [{side}, {side}]
spacing = "15 um"

[clock]
dt = "10 min"
days = {days}

[tumor]
cells = 700

[tumor.traits]
antigenicity = {0.2 + 0.7 * level:.2f}
mhc1 = {0.3 + 0.5 * level:.2f}
tgfb_secretion = "{9 - 8 * level:.1f} molecules/cell/min"
csf1_secretion = "{20 - 16 * level:.1f} molecules/cell/min"

[immune]
CD8 = "60 /mm^2"
Treg = "20 /mm^2"

[vessels]
density = "80 /mm^2"
in_tumor = 1.0
"""
