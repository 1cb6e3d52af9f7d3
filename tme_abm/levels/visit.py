"""One tumor is run and looked at on some days: what its cells sense, and what that does to their behaviors.

The rules are evaluated by the engine (`Response`), where they are asked: of living cells, of the dead, of vessels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..biology import Biology, Catalogue, Signal
from ..biology.compiled import Program, Term
from ..observe.compartments import compartments
from ..processes import Response, free_level
from ..processes.senses import expression_column
from ..scenario import Scenario
from ..simulation import Simulation
from ..tissue import Tissue
from .results import NEAR, PLACES, Budget, Part, Pull, Range, RuleLevels, Seen, Spread

__all__ = ["Task", "Visit", "ruled", "visited"]

Array = NDArray[np.float64]
Asked = tuple[str, str]
"""A cell and a behavior of it."""

_CELLS = (0.05, 0.5, 0.95)
_BUDGET = (0.1, 0.5, 0.9)
_SITES = (0.01, 0.5, 0.99)
"""Quantiles: of what cells sense against a half-max, and beside the parts of a budget; of a level over sites."""


class Task(NamedTuple):
    """A tumor to look at on `days`, and the behaviors whose budget is asked for."""

    scenario: Scenario
    seed: int
    days: tuple[float, ...]
    behaviors: tuple[Asked, ...] = ()


class Visit(NamedTuple):
    """What was found in one tumor; `rules` have this tumor only."""

    rules: tuple[RuleLevels, ...]
    budgets: tuple[Budget, ...]
    molecules: dict[str, dict[str, Spread]]
    densities: dict[str, dict[str, Range]]


class _Line(NamedTuple):
    """A term of a program with what its rule says."""

    term: Term
    effect: Literal["increases", "decreases", "scales"]
    note: str = ""
    claims: tuple[str, ...] = ()


@dataclass
class _Pages:
    """What was read on the days so far: arrays by place."""

    signals: dict[tuple[int, str, int], dict[str, list[Array]]] = field(default_factory=dict)
    sums: dict[tuple[int, str], dict[str, list[Array]]] = field(default_factory=dict)
    apart: dict[Asked, dict[str, list[tuple[Array, Array, Array]]]] = field(default_factory=dict)
    levels: dict[str, dict[str, list[Array]]] = field(default_factory=dict)
    densities: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    there: set[str] = field(default_factory=set)


def visited(task: Task) -> Visit:
    """What was found in a tumor."""
    model, pages = Simulation(task.scenario, rng=task.seed), _Pages()
    for day in task.days:
        model.run_until(day)
        _look(model, pages, task.behaviors)
    biology, catalogue, name = model.biology, task.scenario.catalogue, task.scenario.name
    return Visit(
        rules=tuple(_rules(biology, catalogue, pages, name)),
        budgets=tuple(_budget(biology, catalogue, pages.apart[asked], asked, name) for asked in task.behaviors),
        molecules={
            molecule: {place: _spread(found, _SITES) for place, found in places.items() if _size(found)}
            for molecule, places in pages.levels.items()
        },
        densities={
            cell: {place: (min(found), max(found)) for place, found in places.items()}
            for cell, places in pages.densities.items()
        },
    )


def ruled(biology: Biology, cell: str) -> dict[str, Program]:
    """Behavior -> program of the behaviors of a cell that signals act on."""
    kind = biology.cell_index[cell]
    return {biology.behaviors[p.behavior]: p for p in biology.programs if p.cell == kind and p.terms}


# ------------------------------------------------------------------ reading a tumor


def _look(model: Simulation, pages: _Pages, behaviors: Sequence[Asked]) -> None:
    """Read a tumor as it is now."""
    tissue, biology = model.tissue, model.biology
    response, masks = Response(biology, tissue), _masks(tissue)
    pages.there |= _there(biology, tissue, response.senses.there)
    for kind, cell in enumerate(biology.cells):
        _look_at_signals(response, masks, pages, kind, cell)
        if biology.layer[kind] != "vessel":
            at = tissue.cells.site[(tissue.cells.kind == kind) & tissue.living]
            for place, mask in masks.items():
                if area := mask.sum() * tissue.lattice.site_area:
                    _into(pages.densities, cell, place, float(mask[at].sum() / area))
    for asked in behaviors:
        program = ruled(biology, asked[0])[asked[1]]
        sites, rows = response.asked(program.cell, asked[1])
        signals = tuple(term.signal for term in program.terms)
        for place, mask in masks.items():
            here = mask[sites]
            at, mine = sites[here], None if rows is None else rows[here]
            level = response.senses.together(signals, program.cell, at, mine)
            _into(pages.apart, asked, place, (level, *response.taken_apart(program, at, mine)))
    for molecule in (*tissue.fields, *(name for name in tissue.controls.held if name not in tissue.fields)):
        for place, mask in masks.items():
            _into(pages.levels, molecule, place, free_level(tissue, molecule, np.flatnonzero(mask)))


def _look_at_signals(
    response: Response, masks: dict[str, NDArray[np.bool_]], pages: _Pages, kind: int, cell: str
) -> None:
    """Read the signals of all rules of a cell where they are asked."""
    heard: dict[bytes, tuple[Any, list[tuple[str, Program]]]] = {}
    for behavior, program in ruled(response.biology, cell).items():
        sites, rows = response.asked(kind, behavior)
        who = b"vessels" if rows is None else rows.tobytes()
        heard.setdefault(who, ((sites, rows), []))[1].append((behavior, program))
    for (sites, rows), programs in heard.values():
        signals = tuple(dict.fromkeys(term.signal for _, program in programs for term in program.terms))
        strength = response.senses.together(signals, kind, sites, rows)
        of = dict(zip(signals, strength, strict=True))
        values = {behavior: response.taken_apart(program, sites, rows)[1] for behavior, program in programs}
        for place, mask in masks.items():
            here = mask[sites]
            for behavior, program in programs:
                for number, term in enumerate(program.terms):
                    _into(pages.signals, (kind, behavior, number), place, of[term.signal][here])
                _into(pages.sums, (kind, behavior), place, values[behavior][:, here].sum(axis=1))


def _into(table: dict[Any, dict[str, list[Any]]], key: Any, place: str, found: Any) -> None:
    table.setdefault(key, {}).setdefault(place, []).append(found)


def _masks(tissue: Tissue) -> dict[str, NDArray[np.bool_]]:
    """The sites of each place, (n_sites,)."""
    parts = [compartments(tissue, well) for well in range(tissue.lattice.wells)]
    return {place: np.concatenate([part[number] for part in parts]) for number, place in enumerate(PLACES)}


def _there(biology: Biology, tissue: Tissue, dissolved: frozenset[str]) -> set[str]:
    """What is there now: living cells, cells "in the blood", "dead" ones, and the molecules that are dissolved or shown
    by a living cell.
    """
    cells, living = tissue.cells, tissue.living
    found = {biology.cells[kind] for kind in np.unique(cells.kind[living])}
    found |= {"dead"} if not living.all() else set()
    full = {pool for pool, amount in tissue.pools.items() if np.any(amount > 0)}
    found |= {f"{name} in the blood" for name, pool in zip(biology.cells, biology.pool, strict=True) if pool in full}
    shown = {one.name for one in biology.contacts if cells[expression_column(one.name)][living].any()}
    return found | shown | (set(dissolved) - set(biology.contact_index))


# ------------------------------------------------------------------ the reach of rules


def _rules(biology: Biology, catalogue: Catalogue, pages: _Pages, tumor: str) -> Iterator[RuleLevels]:
    """The signals of all rules of all cells in this tumor."""
    for kind, cell in enumerate(biology.cells):
        for behavior in ruled(biology, cell):
            for number, line in enumerate(_lines(biology, catalogue, cell, behavior)):
                signal = biology.signals[line.term.signal]
                read = pages.signals.get((kind, behavior, number), {})
                places = {place: found for place, found in read.items() if _size(found)}
                absent = _missing(biology, signal, pages.there)
                if behavior == "extravasation" and f"{cell} in the blood" not in pages.there:
                    absent = f"no {cell} in the blood"
                elif not places:
                    absent = f"no dead {cell}" if behavior == "clearance" else f"no {cell}"
                seen = Seen(
                    half_max=line.term.half_max,
                    levels={place: _spread(found, _CELLS) for place, found in places.items()},
                    reach=max((_reach(found, line.term.half_max) for found in places.values()), default=0.0),
                    change=_change(pages.sums.get((kind, behavior), {}).values(), 1 + number),
                    absent=absent,
                )
                yield RuleLevels(
                    cell=cell,
                    behavior=behavior,
                    signal=str(signal),
                    effect=line.effect,
                    quantity=signal.quantity(catalogue.vocabulary),
                    power=line.term.hill,
                    waits=_waits(line.note),
                    claims=line.claims,
                    status=seen.status,
                    tumors={tumor: seen},
                )


def _lines(biology: Biology, catalogue: Catalogue, cell: str, behavior: str) -> Iterator[_Line]:
    """The terms of a behavior in the order of its program, each with the notes of its rule."""
    program = ruled(biology, cell)[behavior]
    own = [rule for rule in catalogue.rules if cell in rule.cell and rule.behavior == behavior]
    for effect, terms in (("increases", program.ups), ("decreases", program.downs)):
        rules = [rule for rule in own if rule.effect == effect]
        for rule, term in zip(rules, terms, strict=True):
            parts = (rule, rule.half_max, rule.towards)
            notes = " ".join(dict.fromkeys(part.note for part in parts))
            yield _Line(term, rule.effect, notes, tuple(dict.fromkeys(one for part in parts for one in part.claims)))
    if program.scale is not None:
        scale = catalogue.cells[cell].behaviors[behavior].scaled_by
        said = () if scale is None else (scale.half_max.note, tuple(scale.half_max.claims))
        yield _Line(program.scale, "scales", *said)


def _waits(note: str) -> str:
    """The sentences of a note that say why a rule waits."""
    sentences = re.split(r"(?<=[.;])\s+", note)
    return " ".join(one.rstrip(";") for one in sentences if re.search(r"\bwaits?\b", one, re.IGNORECASE))


def _missing(biology: Biology, signal: Signal, there: set[str]) -> str:
    """What a signal would come from, if that was never there."""
    match signal.kind:
        case "concentration" | "level" | "exposure" | "contact":
            needed = [signal.name]
        case "own" if signal.name in biology.contact_index:
            needed = [signal.name]
        case "occupancy":
            needed = [name for name, _ in biology.receptors[biology.receptor_index[signal.name]].ligands]
        case _:
            return ""
    return f"no {' or '.join(needed)}" if there.isdisjoint(needed) else ""


# ------------------------------------------------------------------ budgets


def _budget(
    biology: Biology,
    catalogue: Catalogue,
    read: dict[str, list[tuple[Array, Array, Array]]],
    asked: Asked,
    tumor: str,
) -> Budget:
    """The budget of a behavior from (levels, weights, values) of every day in each place."""
    cell, behavior = asked
    program = ruled(biology, cell)[behavior]
    places = {place: days for place, days in read.items() if sum(values.shape[1] for *_, values in days)}
    values_of = {place: np.concatenate([values for *_, values in days], axis=1) for place, days in places.items()}
    mean = {place: values.mean(axis=1) for place, values in values_of.items()}
    by_day = {
        place: [[float(row.mean()) if row.size else None for row in values] for *_, values in days]
        for place, days in places.items()
    }

    def part(place: str, number: int) -> Part:
        levels, weights = ([day[which][number] for day in places[place]] for which in (0, 1))
        return Part(
            level=_spread(levels, _BUDGET),
            weight=float(np.median(np.concatenate(weights))),
            without=float(mean[place][1 + number]),
            by_day=tuple(day[1 + number] for day in by_day[place]),
        )

    pulls = [
        Pull(
            signal=str(biology.signals[line.term.signal]),
            effect=line.effect,
            quantity=biology.signals[line.term.signal].quantity(catalogue.vocabulary),
            half_max=line.term.half_max,
            power=line.term.hill,
            towards=line.term.towards,
            parts={place: part(place, number) for place in places},
        )
        for number, line in enumerate(_lines(biology, catalogue, cell, behavior))
    ]
    budget = Budget(
        tumor=tumor,
        cell=cell,
        behavior=behavior,
        quantity=biology.kinds[program.behavior],
        base=program.base,
        value={place: float(values[0]) for place, values in mean.items()},
        by_day={place: tuple(day[0] for day in days) for place, days in by_day.items()},
        cells={place: sum(values.shape[1] for *_, values in days) for place, days in places.items()},
        pulls=(),
    )
    return budget.model_copy(update={"pulls": tuple(sorted(pulls, key=_matters(budget)))})


def _matters(budget: Budget) -> Callable[[Pull], float]:
    """A key that sorts signals by how much the behavior would differ without them, the most first."""

    def key(pull: Pull) -> float:
        return -max((abs(part.without - budget.value[place]) for place, part in pull.parts.items()), default=0.0)

    return key


def _reach(found: Sequence[Array], half_max: float) -> float:
    """The share of cells whose signal is near a half-max."""
    ratio = np.concatenate(found) / half_max
    return float(f"{((ratio >= 1.0 / NEAR) & (ratio <= NEAR)).mean():.3g}")


def _change(sums: Iterable[Sequence[Array]], number: int) -> float | None:
    """The largest share by which a mean of a behavior differs without a term, from sums over the cells of every day."""
    most = 0.0
    for found in sums:
        total = np.sum(found, axis=0)
        value, without = float(total[0]), float(total[number])
        if value == 0.0 and without != 0.0:
            return None
        share = without / value - 1.0 if value else 0.0
        most = max(most, share, key=abs)
    return float(f"{most:.3g}")


def _size(found: Sequence[Array]) -> int:
    return sum(len(one) for one in found)


def _spread(found: Sequence[Array], quantiles: Sequence[float]) -> Spread:
    """The spread over all that was read on all days."""
    together = np.concatenate(found)
    low, median, high = (float(f"{value:.4g}") for value in np.quantile(together, quantiles))
    return Spread(count=len(together), low=low, median=median, high=high)
