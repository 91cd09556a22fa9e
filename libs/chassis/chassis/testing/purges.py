"""Purges: which columns of a service name users, which of them are seen to, and a company's purge that settles."""

import psycopg
from sqlalchemy import MetaData

from chassis.purges import Purges


def naming_users(metadata: MetaData) -> set[str]:
    """Every `table.column` with a foreign key to `user_refs`."""
    return {
        f"{table.name}.{key.column_keys[1]}"
        for table in metadata.sorted_tables
        for key in table.foreign_key_constraints
        if key.referred_table.name == "user_refs"
    }


def seen_to(purges: Purges) -> set[str]:
    """Every `table.column` that is handed on, emptied or deleted where a user is purged."""
    held = {f"{held.records.view.table.name}.{column}" for held in purges.held for column in held.naming}
    return held | {f"{rows.table.name}.{rows.column}" for rows in purges.deleted}


def let_purge_settle(superuser: psycopg.Connection, company_id: int) -> None:
    """Have the time pass in which something may be under way that knows nothing of a company's purge.

    Also what other databases of the server have under way, which tests beside this one do not end.
    """
    superuser.execute(
        "UPDATE company_purges SET created_at = created_at - interval '1 minute',"
        " known_from = coalesce(known_from, 1) WHERE company_id = %s",
        (company_id,),
    )
