"""Frames: copies of finished steps, which agree with what the package itself says of the tissue."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models import TINY
from tme_abm.model import TumorModel
from tme_abm.observe.metrics import measure
from tme_abm.observe.snapshot import FIELD_BITS, snapshot
from tme_abm.observe.state import classify
from tme_abm.processes import Response
from tme_abm.scenario import Scenario, intervention, load
from viz.colorings import View, bars
from viz.frame import EFFECTORS, SUPPRESSORS, Frame, capture
from viz.picture import paint
from viz.texts import on_screen


def test_a_frame_agrees_with_a_snapshot(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.run_until(0.1)
    frame, shot = capture(model), snapshot(model)
    for immune, layer in ((False, "tissue_kind"), (True, "immune_kind")):
        grid = np.full(frame.shape, -1)
        chosen = frame.immune == immune
        grid[frame.row[chosen], frame.column[chosen]] = frame.kind[chosen]
        np.testing.assert_array_equal(grid, shot[layer])
    dead = np.zeros(frame.shape, dtype=bool)
    chosen = ~frame.immune & ~frame.living
    dead[frame.row[chosen], frame.column[chosen]] = True
    np.testing.assert_array_equal(dead, shot["dead"])
    np.testing.assert_array_equal(frame.vessel, shot["vessel"])
    np.testing.assert_array_equal(frame.core, shot["core"])
    for name, field in frame.fields.items():
        np.testing.assert_allclose(shot[f"field/{name}"], field, rtol=2**-FIELD_BITS)
    assert frame.state == classify(measure(model))


def test_a_living_matrix_can_be_laid_over_the_picture() -> None:
    model = TumorModel(load("excluded", TINY), rng=1)
    before = capture(model)
    for _ in range(3):
        model.step()
    frame = capture(model)
    assert frame.matrix is not None
    np.testing.assert_allclose(frame.matrix.ravel(), model.tissue.matrix, rtol=1e-6)
    assert not np.array_equal(frame.matrix, before.matrix)
    view = View(field="matrix")
    plain, over = paint(frame, View()), paint(frame, view)
    assert plain.shape == over.shape
    assert not np.array_equal(plain, over)
    (bar,) = bars(frame, view)
    assert (bar.low, bar.high) == ("none", "dense")
    assert "Matrix" in on_screen(view, model.catalogue)
    fixed = capture(TumorModel(load("hot", TINY), rng=1))
    assert fixed.matrix is None
    assert "matrix" not in fixed.overlays


def test_a_frame_does_not_change_when_the_model_goes_on(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    frame = capture(model)
    before = [array.copy() for array in _arrays(frame)]
    for grid in model.tissue.fields.concentration.values():
        grid += 1  # in place, as a process may
    for _ in range(2):
        model.step()
    for old, now in zip(before, _arrays(frame), strict=True):
        np.testing.assert_array_equal(old, now)
    assert not np.array_equal(frame.fields["IFNG"], capture(model).fields["IFNG"])


def test_of_3d_tissue_the_middle_slice_is_shown() -> None:
    model = TumorModel(load("hot", TINY | {"lattice.shape": [14, 13, 12]}), rng=1)
    model.step()
    frame = capture(model)
    assert frame.shape == (13, 12)
    np.testing.assert_array_equal(frame.fields["CXCL12"], model.tissue.fields["CXCL12"][7])
    depth, row, column = np.unravel_index(model.tissue.cells.site, (14, 13, 12))
    assert sorted(zip(frame.row, frame.column, strict=True)) == sorted(
        zip(row[depth == 7], column[depth == 7], strict=True)
    )


def test_recruiting_is_the_occupancy_at_the_vessels(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    for name in model.tissue.fields:
        model.tissue.fields[name].fill(0)
    biology = model.biology
    ligands = dict(biology.receptors[biology.receptor_index["CCR4"]].ligands)
    model.tissue.fields["CCL22"].fill(3 * ligands["CCL22"])
    measures = capture(model).measures
    assert measures["called by CCR4"] == pytest.approx(0.75)
    assert measures["called by CXCR3"] == 0


def test_what_a_medium_holds_is_shown_and_calls(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.intervene(intervention({"do": "hold", "molecule": "CXCL10", "level": "4 nM", "to": "0 nM"}))
    model.intervene(intervention({"do": "hold", "molecule": "CCL21", "level": "1 nM"}))
    model.step()
    frame, plain = capture(model), capture(_stepped(TumorModel(tiny, rng=1)))
    rise = (frame.fields["CXCL10"] - model.tissue.fields["CXCL10"]).mean(axis=0)
    assert (np.diff(rise) < 0).all()
    assert 3.8 < rise[0] <= 4
    assert 0 <= rise[-1] < 0.2
    assert "CCL21" not in model.tissue.fields
    np.testing.assert_allclose(frame.fields["CCL21"], 1.0)
    assert frame.measures["called by CXCR3"] > plain.measures["called by CXCR3"] + 0.2


def test_a_frame_says_on_which_day_what_was_begun(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    for start in ("0 min", "5 h"):
        item = {"do": "block", "receptor": "PD1", "fraction": 0.9, "start": start}
        model.intervene(intervention(item))
    assert capture(model).treated == {10 / 1440: "block PD1 by 90%, from 10 min"}


def _stepped(model: TumorModel) -> TumorModel:
    model.step()
    return model


def test_who_is_called_follows_the_rules_of_extravasation(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    before = capture(model).measures
    biology, vessels = model.biology, model.tissue.vessels
    ligands = dict(biology.receptors[biology.receptor_index["CXCR3"]].ligands)
    model.tissue.fields["CXCL10"].fill(10 * ligands["CXCL10"])
    after = capture(model).measures
    assert after["effectors called"] > 1.5 * before["effectors called"] > 0
    response = Response(biology, model.tissue)
    adhesion = response.at_sites(biology.cell_index["endothelium"], "adhesion", vessels)
    for group, names in (("effectors", EFFECTORS), ("suppressors", SUPPRESSORS)):
        rates = [response.at_sites(biology.cell_index[name], "extravasation", vessels) for name in names]
        assert after[f"{group} called"] == pytest.approx(1440 * (np.sum(rates, axis=0) * adhesion).mean())


def _arrays(frame: Frame) -> list[np.ndarray]:
    plain = [frame.row, frame.column, frame.kind, frame.living, frame.immune, frame.vessel, frame.core]
    return [*plain, *frame.columns.values(), *frame.fields.values()]
