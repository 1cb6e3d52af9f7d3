"""What is wrong with a catalogue is told in one readable error; what is right loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError

SMALL = Path(__file__).parent / "small"
Edit = Callable[[str, str, str], Path]
RULE_1 = "rules.toml: rule (CD8: PD1 occupancy decreases attack)"
RULE_2 = "rules.toml: rule (tumor, TAM: exposure to IFNG increases expression PDL1)"
INSIDE = "[molecule.EMT]\nname = 'a program'\nreach = 'inside'\n"
AGAIN = """
[[rule]]
cell = "CD8"
signal = "PD1 occupancy"
effect = "decreases"
behavior = "attack"
towards = "0 /min"
half_max = 0.5
basis = "assumed"
note = "again"
"""


def test_the_small_catalogue_loads_and_counts_its_numbers() -> None:
    catalogue = load_catalogue(SMALL)
    found = dict(catalogue.parameters())
    assert len(found) == 29
    assert found["cell.CD8.behaviors.attack.scaled_by.hill"].value == 4
    assert not any(parameter.is_trait for parameter in found.values())


def test_numbers_in_a_rule_share_its_evidence_unless_they_bring_their_own() -> None:
    first, second, _ = load_catalogue(SMALL).rules
    assert first.half_max.source == ("paper",)
    assert first.towards.claims == ("A-PD1-01",)
    assert (second.half_max.basis, second.half_max.note) == ("measured", "")
    assert second.memory is not None
    assert (second.memory.basis, second.memory.note) == ("assumed", "slow")


def test_a_number_in_a_table_without_a_basis_inherits_too(edited: Edit) -> None:
    half_max = "half_max = { value = 0.5, range = [0.1, 0.9] }"
    rule = load_catalogue(edited("rules", "half_max = 0.5", half_max)).rules[0]
    assert rule.half_max.source == ("paper",)
    assert rule.half_max.range == (0.1, 0.9)


def test_own_data_are_a_measurement_and_a_program_is_not(edited: Edit) -> None:
    folder = edited("references", 'doi = "10.1000/x"', 'url = "https://our-lab.org/plates/2026"')
    assert load_catalogue(folder).rules[0].basis == "measured"
    references = folder / "references.toml"
    references.write_text(references.read_text().replace("url", "repository"))
    with pytest.raises(InputError) as refused:
        load_catalogue(folder)
    faulty = [error for error in refused.value.parts if "basis 'measured' needs a source" in error.what]
    assert f"{RULE_1}: basis" in str(refused.value)
    assert len({error.place for error in faulty}) == len(faulty) == len(refused.value.parts)


def test_the_end_of_a_range_is_inside_whatever_the_units(edited: Edit) -> None:
    folder = edited("traits", '"1 /day"', '"1 /h"\nrange = ["1 /day", "24 /day"]')
    assert load_catalogue(folder).traits["growth"].value == "1 /h"


def test_rules_read_as_sentences() -> None:
    assert load_catalogue(SMALL).sentences() == [
        "In CD8 T cells, PD1 occupancy decreases attack from 3.6 /h towards 0.6 /h (half-max 0.5, Hill 2).",
        "In tumor cells, exposure to IFNG increases expression of PDL1 from 0.1 towards 1 "
        "(half-max 30 pM, Hill 1, memory 1 day).",
        "In macrophages, exposure to IFNG increases expression of PDL1 from 0 towards 1 "
        "(half-max 30 pM, Hill 1, memory 1 day).",
        "In tumor cells, crowding decreases division from the tumor's growth towards 0 (half-max 0.7, Hill 8).",
        "In CD8 T cells, attack is multiplied by a Hill function of own activation (half-max 0.5, Hill 4).",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "rules",
            "PD1 occ",
            "PD2 occ",
            "PD2 occupancy decreases attack): 'PD2 occupancy': no receptor 'PD2'.",
        ),
        ("rules", '"CD8"', '"CD9"', "no cell 'CD9'. Allowed: tumor, CD8, TAM. Did you mean 'CD8'?"),
        ("rules", '"attack"', '"attac"', "no behavior 'attac'. Allowed: attack, "),
        (
            "rules",
            '"attack"',
            '"secretion IFN"',
            "no diffusing molecule 'IFN'. Allowed: IFNG, oxygen. Did you mean",
        ),
        (
            "rules",
            '"expression PDL1"',
            '"expression IFNG"',
            "no contact molecule or inner state 'IFNG'. Allowed: PDL1.",
        ),
        ("rules", '"crowding"', '"crowdin"', "no signal 'crowdin'. Forms: MOLECULE, RECEPTOR occupancy,"),
        ("rules", '"crowding"', '"crowdin"', "time since arrival. Did you mean 'crowding'?"),
        ("rules", '"crowding"', '"contact with Tregs"', "no cell 'Tregs'. Allowed: tumor, CD8, TAM, dead."),
        (
            "rules",
            '"crowding"',
            '"own fatigue"',
            "no state or contact molecule 'fatigue'. Allowed: activation, ",
        ),
        (
            "rules",
            '"crowding"',
            '"PD1 occupancy"',
            "tumor cannot sense 'PD1 occupancy': it has no receptor 'PD1'",
        ),
        ("rules", 'memory = "1 day"\n', "", f"{RULE_2}: 'exposure to IFNG' needs a 'memory'"),
        ("rules", "hill = 2", 'memory = "1 h"', f"{RULE_1}: 'PD1 occupancy' has no 'memory'"),
        ("rules", "half_max = 0.5", "half_max = 0", f"{RULE_1}: half_max: 0 must be above zero."),
        (
            "rules",
            "half_max = 0.5",
            'half_max = "1 nM"',
            f"{RULE_1}: half_max: '1 nM' is a concentration, not a numb",
        ),
        (
            "rules",
            '"0.01 /min"',
            "0.01",
            f"{RULE_1}: towards: 0.01 has no unit; expected a rate such as '0.5 /h'.",
        ),
        (
            "rules",
            '"0.01 /min"',
            '"1 /min"',
            "'decreases', but 'towards' (1 /min) is above the base of CD8 (3.6 /h)",
        ),
        ("rules", "towards = 1\n", "towards = 0.05\n", "'towards' (0.05) is below the base of tumor (0.1)"),
        ("rules", '"0.03 nM"', '"0.3 nM"', "half_max: 0.3 nM lies outside its range, 10 pM to 0.1 nM."),
        ("rules", '["0.01 nM", "0.1 nM"]', '["0.1 nM", "0.01 nM"]', "the range runs backwards"),
        (
            "rules",
            '["0.01 nM", "0.1 nM"]',
            '["0.01 nM"]',
            "(tumor, TAM: exposure to IFNG increases expression PDL1): ",
        ),
        (
            "rules",
            'source = "paper"',
            'source = "papr"',
            f"{RULE_1}: no reference 'papr'. Allowed: paper. Did you mean",
        ),
        ("rules", 'source = "paper"', "", f"{RULE_1}: basis 'measured' needs a 'source'."),
        (
            "rules",
            "half_max",
            "halfmax",
            "halfmax: unknown key. Allowed: half_max, hill, ",
        ),
        (
            "rules",
            '"decreases"',
            '"lowers"',
            "effect: unknown value 'lowers'. Allowed: increases, decreases.",
        ),
        (
            "rules",
            "[[rule]]",
            "[[rul]]",
            "rules.toml: unknown table 'rul'. Allowed: reference, molecule, receptor, trait, cell, rule. Did you",
        ),
        ("rules", '"tumor", "TAM"', '"tumor", "tumor"', "names a cell twice"),
        (
            "rules",
            "",
            AGAIN,
            "rules.toml: rule (CD8: PD1 occupancy decreases attack) already; to change it, add replaces",
        ),
        ("rules", '"0.03 nM"', '"0.003 nM"', "half_max: 3 pM lies outside its range, 10 pM to 0.1 nM."),
        (
            "cells",
            "own activation",
            "own activaton",
            "CD8.behaviors.attack.scaled_by: 'own activaton': no state",
        ),
        (
            "cells",
            "hill = 4",
            "hil = 4",
            "CD8.behaviors.attack.scaled_by.hil: unknown key. Allowed: signal, half_m",
        ),
        ("cells", "attack =", "atack =", "CD8.behaviors.atack: no behavior 'atack'."),
        (
            "cells",
            '["tumor"]',
            '["tumour"]',
            "CD8.hunts: no cell 'tumour'. Allowed: tumor, CD8, TAM. Did you mean 'tu",
        ),
        (
            "cells",
            '"immune"',
            '"blood"',
            "CD8.layer: unknown value 'blood'. Allowed: tissue, immune, vessel.",
        ),
        ("cells", "PD1 =", "PD2 =", "CD8.receptors.PD2: no receptor 'PD2'."),
        ("cells", "IFNG = { value", "PDL1 = { value", "CD8.uptake.PDL1: no diffusing molecule 'PDL1'."),
        ("cells", '"1 um^3/s"', '"-1 um^3/s"', "CD8.uptake.IFNG: -1 um^3/s must not be negative."),
        (
            "cells",
            "trait:growth",
            "trait:grow",
            "tumor.behaviors.division: no trait 'grow'. Allowed: antigenicity, gr",
        ),
        (
            "cells",
            "trait:growth",
            "trait:antigenicity",
            "trait 'antigenicity' is of kind 'number', but here a 'rate' is",
        ),
        (
            "cells",
            '"fitted", note = "to kills"',
            '"fitted"',
            "CD8.behaviors.attack: basis 'fitted' needs a 'source', or",
        ),
        (
            "cells",
            '"fitted", note',
            '"guess", note',
            "unknown value 'guess'. Allowed: measured, model, derived, fitte",
        ),
        ("cells", '"0.06 /min"', "true", "CD8.behaviors.attack.value: True must be a number, or a text with"),
        ("cells", 'name = "CD8 T cell"', "", "cells.toml: cell.CD8.name: missing."),
        (
            "molecules",
            "[molecule.IFNG]",
            "[molecule.crowding]",
            "molecules.toml: molecule.crowding: 'crowding' already means something in rules",
        ),
        (
            "molecules",
            'decay = { value = "0.5 /h", basis = "assumed", note = "hours" }',
            "",
            "IFNG: a molecule with rea",
        ),
        (
            "molecules",
            "[molecule.PDL1]",
            "[molecule.PDL1]\ndecay = 3",
            "molecules.toml: molecule.PDL1.decay: should be a table, not 3.",
        ),
        (
            "molecules",
            '"150 um^2/s"',
            '"90 um^2/s"',
            "IFNG.diffusivity: 100 µm²/s lies outside its range, 50 µm²/s to",
        ),
        (
            "receptors",
            "ligands.PDL1",
            "ligands.PDL2",
            "PD1.ligands.PDL2: no molecule 'PDL2'. Allowed: IFNG, oxygen, PDL1.",
        ),
        (
            "receptors",
            '"0.1 nM"',
            "0.1",
            "IFNGR.ligands.IFNG: 0.1 has no unit; expected a concentration such as",
        ),
        ("traits", '"1 /day"', '"1 day"', "traits.toml: trait.growth: '1 day' is a time, not a rate"),
        ("traits", '"rate"', '"rat"', "no kind of quantity 'rat'"),
        ("traits", "value = 0.5", "value = 1.5", "antigenicity: 1.5 lies outside its range, 0 to 1."),
        (
            "references",
            'doi = "10.1000/x"',
            "",
            "paper: a reference needs a 'doi', a 'url' or a 'repository'.",
        ),
        (
            "references",
            "2020",
            '"2020"',
            "references.toml: reference.paper.year: should be a whole number, not '2020'.",
        ),
        ("references", "[reference.paper]", "[reference.paper", "references.toml: line 1, column 17: not valid TOML: "),
    ],
)
def test_each_mistake_is_told_with_its_place(edited: Edit, file: str, old: str, new: str, message: str) -> None:
    folder = edited(file, old, new)
    with pytest.raises(InputError) as caught:
        load_catalogue(folder)
    assert message in str(caught.value)
    assert str(folder / f"{file}.toml") in str(caught.value) or len(caught.value.parts) > 1


def test_a_faulty_basis_of_a_rule_is_told_once(edited: Edit) -> None:
    with pytest.raises(InputError) as caught:
        load_catalogue(edited("rules", 'source = "paper"', ""))
    assert len(caught.value.parts) == 1


def test_a_scale_without_evidence_is_refused(edited: Edit) -> None:
    scaled = 'division = { value = "trait:growth", scaled_by = { signal = "matrix", half_max = 0.5 } }'
    with pytest.raises(InputError, match=r"scaled_by\.half_max\.basis: missing"):
        load_catalogue(edited("cells", 'division = "trait:growth"', scaled))


def test_mistakes_in_several_files_are_told_together(edited: Edit) -> None:
    edited("rules", "half_max = 0.5", "half_max = 0")
    edited("cells", '"1 um^3/s"', '"1 um^2/s"')
    with pytest.raises(InputError) as caught:
        load_catalogue(edited("molecules", '"0.5 /h"', '"0.5 h"'))
    assert [Path(str(part.file)).name for part in caught.value.parts] == [
        "molecules.toml",
        "cells.toml",
        "rules.toml",
    ]


def test_mistakes_in_several_tables_are_told_together(edited: Edit) -> None:
    edited("cells", 'name = "macrophage"', "")
    edited("cells", 'name = "CD8 T cell"', "")
    with pytest.raises(InputError) as caught:
        load_catalogue(edited("molecules", '"contact"', '"near"'))
    assert [part.place for part in caught.value.parts] == ["molecule.PDL1.reach", "cell.CD8.name", "cell.TAM.name"]


def test_a_catalogue_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        load_catalogue(tmp_path / "gone")
    with pytest.raises(InputError, match="there is nothing in it"):
        load_catalogue(tmp_path)


def test_any_file_may_hold_any_table(edited: Edit) -> None:
    folder = edited("rules", "", "")
    whole = load_catalogue(folder)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.toml")}
    for path in folder.glob("*.toml"):
        path.unlink()
    first, *others = texts.pop("rules").split("[[rule]]")[1:]
    (folder / "some.toml").write_text(texts.pop("cells") + texts.pop("traits") + "[[rule]]" + first, encoding="utf-8")
    (folder / "more").mkdir()
    for number, rule in enumerate(others):
        (folder / "more" / f"{number}.toml").write_text("[[rule]]" + rule, encoding="utf-8")
    (folder / "more" / "rest.toml").write_text("".join(texts.values()), encoding="utf-8")
    (folder / "more" / "notes.txt").write_text("not a table", encoding="utf-8")
    assert load_catalogue(folder) == whole


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("rules/more.toml", AGAIN, "rules/more.toml: rule (CD8: PD1 occupancy decreases attack): is in "),
        ("rules/more.toml", "[[rules]]\n", "rules/more.toml: unknown table 'rules'"),
        ("molecules/more.toml", '[molecule.IFNG]\nname = "again"\n', "molecules/more.toml: molecule.IFNG: is in"),
        ("more.toml", "[trait.speedy]\nvalue = 1\n", "more.toml: 3 problems."),
    ],
)
def test_errors_name_the_file_of_the_folder(edited: Edit, file: str, text: str, said: str) -> None:
    folder = edited("rules", "", "")
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(folder)
    assert said in str(caught.value)


ANEW = """
[cell.TAM.behaviors."secretion IFNG"]
value = "5 molecules/cell/min"
basis = "assumed"
note = "some"

