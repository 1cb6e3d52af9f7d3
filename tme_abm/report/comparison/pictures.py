"""Which pictures a comparison shows: one seed, the same moments, the same window and scale for every scenario.

The seed shown is the one whose CD8 density in the core lies closest to the scenarios' medians, so that the
picture is typical and not lucky. Fields are drawn on one color scale per molecule; those of the key molecules
that are present come first, then those that differ most between the scenarios.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...compare.comparison import Comparison, Run, Tumor
from ...core.errors import InputError
from ...core.units import parse
from ...observe.state import criteria
from ..style.numbers import unit_for
from ..style.raster import Window
from ..style.tissue import (
    FieldPanel,
    Snapshot,
    busiest_edge,
    common_window,
    field_row,
    read_picture,
    tissue_picture,
)  # fmt: skip

__all__ = ["Gallery", "Picture", "gallery", "shown_runs", "typical_seed"]

logger = logging.getLogger(__name__)

KEY_MOLECULES = ("OXYGEN", "IFNG", "CXCL10", "TGFB", "CSF1")
MOMENTS = (0.2, 0.5, 1.0)  # as shares of the simulated time
FIELDS = 8
FAINTEST = "1 pM"  # differences below it, under nearly every half-max of the catalogue, are not worth a picture
CLOSE_UP = 44  # sites


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The tissue of one scenario on one day."""

    scenario: str
    day: float
    png: bytes


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """All pictures of a report; empty where the runs left no snapshots.

    overview: a row a scenario. fields: by molecule, in all scenarios on the last day. present, tissue: names of the
    cells seen at all, and on the tissue layer. chosen: whether the seed is one of several.
    """

    days: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    overview: tuple[tuple[Picture, ...], ...] = ()
    close_ups: tuple[Picture, ...] = ()
    fields: Mapping[str, bytes] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    tissue: frozenset[str] = frozenset()
    sliced: bool = False
    chosen: bool = False

    @property
    def rows(self) -> tuple[tuple[Picture, ...], ...]:
        """The overview as it is laid out: a row a scenario, or one row of scenarios where there is one moment."""
        return tuple(zip(*self.overview, strict=True)) if len(self.days) == 1 else self.overview


def typical_seed(comparison: Comparison) -> int | None:
    """The seed nearest to the median CD8 core density over all scenarios, among those with the most pictures."""
    having = {name: {run.seed for run in t.runs if run.snapshots} for name, t in comparison.tumors.items()}
    times = Counter(seed for seeds in having.values() for seed in seeds)
    if not times:
        return None
    candidates = sorted(seed for seed, count in times.items() if count == max(times.values()))
    distance = dict.fromkeys(candidates, 0.0)
    for tumor in comparison.tumors.values():
        ends = _ends(tumor, "CD8 core")
        if not ends:
            continue
        middle, spread = float(np.median(list(ends.values()))), max(ends.values()) - min(ends.values())
        for seed in candidates:
            if spread > 0 and seed in ends:
                distance[seed] += abs(ends[seed] - middle) / spread
    return min(candidates, key=lambda seed: (distance[seed], seed))


def shown_runs(comparison: Comparison) -> dict[str, Run]:
    """The run of each scenario that pictures are taken from; none of a scenario without pictures."""
    seed = typical_seed(comparison)
    return {name: run for name in comparison.names if (run := _run_to_show(comparison, name, seed))}


def gallery(comparison: Comparison) -> Gallery:
    """Draw the pictures of a comparison."""
    shown = shown_runs(comparison)
    days = _moments([sorted(run.snapshots) for run in shown.values()])
    taken = {name: found for name, run in shown.items() if days and (found := _taken(run, days))}
    if not taken:
        return Gallery(missing=comparison.names)
    everything = [snapshot for row in taken.values() for snapshot in row]
    window = common_window(everything, criteria().margin)
    edges = {name: busiest_edge(row[-1], CLOSE_UP) for name, row in taken.items()}

    def picture(name: str, snapshot: Snapshot) -> Picture:
        frames = {"": edges[name]} if snapshot is taken[name][-1] else {}
        return Picture(scenario=name, day=snapshot.day, png=tissue_picture(snapshot, window, width=640, frames=frames))

    tissue = _seen(everything, "tissue_kind")
    present = tissue | _seen(everything, "immune_kind")
    return Gallery(
        days=days,
        seeds=tuple(dict.fromkeys(shown[name].seed for name in taken)),
        overview=tuple(tuple(picture(name, snapshot) for snapshot in row) for name, row in taken.items()),
        close_ups=tuple(
            Picture(scenario=name, day=days[-1], png=tissue_picture(row[-1], edges[name], width=616))
            for name, row in taken.items()
        ),
        fields=_fields({name: row[-1] for name, row in taken.items()}, window),
        scenarios=tuple(taken),
        missing=tuple(name for name in comparison.names if name not in taken),
        present=tuple(name for name in everything[0].cell_names if name in present),
        tissue=tissue,
        chosen=any(tumor.replicates > 1 for tumor in comparison.tumors.values()),
        sliced=any(snapshot.sliced for snapshot in everything),
    )


