"""A sensitivity analysis as one HTML file that needs nothing else, in the style of the comparison's.

What decides hot or cold comes first (tornado plots), then the maps of the states, then the indices with all that
is needed to distrust them: intervals, the share of chance, the runs that are missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...core.files import write_bytes
from ...observe.metrics import describe
from ...runs.fingerprint import versions
from ...studies.parameters import Parameter, value_text
from ...studies.sensitivity import Analysis, Sensitivity
from ...studies.sensitivity.analysis import StateMap
from ...studies.sensitivity.ends import Change
from ...studies.sensitivity.outcomes import DECISIVE, PROBABILITIES, Index
from ...studies.study import SCENARIOS
from ..style.numbers import DASH, coefficient, fixed, join, plural, significant
from ..style.page import page
from ..style.settings import glossary_of, pretty
from ..style.svg import limits
from .pictures import Mark, dots, heatmap, tornado

__all__ = ["REPORT", "index_text", "losses", "render", "write_sensitivity"]

REPORT = "report.html"
NAMED = 3  # parameters that a sentence names
SHOWN = 16  # bars of a tornado; beyond, they are too thin in effect to be looked at


def write_sensitivity(found: Sensitivity, directory: Path, *, command: str = "") -> Path:
    """Write `report.html` into `directory`, in one move, and return its path.

    Raises InputError if the directory cannot be written.
    """
    path = directory / REPORT
    write_bytes(path, render(found, command=command).encode())
    return path


def render(found: Sensitivity, *, command: str = "") -> str:
    """The report as HTML text."""
    return page("study/page.html.j2", _View(found).content() | {"command": command, "versions": versions()})


class _View:
    """What the template shows, as texts, drawings and rows. Names and units of parameters are looked up once."""

    def __init__(self, found: Sensitivity) -> None:
        scenarios = sorted((found.study.directory / SCENARIOS).glob("*.toml"))
        self._found, self._words = found, glossary_of(file.read_text(encoding="utf-8") for file in scenarios)
        self._names = {axis.key: self._words.meaning(axis.key)[0] for axis in found.parameters}
        self._units = {axis.key: pretty(axis.unit) if axis.unit else "" for axis in found.parameters}

    def content(self) -> dict[str, Any]:
        """By the names that the template uses."""
        found, study = self._found, self._found.study
        first = found.maps[0]
        return {
            "title": study.title or study.name,
            "study": study,
            "found": found,
            "findings": findings(found, self._names),
            "losses": losses(found),
            "scenarios": [self._scenario(name) for name in study.scenarios],
            "plane": [self._names[key] for key in _keys(first)],
            "binned": not all(side.labels for side in (first.x, first.y) if side is not None),
            "parameters": [self._parameter(axis) for axis in found.parameters],
            "fixed": [self._words.meaning(key)[0] for key in found.fixed],
            "regressed": any(one.regression.by_parameter for one in found.analyses),
            "computed": any(one.indices is not None and not one.indices.refused for one in found.analyses),
        }

    def _scenario(self, name: str) -> dict[str, Any]:
        mine = [one for one in self._found.analyses if one.scenario == name]
        return {
            "name": name,
            "tornados": [self._tornado(one) for one in _main(mine)],
            "maps": self._maps(next(one for one in self._found.maps if one.scenario == name)),
            "tables": [table for one in mine if one.constant is None and (table := self._table(one))],
            "constant": [(one.outcome, _constant(one.constant)) for one in mine if one.constant is not None],
            "noise": [(one.outcome, *_shares(one)) for one in mine],
        }

    def _tornado(self, one: Analysis) -> dict[str, str]:
        title = self._title(one.outcome)
        if one.constant is not None:
            return {"title": title, "drawing": "", "text": f"{_constant(one.constant)} {one.everywhere}."}
        shown = one.changes[:SHOWN]
        rest = len(one.changes) - len(shown)
        drawing = tornado(
            shown,
            [(self._names[change.key], self._units[change.key]) for change in shown],
            probability=one.outcome in PROBABILITIES,
            says=f"Change of {title} along each parameter",
        )
        left_out = f"{plural(rest, 'parameter')} with smaller changes left out." if rest else ""
        return {"title": title, "drawing": drawing, "text": left_out}

    def _maps(self, one: StateMap) -> list[dict[str, str]]:
        labels = [f"{self._names[k]} [{self._units[k]}]" if self._units[k] else self._names[k] for k in _keys(one)]
        axis_names = (labels[0], labels[-1] if one.y is not None else "")
        made = []
        for name, values in one.means.items():
            probability = name in PROBABILITIES
            finite = [float(value) for value in values.ravel() if math.isfinite(value)]
            span = (0.0, 1.0) if probability or not finite else limits(finite)
            drawing = heatmap(one, name, axis_names, span=span, probability=probability)
            made.append({"title": self._title(name), "drawing": drawing})
        return made

    def _table(self, one: Analysis) -> dict[str, Any] | None:
        """The indices of one outcome: a drawing, and the numbers below it; None where there are none."""
        indices, regressed, columns = one.by_parameter, one.regression.by_parameter, one.index_names
        main = [name for name in columns if name != "mu"] or (["PRCC"] if regressed else [])
        head = [*columns, *(["PRCC", "SRC"] if regressed else [])]
        source = indices or regressed
        keys = sorted(self._names, key=lambda key: -one.effect(key))
        marks = [
            (self._names[key], [Mark(index=source[key][name], filled=not k) for k, name in enumerate(main)])
            for key in keys if key in source
        ]  # fmt: skip
        notes = _notes(one, indexed=bool(indices))
        if not marks and not notes:
            return None
        title = self._title(one.outcome)
        span = (0.0, 1.0) if "S1" in main else (-1.0, 1.0) if main == ["PRCC"] else None
        pairs = sorted(one.indices.pairs if one.indices is not None else (), key=lambda pair: -pair.S2.value)
        return {
            "outcome": title,
            "drawing": dots(marks, span=span, says=f"Indices of {title}") if marks else Markup(""),
            "key": main,
            "head": head,
            "rows": [
                (self._names[key], *(index_text(one.measures(key).get(name)) for name in head)) for key in keys if head
            ],
            "pairs": [(f"{self._names[p.a]} × {self._names[p.b]}", index_text(p.S2)) for p in pairs],
            "notes": notes,
        }

    def _title(self, outcome: str) -> str:
        """An outcome as a reader names it, with its unit."""
        if outcome in PROBABILITIES:
            return outcome
        what = describe(outcome, self._words.cells)
        # Who is not in the catalogue may be a cell or a molecule of another one: then there is no telling the unit.
        known = not what.subject or what.subject in self._words.names
        return f"{what.title} [{what.unit}]" if what.unit and known else what.title

    def _parameter(self, axis: Parameter) -> dict[str, str]:
        listed = next(one.values for one in self._found.study.parameters if one.key == axis.key)
        if listed and axis.values:
            values = ", ".join(value_text(level) for level in axis.values)
        else:
            values = " to ".join(map(value_text, axis.ends)) + ", logarithmic" * (axis.scale == "log")
        name, sentence = self._words.meaning(axis.key)
        return {"key": axis.key, "name": name, "values": values, "unit": self._units[axis.key], "meaning": sentence}


def _main(analyses: list[Analysis]) -> list[Analysis]:
    """What the tornado plots show: P(hot) and the T cells in the core, or else the first two outcomes."""
    wanted = [one for one in analyses if one.outcome in DECISIVE]
    others = [one for one in analyses if one not in wanted and one.constant is None]
    return [*wanted, *others][: max(2, len(wanted))]


def _keys(one: StateMap) -> list[str]:
    return [side.key for side in (one.x, one.y) if side is not None]


def _notes(one: Analysis, *, indexed: bool) -> list[str]:
    notes = [one.indices.note] if one.indices is not None and one.indices.note else []
    if one.regression.r2 is not None and one.regression.r2_of_ranks is not None:
        ranks, plain = one.regression.r2_of_ranks, one.regression.r2
        notes.append(f"R² of the regressions: {ranks:.2f} of ranks (PRCC), {plain:.2f} linear (SRC)")
    return notes + ([one.regression.note] if one.regression.note and not indexed else [])


def index_text(index: Index | None) -> str:
    """An index and its interval; a dash without a value."""
    if index is None or not math.isfinite(index.value):
        return DASH
    shown = coefficient(index.value)
    if index.low is None or index.high is None:
        return shown
    return f"{shown} [{coefficient(index.low)}, {coefficient(index.high)}]"


def _constant(value: float) -> str:
    return "No result" if math.isnan(value) else coefficient(value)


def _shares(one: Analysis) -> list[str]:
    noise = one.variance
    parts = (noise.between, noise.shared, noise.alone, noise.of_means)
    return [DASH if part is None else f"{fixed(100 * part, 0)} %" for part in parts]


# ------------------------------------------------------------------ in sentences


def findings(found: Sensitivity, names: Mapping[str, str]) -> list[str]:
    """A sentence a scenario: what decides, from where to where; `names` are those of the parameters."""
    return [f"{scenario}: {_finding(found, scenario, names)}." for scenario in found.study.scenarios]


def _finding(found: Sensitivity, scenario: str, names: Mapping[str, str]) -> str:
    mine = {one.outcome: one for one in found.analyses if one.scenario == scenario}
    if all(one.constant is not None and math.isnan(one.constant) for one in mine.values()):
        return "no run has a result yet"
    said = []
    for one in (mine[outcome] for outcome in DECISIVE if outcome in mine):
        if one.constant is not None:
            said.append(f"{one.outcome} is {_at(one, one.constant)} {one.everywhere}")
            continue
        said.append(_along(one, names))
        if _clear(one):
            break
    first = found.decisive(scenario)
    nothing = "no outcome changes anywhere in the design"
    return "; ".join(said) or (nothing if first is None else _along(first, names))


def _along(one: Analysis, names: Mapping[str, str]) -> str:
    clear = _clear(one)
    if not clear:
        return f"no parameter has a clear effect on {one.outcome}"
    told = [f"{names[c.key]} (from {_at(one, c.at_low)} to {_at(one, c.at_high)})" for c in clear[:NAMED]]
    more = [f"{len(clear) - NAMED} more"] if len(clear) > NAMED else []
    return f"{one.outcome} changes clearly along {join([*told, *more])}"


def _clear(one: Analysis) -> list[Change]:
    """The changes whose intervals leave out zero."""
    return [change for change in one.changes if change.interval and not change.interval[0] <= 0 <= change.interval[1]]


def _at(one: Analysis, value: float) -> str:
    return f"{value:.2f}" if one.outcome.startswith("P(") else significant(value)


def losses(found: Sensitivity) -> str:
    """Which runs have no result, and what becomes of them here; empty if all have one."""
    if not found.lost:
        return ""
    words = {"failed": "failed", "pending": "not finished"}
    told = join(f"{count} {words.get(status, status)}" for status, count in sorted(found.lost.items()))
    return (
        f"{sum(found.lost.values())} of {len(found.study.runs)} runs have no result ({told}). They are left out: means "
        "are those of the runs there are, and nothing was filled in. Finish the study with batch, or try failed runs "
        "again with batch --retry-failed."
    )
