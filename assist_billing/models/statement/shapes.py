"""What a statement is made of: `assist.billing.statement` fills it, report and portal print it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from odoo import models

from ...rules import rating
from ...rules.shapes import ZERO

NOTHING_INCLUDED = rating.Included(ZERO, ZERO)
# How wide the columns of texts are together, in percent of the page; that of base fees, where there
# is one, is taken from them. The style sheet has the others.
FREE_PERCENT = 75.5
FEE_PERCENT = 9
LETTER_PERCENT = 0.85
# A text of two lines needs a little more than half of its width, as words are not cut.
TWO_LINES = 0.6
# A column is never narrower than its head, and no wider for texts that are longer than most.
LEAST_LETTERS, MOST_LETTERS = 10, 40


@dataclass
class StatementLine:
    """What the bill charges: printed quantity x printed price, and the amount printed with it."""

    charge: str
    label: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    # With a rate card: what its time has in common.
    group: rating.Group | None = None
    # As many as the bill prints: 1 session and 1.00 hours, 20.00 and 16.528926.
    quantity_digits: int = 2
    price_digits: int = 2


@dataclass
class StatementRow:
    """A session; `date` and `time` say when it was, in the zone of the cycle and in words.

    `day` is the local one on which it ended, by which it belongs to its period.
    """

    session: models.Model
    # Naive UTC: those of the session, or of the part of it that this row is.
    started_at: datetime
    ended_at: datetime
    day: date
    date: str
    time: str
    measured_seconds: int
    billed_seconds: int = 0
    quantity: Decimal = ZERO
    amount: Decimal = ZERO
    base_fee: Decimal = ZERO
    remark: str = ""


@dataclass
class StatementSection:
    """Sessions of one period; those of an earlier one came in late.

    The rows plus `included` make `line` exactly, in quantity and in amount. (A difference for
    late sessions that is no whole of the price is charged as 1 x it: then in amount only.)
    Its `terms` are those of its period: another one may have been billed by the hour.
    """

    cycle: models.Model
    rows: list[StatementRow]
    line: StatementLine | None = None
    included: rating.Included = NOTHING_INCLUDED
    is_late: bool = False
    # With a rate card there is a section for each price; this says what makes it.
    label: str = ""

    @property
    def terms(self):
        return self.cycle._get_frozen_terms()

    @property
    def is_hourly(self):
        return self.terms.billing_type == 'hour'

    @property
    def quantity_digits(self):
        return self.terms.quantity_digits if self.is_hourly else 0

    @property
    def quantity(self):
        return sum((row.quantity for row in self.rows), ZERO)

    @property
    def amount(self):
        return sum((row.amount for row in self.rows), ZERO)

    @property
    def base_fee(self):
        return sum((row.base_fee for row in self.rows), ZERO)

    @property
    def measured_seconds(self):
        return sum(row.measured_seconds for row in self.rows)


def count_letters(texts):
    """Return of how many letters nearly all of these texts are; a few long ones take two lines."""
    lengths = sorted(len(text or "") for text in texts)
    usual = lengths[len(lengths) * 19 // 20] if lengths else 0
    return min(max(usual, LEAST_LETTERS), MOST_LETTERS)


@dataclass
class StatementDevice:
    """A device, the half-open spans of days it was looked after, and its part of the line.

    `looked_after` says these spans in words.
    """

    device: models.Model
    days: int
    spans: tuple
    looked_after: str
    quantity: Decimal
    amount: Decimal


@dataclass
class StatementBar:
    """Use on one day (or in one week or month that begins on it), `percent` of the most."""

    date: date
    label: str
    seconds: int
    percent: int


@dataclass
class Statement:
    """What was done in a period, and how that makes the bill.

    Amounts are in the cycle's currency, as the lines of the bill print them.
    """

    cycle: models.Model
    bill: models.Model
    terms: rating.Terms
    sections: list[StatementSection] = field(default_factory=list)
    devices: list[StatementDevice] = field(default_factory=list)
    lines: list[StatementLine] = field(default_factory=list)
    no_charge: list[StatementRow] = field(default_factory=list)
    bars: list[StatementBar] = field(default_factory=list)
    # Only some of its sessions are asked for: then nothing adds up to the bill.
    is_cut: bool = False

    @property
    def is_open(self):
        """Tell whether nothing is billed yet, so that all of it is only how things stand."""
        return self.cycle.state in ('open', 'to_rebill')

    @property
    def is_hourly(self):
        return self.terms.billing_type == 'hour'

    @property
    def most_seconds(self):
        """Return what the highest bar stands for."""
        return max((bar.seconds for bar in self.bars), default=0)

    @property
    def bar_days(self):
        """Return how many days the first bar is for: 1, 7, or about a month."""
        dates = [bar.date for bar in self.bars[:2]]
        return (dates[-1] - dates[0]).days or 1

    @property
    def rows(self):
        return [row for section in self.sections for row in section.rows]

    @property
    def session_count(self):
        """Sessions, of which one can have several rows."""
        return len({row.session.id for row in self.rows})

    @property
    def quantity(self):
        """Hours or sessions, as this period is billed; late ones billed otherwise do not add up."""
        return sum(
            (section.quantity for section in self.sections if section.is_hourly == self.is_hourly),
            ZERO,
        )

    @property
    def total(self):
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def has_fees(self):
        """Tell whether more than usage is charged."""
        return bool(self.get_line('fee', 'true_up'))

    @property
    def measured_seconds(self):
        return sum(section.measured_seconds for section in self.sections)

    @property
    def is_empty(self):
        return not (self.sections or self.devices or self.no_charge)

    @staticmethod
    def show_duration(seconds):
        """Return whole `seconds` as hours, minutes and seconds: 1:07:05."""
        minutes, seconds = divmod(seconds, 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"

    @staticmethod
    def show_hours(seconds):
        """Return whole `seconds` as hours and minutes: 1:07."""
        minutes = -(-seconds // 60)
        return f"{minutes // 60}:{minutes % 60:02}"

    def get_widths(self, with_device, with_fee):
        """Return how wide the columns of texts are, in percent of the page, but that of subjects.

        As wide as what stands in nearly all rows, so that each takes one line. Where there is no
        room for that, the longest texts take two. All sections have the same widths, so that their
        columns stand one below the other.
        """
        rows = [*self.rows, *self.no_charge]
        fixed = {
            'date': max((len(row.date) for row in rows), default=0),
            'time': max((len(row.time) for row in rows), default=0),
        }
        wanted = {
            'subject': count_letters(row.session.name for row in rows),
            'technician': count_letters(row.session.technician_id.name for row in rows),
        }
        if with_device:
            wanted['device'] = count_letters(row.session.device_id.name for row in rows)
        fixed, widths = (
            {name: letters * LETTER_PERCENT + 1 for name, letters in found.items()}
            for found in (fixed, wanted)
        )
        free = FREE_PERCENT - (FEE_PERCENT if with_fee else 0) - sum(fixed.values())
        for name in sorted(widths, key=widths.get, reverse=True):
            over = max(0, sum(widths.values()) - free)
            widths[name] = max(TWO_LINES * widths[name], widths[name] - over)
        share = min(1, free / sum(widths.values()))
        widths = fixed | {name: share * width for name, width in widths.items()}
        del widths['subject']
        return {name: round(width, 1) for name, width in widths.items()}

    def get_line(self, *charges):
        """Return the line of one of `charges`, or None."""
        return next((line for line in self.lines if line.charge in charges), None)
