"""The tenant itself."""

from sqlalchemy import BigInteger, bindparam

from chassis.context import tenant
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import companies
from identity.queries.records import Record, record_of

COMPANY = JsonView(
    companies,
    (
        "id",
        "version",
        "name",
        "logo",
        "email",
        "phone",
        "address",
        "city",
        "state",
        "country",
        "zip_code",
        "website",
        "industry",
        "company_size",
        "status",
        "subscription_plan",
        "subscription_start",
        "subscription_end",
        "default_currency",
        "time_zone",
        "region",
        "settings",
        "created_at",
        "updated_at",
    ),
)

_THE_COMPANY = Prepared(COMPANY.one(companies.c.id == bindparam("company_id", type_=BigInteger)))


def get_company(session: Session) -> Record:
    """The tenant itself. Raises LookupError."""
    return record_of(session.fetch_one(_THE_COMPANY, company_id=tenant()))
