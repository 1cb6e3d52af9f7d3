"""Loading, setting, comparing, and what a resolved scenario states."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.core.toml import write_toml
from tme_abm.core.units import parse
from tme_abm.scenario import changed, extended, find, load, scenario_schema, shipped
from tme_abm.scenario.protocol.molecules import DoseVessels
from tme_abm.scenario.protocol.responses import Block


def file(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def test_quantities_are_in_internal_units() -> None:
    scenario = load("base", ["clock.dt=0.5 h", "immune.CD8=100 /mm^2", "blood.CD8.renewal=2 /h"])
    assert scenario.clock.dt == pytest.approx(30.0)
    assert scenario.immune["CD8"] == pytest.approx(1e-4)
    assert scenario.blood["CD8"].renewal == pytest.approx(2 / 60)


def test_the_resolved_file_states_every_trait_density_and_pool() -> None:
    catalogue = load_catalogue()
    tree = tomllib.loads(load("base").resolved_toml())
    immune = {name: cell for name, cell in catalogue.cells.items() if cell.layer == "immune"}
    assert set(tree["tumor"]["traits"]) == set(catalogue.traits)
    assert set(tree["immune"]) == set(immune)
    assert set(tree["blood"]) == {cell.pool or name for name, cell in immune.items()}
    assert "extends" not in tree


def test_a_trait_that_is_not_named_has_its_catalogue_value() -> None:
    traits = load("base", ["tumor.traits.antigenicity=0.25"]).tumor.traits
    default = load_catalogue().trait_defaults
    assert traits == {**default, "antigenicity": 0.25}


def test_a_cell_and_a_pool_that_are_not_named_are_empty(tmp_path: Path) -> None:
    text = load("base").resolved_toml()
    tree = tomllib.loads(text)
    del tree["immune"]["NK"], tree["blood"]["NK"]
    scenario = load(file(tmp_path, "less.toml", write_toml(tree)))
    assert scenario.immune["NK"] == pytest.approx(0.0)
    assert scenario.blood["NK"].cells == pytest.approx(0.0)
    assert scenario.immune["CD8"] == load("base").immune["CD8"]


def test_what_a_file_says_is_laid_over_what_it_extends(tmp_path: Path) -> None:
    file(
        tmp_path,
        "mother.toml",
        'extends = "base"\nname = "mother"\ntitle = "M"\n[clock]\ndays = 3\ndt = "5 min"\n',
    )
    child = load(file(tmp_path, "child.toml", 'extends = "mother.toml"\n[clock]\ndays = 4\n'))
    assert child.clock.days == pytest.approx(4.0)
    assert child.clock.dt == pytest.approx(5.0)
    assert child.lattice == load("base").lattice
    assert child.title == "M"
    assert child.name == "child"  # a name is not inherited


def test_a_path_to_extend_starts_at_the_file_that_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    file(tmp_path / "in", "mother.toml", 'extends = "base"\n[clock]\ndays = 3\n')
    file(tmp_path / "in", "child.toml", 'extends = "mother.toml"\n')
    monkeypatch.chdir(tmp_path)
    assert load("in/child.toml").clock.days == pytest.approx(3.0)


def test_a_name_means_the_shipped_scenario_and_a_path_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file(tmp_path, "hot.toml", 'extends = "base"\n[clock]\ndays = 1\n')
    monkeypatch.chdir(tmp_path)
    assert load("hot").clock.days > 1
    assert load("hot.toml").clock.days == pytest.approx(1.0)
    assert load(tmp_path / "hot.toml").clock.days == pytest.approx(1.0)
    assert find("hot").parent != tmp_path


def test_an_unknown_name_suggests_a_shipped_one() -> None:
    names = "base, cold, excluded, from_slide, hot"
    with pytest.raises(InputError, match=rf"no scenario 'hto'.*{names}.*Did you mean 'hot'\?"):
        find("hto")


@pytest.mark.parametrize("name", shipped())
def test_shipped_scenarios_load(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert scenario.title
    assert scenario.biology().cells


@pytest.mark.parametrize("name", ["cold", "hot", "excluded"])
def test_shipped_scenarios_differ_in_traits_and_surroundings_only(name: str) -> None:
    """Nothing that could plant the result: the same immune mix and blood, and no intervention."""
    stroma = {"stroma", "stroma.secretion", "stroma.cells", "stroma.ring", "stroma.ring.cells"}
    keys = {key for key, _, _ in load("base").differences(load(name))}
    assert keys
    assert {key.rsplit(".", 1)[0] for key in keys} <= {"tumor.traits", "vessels"} | stroma


def test_overrides_as_a_mapping_are_those_as_texts() -> None:
    texts = load("base", ["clock.dt=5 min", "clock.days=2"])
    assert load("base", {"clock.dt": "5 min", "clock.days": 2}) == texts
    assert changed(load("base"), {"clock.dt": "5 min", "clock.days": "2"}) == texts


def test_text_in_a_mapping_is_read_as_on_the_command_line() -> None:
    assert changed(load("base"), {"tumor.cells": "300", "title": " plain text "}).tumor.cells == 300
    assert load("base", ["title= plain text "]).title == "plain text"


def test_the_biology_has_the_traits_of_this_tumor() -> None:
    cells = [load("base", [f"tumor.traits.division_rate={rate} /min"]).biology() for rate in (2e-4, 4e-4)]
    slow, fast = (one.base[one.cell_index["tumor"], one.behaviors.index("division")] for one in cells)
    assert fast == pytest.approx(2 * slow)


def test_changed_checks_again() -> None:
    with pytest.raises(InputError, match=r"--set clock\.dt=0 min: clock\.dt: should be above 0"):
        changed(load("base"), ["clock.dt=0 min"])


def test_bytes_that_are_no_text_are_refused_before_they_reach_a_file() -> None:
    with pytest.raises(InputError, match=r"title: .* holds what is no character"):
        load("base", ["title=caf\udce9"])


def test_later_overrides_win() -> None:
    assert load("base", ["clock.days=2", "clock.days=3"]).clock.days == pytest.approx(3.0)


def test_an_override_cannot_smuggle_in_a_second_key() -> None:
    scenario = load("base", ["title=1\nclock.days = 99"])
    assert scenario.title == "1\nclock.days = 99"
    assert scenario.clock.days == load("base").clock.days


def test_differences_name_key_and_both_values() -> None:
    base = load("base")
    other = changed(base, ["clock.dt=20 min", 'protocol=[{do="neutralize", molecule="IFNG", fraction=1}]'])
    found = {key: (mine, theirs) for key, mine, theirs in base.differences(other)}
    assert found["clock.dt"] == ("10 min", "20 min")
    assert found["protocol.0.molecule"] == ("", "IFNG")
    assert "tumor.cells" not in found


def test_the_hash_tells_scenarios_apart_to_the_last_bit() -> None:
    base = load("base")
    dt = base.clock.dt
    nudged = changed(base, {"clock.dt": f"{dt * (1 + 2**-52)!r} min"})
    assert nudged.clock.dt != dt
    assert nudged.hash != base.hash
    assert load("base").hash == base.hash


def test_a_scenario_travels_between_processes() -> None:
    scenario = load("base", ['protocol=[{do="block", receptor="CXCR3", fraction=1}]'])
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert pickle.loads(pickle.dumps(scenario)).hash == scenario.hash


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load("base").clock.dt = 1.0


def one(text: str) -> object:
    return load("base", [f"protocol=[{{{text}}}]"]).protocol[0]


def test_a_block_names_the_cells_it_concerns() -> None:
    block = one('do="block", receptor="CXCR3", inhibitor="3 nM", ki="1 nM"')
    assert isinstance(block, Block)
    carriers = {name for name, cell in load_catalogue().cells.items() if "CXCR3" in cell.receptors}
    assert set(block.cells) == carriers
    assert block.occupied == pytest.approx(0.75)


def test_an_intervention_is_active_from_start_to_stop() -> None:
    block = one('do="block", receptor="CXCR3", fraction=1, start="1 h", stop="2 h"')
    assert isinstance(block, Block)
    assert [block.acts(time) for time in (59.9, 60.0, 119.9, 120.0)] == [False, True, True, False]
    lasting = one('do="block", receptor="CXCR3", fraction=1')
    assert isinstance(lasting, Block)
    assert lasting.acts(0.0)
    assert lasting.acts(1e9)


def test_a_dose_from_the_vessels_takes_the_exchange_of_the_catalogue() -> None:
    supplied = [name for name, molecule in load_catalogue().molecules.items() if molecule.supply is not None]
    dose = one(f'do="dose", route="vessels", molecule="{supplied[0]}", level="1 nM"')
    assert isinstance(dose, DoseVessels)
    supply = load_catalogue().molecules[supplied[0]].supply
    assert supply is not None
    assert dose.exchange == pytest.approx(supply.exchange.number("rate"))


@pytest.mark.parametrize(("days", "dt", "steps"), [(1, "10 min", 144), (1, "7 min", 206), (0.1, "24 min", 6)])
def test_the_run_covers_its_days(days: float, dt: str, steps: int) -> None:
    scenario = load("base", {"clock.days": days, "clock.dt": dt})
    assert scenario.steps == steps
    assert scenario.steps * scenario.clock.dt >= days * parse("1 day", "time") - 1e-6


def test_tumor_radius_is_that_of_a_disk_and_of_a_ball() -> None:
    assert load("base", ["lattice.spacing=15 um", "tumor.cells=700"]).tumor_radius == pytest.approx(223.9, abs=0.1)
    ball = load("base", ["lattice.shape=[80, 80, 80]", "lattice.spacing=15 um", "tumor.cells=700"])
    assert ball.tumor_radius == pytest.approx(82.6, abs=0.1)


def test_the_schema_offers_names_and_meanings() -> None:
    schema = scenario_schema()
    definitions = schema["$defs"]
    assert set(schema["properties"]["immune"]["properties"]) == set(load("base").immune)
    assert "CD8" in schema["properties"]["immune"]["properties"]
    assert set(schema["properties"]["blood"]["properties"]) == set(load("base").blood)
    traits = definitions["Tumor"]["properties"]["traits"]["properties"]
    assert set(traits) == set(load_catalogue().traits)
    assert all(trait["description"] for trait in traits.values())
    assert "CXCR3" in definitions["Block"]["properties"]["receptor"]["enum"]
    assert "IFNG" in definitions["Neutralize"]["properties"]["molecule"]["enum"]
    assert "extends" in schema["properties"]


def test_the_schema_describes_every_key_and_requires_nothing_that_may_be_inherited() -> None:
    schema = scenario_schema()
    assert "required" not in schema
    assert "required" not in schema["$defs"]["Clock"]
    assert "receptor" in schema["$defs"]["Block"]["required"]
    tables = {"": schema, **schema["$defs"]}
    silent = [
        f"{table}.{key}"
        for table, body in tables.items()
        for key, value in body.get("properties", {}).items()
        if not value.get("description")
    ]
    assert silent == []


def test_what_is_laid_over_a_scenario_is_not_said_to_be_extended_by_it() -> None:
    caf = {"do": "add", "cell": "myCAF", "count": 5}
    with pytest.raises(InputError, match=r"^arm\.toml: stroma\.secretion\.CXCL12: .* is set in base\)"):
        extended(load("base"), [caf], "arm.toml")
