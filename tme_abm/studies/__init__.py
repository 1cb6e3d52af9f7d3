"""Studies: scenarios × design points × replicates, in a directory that any interruption leaves whole."""

from __future__ import annotations
