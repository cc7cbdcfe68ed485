"""Run by Alembic; the connection comes from `schema`, so that one transaction holds the whole upgrade."""

from alembic import context

from mailbot.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
