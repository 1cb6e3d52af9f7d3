"""The command `export`: a run's tissue in the formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .options import argument, option
from .terminal import log_to_stderr, say

__all__ = ["export"]


def export(
    run: Annotated[Path, argument("RUN_DIR", "The directory of a run.")],
    to: Annotated[str, option("--to", "FORMAT", "anndata, spatialdata, csv or physicell.")],
    day: Annotated[float | None, option("--day", "D", "The snapshot of this day; without it, the last.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every snapshot of the run.")] = False,
    out: Annotated[
        Path | None,
        option("--out", "PATH", "A directory, or a file ending in .h5ad or .zarr; without it, export/ in RUN_DIR."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Export a run's tissue for other tools.

    [bold]anndata[/bold]: .h5ad for scanpy and squidpy, one row per cell with
    its position in µm, surface molecules and what it senses; fields as images.
    [bold]spatialdata[/bold]: a .zarr store with cells, vessels and an image
    with one channel per molecule. [bold]csv[/bold]: plain tables.
    [bold]physicell[/bold]: initial cells, and output for PhysiCell's tools.

    The first two need the extras 'anndata' and 'spatialdata'.

    [bold]Examples[/bold]

      export results/hot --to anndata
      export results/hot --to csv --all --out tables
      export results/hot --to spatialdata --day 5 --out hot.zarr
    """
    from ..export import export as write

    log_to_stderr(verbose=False, quiet=False)
    for place in write(run, to, day=day, every=every, out=out, overwrite=overwrite):
        say(str(place))
