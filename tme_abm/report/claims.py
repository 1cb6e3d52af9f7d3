"""The executable review as one HTML file: every claim with its verdict, and behind it the experiment that gave it.

The file needs nothing else: pictures are SVG inside it, the few lines of script only filter and may be missing, and
nothing is fetched. What is shown comes from the review, the assays and the catalogue; nothing is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..biology import Catalogue, load_catalogue
from ..core.files import write_bytes
from ..evidence.assays import Assay, load_assays
from ..evidence.claims import Claim, claims, scope
from ..evidence.coverage import Row, coverage
from ..evidence.results import VERDICTS, AssayResult, ClaimResult, Judged, Review, Verdict, of_claim
from .claims_evidence import Carrier, carriers
from .claims_pictures import arms_plot, forest, reading_of
from .claims_sweep import Curve, curves, sweep_plot
from .claims_words import ARROWS, MARKS, Effect, Mark, effect, expected, marks, percent, remark, sentence, share, tiers
from .claims_words import wells_of as wells
from .style.numbers import duration, join, plural
from .style.page import page
from .style.palette import dashes, scenario_colors

__all__ = ["render", "write_claims"]

_MICRO = re.compile(r"\bu(?=[mM]\b)")
_NAMES = {"M_MDSC": "M-MDSC", "PMN_MDSC": "PMN-MDSC", "MDSC": "M-MDSC PMN-MDSC", "CD4_Th1": "Th1"} | {
    name: name.partition("_")[0] for name in ("TAM_M1", "TAM_M2", "TAN_N1", "TAN_N2")
}
"""Names of the reviews that are others in the catalogue."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An expectation of an assay: what was expected, what was found, and a picture of it."""

    one: Judged
    expected: str
    found: Effect
    relative: str
    picture: Markup


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An assay as it bears on one claim."""

    result: AssayResult
    wells: str
    arms: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]
    plots: tuple[tuple[str, str, Markup], ...]
    variants: tuple[tuple[str, Verdict, Effect | None], ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim with everything that is shown of it; `why` says what kept it from being shown."""

    claim: Claim
    result: ClaimResult
    sentence: str
    remark: str
    effect: Effect
    relative: str
    why: str
    marks: tuple[Mark, ...]
    cells: tuple[str, ...]
    molecules: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    carriers: tuple[Carrier, ...]
    receptors: tuple[str, ...]

    @property
    def searched(self) -> str:
        """All words that a search looks through."""
        said = (self.claim.id, self.claim.fact, self.claim.subject, self.claim.object, self.claim.via)
        kind = (self.claim.kind.replace("_", " "), self.result.reason)
        named = (*self.cells, *self.molecules, *self.receptors, *self.result.assays)
        return " ".join((*said, *kind, *named, *(one.result.title for one in self.experiments))).lower()


@dataclass(frozen=True, kw_only=True)
class Sword:
    """A swept dose whose effect may turn: the picture, its lines, and the claims it serves."""

    id: str
    title: str
    note: str
    claims: tuple[str, ...]
    picture: Markup
    lines: tuple[tuple[Curve, str, str], ...]


def write_claims(review: Review, path: Path) -> None:
    """Write the review as one HTML file, in one move. Raises InputError if the disk refuses it."""
    write_bytes(path, render(review, load_catalogue(), load_assays()).encode())


def render(review: Review, catalogue: Catalogue, assays: Mapping[str, Assay]) -> str:
    """The review as HTML text."""
    filters = {"micro": _micro, "said": lambda text: text.replace("_", " ")}
    return page("claims.html.j2", _content(review, catalogue, assays), filters)


def _content(review: Review, catalogue: Catalogue, assays: Mapping[str, Assay]) -> dict[str, Any]:
    known = claims()
    asked = {one.id for one in review.claims}
    whole = asked >= set(scope().ids)
    rows = {row.claim: row for row in coverage(catalogue, assays, review)}
    results = {assay.id: assay for assay in review.assays}
    carried = carriers(catalogue)
    entries = [
        _entry(one, known[one.id], rows[one.id], results, carried.get(one.id, ()), catalogue)
        for one in sorted(review.claims, key=lambda one: one.id)
    ]
    shown = [row for row in rows.values() if row.claim in asked or (whole and not row.in_scope)]
    return {
        "review": review,
        "whole": whole,
        "scope": len(scope().ids),
        "entries": entries,
        "counts": review.counts(),
        "tiers": tiers(review, known),
        "verdicts": VERDICTS,
        "variants": MARKS,
        "arrows": ARROWS,
        "swords": [sword for assay in review.assays if (sword := _sword(assay, asked)) is not None],
        "choices": _choices(entries, catalogue),
        "coverage": [row for row in shown if row.in_scope],
        "outside": [row for row in shown if not row.in_scope],
        "no_assay": [row.claim for row in shown if row.in_scope and not row.assays],
        "no_rule": [row.claim for row in shown if row.in_scope and not row.rules],
        "failed": [assay for assay in review.assays if assay.error is not None],
        "known": known,
        "sentence": sentence,
        "share": share,
        "minutes": duration(review.seconds),
    }


