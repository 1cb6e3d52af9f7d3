"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let the programs that tests start be interrupted.

    A shell starts what it puts in the background with Ctrl-C ignored, and programs inherit that: the tests that send it
    would wait in vain.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
