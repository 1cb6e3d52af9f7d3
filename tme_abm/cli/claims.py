"""The command `claims`: run the executable review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from . import live, options
from .options import option
from .places import command
from .terminal import log_to_stderr, note, say, show

if TYPE_CHECKING:
    from ..evidence import Assay, Review

__all__ = ["claims"]

RESULTS = Path("results") / "claims"


def claims(
    ids: Annotated[
        list[str] | None,
        option("--id", "ID", "A claim, or a pattern such as 'A-TNF-*'. May be given again."),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        option("--kind", "KIND", "Claims of one kind, such as chemotaxis_axis. May be given again."),
    ] = None,
    tiers: Annotated[
        list[str] | None,
        option("--tier", "TIER", "core, extended or context. May be given again."),
    ] = None,
    assay: Annotated[list[str] | None, option("--assay", "ID", "Only this assay. May be given again.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the stated dose and duration, not half and double of each.")
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Run nothing: show which rules, molecules and assays carry each claim.")
    ] = False,
    seed: options.Seed = 1,
    jobs: options.Jobs = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run the claims of the reviews as virtual experiments.

    Every claim is an assay with arms that share their random draws, a readout and a criterion that was fixed
    before it ran: the 95 % interval of the stated contrast excludes zero in the stated direction, the effect is at
    least the smallest one of interest, and the arm without the mechanism loses it. A claim is shown, not shown,
    contradicted or not modeled. Assays that ran before in the same directory are not repeated.

    [bold]Examples[/bold]

      claims                          all of them (about half an hour on two cores)
      claims --id A-TNF-08            one claim
      claims --id 'B-TREG-*' --quick  the claims on regulatory T cells, without the robustness runs
      claims --kind chemotaxis_axis
      claims --coverage               what carries each claim
    """
    log_to_stderr(verbose=verbose, quiet=quiet)
    from ..evidence.claims import select

    chosen = select(ids=ids or (), kinds=kinds or (), tiers=tiers or ())
    directory = RESULTS if out is None else out
    if coverage:
        _coverage(directory, chosen, wanted=out is not None)
        return
    assays = _assays(assay)
    if assays is not None and not (ids or kinds or tiers):
        chosen = tuple(dict.fromkeys(claim for one in assays for claim in one.claims))
    review = _run(chosen, assays, seed=seed, jobs=jobs, robust=not quick, directory=directory, quiet=quiet)
    _tell(review, directory)


def _assays(names: list[str] | None) -> list[Assay] | None:
    from ..evidence import load_assays

    if not names:
        return None
    known = load_assays()
    for name in names:
        if name not in known:
            raise InputError(f"no assay '{name}'", allowed=known, word=name, place="--assay")
    return [known[name] for name in names]


def _run(
    chosen: tuple[str, ...],
    assays: list[Assay] | None,
    *,
    seed: int,
    jobs: int | None,
    robust: bool,
    directory: Path,
    quiet: bool,
) -> Review:
    import json
    import os

    from ..core.files import write_bytes
    from ..evidence.review import run_review
    from ..report.claims import write_claims

    directory.mkdir(parents=True, exist_ok=True)
    with live.of_assays(quiet=quiet) as tell:
        review = run_review(
            chosen,
            assays=assays,
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            robust=robust,
            out=directory,
            command=command(),
            tell=tell,
        )
    text = json.dumps(review.to_json(), ensure_ascii=False, indent=1)
    write_bytes(directory / "claims.json", text.encode())
    write_claims(review, directory / "claims.html")
    return review


def _tell(review: Review, directory: Path) -> None:
    from .claims_tables import claims_table, tier_lines

    show(claims_table(review))
    for line in tier_lines(review):
        say(line)
    for assay in review.assays:
        if assay.error is not None:
            note(f"assay {assay.id} did not run: {assay.error}")
    say(f"{directory / 'claims.html'}")


def _coverage(directory: Path, chosen: tuple[str, ...], *, wanted: bool) -> None:
    from ..biology import load_catalogue
    from ..evidence import load_assays
    from ..evidence.coverage import coverage, write_coverage
    from ..evidence.review import read_review
    from .claims_tables import coverage_table

    kept = directory / "claims.json"
    review = read_review(kept) if kept.is_file() else None
    rows = [row for row in coverage(load_catalogue(), load_assays(), review) if row.claim in chosen]
    show(coverage_table(rows))
    if wanted:
        directory.mkdir(parents=True, exist_ok=True)
        write_coverage(rows, directory / "coverage.csv")
        say(f"{directory / 'coverage.csv'}")
