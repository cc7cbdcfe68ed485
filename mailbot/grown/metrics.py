"""What Prometheus asks for: counted from the database at each scrape, so that every host says the same."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from mailbot import __version__, config
from mailbot.sop import case
from mailbot.store import tables as t
from mailbot.store.mails import SET_ASIDE
from mailbot.work import World, log

Offices = dict[str, World]
Count = Callable[[Connection], Iterable[tuple[str, float]]]
RUNNING = ("pending", "sending", "deferred", "ambiguous", "failed")
OPEN = ("waiting", "running", "quarantine")


def _states(tx: Connection) -> Iterable[tuple[str, float]]:
    """Open ones only: closed cases are counted by the million, and by the supervisor's page."""
    query = select(t.case_file.c.state, func.count()).where(t.case_file.c.state.in_(sorted(case.OPEN)))
    found = dict.fromkeys(sorted(case.OPEN), 0) | {r[0]: r[1] for r in tx.execute(query.group_by(t.case_file.c.state))}
    return list(found.items())


def _late(tx: Connection) -> Iterable[tuple[str, float]]:
    query = (
        select(t.step.c.name, func.count())
        .where(t.step.c.ended_at.is_(None), t.step.c.late == 1)
        .group_by(t.step.c.name)
    )
    return [(r[0], r[1]) for r in tx.execute(query)]


def _outbox(tx: Connection) -> Iterable[tuple[str, float]]:
    found = {
        s: tx.scalar(select(func.count()).select_from(t.outgoing).where(t.outgoing.c.state == s)) or 0 for s in RUNNING
    }
    return list(found.items())


def _jobs(tx: Connection) -> Iterable[tuple[str, float]]:
    query = select(t.job.c.lane, t.job.c.state, func.count()).where(t.job.c.state.in_(OPEN))
    found = {(lane, state): 0 for lane in ("mail", "ocr") for state in OPEN}
    found |= {(r[0], r[1]): r[2] for r in tx.execute(query.group_by(t.job.c.lane, t.job.c.state))}
    return [(f"{lane} {state}", number) for (lane, state), number in found.items()]


def _polled(tx: Connection) -> Iterable[tuple[str, float]]:
    rows = tx.execute(select(t.mailbox_state.c.account, t.mailbox_state.c.polled_at))
    return [(r[0], dt.datetime.fromisoformat(r[1]).timestamp()) for r in rows if r[1]]


def _aside(tx: Connection) -> Iterable[tuple[str, float]]:
    return [("", tx.scalar(select(func.count()).select_from(t.quarantine).where(SET_ASIDE)) or 0)]


GAUGES: tuple[tuple[str, str, str, Count], ...] = (
    ("mailbot_cases", "Open case files by state", "state", _states),
    ("mailbot_steps_late", "Running timers whose time is over, by timer", "timer", _late),
    ("mailbot_outgoing", "Outgoing mails that are not sent yet, by state", "state", _outbox),
    ("mailbot_jobs", "Jobs that are not done, by lane and state", "lane_state", _jobs),
    ("mailbot_mailbox_polled_timestamp_seconds", "When a mailbox was last read to its end", "account", _polled),
    ("mailbot_mails_set_aside", "Mails that could not be taken in", "", _aside),
)


class Counted(Collector):
    def __init__(self, offices: Offices) -> None:
        self.offices = offices

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("mailbot_up", "1 where the office's database answers", labels=["office", "version"])
        families = [
            GaugeMetricFamily(n, words, labels=["office", *([label] if label else [])]) for n, words, label, _ in GAUGES
        ]
        for office, world in self.offices.items():
            answers = self._office(office, world, families)
            up.add_metric([office, __version__], float(answers))
        yield up
        yield from families

    def _office(self, office: str, world: World, families: list[GaugeMetricFamily]) -> bool:
        try:
            with world.store.reading() as tx:
                for family, (_, _, label, count) in zip(families, GAUGES, strict=True):
                    for value, number in count(tx):
                        family.add_metric([office, *([value] if label else [])], number)
        except Exception as error:
            log.error("no metrics", office=office, error=repr(error)[:200])
            return False
        return True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(offices: Offices) -> Iterator[int]:
    """/metrics on [metrics] host and port of the first office until the block ends; yields the port. Port 0 in the file: not served."""
    section: config.MetricsSection = next(iter(offices.values())).settings.metrics
    if not section.port:
        yield 0
        return
    registry = CollectorRegistry()
    registry.register(Counted(offices))
    server = make_server(section.host, section.port, make_wsgi_app(registry), handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
