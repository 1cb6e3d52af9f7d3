"""The executable review: its assays run side by side, are stored one file each, and are summed up claim by claim."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..biology.priors import fingerprint_of
from ..compare.statistics import mean_interval
from ..core.errors import InputError
from ..core.files import sha256, write_bytes
from ..core.parallel import Here, Workers
from ..runs.fingerprint import fingerprint, package_version
from .assays import Assay, load_assays
from .beyond import beyond
from .claims import unmodeled
from .dishes import dishes, wells_of
from .experiment import result_of, run_assay
from .results import AssayResult, Beyond, ClaimResult, Review, Verdict, of_claim

__all__ = ["assays_for", "claim_result", "read_review", "run_review", "work", "write_review"]

Tell = Callable[[AssayResult, int, int], None]
"""Called with the result of an assay that has ended, the number that have ended, and the number of all."""


def assays_for(claims: Iterable[str]) -> tuple[Assay, ...]:
    """The shipped assays that serve any of `claims`."""
    asked = set(claims)
    return tuple(assay for assay in load_assays().values() if not asked.isdisjoint(assay.claims))


def run_review(
    claims: Sequence[str],
    *,
    assays: Sequence[Assay] | None = None,
    seed: int = 1,
    jobs: int = 1,
    robust: bool = True,
    out: Path | None = None,
    command: str = "",
    draw: int | None = None,
    tell: Tell | None = None,
) -> Review:
    """The review of `claims` by their assays (or by `assays`), of which `jobs` run at a time.

    With `out`, each result is stored in `out/assays` when its assay ends, and a stored result of the same assay,
    catalogue and program is not computed again. `draw` is the number of a joint draw of all numbers, if it is not the
    catalogue as it is.
    """
    chosen = {assay.id: assay for assay in (assays_for(claims) if assays is None else assays)}
    stored = {} if out is None else {name: _stored(out, assay, seed, robust, draw) for name, assay in chosen.items()}
    found = {name: result for name, result in stored.items() if result is not None}
    missing = sorted((chosen[name] for name in chosen if name not in found), key=work, reverse=True)
    named = [(assay.id, assay) for assay in missing]
    with Workers(jobs) if jobs > 1 and len(named) > 1 else Here() as executor:
        for outcome in executor.do(partial(run_assay, seed=seed, robust=robust, draw=draw), named):
            assay = chosen[outcome.name]
            result = outcome.result or result_of(assay, seed, error=str(outcome.error), draw=draw)
            found[assay.id] = result
            if out is not None and result.error is None:
                program = _fingerprint(assay, seed, robust, draw)
                record = {"fingerprint": program, "result": result.model_dump(mode="json")}
                _place(out, assay).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(_place(out, assay), json.dumps(record, ensure_ascii=False).encode())
            if tell is not None:
                tell(result, len(found), len(chosen))
    ordered = tuple(found[name] for name in chosen)
    return Review(
        version=package_version(),
        seed=seed,
        quick=not robust,
        seconds=round(sum(one.seconds for one in ordered), 1),
        command=command,
        claims=tuple(
            claim_result(claim, ordered).model_copy(update={"beyond": _beyond(claim, chosen.values())})
            for claim in claims
        ),
        assays=ordered,
    )


def claim_result(claim: str, results: Iterable[AssayResult]) -> ClaimResult:
    """The verdict on a claim: shown when all of its assays show it, contradicted when one contradicts it."""
    mine = [one for one in results if claim in one.claims]
    if not mine:
        reason = unmodeled().get(claim, "no assay has been written for it")
        return ClaimResult(id=claim, verdict="not modeled", reason=reason)
    given = [one.verdicts.get(claim, "not shown") for one in mine]
    verdict = _combined(given)
    first = mine[given.index(verdict)]
    primary = next(iter(of_claim(first.judged, claim)), None)
    measured: dict[str, Any] = {}
    if primary is not None:
        reading = first.reading_of(primary)
        measured = {
            "effect": primary.effect,
            "ci95": primary.ci95,
            "unit": primary.unit,
            "direction": primary.direction,
            "arms": {} if reading is None else {arm: mean_interval(read).mean for arm, read in reading.arms.items()},
        }
    return ClaimResult(
        id=claim,
        verdict=verdict,
        **measured,
        replicates=first.wells,
        reason=_reason(claim, mine, verdict),
        assays=tuple(one.id for one in mine),
        flips=_flips(claim, mine, verdict),
    )


def _beyond(claim: str, assays: Iterable[Assay]) -> tuple[Beyond, ...]:
    """What the assays of a claim have at more than tumors have: of each molecule and cell, the most."""
    found: dict[str, Beyond] = {}
    for assay in assays:
        for one in beyond(assay, claim) if claim in assay.claims else ():
            if one.what not in found or one.amount > found[one.what].amount:
                found[one.what] = one
    return tuple(found.values())


def read_review(path: Path) -> Review:
    """The review in a file `claims.json`. Raises InputError if `path` is not such a file."""
    try:
        return Review.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError("not the result of a review of claims", file=path) from error


def write_review(review: Review, path: Path) -> None:
    """Write a review as JSON. Raises InputError if the file cannot be written."""
    write_bytes(path, json.dumps(review.model_dump(mode="json"), ensure_ascii=False, indent=1).encode())


def _reason(claim: str, mine: Sequence[AssayResult], verdict: Verdict) -> str:
    judged = [one for assay in mine for one in of_claim(assay.judged, claim)]
    if verdict == "shown":
        return judged[0].says if judged else ""
    said = [f"{one.id} did not run: {one.error}" for one in mine if one.error is not None]
    said += [one.says for one in judged if not one.holds]
    notes = [one.note for one in mine if one.note]
    return "; ".join([*said[:3], *notes[:1]])


def _combined(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict from those of several assays."""
    if "contradicted" in verdicts:
        return "contradicted"
    return "shown" if all(one == "shown" for one in verdicts) else "not shown"


