"""All rules of a cell type at once, against one rule at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tme_abm.kernels.rules import Gate, Weight, respond, rulebook

Terms = list[tuple[Weight, float]]


def programs(seed: int) -> tuple[list[float], list[Terms], list[Terms], list[Gate | None]]:
    """Eight behaviors with zero to four terms each way, some of them shared, every second with a scale."""
    rng = np.random.default_rng(seed)
    pool: list[Weight] = [
        (int(rng.integers(3, 9)), float(rng.uniform(0.5, 2)), float(rng.choice([1.0, 1.26, 2.0, 3.0, 4.0])), way)
        for way in ((), ((0, "A"),), ((0, "A"), (1, "B"))) * 4
    ]

    def some() -> list[Terms]:
        picks = [rng.integers(len(pool), size=rng.integers(5)) for _ in range(8)]
        return [[(pool[i], float(rng.normal())) for i in pick] for pick in picks]

    gates = [(4, 0.7, (1.0, 2.0, 3.0, 4.0)[n // 2]) if n % 2 else None for n in range(8)]
    return rng.normal(size=8).tolist(), some(), some(), gates


@pytest.mark.parametrize("count", [0, 1, 5, 9000])
@pytest.mark.parametrize("inhibited", [False, True])
def test_all_at_once_is_one_after_the_other(count: int, inhibited: bool) -> None:
    base, ups, downs, gates = programs(count)
    book = rulebook(base, ups, downs, gates)
    heard = np.random.default_rng(1).uniform(0.01, 3.0, (9, count))
    left = np.array([0.5 ** len(way) for way in book.pathways]) if inhibited else None

    def pulled(value: np.ndarray | float, terms: Terms) -> np.ndarray | float:
        weights = [
            (heard[signal] / half) ** power * (0.5 ** len(way) if inhibited else 1.0)
            for (signal, half, power, way), _ in terms
        ]
        top = value + sum(weight * target for weight, (_, target) in zip(weights, terms, strict=True))
        return top / (1.0 + sum(weights))

    values = respond(book, heard, left)
    assert values.shape == (8, count)
    for n in range(8):
        expected = pulled(pulled(base[n], ups[n]), downs[n])
        gate = gates[n]
        if gate is not None:
            drive = (heard[gate[0]] / gate[1]) ** gate[2]
            expected = expected * drive / (1.0 + drive)
        np.testing.assert_allclose(values[n], expected, rtol=1e-12, atol=1e-12, err_msg=str(n))


def test_a_value_does_not_depend_on_what_else_is_asked() -> None:
    base, ups, downs, gates = programs(3)
    everything = rulebook(base, ups, downs, gates)
    heard = np.random.default_rng(2).uniform(0.01, 3.0, (9, 50))
    together = respond(everything, heard)
    for n in range(8):
        alone = rulebook(base[n : n + 1], ups[n : n + 1], downs[n : n + 1], gates[n : n + 1])
        np.testing.assert_array_equal(respond(alone, heard)[0], together[n])


def test_the_signals_are_left_alone() -> None:
    base, ups, downs, gates = programs(5)
    book = rulebook(base, ups, downs, gates)
    heard = np.random.default_rng(2).uniform(0.01, 3.0, (9, 20))
    before = heard.copy()
    respond(book, heard)
    np.testing.assert_array_equal(heard, before)
