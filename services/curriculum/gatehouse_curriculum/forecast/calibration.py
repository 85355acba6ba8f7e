"""How good forecasts were: what was said of committed lists, against what came of them. Of all members together."""

from datetime import datetime
from statistics import fmean

import msgspec

from gatehouse_chassis.data.statements import columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.forecast.queries import NEWEST
from gatehouse_curriculum.forecast.structs import Calibration, Fifth
from gatehouse_curriculum.tables import DB

# A share of fewer would say something of one member.
FEWEST = 5


class LogRow(msgspec.Struct, frozen=True):
    over: int
    low_minutes: int
    high_minutes: int
    settled_at: datetime | None
    took_minutes: int | None
    least_minutes: int | None
    budget_minutes: int

    @property
    def was_over(self) -> bool | None:
        """Whether it took more than the budget; None where that can't be known."""
        if self.least_minutes is not None and self.least_minutes > self.budget_minutes:
            return True
        return None if self.took_minutes is None else False


_LOGS = DB.prepare(
    tables.ForecastLog.select(*columns_for(LogRow, tables.ForecastLog))
    .order_by(tables.ForecastLog.made_at, ascending=False)
    .limit(5_000),
    LogRow,
)


async def calibration() -> Calibration:
    """Of the last 5,000."""
    rows, newest = await _LOGS.all(), await NEWEST.one()
    settled = [(row.over / 1_000, over) for row in rows if (over := row.was_over) is not None]
    within = [row.low_minutes <= row.took_minutes <= row.high_minutes for row in rows if row.took_minutes is not None]
    return Calibration(
        made=len(rows),
        settled=len(settled),
        covered=fmean(within) if len(within) >= FEWEST else None,
        brier=fmean((said - came) ** 2 for said, came in settled) if len(settled) >= FEWEST else None,
        fifths=[_fifth(number, settled) for number in range(5)],
        fitted_at=newest and newest.fitted_at,
        times=newest and newest.times,
    )


def _fifth(number: int, settled: list[tuple[float, bool]]) -> Fifth:
    among = [(said, came) for said, came in settled if min(int(said * 5), 4) == number]
    enough = len(among) >= FEWEST
    return Fifth(
        above=number / 5,
        forecasts=len(among),
        said=fmean(said for said, _ in among) if enough else None,
        came=fmean(came for _, came in among) if enough else None,
    )
