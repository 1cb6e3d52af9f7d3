"""What the catalogue says in vain is refused, with the file, the place, what is allowed and the nearest word."""

from __future__ import annotations

import re

import pytest

from tme_abm.biology import Pack, load_catalogue
from tme_abm.core.errors import InputError

REASON = 'basis = "assumed"\nnote = "a test"\n'


def base(cell: str, behavior: str, value: str, more: str = "") -> str:
    return f'[cell.{cell}.behaviors."{behavior}"]\nvalue = {value}\n{REASON}{more}'


def rule(cell: str, signal: str, effect: str, behavior: str, towards: str, half_max: str, more: str = "") -> str:
    words = f'[[rule]]\ncell = "{cell}"\nsignal = "{signal}"\neffect = "{effect}"\nbehavior = "{behavior}"\n'
    return f"{words}towards = {towards}\nhalf_max = {half_max}\n{more}{REASON}"


MEMORY = 'memory = { value = "6 h", basis = "assumed", note = "a test" }\n'
FLAG = '[molecule.FLAG]\nname = "Flag"\nreach = "contact"\n'
KILLER = '[cell.KILLER]\nname = "killer"\nagent = "KILLER"\nlayer = "immune"\n'
CLONE = '[cell.CLONE]\nname = "clone"\nagent = "CLONE"\nlayer = "tissue"\n' + base("CLONE", "lethal damage", "3")
FLAGGED = f'[receptor.FLAGR]\nname = "Flag receptor"\n[receptor.FLAGR.ligands.FLAG]\nvalue = 1\n{REASON}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            base("tumor", "speed", '"1 um/min"'),
            r"cell.tumor.behaviors.speed: only leukocytes have speed, not tumor. Allowed: CD8, ",
        ),
        (
            rule("tumor", "IFNG", "increases", "chemotaxis", "2", '"1 nM"'),
            r"rule \(tumor: IFNG increases chemotaxis\): only leukocytes have chemotaxis, not tumor. Allowed: CD8",
        ),
        (base("CD8", "adhesion", "1"), r"only vessels have adhesion, not CD8. Allowed: endothelium"),
        (base("endothelium", "apoptosis", '"1 /day"'), r"endothelium is a vessel, and vessels have no 'apoptosis'"),
        (
            base("Th1", "attack", '"1 /min"'),
            r"Th1 has no attack, for it sees and hunts nobody; give it 'sees' and 'hunts'. Allowed: CD8, NK",
        ),
        (
            base("TAM", "lethal damage", "3"),
            r"TAM has no lethal damage, for nobody hunts it; only cells of the tissue layer can be hunted. Allowed: tu",
        ),
        (CLONE, r"""CLONE has no lethal damage, .* as in \[cell.CD8\] hunts = \["CLONE"\]. Allowed: tumor\.$"""),
        (base("TAM", "antigen visibility", "1"), r"TAM has no antigen visibility, for nobody who sees that hunts it"),
        (
            base("Th1", "differentiation tumor", '"1 /day"'),
            r"Th1 cannot become tumor, only another cell of the immune layer. Allowed: CD8, Treg",
        ),
        (base("Th1", "differentiation Th1", '"1 /day"'), r"Th1 cannot become Th1, only another cell"),
        (
            rule("endothelium", "own activation", "increases", "adhesion", "1", "0.5"),
            r"'own activation' is nothing here: endothelium is a vessel",
        ),
        (
            rule("CD8", "exposure to IL2", "increases", "extravasation", '"2 /day"', '"1 nM"', MEMORY),
            r"'exposure to IL2 over 6 h' is nothing here: CD8 is still in the blood|'exposure to IL2' is nothing here",
        ),
        (
            rule("CD8", "contact with endothelium", "decreases", "speed", '"0 um/min"', "0.1"),
            r"'contact with endothelium' is always zero: vessels are no cells on sites. Allowed: .*dead",
        ),
        (
            FLAG + rule("CD8", "FLAG", "decreases", "speed", '"0 um/min"', "0.1"),
            r"'FLAG' is always zero: no cell shows FLAG. Allowed: .*PDL1",
        ),
        (
            FLAG + rule("CD8", "exposure to FLAG", "decreases", "speed", '"0 um/min"', "0.1", MEMORY),
            r"'exposure to FLAG' is always zero: no cell shows FLAG",
        ),
        (
            rule("TAM", "own damage", "increases", "apoptosis", '"1 /day"', "0.1"),
            r"'own damage' is always zero: TAM has no 'lethal damage'. Allowed: tumor",
        ),
        (
            rule("NK", "own HIF1A", "increases", "apoptosis", '"1 /day"', "0.1"),
            r"'own HIF1A' is always zero: NK has no 'expression HIF1A'. Allowed: tumor, ",
        ),
        (
            rule("NK", "IL10", "decreases", "secretion CCL22", '"0 molecules/cell/min"', '"1 nM"'),
            r"NK has no secretion CCL22 to decrease: its base is 0, and no rule increases it",
        ),
        (
            f'[cell.tumor.receptors.CXCR4]\nvalue = 1\n{REASON}',
            r"cell.tumor.receptors.CXCR4: tumor has no chemotaxis, so it cannot follow CXCR4; give it the weight 0",
        ),
        (
            FLAG + FLAGGED + base("tumor", "expression FLAG", "1") + f'[cell.CD8.receptors.FLAGR]\nvalue = 1\n{REASON}',
            r"cell.CD8.receptors.FLAGR: no ligand of FLAGR diffuses, so CD8 cannot follow it; give",
        ),
        (
            f'[cell.endothelium.uptake.IL2]\nvalue = "10 um^3/min"\n{REASON}',
            r"endothelium is a vessel, and vessels have no uptake",
        ),
        (KILLER + 'sees = "antigen"\n', r"KILLER sees antigen but hunts nobody; give 'hunts'. Allowed: tumor"),
        (KILLER + 'hunts = "tumor"\n', r"KILLER hunts but sees nothing; give 'sees'. Allowed: antigen, stress"),
        (
            KILLER + 'sees = "antigen"\nhunts = "TAM"\n',
            r"KILLER hunts TAM, which is no cell of the tissue layer, where targets are looked for. Allowed: tumor",
        ),
        (
            '[cell.WALL]\nname = "wall"\nagent = "WALL"\nlayer = "tissue"\npool = "CD8"\n',
            r"WALL is no leukocyte, so it comes from no pool of the blood",
        ),
        (
            f'[trait.vigor]\nkind = "number"\ndescription = "A test."\nvalue = 1\n{REASON}',
            r"trait.vigor: nothing takes its value from this trait; write 'trait:vigor' where it is due",
        ),
    ],
)  # fmt: skip
def test_it_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load_catalogue(packs=(Pack(name="odd.toml", toml=text),))
    message = str(refused.value)
    assert "odd.toml" in message
    assert re.search(said, message), message


