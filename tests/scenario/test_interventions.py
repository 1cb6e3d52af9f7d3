"""Every intervention says what it does, and which draws it takes."""

from __future__ import annotations

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.scenario import intervention, load
from tme_abm.scenario.protocol import INTERVENTIONS, lanes

SAID = [
    ('do = "block", receptor = "PD1", fraction = 0.9, start = "36 h"', "block PD1 by 90%, from 1.5 day"),
    ('do = "block", receptor = "PD1", fraction = 0.905, cells = ["Th1"]', "block PD1 by 90.5% in Th1"),
    (
        'do = "block", receptor = "CXCR3", inhibitor = "3 nM", ki = "1 nM"',
        "block CXCR3 by 75% (inhibitor 3 nM, Ki 1 nM)",
    ),
    ('do = "inhibit", pathway = "STAT3"', "inhibit STAT3 by 100%"),
    ('do = "inhibit", pathway = "STAT3", cells = ["tumor"]', "inhibit STAT3 by 100% in tumor"),
    ('do = "neutralize", molecule = "IL6", fraction = 0.8, stop = "2 h"', "neutralize 80% of IL6, until 2 h"),
    ('do = "hold", molecule = "IL6", level = "1 nM"', "hold IL6 at 1 nM"),
    (
        'do = "hold", molecule = "IL6", level = "1 nM", to = "0 nM", start = "1 h", stop = "2 h"',
        "hold IL6 at 1 nM to 0 nM along x, from 1 h until 2 h",
    ),
    ('do = "dose", route = "bath", molecule = "IL2", rate = "1 pM/min"', "dose IL2 by bath at 1 pM/min"),
    (
        'do = "dose", route = "depot", molecule = "IL2", rate = "90 molecules/cell/min", place = ["9 um", "6 um"], '
        'radius = "40 um"',
        "dose IL2 by depot at 90 molecules/min, within 40 µm of (9 µm, 6 µm)",
    ),
    (
        'do = "dose", route = "vessels", molecule = "IL2", level = "1 nM", exchange = "0.5 /min"',
        "dose IL2 by vessels at 1 nM (exchange 0.5 /min)",
    ),
    ('do = "deplete", cells = ["TAM", "Treg"], rate = "2 /day"', "deplete TAM, Treg at 2 /day"),
    ('do = "infuse", cell = "CD8", count = 5000, start = "2 day"', "infuse 5,000 CD8, at 2 day"),
    ('do = "add", cell = "CD8", count = 1200, start = "12 h"', "add 1,200 CD8, at 12 h"),
    ('do = "add", cell = "TAM", density = "30 /mm^2"', "add 30 TAM/mm², at the start"),
    (
        'do = "add", cell = "CD8", count = 4, x = ["0 um", "60 um"], activation = 0.5',
        "add 4 CD8, x 0 µm to 60 µm, activation 0.5, at the start",
    ),
    ('do = "fix", behavior = "speed", value = "0.1 um/s", cells = ["NK"]', "fix speed of NK at 6 µm/min"),
    ('do = "knock out", product = "IFNG"', "knock out IFNG"),
    ('do = "knock out", product = "CXCR3", cells = ["CD8"]', "knock out CXCR3 in CD8"),
    ('do = "set trait", trait = "mhc1", value = 0.25', "set mhc1 to 0.25"),
]


@pytest.mark.parametrize(("table", "words"), SAID)
def test_an_intervention_is_said_in_few_words(table: str, words: str) -> None:
    (item,) = load("hot", [f"protocol=[{{{table}}}]"]).protocol
    assert item.says(load_catalogue()) == words


def test_every_kind_is_said() -> None:
    said = {type(item) for table, _ in SAID for item in load("hot", [f"protocol=[{{{table}}}]"]).protocol}
    assert said == set(INTERVENTIONS)


def test_a_table_alone_is_refused_with_its_key() -> None:
    with pytest.raises(InputError, match=r"arm: do: unknown value 'blok'"):
        intervention({"do": "blok"}, name="arm")
    with pytest.raises(InputError, match=r"arm: fraction: should be between 0 and 1, not 2"):
        intervention({"do": "block", "receptor": "PD1", "fraction": 2}, name="arm")


def test_chances_hang_on_earlier_items_that_do_the_same_to_the_same_cells() -> None:
    items = [
        {"do": "deplete", "cells": ["TAM", "NK"], "rate": "1 /day"},
        {"do": "neutralize", "molecule": "IL2", "fraction": 1},
        {"do": "add", "cell": "NK", "count": 1},
        {"do": "deplete", "cells": ["Treg"], "rate": "1 /day"},
        {"do": "deplete", "cells": ["NK"], "rate": "1 /day"},
        {"do": "deplete", "cells": ["NK", "Treg"], "rate": "1 /day"},
        {"do": "add", "cell": "NK", "count": 1},
        {"do": "add", "cell": "CD8", "count": 1},
    ]
    assert lanes([intervention(item) for item in items]) == [0, 0, 0, 0, 1, 2, 1, 0]
