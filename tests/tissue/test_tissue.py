"""The verbs of a tissue: what is asked for is granted once, sites stay exclusive, and the state is complete."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.catalogue import pocket, with_base
from tests.support.tissues import respond, site_of, tissue_of
from tme_abm.tissue import ALIVE, APOPTOTIC, EMPTY, NECROTIC, TISSUE, Fields, Lattice, Tissue, growth

KEYS = np.array([11, 12], dtype=np.uint64)


def consistent(tissue: Tissue) -> None:
    """Every cell stands where the occupancy says, alone in its layer, under a key of its own."""
    cells, occupant = tissue.cells, tissue.lattice.occupant
    rows = np.arange(len(cells))
    np.testing.assert_array_equal(occupant[tissue.layer, cells.site], rows)
    assert (occupant[:, :-1] >= 0).sum() == len(cells)
    assert len(np.unique(cells.key)) == len(cells)


def full_block(side: int, shape: tuple[int, ...] = (20, 20)) -> list[tuple[str, tuple[int, ...]]]:
    low = (shape[0] - side) // 2
    axes = [range(low, low + side)] * len(shape)
    return [("tumor", at) for at in itertools.product(*axes)]


def test_the_first_death_request_decides_and_the_dead_keep_their_site() -> None:
    tissue = tissue_of(pocket(), [("tumor", (5, 5)), ("tumor", (5, 6))])
    tissue.request_death(np.array([0]), NECROTIC, "necrosis")
    tissue.request_death(np.array([0, 1]), APOPTOTIC, "apoptosis")
    assert (tissue.cells.fate == ALIVE).all()
    tissue.settle()
    np.testing.assert_array_equal(tissue.cells.fate, [NECROTIC, APOPTOTIC])
    assert tissue.ledger == {"necrosis of tumor": 1.0, "apoptosis of tumor": 1.0}
    consistent(tissue)


def test_removal_frees_the_site_and_keeps_the_others() -> None:
    tissue = tissue_of(pocket(), [("tumor", (5, 5)), ("CD8", (5, 5)), ("TAM", (2, 3))])
    keys = tissue.cells.key.copy()
    tissue.request_removal(np.array([0]))
    tissue.settle()
    np.testing.assert_array_equal(tissue.cells.key, keys[1:])
    assert tissue.lattice.occupant[TISSUE, site_of(tissue.lattice, (5, 5))] == EMPTY
    consistent(tissue)


def test_of_several_that_want_one_site_one_wins_whatever_the_row_order() -> None:
    cells = [("CD8", (5, 4)), ("CD8", (5, 6)), ("TAM", (4, 5)), ("TAM", (6, 5))]
    target = None
    winners = set()
    for shift in range(4):
        tissue = tissue_of(pocket(), cells)
        order = np.roll(np.arange(4), shift)
        for name, values in tissue.cells.arrays().items():
            tissue.cells[name] = values[order]
        tissue.reindex()
        target = site_of(tissue.lattice, (5, 5))
        moved = tissue.move(np.arange(4), np.full(4, target))
        assert moved.sum() == 1
        consistent(tissue)
        winners.add(int(tissue.cells.key[tissue.cells.site == target][0]))
    assert len(winners) == 1


def test_layers_do_not_compete_and_walls_are_closed() -> None:
    tissue = tissue_of(pocket(), [("tumor", (5, 4)), ("CD8", (0, 0))])
    outside = tissue.lattice.neighbors[tissue.cells.site[1], 0]
    assert outside == tissue.lattice.n_sites
    np.testing.assert_array_equal(tissue.move(np.array([1]), np.array([outside])), [False])
    spot = site_of(tissue.lattice, (5, 4))
    np.testing.assert_array_equal(tissue.move(np.array([1]), np.array([spot])), [True])
    consistent(tissue)


def test_a_daughter_stands_beside_its_mother() -> None:
    tissue = tissue_of(pocket(), [("tumor", (5, 5))])
    tissue.cells.phase[:] = 1.25
    tissue.request_division(np.array([0]))
    tissue.settle()
    assert len(tissue.cells) == 2
    apart = np.abs(np.diff(tissue.lattice.coordinates(tissue.cells.site), axis=0)).max()
    assert apart == tissue.lattice.spacing
    np.testing.assert_allclose(tissue.cells.phase, [0.25, 0.25])
    consistent(tissue)


@pytest.mark.parametrize(("push", "born"), [(0.0, 0), (29.0, 0), (31.0, 1), (90.0, 1)])
def test_pushing_reaches_as_far_as_stated(push: float, born: int) -> None:
    # The middle of a 3 x 3 block is two sites (30 um) from the nearest gap.
    tissue = tissue_of(pocket(), full_block(3, (19, 19)), shape=(19, 19), push=push)
    middle = tissue.lattice.occupant[TISSUE, site_of(tissue.lattice, (9, 9))]
    tissue.cells.phase[middle] = 1.0
    keys = set(tissue.cells.key.tolist())
    tissue.request_division(np.array([middle]))
    tissue.settle()
    assert len(tissue.cells) == 9 + born
    assert keys <= set(tissue.cells.key.tolist())
    consistent(tissue)


@pytest.mark.parametrize("shape", [(31, 31), (15, 15, 15)])
def test_a_crowd_dividing_at_once_stays_consistent_and_dense(shape: tuple[int, ...]) -> None:
    tissue = tissue_of(pocket(), full_block(5, shape), shape=shape, push=60.0)
    for _ in range(6):
        tissue.cells.phase[:] = 1.0
        tissue.request_division(np.arange(len(tissue.cells)))
        tissue.settle()
        tissue.clock.step += 1
        consistent(tissue)
    grown = len(tissue.cells)
    assert grown > 2 * 5 ** len(shape)
    occupied = (tissue.lattice.occupant[TISSUE, :-1] >= 0).reshape(shape)
    inner = tuple(slice(n // 2 - 1, n // 2 + 2) for n in shape)
    assert occupied[inner].all()


@pytest.mark.parametrize(("infiltration", "stay_out"), [(0.0, True), (1.0, False)])
def test_growing_tumor_displaces_leukocytes_that_do_not_infiltrate(infiltration: float, stay_out: bool) -> None:
    biology = with_base(pocket(), {("TAM", "infiltration"): infiltration})
    rim = [("TAM", (8, y)) for y in range(7, 14)]
    tissue = tissue_of(biology, [*full_block(3, (21, 21)), *rim], shape=(21, 21))
    for turn in range(30):
        tumor = np.flatnonzero(tissue.cells.kind == 0)
        mother = tumor[turn % len(tumor) :][:1]
        tissue.cells.phase[mother] = 1.0
        tissue.request_division(mother)
        tissue.settle()
        tissue.clock.step += 1
        respond(tissue, biology)
    consistent(tissue)
    assert len(tissue.cells) > 30
    leukocytes = tissue.cells.site[tissue.cells.kind != 0]
    assert len(leukocytes) == len(rim)
    assert (not tissue.tumor_territory[leukocytes].any()) == stay_out


def test_displaced_leukocytes_that_want_one_site_all_get_out() -> None:
    """Rivalry for a site outside lets nobody into the tumor."""
    inside = [(y, x) for y in range(8, 13) for x in range(8, 13)]
    biology = with_base(pocket(), {("TAM", "infiltration"): 0.0})
    tissue = tissue_of(biology, [*full_block(7, (21, 21)), *(("TAM", at) for at in inside)], shape=(21, 21))
    tissue.displace_leukocytes(np.zeros(tissue.lattice.n_sites, dtype=bool))
    consistent(tissue)
    leukocytes = tissue.cells.site[tissue.cells.kind != 0]
    assert len(set(leukocytes.tolist())) == len(inside)
    assert not tissue.tumor_territory[leukocytes].any()


def test_territory_is_where_most_neighbors_are_tumor() -> None:
    block = full_block(5, (21, 21))
    hole = block.index(("tumor", (10, 10)))
    tissue = tissue_of(pocket(), block, shape=(21, 21))
    tissue.request_removal(np.array([hole]))
    tissue.request_death(np.array([block.index(("tumor", (9, 9)))]), APOPTOTIC, "apoptosis")
    tissue.settle()
    territory = tissue.tumor_territory.reshape(21, 21)
    assert territory[10, 10]  # a hole
    assert territory[9, 9]  # a corpse
    assert territory[8, 10]  # the rim
    assert not territory[7, 10]  # beside the rim
    assert not territory[8, 8]  # a corner


def test_territory_follows_what_becomes_of_the_cells() -> None:
    tissue = tissue_of(pocket(), full_block(5))
    before = tissue.tumor_territory
    assert tissue.tumor_territory is before
    assert before.sum() == 21
    with pytest.raises(ValueError, match="read-only"):
        before[0] = True
    tissue.cells.kind[:15] = tissue.kinds.index("CD8")
    assert tissue.tumor_territory.sum() < 15
    assert before.sum() == 21


@pytest.mark.parametrize("shape", [(41, 41), (17, 17, 17)])
def test_leaving_out_who_is_too_deep_changes_nothing(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]) -> None:
    def grown() -> Tissue:
        tissue = tissue_of(pocket(), full_block(7, shape), shape=shape, push=30.0)
        for _ in range(4):
            tissue.cells.phase[:] = 1.0
            tissue.request_division(np.arange(len(tissue.cells)))
            tissue.settle()
            tissue.clock.step += 1
        return tissue

    asked: list[int] = []
    searched = growth.nearest_gap

    def counted(lattice: Lattice, sites: NDArray[np.integer], *others: Any) -> NDArray[np.int64]:
        asked.append(len(sites))
        return searched(lattice, sites, *others)

    monkeypatch.setattr(growth, "nearest_gap", counted)
    some, few = grown().state(), sum(asked)
    monkeypatch.setattr(growth, "spread", lambda mask, shape, reach: np.ones(len(mask), dtype=bool))
    for name, values in grown().state().items():
        np.testing.assert_array_equal(some[name], values, err_msg=name)
    assert few < sum(asked) - few


def test_what_is_counted_adds_up_by_well() -> None:
    tissue = tissue_of(pocket(), [("CD8", (5, 4))])
    sites = np.array([3, 7, 9])
    tissue.count("visit", sites)
    tissue.count("visit", sites[:1])
    tissue.count("minutes", sites, 10.0)
    tissue.count("hits", sites, np.array([1, 0, 4]))
    tissue.count("pairs", sites, 2)
    assert {event: number.tolist() for event, number in tissue.ledger.items()} == {
        "visit": [4.0], "minutes": [30.0], "hits": [5.0], "pairs": [6.0]
    }


def test_arrivals_take_free_sites_at_the_vessel_and_empty_the_pool() -> None:
    biology = pocket()
    tissue = tissue_of(biology, [("TAM", (3, 3))], vessels=[(3, 3)], pools={"CD8": 5.0})
    kind = biology.cell_index["CD8"]
    tissue.request_arrival(kind, "CD8", np.repeat(tissue.vessels, 2), KEYS)
    tissue.settle()
    arrived = tissue.cells.kind == kind
    assert 1 <= arrived.sum() <= 2
    assert tissue.pools["CD8"] == 5.0 - arrived.sum()
    assert np.abs(tissue.lattice.coordinates(tissue.cells.site[arrived]) - 52.5).max() <= tissue.lattice.spacing
    consistent(tissue)


def test_no_room_at_the_vessel_means_no_arrival() -> None:
    biology = pocket()
    crowd = [("TAM", (y, x)) for y in range(2, 5) for x in range(2, 5)]
    tissue = tissue_of(biology, crowd, vessels=[(3, 3)], pools={"CD8": 5.0})
    tissue.request_arrival(biology.cell_index["CD8"], "CD8", tissue.vessels, KEYS[:1])
    tissue.settle()
    assert len(tissue.cells) == 9
    assert tissue.pools["CD8"] == 5.0


def test_state_restores_everything() -> None:
    tissue = tissue_of(pocket(), full_block(3), pools={"CD8": 3.5}, levels={"IFNG": 0.2})
    tissue.clock.step = 17
    tissue.count("something", tissue.cells.site[:3], np.array([1.0, 0.0, 2.5]))
    assert tissue.ledger["something"] == 3.5
    other = tissue_of(pocket(), [])
    other.restore(tissue.state())
    saved, again = tissue.state(), other.state()
    assert saved.keys() == again.keys()
    for name in saved:
        np.testing.assert_array_equal(saved[name], again[name])
    consistent(other)


def test_draws_do_not_depend_on_rows() -> None:
    tissue = tissue_of(pocket(), full_block(3))
    forward = tissue.happens("apoptosis", 0.05, np.arange(9))
    backward = tissue.happens("apoptosis", 0.05, np.arange(9)[::-1])
    np.testing.assert_array_equal(forward, backward[::-1])
    assert 0 < forward.sum() < 9


def test_nobody_can_put_an_array_in_the_place_of_a_field() -> None:
    """What the solvers know nothing of would be lost in silence; writing into a field is the way."""
    fields = Fields(["IL2"], (4, 4), np.float32)
    for named in (fields.concentration, fields.source):
        with pytest.raises(TypeError, match="does not support item assignment"):
            named["IL2"] = np.ones((4, 4))  # type: ignore[index]
        named["IL2"][...] = 1.0
    assert fields.concentrations.min() == fields.sources.min() == 1.0
