"""A made-up review: what the engine writes, without running a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tme_abm.compare.statistics import paired_difference
from tme_abm.evidence.assays import Sweep
from tme_abm.evidence.results import AssayResult, ClaimResult, Judged, Reading, Review, Variant, Verdict

READOUT = "divisions of tumor"
UNIT = "/cell/day"
WELLS = (1.00, 1.04, 0.96, 1.08)
VARIANTS = ("half duration", "double duration", "half dose", "double dose")


def judged(
    arms: Mapping[str, Sequence[float | None]],
    claims: Sequence[str],
    *,
    arm: str = "treated",
    against: str = "control",
    direction: str = "up",
    smallest: float = 0.1,
    holds: bool = True,
    opposed: bool = False,
    readout: str = READOUT,
) -> Judged:
    """The contrast of two arms, judged as the caller says."""
    difference = paired_difference(arms[arm], arms[against])
    assert difference.mean is not None
    ci95 = None if difference.interval is None else (difference.interval[0], difference.interval[1])
    return Judged(
        readout=readout,
        unit=UNIT,
        direction=direction,
        arm=arm,
        against=against,
        claims=tuple(claims),
        smallest=smallest,
        effect=difference.mean,
        ci95=ci95,
        relative=difference.mean,
        holds=holds,
        opposed=opposed,
        says=f"{readout}, {arm} against {against}: told by the engine",
    )


def assay(
    claim: str,
    *,
    verdict: Verdict = "shown",
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
    """One assay of two arms and what it found for `claim`; the treated arm differs by `change`."""
    treated = [well + change + 0.01 * index for index, well in enumerate(wells)]
    arms = {"control": tuple(wells), "treated": tuple(treated)}
    arms |= {f"arm {index}": tuple(wells) for index in range(more_arms)}
    one = judged(arms, [claim], holds=verdict == "shown", opposed=verdict == "contradicted", readout=readout)
    other: Verdict = "not shown" if verdict == "shown" else "shown"
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
        verdicts={} if error else {claim: verdict},
        variants=tuple(
            Variant(
                name=name,
                verdicts={claim: other if name in flips else verdict},
                judged=(one.model_copy(update={"effect": 0.2, "ci95": (0.1, 0.3)}),),
            )
            for name in variants
        ),
    )


def claim_result(
    claim: str, *assays: AssayResult, verdict: Verdict = "shown", flips: Sequence[str] = ()
) -> ClaimResult:
    first = next((one for one in assays if one.judged), None)
    if first is None:
        return ClaimResult(id=claim, verdict=verdict, reason="no such tissue", assays=tuple(one.id for one in assays))
    one = first.judged[0]
    return ClaimResult(
        id=claim,
        verdict=verdict,
        effect=one.effect,
        ci95=one.ci95,
        unit=one.unit,
        direction=one.direction,
        replicates=first.wells,
        reason=one.says,
        assays=tuple(a.id for a in assays),
        flips=tuple(flips),
    )


def review(*claims: ClaimResult, assays: Sequence[AssayResult] = (), quick: bool = False) -> Review:
    return Review(
        version="0.1.0",
        seed=1,
        quick=quick,
        seconds=600.0,
        command="python run.py claims --id 'A-*'",
        claims=claims,
        assays=tuple(assays),
    )


def ordinary() -> Review:
    """Four claims, one with each verdict, given out of order."""
    shown = assay("A-TNF-08", flips=("double dose",), variants=VARIANTS[:2] + VARIANTS[3:])
    missed = assay("B-MDSC-10", verdict="not shown", change=0.02)
    wrong = assay("A-IL2-08", verdict="contradicted", change=-0.4)
    return review(
        claim_result("B-MDSC-10", missed, verdict="not shown"),
        claim_result("A-TNF-08", shown, flips=("double dose",)),
        claim_result("B-METH-01", verdict="not modeled"),
        claim_result("A-IL2-08", wrong, verdict="contradicted"),
        assays=(missed, shown, wrong),
    )


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
    ends = {"arm": first[-1], "against": first[0]}
    one = judged(arms, ["A-TNF-08"], **ends, direction="down", smallest=5.0, readout="count of tumor")
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
        judged=(one,),
        verdicts={"A-TNF-08": "shown"},
        sweep=Sweep(name="TNF", values=tuple(values), curves=curves),
    )
