"""The register is found by its words: an index of its own, made from the rights that are there."""

import sqlalchemy as sa
from alembic import op

from mailbot.store.search import cut

revision = "0003"
down_revision = "0002"
BATCH = 1000


def upgrade() -> None:
    word = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "access_word",
        sa.Column("access_id", sa.Integer(), sa.ForeignKey("access_right.id"), primary_key=True),
        sa.Column("word", word, primary_key=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("nama", sa.String(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("access_word_list", "access_word", ["status", "word", "nama", "access_id"])
    _fill(op.get_bind())


def downgrade() -> None:
    op.drop_table("access_word")


def _fill(tx: sa.Connection) -> None:
    some = sa.text(
        "SELECT id, status, nama, user_id, instansi, nip FROM access_right WHERE id > :last ORDER BY id LIMIT :batch"
    )
    put = sa.text("INSERT INTO access_word (access_id, word, status, nama) VALUES (:id, :word, :status, :nama)")
    last = 0
    while rows := tx.execute(some, {"last": last, "batch": BATCH}).all():
        words = [
            {"id": r.id, "word": word, "status": r.status, "nama": r.nama}
            for r in rows
            for word in {w[:60] for w in cut(" ".join((r.nama, r.user_id, r.instansi, r.nip)))}
        ]
        if words:
            tx.execute(put, words)
        last = rows[-1].id
