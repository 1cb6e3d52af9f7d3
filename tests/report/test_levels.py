"""The page of levels has budgets, the reach of rules, and what tumors have, and needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.page import Page
from tme_abm.levels.results import Budget, Levels, Part, Pull, RuleLevels, Seen, Spread, overall
from tme_abm.report.levels import (
    absences,
    change_of,
    changes,
    headline,
    level_range,
    ratio,
    reach_plot,
    render,
    summary,
    write_page,
)

LOW = Spread(count=80, low=0.004, median=0.005, high=0.006)


def rule(signal: str, *, waits: str = "", claims: tuple[str, ...] = (), **tumors: Seen) -> RuleLevels:
    return RuleLevels(
        cell="CD8", behavior="attack", signal=signal, effect="decreases", quantity="concentration", power=1.0,
        waits=waits, claims=claims, status=overall(tumors), tumors=tumors,
    )  # fmt: skip


def near(low: float, high: float, **more: object) -> Seen:
    levels = {
        place: Spread(count=9, low=low * factor, median=low * factor, high=high * factor)
        for place, factor in (("core", 1.0), ("margin", 0.5))
    }
    table = {"half_max": 10.0, "levels": levels, "reach": 0.5}
    return Seen.model_validate(table | more)


BUDGET = Budget(
    tumor="hot", cell="CD8", behavior="attack", quantity="rate", base=0.03, value={"core": 0.01},
    by_day={"core": (0.02, None)}, cells={"core": 1234},
    pulls=(
        Pull(
            signal="NO", effect="decreases", quantity="concentration", half_max=10.0, power=2.0, towards=0.005,
            parts={"core": Part(level=LOW, weight=0.77, without=0.016, by_day=(0.03, None))},
        ),
        Pull(
            signal="own activation", effect="scales", quantity="number", half_max=0.5, power=4.0, towards=1.0,
            parts={"core": Part(level=LOW, weight=0.0, without=0.01, by_day=(0.02, None))},
        ),
    ),
)  # fmt: skip
FOUND = Levels(
    version="1", command="tme-abm levels hot cold", seed=5, days=(3.0, 10.0), tumors=("hot", "cold"),
    rules=(
        rule("NO", hot=near(5.0, 11.0, change=0.005), cold=near(0.1, 0.2, change=-0.3)),
        rule("IL2", hot=near(0.004, 0.006), cold=near(0.2, 0.6), waits="Waits for a dose <of> IL-2."),
        rule("LAG3", hot=near(5.0, 11.0, change=0.005), cold=near(0.0, 0.0, change=-0.009), claims=("B-REC-02",)),
        rule("TKI", hot=near(0.0, 0.0, absent="no TKI"), cold=near(0.0, 0.0, absent="no TKI")),
    ),
    budgets=(BUDGET,),
    molecules={"IL2": {"hot": {"core": LOW}}},
    densities={"CD8": {"hot": {"core": (1e-4, 8e-4)}}},
)  # fmt: skip


@pytest.fixture(scope="module")
def raw() -> str:
    return render(FOUND)


def test_budget_reach_and_levels_are_on_the_page(raw: str) -> None:
    said = Page(raw).text
    for words in (
        "1 of 4 rules are idle in hot and cold",
        "CD8 attack in hot", "core: 0.6 /h (day 3 1.2, day 10 –; n = 1,234)", "base: 1.8 /h",
        "↓ 0.3 /h", "10 nM 2", "5 pM 4–6 pM", "0.77", "0.96 /h +60 %", "+50 –", "× gate",
        "IL2 ↓ attack Waits for a dose <of> IL-2.", "0.2–0.6 nM", "0.06 ×", "no TKI",
        "100–800 /mm²", "B-REC-02", "−30 %", "tme-abm levels hot cold",
    ):  # fmt: skip
        assert words in said, words


def test_nothing_is_fetched(raw: str) -> None:
    assert not {"link", "iframe", "img", "object", "script"} & {tag for tag, _ in Page(raw).tags}
    assert not re.search(r"@import|url\(", raw)


def test_ranges_share_a_unit() -> None:
    assert level_range((0.5, 20.0), "concentration") == "0.5–20 nM"
    assert level_range((0.0, 0.0), "number") == "0"
    assert level_range((1e-12, 0.5), "number") == "0–0.5"
    assert level_range(None, "number") == "–"


def test_figures_of_rules_and_budgets() -> None:
    assert [ratio(one.tumors[one.nearest]) for one in FOUND.rules] == ["1 ×", "0.06 ×", "1 ×", "<0.0001 ×"]
    assert [change_of(one) for one in FOUND.rules] == ["−30 %", "0 %", "−0.9 %", "0 %"]
    assert change_of(rule("NO", hot=near(1, 2, change=None), cold=near(1, 2))) == "from 0"
    assert [changes(BUDGET, pull, "core") for pull in BUDGET.pulls] == ["+60 %", "0 %"]
    assert headline(BUDGET, FOUND.days)[1] == "margin: nobody there to ask"
    assert summary(FOUND) == (
        "1 of 4 rules are idle in all of hot and cold (1 note says why); 1 are absent; "
        "1 are in reach and change their behavior by less than 1 %"
    )
    assert [(missing, len(rules)) for missing, rules in absences(FOUND)] == [("no TKI", 1)]


def test_a_range_is_drawn_where_it_is() -> None:
    drawn = reach_plot(near(0.01, 1.0))
    blue = re.search(r'class="wanted" x="([\d.]+)"', drawn)
    core = re.search(r'class="core" d="M([\d.]+) 8H([\d.]+)"', drawn)
    assert blue is not None
    assert core is not None
    assert float(core[1]) < float(core[2]) - 1.5 == pytest.approx(float(blue[1]), abs=0.1)  # it ends at a tenth
    assert 'class="core"' not in reach_plot(Seen(half_max=1.0, levels={}))


def test_the_page_is_written(raw: str, tmp_path: Path) -> None:
    write_page(FOUND, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == raw
