"""From a study file to its indices: what `batch` writes is what `sensitivity` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.toy import ToySimulator
from tme_abm.core.errors import InputError
from tme_abm.studies.batch import run_study
from tme_abm.studies.results import read_study
from tme_abm.studies.sensitivity import analyze
from tme_abm.studies.study import load_study

TEXT = """
scenarios = ["hot"]
days = 0.1
metrics = ["CD8 core", "tumor cells"]
[set]
"record.every" = "2 h"
"record.snapshots" = "8 h"
[design]
kind = "sobol indices"
samples = 4
second_order = true
[parameters]
"tumor.traits.antigenicity" = { from = 0.2, to = 0.8 }
"vessels.density" = { from = "50 /mm^2", to = "200 /mm^2", scale = "log" }
"""


def test_a_study_sampled_for_sobol_indices_gets_them_with_pairs(tmp_path: Path) -> None:
    analysis = pytest.importorskip("SALib.analyze.sobol")
    (tmp_path / "pairs.toml").write_text(TEXT)
    plan = load_study(tmp_path / "pairs.toml", simulator=ToySimulator())
    assert len(plan.points) == 4 * 2 * 3
    run_study(plan, out=tmp_path / "out", jobs=1, simulator=ToySimulator())
    again = load_study(tmp_path / "out/study.toml", simulator=ToySimulator())
    assert (again.points, again.design) == (plan.points, plan.design)
    study = read_study(tmp_path / "out")
    found = analyze(study, ["CD8 core"]).of("hot", "CD8 core").indices
    assert found is not None
    values = np.array([row["CD8 core"] for row in study.runs])
    direct = analysis.analyze({"num_vars": 2, "names": ["a", "b"], "bounds": [[0, 1]] * 2}, values, seed=1)
    assert [one["ST"].value for one in found.by_parameter.values()] == pytest.approx(direct["ST"])
    assert found.pairs[0].S2.value == pytest.approx(direct["S2"][0, 1])


def test_second_order_is_for_sobol_indices_only(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(TEXT.replace("sobol indices", "latin hypercube"))
    with pytest.raises(InputError, match="second_order is for sobol indices"):
        load_study(tmp_path / "wrong.toml", simulator=ToySimulator())
