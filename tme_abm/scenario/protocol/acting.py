"""When an intervention acts and on which cells: what the primitives have in common.

It acts from `start` until `stop` (for ever, if it has none). If it can be restricted to some cells it names them, and
each must be one that it can concern; without a name it acts on all of those, and the resolved scenario lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic import model_validator as checked

from ...core.errors import InputError
from ...core.toml import Frozen
from ..values import AnyCell, Duration

__all__ = ["DO_HELP", "Able", "Cells", "Timed", "all_that"]

DO_HELP = "Which intervention this is."


class Timed(Frozen):
    """An intervention that lasts: in force at `start <= time < stop`."""

    start: Duration = Field(default=0.0, description="When it begins, counted from the start of the run.")
    stop: Duration | None = Field(default=None, description="When it ends; without it, it lasts.")

    @checked(mode="after")
    def _in_order(self) -> Self:
        if self.stop is not None and self.stop <= self.start:
            raise InputError("should come after start", place="stop")
        return self

    def active(self, time: float) -> bool:
        """Whether it is in force at `time` [min]."""
        return self.start <= time and (self.stop is None or time < self.stop)


def _named(cells: object) -> object:
    """An empty list is refused: it could mean none or all."""
    if isinstance(cells, list) and not cells:
        raise InputError("names no cell; leave it out to mean every cell it concerns")
    return cells


Cells = Annotated[tuple[AnyCell, ...], BeforeValidator(_named)]
Able = tuple[tuple[str, ...], str]
"""The cells that an intervention can concern, and what they do that others do not, in words."""


def all_that(able: Callable[[str], Able], target: str) -> AfterValidator:
    """If no cell is named, all that are `able`, given what the field `target` names; one that is not is refused."""

    def among(cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        name = info.data.get(target)
        if name is None:  # refused already
            return cells
        those, do = able(name)
        if not those:
            raise InputError(f"no cell {do}")
        for cell in cells:
            if cell not in those:
                raise InputError(f"{cell} is not a cell that {do}", allowed=those, word=cell)
        return cells or those

    return AfterValidator(among)
