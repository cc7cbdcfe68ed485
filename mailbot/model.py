"""The frozen types that flow: bytes -> Submission -> Evidence -> Verdict -> Change -> rows -> mail.

Ring 0: nothing of mailbot is imported here. Boxes are fractions (left, top, right, bottom) of the
upright page. Times are aware and in UTC. Confidences run from 0 to 1.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

Box = tuple[float, float, float, float]

FIELDS = ("nama", "nip", "pangkat_golongan", "jabatan", "instansi", "alamat", "telepon", "email")
KINDS = ("surat_permohonan", "surat_keputusan", "surat_tugas", "surat_penunjukan", "data_personal", "lain")
BASIS_KINDS = ("surat_keputusan", "surat_tugas", "surat_penunjukan")
MARKS = ("kop", "tanda_tangan", "stempel")

Role = str  # a key of the SOP file's [roles]: ppk, pokja, pejabat_pengadaan
Action = Literal["pengaktifan", "penonaktifan"]
MarkState = Literal["seen", "not_found", "cannot_judge"]
ReadBy = Literal["text", "ocr", "none"]
FindingClass = Literal["certain", "unsure", "note"]
Decision = Literal["complete", "incomplete", "review", "not_request"]
Policy = Literal["reply", "minimal", "hold", "suppress"]


# ------------------------------------------------------------------ mail


@dataclass(frozen=True, slots=True)
class Location:
    """Where a mail lies in its mailbox; the key L of IN-20. For folders `uid` is the file's name."""

    account: str
    folder: str
    uidvalidity: int
    uid: str


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A mail as taken from its mailbox: `path` holds the exact bytes, `sha256` their hash (key C)."""

    location: Location
    path: str
    sha256: str
    size: int
    received_at: dt.datetime
    deleted: bool = False
    problem: str | None = None  # e.g. "TOO_LARGE": only the header was fetched


@dataclass(frozen=True, slots=True)
class Attachment:
    """One leaf of the mail (or of a ZIP, TNEF or nested mail in it), typed by its bytes, not its name.

    `type`: pdf jpeg png tiff heic gif webp bmp docx xlsx zip rar 7z tnef eml ics text html ole rtf empty other.
    `path` holds the bytes. `inside` names the container it was unpacked from.
    `problem`: a reason code of the file itself (FILE-SANDI, FILE-RUSAK, FILE-BESAR, FILE-JENIS, FILE-ARSIP).
    """

    name: str
    type: str
    sha256: str
    size: int
    path: str
    inside: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A parsed mail. Header names are lower case, every occurrence is kept, values are unfolded and decoded.

    `sender` is the single valid From address in lower case, or None (R13). `body` is the plain text without
    quoted text, `quoted` the rest. `leaf_types` lists each MIME leaf's declared type (R03, R10).
    """

    message_id: str | None
    sender: str | None
    sender_name: str
    subject: str
    date: dt.datetime | None
    references: tuple[str, ...]  # In-Reply-To first, then References newest first; without duplicates
    body: str
    quoted: str
    headers: tuple[tuple[str, str], ...]
    leaf_types: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    links: tuple[str, ...] = ()  # links to online storage found in the body
    flags: tuple[str, ...] = ()  # stable words: duplicate_from, parser_difference, broken_mime, ...

    def header(self, name: str) -> tuple[str, ...]:
        """All values of a header, in order of appearance."""
        return tuple(value for key, value in self.headers if key == name)


