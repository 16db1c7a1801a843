from datetime import timedelta
from zoneinfo import ZoneInfo

from .. import sources

# So many sessions are shown as they would be.
SHOWN_SESSIONS = 20
SHORT = 10
LONG = 86_400
# By what of a session its customer can be found, once somebody has said whose that is.
WHOSE = ('customer_email', 'customer_name', 'customer_ref', 'device_ref', 'device_name', 'group',
         'department')  # fmt: skip


class ImportOutlook:
    """What would come of a file: its first sessions, and figures of all of them."""

    def __init__(self, sessions, tz):
        self.sessions = sessions
        try:
            self.zone = ZoneInfo(tz)
        except (KeyError, ValueError):
            # No zone that anybody can choose: each of the rows says so.
            self.zone = ZoneInfo('UTC')
        self.shown = {}
        self.seconds = self.opened = self.short = self.long = 0
        self.matched = self.unmatched = self.alike = self.free = self.differing = 0
        # How many say whom they were for, or on what.
        self.told = 0
        self.first = self.last = None
        # Of each session so far whether it has ended, for a later row may end it.
        self._ended = {}
        # When each device of a customer was helped, or the customer.
        self._stretches = {}

    def look(self, run, _first, results, answers):
        """Take in a batch of `assist.session._ingest`."""
        taken = [
            (result, answer['status'])
            for result, answer in zip(results, answers, strict=True)
            if isinstance(result, sources.Normal)
        ]
        values = self.sessions._prepare_ingest_values(run, [normal for normal, _status in taken])
        self.alike = run.alike
        self.differing = len(run.differing)
        for (normal, status), vals in zip(taken, values, strict=True):
            self._count(normal, vals)
            known = normal.external_id in self.shown
            if (known and status == 'updated') or (not known and len(self.shown) < SHOWN_SESSIONS):
                self.shown[normal.external_id] = (normal, vals, status)

    def _count(self, normal, vals):
        key = normal.external_id
        if key in self._ended and (self._ended[key] or normal.ended_at is None):
            return  # a row that says the same again
        if key in self._ended:
            self.opened -= 1
        else:
            self.matched += bool(vals['partner_id'])
            self.unmatched += not vals['partner_id']
            self.free += normal.billable is False
            self.told += bool(vals['partner_id'] or any(getattr(normal, name) for name in WHOSE))
            self._count_day(normal)
        self._ended[key] = normal.ended_at is not None
        seconds = normal.duration_seconds
        self.opened += normal.ended_at is None
        self.seconds += seconds
        self.short += normal.ended_at is not None and seconds < SHORT
        self.long += seconds > LONG
        device = normal.device_ref or normal.device_name
        customer = normal.customer_name or normal.customer_email
        whose = (vals['partner_id'], customer, normal.group, device)
        if any(whose) and normal.ended_at is not None and normal.billable is not False:
            stretches = self._stretches.setdefault(whose, [])
            stretches.append((normal.started_at, normal.ended_at))

    def count_overlapping(self):
        """Return how many sessions begin while another one with the same device goes on.

        Where a file names no device, whose all of them are is what there is to go by.
        """
        count = 0
        for stretches in self._stretches.values():
            latest = None
            for start, end in sorted(stretches):
                count += latest is not None and start < latest
                latest = max(latest or end, end)
        return count

    def _count_day(self, normal):
        day = self.local(normal.started_at).date()
        self.first = min(self.first or day, day)
        self.last = max(self.last or day, day)

    def local(self, moment):
        """Return a naive UTC datetime as the wall time in the chosen zone."""
        return moment.replace(tzinfo=ZoneInfo('UTC')).astimezone(self.zone).replace(tzinfo=None)

    def rows(self):
        """Return the sessions that are shown: `(session, values, status)`, in the file's order."""
        return list(self.shown.values())


def show_duration(seconds):
    """Return seconds as 1:02:03."""
    minutes, seconds = divmod(int(timedelta(seconds=seconds).total_seconds()), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{seconds:02}'
