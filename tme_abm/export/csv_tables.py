"""Plain tables for R, spreadsheets and whatever else: a row a cell and day, a file a molecule, and what it all means.

    cells.csv          day, cell_id, cell_type, …, x_um, y_um[, z_um], states, surface molecules, sensed concentrations
    vessels.csv        the sites with a vessel, where nothing moves
    fields/NAME.csv    a row a day and row of sites, a column a site along x: the concentration [nM]
    metadata.json      where it comes from; the unit and the meaning of every column
    scenario.resolved.toml
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from ..core import files
from ..runs.results import RESOLVED
from .places import METADATA, WRITTEN_BY
from .source import Picture, Source

__all__ = ["write"]

_DIGITS = 6  # of a concentration or a state; the model's own error is larger


def write(source: Source, pictures: list[Path], out: Path) -> None:
    """The pictures as tables in the directory `out`."""
    (out / "fields").mkdir()
    days: list[float] = []
    written: dict[str, TextIO] = {}
    try:
        for file in pictures:
            picture = source.open(file)
            days.append(picture.day)
            _append(written, out / "cells.csv", _header(picture), _cells(picture))
            for name, field in picture.fields.items():
                _append(written, out / "fields" / f"{name}.csv", _grid_header(picture), _grid(picture, field))
    finally:
        for handle in written.values():
            handle.close()
    with (out / "vessels.csv").open("w", encoding="utf-8", newline="") as handle:
        _rows(handle, [[f"{axis}_um" for axis in picture.axes], *_texts(picture.vessels.T)])
    files.write_json(out / METADATA, _metadata(source, picture, days))
    (out / RESOLVED).write_bytes((source.directory / RESOLVED).read_bytes())


def _columns(picture: Picture) -> dict[str, tuple[NDArray[Any], str, str]]:
    """Column -> (values, unit, meaning)."""
    meanings = {
        "cell_type": "type of cell",
        "layer": "tissue or immune; a site holds one cell of each at most",
        "fate": "alive, apoptotic or necrotic",
        "in_core": "in the tumor core (1) or not (0)",
        "born_day": "when it was born here or came",
        "bound": "bound to another cell (1) or not (0)",
    }
    places = {
        f"{axis}_um": (picture.places[:, number], "um", f"center along {axis}, from the corner of the lattice")
        for number, axis in enumerate(picture.axes)
    }
    described = {name: (values, "", meanings[name]) for name, values in picture.described.items()}
    described["born_day"] = (described["born_day"][0], "day", meanings["born_day"])
    found = {"cell_id": (np.array(picture.ids), "", "permanent identity, the same on every day"), **described, **places}
    for name, values in picture.states.items():
        found[name] = (values, "1", f"{name}; empty in cells that have no such state")
    for name, values in picture.surface.items():
        found[f"surface_{name}"] = (values, "1", f"level of {name} that it shows")
    for name, values in picture.exposures.items():
        found[f"exposure_{name.replace(' ', '_')}"] = (values, "nM", f"concentration it remembers, {name}")
    for name, values in picture.sensed.items():
        found[f"sensed_{name}_nM"] = (values, "nM", f"concentration of {name} where it stands, as sensed")
    return found


def _header(picture: Picture) -> list[str]:
    return ["day", *_columns(picture)]


def _cells(picture: Picture) -> Iterable[Sequence[str]]:
    columns = [values for values, _, _ in _columns(picture).values()]
    return ([repr(picture.day), *row] for row in _texts(columns))


def _grid_header(picture: Picture) -> list[str]:
    across = (np.arange(picture.shape[-1]) + 0.5) * picture.spacing
    return ["day", *(f"{axis}_um" for axis in picture.axes[:0:-1]), *(repr(float(x)) for x in across)]


def _grid(picture: Picture, field: NDArray[Any]) -> Iterable[Sequence[str]]:
    for index in np.ndindex(*picture.shape[:-1]):
        at = [repr((number + 0.5) * picture.spacing) for number in index]
        yield [repr(picture.day), *at, *(_text(value) for value in field[index].tolist())]


def _append(written: dict[str, TextIO], path: Path, header: list[str], rows: Iterable[Sequence[str]]) -> None:
    if path.name not in written:
        written[path.name] = path.open("w", encoding="utf-8", newline="")
        _rows(written[path.name], [header])
    _rows(written[path.name], rows)


def _rows(handle: TextIO, rows: Iterable[Sequence[str]]) -> None:
    csv.writer(handle, lineterminator="\n").writerows(rows)


def _texts(columns: Iterable[NDArray[Any]]) -> list[list[str]]:
    """The rows of some columns as text."""
    return [list(row) for row in zip(*([_text(value) for value in column.tolist()] for column in columns), strict=True)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return "" if value != value else f"{value:.{_DIGITS}g}"  # NaN is an empty cell
    return str(value)


def _metadata(source: Source, picture: Picture, days: list[float]) -> dict[str, Any]:
    """What a reader of the tables has to know."""
    names = list(picture.fields)
    return {
        "written_by": WRITTEN_BY,
        **source.origin,
        "days": [source.verdict(day) for day in days],
        "lattice": {"shape": picture.shape, "axes": picture.axes[::-1], "spacing_um": picture.spacing},
        "columns": {
            "day": {"unit": "day", "meaning": "time since the start"},
            **{name: {"unit": unit, "meaning": said} for name, (_, unit, said) in _columns(picture).items()},
        },
        "molecules": dict(zip(names, source.described(names), strict=True)),
    }
