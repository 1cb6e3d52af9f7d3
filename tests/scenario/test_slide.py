"""Scenarios that start from measured cells: what is resolved, what follows from the slide, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tme_abm.core.errors import InputError
from tme_abm.scenario import Scenario, changed, load, remarks, scenario_schema

TABLE = "x_um,y_um,cell_type\n" + "".join(
    f"{10 * x + 1000},{10 * y + 50},{'T' if x < 8 else 'killer' if x % 3 else 'stroma'}\n"
    for x in range(16)
    for y in range(12)
)
TEXT = """extends = "base"
[slide]
file = "cells.csv"
[slide.cells]
T = "tumor"
killer = "CD8"
stroma = "skip"
"""


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "cells.csv").write_text(TABLE)
    (directory / "mine.toml").write_text(TEXT)
    return directory / "mine.toml"


def test_the_lattice_and_the_numbers_follow_from_the_slide(scenario_file: Path) -> None:
    scenario = load(scenario_file, ["lattice.spacing=10 um"])
    assert scenario.lattice.shape == (12, 16)  # the cells lie 10 um apart
    assert scenario.slide is not None
    sites = scenario.slide.fitted(scenario.lattice, scenario.catalogue).sites
    assert scenario.tumor.cells == len(sites["tumor"])
    assert scenario.immune["CD8"] * 12 * 16 * 100 == pytest.approx(len(sites["CD8"]))
    assert scenario.immune["TAM"] == 0.0
    assert scenario.blood == load("base").blood


def test_the_table_is_found_beside_the_file_that_names_it(
    scenario_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "child.toml").write_text('extends = "mine/mine.toml"\n[clock]\ndays = 1\n')
    monkeypatch.chdir(tmp_path)
    assert load("child.toml").slide == load(scenario_file).slide
    shutil.copy(scenario_file.with_name("cells.csv"), tmp_path / "here.csv")
    said = load("base", ["slide.file=here.csv", "slide.cells.T=tumor", "slide.cells.killer=CD8",
                         "slide.cells.stroma=skip"]).slide
    assert said is not None
    assert said.source == "here.csv"


def test_a_resolved_scenario_needs_its_table_no_more(scenario_file: Path, tmp_path: Path) -> None:
    scenario = load(scenario_file)
    (tmp_path / "resolved.toml").write_text(scenario.resolved_toml())
    shutil.rmtree(scenario_file.parent)
    again = load(tmp_path / "resolved.toml")
    assert again == scenario
    assert again.hash == scenario.hash
    assert changed(again, {"clock.days": 1}).slide == scenario.slide


def test_every_cell_is_in_the_hash_and_the_order_of_rows_is_not(scenario_file: Path) -> None:
    first = load(scenario_file)
    table = scenario_file.with_name("cells.csv")
    head, *rows = TABLE.splitlines()
    table.write_text("\n".join([head, *rows[:-1], rows[-1].replace("1150", "1149.9")]))
    moved = load(scenario_file)
    assert moved.hash != first.hash
    assert [key for key, _, _ in first.differences(moved)] == ["slide.sha256"]  # and not a line of a thousand numbers
    table.write_text("\n".join([head, *rows[::-1]]))
    turned = load(scenario_file)
    assert turned.slide is not None
    assert first.slide is not None
    assert turned.slide.places_um == first.slide.places_um
    assert [key for key, _, _ in first.differences(turned)] == ["slide.sha256"]  # it is another file


def test_what_is_given_with_the_slide_stands_and_what_was_inherited_gives_way(scenario_file: Path) -> None:
    scenario_file.write_text(f"{TEXT}[lattice]\nshape = [20, 30]\n")
    assert load(scenario_file).lattice.shape == (20, 30)
    scenario_file.write_text(TEXT)
    assert load(scenario_file, ["lattice.shape=[30, 40]"]).lattice.shape == (30, 40)
    assert load(scenario_file).lattice.shape == (9, 12)  # not that of base


def test_another_spacing_counts_anew_also_when_it_is_resolved(scenario_file: Path) -> None:
    resolved = load(scenario_file, ["lattice.shape=[30, 40]"])
    finer = changed(resolved, {"lattice.spacing": "10 um"})
    assert finer == load(scenario_file, ["lattice.shape=[30, 40]", "lattice.spacing=10 um"])
    fewer = changed(resolved, {"slide.cells.killer": "skip"})
    assert fewer.immune["CD8"] == 0.0
    assert resolved.immune["CD8"] > 0.0


def test_remarks_name_who_found_no_site_and_the_spacing_to_choose(scenario_file: Path) -> None:
    def said(*settings: str) -> list[str]:
        scenario: Scenario = load(scenario_file, settings)
        assert scenario.slide is not None
        return remarks(scenario.slide, scenario.lattice, scenario.catalogue)

    left, shared = said("slide.reach=0 um")
    assert left.startswith("cells without a free site within 0 µm, which are left out: ")
    assert "of 'T'" in left
    assert 'lattice.spacing = "' in shared
    advised = shared.partition('"')[2].partition('"')[0]
    assert not any("lattice.spacing" in one for one in said(f"lattice.spacing={advised}"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tumor]\ncells = 5", "mine.toml: tumor.cells: is what the slide says"),
        ('[immune]\nNK = "5 /mm^2"', "mine.toml: immune.NK: is what the slide says"),
        ('[lattice]\nshape = [7, 90]\nspacing = "15 um"', "too small for its slide, which needs [8, 11] at 15 µm"),
        ("[lattice]\nshape = [9, 40, 40]", "a slide is a section"),
    ],
)
def test_what_cannot_be_with_a_slide_is_refused(scenario_file: Path, text: str, says: str) -> None:
    scenario_file.write_text(TEXT + text)
    with pytest.raises(InputError) as caught:
        load(scenario_file)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('stroma = "skip"', "", "no cell is named for the class 'stroma' (36 cells); 'skip' leaves a class out"),
        ('T = "tumor"', 'T = "tumr"', "Did you mean 'tumor'?"),
        ('T = "tumor"', 'T = "endothelium"', "slide.cells.T: should be a cell"),
        ('file = "cells.csv"', 'file = "cell.csv"', "slide.file: there is no file"),
        ('file = "cells.csv"', "file = 3", "slide.file: should be text, not 3"),
        ('file = "cells.csv"', 'file = "cells.csv"\nunit = 0.5', "slide.unit: "),
        ('file = "cells.csv"', 'x = "x"', "slide.x: says how a table is read, and there is no slide.file"),
        ('file = "cells.csv"', 'file = "cells.csv"\nclas = "T"', "slide.clas: unknown key"),
        ('file = "cells.csv"', 'reach = "5 um"', "slide.file: needs the table"),
    ],
)
def test_a_section_that_cannot_be_used_is_refused(scenario_file: Path, was: str, becomes: str, says: str) -> None:
    scenario_file.write_text(TEXT.replace(was, becomes))
    with pytest.raises(InputError) as caught:
        load(scenario_file)
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(scenario_file))


def test_a_resolved_file_that_was_changed_by_hand_is_refused(scenario_file: Path, tmp_path: Path) -> None:
    text = load(scenario_file).resolved_toml()
    cells = load(scenario_file).tumor.cells
    (tmp_path / "resolved.toml").write_text(text.replace(f"\ncells = {cells}\n", f"\ncells = {cells + 1}\n"))
    with pytest.raises(InputError, match=rf"tumor.cells: is by the slide {cells} at this spacing"):
        load(tmp_path / "resolved.toml")


def test_editors_are_told_the_keys_that_people_write() -> None:
    slide = scenario_schema()["$defs"]["Slide"]["properties"]
    assert {"file", "x", "y", "class", "unit", "reach", "cells"} <= slide.keys()
    assert all(value["description"] for value in slide.values())
    assert "CD8" in slide["cells"]["additionalProperties"]["enum"]
