"""Reports say in a sentence what each value of a scenario means."""

from __future__ import annotations

from tme_abm.report.style.settings import glossary, resolved_values
from tme_abm.scenario import load


def test_every_value_of_a_scenario_has_a_meaning() -> None:
    scenario = load("hot", {
        "record.precision": "float32", "record.checkpoints": "1 day", "record.molecules": ["IL5"],
        "fields.method": {"IL5": "stencil"},
    })  # fmt: skip
    words = glossary(scenario.catalogue)
    keys = resolved_values(scenario.resolved_toml())
    assert {"fields.lag", "record.precision", "record.molecules"} <= keys.keys()
    told_elsewhere = {"name", "title", "description", "protocol"}
    assert {key for key in keys if not words.meaning(key)[1]} <= told_elsewhere
    often = {key for key in keys if words.meaning(key)[1] == "How often results are written"}
    assert often == {"record.every", "record.snapshots", "record.checkpoints"}
