"""Fixtures of the tests of the pages: the merged document, and the folder that the process serves."""

from pathlib import Path
from typing import Any

import pytest

from web.build import ROOT, build
from web.document import merge, read_documents


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return merge(read_documents(ROOT / "contracts" / "openapi"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return folder
