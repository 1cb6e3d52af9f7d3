"""The base of all interventions: a frozen table with its time, its check, what it does and brings, and its words.

A `Lasting` one is in force at `start <= time < stop`; an `Event` happens in the step that contains its `start`. Each
kind is one subclass, and nothing else in the package asks which one it has before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from ...core.errors import InputError
from ...core.toml import Frozen
from ...core.units import show
from ..values import AnyCell, Duration, known

if TYPE_CHECKING:
    from ...biology import Biology, Catalogue
    from ...tissue import Tissue
    from ..schema import Scenario

__all__ = [
    "DO_HELP",
    "Able",
    "Cells",
    "Event",
    "Intervention",
    "Lasting",
    "among",
    "lanes",
    "naming",
    "only_in",
    "percent",
]

DO_HELP = "Which intervention this is."


class Intervention(Frozen):
    """One thing that is done to the tissue; subclasses override what differs."""

    if TYPE_CHECKING:
        do: str
        start: float

    planted: ClassVar[bool] = False
    """Whether one from the start belongs to the tissue that a run starts with; see `plant`."""

    # ---- what fits

    def check(self, scenario: Scenario) -> None:
        """Raises InputError if this cannot be done to the tissue of `scenario`."""

    # ---- what it brings, which decides before a run who can be there and which molecules need a field

    @property
    def gives(self) -> str | None:
        """The molecule that it brings into the tissue."""
        return None

    @property
    def replaces(self) -> str | None:
        """The molecule that has no background if this intervention is in force from the start."""
        return None

    @property
    def traits(self) -> Mapping[str, float]:
        """The values that it gives to traits of the tumor."""
        return {}

    def brings(self, scenario: Scenario) -> tuple[str, ...]:
        """The cells that it brings into the tissue of `scenario`."""
        return ()

    def silences(self, biology: Biology) -> set[tuple[str, int]]:
        """(behavior, kind) of the behaviors that it keeps at zero for the whole run."""
        return set()

    def enables(self, biology: Biology, silent: set[tuple[str, int]]) -> set[tuple[str, int]]:
        """(behavior, kind) of the behaviors that it makes nonzero; others keep `silent` at zero."""
        return set()

    # ---- what it does

    @property
    def drawn(self) -> tuple[str, ...]:
        """The types of the cells that are drawn at random."""
        return ()

    def acts(self, time: float, dt: float = 0.0) -> bool:
        """Whether it acts in the step from `time` to `time + dt` [min]."""
        raise NotImplementedError

    def acts_after(self, time: float) -> bool:
        """Whether it acts at `time` [min] or later."""
        raise NotImplementedError

    def act(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Act in the present step: set the controls of `tissue`, or change it; draws are in `lane` (see `lanes`)."""

    def claims(self, tissue: Tissue, biology: Biology) -> dict[int, int]:
        """The number of free sites that it takes, by layer."""
        return {}

    def plant(self, tissue: Tissue, biology: Biology, lane: int) -> None:
        """Change the tissue that a run starts with."""

    # ---- how it is said

    def says(self, catalogue: Catalogue) -> str:
        """The intervention in a few words, such as "block PD1 by 90%, from 2 day"."""
        return self._what(catalogue) + self._when

    def _what(self, catalogue: Catalogue) -> str:
        """What is done, without the time."""
        raise NotImplementedError

    @property
    def _when(self) -> str:
        """The time, after a comma; empty if it lasts for the whole run."""
        raise NotImplementedError


class Lasting(Intervention):
    """An intervention that lasts: in force at `start <= time < stop`."""

    start: Duration = Field(default=0.0, description="When it begins, counted from the start of the run.")
    stop: Duration | None = Field(default=None, description="When it ends; without it, it lasts.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.stop is not None and self.stop <= self.start:
            raise InputError("should come after start", place="stop")
        return self

    def acts(self, time: float, dt: float = 0.0) -> bool:
        """Whether it is in force at the beginning of the step."""
        return self.start <= time and self.acts_after(time)

    def acts_after(self, time: float) -> bool:
        """Whether it ends later than `time` [min]."""
        return self.stop is None or time < self.stop

    @property
    def _when(self) -> str:
        begin = f" from {show(self.start, 'time')}" if self.start else ""
        end = "" if self.stop is None else f" until {show(self.stop, 'time')}"
        return f",{begin}{end}" if begin or end else ""


class Event(Intervention):
    """An intervention at one moment."""

    do: str
    start: Duration = 0.0

    def acts(self, time: float, dt: float = 0.0) -> bool:
        """Whether its moment lies in the step."""
        return time <= self.start < time + dt

    def acts_after(self, time: float) -> bool:
        """Whether its moment is at `time` [min] or later."""
        return time <= self.start

    @property
    def _when(self) -> str:
        return f", at {show(self.start, 'time')}" if self.start else ", at the start"


@contextmanager
def naming(number: int) -> Iterator[None]:
    """A context in which errors get the place of the `number`-th intervention of a protocol."""
    try:
        yield
    except InputError as error:
        raise error.at(f"protocol.{number}") from error


def lanes(protocol: Sequence[Intervention]) -> list[int]:
    """The lane of each item's draws: above those before it that do the same to one of its cells.

    So an arm of an experiment with more of other items still meets the same chances.
    """
    found: list[int] = []
    highest: dict[tuple[str, str], int] = {}
    for item in protocol:
        mine = [(item.do, cell) for cell in item.drawn]
        found.append(max((highest.get(one, -1) for one in mine), default=-1) + 1)
        highest |= dict.fromkeys(mine, found[-1])
    return found


# ---------------------------------------------------------------- which cells


def _named(cells: object) -> object:
    """An empty list is refused: it could mean none or all."""
    if isinstance(cells, list) and not cells:
        raise InputError("names no cell; leave it out to mean every cell it concerns")
    return cells


Cells = Annotated[tuple[AnyCell, ...], BeforeValidator(_named)]
Able = Callable[["Catalogue", str], tuple[tuple[str, ...], str]]
"""(catalogue, name) -> the cells that an intervention on `name` can affect, and in words what only they do."""


def among(able: Able, target: str) -> AfterValidator:
    """A validator: each cell must be `able`, given the name in the field `target`. No cells stand for all able ones."""

    def chosen(cells: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        name = info.data.get(target)
        if name is None:  # refused already
            return cells
        those, do = able(known(info), name)
        if not those:
            raise InputError(f"no cell {do}")
        for cell in cells:
            if cell not in those:
                raise InputError(f"{cell} is not a cell that {do}", allowed=those, word=cell)
        return cells or those

    return AfterValidator(chosen)


# ---------------------------------------------------------------- words


def only_in(cells: Sequence[str], able: Sequence[str]) -> str:
    """The cells in words, such as " in CD8, NK"; empty if they are all able ones."""
    return "" if set(cells) == set(able) else f" in {', '.join(cells)}"


def percent(share: float) -> str:
    """A share such as "90%"."""
    return f"{100 * share:.4g}%"
