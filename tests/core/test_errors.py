"""Errors say where, what, what is allowed, and what was probably meant."""

from __future__ import annotations

import pickle

import pytest

from tme_abm.core.errors import InputError, combine, nearest


def test_a_full_message_reads_as_one_sentence_after_another() -> None:
    error = InputError("no cell 'CD9'", file="a.toml", place="rule 3", allowed=("CD8", "NK"), word="CD9")
    assert str(error) == "a.toml: rule 3: no cell 'CD9'. Allowed: CD8, NK. Did you mean 'CD8'?"


def test_absent_parts_leave_no_trace() -> None:
    assert str(InputError("too small")) == "too small."
    assert str(InputError("too small", place="tumor.cells")) == "tumor.cells: too small."
    assert str(InputError("no cell 'zzz'", allowed=("CD8",), word="zzz")) == "no cell 'zzz'. Allowed: CD8."


def test_a_long_list_is_cut_to_the_nearest_words() -> None:
    words = [f"molecule{number}" for number in range(40)] + ["CXCL10"]
    text = str(InputError("no molecule", allowed=words, word="CXCL11"))
    assert "Allowed: CXCL10, " in text
    assert "… (41 in all)" in text
    assert text.count("molecule") == 1 + 11


@pytest.mark.parametrize(("word", "guess"), [("ifng", "IFNG"), ("IFGN", "IFNG"), ("tumour", "tumor"), ("xyz", None)])
def test_the_nearest_word_ignores_case_and_gives_up_in_time(word: str, guess: str | None) -> None:
    assert nearest(word, ["IL2", "IFNG", "tumor"]) == guess


def test_several_problems_are_numbered_and_a_shared_file_is_named_once() -> None:
    first, second = (InputError(f"bad {number}", file="a.toml", place=f"p{number}") for number in (1, 2))
    assert combine([first]) is first
    together = combine([first, second])
    assert str(together) == "a.toml: 2 problems.\n  1. p1: bad 1.\n  2. p2: bad 2."
    assert together.parts == (first, second)
    elsewhere = InputError("bad 3", file="b.toml")
    assert str(combine([first, elsewhere])) == "2 problems.\n  1. a.toml: p1: bad 1.\n  2. b.toml: bad 3."


def test_of_many_problems_the_first_are_listed() -> None:
    lines = str(combine([InputError(f"bad {number}") for number in range(2000)])).splitlines()
    assert lines[0] == "2000 problems."
    assert lines[-2:] == ["  20. bad 19.", "  … and 1980 more."]


def test_whoever_knows_more_adds_the_file_and_the_outer_place() -> None:
    error = InputError("no cell 'CD9'", place="cell", allowed=("CD8",), word="CD9", because=("count",))
    outer = error.at("protocol.0").at("design point 3", file="a.toml")
    assert str(outer) == "a.toml: design point 3: protocol.0.cell: no cell 'CD9'. Allowed: CD8. Did you mean 'CD8'?"
    assert outer.because == ("design point 3: protocol.0.count",)
    assert str(error.at("x")) == str(error.at("x").at())
    both = combine([InputError("bad", place="a"), InputError("worse")]).at("t", file="f")
    assert str(both) == "f: 2 problems.\n  1. t.a: bad.\n  2. t: worse."


def test_an_error_crosses_processes_unchanged() -> None:
    error = InputError("no cell", file="a.toml", place="x", allowed=("CD8",), word="CD9", because=("y",))
    for one in (error, combine([error, InputError("bad")])):
        again = pickle.loads(pickle.dumps(one))
        assert str(again) == str(one)
        assert [part.because for part in again.parts] == [part.because for part in one.parts]
