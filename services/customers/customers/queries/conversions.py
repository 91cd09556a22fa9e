"""What was done for conversions of leads."""

from sqlalchemy import BigInteger, bindparam

from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.events import SOURCE
from customers.models import conversion_results as results
from customers.views import CONVERSION_RESULT

RECORDS = Records(CONVERSION_RESULT, source=SOURCE, noun="conversion result")

_OF_CONVERSION = Prepared(
    CONVERSION_RESULT.one(
        of_tenant(results), results.c.conversion_id == bindparam("of_conversion", type_=BigInteger), lock=True
    )
)


def find_result(session: Session, conversion_id: int) -> Record | None:
    """What was done for a conversion, locked; None where nothing was yet."""
    row = session.fetch_one(_OF_CONVERSION, of_conversion=conversion_id)
    return None if row is None else Record(*row)
