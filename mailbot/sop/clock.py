"""Service minutes: office hours, weekends and holidays (A-03). `now` is always an argument."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo

import holidays

DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
ZONES = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


@cache
def _public(year: int) -> frozenset[dt.date]:
    """Making the calendar takes milliseconds; lists ask for it once per row."""
    return frozenset(holidays.country_holidays("ID", years=year))


@dataclass(frozen=True)
class Hours:
    """Opening hours of the office, Monday to Friday, without Indonesian public holidays and the extra `closed` days."""

    opens: dt.time = dt.time(8, 0)
    closes: dt.time = dt.time(16, 0)
    zone: str = "Asia/Jakarta"
    closed: frozenset[dt.date] = frozenset()

    def is_open_day(self, day: dt.date) -> bool:
        return day.weekday() < 5 and day not in self.closed and day not in _public(day.year)

    def window(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        zone = ZoneInfo(self.zone)
        return dt.datetime.combine(day, self.opens, zone), dt.datetime.combine(day, self.closes, zone)

    def next_open(self, at: dt.datetime) -> dt.datetime:
        """`at` itself within service hours, else the next opening."""
        local = at.astimezone(ZoneInfo(self.zone))
        day = local.date()
        while True:
            start, end = self.window(day)
            if self.is_open_day(day) and local < end:
                return max(local, start)
            day += dt.timedelta(days=1)

    def deadline(self, start: dt.datetime, minutes: int) -> dt.datetime:
        """When `minutes` service minutes after `start` have passed."""
        at, left = self.next_open(start), dt.timedelta(minutes=minutes)
        while at + left > (end := self.window(at.date())[1]):
            left -= end - at
            at = self.next_open(end)
        return at + left

    def minutes(self, start: dt.datetime, end: dt.datetime) -> int:
        """Whole service minutes from `start` to `end`; negative when `end` is the earlier one."""
        if end < start:
            return -self.minutes(end, start)
        zone, used = ZoneInfo(self.zone), dt.timedelta()
        day = start.astimezone(zone).date()
        while day <= end.astimezone(zone).date():
            opens, closes = self.window(day)
            if self.is_open_day(day):
                used += max(dt.timedelta(), min(closes, end) - max(opens, start))
            day += dt.timedelta(days=1)
        return int(used.total_seconds() // 60)


def spoken(at: dt.datetime, zone: str) -> dict[str, str]:
    """hari, tanggal, jam and zona as replies write them."""
    local = at.astimezone(ZoneInfo(zone))
    date = f"{local.day} {MONTHS[local.month - 1]} {local.year}"
    return {"hari": DAYS[local.weekday()], "tanggal": date, "jam": local.strftime("%H.%M"), "zona": ZONES.get(zone, "")}
