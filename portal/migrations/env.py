"""Runs the migrations on the connection that ``portal.db.migrate`` hands over; there is no alembic.ini."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