def _entry(
    result: ClaimResult,
    claim: Claim,
    row: Row,
    results: Mapping[str, AssayResult],
    carried: tuple[Carrier, ...],
    catalogue: Catalogue,
) -> Entry:
    mine = [results[name] for name in result.assays if name in results]
    judged = [one for assay in mine for one in of_claim(assay.judged, claim.id)]
    primary = next((one for one in judged if one.effect == result.effect), None)
    words = f"{claim.subject};{claim.object};{claim.via}"
    said = {name for word in re.split(r"[;,\s]+", words) for name in _NAMES.get(word, word).split()}
    return Entry(
        claim=claim,
        result=result,
        sentence=sentence(claim),
        remark=remark(claim),
        effect=effect(result.effect, result.ci95, result.unit),
        relative=percent(primary.relative) if primary is not None else "",
        why=_why(result, mine),
        marks=marks(result, mine),
        cells=tuple(name for name in catalogue.cells if name in said or name in row.cells),
        molecules=tuple(name for name in catalogue.molecules if name in said or name in row.molecules),
        experiments=tuple(_experiment(assay, claim.id) for assay in mine),
        carriers=carried,
        receptors=row.receptors,
    )


def _why(result: ClaimResult, mine: Iterable[AssayResult]) -> str:
    """What kept a claim from being shown: the expectations that failed, or the reason there is nothing to judge."""
    failed = [one for assay in mine for one in of_claim(assay.judged, result.id) if not one.holds]
    if result.verdict == "shown" or not failed:
        return "" if result.verdict == "shown" else result.reason
    first, *others = failed
    said = f"{first.readout}: expected {expected(first)}, found {effect(first.effect, first.ci95, first.unit)}"
    return f"{said}; and {plural(len(others), 'further expectation')}" if others else said


def _experiment(assay: AssayResult, claim: str) -> Experiment:
    judged = of_claim(assay.judged, claim)
    plots = {}
    for one in judged:
        reading = reading_of(assay, one)
        if reading is not None and (reading.readout, reading.over) not in plots:
            over = ", mean over time" if reading.over == "mean" else ""
            plots[reading.readout, reading.over] = (f"{reading.readout}{over}", reading.unit, arms_plot(reading, one))
    return Experiment(
        result=assay,
        wells=wells(assay),
        arms=tuple(_arms(assay)),
        findings=tuple(
            Finding(
                one=one,
                expected=expected(one),
                found=effect(one.effect, one.ci95, one.unit),
                relative=percent(one.relative),
                picture=forest(one),
            )
            for one in judged
        ),
        plots=tuple(plots.values()),
        variants=tuple(
            (
                MARKS.get(variant.name, variant.name),
                variant.verdicts[claim],
                next((effect(one.effect, one.ci95, one.unit) for one in of_claim(variant.judged, claim)), None),
            )
            for variant in sorted(assay.variants, key=lambda variant: [*MARKS, variant.name].index(variant.name))
            if claim in variant.verdicts
        ),
    )


def _arms(assay: AssayResult) -> Iterable[tuple[str, str]]:
    """(arm, what is done to it); the arms of a curve of a sweep are told once, with "…" for the value."""
    sweep = assay.sweep
    swept = {arm: (curve, value) for curve, arm, value in _swept(assay)}
    told = set()
    for name, words in assay.arms.items():
        said = "; ".join(words) or "nothing"
        if sweep is None or name not in swept:
            yield name, said
            continue
        curve, value = swept[name]
        if curve not in told:
            told.add(curve)
            yield f"{curve} @ …", f"{said.replace(value, '…')}, with {join(sweep.values)}"


def _swept(assay: AssayResult) -> Iterable[tuple[str, str, str]]:
    """(curve, arm, value) of every arm that a sweep made."""
    if assay.sweep is not None:
        for curve, arms in assay.sweep.curves.items():
            yield from ((curve, arm, value) for arm, value in zip(arms, assay.sweep.values, strict=True))


def _sword(assay: AssayResult, asked: Iterable[str]) -> Sword | None:
    reading = reading_of(assay, assay.judged[0]) if assay.judged else None
    found = curves(assay.sweep, reading) if assay.sweep is not None and reading is not None else ()
    if assay.sweep is None or reading is None or not found:
        return None
    colors = scenario_colors([curve.name for curve in found])
    return Sword(
        id=assay.id,
        title=assay.title,
        note=assay.note,
        claims=tuple(claim for claim in assay.claims if claim in asked),
        picture=sweep_plot(found, assay.sweep, reading.readout),
        lines=tuple(
            (curve, colors[curve.name], " ".join(f"{part:g}" for part in dashes(index)))
            for index, curve in enumerate(found)
        ),
    )


def _choices(entries: Iterable[Entry], catalogue: Catalogue) -> dict[str, list[str]]:
    """What each filter offers: no more than there are claims of."""
    found: dict[str, set[str]] = {name: set() for name in ("cell", "molecule", "kind", "tier", "verdict")}
    for entry in entries:
        found["cell"].update(entry.cells)
        found["molecule"].update(entry.molecules)
        found["kind"].add(entry.claim.kind)
        found["tier"].add(entry.claim.tier)
        found["verdict"].add(entry.result.verdict)
    return {
        "cell": [name for name in catalogue.cells if name in found["cell"]],
        "molecule": sorted(found["molecule"]),
        "kind": sorted(found["kind"]),
        "tier": [tier for tier in ("core", "extended", "context") if tier in found["tier"]],
        "verdict": [verdict for verdict in VERDICTS if verdict in found["verdict"]],
    }


def _micro(text: str) -> str:
    """ "µm" and "µM" where a file says "um" and "uM"."""
    return _MICRO.sub("µ", text).replace("^2", "²").replace("^3", "³")
