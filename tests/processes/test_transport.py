"""Transport: by several threads the same bytes as by one; fields that wait, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.support.catalogue import shipped
from tme_abm.core.errors import InputError
from tme_abm.core.parallel import VARIABLE
from tme_abm.model import TumorModel
from tme_abm.processes import Transport, transport
from tme_abm.scenario import load

SMALL = {"lattice.margin": "30 um", "tumor.cells": 60}
LATTICES = [
    pytest.param({"lattice.shape": [40, 40]}, 1, id="2D"),
    pytest.param({"lattice.shape": [10, 12, 11]}, 1, id="3D"),
    pytest.param({"lattice.shape": [30, 30]}, 3, id="wells"),
]
Pieces = Sequence[Callable[[], Any]]


def walked(threads: int, lattice: dict[str, Any], wells: int, steps: int = 4) -> dict[str, Any]:
    model = TumorModel(load("hot", {**SMALL, **lattice}), rng=2, wells=wells)
    step = model.processes["transport"]
    assert isinstance(step, Transport)
    step.threads = threads
    for _ in range(steps):
        model.step()
    return model.state()


def seen_threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Pieces and threads of every step from now on."""
    seen: list[tuple[int, int]] = []
    do = transport.side_by_side

    def look(pieces: Pieces, threads: int) -> list[Any]:
        seen.append((len(pieces), threads))
        return do(pieces, threads)

    monkeypatch.setattr(transport, "side_by_side", look)
    return seen


@pytest.mark.parametrize("together", [1 << 15, 0], ids=["several at once", "one by one"])
@pytest.mark.parametrize(("lattice", "wells"), LATTICES)
def test_the_number_of_threads_shows_in_no_byte(
    lattice: dict[str, Any], wells: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_WORTH_THREADS", 0)
    seen = seen_threads(monkeypatch)
    monkeypatch.setattr(transport, "_AT_ONCE", 0)
    one = walked(1, lattice, wells)
    monkeypatch.setattr(transport, "_AT_ONCE", together)
    for threads in (1, 2, 3):
        several = walked(threads, lattice, wells)
        assert one.keys() == several.keys()
        assert [name for name in one if one[name].tobytes() != several[name].tobytes()] == []
        assert seen[-1][1] == threads
        assert seen[-1][0] >= threads
    assert max(one[name].max() for name in one if name.startswith("fields/")) > 0


def test_small_tissues_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = seen_threads(monkeypatch)
    walked(2, {"lattice.shape": [40, 40]}, 1, steps=1)
    assert seen[-1][1] == 1


def test_transport_takes_as_many_threads_as_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "5")
    assert Transport(shipped(), {}, 1e-2).threads == 5
    assert Transport(shipped(), {}, 1e-2, threads=2).threads == 2
    monkeypatch.setenv(VARIABLE, "many")
    with pytest.raises(InputError, match="TME_ABM_THREADS: 'many' is not a number of threads"):
        TumorModel(load("hot", {**SMALL, "lattice.shape": [40, 40]}), rng=1)


# ---------------------------------------------------------------------------------------------- fields that wait


def waiting(model: TumorModel) -> dict[str, float]:
    """The steps that each field has waited, in its first well."""
    fields = model.tissue.fields
    return {name: float(fields.pace[fields.row[name], 0, 0]) for name in fields}


def quiet(lag: float, **changes: Any) -> TumorModel:
    """A hot tumor some hours old, in which some fields hardly change."""
    model = TumorModel(load("hot", {**SMALL, "lattice.shape": [40, 40], "fields.lag": lag, **changes}), rng=2)
    for _ in range(40):
        model.step()
    return model


def test_without_a_lag_no_field_waits() -> None:
    assert not any(waiting(quiet(0.0)).values())


def test_fields_that_change_fast_do_not_wait_and_none_waits_longer_than_an_hour() -> None:
    careful, careless = quiet(0.01), quiet(0.9)
    longest = 0.0
    for _ in range(8):
        careful.step()
        careless.step()
        assert waiting(careful)["IL2"] == 0
        longest = max(longest, *waiting(careless).values())
    assert sum(waiting(careful).values()) > 0
    assert (longest + 1) * careless.clock.dt == 60.0


def test_nothing_is_lost_while_a_field_waits() -> None:
    """What CXCL12, which nothing takes up, gains when it is solved is what was secreted less what has decayed."""
    model = quiet(0.01)
    fields, [molecule] = model.tissue.fields, [m for m in model.biology.molecules if m.name == "CXCL12"]
    while waiting(model)["CXCL12"] < 3:
        model.step()
    while waiting(model)["CXCL12"]:
        model.step()
    model.processes["responding"](model.tissue, model.clock.dt)  # cells may have come or gone at the end of the step
    before, steps, secreted = float(fields["CXCL12"].sum(dtype=np.float64)), 0, 0.0
    while not steps or waiting(model)["CXCL12"]:
        model.processes["secretion"](model.tissue, model.clock.dt)
        secreted, steps = float(fields.source["CXCL12"].sum(dtype=np.float64)), steps + 1
        model.processes["transport"](model.tissue, model.clock.dt)
    after = float(fields["CXCL12"].sum(dtype=np.float64))
    keep = np.exp(-molecule.decay * model.clock.dt * steps)
    made = secreted / steps * (1 - keep) / molecule.decay
    assert steps > 2
    assert after == pytest.approx(before * keep + made, rel=1e-5)


