"""The section `[slide]`: a tissue that starts from measured cells instead of a ball and densities.

What a person writes names a file. It is read once, when the scenario is resolved, and from then on the scenario holds
the cells themselves: the resolved file can be moved, handed on and run again without the table, and its hash covers
every cell. From the slide follow `lattice.shape` (unless it is given where the slide is), `tumor.cells` and `immune`,
which then state what was planted.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, core_schema

from ...biology import Catalogue
from ...core.errors import InputError, brief
from ...core.toml import Frozen
from ...core.units import show
from ..document import Document
from ..sections import Lattice
from ..values import Length, Quantity, known
from .fit import SKIP, Fitted, advised_spacing, crowded, fit, shape_for
from .table import Columns, read_table

__all__ = ["WRITTEN", "Slide", "complete", "planted", "remarks", "report"]

WRITTEN = {
    "file": "CSV file or AnnData (.h5ad) with a row a cell; relative to the file that names it.",
    "x": 'Column with x ("x_um" without it; of an AnnData, obsm["spatial"]).',
    "y": 'Column with y ("y_um" without it; of an AnnData, obsm["spatial"]).',
    "class": 'Column with the class of the cell ("cell_type" without it).',
    "unit": 'Length of one unit of the coordinates, such as "0.5 um" for pixels of that size; 1 um without it.',
}
"""The keys that are replaced by the cells themselves when a scenario is resolved."""

_FOLLOWS = ("tumor.cells", "immune")  # what is said by the slide


class _Place:
    """Places of the cells of a class as one flat list: x1, y1, x2, y2, …"""

    def read(self, value: object) -> tuple[tuple[float, float], ...]:
        numbers = value if isinstance(value, list | tuple) else None
        if numbers is not None and all(isinstance(one, tuple) for one in numbers):
            return tuple(numbers)  # read before
        if numbers is None or len(numbers) % 2 or not all(_is_number(one) for one in numbers):
            raise InputError(f"should be a list of numbers, x and y in turn, not {brief(value)}")
        flat = [float(one) for one in numbers]
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda places: [number for place in places for number in place], when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "number"}}


class _Cell:
    """The cell type of a class of the slide, or none if the class is left out."""

    def read(self, value: object, info: ValidationInfo) -> str:
        allowed = (*known(info).placed, SKIP)
        if value == "":
            return SKIP
        if not isinstance(value, str) or value not in allowed:
            word = value if isinstance(value, str) else None
            what = f"should be a cell, or {SKIP!r} to leave the class out, not {brief(value)}"
            raise InputError(what, allowed=allowed, word=word)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "names": "placed", "enum": [SKIP, ""]}


class Slide(Frozen):
    """Measured cells that the tissue starts from, at their places, instead of a ball of tumor cells and densities."""

    also: ClassVar[tuple[str, ...]] = tuple(WRITTEN)

    source: str = Field(description="Name of the table that the cells were read from (written when it is read).")
    sha256: str = Field(description="Fingerprint of that table (written when it is read).")
    reach: Length = Field(
        default=30.0, description="How far a cell may be moved to a free site if another one lies nearer to its own."
    )
    cells: dict[str, Annotated[str, _Cell()]] = Field(
        default_factory=dict, description='Class of the slide to cell; "skip" leaves the class out.'
    )
    places_um: dict[str, Annotated[tuple[tuple[float, float], ...], _Place()]] = Field(
        description="Places [um] of the cells by class, x and y in turn (written when the table is read)."
    )

    @field_validator("places_um", mode="after")
    @classmethod
    def _some(cls, places: dict[str, tuple[tuple[float, float], ...]]) -> dict[str, tuple[tuple[float, float], ...]]:
        if not any(places.values()):
            raise InputError("holds no cells")
        return {name: places[name] for name in sorted(places) if places[name]}

    def unmapped(self) -> dict[str, int]:
        """The classes of the slide without a cell type, with their numbers of cells."""
        return {name: len(at) for name, at in self.places_um.items() if name not in self.cells}

    def shape_at(self, spacing: float) -> tuple[int, int]:
        """The smallest lattice [ny, nx] of this `spacing` [µm] that holds the slide."""
        return shape_for(self.places_um, spacing)

    def fitted(self, lattice: Lattice, catalogue: Catalogue) -> Fitted:
        """The cells on their sites. Raises InputError if the slide does not fit on the lattice."""
        if len(lattice.shape) != 2:
            what = "a slide is a section, so its lattice has two axes, [y, x]"
            raise InputError(what, place="lattice.shape", because=("slide",))
        try:
            return fit(
                self.places_um,
                self.cells,
                immune=catalogue.immune,
                tumor=set(catalogue.placed) - set(catalogue.immune),
                shape=lattice.shape,
                spacing=lattice.spacing,
                reach=self.reach,
            )
        except ValueError:
            ny, nx = self.shape_at(lattice.spacing)
            raise InputError(
                f"too small for its slide, which needs [{ny}, {nx}] at {show(lattice.spacing, 'length')}; "
                "leave it out, and it follows from the slide",
                place="lattice.shape",
                because=("slide", "lattice.spacing"),
            ) from None


def remarks(slide: Slide, lattice: Lattice, catalogue: Catalogue) -> list[str]:
    """Remarks on a slide on this lattice: cells without a site, and a better spacing if many cells share a site."""
    fitted, said = slide.fitted(lattice, catalogue), []
    if fitted.left_out:
        who = ", ".join(f"{one.left_out} of {one.name!r}" for one in fitted.classes if one.left_out)
        reach = show(slide.reach, "length")
        said.append(f"cells without a free site within {reach}, which are left out: {fitted.left_out} ({who})")
    if crowded(fitted):
        shared = f"{fitted.shared:.0%} of the cells lie in a site with another one of their layer"
        found = advised_spacing(slide.places_um, slide.cells, immune=catalogue.immune, below=lattice.spacing)
        if found is None:
            said.append(f"{shared}, and would on any finer lattice")
        else:
            said.append(f'{shared}; with lattice.spacing = "{found[0]:g} um" {found[1]:.0%} would')
    return said


def report(slide: Slide, lattice: Lattice, catalogue: Catalogue) -> dict[str, Any]:
    """How the measured cells were fitted to the lattice, class by class, as plain values."""
    fitted = slide.fitted(lattice, catalogue)
    return {
        "source": slide.source,
        "sha256": slide.sha256,
        "share_in_a_taken_site": round(fitted.shared, 4),
        "classes": [asdict(one) for one in fitted.classes],
    }


def complete(document: Document, catalogue: Catalogue) -> None:
    """Put the cells of the slide, and the values that follow from them, into a document that has a slide.

    Raises InputError if such a value is also set where the slide is named or later; inherited values are replaced.
    Other problems are left to the validation of the whole document.
    """
    section = document.values.get("slide")
    if not isinstance(section, dict):
        return
    read = "file" in section
    stated = "slide.file" if read else "slide.places_um"
    unread = [key for key in WRITTEN if key in section]
    if unread and not read:
        what = "says how a table is read, and there is no slide.file to read"
        raise document.blamed(InputError(what, place=f"slide.{unread[0]}"))
    if not read and "places_um" not in section:
        raise document.blamed(InputError("needs the table of the cells", place="slide.file"))
    rank = document.rank(stated)
    for place in _FOLLOWS:
        said = document.rank(place)
        if said > rank or (read and said == rank):
            what = "is what the slide says, so it cannot be given too"
            raise document.blamed(InputError(what, place=document.last(place)))
    if read:
        _read(document, section)
    try:
        slide = Slide.model_validate(section, context=catalogue)
    except ValidationError:
        return  # the check of the whole says it better
    _refuse_unmapped(document, slide, catalogue)
    try:
        if read and document.rank("lattice.shape") < rank:
            spacing = Quantity("length", exclusive=True).read(document.values["lattice"]["spacing"])
            document.put("lattice.shape", list(slide.shape_at(spacing)), like=stated)
        if read or max(document.rank(place) for place in ("lattice", "slide.cells", "slide.reach")) > rank:
            _count(document, slide, Lattice.model_validate(document.values["lattice"]), stated, catalogue)
    except (ValidationError, InputError, KeyError, TypeError):
        return


def _read(document: Document, section: dict[str, Any]) -> None:
    """Replace the keys that describe the table by the cells in it."""
    given = {key: section.pop(key) for key in WRITTEN if key in section}

    def refuse(key: str, what: str) -> InputError:
        return document.blamed(InputError(what, place=f"slide.{key}"))

    for key, value in given.items():
        if key != "unit" and (not isinstance(value, str) or not value):
            raise refuse(key, f"should be text, not {brief(value)}")
    try:
        unit = Quantity("length", exclusive=True).read(given.get("unit", "1 um"))
    except InputError as error:
        raise document.blamed(error.at("slide.unit")) from error
    path = document.folder_of("slide.file") / given["file"]
    if not path.is_file():
        raise refuse("file", f"there is no file {path}")
    columns = Columns(x=given.get("x"), y=given.get("y"), kind=given.get("class", "cell_type"))
    table = read_table(path, columns, unit)
    places = {name: [number for at in ats for number in at] for name, ats in table.places.items()}
    for key, value in (("source", path.name), ("sha256", table.sha256), ("places_um", places)):
        document.put(f"slide.{key}", value, like="slide.file")


def _refuse_unmapped(document: Document, slide: Slide, catalogue: Catalogue) -> None:
    if unmapped := slide.unmapped():
        named = ", ".join(f"{name!r} ({count} cells)" for name, count in unmapped.items())
        error = InputError(
            f"no cell is named for the class {named}; {SKIP!r} leaves a class out",
            place="slide.cells",
            allowed=(*catalogue.placed, SKIP),
            word=next(iter(unmapped)),
        )
        raise document.blamed(error)


def _count(document: Document, slide: Slide, lattice: Lattice, stated: str, catalogue: Catalogue) -> None:
    """Write what the slide starts with under the keys of a ball and densities."""
    counts = planted(slide.fitted(lattice, catalogue), catalogue)
    area = math.prod(lattice.shape) * lattice.spacing**2
    density = Quantity("areal_density")
    document.put("tumor.cells", counts.pop("tumor", 0), like=stated)
    document.put("immune", {cell: density.write(count / area) for cell, count in counts.items()}, like=stated)


def planted(fitted: Fitted, catalogue: Catalogue) -> dict[str, int]:
    """Cells that found a site: the tumor cells together as "tumor", then by immune cell in the catalogue's order."""
    immune = catalogue.immune
    tumor = sum(len(sites) for cell, sites in fitted.sites.items() if cell not in immune)
    return {"tumor": tumor} | {cell: len(fitted.sites[cell]) for cell in immune if cell in fitted.sites}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
