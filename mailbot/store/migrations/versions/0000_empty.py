"""Where every database begins."""

revision = "0000"
down_revision = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
