"""What may be asked outside of a transaction, and what may not."""

import pytest
from sqlalchemy import column, select, table

from chassis.db.statements import Prepared

_ROWS = select(column("id")).select_from(table("rows"))


def test_a_plain_select_may_be_asked_outside_of_a_transaction() -> None:
    assert Prepared(_ROWS).reads


@pytest.mark.parametrize("read", [False, True])
@pytest.mark.parametrize("key_share", [False, True])
def test_a_select_that_locks_may_not_for_its_lock_would_be_gone_at_once(read: bool, key_share: bool) -> None:
    assert not Prepared(_ROWS.with_for_update(read=read, key_share=key_share)).reads
