"""The supervisor's figures: steps in time, volume, what was decided without a person and what of it people took back."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup
from starlette.responses import Response

from mailbot.sop.case import ACTED, CHECKED_BY_PERSON, FORWARDED
from mailbot.store import Connection, figures, queue
from mailbot.store.figures import Overruled, StepDay
from mailbot.web import charts, words
from mailbot.web.charts import Bar
from mailbot.web.lists import many
from mailbot.web.show import show
from mailbot.web.visit import Visit

WEEKS = 12
FRESH = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted over weeks. `usual`: (step, median of the service minutes, how many); `rate`: per cent in time."""

    at: dt.datetime
    per_step: Markup
    per_week: Markup
    volume: Markup
    usual: list[tuple[str, int, int]]
    machine: int
    people: int
    taken_back: list[Overruled]
    month_total: int
    rate: int | None


def summary(visit: Visit) -> Response:
    """Counts of now, beside figures that are counted anew at most once a minute."""
    found = _figures(visit)
    with visit.world.store.reading() as tx:
        waiting = queue.some(tx, (CHECKED_BY_PERSON, FORWARDED, ACTED))
        late = figures.open_deviations(tx, visit.world.now() - dt.timedelta(days=30))
    return show(visit, "overview.html", f=found, late=late, weeks=WEEKS,
                at_desk=many(waiting[CHECKED_BY_PERSON]), at_agency=many(waiting[FORWARDED] + waiting[ACTED]))  # fmt: skip


def _figures(visit: Visit) -> Figures:
    now, state = visit.world.now(), visit.request.app.state
    kept: Figures | None = getattr(state, "figures", None)
    if kept is None or not now - FRESH < kept.at <= now:
        with visit.world.store.reading() as tx:
            kept = state.figures = _counted(tx, now)
    return kept


def _counted(tx: Connection, now: dt.datetime) -> Figures:
    since, month = now - dt.timedelta(weeks=WEEKS), now - dt.timedelta(days=30)
    days, came, weeks = figures.step_days(tx, since), figures.arrivals(tx, since), _weeks(now.date())
    machine, people = figures.decisions(tx, month)
    return Figures(
        now,
        charts.bars("Langkah selesai dalam 12 minggu", _per_step(days)),
        charts.bars("Langkah per minggu", _per_week(days, weeks)),
        charts.bars("Berkas masuk per minggu", _volume(came, weeks)),
        _usual(figures.step_minutes(tx, since)),
        machine,
        people,
        figures.overruled(tx, since),
        sum(n for day, n in came.items() if day >= month.date().isoformat()),
        _on_time(days, month.date().isoformat()),
    )


def _per_step(days: list[StepDay]) -> list[Bar]:
    return [
        Bar(label, sum(d.done for d in days if d.name == name), sum(d.late for d in days if d.name == name))
        for name, label in words.STEPS.items()
    ]


def _weeks(today: dt.date) -> list[dt.date]:
    monday = today - dt.timedelta(days=today.weekday())
    return [monday - dt.timedelta(weeks=n) for n in range(WEEKS - 1, -1, -1)]


def _week_of(day: str) -> dt.date:
    date = dt.date.fromisoformat(day)
    return date - dt.timedelta(days=date.weekday())


def _per_week(days: list[StepDay], weeks: list[dt.date]) -> list[Bar]:
    done: dict[dt.date, int] = defaultdict(int)
    late: dict[dt.date, int] = defaultdict(int)
    for d in days:
        done[_week_of(d.day)] += d.done
        late[_week_of(d.day)] += d.late
    return [Bar(f"{w.day}/{w.month}", done[w], late[w]) for w in weeks]


def _volume(came: dict[str, int], weeks: list[dt.date]) -> list[Bar]:
    total: dict[dt.date, int] = defaultdict(int)
    for day, number in came.items():
        total[_week_of(day)] += number
    return [Bar(f"{w.day}/{w.month}", total[w]) for w in weeks]


def _usual(measured: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    used: dict[str, list[int]] = defaultdict(list)
    for name, minutes in measured:
        used[name].append(minutes)
    return [(label, round(median(used[name])), len(used[name])) for name, label in words.STEPS.items() if used[name]]


def _on_time(days: list[StepDay], since: str) -> int | None:
    """Per cent of the steps of the last month within their time."""
    done = sum(d.done for d in days if d.day >= since)
    return round(100 * (done - sum(d.late for d in days if d.day >= since)) / done) if done else None
