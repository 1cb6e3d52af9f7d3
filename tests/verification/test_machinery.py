"""Bounds, verdicts, choosing, reporting: the frame in which the checks stand."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import k0

from tme_abm.cli import main
from tme_abm.core.errors import InputError
from tme_abm.report.verification import picture, render
from tme_abm.verification import Works, run_check, run_checks, running, select
from tme_abm.verification.check import Check, Found, at_least, at_most, between, judge, near, plot
from tme_abm.verification.lattices import SPACING, evolved, green
from tme_abm.verification.migration import fuerth, spread


def toy(name: str = "toy", value: float = 1.0, *, quick: bool = True) -> Check:
    @Check(
        name=name, topic="Toys & <tools>", says="A toy.", formula="x = 1", source="a book (doi:10.1000/182)",
        bounds=(near("x", 1.0, within=np.float64(0.1), unit="µm", reason="a reason < another"),  # as many bounds are
                at_most("size", 2.0, reason="of a toy")),
        quick=quick,
        defect=Works(), defect_says="nothing",
    )  # fmt: skip
    def measured(works: Works) -> Found:
        return {"x": value, "size": 0.5}, [plot("Toy", "x", "y", [("one", [1, 2], [3, 4], "dots")], log="x")]

    return measured


def broken() -> Check:
    def raises(works: Works) -> Found:
        raise ArithmeticError("no digits left")

    return replace(toy("broken"), measure=raises)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.91, "holds"), (1.09, "holds"), (0.89, "fails"), (1.11, "fails"), (math.nan, "fails"), (math.inf, "fails")],
)
def test_a_figure_must_lie_within_its_bound(value: float, verdict: str) -> None:
    assert run_check(toy(value=value)).verdict == verdict


def test_the_strain_is_the_share_of_the_tolerance() -> None:
    def strain(bound, value):
        one = replace(toy(), bounds=(bound,))
        return judge(one, ({bound.figure: value}, ()), 0.0).figures[0].strain

    assert strain(near("x", 5.0, within=2.0, reason="-"), 6.0) == pytest.approx(0.5)
    assert strain(between("x", 2.0, 16.0, reason="-"), 16.0) == pytest.approx(1.0)
    assert strain(at_most("x", 4.0, reason="-"), 1.0) == pytest.approx(0.25)
    assert strain(at_least("x", 4.0, reason="-"), 8.0) == pytest.approx(0.5)
    assert strain(at_least("x", 4.0, reason="-"), 2.0) == pytest.approx(2.0)
    assert strain(at_most("x", 0.0, reason="-"), 0.0) == 0.0
    assert strain(at_most("x", 0.0, reason="-"), 1.0) == math.inf
    assert strain(at_most("x", 4.0, reason="-"), math.nan) == math.inf


def test_a_figure_without_a_bound_is_a_mistake_and_so_is_a_bound_without_a_figure() -> None:
    with pytest.raises(ValueError, match=r"toy: figures and bounds differ: \['y'\]"):
        judge(toy(), ({"x": 1.0, "size": 1.0, "y": 2.0}, ()), 0.0)
    with pytest.raises(ValueError, match=r"\['size'\]"):
        judge(toy(), ({"x": 1.0}, ()), 0.0)


def test_a_check_that_raises_did_not_run_and_hides_no_other() -> None:
    report = run_checks([broken(), toy()], jobs=1)
    assert [one.verdict for one in report.checks] == ["did not run", "holds"]
    assert report.checks[0].error == "ArithmeticError: no digits left"
    assert report.counts() == {"holds": 1, "did not run": 1}


def test_checks_are_chosen_by_name_pattern_and_quickness() -> None:
    assert [one.name for one in select(["order-*"])] == ["order-in-space", "order-in-time"]
    assert {one.quick for one in select()} == {True, False}
    assert {one.quick for one in select(quick=True)} == {True}
    with pytest.raises(InputError, match="Did you mean 'kill-rate'"):
        select(["kil-rate"])
    with pytest.raises(InputError, match="quick"):
        select(["kill-rate"], quick=True)


def test_side_by_side_is_the_same_as_one_after_the_other() -> None:
    checks = select(["site-is-a-cell", "steady-gradient"])
    one, other = run_checks(checks, jobs=1), run_checks(checks, jobs=2)
    assert [c.check.name for c in other.checks] == [c.name for c in checks]
    for a, b in zip(one.checks, other.checks, strict=True):
        assert [f.value for f in a.figures] == [f.value for f in b.figures]
        assert a.plots == b.plots


def test_the_page_needs_nothing_else_and_shows_every_figure() -> None:
    page = render(run_checks([toy(), toy("bad", 7.5), broken()], jobs=1, command="python run.py verify"))
    assert "1 of 3 checks hold" in page
    assert "2 checks did not hold" in page
    assert "no digits left" in page
    assert "a reason &lt; another" in page
    assert "Toys &amp; &lt;tools&gt;" in page
    assert '<a href="https://doi.org/10.1000/182">doi:10.1000/182</a>)' in page
    assert page.count("data:image/svg+xml;base64,") == 2
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:|https://doi\.org/)', page)


def test_ticks_of_a_long_logarithmic_axis_are_powers_of_ten_in_plain_text() -> None:
    drawn = picture(plot("Toy", "x", "y", [("one", [1, 2], [1e-5, 1e-2], "dots")], log="xy")).decode()
    assert "<!-- 10⁻³ -->" in drawn
    assert "mathdefault" not in drawn


def test_the_command_writes_table_page_and_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(running, "all_checks", lambda: {"toy": toy(), "bad": toy("bad", 7.5, quick=False)})
    assert main(["verify", "--quick", "--jobs", "1", "--out", str(tmp_path / "v")]) == 0
    out, err = capsys.readouterr()
    assert "1 checks: 1 holds" in out
    assert "1 of 1  toy: holds" in err
    assert main(["verify", "--jobs", "1", "--out", str(tmp_path / "v"), "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert "bad: x: 7.5 µm, allowed 1 ± 0.1 µm (a reason < another)" in out
    assert "1 of 2 checks did not hold" in err
    content = json.loads((tmp_path / "v" / "verification.json").read_text())
    assert [one["verdict"] for one in content["checks"]] == ["holds", "fails"]
    assert content["checks"][1]["figures"][0]["measured"] == 7.5
    assert content["checks"][1]["figures"][1]["low"] is None
    assert "1 of 2 checks hold" in (tmp_path / "v" / "verification.html").read_text()
    assert main(["verify", "--only", "tay", "--out", str(tmp_path / "w")]) == 2
    assert "Did you mean 'toy'" in capsys.readouterr().err


# ------------------------------------------------------------------- the answers that checks are held against


def test_the_lattice_green_function_solves_its_equation() -> None:
    constants = {"diffusivity": 360.0, "decay": 0.1, "spacing": 15.0}
    for ndim in (2, 3):
        at = np.array([[0] * ndim, [3] + [1] * (ndim - 1)])
        for place, expected in zip(at, (1.0, 0.0), strict=True):
            steps = np.concatenate([np.eye(ndim, dtype=int), -np.eye(ndim, dtype=int)])
            here = green(place[None], **constants)[0]
            around = green(place + steps, **constants)
            left = 0.1 * here - 360.0 / 225.0 * (around - here).sum()
            assert left == pytest.approx(expected, abs=1e-12)
    far = green(np.array([[60, 0]]), diffusivity=1e4, decay=0.01, spacing=15.0)[0]
    assert far == pytest.approx(225.0 * k0(900 / 1000) / (2 * np.pi * 1e4), rel=1e-3)


def test_a_small_lattice_taken_apart_obeys_its_equation() -> None:
    rng = np.random.default_rng(1)
    shape = (3, 4)
    start, source, uptake = rng.random(shape), rng.random(shape), rng.random(shape)
    given = {"diffusivity": 50.0, "decay": 0.1, "uptake": uptake, "spacing": 15.0}
    before, now, after = (evolved(start, source, time, **given) for time in (1.999, 2.0, 2.001))
    padded = np.pad(now, 1, mode="edge")
    bend = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2] - 4 * now
    np.testing.assert_allclose((after - before) / 0.002, 50.0 / 225.0 * bend - (0.1 + uptake) * now + source, atol=1e-7)


def test_the_hop_rule_tends_to_the_walk_without_a_lattice() -> None:
    """The longer the persistence, the less the lattice adds."""
    more = []
    for persistence in (5.0, 50.0, 500.0):
        law = {"speed": 4.0, "persistence": persistence}
        more.append(spread(40 * persistence, dt=SPACING / 4.0, **law) / fuerth(40 * persistence, **law) - 1)
    assert more == sorted(more, reverse=True)
    assert more[0] == pytest.approx(0.44, abs=0.03)
    assert more[2] < 0.01
