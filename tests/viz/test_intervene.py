"""`TumorModel.intervene`: acting on a run adds to the protocol that its treatment applies, from now on."""

from __future__ import annotations

import pytest

from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.scenario import Scenario, intervention


def blocked(model: TumorModel) -> bool:
    """Whether PD-1 of CD8 cells was blocked in the last step."""
    biology = model.biology
    return bool(model.tissue.controls.free_receptor[biology.cell_index["CD8"], biology.receptor_index["PD1"]] < 1)


def test_it_acts_from_now_on(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    model.step()
    model.intervene(intervention({"do": "block", "receptor": "PD1", "fraction": 0.9}))
    (item,) = model.scenario.protocol
    assert item.start == 20.0
    assert tiny.protocol == ()
    model.step()
    assert blocked(model)


def test_it_waits_for_its_start_and_ends_with_its_stop(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    item = {"do": "block", "receptor": "PD1", "fraction": 0.9, "start": "10 min", "stop": "20 min"}
    model.intervene(intervention(item))
    seen = []
    for _ in range(3):
        model.step()
        seen.append(blocked(model))
    assert seen == [False, True, False]


def test_it_stays_when_the_biology_is_made_anew(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.intervene(intervention({"do": "block", "receptor": "PD1", "fraction": 0.9}))
    model.intervene(intervention({"do": "set trait", "trait": "mhc1", "value": 0.1}))
    model.step()
    assert model.biology.traits["mhc1"] == 0.1
    assert blocked(model)


def test_what_is_over_or_has_no_field_is_refused(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    model.step()
    with pytest.raises(InputError, match="after start"):
        model.intervene(intervention({"do": "block", "receptor": "PD1", "fraction": 0.9, "stop": "10 min"}))
    model.tissue.fields.follow([name for name in model.tissue.fields if name != "IL2"])
    dose = {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 nM/h"}
    with pytest.raises(InputError, match="no field of IL2"):
        model.intervene(intervention(dose))
    assert model.scenario.protocol == ()
