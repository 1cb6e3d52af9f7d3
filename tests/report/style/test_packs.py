"""Packs of a scenario's catalogue in reports: by their fingerprints, and with their words."""

from __future__ import annotations

from pathlib import Path

from tme_abm.report.style.settings import glossary_of, resolved_values
from tme_abm.scenario import load

PACK = Path(__file__).parents[2] / "spec" / "packs" / "il99.toml"


def test_packs_are_named_by_their_fingerprint_and_bring_their_words() -> None:
    scenario, bare = load("hot", packs=[PACK]), load("hot")
    values = resolved_values(scenario.resolved_toml())
    assert values["catalogue il99.toml"] == f"sha256 {scenario.pack_hashes['il99.toml']}"
    assert not any("interleukin" in value for value in values.values())
    texts = [scenario.resolved_toml(), bare.resolved_toml(), "no TOML"]
    assert glossary_of(texts).full("IL99") == "interleukin 99"
    assert glossary_of(texts[1:]).full("IL99") == "IL99"
