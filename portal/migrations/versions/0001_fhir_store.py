"""The FHIR store: resources, their search index, and the keys of conditional creates."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def resource_key(**options: bool) -> sa.Column:
    return sa.Column("pk", KEY, sa.ForeignKey("resource.pk", ondelete="CASCADE"), **options)


def upgrade() -> None:
    op.create_table(
        "resource",
        sa.Column("pk", KEY, primary_key=True, autoincrement=True),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("resource_type_id", "resource", ["type", "id"], unique=True)
    op.create_index("resource_chart", "resource", ["type", "patient_id", "low", "pk", "high"])
    op.create_index("resource_newest", "resource", ["type", "low", "pk"])
    op.create_table(
        "search_value",
        sa.Column("type", sa.String(32), primary_key=True),
        sa.Column("param", sa.String(40), primary_key=True),
        sa.Column("value", TEXT, primary_key=True),
        sa.Column("patient_id", sa.String(64), primary_key=True),
        sa.Column("low", sa.BigInteger, primary_key=True),
        resource_key(primary_key=True),
        sa.Column("qualifier", TEXT, primary_key=True),
        sa.Column("high", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("search_value_resource", "search_value", ["pk", "param"])
    op.create_table(
        "search_date",
        resource_key(primary_key=True),
        sa.Column("param", sa.String(40), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True),
        sa.Column("end", sa.BigInteger, primary_key=True),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("patient_id", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("search_date_chart", "search_date", ["type", "param", "patient_id", "start", "pk"])
    op.create_table(
        "conditional_key",
        sa.Column("type", sa.String(32), primary_key=True),
        sa.Column("patient_id", sa.String(64), primary_key=True),
        sa.Column("system", TEXT, primary_key=True),
        sa.Column("value", TEXT, primary_key=True),
        resource_key(nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("conditional_key", "search_date", "search_value", "resource"):
        op.drop_table(table)
