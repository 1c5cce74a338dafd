"""Sessions that lock, links that count guesses, consent, the access log, keys of our own, tiers, encrypted trackers."""

import sqlalchemy as sa
from alembic import op

from accounts.errors import StateError

revision = "0002"
down_revision = "0001"

# The columns that say what happened. Only `sealed` may be written again, with a new key around the same content.
APPEND_ONLY = {
    "consent_entry": ("id", "person", "channel", "topic", "given", "how", "at"),
    "access_entry": ("seq", "at", "chart", "link"),
}


def upgrade() -> None:
    # Conversations begin again: what was sealed before does not say with which key, and with them go the messages.
    # Everybody signs in again: an old grant does not say when that was, and an old link has no public part.
    op.execute("DELETE FROM conversation")
    op.drop_table("grant")
    op.drop_table("sign_in_link")
    key = "conversation.key"
    op.create_table(
        "grant",
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("signed_in_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("state_hash", sa.String(64), unique=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
    )
    op.add_column("conversation", sa.Column("guesses", sa.Integer, nullable=False, server_default="0"))
    op.add_column("conversation", sa.Column("guessed_at", sa.DateTime))
    op.add_column("outbox", sa.Column("tier", sa.String(10), nullable=False, server_default="full"))
    op.add_column("outbox", sa.Column("topic", sa.String(10), nullable=False, server_default="reply"))
    op.create_table(
        "secret",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "consent_entry",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("person", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("topic", sa.String(20), nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_consent_entry", "consent_entry", ["person", "channel", "topic", "id"])
    op.create_table(
        "access_entry",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("chart", sa.String(32), nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("link", sa.String(64), nullable=False),
    )
    op.create_table(
        "tracker_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conversation", sa.String(255), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("starts_session", sa.Boolean, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_tracker_events", "tracker_events", ["conversation", "id"])
    for table, columns in APPEND_ONLY.items():
        _guard(table, columns)


def _guard(table: str, columns: tuple[str, ...]) -> None:
    """Let the database itself refuse to change or delete what was written."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_update BEFORE UPDATE OF {', '.join(columns)} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
        )
        return
    for event in (f"UPDATE OF {', '.join(columns)}", "DELETE"):
        name = f"{table}_{event.split()[0].lower()}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def downgrade() -> None:
    raise StateError("The records of consent and access are not thrown away: restore a backup instead")
