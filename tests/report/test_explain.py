"""The model in plain English keeps up with the model."""

from __future__ import annotations

import re

import pytest

from tests.support.models import AIR, dish
from tme_abm.biology import load_catalogue
from tme_abm.biology.catalogue import in_words
from tme_abm.model import SCHEDULE
from tme_abm.report.explain import explain
from tme_abm.scenario import load


@pytest.fixture(scope="module")
def text() -> str:
    protocol = '[{do = "block", receptor = "PD1", fraction = 0.9, start = "2 day"}]'
    traits = [f"tumor.traits.{trait}" for trait in ("antigenicity=0.15", "mhc1=0.3", "induced_mhc1=1.2")]
    return explain(load("cold", [*traits, f"protocol={protocol}"]))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_every_rule_is_said_with_its_basis(text: str) -> None:
    catalogue = load_catalogue()
    said = re.sub(r"(the tumor's \w+) \(.*?\)", r"\1", flat(text))
    for sentence in catalogue.sentences():
        _, _, rest = sentence.partition(", ")
        rest = re.sub(r"e\+0?(\d)\b", lambda found: "×10" + "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(found[1])], rest)
        assert f"{rest[:1].upper()}{rest[1:]} [" in said
    rule = catalogue.rules[0]
    assert f"[{', '.join((rule.basis, *rule.source))}]" in said


def test_a_pathway_is_named_with_its_rule(text: str) -> None:
    rule = next(rule for rule in load_catalogue().rules if rule.pathway)
    said = f"{rule.signal} {rule.effect} {in_words(rule.behavior)} through {' and '.join(rule.pathway)} "
    assert said[:1].upper() + said[1:] in flat(text)


def test_a_dish_without_tumor_immune_mix_and_vessels_is_described() -> None:
    said = flat(explain(dish(AIR, {"do": "add", "cell": "CD8", "count": 4, "x": ["0 um", "60 um"]})))
    assert "There is no tumor at the start" in said
    assert "Blood vessels: none." in said
    assert "1. hold OXYGEN at 45 µM" in said
    assert "2. add 4 CD8, x 0 µm to 60 µm, at the start" in said
    assert "among immune cells" not in said


def test_processes_come_in_the_order_of_the_schedule(text: str) -> None:
    step = text[text.index("## What happens in a step") : text.index("## How rules combine")]
    places = [step.index(f" {name}: ") for name, _ in SCHEDULE]
    assert places == sorted(places)
    assert "Sub-lethal damage heals unless further hits come in time." in flat(step)


def test_the_tumor_and_what_is_done_to_it_are_described(text: str) -> None:
    said = flat(text)
    usual = load_catalogue().traits["antigenicity"].value
    assert f"antigenicity = 0.15 *; usual value {usual:g}." in said
    assert "pdl1 = 1." in said
    assert "block PD1 by 90%, from 2 day" in said
    assert "700 tumor cells" in said


def test_sentences_give_the_numbers_of_this_tumor(text: str) -> None:
    said = flat(text)
    assert "- expression of MHC1: the tumor's mhc1 (0.3) [a trait]" in said
    moves = r"from the tumor's mhc1 \(0.3\) towards the tumor's induced_mhc1 \(1.2\) \(half-max"
    assert re.search(r"expression of MHC1( through \S+( and \S+)*)? " + moves, said)
    assert not re.search(r"\de\+", said)
    assert re.search(r"\d×10[⁶-⁹] molecules/cell/min", said)


def test_the_blood_is_said_to_fill_up_and_to_lose_a_surplus() -> None:
    said = flat(explain(load("cold", ["blood.CD8.loss=0.5 /h"])))
    assert "CD8 (1 /h; 0.5 /h where there are too many)" in said


def test_a_rule_compares_in_one_unit_and_lowers_no_nothing(text: str) -> None:
    moves = re.findall(r" from ([\d.×⁰-⁹]+) (\S+) towards ([\d.×⁰-⁹]+) (\S+) \(", flat(text))
    assert len(moves) > 50
    assert [move for move in moves if move[1] != move[3]] == []
    assert " from 0 towards 0 " not in flat(text)


def test_every_source_used_is_listed_and_lines_are_short(text: str) -> None:
    sources = text[text.index("## Sources") :]
    used = {source for _, parameter in load_catalogue().parameters() for source in parameter.source}
    assert all(f"- {source}: " in sources for source in used)
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 100
