"""What several of the book's tests look at."""

from __future__ import annotations

import pytest
from weaving import ROOT

from commonweb.web import Web


@pytest.fixture(scope="session")
def web() -> Web:
    return Web((ROOT / "sockets.md").read_bytes())
