"""What may become of a book."""

import pytest

from chassis.errors import Conflict
from sample.rules import STATUSES, refuse_lending_lost


def test_nothing_but_lending_what_is_lost_is_refused():
    for before in STATUSES:
        for after in STATUSES:
            if (before, after) != ("lost", "lent"):
                refuse_lending_lost(before, after)
    with pytest.raises(Conflict) as caught:
        refuse_lending_lost("lost", "lent")
    assert caught.value.code == "book_lost"
