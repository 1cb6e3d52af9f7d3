"""TOML and pydantic never show their own tracebacks, and what is written reads back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, StrictInt, field_validator, model_validator

from tme_abm.core.errors import InputError
from tme_abm.core.toml import Frozen, dotted, flatten, read_toml, toml_value, validated, write_toml


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
        (b"[a.b]\n[a.b]", r"x\.toml: line 2, column 5: not valid TOML: Cannot declare \[a\.b\] twice"),
        (b"['a b']\n['a b']", r"not valid TOML: Cannot declare \[\"a b\"\] twice"),
        (b"a = {b = 1}\n[a.c]", r"line 2, column .*: not valid TOML: Cannot .* \[a"),
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
            "f: T.inner.rat: unknown key. Allowed: rate, mode. Did you mean 'rate'?",
        ),
        (
            {"inner": {"rate": 1}, "maybe": {"rate": 1, "mod": 1}},
            "f: T.maybe.mod: unknown key. Allowed: rate, mode.",
        ),
        (
            {"inner": {"rate": 1}, "many": {"a": {"rate": 1, "mod": 1}}},
            "f: T.many.a.mod: unknown key. Allowed: r",
        ),
        (
            {"inner": {"rate": 1}, "listed": [{"rate": 1, "mod": 1}]},
            "f: T.listed.0.mod: unknown key. Allowed: rate",
        ),
        (
            {"inne": 1, "inner": {"rate": 1}},
            "f: T.inne: unknown key. Allowed: inner, maybe, many, listed, count.",
        ),
        ({"inner": {}}, "f: T.inner.rate: missing."),
        (
            {"inner": {"rate": 1, "mode": "slo"}},
            "T.inner.mode: unknown value 'slo'. Allowed: fast, slow. Did you mean 'slow'?",
        ),
        ({"inner": 3}, "f: T.inner: should be a table, not 3."),
        ({"inner": {"rate": []}}, "f: T.inner.rate: should be a number, not []."),
        ({"inner": {"rate": 1}, "count": "3"}, "f: T.count: should be a whole number, not '3'."),
        ({"inner": {"rate": 1}, "count": -3}, "f: T.count: should be greater than or equal to 0, not -3."),
    ],
)
def test_each_complaint_is_in_our_words(table: object, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        validated(Outer, table, file="f", place="T")
    assert complaint in str(caught.value)


def test_all_complaints_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        validated(Outer, {"inner": {"x": 1}, "count": 1.5}, file="f")
    assert [part.place for part in caught.value.parts] == ["inner.rate", "inner.x", "count"]


class Left(Frozen):
    side: Literal["left"]
    far: float = 1.0


class Right(Frozen):
    side: Literal["right"]
    names: tuple[str, ...] = Field(default=(), validate_default=True)

    @field_validator("names", mode="after")
    @classmethod
    def _some(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise InputError("names nobody")
        return names


class Walk(Frozen):
    steps: tuple[Annotated[Left | Right, Field(discriminator="side")], ...] = ()
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _rises(self) -> Walk:
        if self.high < self.low:
            raise InputError("lies below low", place="high", because=("low",))
        return self


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({}, "T.steps.0.side: missing. Allowed: left, right."),
        ({"side": "rigth"}, "T.steps.0.side: unknown value 'rigth'. Allowed: left, right. Did you mean 'right'?"),
        ({"side": "left", "fra": 1}, "T.steps.0.fra: unknown key. Allowed: side, far. Did you mean 'far'?"),
        ({"side": "right"}, "T.steps.0.names: names nobody."),
        ({"side": "right", "names": [3]}, "T.steps.0.names.0: should be text, not 3."),
        (3, "T.steps.0: should be a table, not 3."),
    ],
)
def test_the_marks_that_tell_branches_apart_are_no_places(step: object, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        validated(Walk, {"steps": [step]}, place="T")
    assert str(caught.value) == complaint


def test_a_validator_names_its_own_place_and_the_other_value() -> None:
    with pytest.raises(InputError) as caught:
        validated(Walk, {"low": 2}, place="T")
    assert (caught.value.place, caught.value.because) == ("T.high", ("T.low",))


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    tree = {"a": 1.5, "b c": ["x\x7f", True], "t": {"k": "\u00e9", "e": {}}, "items": [{"n": 1}, {"n": 2}]}
    path = tmp_path / "x.toml"
    path.write_text(write_toml(tree), encoding="utf-8")
    assert read_toml(path) == tree
    assert flatten(tree)["items.1.n"] == "2"


@pytest.mark.parametrize(("text", "value"), [("[1, 2]", [1, 2]), ("5 min", "5 min"), ("1\nb = 2", "1\nb = 2")])
def test_a_text_is_a_value_of_toml_or_itself(text: str, value: object) -> None:
    assert toml_value(text) == value


class Either(Frozen):
    value: float | list[float] = 0.0


def test_the_branches_of_a_union_complain_together() -> None:
    with pytest.raises(InputError) as caught:
        validated(Either, {"value": "x"})
    assert str(caught.value) == "value: should be a number or a list, not 'x'."
    with pytest.raises(InputError, match=r"^value\.0: should be a number, not 'x'\.$"):
        validated(Either, {"value": ["x"]})


def test_keys_are_dotted_once() -> None:
    assert dotted({"a": {"b": 1}, "a.c": {"from": 2}}, lambda table: "from" in table) == {"a.b": 1, "a.c": {"from": 2}}
    with pytest.raises(InputError, match=r"a\.b: is given twice"):
        dotted({"a": {"b": 1}, "a.b": 2})
    with pytest.raises(InputError, match=r"a\.b: is an empty table"):
        dotted({"a": {"b": {}}})