[cell.CD8.behaviors.attack]
replaces = true
value = "0.12 /min"
basis = "assumed"
note = "twice"

[receptor.IFNGR.ligands.oxygen]
value = "1 nM"
basis = "assumed"
note = "for a test"

[[rule]]
replaces = true
cell = "TAM"
signal = "exposure to IFNG"
effect = "increases"
behavior = "expression PDL1"
towards = 2
half_max = "0.03 nM"
memory = "1 day"
basis = "assumed"
note = "stronger in macrophages"
"""


def test_a_file_adds_to_what_is_there_and_replaces_what_it_marks(edited: Edit) -> None:
    folder = edited("rules", "", "")
    (folder / "zz.toml").write_text(ANEW, encoding="utf-8", newline="\r\n")
    before, after = load_catalogue(SMALL), load_catalogue(folder)
    assert after.cells["TAM"].behaviors["secretion IFNG"].value == "5 molecules/cell/min"
    assert after.cells["CD8"].behaviors["attack"].value == "0.12 /min"
    assert after.cells["CD8"].behaviors["attack"].scaled_by is None
    assert after.cells["CD8"].receptors == before.cells["CD8"].receptors
    assert set(after.receptors["IFNGR"].ligands) == {"IFNG", "oxygen"}
    assert [(rule.cell, rule.towards.value) for rule in after.rules] == [
        (("CD8",), "0.01 /min"),
        (("tumor",), "0 /day"),
        (("tumor",), 1),
        (("TAM",), 2),
    ]
    where = {place: Path(after.file_of(place)).name for place, _ in after.parameters()}
    assert where["cell.TAM.behaviors.secretion IFNG"] == where["cell.CD8.behaviors.attack"] == "zz.toml"
    assert where["cell.CD8.receptors.PD1"] == "cells.toml"
    assert where["rule (TAM: exposure to IFNG increases expression PDL1): half_max"] == "zz.toml"
    assert where["rule (tumor: exposure to IFNG increases expression PDL1): half_max"] == "rules.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[cell.CD8.behaviors.attack]\nvalue = "1 /h"\n',
            "cell.CD8.behaviors.attack: is in {}/cells.toml already; to change it",
        ),
        ("[cell.CD8.receptors.PD1.note]\n", "cell.CD8.receptors.PD1: is in {}/cells.toml already"),
        ("[molecule.PDL1]\nname = 'again'\nreach = 'contact'\n", "molecule.PDL1: is in {}/molecules.toml already"),
        ("[trait.growth]\nvalue = '2 /day'\n", "trait.growth: is in {}/traits.toml already"),
        ('[cell.tumor.behaviors]\ndivision = "1 /day"\n', "cell.tumor.behaviors.division: is in {}/cells.toml already"),
        ("[cell.CD9.behaviors.attack]\nreplaces = true\n", "cell.CD9.behaviors.attack: replaces nothing"),
        ("[reference.new]\nreplaces = true\n", "reference.new: replaces nothing: no earlier file defines it."),
        ("[molecule.PDL1]\nreplaces = 1\n", "molecule.PDL1.replaces: should be true, not 1."),
        (
            AGAIN.replace('"CD8"', '"TAM"').replace("basis", "replaces = true\nbasis"),
            "decreases attack): replaces nothing",
        ),
        ("rule = 3\n", "rule: rules are written as [[rule]], with double brackets."),
        ("cell = 3\n", "cell: should be a table such as [cell.NAME]."),
        ("[[rule]]\ncell = 'CD8'\n", "rule 1: signal: missing."),
        (
            "[order]\ncell = ['TAM', 'CD9']\n",
            "order.cell: no cell 'CD9'. Allowed: tumor, CD8, TAM. Did you mean 'CD8'?",
        ),
        ("[order]\nrule = ['TAM']\n", "order.rule: should be the list of names of a table"),
        ("[receptor.IFNGR.ligands.EMT]\nvalue = 1\nbasis = 'assumed'\nnote = 'x'\n" + INSIDE, "EMT is inside the cell"),
    ],
)
def test_a_file_that_says_what_is_there_is_refused(edited: Edit, text: str, said: str) -> None:
    folder = edited("rules", "", "")
    (folder / "zz.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}/zz.toml: ")
    assert said.format(folder) in message


def test_the_order_of_names_is_the_listed_one(edited: Edit) -> None:
    folder = edited("rules", "", "")
    (folder / "order.toml").write_text("[order]\ncell = ['TAM']\nmolecule = ['PDL1', 'oxygen']\n", encoding="utf-8")
    catalogue = load_catalogue(folder)
    assert list(catalogue.cells) == ["TAM", "tumor", "CD8"]
    assert list(catalogue.molecules) == ["PDL1", "oxygen", "IFNG"]
