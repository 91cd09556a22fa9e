#!/usr/bin/env bash
# As the official image does: makes the data folder at the first start, with a password from a file.
set -Eeuo pipefail
if [ "${1:0:1}" = - ]; then
  set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD_FILE:-}" ]; then
    echo "POSTGRES_PASSWORD_FILE is needed" >&2
    exit 1
  fi
  chmod 700 "$PGDATA" || true
  eval "initdb -U postgres --pwfile='$POSTGRES_PASSWORD_FILE' ${POSTGRES_INITDB_ARGS:-}"
  printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
fi
unset POSTGRES_PASSWORD_FILE
exec "$@"