@pytest.mark.parametrize(
    "text",
    [
        FLAG + base("tumor", "expression FLAG", "1") + rule("CD8", "FLAG", "decreases", "speed", '"0 um/min"', "0.1"),
        FLAG + base("tumor", "expression FLAG", "1")
        + rule("CD8", "exposure to FLAG", "decreases", "speed", '"0 um/min"', "0.1", MEMORY),
        base("Treg", "differentiation Th1", '"1 /day"'),
        rule("Treg", "own activation", "increases", "apoptosis", '"1 /day"', "0.5"),
        CLONE + '[cell.CD8]\nhunts = ["CLONE"]\n[cell.NK]\nhunts = "CLONE"\n',
        KILLER + 'sees = "stress"\nhunts = "tumor"\n' + base("KILLER", "attack", '"1 /min"'),
    ],
)  # fmt: skip
def test_what_can_act_is_accepted(text: str) -> None:
    assert load_catalogue(packs=(Pack(name="odd.toml", toml=text),)).rules


def test_a_later_file_adds_prey() -> None:
    found = load_catalogue(packs=(Pack(name="clone.toml", toml=CLONE + '[cell.CD8]\nhunts = ["CLONE"]\n'),))
    assert found.cells["CD8"].hunts == ("tumor", "CLONE")
    assert found.file_of("cell.CD8.hunts") == "clone.toml"
    with pytest.raises(InputError, match=r"cell\.CD8: is in cells/CD8\.toml already"):
        load_catalogue(packs=(Pack(name="odd.toml", toml='[cell.CD8]\nhunts = "tumor"\n'),))
