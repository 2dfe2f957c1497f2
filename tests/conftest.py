"""Fixtures shared by all tests: the engines and three tiny programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pathway
from pathway.engines import ENGINES, needs_compiling
from tests import tiny

settings.register_profile("pathway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pathway")


def pytest_configure(config: pytest.Config) -> None:
    """Compile engine, ledger and valuation once, before workers would each do it."""
    if not hasattr(config, "workerinput") and needs_compiling("compiled"):
        pathway.run(pathway.read(Path(__file__).parent / "fixtures/tiny.toml"), patients=2, engine="compiled")


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Name of an engine; tests never name a class."""
    return str(request.param)


@pytest.fixture
def two_states():
    """Alive and dead, one constant hazard."""
    return tiny.two_states(hazard=0.1)


@pytest.fixture
def sick_sicker():
    """Sick, sicker, dead, with a condition of health that changes the hazard of death."""
    return tiny.sick_sicker(sick_to_sicker=0.2)


@pytest.fixture
def two_drugs():
    """A marker, visits, two lines of therapy, progression confirmed at a visit, intolerance, infection."""
    return tiny.two_drugs()
