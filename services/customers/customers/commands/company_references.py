"""What the service knows of the company that it works for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, and_, bindparam, func, or_, text
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from customers.models import company_refs

_KNOWN = ("version", "region", "settings")
_new = upsert(company_refs).values(
    company_id=TENANT,
    version=bindparam("new_version", type_=Integer()),
    region=bindparam("region", type_=company_refs.c.region.type),
    settings=bindparam("settings", type_=company_refs.c.settings.type),
)
_written = {name: _new.excluded[name] for name in _KNOWN} | {"updated_at": text("now()")}
_is_newer = company_refs.c.version < _new.excluded.version
_SAVE_COMPANY = Prepared(_new.on_conflict_do_update(index_elements=["company_id"], set_=_written, where=_is_newer))
# Anything replaces what is still as it was before identity was asked; see `user_references`.
_REPAIR = Prepared(
    _new.on_conflict_do_update(
        index_elements=["company_id"],
        set_=_written,
        where=and_(
            or_(_is_newer, company_refs.c.version == bindparam("seen_version", type_=Integer())),
            func.row(*(company_refs.c[name] for name in _KNOWN)).is_distinct_from(
                func.row(*(_new.excluded[name] for name in _KNOWN))
            ),
        ),
    )
)


def company_values(company: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a company as identity shows it, in events and answers alike."""
    return {"region": company["region"], "settings": company["settings"]}


def repair_company(session: Session, company: Mapping[str, Any], seen: int | None) -> bool:
    """Make what is kept of the company what identity answered; whether that changed anything.

    `seen` is the version that was kept before identity was asked. An event that has come since and tells of a newer
    state stands.
    """
    touched = session.run(
        _REPAIR,
        new_version=company["version"],
        seen_version=-1 if seen is None else seen,
        **company_values(company),
    )
    return touched > 0


def save_company_reference(session: Session, version: int, values: dict[str, Any]) -> None:
    """Keep what is known of the company; an older event never overwrites a newer state."""
    session.run(_SAVE_COMPANY, new_version=version, **values)
