"""Every table. Times are UTC ISO text, so that SQLite and PostgreSQL compare them alike."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()
# words with one beginning lie together, whatever the locale of the database
BYTEWISE = String().with_variant(String(collation="C"), "postgresql")

counter = Table(
    "counter", metadata,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)  # fmt: skip

# ------------------------------------------------------------------ mail in

location = Table(
    "location", metadata,
    Column("account", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("message_id", ForeignKey("message.id"), nullable=False, index=True),
)  # fmt: skip

message = Table(
    "message", metadata,
    Column("id", Integer, primary_key=True),
    Column("content", String, nullable=False, unique=True),
    Column("semantic", String, nullable=False, index=True),
    Column("header_id", String, index=True),
    Column("sender", String, index=True),
    Column("sender_name", String, nullable=False, server_default=""),
    Column("subject", String, nullable=False),
    Column("files", Text, nullable=False),
    Column("size", Integer, nullable=False, server_default="0"),
    Column("received_at", String, nullable=False),
    Column("stored_at", String, nullable=False, server_default=""),
    Column("channel", String, nullable=False, server_default="email"),  # email | langsung | tts
    Column("state", String, nullable=False, index=True),
    Column("policy", String, nullable=False),
    Column("rules", String, nullable=False),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("round", Integer, nullable=False),
    Column("problem", String),
    Column("evidence", Text),
    Column("verdict", Text),
    Column("read_ms", Integer, nullable=False, server_default="0"),
)  # fmt: skip

attachment = Table(
    "attachment", metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", ForeignKey("message.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("sha256", String, nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("inside", String),
    Column("problem", String),
    UniqueConstraint("message_id", "seq"),
)  # fmt: skip

quarantine = Table(
    "quarantine", metadata,
    Column("account", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", String, primary_key=True),
    Column("attempts", Integer, nullable=False),  # begun, the deaths of the process included
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("path", String),
    Column("error", Text, nullable=False),
    Column("due_at", String, nullable=False, server_default=""),  # not tried again before (IN-33)
)  # fmt: skip

mailbox_state = Table(
    "mailbox_state", metadata,
    Column("account", String, primary_key=True),
    Column("folder", String, primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("start", String, nullable=False),  # none | since YYYY-MM-DD | all (IN-13)
    Column("first_at", String, nullable=False),
    Column("polled_at", String),  # last sweep that ended well
    Column("paused", Text, nullable=False, server_default=""),  # why an operator must confirm first (IN-21)
)  # fmt: skip

login = Table(
    "login", metadata,
    Column("fingerprint", String, primary_key=True),  # of host, user and secret (IN-05)
    Column("failures", Integer, nullable=False),
    Column("first_at", String, nullable=False),
    Column("next_at", String, nullable=False),
    Column("error", Text, nullable=False),
)  # fmt: skip

# ------------------------------------------------------------------ cases

case_file = Table(
    "case_file", metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("round", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("requester", String, nullable=False, index=True),
    Column("requester_name", String, nullable=False, server_default=""),
    Column("subject", String, nullable=False),
    Column("channel", String, nullable=False, server_default="email"),
    Column("ticket", String, nullable=False, server_default=""),  # number of a TTS ticket
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False, server_default=""),
    Column("letter_key", String, index=True),
    Column("letter_number", String, nullable=False, server_default=""),
    Column("letter_date", String, nullable=False, server_default=""),
    Column("instansi", String, nullable=False, server_default=""),
    Column("persons", Text, nullable=False, server_default=""),  # names, for lists
    Column("reason", Text, nullable=False, server_default=""),  # why it is where it is: reason codes or words
    Column("step", String, nullable=False, server_default=""),  # running timer: T3 T6 T8 T9, or ""
    Column("due_at", String),  # of that timer
    Column("printed_at", String),
    Column("printed_by", String),
    Column("merged_into", ForeignKey("case_file.id")),
    Column("split_from", ForeignKey("case_file.id")),  # shares the messages of that case
    Index("case_queue", "state", "due_at"),
    Index("case_state", "state", "id"),
    Index("case_recent", "created_at"),
    Index("case_letter", "letter_number"),
)  # fmt: skip

case_person = Table(
    "case_person", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("nip", String, nullable=False, index=True),
    Column("name_key", String, nullable=False, index=True),
    Column("person", Text, nullable=False),  # model.Person as JSON, corrections applied
    Column("corrected", Text, nullable=False, server_default="{}"),  # field -> [read value, by, at]
    Column("target", String, nullable=False, server_default="SPSE lokal"),
    Column("result", String, nullable=False, server_default=""),  # berhasil | gagal | ditolak
    Column("user_id", String, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("result_at", String),
    Column("result_by", String),
    Column("handed_how", String, nullable=False, server_default=""),
    Column("handed_at", String),
    Column("handed_by", String),
    UniqueConstraint("case_id", "seq"),
)  # fmt: skip

verification = Table(
    "verification", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), nullable=False, index=True),
    Column("person_id", Integer),  # case_person, or NULL for the sender
    Column("level", String, nullable=False),  # L2 L3 L4 of MAIL.md 2.7
    Column("how", Text, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", String, nullable=False),
)  # fmt: skip

event = Table(
    "event", metadata,
    Column("id", Integer, primary_key=True),
    Column("chain", Integer, nullable=False),  # the case's id, or 0: logins, files opened, users, campaigns
    Column("seq", Integer, nullable=False),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("at", String, nullable=False, index=True),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("old", String, nullable=False),
    Column("new", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False, server_default="{}"),
    Column("previous", String, nullable=False, server_default=""),
    Column("hash", String, nullable=False, server_default=""),
    UniqueConstraint("chain", "seq"),
    Index("event_action", "action", "at", "actor", "chain"),
    Index("event_actor", "actor", "at"),
)  # fmt: skip

step = Table(
    "step", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), nullable=False, index=True),
    Column("name", String, nullable=False),  # T3 T6 T8 T9 (DOMAIN.md 1.4)
    Column("round", Integer, nullable=False),
    Column("started_at", String, nullable=False),
    Column("due_at", String, nullable=False),
    Column("ended_at", String),
    Column("ended_by", String),
    Column("minutes", Integer),  # service minutes used
    Column("late", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("reason_by", String),
    Column("accepted_by", String),
    Column("accepted_at", String),
    Index("step_open", "ended_at", "due_at"),
    Index("step_unmeasured", "ended_at", sqlite_where=text("minutes IS NULL"), postgresql_where=text("minutes IS NULL")),
    Index("step_late", "late", "accepted_at", "started_at"),
    Index("step_started", "started_at", "name", "late"),  # the supervisor's figures need the index only
)  # fmt: skip

# ------------------------------------------------------------------ mail out and work

outgoing = Table(
    "outgoing", metadata,
    Column("id", Integer, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), index=True),
    Column("key", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("header_id", String, nullable=False, unique=True),
    Column("recipient", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("state", String, nullable=False),  # pending sending sent deferred failed ambiguous cancelled
    Column("created_at", String, nullable=False),
    Column("due_at", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("repeats", Integer, nullable=False, server_default="0"),  # hand-overs after an ambiguous one (IN-52)
    Column("sent_at", String),
    Column("answer", Text, nullable=False),
    Column("bounced", String, nullable=False, server_default=""),  # status of a believed delivery report
    UniqueConstraint("key", "kind", "seq"),
    Index("outgoing_due", "state", "due_at"),
    Index("outgoing_recent", "created_at"),
    Index("outgoing_recipient", "recipient", "created_at"),
    Index("outgoing_bounced", "id", sqlite_where=text("bounced <> ''"), postgresql_where=text("bounced <> ''")),
)  # fmt: skip

undeliverable = Table(
    "undeliverable", metadata,
    Column("address", String, primary_key=True),  # R19
    Column("at", String, nullable=False),
    Column("status", String, nullable=False),
)  # fmt: skip

job = Table(
    "job", metadata,
    Column("id", Integer, primary_key=True),
    Column("lane", String, nullable=False),
    Column("task", String, nullable=False),
    Column("subject_id", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),  # begun, the deaths of the process included: the fence
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("due_at", String, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("task", "subject_id"),
    Index("job_due", "state", "lane", "due_at"),
)  # fmt: skip

tick = Table(
    "tick", metadata,
    Column("name", String, primary_key=True),
    Column("slot", String, primary_key=True),  # one host wins the row
    Column("at", String, nullable=False),
)  # fmt: skip

lease = Table(
    "lease", metadata,
    Column("name", String, primary_key=True),  # mailbox <account>
    Column("owner", String, nullable=False),  # host:pid
    Column("until", String, nullable=False),
)  # fmt: skip

# ------------------------------------------------------------------ access rights, people

access_right = Table(
    "access_right", metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("nama", String, nullable=False),
    Column("nip", String, nullable=False, index=True),
    Column("peran", String, nullable=False),
    Column("instansi", String, nullable=False),
    Column("email", String, nullable=False),
    Column("telepon", String, nullable=False),
    Column("status", String, nullable=False),  # aktif | nonaktif
    Column("active_since", String),
    Column("valid_until", String, index=True),
    Column("basis", String, nullable=False, server_default=""),  # kind, number, date of the SK
    Column("case_number", String, nullable=False, server_default=""),
    Column("ended_at", String),
    Column("ended_reason", String, nullable=False, server_default=""),
    Column("executor", String, nullable=False, server_default=""),
    UniqueConstraint("nip", "peran", "instansi"),
    Index("access_list", "status", "nama", "id"),
)  # fmt: skip

access_word = Table(
    "access_word", metadata,  # by which the register is searched; made from the right with each change of it
    Column("access_id", ForeignKey("access_right.id"), primary_key=True),
    Column("word", BYTEWISE, primary_key=True),
    Column("status", String, nullable=False),  # these two as in the right: a page of a common word is read from the index alone
    Column("nama", String, nullable=False),
    Index("access_word_list", "status", "word", "nama", "access_id"),
    sqlite_with_rowid=False,
)  # fmt: skip

access_history = Table(
    "access_history", metadata,
    Column("id", Integer, primary_key=True),
    Column("access_id", ForeignKey("access_right.id"), nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("what", String, nullable=False),
    Column("row", Text, nullable=False),  # the row as it became, JSON
)  # fmt: skip

campaign = Table(
    "campaign", metadata,
    Column("id", Integer, primary_key=True),
    Column("year", Integer, nullable=False, unique=True),
    Column("planned_on", String, nullable=False),
    Column("state", String, nullable=False),  # disusun | diumumkan | dilaksanakan | selesai
    Column("created_by", String, nullable=False),
    Column("created_at", String, nullable=False),
)  # fmt: skip

campaign_item = Table(
    "campaign_item", metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False, index=True),
    Column("access_id", ForeignKey("access_right.id"), nullable=False),
    Column("notified_at", String),
    Column("decision", String, nullable=False, server_default=""),  # nonaktif | kecuali
    Column("reason", Text, nullable=False, server_default=""),
    Column("decided_by", String),
    Column("decided_at", String),
    Column("executed_by", String),
    Column("executed_at", String),
    UniqueConstraint("campaign_id", "access_id"),
)  # fmt: skip

user = Table(
    "app_user", metadata,
    Column("id", Integer, primary_key=True),
    Column("login", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),  # helpdesk admin_agency supervisor sysadmin
    Column("password_hash", String, nullable=False),
    Column("totp_secret", String, nullable=False, server_default=""),
    Column("totp_used", Integer, nullable=False, server_default="0"),  # last time step that was accepted
    Column("active", Integer, nullable=False, server_default="1"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", String),
    Column("created_at", String, nullable=False),
)  # fmt: skip

session = Table(
    "app_session", metadata,
    Column("token_hash", String, primary_key=True),
    Column("user_id", ForeignKey("app_user.id"), nullable=False, index=True),
    Column("csrf", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("seen_at", String, nullable=False),
    Column("confirmed_at", String, nullable=False),  # when the password was typed last
    Column("ended_at", String),
)  # fmt: skip
