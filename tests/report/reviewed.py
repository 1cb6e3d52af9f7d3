"""A made-up review: readings that no model made, judged and summed up by the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tme_abm.evidence.assays import Expectation, Sweep
from tme_abm.evidence.judge import judge, verdicts
from tme_abm.evidence.results import AssayResult, Beyond, Judged, Reading, Review, Variant, Verdict
from tme_abm.evidence.review import claim_result

READOUT = "divisions of tumor"
UNIT = "/cell/day"
WELLS = (1.00, 1.04, 0.96, 1.08)
VARIANTS = ("half duration", "double duration", "half dose", "double dose")


def judged(arms: Mapping[str, Sequence[float | None]], claim: str, **expected: object) -> Judged:
    """What the judge makes of one expectation; by default that treated cells divide more than control."""
    stated = {"readout": READOUT, "arm": "treated", "against": "control", "direction": "up", "smallest": 0.1}
    one = Expectation.model_validate(stated | expected)
    readings = {(name, one.readout, one.over): np.array(values, dtype=float) for name, values in arms.items()}
    return judge([one], (claim,), readings, {one.readout: UNIT})[0]


def assay(
    claim: str,
    *,
    change: float = 0.5,
    title: str = "A molecule speeds tumor division",
    note: str = "",
    readout: str = READOUT,
    error: str | None = None,
    flips: Sequence[str] = (),
    variants: Sequence[str] = VARIANTS,
    wells: Sequence[float] = WELLS,
    more_arms: int = 0,
) -> AssayResult:
    """One assay of two arms for `claim`; the treated arm differs by `change`."""
    arms = {"control": tuple(wells), "treated": tuple(well + change + 0.01 * n for n, well in enumerate(wells))}
    arms |= {f"arm {index}": tuple(wells) for index in range(more_arms)}
    one = judged(arms, claim, readout=readout)
    given = verdicts([claim], [one])
    other: Verdict = "not shown" if given[claim] == "shown" else "shown"
    times = (1440.0, 2880.0, 5760.0)
    return AssayResult(
        id=f"assay-of-{claim.lower()}",
        title=title,
        claims=(claim,),
        note=note,
        dish="360 um x 360 um of culture surface per well",
        duration=times[1],
        wells=len(wells),
        seed=1,
        seconds=2.5,
        error=error,
        cells=("60 tumor",),
        arms=dict.fromkeys(arms, ()) | {"treated": ("medium with 1 nM IL6", "STAT3 inhibited")},
        readings=tuple(
            Reading(
                readout=readout,
                unit=UNIT,
                over="end",
                time=time,
                arms={name: tuple(v * time / times[1] for v in values) for name, values in arms.items()},
            )
            for time in times
        ),
        judged=() if error else (one,),
        verdicts={} if error else given,
        variants=tuple(
            Variant(
                name=name,
                verdicts={claim: other} if name in flips else given,
                judged=(one.model_copy(update={"effect": 0.2, "ci95": (0.1, 0.3)}),),
            )
            for name in variants
        ),
    )


def review(*assays: AssayResult, claims: Sequence[str] = (), quick: bool = False) -> Review:
    """The review of the claims that the assays serve, and of further `claims`."""
    asked = dict.fromkeys((*(claim for one in assays for claim in one.claims), *claims))
    return Review(
        version="0.1.0",
        seed=1,
        quick=quick,
        seconds=600.0,
        command="python run.py claims --id 'A-*'",
        claims=tuple(claim_result(claim, assays) for claim in asked),
        assays=assays,
    )


def far(claim: str = "A-TNF-08") -> Review:
    """A claim that is shown by a dose, a number of cells and a drug that tumors do not have."""
    found = review(assay(claim))
    amounts = (
        ("TNF", 10.0, 0.03, False), ("CCL20", 1.0, None, False), ("NK", 154.0, 60.0, False), ("TKI", 9.0, None, True),
    )  # fmt: skip
    beyond = tuple(
        Beyond(what=what, amount=amount, most=most, drug=drug, assay="one", says=f"{what} {amount:g} (tumors: {most})")
        for what, amount, most, drug in amounts
    )
    return found.model_copy(update={"claims": (found.claims[0].model_copy(update={"beyond": beyond}),)})


def ordinary() -> Review:
    """Four claims, one with each verdict, given out of order."""
    missed = assay("B-MDSC-10", change=0.02)
    shown = assay("A-TNF-08", flips=("double dose",), variants=VARIANTS[:2] + VARIANTS[3:])
    wrong = assay("A-IL2-08", change=-0.4)
    return review(missed, shown, wrong, claims=["B-METH-01"])


def swept(changes: Mapping[str, Sequence[float]], values: Sequence[str], *, spread: float = 1.0) -> AssayResult:
    """An assay that sweeps `values`: for each curve the change in % at each of them; wells differ by `spread` %."""
    noise = [spread * sign for sign in (-1.0, 1.0, -0.5, 0.5)]
    arms, curves = {}, {}
    for name, percents in changes.items():
        curves[name] = tuple(f"{name} @ {value}" for value in values)
        for arm, percent in zip(curves[name], percents, strict=True):
            jitter = noise if percent else [0.0] * len(noise)
            arms[arm] = tuple(100.0 + percent + one for one in jitter)
    first = next(iter(curves.values()))
    ends = {"arm": first[-1], "against": first[0], "direction": "down", "smallest": 5.0, "readout": "count of tumor"}
    return AssayResult(
        id="sweep",
        title="TNF feeds the tumor at a low and kills it at a high dose",
        claims=("A-TNF-08",),
        note="",
        dish="a tumor",
        duration=2880.0,
        wells=len(noise),
        seed=1,
        seconds=9.0,
        arms={arm: (f"medium with {arm.rpartition('@ ')[2]} TNF",) for arm in arms},
        readings=(Reading(readout="count of tumor", unit="cells", over="end", time=2880.0, arms=arms),),
        judged=(judged(arms, "A-TNF-08", **ends),),
        verdicts={"A-TNF-08": "shown"},
        sweep=Sweep(name="TNF", values=tuple(values), curves=curves),
    )
