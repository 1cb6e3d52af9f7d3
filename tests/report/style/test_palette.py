"""Colors stay apart for eyes that miss one kind of cone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tme_abm.report.style.palette import (
    CELLS,
    DEAD,
    EMPTY,
    STATES,
    cell_color,
    cell_shape,
    rgb,
    scenario_colors,
)

# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


def linear(color: str) -> np.ndarray:
    c = np.array(rgb(color)) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(color: str, vision: str) -> np.ndarray:
    seen = np.clip(np.array(VISION[vision]) @ linear(color), 0, 1)
    t = TO_XYZ @ seen / WHITE
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(a: str, b: str, vision: str) -> float:
    return float(np.linalg.norm(lab(a, vision) - lab(b, vision)))


# A difference of 2 is just visible in large patches; dots of a few pixels need ten times that. Tritan vision
# (one in 30,000) is allowed less.
@pytest.mark.parametrize(("vision", "least"), [("normal", 35), ("deutan", 23), ("protan", 23), ("tritan", 15)])
def test_leukocytes_and_the_ground_they_lie_on_can_be_told_apart(vision: str, least: float) -> None:
    colors = {**CELLS, "dead": DEAD, "stroma": EMPTY}
    pairs = [pair for pair in combinations(colors, 2) if set(pair) != {"tumor", "stroma"}]
    found = {pair: distance(colors[pair[0]], colors[pair[1]], vision) for pair in pairs}
    worst = min(found, key=lambda pair: found[pair])
    assert found[worst] >= least, f"{worst} are {found[worst]:.1f} apart"
    assert distance(CELLS["tumor"], EMPTY, vision) >= 15


@pytest.mark.parametrize("vision", ["normal", "deutan", "protan"])
def test_scenario_lines_can_be_told_apart(vision: str) -> None:
    colors = scenario_colors(["a", "hot", "b", "cold", "excluded", "c"]).values()
    assert len(set(colors)) == 6
    assert min(distance(a, b, vision) for a, b in combinations(colors, 2)) > 10


def test_white_text_on_a_state_is_legible() -> None:
    weights = np.array([0.2126, 0.7152, 0.0722])
    for color in STATES.values():
        assert 1.05 / (weights @ linear(color) + 0.05) >= 4.5  # WCAG 2 level AA


def test_names_are_forgiven_and_unknown_ones_keep_a_color() -> None:
    assert cell_color("PMN-MDSC") == cell_color("PMN-MDSC") == CELLS["PMN-MDSC"]
    assert cell_color("Neverheard") == cell_color("Neverheard") not in CELLS.values()
    assert (cell_shape("M-MDSC"), cell_shape("CD8")) == ("square", "disc")
