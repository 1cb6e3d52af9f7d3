"""Which files the fingerprint of a model covers, and that an installed wheel goes on with the run of a checkout."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tme_abm
from tests.support.toy import results, small
from tme_abm.runs.fingerprint import _MODEL, _absolute, _imported, _Imports, _index, fingerprint, model_fingerprint
from tme_abm.runs.run import run

ROOT = Path(__file__).parents[2]
PACKAGE = Path(tme_abm.__file__).parent
EXPERIMENT = "evidence.experiment"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, to be changed."""
    shutil.copytree(PACKAGE, tmp_path / "tme_abm", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tme_abm"


def append(path: Path, text: str) -> None:
    path.write_bytes(path.read_bytes() + text.encode())


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_copy_has_the_same_fingerprint_whatever_its_line_ends(copy: Path) -> None:
    assert model_fingerprint(copy) == model_fingerprint()
    for file in [*copy.rglob("*.py"), *copy.rglob("*.toml")]:
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    _index.cache_clear()
    model_fingerprint.cache_clear()
    assert model_fingerprint(copy) == model_fingerprint()


@pytest.mark.parametrize(
    "place",
    [
        "evidence/judge.py",
        "evidence/data/assays/axes.toml",
        "report/__init__.py",
        "cli/__init__.py",
        "verification/check.py",
        "studies/batch.py",
        "runs/run.py",
        "scenario/editor.py",
        "bench/cases.toml",
        "__init__.py",
    ],
)
def test_what_decides_no_number_does_not_count(copy: Path, place: str) -> None:
    append(copy / place, "\n# a comment\n")
    (copy / "_viz").mkdir()
    (copy / "_viz/app.py").write_text("# the page, as in a wheel")
    assert model_fingerprint(copy) == model_fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: replace(root / "kernels/fields/stencil.py", "0.15", "0.14"),
        lambda root: replace(next((root / "biology/data/cells").glob("CD8.toml")), "/min", "/h"),
        lambda root: append(root / "processes/killing.py", "\n# a comment\n"),
        lambda root: append(root / "observe/metrics.py", "\n# a comment\n"),
        lambda root: append(root / "core/draws.py", "\n# a comment\n"),
        lambda root: (root / "biology/data/new.toml").write_text("[molecules]"),
        # A name that now comes from another module, though both count already.
        lambda root: replace(root / "processes/__init__.py", "import Migration", "import hops as Migration"),
    ],
)
def test_what_decides_numbers_counts(copy: Path, change: Callable[[Path], object]) -> None:
    change(copy)
    assert model_fingerprint(copy) != model_fingerprint()


def test_for_an_assay_what_runs_it_counts_too(copy: Path) -> None:
    before = fingerprint(EXPERIMENT, root=copy)
    assert before == fingerprint(EXPERIMENT)
    assert before != model_fingerprint()
    for place, counts in (("report/__init__.py", False), ("evidence/review.py", False), ("evidence/judge.py", True)):
        fingerprint.cache_clear()
        append(copy / place, "\n# a comment\n")
        assert (fingerprint(EXPERIMENT, root=copy) != before) == counts


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements, also those inside functions, without those for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            child = ast.Module(body=child.orelse, type_ignores=[])
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case | ast.Module):
            yield from statements(child)


def parsed(file: Path) -> set[tuple[tuple[str, ...], str]]:
    found = set()
    for statement in statements(ast.parse(file.read_bytes())):
        if isinstance(statement, ast.ImportFrom):
            module = _absolute(file, PACKAGE, statement.level, statement.module or "")
            found |= {(module, one.name) for one in statement.names}
        elif isinstance(statement, ast.Import):
            found |= {(_absolute(file, PACKAGE, 0, one.name), "") for one in statement.names}
    return {one for one in found if one[0]}


def test_the_imports_that_are_read_are_those_of_the_syntax_tree() -> None:
    for file in sorted(PACKAGE.rglob("*.py")):
        read = {(module, name) for module, names in _imported(file, PACKAGE) for name in names if module}
        assert read == parsed(file), file


def test_no_module_that_the_model_loads_is_left_out() -> None:
    loads = "import sys, tme_abm.simulation, tme_abm.observe.metrics, tme_abm.observe.snapshot; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    imports = _Imports(PACKAGE)
    for module in _MODEL:
        imports.follow(tuple(module.split(".")))
    covered = {file.relative_to(PACKAGE.parent).as_posix() for file in imports.files}
    missing = set()
    for name in loaded.split():
        if name.startswith("tme_abm."):
            place = PACKAGE.parent / name.replace(".", "/")
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            if _index(file) is None and file.relative_to(PACKAGE.parent).as_posix() not in covered:
                missing.add(name)
    assert missing == {"tme_abm.scenario.editor"}  # the JSON Schema for editors, which no model reads


def test_a_wheel_goes_on_with_the_run_of_a_checkout(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheel")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")

    shape = {"lattice.shape": "[48, 48]", "lattice.margin": "200 um", "tumor.cells": "60", "clock.dt": "20 min"}
    scenario = small("hot", **shape)
    run(scenario, out=tmp_path / "whole", seed=2, days=0.2)
    run(scenario, out=tmp_path / "begun", seed=2, days=0.1)
    code = "import tme_abm, sys; print(tme_abm.__file__); from tme_abm.cli import main; sys.exit(main(sys.argv[1:]))"
    went_on = subprocess.run(
        [sys.executable, "-P", "-c", code, "run", "--resume", str(tmp_path / "begun"), "--days", "0.2", "--quiet"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert went_on.returncode == 0, went_on.stderr
    assert went_on.stdout.startswith(str(tmp_path / "installed"))
    assert results(tmp_path / "begun") == results(tmp_path / "whole")


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    package = tmp_path / "made"
    (package / "part").mkdir(parents=True)
    for name in ("one", "two", "three", "four", "five", "part/six", "part/seven", "types"):
        (package / f"{name}.py").write_text("")
    (package / "__init__.py").write_text("from .types import x\n")
    (package / "part/__init__.py").write_text('"""An index."""\nfrom .six import x\nfrom .seven import y\n')
    (package / "start.py").write_text(
        "from typing import TYPE_CHECKING\nimport numpy, made.one\nif TYPE_CHECKING:\n    from .types import T\n"
        "else:\n    from . import two\n\ndef f():\n    from .three import z\n    try:\n        pass\n"
        "    except OSError:\n        from made import four\n"
        "    match f:\n        case 1:\n            from .five import w\n"
        "\nfrom .part import x\n"
    )
    imports = _Imports(package)
    imports.follow(("start",))
    found = {file.relative_to(package).as_posix() for file in imports.files}
    assert found == {f"{name}.py" for name in ("start", "one", "two", "three", "four", "five", "part/six")}
