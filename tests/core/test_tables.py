"""TOML and pydantic never show their own tracebacks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, StrictInt

from tme_abm.core import InputError
from tme_abm.core.toml import Frozen, read_toml, validated


class Inner(Frozen):
    rate: float
    mode: Literal["fast", "slow"] = "fast"


class Outer(Frozen):
    inner: Inner
    maybe: Inner | None = None
    many: dict[str, Inner] = Field(default_factory=dict)
    listed: tuple[Inner, ...] = ()
    count: Annotated[StrictInt, Field(ge=0)] = 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a = 1\nb = ", r"x\.toml: line 2, end of document: not valid TOML: Invalid value"),
        (b"a = 1\nb ? 2", r"x\.toml: line 2, column 3: not valid TOML: Expected '='"),
        (b"a = 1\na = 2", r"x\.toml: .*not valid TOML: Cannot overwrite a value"),
        (b"a = '\xff'", r"x\.toml: not UTF-8 text \(byte 5\)"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_its_place(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_toml(path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml: no such file"):
        read_toml(tmp_path / "gone.toml")
    with pytest.raises(InputError, match="this is a directory"):
        read_toml(tmp_path)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(path) == {"a": 1}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (
            {"inner": {"rat": 1, "rate": 1}},
            "f: T.inner: unknown key 'rat'. Allowed: rate, mode. Did you mean 'rate'?",
        ),
        (
            {"inner": {"rate": 1}, "maybe": {"rate": 1, "mod": 1}},
            "f: T.maybe: unknown key 'mod'. Allowed: rate, mode.",
        ),
        (
            {"inner": {"rate": 1}, "many": {"a": {"rate": 1, "mod": 1}}},
            "f: T.many.a: unknown key 'mod'. Allowed: r",
        ),
        (
            {"inner": {"rate": 1}, "listed": [{"rate": 1, "mod": 1}]},
            "f: T.listed.0: unknown key 'mod'. Allowed: rate",
        ),
        (
            {"inne": 1, "inner": {"rate": 1}},
            "f: T: unknown key 'inne'. Allowed: inner, maybe, many, listed, count.",
        ),
        ({"inner": {}}, "f: T.inner: the key 'rate' is missing."),
        (
            {"inner": {"rate": 1, "mode": "slo"}},
            "'slo' is not a choice here. Allowed: fast, slow. Did you mean 'slow'?",
        ),
        ({"inner": 3}, "f: T.inner: 3 must be a table."),
        ({"inner": {"rate": []}}, "f: T.inner.rate: [] must be a number."),
        ({"inner": {"rate": 1}, "count": "3"}, "f: T.count: '3' must be a whole number."),
        ({"inner": {"rate": 1}, "count": -3}, "f: T.count: -3: input should be greater than or equal to 0."),
    ],
)
def test_each_complaint_is_in_our_words(table: object, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        validated(Outer, table, file="f", place="T")
    assert complaint in str(caught.value)


def test_all_complaints_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        validated(Outer, {"inner": {"x": 1}, "count": 1.5}, file="f")
    assert [part.place for part in caught.value.parts] == ["inner", "inner", "count"]
