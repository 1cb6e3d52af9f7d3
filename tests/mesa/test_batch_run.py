"""Mesa's own `batch_run` gives the numbers of `run`, in one process and in two, on every version."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mesa
import pytest

from tme_abm.model import TumorModel
from tme_abm.runs.results import read_series
from tme_abm.runs.run import run
from tme_abm.scenario import load

SEEDS = (1, 4)
STEPS = 6
DAYS = STEPS / 144
NEW = "rng" in inspect.signature(mesa.batch_run).parameters  # from Mesa 3.4 on the seeds have a keyword of their own
TINY = """
extends = "{tumor}"
[lattice]
shape = [36, 36]
margin = "100 um"
[tumor]
cells = 60
[clock]
days = {days}
[record]
every = "10 min"
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small tumors of two hours, as files: what a user of Mesa sweeps."""
    directory = tmp_path_factory.mktemp("batch")
    for tumor in ("hot", "cold"):
        (directory / f"{tumor}.toml").write_text(TINY.format(tumor=tumor, days=2 * DAYS))
    return [str(directory / f"{tumor}.toml") for tumor in ("hot", "cold")]


def batch(files: Sequence[str], max_steps: int = STEPS, **more: Any) -> list[dict[str, Any]]:
    """The rows of `batch_run`, one a step."""
    parameters: dict[str, Any] = {"scenario": list(files)}
    seeds: dict[str, Any] = {"rng": list(SEEDS)}
    return mesa.batch_run(
        TumorModel,
        parameters=parameters if NEW else parameters | seeds,
        max_steps=max_steps,
        data_collection_period=1,
        display_progress=False,
        **(seeds if NEW else {}),
        **more,
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_the_series_are_those_of_run(files: list[str], tmp_path: Path, processes: int) -> None:
    rows = batch(files, number_processes=processes)
    for file in files:
        for seed in SEEDS:
            run(load(file), out=tmp_path / Path(file).stem / str(seed), seed=seed, days=DAYS)
            series = read_series(tmp_path / Path(file).stem / str(seed))
            found = [row for row in rows if row["scenario"] == file and row["rng"] == seed]
            found.sort(key=lambda row: row["Step"])
            assert [row["Step"] for row in found] == list(range(STEPS + 1))
            assert [row["day"] for row in found] == series.times.tolist()
            counts = [name for name in series.metrics if name.endswith(" cells") and not name.startswith("dead")]
            assert len(counts) > 5
            for name in counts:
                assert [row[name] for row in found] == series.metrics[name].tolist()
    ends = {(row["scenario"], row["rng"]): [row[name] for name in counts] for row in rows if row["Step"] == STEPS}
    assert len(ends) == 4
    assert len({tuple(found) for found in ends.values()}) > 1


def test_a_scenario_ends_its_run(files: list[str]) -> None:
    rows = batch(files[:1], max_steps=1000)
    # Mesa before 3.4 does not report the last step of a model that ends by itself.
    assert max(row["Step"] for row in rows) == 2 * STEPS - (not NEW)


def test_a_trait_is_swept_by_scenarios(files: list[str]) -> None:
    """Scenarios, already loaded and changed, are parameters like any other, also between processes."""
    swept = [load(files[0], {"tumor.traits.antigenicity": value}) for value in (0.0, 1.0)]
    rows = mesa.batch_run(
        TumorModel,
        parameters={"scenario": swept} if NEW else {"scenario": swept, "rng": [2]},
        number_processes=2,
        max_steps=STEPS,
        display_progress=False,
        **({"rng": [2]} if NEW else {}),
    )
    values = [row["scenario"].tumor.traits["antigenicity"] for row in rows]
    assert sorted(values) == [0.0, 1.0]
    assert {row["Step"] for row in rows} == {STEPS}
