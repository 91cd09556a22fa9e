"""The archive of a PostgreSQL: where it may be, what pgBackRest and PostgreSQL are told, and one key for all backups."""

from pathlib import Path

import pytest

from crm.archiving import S3_SECRETS, archived
from crm.backup.dumps import KEY_NAME
from crm.credentials import Credentials
from crm.errors import OperatorError
from crm.servers.archive import Cluster, Place, configuration, passphrase, restore_command, server_settings

CLUSTER = Cluster(data=Path("/srv/crm/postgres/data"), host="127.0.0.1", port=20001, password="a password")
S3 = "s3://backups/crm?endpoint=s3.example&region=eu-central-1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("backups", "no absolute path"),
        ("/mnt/backups\nrepo1-cipher-type=none", "no absolute path"),
        ("ftp://backups/crm", "no archive"),
        ("s3:///crm?endpoint=s3.example&region=eu", "no archive"),
        ("s3://backups/crm?endpoint=s3.example&region=eu&key=AKIA", "no archive"),
        ("s3://backups/crm?region=eu", "its endpoint"),
        ("s3://backups/crm", "its endpoint and region"),
    ],
)
def test_a_place_that_is_none_is_refused(text, said):
    with pytest.raises(OperatorError, match=said):
        Place.of(text)


def test_a_store_of_objects_is_told_its_secrets_and_a_folder_has_none(tmp_path):
    credentials = Credentials(tmp_path)
    folder = archived(credentials, "/mnt/archive")(CLUSTER)
    assert (folder.place.folder, folder.settings["archive_mode"]) == (Path("/mnt/archive"), "on")
    with pytest.raises(OperatorError, match="has no archive_s3_key and no archive_s3_key_secret"):
        archived(credentials, S3)(CLUSTER)
    for name in S3_SECRETS:
        credentials.password(name)
    found = archived(credentials, S3)(CLUSTER)
    assert found.place.folder is None
    assert archived(credentials, None) is None


def test_everything_in_an_archive_is_encrypted_with_what_the_key_of_backups_gives(tmp_path):
    identity = Credentials(tmp_path).age_identity(KEY_NAME)
    secret = passphrase(identity)
    assert secret == passphrase(f"{identity}\n")
    assert identity not in secret
    assert len(secret) == 64
    for place in ("/mnt/archive", S3):
        lines = configuration(Place.of(place), CLUSTER, {"cipher-pass": secret}, Path("/run/lock")).splitlines()
        assert {"repo1-cipher-type=aes-256-cbc", f"repo1-cipher-pass={secret}", "repo1-retention-full=30"} <= set(lines)
        assert CLUSTER.password not in "\n".join(lines)
    assert {"repo1-s3-endpoint=s3.example", "repo1-path=/crm", "repo1-s3-bucket=backups"} <= set(lines)


def test_postgres_takes_a_path_as_it_is():
    configured = Path("/srv/100% ours/pgbackrest.conf")
    told = server_settings(configured)["archive_command"]
    assert told == "pgbackrest --config='/srv/100%% ours/pgbackrest.conf' --stanza=crm archive-push %p"
    fetched = restore_command(Path("/srv/pgbackrest.conf"), Path("/srv/data.recovered"))
    assert (
        fetched
        == "pgbackrest --config=/srv/pgbackrest.conf --stanza=crm --pg1-path=/srv/data.recovered archive-get %f %p"
    )
