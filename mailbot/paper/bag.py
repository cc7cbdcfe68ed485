"""Packages in BagIt 1.0 (RFC 8493) with SHA-256: written once, verified file by file. Deletes nothing that it did not write itself."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"
Content = Mapping[str, bytes | Path]  # name within data/ -> bytes, or the file to copy


def beside(final: Path) -> Path:
    """Where a package is made before it is put in place: nobody else's folder, on the same disk."""
    return final.with_name(f".{final.name}.{secrets.token_hex(6)}")


def write(folder: Path, content: Content, info: Mapping[str, str]) -> str:
    """Makes the package in a new folder; the SHA-256 of its tag manifest, which stands for every byte of it."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    sizes, payload = 0, {}
    for name, source in sorted(content.items()):
        target = folder / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        payload[f"data/{name}"] = _put(target, source)
        sizes += target.stat().st_size
    whole = {"Payload-Oxum": f"{sizes}.{len(payload)}", **info}
    tags = {"bagit.txt": DECLARATION, "bag-info.txt": "".join(f"{k}: {' '.join(v.split())}\n" for k, v in whole.items()),
            PAYLOAD: _manifest(payload)}  # fmt: skip
    sums = {name: _put(folder / name, text.encode()) for name, text in tags.items()}
    return _put(folder / TAGS, _manifest(sums).encode())


def _put(target: Path, source: bytes | Path) -> str:
    """On the disk when it returns; its SHA-256."""
    with target.open("wb") as file:
        if isinstance(source, Path):
            with source.open("rb") as original:
                shutil.copyfileobj(original, file)
        else:
            file.write(source)
        file.flush()
        os.fsync(file.fileno())
    return sha256(target)


def _manifest(sums: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {_escaped(name)}\n" for name, digest in sums.items())


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _plain(name: str) -> str:
    return name.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def seal(folder: Path) -> str:
    """What `write` returned, of the package as it lies there now; empty where it has no tag manifest."""
    path = folder / TAGS
    return sha256(path) if path.is_file() else ""


def faults(folder: Path, expected: str) -> Iterator[str]:
    """Every file that is changed, missing or added, in words; `expected`: the seal kept elsewhere."""
    if not folder.is_dir():
        yield f"{folder.name}: paket tidak ada"
        return
    if seal(folder) != expected:
        yield f"{folder.name}/{TAGS}: berubah"
    listed = {TAGS}
    for manifest in (TAGS, PAYLOAD):
        sums = _read(folder / manifest)
        if sums is None:
            yield f"{folder.name}/{manifest}: tidak dapat dibaca"
            continue
        listed |= set(sums)
        for name, digest in sums.items():
            path = folder / name
            if not path.is_file():
                yield f"{folder.name}/{name}: hilang"
            elif sha256(path) != digest:
                yield f"{folder.name}/{name}: berubah"
    there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() or p.is_symlink()}
    yield from (f"{folder.name}/{name}: tidak tercatat" for name in sorted(there - listed))


def _read(path: Path) -> dict[str, str] | None:
    """name -> SHA-256; None where the manifest is missing or is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    pairs = [line.split("  ", 1) for line in lines]
    if any(len(pair) != 2 or not _inside(pair[1]) for pair in pairs):
        return None
    return {_plain(name): digest for digest, name in pairs}


def _inside(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and not Path(name).is_absolute() and ".." not in parts
