"""A model is read at any times, since any times, in one run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.models import BARE
from tme_abm.evidence.reading import Ask, plain, read_run
from tme_abm.scenario import assembled
from tme_abm.simulation import Simulation


def fading() -> Simulation:
    """Two wells in which IL-6 is held at 1 nM for four hours, then gone."""
    protocol = [
        {"do": "hold", "molecule": "IL6", "level": "1 nM", "stop": "4 h"},
        {"do": "add", "cell": "tumor", "count": 5},
    ]
    values = {
        "name": "fading",
        "lattice": {"shape": [8, 8], "spacing": "15 um", "margin": "0 um"},
        **BARE,
        "protocol": protocol,
    }
    return Simulation(assembled(values, name="fading"), rng=1, wells=2)


def test_each_ask_has_its_own_beginning_and_time() -> None:
    end, mean = "end", "mean"
    asks = [
        Ask("level of IL6", end, 0, 120), Ask("level of IL6", end, 0, 480), Ask("level of IL6", mean, 0, 480),
        Ask("level of IL6", mean, 240, 480), Ask("level of IL6", mean, 240, 300), Ask("level of IL6", mean, 120, 360),
    ]  # fmt: skip
    found = {ask: values.mean() for ask, values in read_run(fading(), asks).items()}
    wanted = [1, 0, 1 / 2, 0, 0, 1 / 2]
    assert [found[ask] for ask in asks] == pytest.approx(wanted, abs=0.2)
    assert found[asks[2]] != found[asks[5]]


def test_a_reading_does_not_depend_on_what_else_is_asked() -> None:
    alone, other = Ask("divisions of tumor", "end", 120, 480), Ask("level of IL6", "mean", 0, 240)
    assert read_run(fading(), [alone])[alone].tolist() == read_run(fading(), [other, alone])[alone].tolist()


def test_nothing_is_stored_as_none() -> None:
    assert plain(np.array([1 / 3, np.nan, np.inf])) == (0.3333333, None, None)
