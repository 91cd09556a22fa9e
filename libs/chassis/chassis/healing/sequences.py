"""Ids that nobody has seen: after a restore the sequences stand where the backup has them, and ids would come again."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, bindparam, text

from chassis.db.session import Session
from chassis.db.statements import Prepared

# Somebody may have been answered with an id of which no event was published any more.
GAP = 10_000

_SEQUENCES = Prepared(
    text(
        "SELECT c.relname::text, pg_get_serial_sequence(quote_ident(c.relname), a.attname) "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE a.attidentity <> '' AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
)
_MOVE_ON = Prepared(
    text("SELECT setval(:sequence, greatest(nextval(:sequence), :highest) + :gap)").bindparams(
        bindparam("highest", type_=BigInteger), bindparam("gap", type_=BigInteger)
    )
)


def move_on(session: Session, highest: Mapping[str, int]) -> int:
    """Let each table's ids go on beyond what it has drawn and the highest that is known; answers how many there are."""
    sequences = session.fetch(_SEQUENCES)
    for table, sequence in sequences:
        session.fetch(_MOVE_ON, sequence=sequence, highest=highest.get(table, 0), gap=GAP)
    return len(sequences)
