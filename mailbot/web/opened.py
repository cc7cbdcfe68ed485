"""Who opened what (DOMAIN.md 4.5): one event per session and thing, not one per picture."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from mailbot.store import chain
from mailbot.web.visit import Visit

_KEPT = 20_000
_seen: OrderedDict[tuple[str, str], None] = OrderedDict()
_lock = Lock()


def case(visit: Visit, number: str) -> None:
    _once(visit, "buka_berkas", {"berkas": number})


def attachment(visit: Visit, number: str, name: str, sha256: str) -> None:
    _once(visit, "buka_lampiran", {"berkas": number, "lampiran": name, "sha256": sha256[:12]})


def download(visit: Visit, number: str, name: str, sha256: str) -> None:
    """Every one is written down."""
    _write(visit, "unduh", {"berkas": number, "lampiran": name, "sha256": sha256[:12]})


def _once(visit: Visit, action: str, data: dict[str, str]) -> None:
    key = (visit.session.token_hash, f"{action}|{data['berkas']}|{data.get('sha256', '')}")
    with _lock:
        if key in _seen:
            return
        _seen[key] = None
        if len(_seen) > _KEPT:
            _seen.popitem(last=False)
    _write(visit, action, data)


def _write(visit: Visit, action: str, data: dict[str, str]) -> None:
    with visit.world.store.transaction() as tx:
        chain.append(tx, chain.OFFICE, visit.world.now(), visit.user.login, action, data=dict(data))
