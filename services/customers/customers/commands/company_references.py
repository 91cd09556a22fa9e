"""What the service knows of the company that it works for."""

from typing import Any

from sqlalchemy import Integer, bindparam, text
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from customers.models import company_refs

_new = upsert(company_refs).values(
    company_id=bindparam("of_company", type_=company_refs.c.company_id.type),
    version=bindparam("new_version", type_=Integer()),
    region=bindparam("region", type_=company_refs.c.region.type),
    settings=bindparam("settings", type_=company_refs.c.settings.type),
)
_SAVE_COMPANY = Prepared(
    _new.on_conflict_do_update(
        index_elements=["company_id"],
        set_={name: _new.excluded[name] for name in ("version", "region", "settings")} | {"updated_at": text("now()")},
        where=company_refs.c.version < _new.excluded.version,
    )
)


def save_company_reference(session: Session, version: int, values: dict[str, Any]) -> None:
    """Keep what is known of the company; an older event never overwrites a newer state."""
    session.run(_SAVE_COMPANY, of_company=tenant(), new_version=version, **values)