def _flips(claim: str, mine: Sequence[AssayResult], stated: Verdict) -> tuple[str, ...]:
    """The variants in which the verdict on the claim differs; an assay without that variant keeps its own."""
    given = [{one.name: one.verdicts.get(claim, "not shown") for one in assay.variants} for assay in mine]
    own = [assay.verdicts.get(claim, "not shown") for assay in mine]
    names = dict.fromkeys(name for one in given for name in one)
    return tuple(
        name
        for name in names
        if _combined([one.get(name, stays) for one, stays in zip(given, own, strict=True)]) != stated
    )


# ------------------------------------------------------------------ storing


def work(assay: Assay) -> float:
    """An estimate of the time that an assay takes, in sites × minutes × arms; the longest begin first."""
    if assay.dish not in dishes():
        return 0.0
    dish = dishes()[assay.dish]
    shape = assay.dish_changes.get("lattice.shape", dish.scenario.get("lattice", {}).get("shape", [24, 24]))
    sites = wells_of(assay) * float(shape[0]) * float(shape[-1])
    return (sites + 5000.0) * assay.minutes[1] * len(assay.arms)


def _place(out: Path, assay: Assay) -> Path:
    return out / "assays" / f"{assay.id}.json"


def _stored(out: Path, assay: Assay, seed: int, robust: bool, draw: int | None) -> AssayResult | None:
    """The stored result of an assay; None if it is missing, damaged, or of another assay, catalogue or program."""
    try:
        record = json.loads(_place(out, assay).read_bytes())
        # A quick review can use a result with variants, too.
        if record["fingerprint"] not in {_fingerprint(assay, seed, variants, draw) for variants in {True, robust}}:
            return None
        return AssayResult.model_validate(record["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fingerprint(assay: Assay, seed: int, robust: bool, draw: int | None) -> str:
    """The fingerprint of the model and of the modules that run assays, with the dishes, the assay, the seed and the
    values of a draw.
    """
    program = fingerprint("evidence.experiment", data=("evidence/data/**/dishes.toml",))
    drawn = [] if draw is None else [fingerprint_of(seed, draw)]
    said = json.dumps([assay.model_dump(mode="json"), seed, robust, *drawn], sort_keys=True)
    return sha256(f"{program}{said}".encode())
