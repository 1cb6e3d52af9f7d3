"""Plain tables for R, spreadsheets and whatever else: a row a cell and day, a file a molecule, and what it all means.

    cells.csv          day, cell_id, cell_type, …, x_um, y_um[, z_um], states, surface molecules, sensed concentrations
    vessels.csv        the sites with a vessel, where nothing moves
    fields/NAME.csv    a row a day and row of sites, a column a site along x: the concentration [nM]
    metadata.json      where it comes from; the unit and the meaning of every column
    scenario.resolved.toml
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core import files
from ..runs.results import RESOLVED
from .source import METADATA, WRITTEN_BY, Picture, Source

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["write"]

_DIGITS = "%.6g"  # of a concentration or a state; the model's own error is larger


def write(source: Source, pictures: list[Path], out: Path) -> None:
    """The pictures as tables in the directory `out`."""
    from pandas import DataFrame

    (out / "fields").mkdir()
    days: list[float] = []
    for file in pictures:
        picture = source.open(file)
        columns = {name: _plain(values) for name, (values, _, _) in _columns(picture).items()}
        _append(out / "cells.csv", DataFrame({"day": repr(picture.day), **columns}))
        for name, field in picture.fields.items():
            _append(out / "fields" / f"{name}.csv", _grid(picture, field))
        days.append(picture.day)
    _append(out / "vessels.csv", DataFrame(picture.vessels, columns=[f"{axis}_um" for axis in picture.axes]))
    files.write_json(out / METADATA, _metadata(source, picture, days))
    (out / RESOLVED).write_bytes((source.directory / RESOLVED).read_bytes())


def _append(path: Path, table: DataFrame) -> None:
    table.to_csv(
        path, mode="a", header=not path.exists(), index=False, float_format=_DIGITS, lineterminator="\n",
        encoding="utf-8",
    )  # fmt: skip


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.int8) if values.dtype == bool else values


def _grid(picture: Picture, field: NDArray[Any]) -> DataFrame:
    from pandas import DataFrame

    centers = [[repr((number + 0.5) * picture.spacing) for number in range(size)] for size in picture.shape]
    table = DataFrame(field.reshape(-1, picture.shape[-1]), columns=centers[-1])
    along = np.meshgrid(*(np.array(one, dtype=object) for one in centers[:-1]), indexing="ij")
    for number, axis in enumerate(picture.axes[:0:-1]):
        table.insert(number, f"{axis}_um", along[number].ravel())
    table.insert(0, "day", repr(picture.day))
    return table


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
        touched = name.partition(" ")[0] in picture.surface
        unit, what = ("1", "level felt of its neighbors") if touched else ("nM", "concentration")
        found[f"exposure_{name.replace(' ', '_')}"] = (values, unit, f"{what} it remembers, {name}")
    for name, values in picture.sensed.items():
        found[f"sensed_{name}_nM"] = (values, "nM", f"concentration of {name} where it stands, as sensed")
    return found


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
