"""Indexes for lists that grew with the history: the trail of one person, mails that came back, the register by name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
BOUNCED = sa.text("bounced <> ''")


def upgrade() -> None:
    op.create_index("event_actor", "event", ["actor", "at"])
    op.create_index("outgoing_bounced", "outgoing", ["id"], sqlite_where=BOUNCED, postgresql_where=BOUNCED)
    op.create_index("access_list", "access_right", ["status", "nama", "id"])
    op.drop_index("ix_access_right_status", table_name="access_right")


def downgrade() -> None:
    op.create_index("ix_access_right_status", "access_right", ["status"])
    op.drop_index("access_list", table_name="access_right")
    op.drop_index("outgoing_bounced", table_name="outgoing")
    op.drop_index("event_actor", table_name="event")
