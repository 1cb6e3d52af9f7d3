from __future__ import annotations

import pytest

from tests.support.models import TINY
from tme_abm.scenario import Scenario, load
from viz.frame import Frame
from viz.session import Session


@pytest.fixture(scope="session")
def tiny() -> Scenario:
    return load("hot", TINY)


@pytest.fixture(scope="session")
def frame(tiny: Scenario) -> Frame:
    """A tumor after some steps; frames are frozen, so that tests may share one."""
    session = Session(tiny, 1)
    session.step(6)
    return session.frame
