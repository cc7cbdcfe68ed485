"""What was sent to one address of late: of a requester who has written for years, only the last day is read."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("outgoing_recipient", "outgoing", ["recipient", "created_at"])
    op.drop_index("ix_outgoing_recipient", table_name="outgoing")


def downgrade() -> None:
    op.create_index("ix_outgoing_recipient", "outgoing", ["recipient"])
    op.drop_index("outgoing_recipient", table_name="outgoing")
