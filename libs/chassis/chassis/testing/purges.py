"""Which columns of a service name users, and which of them its purges see to."""

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
