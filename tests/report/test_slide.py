"""A measured slide in what people read: told in words, and not as a thousand numbers."""

from __future__ import annotations

from tme_abm.report.explain import explain
from tme_abm.report.style.settings import resolved_values
from tme_abm.scenario import load


def test_the_start_is_told_by_the_cells_of_the_slide() -> None:
    scenario = load("from_slide")
    said = " ".join(explain(scenario).split())
    assert "measured cells of synthetic_biopsy.csv, each where it was found" in said
    assert f"{scenario.tumor.cells} tumor, 38 CD8" in said
    assert "immune cells scattered" not in said
    assert "immune cells scattered" in " ".join(explain(load("hot")).split())


def test_a_parameter_table_counts_the_places_of_a_slide() -> None:
    values = resolved_values(load("from_slide").resolved_toml())
    assert values["slide.places_um.CD8"] == "38 places"
    assert max(len(value) for key, value in values.items() if key.startswith("slide")) < 100
