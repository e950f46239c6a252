"""An empty catalog."""

from __future__ import annotations

import pytest

from catalog.models import Node


@pytest.fixture
def catalog(transactional_db: None) -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
