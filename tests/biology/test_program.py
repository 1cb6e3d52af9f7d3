"""The terms of a behavior, and the behavior without one of them."""

from __future__ import annotations

from dataclasses import replace

from tme_abm.biology.compiled import Program, Term

UP, DOWN, GATE = (Term(signal=n, half_max=1.0, hill=1.0, towards=0.0) for n in range(3))
WHOLE = Program(cell=0, behavior=0, base=1.0, ups=(UP, DOWN), downs=(DOWN,), scale=GATE)


def test_terms_are_numbered_ups_downs_scale() -> None:
    assert WHOLE.terms == (UP, DOWN, DOWN, GATE)
    assert WHOLE.without(0) == replace(WHOLE, ups=(DOWN,))
    assert WHOLE.without(1) == replace(WHOLE, ups=(UP,))
    assert WHOLE.without(2) == replace(WHOLE, downs=())
    assert WHOLE.without(3) == replace(WHOLE, scale=None)
    assert replace(WHOLE, scale=None).terms == (UP, DOWN, DOWN)
