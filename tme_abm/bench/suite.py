"""The whole benchmark: every case in turn, what does not fit told in a sentence, and what follows from all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Any

from ..core.errors import InputError
from ..core.toml import read_toml
from . import machine
from .cases import Case, settings
from .child import NotMeasured, in_child
from .scaling import exponent

__all__ = ["SCHEMA", "Tell", "benchmark", "expected_needs", "peers", "remeasured", "run_cases", "scalings"]

SCHEMA = 1
_QUICK_SECONDS = 60.0  # what --quick promises
_PATIENCE = 4.0  # a case may take so many times what was expected before it is stopped
_MESA_AGENTS, _MESA_STEPS = 10_000, 7
_GIB = float(1 << 30)
_SAFETY = 1.33  # expected needs are put this much above what smaller cases had
_STARTING = 2.0  # seconds to start a process and import the package
_SOLVED_AGAIN = 9  # the fields are solved again so often: one by one, by kind, and by one thread
_STEPS_A_DAY = 144  # of 10 minutes, the step of the shipped scenarios

_INTERRUPTED = "not measured: the benchmark was interrupted"

Tell = Callable[[str], None]
Measure = Callable[[Case, float], dict[str, Any]]


def benchmark(
    cases: Sequence[Case], *, quick: bool, command: str, tell: Tell, measure: Measure | None = None
) -> dict[str, Any]:
    """Measure `cases` one after the other and put everything into one table, ready to be written as JSON.

    `measure` is how a case is measured within so many seconds, by default in a process of its own.
    """
    begun, before = time.monotonic(), machine.load_average()
    mesa = _mesa(tell)
    deadline = begun + _QUICK_SECONDS if quick else None
    found, skipped = run_cases(cases, deadline=deadline, tell=tell, measure=measure or _measured)
    return {
        "schema": SCHEMA,
        "date": machine.date(),
        "command": command,
        "quick": quick,
        "machine": machine.describe(),
        "load_before": before,
        "load_after": machine.load_average(),
        "seconds": round(time.monotonic() - begun, 1),
        "interrupted": any(one["why"].endswith(_INTERRUPTED) for one in skipped),
        "cases": found,
        "skipped": skipped,
        "scaling": scalings(found),
        "baselines": {"mesa objects": mesa},
        "peers": dict(peers()),
    }


def remeasured(result: Mapping[str, Any], names: Sequence[str], *, tell: Tell) -> dict[str, Any]:
    """The cases of `result` called `names`, once more; what else it holds stays."""
    cases = [Case.from_json(one["case"]) for one in result["cases"] if one["case"]["name"] in names]
    found, _ = run_cases(cases, deadline=None, tell=tell, measure=_measured)
    return {**result, "cases": found}


def run_cases(
    cases: Sequence[Case], *, deadline: float | None, tell: Tell, measure: Measure
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What was measured, and for every case that was not a sentence that says why."""
    found: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    for number, case in enumerate(cases):
        expected = expected_needs(case, found)
        why = _unfit(case, expected, available=machine.available_gib(), deadline=deadline)
        if why is None:
            tell(f"{case.name}: {case.cells:,} cells, {case.voxels:,} sites")
            try:
                found.append(measure(case, max(60.0, _PATIENCE * expected["seconds"])))
                continue
            except KeyboardInterrupt:
                tell("interrupted; what was measured so far is kept")
                skipped += [{"case": one.name, "why": f"{one.name} was {_INTERRUPTED}"} for one in cases[number:]]
                break
            except NotMeasured as reason:
                why = f"{case.name} was not measured: {reason}"
            except InputError as error:
                why = f"{case.name} was not measured: {error}"
        tell(why)
        skipped.append({"case": case.name, "why": why})
    return found, skipped