@pytest.mark.parametrize("change", ["nothing", "more is secreted", "a drug takes it up"])
def test_a_field_does_not_wait_when_its_supply_jumps(change: str) -> None:
    model = quiet(0.05)
    fields, name = model.tissue.fields, "CXCL12"
    while waiting(model)[name] != 1:
        model.step()
    sites = np.arange(model.tissue.lattice.n_sites)
    if change == "more is secreted":
        fields.add_source(name, sites, float(fields[name].mean()) / 100)
    elif change == "a drug takes it up":
        fields.add_uptake(name, sites, 0.01)
    model.step()
    assert waiting(model)[name] == (2 if change == "nothing" else 0)


def test_a_saved_tumor_whose_fields_wait_goes_on_to_the_byte() -> None:
    model = quiet(0.01)
    while sum(steps > 0 for steps in waiting(model).values()) < 5:
        model.step()
    again = TumorModel.from_state(model.scenario, 2, model.state())
    for _ in range(6):
        model.step()
        again.step()
    one, other = model.state(), again.state()
    assert one.keys() == other.keys()
    assert [name for name in one if one[name].tobytes() != other[name].tobytes()] == []


def test_a_state_of_levels_alone_is_solved_in_the_next_step() -> None:
    """As it was saved when no field waited; whatever the model had gathered before is forgotten."""
    model = quiet(0.01)
    while sum(steps > 0 for steps in waiting(model).values()) < 5:
        model.step()
    state = model.state()
    model.restore({name: state[name] for name in state if not name.startswith(("pace/", "sources/", "uptakes/"))})
    fields = model.tissue.fields
    assert not any(waiting(model).values())
    assert not fields.sources.any()
    assert not fields.uptakes.any()
    model.step()
    assert not any(waiting(model).values())


def test_a_tissue_without_fields_has_nothing_to_transport() -> None:
    model = quiet(0.01)
    model.tissue.fields.follow([])
    model.step()
    assert [name for name in model.state() if name.startswith(("fields/", "pace/"))] == []
    assert len(model.tissue.cells)


def test_a_depot_in_the_place_of_another_is_no_reason_to_wait() -> None:
    """Two depots that take turns produce as much as one that stays, so that their sum tells nothing."""
    depot = {"do": "dose", "route": "depot", "molecule": "IFNG", "rate": "1e7 molecules/min", "radius": "40 um"}
    turns = [depot | {"place": ["150 um"] * 2, "stop": "10 h"}, depot | {"place": ["450 um"] * 2, "start": "10 h"}]
    alone = {"lattice.shape": [40, 40], "lattice.margin": "30 um", "tumor.cells": 60, "protocol": turns}
    lagging, exact = (TumorModel(load("hot", alone | {"fields.lag": lag}), rng=1) for lag in (0.01, 0.0))
    for _ in range(62):
        lagging.step()
        exact.step()
    field, expected = lagging.tissue.fields["IFNG"], exact.tissue.fields["IFNG"]
    assert np.linalg.norm(field - expected) < 0.01 * np.linalg.norm(expected)


def test_uptake_that_saturates_settles_where_supply_equals_consumption() -> None:
    """Vessels bring what tumor cells consume, V c / (K + c) each, and the rest decays; from above and from below."""
    model = TumorModel(load("base", SMALL | {"lattice.shape": [16, 16], "immune": {}}), rng=1)
    model.step()
    tissue, biology = model.tissue, model.biology
    [oxygen] = [m for m in biology.molecules if m.name == "OXYGEN"]
    clearance = biology.uptake[biology.cell_index["tumor"], biology.molecule_index["OXYGEN"]]
    consumption = clearance / tissue.lattice.site_volume * oxygen.saturation
    for start in (0.0, oxygen.level):
        tissue.fields["OXYGEN"].fill(start)
        for _ in range(60):
            model.processes["secretion"](tissue, 10.0)
            model.processes["transport"](tissue, 10.0)
        level = tissue.fields["OXYGEN"].ravel().astype(float)
        supplied = oxygen.exchange * (oxygen.level - level[tissue.vessels]).sum()
        fed = level[tissue.cells.site[tissue.living]]
        consumed = consumption * (fed / (oxygen.saturation + fed)).sum()
        assert consumed > 0.5 * supplied
        assert supplied == pytest.approx(consumed + oxygen.decay * level.sum(), rel=0.01)
