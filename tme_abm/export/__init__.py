"""Results in the formats of other tools: what was seen of a run, with the reasons it can be trusted.

`source` reads pictures of a run into tables, one module a format writes them, `export` puts what was written where it
belongs, whole or not at all. The libraries of a format come with an extra and are imported when they are needed.
"""

from __future__ import annotations

from .export import FORMATS, export

__all__ = ["FORMATS", "export"]
