"""Acting for someone else: the RelatedPerson of a grant, and choices of a chart that are under way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oauth_grant", sa.Column("related_person_id", sa.String(64)))
    op.create_table(
        "signin_choice",
        sa.Column("key_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(36), sa.ForeignKey("portal_user.id"), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("signin_choice")
    op.drop_column("oauth_grant", "related_person_id")
