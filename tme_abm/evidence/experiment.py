"""Running one assay: its arms under common random numbers, at the stated dose and duration, and at half and double.

All replicates of an arm are the wells of one model. Half and double the duration are read from the same run; half and
double the dose rerun only the arms that a dose changes. An arm is a scenario: dishes and whole tumors are run, read and
judged alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology import Catalogue, load_catalogue
from ..core.errors import InputError, TmeError
from ..core.units import MINUTES_PER_DAY, parse
from ..model import TumorModel
from ..scenario import Scenario, intervention
from .assays import Assay
from .dishes import arm_scenario, dishes, scaled_arms, wells_of
from .judge import judge, verdicts
from .readouts import Readout, readout
from .results import AssayResult, Reading, Variant
from .watch import Watch

__all__ = ["not_run", "run_arm", "run_assay"]

Values = NDArray[np.float64]
Readouts = Mapping[tuple[str, str], Readout]
"""(text, "end" or "mean") -> how it is read."""
Series = list[dict[tuple[str, str], Values]]
"""What one arm reads at several times, by (text, "end" or "mean")."""

_HOUR = parse("1 h", "time")
_SLACK = 1e-6


def run_assay(
    assay: Assay, *, seed: int = 1, robust: bool = True, catalogue: Catalogue | None = None
) -> AssayResult:
    """Run an assay and judge it; if it fails, the result's `error` says why."""
    begun = time.perf_counter()
    try:
        found = _found(assay, seed, robust and assay.robust, load_catalogue() if catalogue is None else catalogue)
    except (TmeError, ValueError, ArithmeticError) as error:
        found = {"error": str(error)}
    return _result(assay, seed, seconds=round(time.perf_counter() - begun, 3), **found)


def not_run(assay: Assay, seed: int, error: str) -> AssayResult:
    """The result of an assay that could not run."""
    return _result(assay, seed, seconds=0.0, error=error)


def _result(assay: Assay, seed: int, **found: Any) -> AssayResult:
    dish = dishes().get(assay.dish)
    return AssayResult(
        id=assay.id,
        title=assay.title,
        claims=assay.claims,
        note=assay.note,
        dish=dish.description if dish else assay.dish,
        duration=assay.minutes[1],
        wells=wells_of(assay),
        seed=seed,
        cells=tuple(_said({"do": "add", **cell}).removeprefix("add ") for cell in assay.cells),
        arms={name: tuple(_said(item) for item in arm) for name, arm in assay.arms.items()},
        sweep=assay.sweep,
        **found,
    )


def _said(table: Mapping[str, Any]) -> str:
    """An intervention in words; a table that is refused as it stands."""
    try:
        item = intervention({key: value for key, value in table.items() if key != "scales"})
    except InputError:
        return str(dict(table))
    return item.says(load_catalogue()).removesuffix(", at the start")


def run_arm(
    scenario: Scenario,
    readouts: Readouts,
    times: Sequence[float],
    *,
    begin: float,
    seed: int,
    wells: int,
    catalogue: Catalogue,
) -> Series:
    """The readings of one arm at each of the `times`; counts and averages start at `begin` [min]."""
    model = TumorModel(scenario, rng=seed, catalogue=catalogue, wells=wells)
    model.take_no_census()  # it costs as much as a small dish
    watch, looks = Watch(model, paths=any(found.paths for found in readouts.values())), 0
    sums = {key: np.zeros(wells) for key in readouts if key[1] == "mean"}
    series: Series = []
    begun = begin <= 0
    every = max(round(_HOUR / model.clock.dt), 1)
    for end in times:
        while model.clock.time < end - _SLACK:
            model.step()
            if not begun and model.clock.time >= begin - _SLACK:
                watch.begin()
                begun = True
                continue
            watch.look()
            if begun and sums and model.clock.step % every == 0:
                looks += 1
                for key, total in sums.items():
                    total += readouts[key].read(watch)
        series.append(
            {
                key: sums[key] / max(looks, 1) if key in sums else found.read(watch)
                for key, found in readouts.items()
            }
        )
    return series


def _found(assay: Assay, seed: int, robust: bool, catalogue: Catalogue) -> dict[str, Any]:
    """Readings, verdicts and variants of an assay."""
    after, duration = assay.minutes
    length = duration - after
    times = (after + length / 2, duration, after + 2 * length) if robust else (duration,)
    readouts: Readouts = {(one.readout, one.over): readout(one.readout, catalogue) for one in assay.expect}
    units = {text: found.unit for (text, _), found in readouts.items()}
    record = {molecule for found in readouts.values() for molecule in found.molecules}

    def run(assay: Assay, arm: str, times: Sequence[float]) -> Series:
        scenario = arm_scenario(assay, arm, days=times[-1] / MINUTES_PER_DAY, record=record)
        wells = wells_of(assay)
        return run_arm(scenario, readouts, times, begin=after, seed=seed, wells=wells, catalogue=catalogue)

    def judged(name: str, arms: Mapping[str, Mapping[tuple[str, str], Values]]) -> Variant:
        readings = {(arm, *key): values for arm, read in arms.items() for key, values in read.items()}
        found = judge(assay.expect, assay.claims, readings, units)
        return Variant(name=name, verdicts=verdicts(assay.claims, found), judged=found)

    arms = {name: run(assay, name, times) for name in assay.arms}
    at = [{arm: series[place] for arm, series in arms.items()} for place in range(len(times))]
    stated = at[times.index(duration)]
    variants: list[Variant] = []
    if robust:
        variants = [judged("half duration", at[0]), judged("double duration", at[2])]
        for name, factor in (("half dose", 0.5), ("double dose", 2.0)):
            if (scaled := scaled_arms(assay, factor)) is not None:
                other, changed = scaled
                variants.append(judged(name, stated | {arm: run(other, arm, [duration])[0] for arm in changed}))
    result = judged("stated", stated)
    return {
        "readings": tuple(
            Reading(
                readout=text,
                unit=found.unit,
                over=over,
                time=moment,
                arms={arm: _plain(series[place][text, over]) for arm, series in arms.items()},
            )
            for (text, over), found in readouts.items()
            for place, moment in enumerate(times)
        ),
        "judged": result.judged,
        "verdicts": result.verdicts,
        "variants": tuple(variants),
    }


def _plain(values: Values) -> tuple[float | None, ...]:
    return tuple(float(f"{value:.7g}") if np.isfinite(value) else None for value in values)
