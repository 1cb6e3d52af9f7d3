"""Fields are cut as pathologists cut them; statistics of known patterns, and those of other programs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tme_abm.core.draws import uniform
from tme_abm.observe.sections import (
    STATISTICS,
    Section,
    border_fields,
    center_field,
    definitions,
    field_width,
    measure_section,
    spread_over_sites,
)

FALSE_ALARM = 1e-6


def section(places: NDArray[np.float64], kinds: NDArray[np.str_], width: float, dead: tuple[int, ...] = ()) -> Section:
    return Section(
        places=places,
        kind=kinds,
        tumor=kinds == "tumor",
        immune=np.isin(kinds, ("CD8", "TAM")),
        living=~np.isin(np.arange(len(kinds)), dead),
        box=np.array([[0.0, 0.0], [width, width]]),
    )


def clustered() -> Section:
    """600 cells in 300 × 300 µm: two thirds of the left half are tumor cells, and most leukocytes are on the right."""
    key = np.arange(600)
    x, y, chance = (uniform(11, "placement", 0, key, lane) for lane in range(3))
    left = x < 0.5
    kinds = np.where(chance < np.where(left, 0.66, 0.15), "tumor", np.where(chance < 0.75, "TAM", "CD8"))
    kinds = np.where(chance > 0.9, "fibroblast", kinds)
    return section(np.stack([x, y], axis=1) * 300.0, kinds, 300.0)


# ------------------------------------------------------------------ known patterns


def grid(count: int, spacing: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    index = np.array(list(itertools.product(range(count), repeat=2)))
    return (index + 0.5) * spacing, index


def test_on_a_checkerboard_all_contacts_are_mixed() -> None:
    # Neighbors touch (25 µm) and diagonals do not (35 µm); a tile of 100 µm has 8 cells of each class.
    places, index = grid(16, 25.0)
    found = measure_section(section(places, np.where(index.sum(axis=1) % 2, "tumor", "CD8"), 400.0)).statistics
    assert found["leukocyte enrichment"] == pytest.approx(math.log2(2 * 255 / 256))
    assert found["leukocyte enrichment z"] > 20
    assert math.isnan(found["mixing score"])  # no two leukocytes touch
    assert found["CD8 overlap"] == pytest.approx(1.0)
    assert (found["CD8 to tumor cell"], found["tumor cell to CD8"]) == (25.0, 25.0)
    assert found["G-cross"] == 0.0
    assert found["G-cross mean"] == pytest.approx(25.5 / 50)  # 0 below 25 µm and 1 from there, by trapezoids of 1 µm
    assert found["immune share"] == 0.5
    assert found["cell density"] == pytest.approx(256 / 0.16)


def test_what_is_fully_segregated_does_not_mix() -> None:
    places, _ = grid(40, 10.0)
    kinds = np.where(places[:, 0] < 200, "tumor", np.where(places[:, 1] < 100, "CD8", "TAM"))
    here = (places[:, 0] < 200) | (places[:, 0] > 240)
    measured = measure_section(section(places[here], kinds[here], 400.0))
    found = measured.statistics
    assert found["mixing score"] == found["normalized mixing score"] == found["leukocyte overlap"] == 0.0
    assert math.isnan(found["leukocyte enrichment"])  # the log of nothing
    assert found["leukocyte enrichment z"] < -20
    assert found["CD8 inside"] == found["leukocytes inside"] == found["CD8 in tumor"] == 0.0
    assert found["CD8 depth"] == pytest.approx(-120, abs=10)
    assert found["G-cross mean"] < 0.05
    assert found["G-cross excess"] < -0.7
    assert measured.densities["CD8"] == pytest.approx((0.0, 16 * 10 / (0.16 - measured.tumor_area)))
    assert measured.tumor_area == pytest.approx(0.08, rel=0.05)


def test_types_given_at_random_mix_as_chance_has_it() -> None:
    scores = []
    for field in range(60):
        rng = np.random.default_rng(field)
        kinds = rng.choice(["tumor", "CD8", "TAM", "fibroblast"], 800, p=[0.5, 0.1, 0.2, 0.2])
        found = measure_section(section(rng.random((800, 2)) * 300.0, kinds, 300.0)).statistics
        scores.append([found[name] for name in ("normalized mixing score", "leukocyte enrichment z", "G-cross excess")])
    samples = np.add(scores, [0.0, 1.0, 1.0])
    error = samples.std(axis=0, ddof=1) / math.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - 1.0) < stats.t.isf(FALSE_ALARM / 2, len(samples) - 1) * error).all()
    assert (error < 0.2).all()


def test_the_dead_are_not_counted_but_still_show_where_the_tumor_is() -> None:
    places, _ = grid(20, 15.0)
    kinds = np.where(places[:, 0] < 150, "tumor", "TAM")
    whole = measure_section(section(places, kinds, 300.0))
    dead = tuple(np.flatnonzero(kinds == "tumor")[::2].tolist())
    found = measure_section(section(places, kinds, 300.0, dead))
    assert found.tumor_area == whole.tumor_area
    assert found.cells == whole.cells - len(dead)
    assert found.statistics["immune share"] == pytest.approx(200 / 300)
    assert found.statistics["immune per tumor cell"] == pytest.approx(2.0)


def test_a_field_without_cells_has_statistics_without_values() -> None:
    found = measure_section(section(np.zeros((0, 2)), np.zeros(0, dtype=str), 300.0))
    assert list(found.statistics) == list(STATISTICS)
    assert found.statistics["cell density"] == found.statistics["leukocytes in stroma"] == 0.0
    assert found.densities == {}
    others = {name: value for name, value in found.statistics.items() if not math.isnan(value)}
    assert set(others) == {"cell density", "leukocytes in stroma", "CD8 in stroma"}


# ------------------------------------------------------------------ other programs


PERMUTATIONS = 20_000


def test_squidpy_computes_the_same() -> None:
    # squidpy 1.8.2 on `clustered`, with spatial_neighbors(delaunay=True, radius=(0, 30)), then with radius=20:
    # interaction_matrix counts a pair within a type twice; nhood_enrichment has 20,000 permutations, seed 1.
    immune_tumor, immune_immune = 413, 1028 / 2
    near_immune_tumor, near_tumor_tumor = 568, 1246 / 2
    scores = {"leukocyte enrichment z": -14.23368926, "CD8 enrichment z": -1.10773721}
    one = clustered()
    found = measure_section(one).statistics
    tumor, immune = one.tumor.sum(), one.immune.sum()
    assert found["mixing score"] == pytest.approx(immune_tumor / immune_immune)
    mixed = 0.5 * near_immune_tumor / near_tumor_tumor * (tumor - 1) / immune
    assert found["normalized mixing score"] == pytest.approx(mixed)
    for name, score in scores.items():
        # The error of a mean and a standard deviation that permutations estimate; five of them are passed by chance
        # less than once in a million.
        error = math.sqrt((1 + score**2 / 2) / PERMUTATIONS)
        assert found[name] == pytest.approx(score, abs=5 * error)


# ------------------------------------------------------------------ cut and spread


def disc(shape: tuple[int, ...], center: tuple[int, ...], radius: float) -> NDArray[np.bool_]:
    away = np.indices(shape) - np.reshape(center, (-1, *[1] * len(shape)))
    mask: NDArray[np.bool_] = (away**2).sum(axis=0) <= radius**2
    return mask


def test_fields_lie_where_the_axes_leave_the_tumor() -> None:
    fields = list(border_fields(disc((100, 120), (50, 60), 20.0), 9.0))
    centers = [tuple((one.start + one.stop - 1) / 2 for one in field) for field in fields]
    assert centers == [(30, 60), (70, 60), (50, 40), (50, 80)]
    assert {one.stop - one.start for field in fields for one in field} == {9}
    assert center_field(disc((100, 120), (50, 60), 20.0), 9.0) == (slice(46, 55), slice(56, 65))
    cut = list(border_fields(disc((100, 120), (10, 60), 20.0), 9.0))
    assert cut[0][0] == slice(0, 5)  # by the edge of the lattice
    assert len(list(border_fields(disc((30, 30, 30), (15, 15, 15), 6.0), 3.0))) == 6
    assert list(border_fields(np.zeros((9, 9), dtype=bool), 3.0)) == []
    assert center_field(np.zeros((9, 9), dtype=bool), 3.0) is None
    assert field_width(15.0) == pytest.approx(32)


def test_a_cell_is_spread_over_its_site_by_its_key() -> None:
    keys = np.arange(4000, dtype=np.uint64)
    sites = np.stack([keys % 50, keys // 50], axis=1).astype(np.float64)
    places = spread_over_sites(sites, keys, 15.0, seed=3)
    within = places / 15.0 - sites
    assert ((within >= 0) & (within < 1)).all()
    assert stats.kstest(within.ravel(), "uniform").pvalue > FALSE_ALARM
    assert abs(np.corrcoef(within.T)[0, 1]) < 0.1
    order = np.random.default_rng(1).permutation(4000)
    assert (spread_over_sites(sites[order], keys[order], 15.0, seed=3) == places[order]).all()
    assert (spread_over_sites(sites, keys, 15.0, seed=4) != places).all()


def test_a_cut_sees_only_what_lies_in_it() -> None:
    whole = clustered()
    part = whole.cut(np.array([[0.0, 100.0], [150.0, 250.0]]))
    assert part.area == pytest.approx(0.0225)
    assert 0 < len(part.places) < len(whole.places)
    assert (part.places >= [0, 100]).all()
    assert (part.places < [150, 250]).all()
    here = (whole.places >= [0, 100]).all(axis=1) & (whole.places < [150, 250]).all(axis=1)
    assert part.immune.sum() == (whole.immune & here).sum()
    assert set(part.kind) == {"tumor", "TAM", "CD8", "fibroblast"}


def test_every_number_of_a_definition_has_a_reason() -> None:
    import tomllib
    from importlib import resources

    text = resources.files("tme_abm.observe").joinpath("sections.toml").read_text(encoding="utf-8")
    for name, entry in tomllib.loads(text).items():
        assert entry["basis"] in {"derived", "assumed"}, name
        assert "source" in entry or entry["basis"] == "assumed", name
        assert entry["note"], name
    assert definitions()["near"] == 20.0
