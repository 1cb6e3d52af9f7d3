"""The registry of metrics: names without a model, titles and units by name."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.biology import load_catalogue
from tme_abm.cli.compare import SHOWN
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.observe.metrics import HEADLINES, describe, find_metric, headlines, measure, metric_names
from tme_abm.scenario import Scenario, changed, load


@pytest.mark.parametrize(
    "scenario",
    [
        changed(load("hot"), {"lattice.shape": [30, 30], "lattice.margin": "30 um", "tumor.cells": 100}),
        changed(load("nodule"), {"lattice.shape": [12, 12, 12], "lattice.margin": "15 um", "tumor.cells": 100}),
        changed(
            load("cold"),
            {"lattice.shape": [30, 30], "lattice.margin": "30 um", "tumor.cells": 100, "vessels.density": "0 /mm^2"},
        ),
    ],
    ids=["hot", "nodule", "no vessels"],
)
def test_names_are_known_without_a_model(scenario: Scenario) -> None:
    assert metric_names(scenario) == tuple(measure(TumorModel(scenario, rng=1)))


def test_no_digit_depends_on_the_order_of_the_rows_or_on_other_wells() -> None:
    scenario = changed(load("hot"), {"lattice.shape": [30, 30], "lattice.margin": "30 um", "tumor.cells": 100})
    one, three = TumorModel(scenario, rng=1), TumorModel(scenario, rng=1, wells=3)
    for _ in range(30):
        one.step()
        three.step()
    found, state = measure(one), one.state()
    order = np.random.default_rng(1).permutation(len(one.tissue.cells))
    one.restore({name: values[order] if name.startswith("cells/") else values for name, values in state.items()})
    np.testing.assert_equal(measure(one), found)
    np.testing.assert_equal(measure(three), found)


def test_whatever_a_model_measures_is_found_by_its_name() -> None:
    catalogue = load_catalogue()
    for name in metric_names(load("hot")):
        found = find_metric(name, catalogue)
        assert (found.name, found.title, found.unit) == (
            name, describe(name, catalogue.cells).title, describe(name, catalogue.cells).unit
        )  # fmt: skip
        assert "{" not in found.title


def test_all_that_is_shown_first_is_a_metric() -> None:
    for name in (*HEADLINES, *SHOWN):
        assert find_metric(name, load_catalogue()).name == name
    assert headlines(["kills", "odd", "M_MDSC core", "tumor cells"]) == ["tumor cells", "kills", "M_MDSC core"]


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no metric 'kills per day'.*Did you mean 'kills per engaged day'"):
        find_metric("kills per day", load_catalogue())


def test_a_name_tells_cells_from_molecules() -> None:
    cells = ("CD8", "M_MDSC")
    assert (describe("CD8 core", cells).unit, describe("CD8 core", cells).quantity) == (
        "cells/mm²", ("areal_density", "/mm^2")
    )  # fmt: skip
    assert describe("M_MDSC margin", cells).title == "M-MDSC, tumor margin"
    assert describe("OXYGEN core", cells).quantity == ("concentration", "nM")
    assert describe("mean PDL1", cells).title == "PD-L1 on tumor cells"
    assert describe("mean M1 score", cells).unit == ""
    assert (describe("something new", cells).title, describe("something new", cells).unit) == ("Something new", "")


def test_a_column_is_headed_by_name_and_unit() -> None:
    heads = [describe(name, {"CD8"}).heading for name in SHOWN]
    assert heads == ["CD8 core /mm²", "CD8 margin /mm²", "tumor cells", "Treg:CD8", "kills per engaged day"]
