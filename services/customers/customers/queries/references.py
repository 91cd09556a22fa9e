"""What the service keeps of companies and users, page by page, to be compared with what identity knows."""

from sqlalchemy import BigInteger, Integer, bindparam, select, union

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import company_refs, user_refs

_MOST = bindparam("most", type_=Integer)
_AFTER = bindparam("after", type_=BigInteger)


# Across tenants, and so for the owner alone: row-level security hides from any other role all companies but one.
_named = union(
    *(
        select(
            select(table.c.company_id)
            .distinct()
            .where(table.c.company_id > _AFTER)
            .order_by(table.c.company_id)
            .limit(_MOST)
            .subquery()
            .c.company_id
        )
        for table in (company_refs, user_refs)
    )
).subquery()
_COMPANIES = Prepared(
    select(_named.c.company_id, company_refs.c.version)
    .outerjoin_from(_named, company_refs, company_refs.c.company_id == _named.c.company_id)
    .order_by(_named.c.company_id)
    .limit(_MOST)
)
_USERS = Prepared(
    select(user_refs.c.user_id, user_refs.c.membership_id, user_refs.c.version)
    .where(
        of_tenant(user_refs),
        user_refs.c.user_id > _AFTER,
    )
    .order_by(user_refs.c.user_id)
    .limit(_MOST)
)


def list_companies(session: Session, after: int, most: int) -> dict[int, int | None]:
    """The next companies of which anything is kept, by id, each with the version that is known of it."""
    rows = session.fetch(_COMPANIES, after=after, most=most)
    return {row[0]: row[1] for row in rows}


def list_users(session: Session, after: int, most: int) -> dict[int, tuple[int, int]]:
    """The next users of the tenant who are kept, by id, each with the membership and its version that is known."""
    rows = session.fetch(_USERS, after=after, most=most)
    return {user_id: (membership_id, version) for user_id, membership_id, version in rows}
