"""The audit finds what is put in, and nothing in a catalogue that is in order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.biology.audit import Finding, findings

SMALL = Path(__file__).parent / "small"
Edit = Callable[[str, str, str], Path]
DIFFUSES = '''
[molecule.{name}]
name = "{name}"
reach = "diffusing"
weight = {{ value = "{weight}", basis = "assumed", note = "n" }}
diffusivity = {{ value = "{diffusivity}", basis = "assumed", note = "n" }}
decay = {{ value = "{decay}", basis = "assumed", note = "n" }}
[receptor.R{name}]
name = "R"
ligands.{name} = {{ value = "{bound}", basis = "assumed", note = "n" }}
[cell.CD8.receptors.R{name}]
value = 0
basis = "assumed"
note = "n"
'''
PLAIN = {"weight": "16 kDa", "diffusivity": "12 um^2/s", "decay": "0.5 /h", "bound": "1 nM"}


def family(**odd: str) -> str:
    """Five molecules that cells sense, the last of which differs from the others by `odd`."""
    plain = [DIFFUSES.format(name=f"X{number}", **PLAIN) for number in range(4)]
    return "".join([*plain, DIFFUSES.format(name="ODD", **(PLAIN | odd))])


def found(folder: Path) -> list[Finding]:
    """What is found beyond what the small catalogue has already."""
    known = {one[1:] for one in findings(load_catalogue(SMALL))}
    made = [one._replace(file=Path(one.file).name) for one in findings(load_catalogue(folder))]
    return [one for one in made if one[1:] not in known]


@pytest.mark.parametrize(
    ("odd", "place", "what"),
    [
        ({}, None, ""),
        ({"diffusivity": "60 um^2/s"}, "molecule.ODD.diffusivity", "diffuses 5 times as fast as its weight says"),
        ({"weight": "160 kDa"}, "molecule.ODD.diffusivity", "diffuses 5.6 times as fast as its weight says"),
        ({"decay": "0.5 /s"}, "molecule.ODD.decay", "reaches 0.017 times as other molecules"),
        ({"bound": "1 mM"}, "receptor.RODD.ligands.ODD", "1e+06 times as the others of its sort (dissociation"),
    ],
)
def test_a_number_is_held_against_the_others_of_its_sort(
    edited: Edit, odd: dict[str, str], place: str | None, what: str
) -> None:
    made = found(edited("molecules", "", family(**odd)))
    assert [one.place for one in made] == ([] if place is None else [place])
    assert all(one.file == "molecules.toml" and one.what.startswith(what) for one in made)


def test_a_behavior_in_a_wrong_unit_is_found(edited: Edit) -> None:
    cell = '[cell.{}]\nname = "{}"\nagent = "TCell"\nlayer = "immune"\nbehaviors.apoptosis = {{ value = "{}", '
    cell += 'basis = "assumed", note = "n" }}\n'
    kinds = "".join(cell.format(f"K{number}", f"K{number}", "0.1 /day") for number in range(3))
    made = found(edited("cells", "", kinds + cell.format("Odd", "Odd", "0.1 /min")))
    assert [(one.file, one.place) for one in made] == [("cells.toml", "cell.Odd.behaviors.apoptosis")]
    assert made[0].what.startswith("1.4e+03 times as the others of its sort (apoptosis)")


def test_what_nothing_reads_is_found(edited: Edit) -> None:
    weight = 'weight = { value = "33 kDa", basis = "assumed", note = "n" }'
    edited("molecules", 'reach = "contact"', f'reach = "contact"\n{weight}')
    spare = '\n[receptor.SPARE]\nname = "spare"\nligands.IFNG = { value = "1 nM", basis = "assumed", note = "n" }\n'
    made = found(edited("receptors", "", spare))
    assert [(one.file, one.place) for one in made] == [
        ("molecules.toml", "molecule.PDL1.weight"),
        ("receptors.toml", "receptor.SPARE"),
    ]
    unsensed = DIFFUSES.partition("[receptor")[0].format(name="LOST", **PLAIN)
    assert "molecule.LOST" in [one.place for one in findings(load_catalogue(edited("molecules", "", unsensed)))]


def test_references_that_lead_nowhere_are_found(edited: Edit) -> None:
    twice = '\n[reference.again]\ntitle = "A"\nyear = 2020\ndoi = "10.1000/X"\n'
    web = '\n[reference.web]\ntitle = "A"\nyear = 2020\nurl = "https://example.org"\n'
    program = '\n[reference.program]\ntitle = "A"\nyear = 2020\nrepository = "https://example.org"\n'
    made = found(edited("references", "", twice + web + program))
    assert [(one.place, one.what) for one in made] == [
        ("reference.again", "has the DOI of paper"),
        ("reference.again", "nobody cites it"),
        ("reference.program", "nobody cites it"),
        ("reference.web", "a paper without a DOI or an address in PubMed"),
        ("reference.web", "nobody cites it"),
    ]


def test_the_shipped_catalogue_has_no_other_findings_than_these() -> None:
    known = {
        "molecule.CCL2.diffusivity": "another model has it so: a seventh of what its weight says",
        "molecule.VEGFA.diffusivity": "another model has it so: as fast as a chemokine of a fifth of its weight",
        **dict.fromkeys(("molecule.XCL1", "molecule.IL5", "molecule.IL13"), "the reviews say who makes it"),
        **dict.fromkeys(("molecule.GCSF", "molecule.FLT3LG", "molecule.TGFA"), "the reviews say who makes it"),
        "molecule.EMT": "a mark that is shown",
    }
    made = findings(load_catalogue())
    assert {one.place for one in made if not one.place.startswith("reference.")} <= set(known)
    assert {one.what for one in made if one.place.startswith("reference.")} <= {
        "a paper without a DOI or an address in PubMed"
    }
