"""The filled world that every short run begins with a copy of."""

import pytest

from tests.world.server import Pristine


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Pristine:
    """Filled at the first use."""
    return Pristine(tmp_path_factory.mktemp("pristine") / "world")
