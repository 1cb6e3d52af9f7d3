"""The directory of a study, which holds the runs of one study, one model and one set of scenarios.

    study.toml          the resolved study, which can be run again
    study.json          what readers need of it: hash, fingerprint of the model, parameters, numbers
    scenarios/          its scenarios, resolved
    design.csv          one row a design point
    runs/               a run directory for each run
    runs.csv            one row a run, in the order of the plan
    series.csv          the metrics of the finished runs over time
    timings.csv         how long they took, and where: the only table that differs between two runs of a study
    failures.json       runs that failed, which are tried again on request only
    session.json        the batch that works on the study now, or did last

A study continues in its directory only if nothing differs that results depend on; else the error lists what differs.
One batch works on a study at a time. The tables are made from the runs and can be made again at any time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..biology.schema import Pack
from ..core import files
from ..core.errors import InputError
from ..core.toml import flatten
from ..runs.fingerprint import versions
from .design import SAMPLED
from .study import SCENARIOS, STUDY, Study

__all__ = [
    "DESIGN", "DONE", "FAILED", "FAILURES", "PENDING", "RUNS", "RUN_TABLE", "SERIES_TABLE", "SESSION", "SUMMARY",
    "TIMINGS", "check_place", "locked", "prepare", "read_summary",
]  # fmt: skip

SCHEMA = 1
SUMMARY = "study.json"
DESIGN = "design.csv"
RUNS = "runs"
RUN_TABLE = "runs.csv"
SERIES_TABLE = "series.csv"
TIMINGS = "timings.csv"
FAILURES = "failures.json"
SESSION = "session.json"

DONE, FAILED, PENDING = "done", "failed", "pending"

RUN_COLUMNS = ("point", "scenario", "seed")
OUTCOME_COLUMNS = ("status", "state", "error", "directory")
SERIES_COLUMNS = (*RUN_COLUMNS, "time_day", "metric", "value")
TIMING_COLUMNS = (*RUN_COLUMNS, "wall_seconds", "resumed", "host")

_FEW = 6
PATIENCE_SECONDS = 0.4  # with a process that holds the lock


def check_place(out: Path, study: Study, fingerprint: str) -> bool:
    """Whether this study was begun in `out` before. Nothing is written.

    Raises:
        InputError: `out` holds something else, another study, or this one with other scenarios or another model.
    """
    with files.disk_errors(out, "use the directory"):
        if out.exists() and not out.is_dir():
            raise InputError("is a file, and a study needs a directory", file=out)
        there = {item.name for item in out.iterdir() if not files.is_temporary(item)} if out.exists() else set()
    if SUMMARY not in there:
        # What a batch that was killed at its very beginning may have left.
        if there - {STUDY, SCENARIOS, DESIGN, RUNS}:
            raise InputError("the directory is not empty and holds no study; choose another with --out", file=out)
        files.check_place(out)
        return False
    held = read_summary(out)
    if (held.get("hash"), held.get("model")) != (study.hash, fingerprint):
        if not any((out / RUNS).glob("*/*/*")):
            return False  # nothing has run yet, so nothing binds
        other = _differences(out, held, study, fingerprint)
        raise InputError(
            f"holds another study or an earlier form of this one, and results of the two must not be mixed. "
            f"What differs: {'; '.join(other)}. Choose another directory with --out, or undo the change",
            file=out,
        )
    return True


def prepare(out: Path, study: Study, fingerprint: str, *, begun: bool) -> None:
    """Write the files that describe the study. study.json is the last: a study that has it has `begun`."""
    with files.disk_errors(out, "create the directory"):
        (out / SCENARIOS).mkdir(parents=True, exist_ok=True)
        for folder in (out, out / SCENARIOS):
            files.remove_temporaries(folder)
    for name, scenario in study.scenarios.items():
        _write(out / SCENARIOS / f"{name}.toml", scenario.resolved_toml().encode())
    _write(out / STUDY, study.text.encode())
    _write(out / DESIGN, study.table)
    with files.disk_errors(out, "create the directory"):
        (out / RUNS).mkdir(exist_ok=True)
    if not begun:
        with files.disk_errors(out, "clear the directory"):
            for name in (FAILURES, SESSION, TIMINGS):  # of another study of which nothing ran
                (out / name).unlink(missing_ok=True)
        files.write_json(out / SUMMARY, _summary(study, fingerprint))


def locked(out: Path) -> AbstractContextManager[None]:
    """Hold the lock of a study, which one batch can have at a time (`status` holds it for a moment)."""
    taken = "another batch is at work on this study; watch it with the command status"
    return files.locked(out, taken, patience=PATIENCE_SECONDS)


def read_summary(directory: Path) -> dict[str, Any]:
    """The content of study.json. Raises InputError if `directory` is not the directory of a study."""
    if not directory.is_dir():
        raise InputError("there is no such directory", file=directory)
    if not (directory / SUMMARY).is_file():
        raise InputError(f"is not the directory of a study (it has no {SUMMARY})", file=directory)
    found = files.read_json(directory / SUMMARY)
    if found.get("schema") != SCHEMA:
        raise InputError(
            f"was written in format {found.get('schema')}, and this version reads format {SCHEMA}",
            file=directory / SUMMARY,
        )
    return found


def _write(path: Path, content: bytes) -> None:
    """Write a file unless it has this content already, so that readers see no change of a correct file."""
    try:
        if path.read_bytes() == content:
            return
    except OSError:
        pass
    files.write_bytes(path, content)


def _summary(study: Study, fingerprint: str) -> dict[str, Any]:
    packs = {pack: sha256 for scenario in study.scenarios.values() for pack, sha256 in scenario.pack_hashes.items()}
    return {
        "schema": SCHEMA,
        "name": study.name,
        "title": study.title,
        "hash": study.hash,
        "model": fingerprint,
        "scenarios": list(study.scenarios),
        "scenario_hashes": {name: scenario.hash for name, scenario in study.scenarios.items()},
        **({"packs": packs} if packs else {}),
        "seeds": list(study.seeds),
        "days": study.days,
        "metrics": list(study.metrics),
        "design": study.document()["design"],
        "parameters": [parameter.described() for parameter in study.parameters],
        "points": len(study.points),
        "runs": len(study.runs),
        "versions": versions(),
    }


def _differences(out: Path, held: Mapping[str, Any], study: Study, fingerprint: str) -> list[str]:
    """The differences from the study that the directory was begun with, each as a clause."""
    found: list[str] = []
    for name, scenario in study.scenarios.items():
        if held.get("scenario_hashes", {}).get(name) not in (None, scenario.hash):
            changes = _changes(_values(_table(out / SCENARIOS / f"{name}.toml")), _values(scenario.document()))
            found.append(f"scenario '{name}' has changed" + (f" ({_few(changes)})" if changes else ""))
    changes = _changes(flatten(_table(out / STUDY)), flatten(study.document()))
    found += [f"the study: {_few(changes)}"] if changes else []
    if not changes and not found and held.get("hash") != study.hash:
        drawn = "scipy or SALib has drawn" if study.design.kind in SAMPLED else "tme_abm has laid out"
        found.append(f"the design points, which another version of {drawn}")
    if held.get("model") != fingerprint:
        found.append("the model or its biology is another version")
    return found


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _values(document: Mapping[str, Any]) -> dict[str, str]:
    """The values of a resolved scenario; of a pack its SHA-256, as its text says nothing in one line."""
    packs = {f"the pack {pack['name']}": Pack(**pack).sha256[:12] for pack in document.get("packs", ())}
    return packs | flatten({key: value for key, value in document.items() if key != "packs"})


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    keys = dict.fromkeys([*before, *now])
    return [
        f"{key} was {_short(before.get(key))}, is {_short(now.get(key))}"
        for key in keys
        if before.get(key) != now.get(key)
    ]


def _short(text: str | None) -> str:
    if text is None:
        return "not there"
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:60]}…"


def _few(changes: Sequence[str]) -> str:
    more = f", and {len(changes) - _FEW} more" if len(changes) > _FEW else ""
    return ", ".join(changes[:_FEW]) + more
