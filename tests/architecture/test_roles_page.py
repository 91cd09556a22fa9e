"""docs/roles.md is what its sources say: nobody reads there what does not hold."""

import runpy
from pathlib import Path


def test_the_page_of_roles_is_up_to_date(root: Path) -> None:
    page = runpy.run_path(str(root / "docs" / "roles_page.py"))["page"]()
    assert (root / "docs" / "roles.md").read_text() == page, "`make roles-page` writes it anew"
