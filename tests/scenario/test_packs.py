"""A pack: a catalogue file of one's own that a scenario names, and whose text the resolved scenario holds."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.model import TumorModel
from tme_abm.scenario import changed, load

PACKS = Path(__file__).parents[1] / "spec" / "packs"
IL99 = PACKS / "il99.toml"
SMALL = """
extends = "base"
catalogue = ["il99.toml"]
lattice.shape = [24, 24]
lattice.margin = "30 um"
tumor.cells = 60
tumor.traits.il99_secretion = "20 molecules/cell/min"
immune.GDT = "200 /mm^2"
immune.TAM = "200 /mm^2"
blood.GDT = { cells = 10, renewal = "1 /day" }
clock.days = 1

[[protocol]]
do = "knock out"
product = "IL99"
cells = ["TAM"]
start = "12 h"
"""


@pytest.fixture
def tumor(tmp_path: Path) -> Path:
    """A scenario that names a pack beside it."""
    (tmp_path / "il99.toml").write_bytes(IL99.read_bytes())
    file = tmp_path / "with_il99.toml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_what_a_pack_defines_can_be_named_and_runs(tumor: Path) -> None:
    model = TumorModel(load(tumor), rng=1)
    for _ in range(3):
        model.step()
    assert model.tissue.fields["IL99"].max() > 0
    assert (model.tissue.cells.kind == model.biology.cell_index["GDT"]).sum() > 10
    model.intervene(model.scenario.protocol[0])
    assert "GDT" not in load("hot").immune
    assert "IL99" not in load_catalogue().molecules


def test_the_resolved_scenario_holds_the_pack_and_runs_without_its_file(tumor: Path, tmp_path: Path) -> None:
    scenario = load(tumor)
    (tmp_path / "il99.toml").unlink()
    elsewhere = tmp_path / "moved" / "resolved.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(scenario.resolved_toml(), encoding="utf-8", newline="")
    again = load(elsewhere)
    assert again == scenario
    assert again.hash == scenario.hash
    assert again.catalogue is scenario.catalogue
    assert [pack.name for pack in again.packs] == ["il99.toml"]
    assert pickle.loads(pickle.dumps(scenario)).catalogue is scenario.catalogue
    assert changed(again, {"tumor.traits.il99_secretion": "2 molecules/cell/min"}).tumor.traits["il99_secretion"] == 2


def test_the_pack_decides_the_hash_and_its_line_ends_do_not(tumor: Path) -> None:
    before = load(tumor).hash
    pack = tumor.with_name("il99.toml")
    text = pack.read_text(encoding="utf-8")
    pack.write_text(text, encoding="utf-8", newline="\r\n")
    assert load(tumor).hash == before
    pack.write_text(text.replace("60 um^2/s", "61 um^2/s"), encoding="utf-8")
    assert load(tumor).hash != before


def test_packs_add_up_along_extends_and_by_set(tumor: Path) -> None:
    more = tumor.parent / "more"
    more.mkdir()
    (more / "gcsf.toml").write_text(
        '[cell.TAM.behaviors."secretion GCSF"]\nvalue = "1 molecules/cell/min"\nbasis = "assumed"\nnote = "x"\n',
        encoding="utf-8",
    )
    (more / "child.toml").write_text('extends = "../with_il99.toml"\ncatalogue = "gcsf.toml"\n', encoding="utf-8")
    both = load(more / "child.toml")
    assert [pack.name for pack in both.packs] == ["il99.toml", "gcsf.toml"]
    assert "secretion GCSF" in both.catalogue.cells["TAM"].behaviors
    by_set = load(tumor, [f"catalogue=['{more / 'gcsf.toml'}', '{IL99}']"])
    assert by_set.packs == both.packs
    assert changed(load(tumor), {"catalogue": [str(more / "gcsf.toml")]}).packs == both.packs
    keys = {key for key, _, _ in both.differences(load(tumor))}
    assert "packs.gcsf.toml" in keys


def test_a_catalogue_from_python_takes_the_place_of_packs(tumor: Path) -> None:
    catalogue = load_catalogue(packs=[IL99])
    assert load(tumor).catalogue is catalogue
    model = TumorModel("hot", rng=1, catalogue=catalogue)
    assert "GDT" in model.scenario.immune
    state = model.state()
    for again in (
        TumorModel.from_state(model.scenario, 1, state),
        TumorModel.branched(model.scenario, 1, state),
    ):
        assert again.catalogue is catalogue
        assert again.biology is model.biology


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "with_il99.toml: catalogue: no such file: "),
        ("[molecule.IL99\n", "il99.toml: line 1, column 15: not valid TOML: "),
        ("[molecules.IL99]\n", "il99.toml: unknown table 'molecules'. Allowed: reference, molecule, receptor, tr"),
        ("[cell.CD8.behaviors.attack]\nvalue = '1 /h'\n", "cell.CD8.behaviors.attack: is in cells/CD8.toml already; "),
        ("[cell.CD8.uptake.IL2]\nvalue = '1 um^3/s'\nreplaces = 'yes'\n", "cell.CD8.uptake.IL2.replaces: should be tr"),
        (
            "[cell.TAM.behaviors.'secretion XCL1']\nvalue = '1 molecules/cell/min'\nbasis = 'derived'\nsource = 'me'\n",
            "il99.toml: cell.TAM.behaviors.secretion XCL1: no reference 'me'. Allowed: ",
        ),
        ("[molecule.IL99]\nreach = 'far'\n", "il99.toml: 2 problems."),
        ("[cell.CD8]\nreplaces = true\nhunts = ['TAM']\n", "cell.CD8.name: missing, for replaces = true replaces all"),
        (
            "[cell.CD8.behaviors.attack]\nreplaces = true\nvalue = '1 /min'\nbasis = 'assumed'\nnote = 'x'\n",
            "il99.toml: 7 problems.\n  1. rule (CD8: IL2 increases attack): 'increases', but 'towards' (0.1 /min)",
        ),
        ("[[rule]]\ncell = 'TAM'\nsignal = 'own IL99'\neffect = 'increases'\nbehavior = 'speed'\ntowards = '1 um/min'\n"
         "half_max = 1\nbasis = 'assumed'\nnote = 'x'\n", "rule (TAM: own IL99 increases speed): 'own IL99': no state"),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_be_used_is_refused_by_name(tumor: Path, text: str | None, said: str) -> None:
    pack = tumor.with_name("il99.toml")
    if text is None:
        pack.unlink()
    else:
        pack.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(tumor)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tumor.parent))


def test_two_packs_of_one_name_are_refused(tumor: Path) -> None:
    other = tumor.parent / "other" / "il99.toml"
    other.parent.mkdir()
    other.write_text("[trait.new]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"another file 'il99.toml' is in the catalogue already"):
        load(tumor, {"catalogue": [str(other)]})
    with pytest.raises(InputError, match="catalogue: should be a list of files, not 3"):
        load(tumor, {"catalogue": 3})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("packs = 3", "packs: should be a list, not 3"),
        ("packs = [3]", "packs.1: should be a table, not 3"),
        ("packs = [{}]", "packs.1.name: missing"),
        ('catalogue = [""]', "catalogue: should be a list of files, not"),
        ('catalogue = ["."]', "catalogue: this is a directory, not a TOML file"),
    ],
)
def test_packs_that_are_none_are_refused_beside_those_of_the_parent(tumor: Path, line: str, said: str) -> None:
    child = tumor.with_name("child.toml")
    child.write_text(f'extends = "with_il99.toml"\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load(child)
