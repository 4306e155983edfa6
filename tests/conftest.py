"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real products and independent truth, or skip."""
    folder = os.environ.get("GLACIAL_LAKES_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GLACIAL_LAKES_DATA does not name the folder of real test data")
    return Path(folder)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Return the folder of the simulated sample scenes."""
    return ROOT / "sample_data"
