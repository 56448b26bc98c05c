"""Published models, as they stand in `examples/`."""

from pathlib import Path

import pytest

from firmfate.models import load_model

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def examples():
    return EXAMPLES


@pytest.fixture(scope="session")
def market_growth():
    return load_model(f"{EXAMPLES}/market-growth/market_growth.py:MARKET_GROWTH")


@pytest.fixture(scope="session")
def beer_game():
    return load_model(f"{EXAMPLES}/beer-game/beer_game.py:BEER_GAME")


@pytest.fixture(scope="session")
def capability_trap():
    return load_model(f"{EXAMPLES}/capability-trap/capability_trap.py:CAPABILITY_TRAP")
