"""Shelves, the books on them, and what is kept of other services' records."""

from alembic import op

from chassis.db.migrations import (
    create_chassis_tables,
    create_company_purges,
    create_waiting,
    protect,
    protect_purges,
    protect_transfers,
)
from chassis.db.tag_tables import tags_triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out and never changed again: a migration says what was done, the models say what is.
TABLES = r"""
    CREATE TABLE company_refs (
        company_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        status VARCHAR(20) DEFAULT 'active' NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_company_refs PRIMARY KEY (company_id)
    );

    CREATE TABLE user_refs (
        company_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        version INTEGER DEFAULT 0 NOT NULL,
        membership_id BIGINT DEFAULT 0 NOT NULL,
        name VARCHAR(201),
        email VARCHAR(255),
        is_active BOOLEAN DEFAULT true NOT NULL,
        purged_at TIMESTAMP WITH TIME ZONE,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_refs PRIMARY KEY (company_id, user_id)
    );

    CREATE TABLE author_refs (
        company_id BIGINT NOT NULL,
        author_id BIGINT NOT NULL,
        version INTEGER DEFAULT 0 NOT NULL,
        name VARCHAR(255),
        archived_at TIMESTAMP WITH TIME ZONE,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_author_refs PRIMARY KEY (company_id, author_id)
    );

    CREATE TABLE ref_tombstones (
        company_id BIGINT NOT NULL,
        kind VARCHAR(50) NOT NULL,
        ref_id BIGINT NOT NULL,
        version INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_ref_tombstones PRIMARY KEY (company_id, kind, ref_id)
    );

    CREATE TABLE shelves (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        name VARCHAR(100) NOT NULL,
        room VARCHAR(100),
        created_by BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_shelves PRIMARY KEY (company_id, id),
        CONSTRAINT fk_shelves_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by),
        CONSTRAINT uq_shelves_company_id_name UNIQUE (company_id, name)
    );
    CREATE INDEX ix_shelves_company_id_created_at ON shelves (company_id, created_at, id);
    CREATE INDEX ix_shelves_created_by ON shelves (company_id, created_by) WHERE created_by IS NOT NULL;

    CREATE TABLE books (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        shelf_id BIGINT NOT NULL,
        title VARCHAR(255) NOT NULL,
        shelf_mark VARCHAR(20),
        status VARCHAR(20) DEFAULT 'present' NOT NULL,
        price NUMERIC(15, 2),
        notes TEXT,
        tags JSONB DEFAULT '[]'::jsonb NOT NULL,
        author_id BIGINT,
        assigned_to BIGINT,
        created_by BIGINT,
        archived_at TIMESTAMP WITH TIME ZONE,
        archived_by_event UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_books PRIMARY KEY (company_id, id),
        CONSTRAINT ck_books_status CHECK (status IN ('present', 'lent', 'lost')),
        CONSTRAINT ck_books_tags CHECK (jsonb_typeof(tags) = 'array'),
        CONSTRAINT fk_books_company_id_shelf_id FOREIGN KEY(company_id, shelf_id) REFERENCES shelves (company_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_books_company_id_author_id FOREIGN KEY(company_id, author_id) REFERENCES author_refs (company_id, author_id),
        CONSTRAINT fk_books_company_id_assigned_to FOREIGN KEY(company_id, assigned_to) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (assigned_to),
        CONSTRAINT fk_books_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_books_archived ON books (company_id, created_at, id) WHERE archived_at IS NOT NULL;
    CREATE INDEX ix_books_assigned_to_created_at ON books (company_id, assigned_to, created_at, id);
    CREATE INDEX ix_books_author_id ON books (company_id, author_id) WHERE author_id IS NOT NULL;
    CREATE INDEX ix_books_company_id_created_at ON books (company_id, created_at, id) WHERE archived_at IS NULL;
    CREATE INDEX ix_books_company_id_shelf_mark ON books (company_id, shelf_mark, id);
    CREATE INDEX ix_books_company_id_updated_at ON books (company_id, updated_at, id);
    CREATE INDEX ix_books_created_by_created_at ON books (company_id, created_by, created_at, id);
    CREATE INDEX ix_books_shelf_id_created_at ON books (company_id, shelf_id, created_at, id);
    CREATE INDEX ix_books_status_created_at ON books (company_id, status, created_at, id);
    CREATE INDEX ix_books_title_alphabetical ON books (company_id, title COLLATE "und-x-icu", id);

    CREATE TABLE book_tags (
        company_id BIGINT NOT NULL,
        tag VARCHAR(50) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        book_id BIGINT NOT NULL,
        CONSTRAINT pk_book_tags PRIMARY KEY (company_id, tag, created_at, book_id),
        CONSTRAINT fk_book_tags_company_id_book_id FOREIGN KEY(company_id, book_id) REFERENCES books (company_id, id) ON DELETE CASCADE
    );
    CREATE INDEX ix_book_tags_company_id_book_id ON book_tags (company_id, book_id);

    CREATE TABLE book_exports (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        format VARCHAR(10) NOT NULL,
        query TEXT NOT NULL,
        created_by BIGINT,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_book_exports PRIMARY KEY (company_id, id),
        CONSTRAINT fk_book_exports_company_id_created_by FOREIGN KEY(company_id, created_by) REFERENCES user_refs (company_id, user_id) ON DELETE SET NULL (created_by)
    );
    CREATE INDEX ix_book_exports_company_id_created_at ON book_exports (company_id, created_at, id);
    CREATE INDEX ix_book_exports_created_by ON book_exports (company_id, created_by);

    CREATE TABLE book_transfers (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        targets JSONB NOT NULL,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        moved INTEGER DEFAULT 0 NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_book_transfers PRIMARY KEY (company_id, id),
        CONSTRAINT fk_book_transfers_company_id_user_id FOREIGN KEY(company_id, user_id) REFERENCES user_refs (company_id, user_id) ON DELETE CASCADE,
        CONSTRAINT uq_book_transfers_company_id_event_id UNIQUE (company_id, event_id),
        CONSTRAINT ck_book_transfers_targets CHECK (jsonb_typeof(targets) = 'array')
    );
    CREATE INDEX ix_book_transfers_pending ON book_transfers (company_id, id) WHERE finished_at IS NULL;
    CREATE INDEX ix_book_transfers_user_id ON book_transfers (company_id, user_id);

    CREATE TABLE author_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        author_id BIGINT NOT NULL,
        author_version INTEGER NOT NULL,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_author_purges PRIMARY KEY (company_id, id),
        CONSTRAINT uq_author_purges_company_id_author_id UNIQUE (company_id, author_id)
    );
    CREATE INDEX ix_author_purges_pending ON author_purges (company_id, id) WHERE finished_at IS NULL;

    CREATE TABLE user_purges (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        company_id BIGINT NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        user_id BIGINT NOT NULL,
        transfer_to BIGINT,
        activities VARCHAR(10) NOT NULL,
        created_by BIGINT,
        event_id UUID NOT NULL,
        correlation_id VARCHAR(64) NOT NULL,
        changed INTEGER DEFAULT 0 NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_user_purges PRIMARY KEY (company_id, id),
        CONSTRAINT ck_user_purges_activities CHECK (activities IN ('keep', 'delete')),
        CONSTRAINT uq_user_purges_company_id_event_id UNIQUE (company_id, event_id)
    );
    CREATE INDEX ix_user_purges_pending ON user_purges (company_id, id) WHERE finished_at IS NULL;
"""


def upgrade() -> None:
    create_chassis_tables("sample")
    create_company_purges("sample")
    op.execute(TABLES)
    protect("company_refs", service="sample", grant="SELECT, INSERT, UPDATE")
    protect("user_refs", service="sample", grant="SELECT, INSERT, UPDATE")
    protect("author_refs", service="sample")
    protect("ref_tombstones", service="sample", grant="SELECT, INSERT")
    protect("shelves", service="sample")
    protect("books", service="sample")
    protect("book_tags", service="sample", grant="SELECT, INSERT, DELETE")
    op.execute(tags_triggers("book_tags", "books", "book_id"))
    protect("book_exports", service="sample", grant="SELECT, INSERT")
    protect_transfers("book_transfers", service="sample")
    protect("author_purges", service="sample", grant="SELECT, INSERT, UPDATE (updated_at, finished_at)")
    carried = {"correlation_id": "text", "event_id": "uuid"}
    create_waiting("author_purges", service="sample", where="finished_at IS NULL", carried=carried)
    protect_purges(service="sample")


def downgrade() -> None:
    """There is nothing before the first migration; destroying a database is the operator's to do."""
