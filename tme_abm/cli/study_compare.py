"""`compare --from STUDY_DIR`: arms of a study side by side, from the runs that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .places import command, slug
from .terminal import note

if TYPE_CHECKING:
    from ..compare.comparison import Comparison

__all__ = ["compare_study"]


def compare_study(
    directory: Path, *, scenarios: Sequence[str], points: Sequence[int], by: Sequence[str], out: Path | None
) -> Comparison:
    """Compare the arms that were chosen."""
    from ..studies import arms as experiment
    from ..studies.results import read_study

    study = read_study(directory)
    chosen = experiment.choose(study, scenarios=scenarios, points=points, by=by)
    if chosen.held:
        note("the same in all arms: " + ", ".join(f"{key} = {value}" for key, value in chosen.held.items()))
    if out is None:
        words = [*scenarios, *(f"by {key.rpartition('.')[2]}" for key in by), *(f"point {point}" for point in points)]
        out = directory / "comparisons" / (slug("-".join(words)) or "all")
    return experiment.compare_study(study, chosen, out=out, command=command())
