"""The view of a review: the frozen values that its page and its tables show, computed once from the results.

Nothing is judged here: verdicts, effects and intervals are those of the review.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...biology import Catalogue
from ...biology.schema import ReferenceEntry
from ...evidence.assays import Assay
from ...evidence.claims import Claim, claims, scope
from ...evidence.coverage import Carrier, Row, coverage
from ...evidence.results import VERDICTS, AssayResult, Beyond, ClaimResult, Judged, Reading, Review, Verdict, of_claim
from ..style.numbers import Effect, effect, in_days, join, percent, plural
from .sweeps import SweptDose, swept_dose

__all__ = ["ARROWS", "MARKS", "Entry", "View", "beyond_tumors", "expected", "figure", "view_of"]

MARKS: Mapping[str, str] = {
    "half dose": "half the dose",
    "double dose": "double the dose",
    "half duration": "half the duration",
    "double duration": "double the duration",
}
"""The robustness variants in the order of their marks, in words."""

ARROWS: Mapping[str, str] = {"up": "↑", "down": "↓", "none": "=", "rising": "↗", "falling": "↘"}

_TIERS = ("core", "extended", "context")
_REMARK = re.compile(r"\s*\[check:\s*(.*?)\]\s*", re.DOTALL)
_NAMES = {"M_MDSC": "M-MDSC", "PMN_MDSC": "PMN-MDSC", "MDSC": "M-MDSC PMN-MDSC", "CD4_Th1": "Th1"} | {
    name: name.partition("_")[0] for name in ("TAM_M1", "TAM_M2", "TAN_N1", "TAN_N2")
}
"""The names of the catalogue for names of the reviews."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What an assay says about one claim.

    extent : number of wells and duration, in words
    arms : (arm, its interventions)
    judged : the expectations that concern the claim
    plots : the readings that they were judged by, each with the first such expectation
    variants : (variant, verdict, effect) of the robustness runs
    """

    result: AssayResult
    extent: str
    arms: tuple[tuple[str, str], ...]
    judged: tuple[Judged, ...]
    plots: tuple[tuple[Reading, Judged], ...]
    variants: tuple[tuple[str, Verdict, Effect | None], ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim with everything that the page shows about it.

    why : the reason why the claim was not shown
    marks : (variant in words, "same", "flips" or "not applicable") of each robustness variant
    """

    claim: Claim
    result: ClaimResult
    sentence: str
    remark: str
    effect: Effect
    relative: str
    why: str
    marks: tuple[tuple[str, str], ...]
    cells: tuple[str, ...]
    molecules: tuple[str, ...]
    receptors: tuple[str, ...]
    experiments: tuple[Experiment, ...]
    carriers: tuple[Carrier, ...]

    @property
    def searched(self) -> str:
        """The text that a search on the page looks through."""
        said = (self.claim.id, self.claim.fact, self.claim.subject, self.claim.object, self.claim.via)
        kind = (self.claim.kind.replace("_", " "), self.result.reason)
        named = (*self.cells, *self.molecules, *self.receptors, *self.result.assays)
        return " ".join((*said, *kind, *named, *(one.result.title for one in self.experiments))).lower()


@dataclass(frozen=True, kw_only=True)
class View:
    """A review for its readers.

    whole : whether the review has every claim in scope
    scope : the number of claims in scope
    tally : (tier, number of claims with each verdict), "all" last if there are several tiers
    choices : the options of each filter of the page
    coverage : the claims in scope
    outside : the claims out of scope, each with its statement
    """

    review: Review
    whole: bool
    scope: int
    entries: tuple[Entry, ...]
    tally: tuple[tuple[str, Mapping[Verdict, int]], ...]
    swept: tuple[SweptDose, ...]
    choices: Mapping[str, tuple[str, ...]]
    coverage: tuple[Row, ...]
    outside: tuple[tuple[Row, str], ...]
    references: Mapping[str, ReferenceEntry]


def view_of(review: Review, catalogue: Catalogue, assays: Mapping[str, Assay]) -> View:
    """The view of a review of claims; `catalogue` and `assays` say what carries them."""
    known, asked = claims(), {one.id for one in review.claims}
    whole = asked >= set(scope().ids)
    rows = {row.claim: row for row in coverage(catalogue, assays, review)}
    results = {assay.id: assay for assay in review.assays}
    entries = tuple(
        _entry(one, known[one.id], rows[one.id], results, catalogue)
        for one in sorted(review.claims, key=lambda one: one.id)
    )
    swept = (swept_dose(assay, asked) for assay in review.assays)
    return View(
        review=review,
        whole=whole,
        scope=len(scope().ids),
        entries=entries,
        tally=_tally(review, known),
        swept=tuple(one for one in swept if one is not None),
        choices=_choices(entries, catalogue),
        coverage=tuple(row for row in rows.values() if row.in_scope and row.claim in asked),
        outside=tuple(
            (row, _sentence(known[row.claim]))
            for row in rows.values()
            if not row.in_scope and (whole or row.claim in asked)
        ),
        references=catalogue.references,
    )


def _tally(review: Review, known: Mapping[str, Claim]) -> tuple[tuple[str, Mapping[Verdict, int]], ...]:
    found: dict[str, dict[Verdict, int]] = {}
    for one in review.claims:
        counts = found.setdefault(known[one.id].tier, dict.fromkeys(VERDICTS, 0))
        counts[one.verdict] += 1
    tiers = [(tier, found[tier]) for tier in dict.fromkeys((*_TIERS, *found)) if tier in found]
    return (*tiers, ("all", review.counts())) if len(tiers) > 1 else tuple(tiers)


