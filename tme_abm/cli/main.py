"""From arguments to an exit code: 0 for success, 2 for input that cannot be used, 1 for a run that failed.

Whatever goes wrong is told in one message on stderr. A traceback is of use to whoever mends the program,
not to whoever runs it: it goes to a log whose place is told (and to stderr with --verbose).
"""

from __future__ import annotations

import logging
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError, TmeError
from .terminal import complain, verbosity

__all__ = ["main", "program"]

SUCCESS, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with `arguments` (the process's own by default) and return its exit code."""
    from .commands import app

    try:
        app(args=None if arguments is None else list(arguments), prog_name=program())
        code = SUCCESS
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else SUCCESS if ending.code is None else FAILED
    except InputError as error:
        complain(str(error))
        code = BAD_INPUT
    except TmeError as error:
        complain(str(error))
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback for whoever runs a command
        complain(f"{type(error).__name__}: {error} (unexpected; full trace in {_traced()})")
        code = FAILED
    return code


def program() -> str:
    """What a person types to get here."""
    name = Path(sys.argv[0]).name
    return "python run.py" if name == "run.py" else "tme-abm"


def _traced() -> str:
    trace = traceback.format_exc()
    if verbosity() <= logging.INFO:
        sys.stderr.write(trace)
    with tempfile.NamedTemporaryFile("w", prefix="tme-abm-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(trace)
    return file.name
