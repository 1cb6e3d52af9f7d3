"""Published experiments repeated: which runs they need, what is read of each, and what came out.

Arms of several experiments that are one and the same run, such as the untreated tumor of a seed, are run once (see
`repeats`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ..biology import Catalogue, load_catalogue
from ..biology.priors import drawn_catalogue
from ..compare.statistics import mean_interval
from ..core.errors import InputError, TmeError
from ..core.files import write_bytes
from ..core.units import MINUTES_PER_DAY, parse
from ..observe.metrics import HEADLINES
from ..runs.fingerprint import package_version
from .bounds import held, outcome
from .dishes import arm_scenario, dishes, wells_of
from .experiment import said
from .published import WHOLE, Bounds, Experiment
from .reading import Ask, Values
from .readouts import readout
from .repeats import Read, Run, Tell, joined, key_of, performed
from .results import ExperimentResult, Held, Outcome, Reproduction

__all__ = ["planned", "read_reproduction", "reproduce", "seeds_of", "write_reproduction"]

Place = tuple[str, str, str, int]
"""Experiment, tumor or dish, arm, seed."""

_MOST = 3
"""The number of failed bounds that a reason names."""


def reproduce(
    experiments: Sequence[Experiment],
    *,
    seed: int = 1,
    replicates: int | None = None,
    jobs: int = 1,
    out: Path | None = None,
    command: str = "",
    cut: float | None = None,
    draw: int | None = None,
    tell: Tell | None = None,
) -> Reproduction:
    """The results of `experiments`, of whose runs `jobs` are made at a time; seeds begin at `seed`.

    replicates : the number of seeds in place of that of each experiment
    out : runs are stored in `out/runs`
    cut : in a trial, the day at which all runs end; what would be read later is read then
    draw : the number of a joint draw of all numbers, if it is not the catalogue as it is
    """
    begun = time.perf_counter()
    plans: dict[str, Mapping[Place, Run]] = {}
    errors: dict[str, str] = {}
    for one in experiments:
        try:
            catalogue = None if draw is None else drawn_catalogue(seed, draw)
            plans[one.id] = planned(one, seeds_of(one, seed, replicates), cut=cut, catalogue=catalogue)
        except TmeError as error:
            errors[one.id] = f"did not run: {error}"
    runs = joined(run for plan in plans.values() for run in plan.values())
    read, failed = performed(runs, jobs, out, tell)
    for name, plan in plans.items():
        if stopped := next((failed[run.key] for run in plan.values() if run.key in failed), ""):
            errors[name] = f"did not run: {stopped}"
    return Reproduction(
        version=package_version(),
        seed=seed,
        seconds=round(time.perf_counter() - begun, 1),
        command=command,
        runs=len(runs),
        cut=cut,
        experiments=tuple(
            _result(one, plans.get(one.id, {}), read, errors.get(one.id, ""), seeds_of(one, seed, replicates), cut)
            for one in experiments
        ),
    )


def seeds_of(one: Experiment, seed: int, replicates: int | None = None) -> tuple[int, ...]:
    """The seeds of an experiment."""
    return () if one.unposed else tuple(range(seed, seed + (replicates or one.seeds)))


# ------------------------------------------------------------------ which runs


def planned(
    one: Experiment, seeds: Sequence[int], *, cut: float | None = None, catalogue: Catalogue | None = None
) -> dict[Place, Run]:
    """The run of every arm of an experiment in every tumor and seed; `catalogue` is the biology in place of the shipped
    one.

    Raises InputError if a readout or a scenario is invalid; the message names the experiment.
    """
    asks: dict[tuple[str, str], dict[Ask, None]] = {}
    for tumor, bounds in _expected(one):
        for arm in one.arms_of(bounds):
            asks.setdefault((tumor, arm), {}).update(dict.fromkeys((*_asks(one, bounds, cut), *_levels(one, cut))))
    settings = one.settings()
    found: dict[Place, Run] = {}
    for (tumor, arm), mine in asks.items():
        for ask in mine:
            readout(ask.readout, load_catalogue())
        scenario = arm_scenario(settings[tumor], arm, days=_end(one, cut) / MINUTES_PER_DAY, catalogue=catalogue)
        for seed in seeds:
            wells = wells_of(one)
            found[one.id, tumor, arm, seed] = Run(
                key=key_of(scenario, seed, wells),
                label=f"{tumor}, {arm}, seed {seed}",
                scenario=scenario,
                seed=seed,
                wells=wells,
                asks=tuple(mine),
            )
    return found


def _expected(one: Experiment) -> Iterator[tuple[str, Bounds]]:
    """(tumor or dish, bounds) of all that is expected."""
    for tumor in one.settings():
        for bounds in one.expect:
            if tumor in (bounds.tumors or (tumor,)):
                yield tumor, bounds


def _levels(one: Experiment, cut: float | None) -> list[Ask]:
    """What is read of every tumor at the end, to show at which levels and densities it happened."""
    return [Ask(f"measure {name}", "end", 0.0, _end(one, cut)) for name in HEADLINES] if one.dish == WHOLE else []


def _asks(one: Experiment, bounds: Bounds, cut: float | None) -> tuple[Ask, ...]:
    end, after = _end(one, cut), parse(one.after, "time")
    return tuple(Ask(bounds.readout, bounds.over, min(after, end), min(at, end)) for at in one.times_of(bounds))


def _end(one: Experiment, cut: float | None) -> float:
    """When the runs of an experiment end [min]."""
    end = max([one.minutes[1], *(at for bounds in one.expect for at in one.times_of(bounds))])
    return end if cut is None else min(end, cut * MINUTES_PER_DAY)


def read_reproduction(path: Path) -> Reproduction:
    """The results in a file `reproduce.json`. Raises InputError if `path` is not such a file."""
    try:
        return Reproduction.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError("not the results of published experiments", file=path) from error


def write_reproduction(found: Reproduction, path: Path) -> None:
    """Write results as JSON. Raises InputError if the file cannot be written."""
    write_bytes(path, json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1).encode())


# ------------------------------------------------------------------ what came out


def _result(
    one: Experiment,
    plan: Mapping[Place, Run],
    read: Mapping[str, Read],
    error: str,
    seeds: tuple[int, ...],
    cut: float | None,
) -> ExperimentResult:
    """The result of an experiment from the readings of its runs, or from the `error` that stopped one of them."""

    def of_arm(tumor: str, arm: str, asks: Sequence[Ask]) -> Values:
        """The mean over the asks, one value for each well of each seed."""
        runs = [read[plan[one.id, tumor, arm, seed].key] for seed in seeds]
        return np.concatenate([np.mean([run[ask] for ask in asks], axis=0) for run in runs])

    first: list[Held] = []
    expect: list[Held] = []
    levels: dict[str, dict[str, dict[str, float | None]]] = {}
    for tumor, bounds in () if error else _expected(one):
        arms = {arm: of_arm(tumor, arm, _asks(one, bounds, cut)) for arm in one.arms_of(bounds)}
        unit = readout(bounds.readout, load_catalogue()).unit
        expect.append(held(bounds, arms, unit, tumor=tumor, doses=_doses(one)))
        if bounds == one.expect[0]:
            first.append(expect[-1])
        for arm in arms if one.dish == WHOLE else ():
            levels.setdefault(tumor, {})[arm] = {
                ask.readout.removeprefix("measure "): mean_interval(of_arm(tumor, arm, [ask])).mean
                for ask in _levels(one, cut)
            }
    verdict = outcome(expect)
    shown = next((found for found in first if not found.holds), first[0] if first else None)
    settings = one.settings()
    dish = dishes().get(one.dish)
    return ExperimentResult(
        id=one.id,
        title=one.title,
        verdict=verdict,
        value=shown.value if shown else None,
        ci95=shown.ci95 if shown else None,
        unit=shown.unit if shown else "",
        what=f"{shown.tumor}: {shown.what}" if shown else "",
        published=one.published,
        criterion=one.criterion,
        scenarios=tuple(settings),
        seeds=seeds,
        reason=one.unposed or error or _reason(verdict, expect),
        done=one.done,
        measured=one.measured,
        source=one.source,
        doi=one.doi,
        confidence=one.confidence,
        note=" ".join(filter(None, (one.note, one.unsourced))),
        days=round(_end(one, cut) / MINUTES_PER_DAY, 3) if settings else 0.0,
        setting=dish.description if dish and settings else "",
        cells=tuple(said({"do": "add", **cell}).removeprefix("add ") for cell in one.cells),
        arms={name: tuple(said(item) for item in (*one.common, *arm)) for name, arm in one.arms.items()},
        expect=tuple(expect),
        levels=levels,
    )


def _doses(one: Experiment) -> tuple[float, ...]:
    """The doses of the curve that a half-maximum is read from [nM]."""
    halved = any(bounds.take == "half-max" for bounds in one.expect)
    return tuple(parse(value, "concentration") for value in one.sweep.values) if halved and one.sweep else ()


def _reason(verdict: Outcome, found: Sequence[Held]) -> str:
    """Why an experiment was not reproduced, or in which world each tumor is."""
    if verdict == "no verdict":
        return "; ".join(f"{tumor}: {_world([one for one in found if one.tumor == tumor])}" for tumor in _tumors(found))
    failed = [one for one in found if not one.holds]
    return "; ".join(f"{one.tumor}: {one.says}; wanted {one.wanted}" for one in failed[:_MOST])


def _tumors(found: Sequence[Held]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.tumor for one in found))


def _world(found: Sequence[Held]) -> str:
    """The worlds all of whose bounds hold, with the first of the figures."""
    worlds = dict.fromkeys(one.world for one in found)
    mine = [world for world in worlds if all(one.holds for one in found if one.world == world)]
    return f"{' and '.join(mine) or 'neither'} ({found[0].says})"
