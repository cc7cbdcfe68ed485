"""Every table. Times are UTC ISO text, so that SQLite and PostgreSQL compare them alike."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

location = Table(
    "location", metadata,
    Column("account", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", Integer, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("message_id", ForeignKey("message.id"), nullable=False),
)  # fmt: skip

message = Table(
    "message", metadata,
    Column("id", Integer, primary_key=True),
    Column("content", String, nullable=False, unique=True),
    Column("semantic", String, nullable=False, index=True),
    Column("header_id", String, index=True),
    Column("sender", String, index=True),
    Column("subject", String, nullable=False),
    Column("files", Text, nullable=False),
    Column("received_at", String, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("policy", String, nullable=False),
    Column("rules", String, nullable=False),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("round", Integer, nullable=False),
    Column("problem", String),
    Column("evidence", Text),
    Column("verdict", Text),
)  # fmt: skip

case_file = Table(
    "case_file", metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String, nullable=False, unique=True),
    Column("state", String, nullable=False, index=True),
    Column("round", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requester", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("letter_key", String, index=True),
)  # fmt: skip

event = Table(
    "event", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("old", String, nullable=False),
    Column("new", String, nullable=False),
    Column("reason", Text, nullable=False),
)  # fmt: skip

outgoing = Table(
    "outgoing", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("key", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("header_id", String, nullable=False, unique=True),
    Column("recipient", String, nullable=False, index=True),
    Column("data", LargeBinary, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("created_at", String, nullable=False),
    Column("due_at", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    UniqueConstraint("key", "kind", "seq"),
)  # fmt: skip

job = Table(
    "job", metadata,
    Column("id", Integer, primary_key=True),
    Column("lane", String, nullable=False),
    Column("task", String, nullable=False),
    Column("subject_id", Integer, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at", String, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("task", "subject_id"),
)  # fmt: skip

quarantine = Table(
    "quarantine", metadata,
    Column("account", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", Integer, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("path", String),
    Column("error", Text, nullable=False),
)  # fmt: skip
