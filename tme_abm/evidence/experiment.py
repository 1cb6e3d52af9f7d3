"""One assay: its arms under common random numbers, at the stated dose and duration, and at half and double of each.

All replicates of an arm are the wells of one model. Half and double the duration are read from the same run; for half
and double the dose only the arms that have the dose run again. An arm is a scenario, so dishes and whole tumors are
run and read in the same way (`reading`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..biology import Catalogue, load_catalogue
from ..biology.priors import drawn_catalogue
from ..core.errors import InputError, TmeError
from ..core.units import MINUTES_PER_DAY
from ..scenario import intervention
from ..simulation import Simulation
from .assays import Assay
from .dishes import arm_scenario, dishes, scaled_arms, wells_of
from .judge import arms_of, judge, verdicts
from .reading import Ask, Values, plain, read_run
from .readouts import Readout, readout
from .results import AssayResult, Judged, Reading, Variant, of_claim

__all__ = ["result_of", "run_assay", "said"]

Key = tuple[str, str]
"""The text of a readout, and "end" or "mean"."""
Read = dict[Key, Values]
"""The readings of one arm at one time."""


def run_assay(assay: Assay, *, seed: int = 1, robust: bool = True, draw: int | None = None) -> AssayResult:
    """The result of an assay that is run and judged; if it fails, the `error` of the result says why.

    draw : the number of a joint draw of all numbers of the catalogue; then the result has verdicts, but no readings
    """
    begun = time.perf_counter()
    try:
        if draw is None:
            found = _found(assay, seed, robust and assay.robust, load_catalogue())
        else:
            found = _decided(assay, seed, drawn_catalogue(seed, draw))
    except (TmeError, ValueError, ArithmeticError) as error:
        found = {"error": str(error)}
    return result_of(assay, seed, seconds=round(time.perf_counter() - begun, 3), draw=draw, **found)


def result_of(assay: Assay, seed: int, *, seconds: float = 0.0, **found: Any) -> AssayResult:
    """The result of an assay with all that its file says of it; `found` are its readings and verdicts, or its error."""
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
        seconds=seconds,
        cells=tuple(said({"do": "add", **cell}).removeprefix("add ") for cell in assay.cells),
        arms={name: tuple(said(item) for item in arm) for name, arm in assay.arms.items()},
        sweep=assay.sweep,
        **found,
    )


def said(table: Mapping[str, Any]) -> str:
    """An intervention in words, or its table if it is invalid."""
    try:
        item = intervention({key: value for key, value in table.items() if key != "scales"})
    except InputError:
        return str(dict(table))
    return item.says(load_catalogue()).removesuffix(", at the start")


def _run_arm(
    assay: Assay, arm: str, readouts: Mapping[Key, Readout], times: Sequence[float], seed: int, catalogue: Catalogue
) -> list[Read]:
    """The readings of one arm at each of the `times` [min]."""
    record = {molecule for found in readouts.values() for molecule in found.molecules}
    scenario = arm_scenario(assay, arm, days=times[-1] / MINUTES_PER_DAY, record=record, catalogue=catalogue)
    model = Simulation(scenario, rng=seed, catalogue=catalogue, wells=wells_of(assay))
    asked = {(key, time): Ask(*key, begin=assay.minutes[0], at=time) for key in readouts for time in times}
    found = read_run(model, asked.values())
    return [{key: found[asked[key, time]] for key in readouts} for time in times]


def _found(assay: Assay, seed: int, robust: bool, catalogue: Catalogue) -> dict[str, Any]:
    """Readings, verdicts and variants of an assay."""
    after, duration = assay.minutes
    length = duration - after
    times = (after + length / 2, duration, after + 2 * length) if robust else (duration,)
    readouts, units = _readouts(assay, catalogue)

    def judged(name: str, arms: Mapping[str, Read]) -> Variant:
        readings = {(arm, *key): values for arm, read in arms.items() for key, values in read.items()}
        found = judge(assay.expect, assay.claims, readings, units)
        return Variant(name=name, verdicts=verdicts(assay.claims, found), judged=found)

    arms = {arm: _run_arm(assay, arm, readouts, times, seed, catalogue) for arm in assay.arms}
    at = [{arm: series[place] for arm, series in arms.items()} for place in range(len(times))]
    stated = at[times.index(duration)]
    variants: list[Variant] = []
    if robust:
        variants = [judged("half duration", at[0]), judged("double duration", at[2])]
        for name, factor in (("half dose", 0.5), ("double dose", 2.0)):
            if (scaled := scaled_arms(assay, factor)) is not None:
                other, changed = scaled
                again = {arm: _run_arm(other, arm, readouts, [duration], seed, catalogue)[0] for arm in changed}
                variants.append(judged(name, stated | again))
    result = judged("stated", stated)
    return {
        "readings": tuple(
            Reading(
                readout=text,
                unit=found.unit,
                over=over,
                time=moment,
                arms={arm: plain(series[place][text, over]) for arm, series in arms.items()},
            )
            for (text, over), found in readouts.items()
            for place, moment in enumerate(times)
        ),
        "judged": result.judged,
        "verdicts": result.verdicts,
        "variants": tuple(variants),
    }


def _decided(assay: Assay, seed: int, catalogue: Catalogue) -> dict[str, Any]:
    """The verdicts of an assay. Expectations are judged in their order, each arm is run when it is first needed, and an
    expectation all of whose claims have failed is left out: it could not change a verdict.
    """
    readouts, units = _readouts(assay, catalogue)
    arms: dict[str, Read] = {}
    judged: list[Judged] = []
    for one in assay.expect:
        if not any(all(found.holds for found in of_claim(judged, claim)) for claim in one.claims or assay.claims):
            continue
        for arm in arms_of(one, assay.expect):
            if arm not in arms:
                arms[arm] = _run_arm(assay, arm, readouts, [assay.minutes[1]], seed, catalogue)[0]
        readings = {(arm, *key): values for arm, read in arms.items() for key, values in read.items()}
        judged += judge(assay.expect, assay.claims, readings, units, only=[one])
    return {"judged": tuple(judged), "verdicts": verdicts(assay.claims, judged)}


def _readouts(assay: Assay, catalogue: Catalogue) -> tuple[dict[Key, Readout], dict[str, str]]:
    """The readouts of an assay, and their units by text."""
    found: dict[Key, Readout] = {(one.readout, one.over): readout(one.readout, catalogue) for one in assay.expect}
    return found, {text: one.unit for (text, _), one in found.items()}
