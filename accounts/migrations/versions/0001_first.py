"""Conversations, grants and sign-in links; the inbox, the outbox and what was offered last."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "conversation",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("address", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )
    key = "conversation.key"
    op.create_table(
        "grant",
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("state_hash", sa.String(64), unique=True),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("used_at", sa.DateTime),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("message_id", sa.String(100), nullable=False),
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("error", sa.String(100)),
        sa.UniqueConstraint("channel", "account", "message_id", name="uq_inbox_message"),
    )
    op.create_index("ix_inbox_open", "inbox", ["state", "due_at"])
    op.create_index("ix_inbox_conversation", "inbox", ["conversation", "id"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), nullable=False),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id", ondelete="SET NULL")),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("provider_id", sa.String(100)),
        sa.Column("error", sa.String(100)),
    )
    op.create_index("ix_outbox_open", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_conversation", "outbox", ["conversation", "id"])
    op.create_index("ix_outbox_provider", "outbox", ["channel", "provider_id"])
    op.create_table(
        "offer",
        sa.Column("conversation", sa.String(32), sa.ForeignKey(key, ondelete="CASCADE"), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("offer", "outbox", "inbox", "sign_in_link", "grant", "conversation"):
        op.drop_table(table)