def expected_needs(case: Case, found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Memory [GiB] and seconds that `case` will need.

    In proportion to the largest smaller case that was measured, with a third on top; before there is one, the upper
    estimates of `cases.toml`.
    """
    needs: Mapping[str, float] = settings()["needs"]
    work = case.voxels * case.fields
    base = needs["base_gib"]
    smaller = [one for one in found if _fits_into(one, case)]
    if smaller:
        like = max(smaller, key=_work)
        more_work, more_cells = work / _work(like), case.cells / like["cells"]["median"]
        step = _SAFETY * (
            like["cell_seconds"]["wall"]["median"] * more_cells
            + like["transport_seconds"]["wall"]["median"] * more_work
        )
        gib = base + _SAFETY * max(like["peak_gib"] - base / 2, 0.0) * max(more_work, more_cells)
    else:
        voxel_bytes = needs["voxel_bytes"] + needs["voxel_field_bytes"] * case.fields
        step = case.cells * needs["cell_step_us"] * 1e-6 + work * needs["voxel_field_ns"] * 1e-9
        gib = base + (needs["cell_bytes"] * case.cells + voxel_bytes * case.voxels) / _GIB
    planting = case.voxels * needs["planting_us"] * 1e-6
    if case.days is not None:
        measured = step * case.days * _STEPS_A_DAY
    else:
        measured = min(max(case.seconds, case.least * step), case.most * step)
    return {"gib": gib, "seconds": _STARTING + planting + (case.warm_up + _SOLVED_AGAIN) * step + measured}


def _work(one: Mapping[str, Any]) -> int:
    return int(one["voxels"] * len(one["fields"]))


def _fits_into(one: Mapping[str, Any], case: Case) -> bool:
    """Whether what was measured is no larger than `case` in any respect, and of its kind."""
    return (
        len(one["case"]["shape"]) == len(case.shape)
        and one["voxels"] <= case.voxels
        and one["case"]["cells"] <= case.cells
        and len(one["fields"]) <= case.fields
    )


def _unfit(case: Case, expected: Mapping[str, float], *, available: float | None, deadline: float | None) -> str | None:
    """Why `case` is not tried, one sentence; None if it fits."""
    if available is not None and expected["gib"] > available:
        return (
            f"{case.name} was skipped: it is expected to need {expected['gib']:.1f} GiB of memory "
            f"and {available:.1f} GiB are free"
        )
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and expected["seconds"] > left:
        return (
            f"{case.name} was skipped: it is expected to take {expected['seconds']:.0f} s "
            f"and {max(left, 0.0):.0f} s are left of the {_QUICK_SECONDS:.0f} s of a quick benchmark"
        )
    return None


def scalings(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How costs of the plane cases grow: of all but transport with cells, of transport with voxels, by fields."""
    plane = [one for one in found if one["case"]["mix"] == "tumor" and len(one["case"]["shape"]) == 2]
    grown: list[dict[str, Any]] = []
    for fields in sorted({one["case"]["fields"] for one in plane}):
        chosen = [one for one in plane if one["case"]["fields"] == fields]
        for what, size, cost in (
            ("cells", "cells", "cell_seconds"),
            ("voxels", "voxels", "transport_seconds"),
        ):
            sizes = [one["cells"]["median"] if size == "cells" else one["voxels"] for one in chosen]
            for clock in ("cpu", "wall"):
                fit = exponent(sizes, [one[cost][clock]["median"] for one in chosen])
                if fit is not None:
                    grown.append({"of": what, "fields": fields, "clock": clock, **asdict(fit)})
    return grown


@cache
def peers() -> Mapping[str, Any]:
    """The table `peers.toml`: what was published or measured elsewhere, and the targets."""
    return read_toml(resources.files(__package__).joinpath("peers.toml"), name="peers.toml")


def _measured(case: Case, seconds: float) -> dict[str, Any]:
    return in_child({"what": "case", "case": case.to_json()}, seconds=seconds)


def _mesa(tell: Tell) -> dict[str, Any] | None:
    """The cost of a move of plain Mesa objects, now and here; None, and a sentence, if it cannot be measured."""
    tell(f"Mesa objects: {_MESA_AGENTS:,} of them moving at random")
    try:
        return in_child({"what": "mesa", "agents": _MESA_AGENTS, "steps": _MESA_STEPS}, seconds=120.0)
    except NotMeasured as reason:
        tell(f"Mesa objects were not measured: {reason}")
        return None
