"""A sensitivity analysis as one HTML file that needs nothing else, in the style of the comparison's.

What decides hot or cold comes first (tornado plots), then the maps of the states, then the indices with all that
is needed to distrust them: intervals, the share of chance, the runs that are missing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..core.files import write_bytes
from ..observe.metrics import describe
from ..runs.versions import versions
from ..studies.sensitivity import Analysis, Sensitivity
from ..studies.sensitivity.axes import value_text
from ..studies.sensitivity.indices import Index
from ..studies.sensitivity.maps import StateMap
from ..studies.sensitivity.outcomes import PROBABILITIES
from .differences import meaning, pretty
from .glossary import Glossary, glossary
from .study_pictures import Mark, dots, heatmap, tornado
from .study_words import INDEX_NAMES, design, ends, findings, losses, method, plural_days
from .style.numbers import DASH, coefficient, plural
from .style.page import page
from .style.svg import limits

__all__ = ["REPORT", "render", "write_sensitivity"]

REPORT = "report.html"
SHOWN = 16  # bars of a tornado; beyond, they are too thin in effect to be looked at


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing with its caption, or the sentence that stands in its place."""

    title: str
    drawing: Markup
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The indices of one outcome: a drawing, and the numbers (rows of texts) below it."""

    outcome: str
    drawing: Markup
    key: tuple[tuple[str, str], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def write_sensitivity(found: Sensitivity, directory: Path, *, command: str = "") -> Path:
    """Write `report.html` into `directory`, in one move, and return its path.

    Raises:
        InputError: the directory cannot be written.
    """
    path = directory / REPORT
    write_bytes(path, render(found, command=command).encode())
    return path


def render(found: Sensitivity, *, command: str = "") -> str:
    """The report as HTML text."""
    return page("sensitivity.html.j2", _content(found, command))


def _content(found: Sensitivity, command: str) -> dict[str, Any]:
    words = glossary()
    names = {axis.key: meaning(axis.key, words)[0] for axis in found.axes}
    units = {axis.key: pretty(axis.unit) if axis.unit else "" for axis in found.axes}
    study = found.study
    scenarios = []
    for scenario in study.scenarios:
        mine = [one for one in found.analyses if one.scenario == scenario]
        tables = [_table(one, names, words) for one in mine if one.constant is None]
        scenarios.append(
            {
                "name": scenario,
                "tornados": [_tornado(one, names, units, words) for one in _main(mine)],
                "maps": _maps(next(one for one in found.maps if one.scenario == scenario), names, units, words),
                "tables": [table for table in tables if table is not None],
                "constant": [(one.outcome, _constant(one.constant)) for one in mine if one.constant is not None],
                "noise": [(one.outcome, *_shares(one)) for one in mine],
            }
        )
    return {
        "title": study.title or study.name,
        "name": study.name,
        "design": design(found),
        "findings": findings(found, lambda key: names[key]),
        "losses": losses(found),
        "refusals": found.refusals,
        "scenarios": scenarios,
        "ends": ends(found),
        "method": method(found),
        "plane": [names[key] for key in _keys(found.maps[0])],
        "binned": not all(side.labels for side in (found.maps[0].x, found.maps[0].y) if side is not None),
        "parameters": [_parameter(found, axis.key, words) for axis in found.axes],
        "fixed": [meaning(key, words)[0] for key in found.fixed],
        "regressed": any(one.regression.by_parameter for one in found.analyses),
        "computed": any(one.indices is not None and not one.indices.refused for one in found.analyses),
        "seeds": len(study.seeds),
        "days": plural_days(study.days),
        "command": command,
        "versions": versions(),
    }


def _main(analyses: list[Analysis]) -> list[Analysis]:
    """What the tornado plots show: P(hot) and the T cells in the core, or else the first two outcomes."""
    wanted = [one for one in analyses if one.outcome in ("P(hot)", "CD8 core")]
    others = [one for one in analyses if one not in wanted and one.constant is None]
    return [*wanted, *others][: max(2, len(wanted))]


def _tornado(one: Analysis, names: dict[str, str], units: dict[str, str], words: Glossary) -> Picture:
    title = _title(one.outcome, words)
    if one.constant is not None:
        return Picture(title=title, drawing=Markup(""), text=f"{_constant(one.constant)} {one.everywhere}.")
    shown = one.changes[:SHOWN]
    rest = len(one.changes) - len(shown)
    drawing = tornado(
        shown,
        [(names[change.key], units[change.key]) for change in shown],
        probability=one.outcome in PROBABILITIES,
        says=f"Change of {title} along each parameter",
    )
    left_out = f"{plural(rest, 'parameter')} with smaller changes left out." if rest else ""
    return Picture(title=title, drawing=drawing, text=left_out)


def _maps(one: StateMap, names: dict[str, str], units: dict[str, str], words: Glossary) -> list[Picture]:
    labels = [f"{names[key]} [{units[key]}]" if units[key] else names[key] for key in _keys(one)]
    axis_names = (labels[0], labels[-1] if one.y is not None else "")
    made = []
    for name, values in one.values.items():
        probability = name in PROBABILITIES
        finite = [float(value) for value in values.ravel() if math.isfinite(value)]
        span = (0.0, 1.0) if probability or not finite else limits(finite)
        drawing = heatmap(one, name, axis_names, span=span, probability=probability)
        made.append(Picture(title=_title(name, words), drawing=drawing))
    return made


def _keys(one: StateMap) -> list[str]:
    return [side.key for side in (one.x, one.y) if side is not None]


def _table(one: Analysis, names: dict[str, str], words: Glossary) -> Table | None:
    indices = {} if one.indices is None else one.indices.by_parameter
    columns = dict.fromkeys(name for by_name in indices.values() for name in by_name)
    main = [name for name in columns if name != "mu"]
    regressed = one.regression.by_parameter
    keys = sorted(names, key=lambda key: -one.effect(key))
    if not main:
        main = ["PRCC"] if regressed else []
    source = indices or regressed
    marks = [
        (names[key], [Mark(name=name, index=source[key][name], shape=_shape(k)) for k, name in enumerate(main)])
        for key in keys if key in source
    ]  # fmt: skip
    head = [*columns, *(["PRCC", "SRC"] if regressed else [])]
    rows = []
    for key in keys:
        both = {**indices.get(key, {}), **regressed.get(key, {})}
        rows.append((names[key], *(_index(both.get(name)) for name in head)))
    notes = [one.indices.note] if one.indices is not None and one.indices.note else []
    if one.regression.r2 is not None and one.regression.r2_ranks is not None:
        ranks, plain = one.regression.r2_ranks, one.regression.r2
        notes.append(f"R² of the regressions: {ranks:.2f} of ranks (PRCC), {plain:.2f} linear (SRC)")
    notes += [one.regression.note] if one.regression.note and not indices else []
    if not marks and not notes:
        return None
    span = (0.0, 1.0) if "S1" in main else (-1.0, 1.0) if main == ["PRCC"] else None
    title = _title(one.outcome, words)
    pairs = sorted(one.indices.pairs if one.indices is not None else (), key=lambda pair: -pair.index.value)
    return Table(
        outcome=title,
        drawing=dots(marks, span=span, says=f"Indices of {title}") if marks else Markup(""),
        key=tuple((INDEX_NAMES[name], _shape(k)) for k, name in enumerate(main)),
        head=tuple("mu*" if name == "mu_star" else name for name in head),
        rows=tuple(rows) if head else (),
        pairs=tuple((f"{names[pair.a]} × {names[pair.b]}", _index(pair.index)) for pair in pairs),
        notes=tuple(notes),
    )


def _shape(place: int) -> str:
    return "disc" if place == 0 else "ring"


def _index(index: Index | None) -> str:
    if index is None or not math.isfinite(index.value):
        return DASH
    shown = coefficient(index.value)
    if index.low is None or index.high is None:
        return shown
    return f"{shown} [{coefficient(index.low)}, {coefficient(index.high)}]"


def _title(outcome: str, words: Glossary) -> str:
    """An outcome as a reader names it, with its unit."""
    if outcome in PROBABILITIES:
        return outcome
    what = describe(outcome, words.cells)
    return f"{what.title} [{what.unit}]" if what.unit else what.title


def _constant(value: float) -> str:
    return "No result" if math.isnan(value) else coefficient(value)


def _shares(one: Analysis) -> tuple[str, ...]:
    noise = one.noise
    parts = (noise.between, noise.shared, noise.alone, noise.of_means)
    return tuple(DASH if part is None else f"{100 * part:.0f} %" for part in parts)


def _parameter(found: Sensitivity, key: str, words: Glossary) -> dict[str, str]:
    axis = next(one for one in found.axes if one.key == key)
    name, sentence = meaning(key, words)
    listed = next(one.values for one in found.study.parameters if one.key == key)
    if listed and axis.levels:
        values = ", ".join(value_text(level) for level in axis.levels)
    else:
        values = f"{value_text(axis.low)} to {value_text(axis.high)}" + (", logarithmic" if axis.scale == "log" else "")
    unit = pretty(axis.unit) if axis.unit else ""
    return {"key": key, "name": name, "values": values, "unit": unit, "meaning": sentence}
