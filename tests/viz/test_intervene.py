"""`TumorModel.intervene`: acting on a run adds to the protocol that its treatment applies, from now on."""

from __future__ import annotations

import pytest

from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.scenario import Block, DoseBath, Scenario, SetTrait, load
from viz.treatments import said


def blocked(model: TumorModel) -> bool:
    """Whether PD-1 of CD8 cells was blocked in the last step."""
    biology = model.biology
    return bool(model.tissue.controls.free_receptor[biology.cell_index["CD8"], biology.receptor_index["PD1"]] < 1)


def test_it_acts_from_now_on(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    model.step()
    model.intervene(Block.model_validate({"do": "block", "receptor": "PD1", "fraction": 0.9}))
    (item,) = model.scenario.protocol
    assert item.start == 20.0
    assert tiny.protocol == ()
    model.step()
    assert blocked(model)


def test_it_waits_for_its_start_and_ends_with_its_stop(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    item = {"do": "block", "receptor": "PD1", "fraction": 0.9, "start": "10 min", "stop": "20 min"}
    model.intervene(Block.model_validate(item))
    seen = []
    for _ in range(3):
        model.step()
        seen.append(blocked(model))
    assert seen == [False, True, False]


def test_it_stays_when_the_biology_is_made_anew(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.intervene(Block.model_validate({"do": "block", "receptor": "PD1", "fraction": 0.9}))
    model.intervene(SetTrait.model_validate({"do": "set trait", "trait": "mhc1", "value": 0.1}))
    model.step()
    assert model.biology.traits["mhc1"] == 0.1
    assert blocked(model)


def test_what_is_over_or_has_no_field_is_refused(tiny: Scenario) -> None:
    model = TumorModel(tiny, rng=1)
    model.step()
    model.step()
    with pytest.raises(InputError, match="after start"):
        model.intervene(Block.model_validate({"do": "block", "receptor": "PD1", "fraction": 0.9, "stop": "10 min"}))
    del model.tissue.fields.concentration["IL2"]
    dose = {"do": "dose", "route": "bath", "molecule": "IL2", "rate": "1 nM/h"}
    with pytest.raises(InputError, match="no field of IL2"):
        model.intervene(DoseBath.model_validate(dose))
    assert model.scenario.protocol == ()


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ('do = "hold", molecule = "IL6", level = "1 nM", to = "0 nM"', "hold IL6 at 1 nM to 0 nM, day 0"),
        ('do = "inhibit", pathway = "STAT3", cells = ["tumor"]', "inhibit STAT3 by 100% in tumor, day 0"),
        ('do = "fix", behavior = "speed", value = "0.1 um/s", cells = ["NK"]', "fix speed of NK at 6 µm/min, day 0"),
        ('do = "inhibit", pathway = "STAT3"', "inhibit STAT3 by 100%, day 0"),
        ('do = "block", receptor = "PD1", fraction = 0.9, cells = ["Th1"]', "block PD1 by 90% in Th1, day 0"),
        ('do = "knock out", product = "IFNG"', "knock out IFNG, day 0"),
        ('do = "knock out", product = "CXCR3", cells = ["CD8"]', "knock out CXCR3 in CD8, day 0"),
        ('do = "add", cell = "CD8", count = 1200, start = "12 h"', "add 1,200 CD8, day 0.5"),
        ('do = "add", cell = "TAM", density = "30 /mm^2"', "add 30 TAM/mm², day 0"),
    ],
)
def test_what_is_done_is_said_in_few_words(item: str, words: str) -> None:
    (done,) = load("base", [f"protocol=[{{{item}}}]"]).protocol
    assert said(done) == words
