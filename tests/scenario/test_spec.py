"""The corpus of files: each valid one loads and round-trips, each invalid one gives its message.

A file in `spec/invalid` states what its error must say, in leading comments `# error: ...` or, where
comments are impossible, in a sibling .txt, one fragment a line. `# set: key=value` is applied as `--set`.
A folder `spec/invalid/catalogue_*` holds one file that spoils the small catalogue of the biology's tests.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tme_abm.biology import load_catalogue
from tme_abm.core.errors import InputError
from tme_abm.scenario import load

SPEC = Path(__file__).parents[1] / "spec"
VALID = sorted((SPEC / "valid").glob("*.toml"))
INVALID = sorted({path.with_suffix(".toml") for path in (SPEC / "invalid").glob("*.t*")})

CATALOGUES = sorted((SPEC / "invalid").glob("catalogue_*"))
SMALL = SPEC.parent / "biology" / "small"


def stated(path: Path, what: str) -> list[str]:
    """The texts after `# what:` in the leading comments of a file."""
    if not path.is_file():
        return []
    comments = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        comments.append(line)
    return [line.split(":", 1)[1].strip() for line in comments if line.startswith(f"# {what}:")]


def expected(path: Path) -> list[str]:
    """What the error of an invalid file must say."""
    beside = path.with_suffix(".txt")
    return stated(path, "error") + (beside.read_text(encoding="utf-8").splitlines() if beside.exists() else [])


def test_the_corpus_is_there() -> None:
    assert len(VALID) >= 8
    assert len(INVALID) >= 90
    assert len(CATALOGUES) >= 18


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_file_reads_back_to_the_same_scenario(path: Path, tmp_path: Path) -> None:
    scenario = load(path, stated(path, "set"))
    copy = tmp_path / "scenario.resolved.toml"
    copy.write_text(scenario.resolved_toml(), encoding="utf-8", newline="")
    again = load(copy)
    assert again == scenario
    assert again.resolved_toml() == scenario.resolved_toml()
    assert again.hash == scenario.hash
    # == would let a last bit slip that repr shows
    assert repr(again.model_dump()) == repr(scenario.model_dump())
    assert scenario.differences(again) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_file_gives_its_message(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(path, stated(path, "set"))
    message = str(caught.value)
    assert_says(message, expected(path))
    where = message.partition(": ")[0]
    assert ".toml" in where or where.startswith("--set"), "the message does not begin with who said it"


@pytest.mark.parametrize("folder", CATALOGUES, ids=lambda folder: folder.name)
def test_an_invalid_catalogue_gives_its_message(folder: Path, tmp_path: Path) -> None:
    (spoiled,) = folder.iterdir()
    catalogue = tmp_path / "catalogue"
    shutil.copytree(SMALL, catalogue)
    shutil.copy(spoiled, catalogue)
    with pytest.raises(InputError) as caught:
        load_catalogue(catalogue)
    message = str(caught.value)
    assert_says(message, stated(spoiled, "error"))
    assert message.startswith(str(catalogue / spoiled.name)), "the message does not begin with who said it"


def assert_says(message: str, fragments: list[str]) -> None:
    """All that a file of the corpus expects is said, and in the words of this program."""
    assert fragments, "the file does not say which error it must give"
    assert all(fragments), "the file expects an empty message, which any error would give"
    for fragment in fragments:
        assert fragment in message
    assert not re.search(r"pydantic|Traceback|Input should|validation error|_type\b", message)


def test_every_invalid_example_is_its_own() -> None:
    bodies = [path.read_bytes() for path in INVALID if path.is_file()]
    assert len(set(bodies)) == len(bodies)
