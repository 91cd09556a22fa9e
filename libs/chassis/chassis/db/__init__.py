"""PostgreSQL: sessions, tenancy, prepared statements, outbox, inbox, idempotency keys, migrations."""
