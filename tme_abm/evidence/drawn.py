"""Claims and published experiments in joint draws of all numbers of the catalogue: in how many of them they come out.

Draw k of a seed is the same for all claims and experiments, and the same however many draws are made. Its values stand
in `draws/NNN/values.json`, its results beside them, so that an interrupted series goes on where it was.

A claim is judged in a draw by the criterion as it stands, on less: at the stated dose and duration only, and in fewer
wells (three where the dish is a tumor, at most twelve elsewhere). Fewer wells make wider intervals, so shares are
rather too low than too high. Nothing is run that could not make a claim shown: an assay stops when all of its claims
have failed, and a further assay of a claim waits until the first has shown it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ..biology import load_catalogue
from ..biology.priors import draw as joint_draw
from ..core.errors import InputError
from ..core.files import write_json
from .assays import Assay
from .dishes import dishes, wells_of
from .published import Experiment
from .repeats import Tell as TellRun
from .reproduce import reproduce
from .results import NOT_RUN, AssayResult, Drawn, DrawRecord, Reproduction, Review
from .review import Tell, assays_for, claim_result, run_review, work

__all__ = ["reproduced_in_draws", "reviewed_in_draws", "thinned"]

_IN_TUMORS, _ELSEWHERE = 3, 12  # wells


def reviewed_in_draws(
    review: Review,
    draws: int,
    *,
    assays: Sequence[Assay] | None = None,
    jobs: int = 1,
    out: Path | None = None,
    tell: Tell | None = None,
) -> Review:
    """A review whose claims were also judged in draws 1 .. `draws` of its seed. Raises InputError if `draws` < 1."""
    numbers = _numbers(draws)
    claims = [one.id for one in review.claims]
    thin = [thinned(one) for one in (assays_for(claims) if assays is None else assays)]
    first, others = _in_two_rounds(thin, claims)
    records: list[DrawRecord] = []
    verdicts: dict[str, list[str]] = {claim: [] for claim in claims}
    for number in numbers:
        record = _written(review.seed, number, out)

        def judged_by(chosen: Sequence[Assay], before: int, number: int = number) -> tuple[AssayResult, ...]:
            def told(result: AssayResult, done: int, _: int) -> None:
                if tell is not None:
                    tell(result, (number - 1) * len(thin) + before + done, draws * len(thin))

            return run_review(
                claims, assays=chosen, seed=review.seed, jobs=jobs, robust=False, out=_place(out, number),
                draw=number, tell=told,
            ).assays  # fmt: skip

        results = judged_by(first, 0)
        lost = {claim for claim in claims if claim_result(claim, results).verdict != "shown"}
        results += judged_by([one for one in others if not lost.issuperset(one.claims)], len(first))
        failed = {one.id: one.error for one in results if one.error is not None}
        records.append(_completed(record, failed))
        for claim in claims:
            judged = claim_result(claim, results)
            verdicts[claim].append(NOT_RUN if failed.keys() & set(judged.assays) else judged.verdict)
    return review.model_copy(
        update={
            "draws": tuple(records),
            "claims": tuple(
                one
                if one.verdict == "not modeled"
                else one.model_copy(update={"drawn": Drawn(hoped="shown", verdicts=tuple(verdicts[one.id]))})
                for one in review.claims
            ),
        }
    )


def reproduced_in_draws(
    found: Reproduction,
    experiments: Sequence[Experiment],
    draws: int,
    *,
    replicates: int | None = None,
    jobs: int = 1,
    out: Path | None = None,
    tell: TellRun | None = None,
) -> Reproduction:
    """Repeats of experiments that were also judged in draws 1 .. `draws` of their seed.

    Those that have no verdict, or that the model cannot pose, have no share. Raises InputError if `draws` < 1.
    """
    numbers = _numbers(draws)
    posed = {one.id for one in found.experiments if one.verdict != "no verdict"}
    chosen = [one for one in experiments if not one.unposed and one.id in posed]
    records: list[DrawRecord] = []
    verdicts: dict[str, list[str]] = {one.id: [] for one in chosen}
    for number in numbers:
        record = _written(found.seed, number, out)

        def told(label: str, done: int, total: int, number: int = number) -> None:
            if tell is not None:
                tell(f"draw {number}, {label}", (number - 1) * total + done, draws * total)

        again = reproduce(
            chosen, seed=found.seed, replicates=replicates, jobs=jobs, out=_place(out, number), cut=found.cut,
            draw=number, tell=told,
        )  # fmt: skip
        failed = {one.id: one.reason for one in again.experiments if not one.expect}
        records.append(_completed(record, failed))
        for one in again.experiments:
            verdicts[one.id].append(NOT_RUN if one.id in failed else one.verdict)
    return found.model_copy(
        update={
            "draws": tuple(records),
            "experiments": tuple(
                one.model_copy(update={"drawn": Drawn(hoped="reproduced", verdicts=tuple(verdicts[one.id]))})
                if one.id in verdicts
                else one
                for one in found.experiments
            ),
        }
    )


def thinned(assay: Assay) -> Assay:
    """An assay with fewer wells."""
    dish, wells = dishes().get(assay.dish), wells_of(assay)
    tumor = dish is not None and dish.scenario.get("tumor", {}).get("cells") != 0
    fewer = min(wells, _IN_TUMORS if tumor else _ELSEWHERE)
    return assay.model_copy(update={"dish_changes": {**assay.dish_changes, "wells": fewer}})


def _in_two_rounds(assays: Sequence[Assay], claims: Sequence[str]) -> tuple[list[Assay], list[Assay]]:
    """The cheapest assay of every claim, and the others."""
    serving = ([one for one in assays if claim in one.claims] for claim in claims)
    first = {min(mine, key=work).id for mine in serving if mine}
    return [one for one in assays if one.id in first], [one for one in assays if one.id not in first]


def _place(out: Path | None, number: int) -> Path | None:
    return None if out is None else out / "draws" / f"{number:03d}"


def _numbers(draws: int) -> range:
    if draws < 1:
        raise InputError(f"at least one draw is needed, not {draws}", place="--draws")
    return range(1, draws + 1)


def _written(seed: int, number: int, out: Path | None) -> DrawRecord:
    """The record of a draw, whose values are written before anything runs."""
    made, place = joint_draw(load_catalogue(), seed, number), _place(out, number)
    file = ""
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / "values.json", asdict(made))
        file = f"draws/{place.name}/values.json"
    return DrawRecord(number=number, values=file, sha256=made.sha256, cut=len(made.cut))


def _completed(record: DrawRecord, failed: Mapping[str, str | None]) -> DrawRecord:
    return record.model_copy(update={"failed": tuple(f"{name}: {why}" for name, why in failed.items())})
