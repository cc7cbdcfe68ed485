"""What a text asks for, and for whom: activate or deactivate, and the role in its many words (DOMAIN.md 2.5, 2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailbot.model import Action, Role

_NOT_PPK = re.compile(r"pejabat\s{1,3}pembina\s{1,3}kepegawaian(?:\s?\(\s?PPK\s?\))?"
                      r"|panitia\s{1,3}pemilihan\s{1,3}kecamatan(?:\s?\(\s?PPK\s?\))?", re.I)  # fmt: skip
_ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("ppk", re.compile(r"\bP\.?P\.?K(?:om)?\b|\bP2K\b|pejabat\s{1,3}pe(?:m|rn|nn|in)buat\s{1,3}k\w{5,11}", re.I)),
    ("pokja", re.compile(r"\bpokja\b|kelompok\s{1,3}kerja|\bpokmil\b|panitia\s{1,3}pengadaan|\bULP\b", re.I)),
    ("pejabat_pengadaan", re.compile(r"(?<![A-Za-z0-9])PP(?![A-Za-z0-9])"
     r"|pejabat\s{1,3}pengadaan(?!\s{1,3}barang/jasa\s{1,3}pemerintah)", re.I)),
)  # fmt: skip
_PP_LAW = re.compile(r"\bPP\s{1,2}(?:Nomor|No\.?|\d)[^\n]{0,20}", re.I)

# words that say what is done to an account only where an account, a role or the system stands near ("penutupan tahun anggaran")
_NEAR = r"(?=.{0,45}?(?:akun|\buser|akses|spse|lpse|login|\bppk|pokja|pejabat|pengguna|inaproc))"
_ACTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("off", re.compile(r"\b(?:pe|me|di)?non[\s\-]?akti[fv]\w*|\b(?:pe|me)nonakt\w+|\bdeaktivasi|\bsuspend"
     rf"|(?:\bpeng?hapusan|\bmenghapus|\bpenutupan|\bmenutup|\b(?:pen|men)cabut\w*|\bpemblokiran|\bmemblokir|\b(?:hapus|cabut|tutup|blokir)(?:kan)?\s){_NEAR}"
     r"|(?:akun|akses|user(?:\s?id)?)\b.{0,40}?\bdi(?:hapus|cabut|tutup|blokir)", re.I)),
    ("again", re.compile(r"re[\s\-]?akti[vf]asi|(?:peng|meng|di)?aktif(?:kan|an)\s{1,3}kembali"
     rf"|akti[vf]asi\s{{1,3}}(?:kembali|ulang)|\b(?:perpanjangan|memperpanjang){_NEAR}|\bdiaktifkan\s{{1,3}}lagi", re.I)),
    ("on", re.compile(r"\b(?:peng|meng|di)akti[fv]\w*|\bakti[vf]asi\b"
     rf"|\b(?:pembuatan|membuatkan|pendaftaran|mendaftarkan|registrasi|penambahan){_NEAR}"
     r"|\b(?:permohonan|pengajuan|permintaan|usul(?:an)?|pemberian|penerbitan|diberikan|memperoleh|mendapatkan)\s{1,3}(?:informasi\s{1,3}|pembuatan\s{1,3})?(?:user|akun|hak\s{1,3}akses|akses\s{1,3}spse)"
     r"|\bdibuatkan\b|\bdidaftarkan\b", re.I)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actions:
    """What a text asks for, deactivation first. `kembali`: an activation that is a reactivation."""

    actions: tuple[Action, ...]
    kembali: bool = False


def actions(text: str) -> Actions:
    """Deactivate is looked for first and removed, because "penonaktifan" contains "aktif"."""
    rest, seen = text, set[str]()
    for name, pattern in _ACTIONS:
        rest, count = pattern.subn(" § ", rest)
        if count:
            seen.add(name)
    out: list[Action] = []
    if "off" in seen:
        out.append("penonaktifan")
    if seen & {"again", "on"}:
        out.append("pengaktifan")
    return Actions(tuple(out), "again" in seen)


def roles(text: str) -> tuple[Role, ...]:
    """Roles named; "PPK" for Pejabat Pembina Kepegawaian does not count, also where it is only spelled out before."""
    if not re.search(r"pembuat\s{1,3}komit|\bakun\s{1,3}PPK", text, re.I) and _NOT_PPK.search(text):
        text = re.sub(r"\bPPK\b", " ", text)
    address = r"(?:[\w.\-]{1,64} )?\S{0,64}@\S{0,255}" if " @" in text else r"\S{0,64}@\S{0,255}"
    text = re.sub(address, " ", text) if "@" in text else text  # "ppk.dinkes@..." is an address
    rest = _PP_LAW.sub(" ", _NOT_PPK.sub(" ", text))
    return tuple(name for name, pattern in _ROLES if pattern.search(rest))
