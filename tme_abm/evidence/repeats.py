"""The runs that published experiments need: each is made once, read for all who ask, and stored.

A stored run is used again while the modules that run and read a model, the catalogue and the scenario stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..biology import load_catalogue
from ..core.files import sha256, write_bytes
from ..core.parallel import Here, Workers
from ..core.units import MINUTES_PER_DAY
from ..runs.fingerprint import fingerprint
from ..scenario import Scenario, changed
from ..simulation import Simulation
from .reading import Ask, Values, plain, read_run
from .readouts import readout

__all__ = ["Read", "Run", "Tell", "joined", "key_of", "performed"]

Read = Mapping[Ask, Values]
"""What was read of a run."""
Tell = Callable[[str, int, int], None]
"""Called with the label of a run that has ended, the number that have ended, and the number of all."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that experiments need: `key` names it, `label` says it, and `asks` is all that is read of it."""

    key: str
    label: str
    scenario: Scenario
    seed: int
    wells: int
    asks: tuple[Ask, ...]


def key_of(scenario: Scenario, seed: int, wells: int) -> str:
    """What decides the numbers of a run: all of the scenario but its names, its length and what is recorded, and the
    numbers of a catalogue that is not the shipped one.
    """
    document = scenario.document()
    if scenario.given_catalogue is not None:
        document["numbers"] = {place: one.value for place, one in scenario.given_catalogue.parameters()}
    for name in ("name", "title", "description", "record"):
        document.pop(name, None)
    document["clock"] = {key: value for key, value in document["clock"].items() if key != "days"}
    return sha256(json.dumps([document, seed, wells], sort_keys=True).encode())


def joined(runs: Iterable[Run]) -> list[Run]:
    """The different runs, each with all that is asked of it, the longest first."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.key, []).append(run)
    return sorted((_union(same) for same in found.values()), key=_work, reverse=True)


def _union(same: Sequence[Run]) -> Run:
    asks = tuple(dict.fromkeys(ask for run in same for ask in run.asks))
    record = sorted({molecule for ask in asks for molecule in readout(ask.readout, load_catalogue()).molecules})
    days = max(ask.at for ask in asks) / MINUTES_PER_DAY
    first = same[0]
    return Run(
        key=first.key,
        label=first.label,
        scenario=changed(first.scenario, {"clock.days": days, "record.molecules": record}),
        seed=first.seed,
        wells=first.wells,
        asks=asks,
    )


def _work(run: Run) -> float:
    """An estimate of the time that a run takes."""
    return float(np.prod(run.scenario.lattice.shape)) * run.wells * run.scenario.clock.days / run.scenario.clock.dt


def performed(
    runs: Sequence[Run], jobs: int, out: Path | None, tell: Tell | None
) -> tuple[dict[str, Read], dict[str, str]]:
    """The readings of runs, and the errors of those that failed, by key."""
    read: dict[str, Read] = {}
    failed: dict[str, str] = {}
    missing: dict[str, Run] = {}
    for run in runs:
        kept = {} if out is None else _stored(out, run)
        if kept.keys() >= set(run.asks):
            read[run.key] = kept
        else:  # what was asked of it before is read again
            missing[run.key] = _union([run, replace(run, asks=tuple(kept))]) if kept else run
    with Workers(jobs) if jobs > 1 and len(missing) > 1 else Here() as executor:
        for ended in executor.do(_perform, missing.items()):
            run = missing[ended.name]
            if ended.result is None:
                failed[run.key] = str(ended.error)
            else:
                read[run.key] = _unpacked(ended.result)
                if out is not None:
                    _store(out, run, ended.result)
            if tell is not None:
                tell(run.label, len(read) + len(failed), len(runs))
    return read, failed


def _perform(run: Run) -> list[list[Any]]:
    """Readings as they are stored: [*ask, values]."""
    found = read_run(Simulation(run.scenario, rng=run.seed, wells=run.wells), run.asks)
    return [[*ask, list(plain(values))] for ask, values in found.items()]


def _unpacked(readings: Sequence[Sequence[Any]]) -> dict[Ask, Values]:
    return {Ask(*ask): np.array([np.nan if value is None else value for value in values]) for *ask, values in readings}


def _place(out: Path, run: Run) -> Path:
    return out / "runs" / f"{run.key[:24]}.json"


def _store(out: Path, run: Run, readings: Sequence[Sequence[Any]]) -> None:
    record = {"run": run.label, "fingerprint": _program(), "key": run.key, "readings": readings}
    _place(out, run).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(_place(out, run), json.dumps(record, ensure_ascii=False).encode())


def _stored(out: Path, run: Run) -> Read:
    """The stored readings of a run; none if they are missing, damaged, or of another program."""
    try:
        record = json.loads(_place(out, run).read_bytes())
        same = (record["fingerprint"], record["key"]) == (_program(), run.key)
        return _unpacked(record["readings"]) if same else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _program() -> str:
    """The fingerprint of the model and of the modules that read it."""
    return fingerprint("evidence.reading", data=("observe/states.toml",))
