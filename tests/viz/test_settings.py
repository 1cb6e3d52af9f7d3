"""Sliders and scenarios: what is set on the page is what a file of it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tme_abm.core.errors import InputError
from tme_abm.scenario import load
from viz.settings import Settings, scenario_dials

HOT = load("hot")
DIALS = scenario_dials(HOT)


@pytest.mark.parametrize("key", DIALS)
def test_a_slider_goes_from_end_to_end_and_back(key: str) -> None:
    dial = DIALS[key]
    assert dial.value(0.0) == pytest.approx(dial.low)
    assert dial.value(1.0) == pytest.approx(dial.high)
    assert dial.value(dial.place(dial.usual)) == pytest.approx(dial.usual, rel=6e-3)
    values = [dial.value(share / 50) for share in range(51)]
    assert values == sorted(values)
    assert len(set(values)) > 40


@pytest.mark.parametrize("key", DIALS)
def test_the_usual_value_is_not_lost_at_the_end_of_its_slider(key: str) -> None:
    dial = DIALS[key]
    if dial.usual not in (dial.low, dial.high):
        assert 0.04 < dial.place(dial.usual) < 0.97


@pytest.mark.parametrize("key", DIALS)
def test_what_a_slider_says_is_what_the_scenario_gets(key: str) -> None:
    dial = DIALS[key]
    value = dial.value(0.43)
    scenario = Settings(scenario="hot", changes={key: value}).build(DIALS)
    got = (
        scenario.tumor.traits[key.removeprefix("tumor.traits.")]
        if key.startswith("tumor.traits.")
        else scenario.blood[key.split(".")[1]].cells
    )
    assert got == pytest.approx(value)
    assert [where for where, _, _ in scenario.differences(HOT)] == [key]


def test_settings_survive_a_file(tmp_path: Path) -> None:
    changes = {"tumor.traits.mhc1": 0.3, "tumor.traits.tgfb_secretion": 5.5, "blood.CD8.cells": 2500.0}
    scenario = Settings(scenario="hot", changes=changes).build(DIALS)
    path = tmp_path / "mine.toml"
    path.write_text(scenario.resolved_toml(), encoding="utf-8")
    assert load(path).hash == scenario.hash
    assert scenario.hash != HOT.hash


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="mhc1"):
        Settings(scenario="hot", changes={"tumor.traits.mhc1": 7.0}).build(DIALS)
    with pytest.raises(InputError, match="no scenario"):
        Settings(scenario="hott").build(DIALS)
