from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'samples'


@pytest.fixture
def sample():
    """Return the bytes of a sample file."""
    return lambda name: (SAMPLES / name).read_bytes()
