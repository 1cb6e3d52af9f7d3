"""Errors a user can act on.

An :class:`InputError` refuses something that a person wrote: a file, an option, a name. Its message says where the
problem is, what it is, what is allowed, and which allowed word is nearest to the one that was written. Every error
that the package raises on purpose derives from :class:`TmeError`.

Code that sees only a part of the input raises an error with the place inside that part; its callers put the outer
places in front with :meth:`InputError.at`. `core.toml.validated` does so for the validators of pydantic models.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["InputError", "TmeError", "brief", "combine", "nearest", "sentence"]

_REPORTED = 20  # a longer list of problems hides the first, which often causes the others
_LISTED = 12  # a longer list of allowed words hides the useful ones
_BRIEF = 40


class TmeError(Exception):
    """Base class of every error this package raises on purpose."""


class InputError(TmeError, ValueError):
    """Input that cannot be used. It is a ValueError, so that pydantic collects it from validators.

    Parameters
    ----------
    what : the problem, one clause without a final period.
    file : the file it is in.
    place : where in the file, such as ``"CXCL10.decay"``.
    allowed : the allowed words.
    word : the word that was refused; used to suggest the nearest allowed one.
    because : places of the other values that make this one impossible.

    `parts` holds the single errors if several were combined, else the error itself.
    """

    def __init__(
        self,
        what: str,
        *,
        file: Path | str | None = None,
        place: str | None = None,
        allowed: Iterable[str] = (),
        word: str | None = None,
        because: Iterable[str] = (),
    ) -> None:
        self.what = what
        self.file = None if file is None else str(file)
        self.place = place or None
        self.allowed = tuple(allowed)
        self.word = word
        self.because = tuple(because)
        self.parts: tuple[InputError, ...] = (self,)
        super().__init__(what)

    def at(self, place: str | None = None, *, file: Path | str | None = None) -> InputError:
        """A copy with `place` in front of its place and, if given, `file` as its file."""
        if len(self.parts) > 1:
            return combine([part.at(place, file=file) for part in self.parts])
        because = [_joined(place, other) for other in self.because]
        return self.replace(file=file or self.file, place=_joined(place, self.place), because=because)

    def replace(self, **changes: Any) -> InputError:
        """A copy in which some of the parameters have other values."""
        names = ("what", "file", "place", "allowed", "word", "because")
        return InputError(**({name: getattr(self, name) for name in names} | changes))

    def __str__(self) -> str:
        where = "".join(f"{part}: " for part in (self.file, self.place) if part)
        return where + self.clause()

    def clause(self) -> str:
        """The message without file and place: what is wrong, what is allowed, what was probably meant."""
        text = self.what.rstrip()
        if text and text[-1] not in ".!?":
            text += "."
        if self.allowed:
            text += f" Allowed: {_shortened(self.word, self.allowed)}."
        guess = nearest(self.word, self.allowed) if self.word is not None else None
        if guess is not None:
            text += f" Did you mean '{guess}'?"
        return text


def nearest(word: str | None, allowed: Iterable[str]) -> str | None:
    """The allowed word most like `word`, ignoring case; None if no word is similar."""
    if not word:
        return None
    by_fold: dict[str, str] = {}
    for candidate in allowed:
        by_fold.setdefault(candidate.casefold(), candidate)
    found = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def combine(errors: Sequence[InputError]) -> InputError:
    """One error that lists the first of `errors`, numbered if there are several; a shared file is named once."""
    errors = [part for error in errors for part in error.parts]
    if len(errors) == 1:
        return errors[0]
    files = {error.file for error in errors}
    file = files.pop() if len(files) == 1 else None
    lines = [f"{len(errors)} problems."]
    for number, error in enumerate(errors[:_REPORTED], start=1):
        place = f"{error.place}: " if error.place else ""
        lines.append(f"  {number}. " + (place + error.clause() if file is not None else str(error)))
    if len(errors) > _REPORTED:
        lines.append(f"  … and {len(errors) - _REPORTED} more.")
    together = InputError("\n".join(lines), file=file)
    together.parts = tuple(errors)
    return together


def brief(value: object) -> str:
    """A value as in a TOML file, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    text = repr(value)
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"


def _joined(outer: str | None, inner: str | None) -> str:
    """Two places as one: keys are joined by a dot, words such as "design point 3" by a colon."""
    if not outer or not inner:
        return outer or inner or ""
    return f"{outer}: {inner}" if " " in outer else f"{outer}.{inner}"


def _shortened(word: str | None, allowed: Sequence[str]) -> str:
    if len(allowed) <= _LISTED:
        return ", ".join(allowed)
    shown = list(allowed)
    if word:
        folded = word.casefold()
        shown.sort(key=lambda other: -difflib.SequenceMatcher(None, folded, other.casefold()).ratio())
    return ", ".join(shown[:_LISTED]) + f", … ({len(allowed)} in all)"


def sentence(error: BaseException) -> str:
    """An error in one line: its message, after the name of its type if the package did not raise it on purpose."""
    text = " ".join(str(error).split())
    return text if isinstance(error, TmeError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