def _taken(run: Run, days: Sequence[float]) -> list[Snapshot]:
    """The run's pictures of these days; none if one of them is damaged."""
    try:
        return [read_picture(run.snapshots[day], day) for day in days]
    except (InputError, KeyError) as error:
        logger.warning("no pictures of %s: %s", run.scenario, error)
        return []


def _ends(tumor: Tumor, metric: str) -> dict[int, float]:
    """seed -> final value, where there is one; values are listed in the order of the runs."""
    summary = tumor.metrics.get(metric)
    if summary is None or len(summary.values) != len(tumor.runs):
        return {}
    return {r.seed: v for r, v in zip(tumor.runs, summary.values, strict=True) if math.isfinite(v)}


def _run_to_show(comparison: Comparison, name: str, seed: int | None) -> Run | None:
    """The run of the chosen seed, or else the first that has pictures."""
    runs = [run for run in comparison.tumors[name].runs if run.snapshots]
    return next((run for run in runs if run.seed == seed), runs[0] if runs else None)


def _seen(snapshots: Sequence[Snapshot], layer: str) -> frozenset[str]:
    """Names of the cell types found in a layer of any picture."""
    return frozenset(
        snapshot.cell_names[kind] for snapshot in snapshots for kind in np.unique(getattr(snapshot, layer)) if kind >= 0
    )


def _moments(days: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """At most three days that all runs have pictures of, the last among them."""
    common = sorted(set(days[0]).intersection(*days[1:])) if days else []
    if not common:
        return ()
    later = [day for day in common if day > 0] or common
    wanted = [min((abs(day - share * common[-1]), day) for day in later)[1] for share in MOMENTS]
    return tuple(sorted(set(wanted)))


def _fields(last: Mapping[str, Snapshot], window: Window) -> dict[str, bytes]:
    """Pictures of the molecules worth one."""
    pictures = {}
    spacing = next(iter(last.values())).spacing
    width = {1: 2.9, 2: 5.6}.get(len(last), 11.6)
    for molecule in _worth_showing(last):
        shown = {name: window.of(s.fields[molecule]) for name, s in last.items() if molecule in s.fields}
        unit = unit_for("nM", [float(np.quantile(values, 0.998)) for values in shown.values()])
        panels = [
            FieldPanel(
                label=name,
                values=np.asarray(values * unit.factor, dtype=np.float32),
                core=np.asarray(window.of(last[name].core), dtype=bool),
            )
            for name, values in shown.items()
        ]
        pictures[molecule] = field_row(panels, unit=unit.name, spacing=spacing, width=width)
    return pictures


def _worth_showing(last: Mapping[str, Snapshot]) -> list[str]:
    """The key molecules that are there, then those whose mean concentrations differ most, then the steepest."""
    means: dict[str, list[float]] = {}
    for snapshot in last.values():
        for molecule, values in snapshot.fields.items():
            means.setdefault(molecule, []).append(float(values.mean()))

    faintest = parse(FAINTEST, "concentration")

    def contrast(molecule: str) -> float:
        found = means[molecule]
        return math.log((max(found) + faintest) / (min(found) + faintest))

    present = [molecule for molecule in means if max(means[molecule]) > 0]
    key = [molecule for molecule in KEY_MOLECULES if molecule in present]
    others = sorted((m for m in present if m not in key), key=contrast, reverse=True)
    return (key + others)[:FIELDS]
