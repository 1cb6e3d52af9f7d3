"""Assay files: what they may say, templates and sweeps, and how they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tme_abm.core.errors import InputError
from tme_abm.evidence.assays import load_assays

PLAIN = """
[[assay]]
id = "plain"
title = "IL-6 speeds division"
claims = ["A-IL6-02"]
dish = "culture"
duration = "2 h"
cells = [{ cell = "tumor", count = 20 }]
[assay.arms]
control = []
treated = [{ do = "hold", molecule = "IL6", level = "1 nM" }]
[[assay.expect]]
readout = "divisions of tumor"
arm = "treated"
against = "control"
direction = "up"
smallest = "10 %"
"""

FAMILY = """
[[family]]
name = "axis"
id = "axis-{ligand}"
title = "{ligand} draws {cell}"
dish = "chamber"
duration = "6 h"
cells = [{ cell = "{cell}", count = "{number}" }]
[family.arms]
bath = [{ do = "hold", molecule = "{ligand}", level = "0.5 nM" }]
gradient = [{ do = "hold", molecule = "{ligand}", level = "0 nM", to = "1 nM" }]
[[family.expect]]
readout = "drift of {cell}"
arm = "gradient"
against = "bath"
direction = "up"
[[family.member]]
claims = ["B-DCT-02"]
ligand = "CXCL10"
cell = "CD8"
number = 12
id = "axis-cxcl10"
[[family.member]]
claims = ["B-TAM-04"]
ligand = "CCL2"
cell = "TAM"
number = 12
id = "axis-ccl2"
duration = "3 h"
"""

SWEEP = (
    PLAIN.replace('id = "plain"', 'id = "swept"\nsweep = { name = "IL6", values = ["0 nM", "1 nM", "2 nM"] }')
    .replace('level = "1 nM"', 'level = "{value}"')
    .replace('arm = "treated"', 'arm = "treated @ 2 nM"')
    .replace('against = "control"', 'against = "treated @ 0 nM"')
)


def write(folder: Path, text: str) -> Path:
    (folder / "some.toml").write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as refused:
        load_assays(write(folder, text))
    return str(refused.value)


def test_an_assay_is_read(tmp_path: Path) -> None:
    (assay,) = load_assays(write(tmp_path, PLAIN)).values()
    assert assay.minutes == (0.0, 120.0)
    assert list(assay.arms) == ["control", "treated"]
    assert assay.expect[0].smallest_beside(-3.0) == pytest.approx(0.3)
    assert assay.expected_of("A-IL6-02") == assay.expect


def test_a_family_is_filled_member_by_member(tmp_path: Path) -> None:
    assays = load_assays(write(tmp_path, FAMILY))
    assert list(assays) == ["axis-cxcl10", "axis-ccl2"]
    first, second = assays.values()
    assert first.cells[0] == {"cell": "CD8", "count": 12}  # a hole alone takes the value as it is, not as text
    assert second.arms["gradient"][0]["molecule"] == "CCL2"
    assert second.expect[0].readout == "drift of TAM"
    assert (first.duration, second.duration) == ("6 h", "3 h")


def test_a_sweep_makes_one_arm_a_value(tmp_path: Path) -> None:
    (assay,) = load_assays(write(tmp_path, SWEEP)).values()
    assert list(assay.arms) == ["control", "treated @ 0 nM", "treated @ 1 nM", "treated @ 2 nM"]
    assert assay.arms["treated @ 2 nM"][0]["level"] == "2 nM"
    assert assay.sweep is not None
    assert assay.sweep.curves == {"treated": ("treated @ 0 nM", "treated @ 1 nM", "treated @ 2 nM")}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('arm = "treated"', 'arm = "trated"', "expects something of the arm 'trated'; the arms are control, treated"),
        ('claims = ["A-IL6-02"]', 'claims = ["A-IL6-99"]', "no claim 'A-IL6-99'"),
        ('smallest = "10 %"', 'smallest = "ten"', 'a share such as "10 %"'),
        ('duration = "2 h"', 'duration = "2 nM"', "duration"),
        ('duration = "2 h"', "duration = 2", "duration"),
        ('direction = "up"', 'direction = "upwards"', "direction"),
        ('direction = "up"\nsmallest = "10 %"', 'direction = "none"', "an expected effect of the same readout"),
        ('direction = "up"', 'direction = "rising"', "goes through at least two 'arms'"),
        ('dish = "culture"', 'dish = "culture"\nwels = 3', "wels"),
        (
            'duration = "2 h"',
            'duration = "2 h"\ncommon = [{ do = "fix", behavior = "division", value = "1 /day", cells = ["tumor"] }]',
            "a behavior may only be switched off",
        ),
        ("[[assay.expect]]", "[[assay.expects]]", "expects"),
    ],
)
def test_what_an_assay_cannot_say_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in PLAIN
    message = refusal(tmp_path, PLAIN.replace(old, new))
    assert "some.toml" in message
    assert said in message


def test_a_claim_that_nothing_is_expected_for_is_refused(tmp_path: Path) -> None:
    text = PLAIN.replace('claims = ["A-IL6-02"]', 'claims = ["A-IL6-02", "B-GRO-07"]').replace(
        "[[assay.expect]]", '[[assay.expect]]\nclaims = ["A-IL6-02"]'
    )
    assert "expects nothing for the claim 'B-GRO-07'" in refusal(tmp_path, text)


def test_a_hole_that_a_member_does_not_fill_is_refused(tmp_path: Path) -> None:
    assert "{number}" in refusal(tmp_path, FAMILY.replace("number = 12\n", "", 1))


def test_two_assays_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "two assays 'plain'" in refusal(tmp_path, PLAIN + PLAIN)