# ------------------------------------------------------------------ pages


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Line:
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(w.text for w in self.words)

    @property
    def box(self) -> Box:
        return union(tuple(w.box for w in self.words))

    @property
    def confidence(self) -> float:
        return sum(w.confidence for w in self.words) / len(self.words) if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a ruled table; `lines` in reading order."""

    row: int
    column: int
    box: Box
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    box: Box
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What the independent engine read in the place of a value (NIP, telepon, email, golongan).

    `repeated`: the page was read otherwise, but the first engine reads the same as this from the crop.
    """

    box: Box
    text: str
    confidence: float
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """kop, tanda_tangan or stempel. "not_found" is never "absent" (READING.md 6)."""

    state: MarkState
    confidence: float = 0.0
    page: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class PageReading:
    """One page of one file. `lines` hold all words in reading order (those of table cells too).

    `quality`: how well the whole page was read; below 0.6 it proves nothing about absence.
    `scan`: the page is an image of paper; `colour`: the image can show ink colours.
    """

    number: int
    read_by: ReadBy
    lines: tuple[Line, ...] = ()
    tables: tuple[Table, ...] = ()
    seconds: tuple[SecondReading, ...] = ()
    kop: Mark = Mark("cannot_judge")
    tanda_tangan: Mark = Mark("cannot_judge")
    stempel: Mark = Mark("cannot_judge")
    quality: float = 0.0
    scan: bool = False
    colour: bool = False
    blank: bool = False
    rotation: int = 0  # degrees clockwise that were applied to make the page upright
    aspect: float = 1.414  # height / width of the upright page
    photo: bool = False  # a phone's picture of the paper
    problem: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Tte:
    """An electronic signature found in a PDF. `intact`: None = not verified."""

    signer: str | None
    signed_at: str | None
    sub_filter: str | None
    covers_file: bool
    intact: bool | None = None
    trusted: bool | None = None


@dataclass(frozen=True, slots=True)
class FileReading:
    """All pages of one attachment; `problem` is a FILE-* code, or None."""

    file: str
    sha256: str
    type: str
    pages: tuple[PageReading, ...] = ()
    tte: Tte | None = None
    problem: str | None = None


# ------------------------------------------------------------------ evidence


@dataclass(frozen=True, slots=True)
class Found:
    """A value with its place. `second`: the independent reading; `agreed`: None where there was none."""

    value: str | None  # normalised: NIP 18 digits, phone E.164, golongan "III/d", ISO dates
    raw: str = ""
    confidence: float = 0.0
    file: str | None = None
    page: int | None = None
    box: Box | None = None
    second: str | None = None
    agreed: bool | None = None


MISSING = Found(None)


@dataclass(frozen=True, slots=True)
class Person:
    """A requested person. `source`: the kind of document (or "badan_email") that the fields came from."""

    nama: Found = MISSING
    nip: Found = MISSING
    pangkat_golongan: Found = MISSING
    jabatan: Found = MISSING
    instansi: Found = MISSING
    alamat: Found = MISSING
    telepon: Found = MISSING
    email: Found = MISSING
    peran: Role | None = None
    tindakan: Action | None = None
    kembali: bool = False
    source: str = ""

    @property
    def key(self) -> str:
        """How findings name this person: NIP, else the name, else "?"."""
        return self.nip.value or self.nama.value or "?"

    def fields(self) -> tuple[tuple[str, Found], ...]:
        return tuple((name, getattr(self, name)) for name in FIELDS)


@dataclass(frozen=True, slots=True)
class Letter:
    """Facts of one document: of the surat permohonan, or of an SK / Surat Tugas / Surat Penunjukan."""

    nomor: Found = MISSING
    tanggal: Found = MISSING
    perihal: Found = MISSING
    tujuan: Found = MISSING
    instansi: Found = MISSING
    penandatangan: Found = MISSING
    tahun_anggaran: int | None = None
    berlaku_sampai: str | None = None
    peran: tuple[Role, ...] = ()
    tindakan: tuple[Action, ...] = ()
    kembali: bool = False
    placeholders: tuple[str, ...] = ()  # unfilled merge variables, or "formulir kosong"


