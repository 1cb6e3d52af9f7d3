"""A catalogue small enough to read, and a way to spoil it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = Path(__file__).parent / "small"

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Copy the small catalogue and replace one text in one file; an empty text to replace appends."""
    folder = tmp_path / "catalogue"
    shutil.copytree(SMALL, folder)

    def edit(file: str, old: str, new: str) -> Path:
        path = folder / f"{file}.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        return folder

    return edit
