"""How exact the pictures of a run are, how large, and that its states are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.toy import small
from tme_abm.core.files import read_npz
from tme_abm.model import TumorModel
from tme_abm.observe.snapshot import FIELD_BITS, snapshot
from tme_abm.runs.results import list_snapshots, read_manifest
from tme_abm.runs.run import run

TINY = {"lattice.shape": "[60, 60]", "lattice.margin": "200 um", "tumor.cells": "150", "clock.dt": "20 min"}


def test_fields_are_rounded_unless_all_bits_are_asked_for() -> None:
    model = TumorModel(small("hot", **TINY), rng=1)
    model.run_until(0.1)
    exact = TumorModel.branched(small("hot", **TINY, **{"record.precision": "float32"}), 1, model.state())
    rough, fine = snapshot(model), snapshot(exact)
    assert rough.keys() == fine.keys()
    fields = [name for name in fine if name.startswith("field/")]
    assert all(np.array_equal(rough[name], fine[name]) for name in fine if name not in fields)
    for name in fields:
        assert np.array_equal(fine[name].ravel(), model.tissue.fields[name.removeprefix("field/")].ravel())
        np.testing.assert_allclose(rough[name], fine[name], rtol=2**-FIELD_BITS)
    assert any(not np.array_equal(rough[name], fine[name]) for name in fields)


def test_a_run_takes_two_fifths_of_its_numbers_and_its_state_is_exact(tmp_path: Path) -> None:
    scenario = small("hot", **TINY)
    run(scenario, out=tmp_path / "a", seed=1, days=1)
    _, *late = (path for _, path in list_snapshots(tmp_path / "a"))  # at the start, fields are even
    for path in late:
        raw = sum(values.nbytes for values in read_npz(path).values())
        assert path.stat().st_size < 0.4 * raw
    model = TumorModel(scenario, rng=1)
    model.run_until(1)
    (file,) = (tmp_path / "a/checkpoint").glob("*.npz")
    state = model.state()
    with np.load(file) as archive:  # to be taken up by hand
        kept = dict(archive)
    assert kept.keys() == state.keys()
    for name, values in state.items():
        assert kept[name].tobytes() == np.asarray(values).tobytes(), name
        assert kept[name].dtype == np.asarray(values).dtype
    assert read_manifest(tmp_path / "a")["snapshot_fields"] == "rounded to 10 significant bits"
