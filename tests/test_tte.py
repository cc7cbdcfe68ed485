"""Electronic signatures: made here by a throw-away authority, validated in the limited child without network."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from pypdf import PdfReader, PdfWriter

from mailbot.model import Attachment, Tte
from mailbot.parsers import tte
from mailbot.parsers.scans import read_files

pytest.importorskip("pyhanko")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

NOW = dt.datetime.now(dt.UTC)


def certificate(name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
                days: int = 30) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        issuer is not None, issuer is not None, False, False, False, issuer is None, issuer is None, False, False
    )
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=40)).not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True).add_extension(usage, True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )  # fmt: skip
    return made, key


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return certificate("Otoritas Contoh")


@pytest.fixture(scope="module")
def anchor(
    authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], tmp_path_factory: pytest.TempPathFactory
) -> str:
    path = tmp_path_factory.mktemp("anchor") / "akar.pem"
    path.write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    return str(path)


def blank() -> bytes:
    document = pdfium.PdfDocument.new()
    document.new_page(595, 842)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def signed(
    data: bytes, who: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], ca: x509.Certificate, field: str = "TTE"
) -> bytes:
    store = pkcs12.serialize_key_and_certificates(b"k", who[1], who[0], [ca], serialization.NoEncryption())
    signer = signers.SimpleSigner.load_pkcs12_data(store, other_certs=[])
    meta = signers.PdfSignatureMetadata(field_name=field, name="Nama dalam kamus")
    out = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), meta, signer=signer)
    return bytes(out.getbuffer())


def report(data: bytes, folder: Path, anchors: tuple[str, ...] = ()) -> Tte:
    path = folder / "signed.pdf"
    path.write_bytes(data)
    found = tte.read(str(path), anchors)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def head(
    authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return certificate("Andi Contoh", authority)


def test_a_whole_signature_is_intact_and_trusted(authority, head, anchor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = signed(blank(), head, authority[0])

    found = report(data, tmp_path, (anchor,))

    assert (found.signer, found.covers_file, found.intact, found.trusted) == ("Andi Contoh", True, True, True)
    assert found.signed_at is not None and found.signed_at[:4] == str(NOW.year)


def test_without_anchors_trust_is_not_judged(authority, head, tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = report(signed(blank(), head, authority[0]), tmp_path)

    assert (found.intact, found.trusted) == (True, None)


def test_a_stranger_is_intact_but_not_trusted(anchor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    other = certificate("Otoritas Lain")
    found = report(signed(blank(), certificate("Orang Lain", other), other[0]), tmp_path, (anchor,))

    assert (found.intact, found.trusted) == (True, False)


def test_a_changed_byte_breaks_it(authority, head, anchor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = bytearray(signed(blank(), head, authority[0]))
    at = data.index(b"595")
    data[at : at + 3] = b"596"

    found = report(bytes(data), tmp_path, (anchor,))

    assert (found.intact, found.trusted) == (False, False)


def test_what_was_added_later_is_not_covered(authority, head, tmp_path) -> None:  # type: ignore[no-untyped-def]
    writer = PdfWriter(io.BytesIO(signed(blank(), head, authority[0])), incremental=True)
    writer.add_metadata({"/Title": "sesudah"})
    out = io.BytesIO()
    writer.write(out)

    found = report(out.getvalue(), tmp_path)

    assert (found.covers_file, found.intact) == (False, True)


def test_an_expired_certificate_was_good_when_it_signed(authority, anchor, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    late = certificate("Sudah Lewat", authority, days=-10)
    found = report(signed(blank(), late, authority[0]), tmp_path, (anchor,))

    assert (found.intact, found.trusted) == (True, False)  # it signed after its end


def test_of_two_signatures_the_first_signer_and_the_last_cover(authority, head, anchor, tmp_path) -> None:  # type: ignore[no-untyped-def]
    once = signed(blank(), head, authority[0])
    twice = signed(once, certificate("Budi Contoh", authority), authority[0], "TTE2")

    found = report(twice, tmp_path, (anchor,))

    assert (found.signer, found.covers_file, found.intact, found.trusted) == ("Andi Contoh", True, True, True)


def test_the_limited_child_validates_without_network(authority, head, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.pdf"
    path.write_bytes(signed(blank(), head, authority[0]))
    reading = read_files([Attachment("a.pdf", "pdf", "a" * 64, path.stat().st_size, str(path))])[0]

    assert reading.tte is not None and (reading.tte.signer, reading.tte.intact) == ("Andi Contoh", True)


def test_claims_are_all_there_is_without_the_library(authority, head, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(tte.importlib.util, "find_spec", lambda _: None)

    found = report(signed(blank(), head, authority[0]), tmp_path)

    assert (found.signer, found.intact, found.trusted) == ("Nama dalam kamus", None, None)


def test_no_signature_is_no_report(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "plain.pdf"
    path.write_bytes(blank())

    assert tte.read(str(path)) is None and len(PdfReader(path).pages) == 1