def _choices(entries: Iterable[Entry], catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The options of each filter: only what some claim has."""
    found: dict[str, set[str]] = {name: set() for name in ("cell", "molecule", "kind", "tier", "verdict")}
    for entry in entries:
        found["cell"].update(entry.cells)
        found["molecule"].update(entry.molecules)
        found["kind"].add(entry.claim.kind)
        found["tier"].add(entry.claim.tier)
        found["verdict"].add(entry.result.verdict)
    order: dict[str, Iterable[str]] = {"cell": catalogue.cells, "tier": _TIERS, "verdict": VERDICTS}
    return {
        name: tuple(word for word in order.get(name, sorted(words)) if word in words) for name, words in found.items()
    }


# ------------------------------------------------------------------ a claim


def _entry(
    result: ClaimResult, claim: Claim, row: Row, results: Mapping[str, AssayResult], catalogue: Catalogue
) -> Entry:
    mine = [results[name] for name in result.assays if name in results]
    judged = [one for assay in mine for one in of_claim(assay.judged, claim.id)]
    primary = next((one for one in judged if one.effect == result.effect), None)
    words = re.split(r"[;,\s]+", f"{claim.subject};{claim.object};{claim.via}")
    said = {name for word in words for name in _NAMES.get(word, word).split()}
    tried = {variant.name for assay in mine for variant in assay.variants if claim.id in variant.verdicts}
    return Entry(
        claim=claim,
        result=result,
        sentence=_sentence(claim),
        remark=" ".join(_REMARK.findall(claim.fact)),
        effect=figure(result),
        relative=percent(primary.relative) if primary is not None else "",
        why=_why(result, [one for one in judged if not one.holds]),
        marks=tuple(
            (what, "flips" if name in result.flips else "same" if name in tried else "not applicable")
            for name, what in MARKS.items()
        ),
        cells=tuple(name for name in catalogue.cells if name in said or name in row.cells),
        molecules=tuple(name for name in catalogue.molecules if name in said or name in row.molecules),
        receptors=row.receptors,
        experiments=tuple(_experiment(assay, claim.id) for assay in mine),
        carriers=row.carriers,
    )


def _sentence(claim: Claim) -> str:
    """The statement in words, without remarks on the review's text."""
    return _REMARK.sub(" ", claim.fact).strip()


def _why(result: ClaimResult, failed: list[Judged]) -> str:
    """Why a claim was not shown: the first expectation that failed, or the reason why nothing was judged."""
    if result.verdict == "shown":
        return ""
    if not failed:
        return result.reason
    first, *others = failed
    said = f"{first.readout}: expected {expected(first)}, found {figure(first)}"
    return f"{said}; and {plural(len(others), 'further expectation')}" if others else said


# ------------------------------------------------------------------ an experiment


def _experiment(assay: AssayResult, claim: str) -> Experiment:
    judged = of_claim(assay.judged, claim)
    hours = assay.duration / 60
    plots: dict[tuple[str, str], tuple[Reading, Judged]] = {}
    for one in judged:
        if (reading := assay.reading_of(one)) is not None:
            plots.setdefault((reading.readout, reading.over), (reading, one))
    tried = {variant.name: variant for variant in assay.variants if claim in variant.verdicts}
    return Experiment(
        result=assay,
        extent=f"{plural(assay.wells, 'well')}, {f'{hours:g} h' if hours <= 72 else in_days(hours / 24)}",
        arms=tuple(_arms(assay)),
        judged=judged,
        plots=tuple(plots.values()),
        variants=tuple(
            (what, tried[name].verdicts[claim], next(map(figure, of_claim(tried[name].judged, claim)), None))
            for name, what in MARKS.items()
            if name in tried
        ),
    )


def figure(one: Judged | ClaimResult) -> Effect:
    """The effect of an expectation or a claim, with its interval and unit."""
    return effect(one.effect, one.ci95, one.unit)


def beyond_tumors(found: Sequence[Beyond], most: int = 3) -> str:
    """What is beyond tumors, in short: "TNF ×330, CCL20 (absent), TKI (drug)"; the tumors have no CCL20."""
    said = [
        f"{one.what} {'(drug)' if one.drug else '(absent)' if one.most is None else f'×{_rounded(one.fold):,.10g}'}"
        for one in found
    ]
    return ", ".join([*said[:most], *(["…"] if len(said) > most else [])])


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def expected(one: Judged) -> str:
    """An expectation in words, without its readout."""
    least = effect(one.smallest, None, one.unit, sign=False)
    by = f" by at least {least}" if one.smallest > 0 else ""
    arm, against = f"“{one.arm}”", f"“{one.against}”" if one.against else ""
    if one.direction in ("rising", "falling"):
        return f"{one.direction} from {against} to {arm}{by}"
    if one.direction == "none":
        within = f", within {least}" if one.smallest > 0 else ""
        return f"{arm} like {against}{within}" if against else f"{arm} near zero{within}"
    return f"{arm} {'above' if one.direction == 'up' else 'below'} {against or 'zero'}{by}"


def _arms(assay: AssayResult) -> Iterable[tuple[str, str]]:
    """(arm, its interventions); the arms of a curve of a sweep are listed once, with "…" for the value."""
    sweep = assay.sweep
    curve_of = {} if sweep is None else {arm: curve for curve, arms in sweep.curves.items() for arm in arms}
    for name, words in assay.arms.items():
        said = "; ".join(words) or "nothing"
        if sweep is None or name not in curve_of:
            yield name, said
        elif name == sweep.curves[curve_of[name]][0]:
            yield f"{curve_of[name]} @ …", f"{said.replace(sweep.values[0], '…')}, with {join(sweep.values)}"
