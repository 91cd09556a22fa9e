"""What the restored customers service does beyond its records: no code that a customer has had is drawn again."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import BigInteger, bindparam
from sqlalchemy.dialects.postgresql import insert

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.db.statements import TENANT, Prepared
from chassis.healing.known import Known
from customers.models import customer_codes, customers

_draw = insert(customer_codes).values(company_id=TENANT, last_number=bindparam("count", type_=BigInteger))
_DRAW = Prepared(
    _draw.on_conflict_do_update(
        index_elements=["company_id"], set_={"last_number": customer_codes.c.last_number + _draw.excluded.last_number}
    )
)


def draw_codes(database: Database, known: Sequence[Known]) -> list[str]:
    """Draw as many codes of each company as it may have drawn since the backup; says how many."""
    drawn = Counter(each.company_id for each in known if each.table == customers.name and "created" in each.actions)
    for company_id, count in drawn.items():
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            session.run(_DRAW, count=count)
    return [f"codes: {drawn.total()} passed over, in {len(drawn)} companies"]
