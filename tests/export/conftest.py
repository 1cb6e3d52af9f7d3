"""One small real run for all tests of the export; with molecules held and neutralized, and dying cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tme_abm.export.source import Picture, Source, read_source
from tme_abm.runs.run import run
from tme_abm.scenario import load

TINY = {
    "lattice.shape": [30, 44],
    "lattice.spacing": "15 um",
    "lattice.margin": "100 um",
    "tumor.cells": 90,
    "clock.dt": "20 min",
    "record.snapshots": "8 h",
    "immune.CD8": "120 /mm^2",
    "immune.NK": "0 /mm^2",
    "blood.NK.cells": 0,
    "protocol": [
        {"do": "neutralize", "molecule": "TGFB", "fraction": 0.75},
        {"do": "hold", "molecule": "TNF", "level": "2 nM"},
        {"do": "fix", "behavior": "apoptosis", "value": "0.02 /h", "cells": ["tumor"]},
    ],
}


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    out = tmp_path_factory.mktemp("export") / "run"
    run(load("hot", TINY), out=out, seed=3, days=2 / 3)
    return out


@pytest.fixture(scope="session")
def source(run_directory: Path) -> Source:
    return read_source(run_directory)


@pytest.fixture(scope="session")
def picture(source: Source) -> Picture:
    return source.open(source.pictures()[0])
