"""What is wrong with a catalogue is told in one readable error; what is right loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core import InputError

SMALL = Path(__file__).parent / "small"
Edit = Callable[[str, str, str], Path]
RULE_1 = "rules.toml: rule 1 (CD8: PD1 occupancy decreases attack)"
RULE_2 = "rules.toml: rule 2 (tumor, TAM: exposure to IFNG increases expression PDL1)"
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
    assert len(found) == 28
    assert found["cells.toml: CD8.behaviors.attack.scaled_by.hill"].value == 4
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
        ("rules", '"expression PDL1"', '"expression IFNG"', "no contact molecule 'IFNG'. Allowed: PDL1."),
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
            "tumor cannot sense 'PD1 occupancy': cells.toml gives it no recept",
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
            "rules.toml: unknown key 'rul'. Allowed: rule. Did you mean 'rule'?",
        ),
        ("rules", '"tumor", "TAM"', '"tumor", "tumor"', "says again what rule 2 says of tumor"),
        ("rules", "", AGAIN, "rule 4 (CD8: PD1 occupancy decreases attack): says again what rule 1 says of CD8."),
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
        ("cells", "PD1 =", "PD2 =", "CD8.receptors: no receptor 'PD2'."),
        ("cells", "IFNG = { value", "PDL1 = { value", "CD8.uptake: no diffusing molecule 'PDL1'."),
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
            "unknown value 'guess'. Allowed: measured, derived, fitte",
        ),
        ("cells", '"0.06 /min"', "true", "CD8.behaviors.attack.value: True must be a number, or a text with"),
        ("cells", 'name = "CD8 T cell"', "", "cells.toml: CD8.name: missing."),
        ("molecules", "[IFNG]", "[crowding]", "molecules.toml: crowding: 'crowding' already means something in rules"),
        (
            "molecules",
            'decay = { value = "0.5 /h", basis = "assumed", note = "hours" }',
            "",
            "IFNG: a molecule with rea",
        ),
        ("molecules", "[PDL1]", "[PDL1]\ndecay = 3", "molecules.toml: PDL1.decay: should be a table, not 3."),
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
            "PD1.ligands: no molecule 'PDL2'. Allowed: IFNG, oxygen, PDL1.",
        ),
        (
            "receptors",
            '"0.1 nM"',
            "0.1",
            "IFNGR.ligands.IFNG: 0.1 has no unit; expected a concentration such as",
        ),
        ("traits", '"1 /day"', '"1 day"', "traits.toml: growth: '1 day' is a time, not a rate"),
        ("traits", '"rate"', '"rat"', "no kind of quantity 'rat'"),
        ("traits", "value = 0.5", "value = 1.5", "antigenicity: 1.5 lies outside its range, 0 to 1."),
        (
            "references",
            'doi = "10.1000/x"',
            "",
            "paper: a reference needs a 'doi', a 'url' or a 'repository'.",
        ),
        ("references", "2020", '"2020"', "references.toml: paper.year: should be a whole number, not '2020'."),
        ("references", "[paper]", "[paper", "references.toml: line 1, column 7: not valid TOML: "),
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
    assert [part.place for part in caught.value.parts] == ["PDL1.reach", "CD8.name", "TAM.name"]


def test_a_catalogue_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        load_catalogue(tmp_path / "gone")
    with pytest.raises(InputError, match="6 problems"):
        load_catalogue(tmp_path)


def test_a_table_may_be_spread_over_a_folder(edited: Edit) -> None:
    folder = edited("rules", "", "")
    whole = load_catalogue(folder)
    text = (folder / "rules.toml").read_text(encoding="utf-8")
    first, *others = text.split("[[rule]]")[1:]
    (folder / "rules.toml").write_text("[[rule]]" + first, encoding="utf-8")
    (folder / "rules").mkdir()
    for number, rule in enumerate(others):
        (folder / "rules" / f"{number}.toml").write_text("[[rule]]" + rule, encoding="utf-8")
    (folder / "rules" / "notes.txt").write_text("not a table", encoding="utf-8")
    assert load_catalogue(folder).rules == whole.rules


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("rules/more.toml", AGAIN, "rules/more.toml: rule 4 (CD8: PD1 occupancy decreases attack): says again"),
        ("rules/more.toml", "[[rules]]\n", "rules/more.toml: unknown key 'rules'"),
        ("molecules/more.toml", '[IFNG]\nname = "again"\n', "molecules/more.toml: IFNG: 'IFNG' is in"),
        ("traits/more.toml", "[speedy]\nvalue = 1\n", "traits/more.toml: 3 problems."),
    ],
)
def test_errors_name_the_file_of_the_folder(edited: Edit, file: str, text: str, said: str) -> None:
    folder = edited("rules", "", "")
    (folder / file).parent.mkdir()
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_catalogue(folder)
    assert said in str(caught.value)
