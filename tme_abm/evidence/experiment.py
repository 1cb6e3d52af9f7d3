"""Running one assay: its arms under common random numbers, at the stated dose and duration, and at half and double.

All replicates of an arm are the wells of one model. Half and double the duration are read from the same run; half and
double the dose rerun only the arms that a dose changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..biology import Catalogue, load_catalogue
from ..compare.statistics import mean_interval
from ..core.errors import TmeError
from ..core.units import parse
from ..model import TumorModel
from .dishes import arm_scenario, dishes, scaled_arms, wells_of
from .judge import judge, verdicts
from .readouts import Readout, readout
from .results import AssayResult, Judged, Reading, Sweep, Variant
from .schema import Assay
from .watch import Watch
from .words import in_words

__all__ = ["arm_means", "run_assay"]

Values = NDArray[np.float64]
Wanted = Mapping[tuple[str, str], Readout]
"""(readout, over) -> how to read it."""
Series = list[dict[tuple[str, str], Values]]
"""What one arm reads at each of the asked times."""

_DAY, _HOUR = parse("1 day", "time"), parse("1 h", "time")
_FACTORS = (("half", 0.5), ("double", 2.0))
_SLACK = 1e-6


def run_assay(
    assay: Assay, *, seed: int = 1, robust: bool = True, catalogue: Catalogue | None = None
) -> AssayResult:
    """Run an assay and judge it; what goes wrong with it is in the result's `error`."""
    begun = time.perf_counter()
    try:
        found = _found(assay, seed, robust and assay.robust, load_catalogue() if catalogue is None else catalogue)
    except (TmeError, ValueError, ArithmeticError) as error:
        found = {"error": str(error)}
    return AssayResult(
        id=assay.id,
        title=assay.title,
        claims=assay.claims,
        note=assay.note,
        dish=_dishin_words(assay),
        duration=assay.minutes[1],
        wells=_wells(assay),
        seed=seed,
        seconds=round(time.perf_counter() - begun, 3),
        cells=tuple(in_words({"do": "add", **cell}) for cell in assay.cells),
        arms={name: tuple(in_words(item) for item in arm) for name, arm in assay.arms.items()},
        sweep=_sweep(assay),
        **found,
    )


def _found(assay: Assay, seed: int, robust: bool, catalogue: Catalogue) -> dict[str, Any]:
    wanted: dict[tuple[str, str], Readout] = {
        (one.readout, one.over): readout(one.readout, catalogue) for one in assay.expect
    }
    units = {text: found.unit for (text, _), found in wanted.items()}
    after, duration = assay.minutes
    length = duration - after
    times = [after + length / 2, duration, after + 2 * length] if robust else [duration]
    stated = 1 if robust else 0
    arms = {name: _run(assay, name, wanted, times, seed, catalogue) for name in assay.arms}

    def judged_at(series: Mapping[str, Series], place: int) -> tuple[Judged, ...]:
        readings = {(arm, *key): values for arm, one in series.items() for key, values in one[place].items()}
        return judge(assay, readings, units)

    def variant(name: str, judged: tuple[Judged, ...]) -> Variant:
        return Variant(name=name, verdicts=verdicts(assay, judged), judged=judged)

    judged = judged_at(arms, stated)
    variants: list[Variant] = []
    if robust:
        for name, place in (("half duration", 0), ("double duration", 2)):
            variants.append(variant(name, judged_at(arms, place)))
        for name, factor in _FACTORS:
            scaled = scaled_arms(assay, factor)
            if scaled is None:
                continue
            other, changed = scaled
            rerun = {arm: _run(other, arm, wanted, times[1:2], seed, catalogue) for arm in changed}
            same = {arm: [series[1]] for arm, series in arms.items() if arm not in changed}
            variants.append(variant(f"{name} dose", judged_at({**same, **rerun}, 0)))
    return {
        "readings": _readings(arms, times, wanted),
        "judged": judged,
        "verdicts": verdicts(assay, judged),
        "variants": tuple(variants),
    }


def _run(
    assay: Assay, arm: str, wanted: Wanted, times: Sequence[float], seed: int, catalogue: Catalogue
) -> Series:
    record = {molecule for found in wanted.values() for molecule in found.molecules}
    scenario = arm_scenario(assay, arm, days=times[-1] / _DAY, record=record)
    model = TumorModel(scenario, rng=seed, catalogue=catalogue, wells=_wells(assay))
    model.take_no_census()  # it costs as much as a small dish
    paths = any(found.every_step for found in wanted.values())
    averaged = [key for key in wanted if key[1] == "mean"]
    after, _ = assay.minutes
    watch, sums, looks = Watch(model), {key: np.zeros(_wells(assay)) for key in averaged}, 0
    series: Series = []
    begun = after <= 0
    every = max(round(_HOUR / model.clock.dt), 1)
    for end in times:
        while model.clock.time < end - _SLACK:
            model.step()
            if not begun and model.clock.time >= after - _SLACK:
                watch.begin()
                begun = True
                continue
            watch.look(paths=paths)
            if begun and averaged and model.clock.step % every == 0:
                looks += 1
                for key in averaged:
                    sums[key] += wanted[key].read(watch)
        series.append(
            {
                key: sums[key] / max(looks, 1) if key[1] == "mean" else found.read(watch)
                for key, found in wanted.items()
            }
        )
    return series


def _readings(arms: Mapping[str, Series], times: Iterable[float], wanted: Wanted) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            readout=text,
            unit=found.unit,
            over=over,
            time=moment,
            arms={arm: _plain(series[place][text, over]) for arm, series in arms.items()},
        )
        for (text, over), found in wanted.items()
        for place, moment in enumerate(times)
    )


def _plain(values: Values) -> tuple[float | None, ...]:
    return tuple(float(f"{value:.7g}") if np.isfinite(value) else None for value in values)


def arm_means(result: AssayResult, readout_text: str) -> dict[str, float | None]:
    """Mean of a readout in every arm at the stated duration."""
    for reading in result.readings:
        if reading.readout == readout_text and abs(reading.time - result.duration) < _SLACK:
            return {arm: mean_interval(values).mean for arm, values in reading.arms.items()}
    return {}


def _sweep(assay: Assay) -> Sweep | None:
    if assay.sweep is None:
        return None
    return Sweep(name=assay.sweep.name, values=assay.sweep.values, curves=assay.sweep_arms)


def _wells(assay: Assay) -> int:
    return wells_of(assay) if assay.dish in dishes() else int(assay.dish_changes.get("wells", 1))


def _dishin_words(assay: Assay) -> str:
    return dishes()[assay.dish].description if assay.dish in dishes() else assay.dish