@dataclass(frozen=True, slots=True)
class Document:
    """A letter, SK, form ... : consecutive pages of one file. `unsure`: no single kind won."""

    file: str
    sha256: str
    pages: tuple[int, ...]
    kind: str
    read_by: ReadBy
    letter: Letter = Letter()
    persons: tuple[Person, ...] = ()
    kop: Mark = Mark("cannot_judge")
    tanda_tangan: Mark = Mark("cannot_judge")
    stempel: Mark = Mark("cannot_judge")
    tte: Tte | None = None
    quality: float = 0.0
    scan: bool = False
    unsure: bool = False
    complete: bool = True  # an SK, ST or SP with its ruling (MEMUTUSKAN / MENUGASKAN) and signature block
    photo: bool = False
    parts: tuple[str, ...] = ()  # of an SK, ST or SP: judul, penetapan, tanda_tangan, lampiran; of a letter: nota_dinas
    problems: tuple[str, ...] = ()  # reason codes: FILE-*, SURAT-NASKAH-BELUM-JADI, SURAT-TTE-CETAK, ...
    round: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known of a case: the union of its rounds, newest copy of each document first."""

    documents: tuple[Document, ...] = ()
    persons: tuple[Person, ...] = ()  # the requested persons, joined over the documents
    letter: Letter = Letter()  # of the surat permohonan that counts
    body: str = ""
    subject: str = ""
    links: tuple[str, ...] = ()
    texts: tuple[tuple[str, int, str], ...] = ()  # (file, page, text) for search


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason of the SOP file. `about`: NIP or name of the person, or a kind of document."""

    code: str
    cls: FindingClass
    about: str | None = None
    file: str | None = None
    page: int | None = None
    values: tuple[tuple[str, str], ...] = ()  # for the reply line: nama_file, label, jenis, ...


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: Decision
    findings: tuple[Finding, ...] = ()


# ------------------------------------------------------------------ case and mail out


@dataclass(frozen=True, slots=True)
class Guard:
    """May this mail be answered by the machine? `rules`: ids of MAIL.md 2.1 that spoke."""

    policy: Policy
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that a change asks for; compose makes the Outgoing of it."""

    kind: str  # receipt, minimal, incomplete, out_of_scope, duplicate, forwarded, result, ...
    to: str
    values: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    id: int
    number: str
    state: str
    round: int
    version: int
    requester: str
    subject: str
    step: str = ""  # the running timer: T3 T6 T8 T9
    channel: str = "email"  # email | langsung | tts


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a login of a person, or "mesin"."""

    name: str
    role: str  # mesin helpdesk admin_agency supervisor sysadmin


@dataclass(frozen=True, slots=True)
class CasePerson:
    """A requested person within a case: what is asked, and what Admin Agency did (A-07). `values` of `person` are corrected ones."""

    id: int
    case_id: int
    seq: int
    person: Person
    target: str = "SPSE lokal"
    result: str = ""  # berhasil gagal ditolak, or "" while nothing was recorded
    user_id: str = ""
    note: str = ""
    result_at: dt.datetime | None = None
    result_by: str = ""
    handed_how: str = ""
    handed_at: dt.datetime | None = None
    corrected: tuple[str, ...] = ()  # names of fields that a person corrected


@dataclass(frozen=True, slots=True)
class Update:
    """New column values of one case_person row (`id`), or of the case row itself (`id` None)."""

    id: int | None
    values: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The only way a case changes: made by `case.decide`, stored by `store.cases.apply` in one transaction."""

    case_id: int
    version: int  # that the decider saw; a stale one is refused
    old: str
    new: str
    action: str
    actor: str
    reason: str
    at: dt.datetime
    replies: tuple[Reply, ...] = ()
    round: int = 1
    updates: tuple[Update, ...] = ()
    data: tuple[tuple[str, object], ...] = ()  # kept with the event
    stops: str = ""  # the timer that ends
    starts: str = ""  # the timer that begins
    due: dt.datetime | None = None  # of the timer that begins


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to send: rendered once, frozen. `key` = (case number or mail key, kind, seq) is unique."""

    key: str
    kind: str
    seq: int
    message_id: str
    recipient: str
    data: bytes = field(repr=False)


def union(boxes: tuple[Box, ...]) -> Box:
    """The smallest box around all given ones; the whole page for none."""
    if not boxes:
        return (0.0, 0.0, 1.0, 1.0)
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
