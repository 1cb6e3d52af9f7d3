"""One tissue, several futures: `run --from`, and `compare` of runs that are there or of arms they go on in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import InputError
from . import going_on, live
from .places import RESULTS, command, free, slug

if TYPE_CHECKING:
    from ..compare.comparison import Comparison

__all__ = ["branch", "compare_arms", "compare_runs", "refuse", "refuse_others", "runs_among"]


def branch(
    directory: Path,
    *,
    at: float | None,
    protocol: Path | None,
    settings: list[str] | None,
    excluded: dict[str, object],
    seed: int | None,
    days: float | None,
    out: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Branch off from a run and walk to the end."""
    from ..runs import branch as experiment

    refuse(excluded, "a branch has the scenario of its run; leave it out")
    point = experiment.branch_point(directory, at=at)
    if seed not in (None, point.seed):
        raise InputError(
            f"a branch keeps the seed of its run, {point.seed}: where the vessels are follows from it", place="--seed"
        )
    scenario = experiment.branch_scenario(
        point,
        settings=settings or (),
        protocol=() if protocol is None else experiment.read_protocol(protocol),
        origin=str(protocol),
    )
    name = f"{scenario.name}-seed{point.seed}-from-day{point.day:.4g}"
    place = free(name) if out is None else out
    begin = partial(
        experiment.branch, point, scenario, out=place, days=days, command=command(), overwrite=overwrite
    )
    going_on.walk(begin, place, quiet=quiet)


def refuse(given: Mapping[str, object], why: str) -> None:
    """Refuse options that say nothing here."""
    for option, value in given.items():
        if value is not None:
            raise InputError(why, place=option)


def runs_among(names: Sequence[str]) -> list[Path]:
    """Those of `names` that are directories of runs; the name of a shipped scenario is always the scenario's."""
    from ..runs.results import MANIFEST
    from ..scenario import shipped

    return [Path(name) for name in names if name not in shipped() and (Path(name) / MANIFEST).is_file()]


def refuse_others(names: Sequence[str], directories: Sequence[Path], arms: Path | None) -> None:
    """Refuse what is no run beside runs, and arms that nothing goes on in."""
    others = [name for name in names if Path(name) not in directories]
    if others:
        raise InputError("is not the directory of a run; runs are not compared with scenarios", file=others[0])
    if not directories:
        raise InputError("name the directories of the runs that go on in these arms", file=arms)


def compare_runs(directories: Sequence[Path], *, out: Path | None) -> Comparison:
    """Compare finished runs as they are."""
    from ..compare import finished as experiment

    if out is None:
        out = free("-".join(["compare", *dict.fromkeys(one.resolve().name for one in directories)]))
    return experiment.compare_runs(directories, out=out, command=command())


def compare_arms(
    directories: Sequence[Path],
    *,
    arms: Path,
    at: float | None,
    days: float | None,
    out: Path | None,
    jobs: int | None,
    overwrite: bool,
    quiet: bool,
) -> Comparison:
    """Let runs go on in several arms and compare the arms."""
    from ..compare import arms as experiment
    from ..runs.branch import branch_point

    asked = experiment.read_arms(arms)
    length = asked.days if days is None else days
    points = [branch_point(one, at=at) for one in directories]
    span = max(point.scenario.clock.days for point in points) if length is None else length
    watched = live.of_comparison(quiet=quiet, runs=len(points) * len(asked.arms), days=span)
    with going_on.interruptible(going_on.SAME_COMMAND), watched as tell:
        return experiment.compare_arms(
            points,
            asked.arms,
            out=RESULTS / f"arms-{slug(arms.stem)}" if out is None else out,
            days=length,
            jobs=jobs,
            command=command(),
            overwrite=overwrite,
            tell=tell,
        )
