"""The archive of a stack's PostgreSQL, where the stack is to have one: what it is made from, and its beginning."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from crm.backup.dumps import KEY_NAME
from crm.credentials import Credentials
from crm.errors import OperatorError
from crm.servers.archive import Archive, Cluster, Place, passphrase

Report = Callable[[str, str, float], None]
# What `secrets.json` holds of an operator's account at a store of objects.
S3_SECRETS = {"archive_s3_key": "s3-key", "archive_s3_key_secret": "s3-key-secret"}


def archived(credentials: Credentials, place: str | None) -> Callable[[Cluster], Archive] | None:
    """What makes the archive of a PostgreSQL, None where there is to be none."""
    if not place:
        return None

    def of(cluster: Cluster) -> Archive:
        found = Place.of(place)
        secrets = {"cipher-pass": passphrase(credentials.age_identity(KEY_NAME))}
        if found.folder is None:
            kept = dict(credentials.items())
            if missing := [name for name in S3_SECRETS if not kept.get(name)]:
                raise OperatorError(f"{credentials.path.name} has no {' and no '.join(missing)}; write them into it")
            secrets |= {option: kept[name] for name, option in S3_SECRETS.items()}
        return Archive(found, cluster, secrets, cluster.data.parent)

    return of


def begin(archive: Archive | None, report: Report) -> None:
    """See that a running PostgreSQL has its archive, and that it leads somewhere."""
    if archive is None:
        return
    began = time.monotonic()
    archive.begin()
    bases = archive.bases() or [archive.make(datetime.now(UTC))]
    report("archive", f"any instant since {bases[0].ended:%Y-%m-%d %H:%M:%S} UTC", time.monotonic() - began)
