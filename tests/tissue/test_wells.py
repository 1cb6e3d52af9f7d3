"""Wells are tissues side by side: no verb reaches from one to another, and each has its own blood and ledger."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.support.catalogue import bare, pocket, shipped
from tests.support.tissues import respond, site_of, tissue_of
from tme_abm import processes as p
from tme_abm.biology import Biology
from tme_abm.scenario.sections import BloodPool
from tme_abm.tissue import ALIVE, APOPTOTIC, TISSUE, Lattice, Tissue
from tme_abm.tissue.growth import nearest_gap

Placed = list[tuple[str, tuple[int, ...]]]
SHAPES = [(9, 12), (5, 6, 7)]


def block(well: int | None, rows: tuple[int, int], columns: tuple[int, int]) -> Placed:
    """Tumor cells on a rectangle; `well` None leaves the index of a single well."""
    front = () if well is None else (well,)
    return [("tumor", (*front, y, x)) for y, x in itertools.product(range(*rows), range(*columns))]


def in_well(tissue: Tissue, well: int) -> np.ndarray:
    return np.flatnonzero(tissue.lattice.well_of(tissue.cells.site) == well)


def places(tissue: Tissue, well: int) -> list[tuple[int, int]]:
    """Kind and site inside the well, of all its cells."""
    rows = in_well(tissue, well)
    inside = tissue.cells.site[rows] % tissue.lattice.n_sites_per_well
    return sorted(zip(tissue.cells.kind[rows].tolist(), inside.tolist(), strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_geometry_is_that_of_one_well(shape: tuple[int, ...]) -> None:
    one, three = Lattice(shape, 15.0), Lattice(shape, 15.0, wells=3)
    size, sites = one.n_sites, np.arange(one.n_sites)
    assert (three.ndim, three.shape, three.n_sites_per_well, three.n_sites) == (len(shape), shape, size, 3 * size)
    assert (one.field_shape, three.field_shape) == (shape, (3, *shape))
    np.testing.assert_array_equal(three.well_of(np.arange(3 * size)), np.repeat([0, 1, 2], size))
    for well in range(3):
        np.testing.assert_array_equal(three.coordinates(sites + well * size), one.coordinates(sites))
        np.testing.assert_array_equal(three.unravel(sites + well * size), np.unravel_index(sites, shape))
        np.testing.assert_array_equal(three.distance_from_center()[well * size :][:size], one.distance_from_center())
        around = three.contacts(sites + well * size)
        inside = around[around < three.n_sites]
        assert set(three.well_of(inside).tolist()) == {well}
        np.testing.assert_array_equal(inside - well * size, one.contacts(sites)[one.contacts(sites) < size])


def test_a_single_well_is_a_plain_lattice() -> None:
    tissue = tissue_of(pocket(), [], shape=(9, 12), pools={"CD8": 3.0})
    assert tissue.fields["IFNG"].shape == (9, 12)
    assert tissue.pools["CD8"].shape == (1,)


def test_territory_ends_at_the_wall_of_its_well() -> None:
    """A slab of tumor on the last rows of one well, and one on the first rows of the next."""
    cells = block(0, (6, 9), (0, 12)) + block(1, (0, 3), (0, 12))
    tissue = tissue_of(pocket(), cells, shape=(9, 12), wells=2)
    upper = tissue_of(pocket(), block(None, (6, 9), (0, 12)), shape=(9, 12)).tumor_territory
    lower = tissue_of(pocket(), block(None, (0, 3), (0, 12)), shape=(9, 12)).tumor_territory
    np.testing.assert_array_equal(tissue.tumor_territory, np.concatenate([upper, lower]))


def test_daughters_find_no_room_in_another_well() -> None:
    full = block(0, (0, 9), (0, 12))
    tissue = tissue_of(pocket(), full, shape=(9, 12), wells=2)
    tissue.request_division(np.arange(len(full)))
    tissue.settle()
    assert len(tissue.cells) == len(full)


def test_a_gap_is_found_as_if_the_well_were_alone() -> None:
    """Many gaps lie at one distance: which of them is found must not hang on the gaps of the other wells."""
    rng = np.random.default_rng(8)
    one, three = Lattice((30, 30), 15.0), Lattice((30, 30), 15.0, wells=3)
    sites = np.arange(one.n_sites)
    gaps = [np.flatnonzero(rng.random(one.n_sites) < share) for share in (0.2, 0.04, 0.1)]
    everywhere = np.concatenate([found + well * one.n_sites for well, found in enumerate(gaps)])
    for well, mine in enumerate(gaps):
        alone = nearest_gap(one, sites, mine, 3.0)
        beside = nearest_gap(three, sites + well * one.n_sites, everywhere, 3.0)
        np.testing.assert_array_equal(beside, np.where(alone < 0, -1, alone + well * one.n_sites))
    assert 0 < (nearest_gap(one, sites, gaps[1], 3.0) < 0).sum() < one.n_sites
    assert (nearest_gap(three, sites, everywhere[everywhere >= one.n_sites], 1e3) == -1).all()


def test_displaced_leukocytes_stay_in_their_well() -> None:
    """A macrophage on the last row of a well that is full of tumor: its corners are free, and so is the next well."""
    cells = block(0, (0, 9), (0, 12))
    tissue = tissue_of(bare(pocket(), {}), [*cells, ("TAM", (0, 8, 5))], shape=(9, 12), wells=2)
    tissue.displace_leukocytes(np.zeros(tissue.lattice.n_sites, dtype=bool))
    assert tissue.cells.site[-1] == site_of(tissue.lattice, (0, 8, 0))


@pytest.mark.parametrize("drawn", [1.0, 0.25, 0.0])
def test_arrivals_drain_the_blood_of_their_well(drawn: float) -> None:
    biology = pocket()
    tissue = tissue_of(biology, [], wells=3, vessels=[(0, 3, 3), (2, 3, 3)], pools={"CD8": 5.0})
    three = np.arange(3, dtype=np.uint64)
    tissue.request_arrival(biology.cell_index["CD8"], "CD8", tissue.vessels[[0, 0, 1]], three, drawn)
    tissue.settle()
    arrived = np.array([len(in_well(tissue, well)) for well in range(3)])
    assert arrived[1] == 0
    assert (arrived[[0, 2]] > 0).all()
    np.testing.assert_array_equal(tissue.pools["CD8"], 5.0 - drawn * arrived)
    np.testing.assert_array_equal(tissue.ledger["arrival of CD8"], arrived)


def bled(biology: Biology, level: list[float]) -> np.ndarray:
    """Arrivals by well within a day, from pools that start at `level`."""
    vessels = [(well, y, x) for well in range(len(level)) for y in range(1, 20, 3) for x in range(1, 20, 3)]
    tissue = tissue_of(biology, [], wells=len(level), vessels=vessels, pools={"CD8": 0.0}, dt=10.0)
    tissue.pools["CD8"][:] = level
    recruit = p.Recruitment(biology, {"CD8": BloodPool.model_construct(cells=100.0, renewal=0.0)})
    for _ in range(30):
        respond(tissue, biology)
        recruit(tissue, 10.0)
        tissue.settle()
        tissue.clock.step += 1
    # The vessels sense nothing: nobody is called, and what enters is part of a traffic in balance.
    np.testing.assert_array_equal(tissue.pools["CD8"], level)
    return tissue.ledger["arrival of CD8"]


def test_a_vessel_draws_on_the_blood_of_its_well() -> None:
    biology = bare(shipped(), {("CD8", "extravasation"): 0.002, ("endothelium", "adhesion"): 1.0})
    poor = bled(biology, [100.0, 0.0, 100.0])
    rich = bled(biology, [100.0, 1000.0, 100.0])
    assert poor[1] == 0
    assert rich[1] > 2 * rich[0] > 0
    np.testing.assert_array_equal(poor[[0, 2]], rich[[0, 2]])
    assert poor[0] != poor[2], "wells are replicates, not copies"


def test_a_fast_cell_next_door_does_not_change_a_walk() -> None:
    """The number of hops of a step follows the fastest cell of the well, not of the model."""
    biology = bare(pocket(), {("CD8", "speed"): 4.0, ("TAM", "speed"): 40.0})

    def walked(cells: Placed) -> np.ndarray:
        tissue = tissue_of(biology, cells, shape=(30, 30), wells=2, dt=5.0)
        for _ in range(12):
            respond(tissue, biology)
            p.Migration(biology)(tissue, 5.0)
            tissue.clock.step += 1
        return tissue.cells.site[:3].copy()

    mine: Placed = [("CD8", (0, 15, x)) for x in (5, 15, 25)]
    np.testing.assert_array_equal(walked(mine), walked([*mine, ("TAM", (1, 15, 15))]))
    assert (walked(mine) != walked([*mine, ("TAM", (0, 15, 15))])).any(), "in its own well it does"


def test_the_ledger_is_kept_by_well() -> None:
    cells = block(0, (3, 5), (3, 5)) + block(2, (3, 4), (3, 5)) + [("TAM", (2, 3, 3))]
    tissue = tissue_of(pocket(), cells, shape=(9, 12), wells=3)
    tissue.request_death(np.array([0, 4, 5, 6]), APOPTOTIC, "apoptosis")
    tissue.request_division(np.array([1, 2]))
    tissue.settle()
    assert {event: number.tolist() for event, number in tissue.ledger.items()} == {
        "apoptosis of tumor": [1.0, 0.0, 2.0],
        "apoptosis of TAM": [0.0, 0.0, 1.0],
        "birth of tissue cells": [2.0, 0.0, 0.0],
        "birth of tumor": [2.0, 0.0, 0.0],
    }
    tissue.count("apoptosis of tumor", np.array([0, 120, 121]), np.array([1.0, 2.0, 0.5]))
    assert tissue.ledger["apoptosis of tumor"].tolist() == [2.0, 2.5, 2.0]


def test_state_restores_all_wells_and_refuses_another_number_of_them() -> None:
    def fresh(wells: int, cells: Placed) -> Tissue:
        return tissue_of(pocket(), cells, shape=(9, 12), wells=wells, pools={"CD8": 3.5}, levels={"IFNG": 0.2})

    tissue = fresh(2, block(1, (2, 4), (2, 4)))
    tissue.pools["CD8"][1] = 9.0
    tissue.fields["IFNG"][1] = 4.0
    tissue.count("something", tissue.cells.site)
    other = fresh(2, [])
    other.restore(tissue.state())
    saved, again = tissue.state(), other.state()
    assert saved.keys() == again.keys()
    for name in saved:
        np.testing.assert_array_equal(saved[name], again[name])
    assert (other.lattice.occupant[TISSUE] >= 0).sum() == 4
    single = fresh(1, [("TAM", (2, 2))])
    for wrong, state in ((single, saved), (other, single.state())):
        before = len(wrong.cells)
        with pytest.raises(ValueError, match=r"the field of \w+ has the shape"):
            wrong.restore(state)
        assert len(wrong.cells) == before


def test_a_run_saved_without_wells_can_be_taken_up() -> None:
    """Pools and ledger used to be plain numbers."""
    tissue = tissue_of(pocket(), block(None, (2, 4), (2, 4)), pools={"CD8": 3.5})
    tissue.count("something", tissue.cells.site)
    state = tissue.state()
    old = {name: values.reshape(()) for name, values in state.items() if name.startswith(("pools", "ledger"))}
    other = tissue_of(pocket(), [])
    other.restore(state | old)
    assert other.pools["CD8"].tolist() == [3.5]
    assert other.ledger["something"].tolist() == [4.0]
    assert (other.cells.fate == ALIVE).all()
