"""Rating: what the sessions and devices of one cycle cost by the terms of that cycle.

Time is whole seconds, and everything is exact until it is printed. Three roundings, each half up
and once: the summed hours to the unit's digits, a price to its digits, and an amount, always
printed quantity x printed price, to the currency's. A line is then split over its sessions or
devices by largest remainder, so that the statement adds up to the bill exactly. Nothing depends
on the order in which sessions and devices are given. A plan with a rate card has its sessions cut
into parts first, see `parts`; each price then has a line of its own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from .cycles import month_factor
from .parts import (
    RateCard,
    get_card,
    late_lines,
    late_parts,
    rate_parts,
    split_late_line,
    split_late_parts,
)
from .shapes import (
    HUNDREDTH,
    ONE,
    ZERO,
    Device,
    DeviceShare,
    Group,
    GroupShare,
    Included,
    Later,
    Line,
    PartShare,
    Rating,
    Session,
    SessionShare,
    Terms,
    get_seconds,
    round_half_up,
    split,
    split_somehow,
)

__all__ = [
    'Device',
    'DeviceShare',
    'Group',
    'GroupShare',
    'Included',
    'Later',
    'Line',
    'PartShare',
    'RateCard',
    'Rating',
    'Session',
    'SessionShare',
    'Terms',
    'clip_spans',
    'count_devices',
    'get_card',
    'get_scale',
    'late_charges',
    'late_difference',
    'late_parts',
    'late_shares',
    'rate',
    'split',
    'split_late_amount',
    'split_late_line',
    'split_late_parts',
    'split_late_quantity',
    'split_somehow',
]

# Lines that there are not: of most customers nothing of the kind is charged.
NO_FEE, NO_CAP, NO_DEVICES, NO_TOP_UP = (
    Line(charge, ZERO, ZERO, ZERO) for charge in ('base_fee', 'cap', 'device', 'minimum')
)


def rate(
    terms: Terms,
    period: tuple[date, date, int],
    sessions: Iterable[Session],
    devices: Iterable[Device] = (),
) -> Rating:
    """Return what a cycle costs.

    :param period: its first day, the day after its last, and how many days it would have uncut
    :param sessions: those that ended in it, and only those: so none merges across a cycle's end
    :param devices: spans of days are cut to the period here
    :raise ValueError: a period without days, a session or a device given twice
    """
    date_start, date_end, _whole_days = period
    scale = get_scale(terms, period)
    rate_sessions = _rate_sessions if terms.is_plain else _rate_by_parts
    usage, base_fee, *shares = rate_sessions(terms, scale, sessions)
    session_shares, included, groups, left = shares
    device, device_shares = _rate_devices(terms, scale, date_start, date_end, devices)
    cap, top_up = _limit(terms, scale, sum(line.amount for line in (*usage, base_fee)))
    lines = tuple(line for line in (*usage, base_fee, cap, device, top_up) if line.quantity)
    return Rating(terms, lines, session_shares, device_shares, included, groups, left)


def get_scale(terms: Terms, period: tuple[date, date, int]) -> Fraction:
    """Return what device price, included quantity, tiers, minimum and maximum are multiplied by.

    :param period: as for `rate`
    :raise ValueError: a period without days
    """
    date_start, date_end, whole_days = period
    days = (date_end - date_start).days
    if days < 1:
        raise ValueError(f"The cycle from {date_start} to {date_end} has no day.")
    scale = month_factor(terms.cycle) if terms.amounts_per == 'month' else Fraction(1)
    if terms.prorate_partial and days < whole_days:
        scale *= Fraction(days, whole_days)
    return scale


def _limit(terms, scale, charged):
    """Return the lines that bring a charge down to the maximum, and up to the minimum.

    Each is of quantity zero where it is not needed.
    """
    if not terms.maximum_charge and not terms.minimum_charge:
        return NO_CAP, NO_TOP_UP
    maximum, minimum = (
        round_half_up(scale * Fraction(amount), terms.currency_rounding) if amount else ZERO
        for amount in (terms.maximum_charge, terms.minimum_charge)
    )
    over = max(ZERO, charged - maximum) if terms.maximum_charge else ZERO
    missing = max(ZERO, minimum - charged)
    cap = Line('cap', ONE if over else ZERO, -over, -over)
    return cap, terms.make_line('minimum', ONE if missing else ZERO, missing)


def late_charges(
    billed_so_far: Decimal, again: Rating, before: Rating, late_ids: Iterable
) -> tuple[Line, ...]:
    """Return the lines that bill late sessions: one, or with a rate card one for each price.

    :param billed_so_far: usage amount billed for the cycle up to now, earlier late lines included
    :param again: the cycle rated with the late sessions
    :param before: the cycle rated without them
    :param late_ids: ids of the late sessions
    """
    if again.terms.is_plain:
        line = late_difference(billed_so_far, again, before)
        return (line,) if line else ()
    difference = again.usage_amount - billed_so_far
    return late_lines(difference, again, before, late_ids) if difference > 0 else ()


def late_difference(billed_so_far: Decimal, again: Rating, before: Rating) -> Line | None:
    """Return the line that bills late sessions, or None if there is nothing more to pay.

    It is their quantity at the usage price where that is the difference, else 1 x the difference.

    :param billed_so_far: usage amount billed for the cycle up to now, earlier late lines included
    :param again: the cycle rated with the late sessions
    :param before: the cycle rated without them
    """
    difference = again.usage_amount - billed_so_far
    if difference <= 0:
        return None
    usage = again.get_line('session', 'hour')
    line = again.terms.make_line('prior', usage.quantity - before.billed_quantity, usage.price)
    return line if line.amount == difference else Line('prior', ONE, difference, difference)


def late_shares(again: Rating, before: Rating, late_ids: Iterable) -> tuple[SessionShare, ...]:
    """Return the shares of late sessions such that all billed time of their cycle adds up.

    What was billed before stays as it is; so when a late session is merged with a billed one, or
    takes its place, it carries the time that both rate to beyond what is billed already.

    :param again: the cycle rated with the late sessions
    :param before: the cycle rated without them
    :param late_ids: ids of the late sessions
    """
    late_ids = set(late_ids)
    shares = [share for share in again.sessions if share.id in late_ids]
    remaining = max(0, again.billed_seconds - before.billed_seconds)
    result = []
    for share in shares:
        seconds = min(share.billed_seconds, remaining)
        remaining -= seconds
        result.append(replace(share, billed_seconds=seconds))
    if remaining and result:
        first = result[0]
        result[0] = replace(first, billed_seconds=first.billed_seconds + remaining)
    return tuple(result)


def split_late_quantity(terms: Terms, line: Line | None, shares: Sequence[SessionShare]) -> list:
    """Split what late sessions of a cycle are charged for over their `shares`.

    :param line: the `prior` line that charges them, if one does
    """
    hourly = terms.billing_type == 'hour'
    weights = [share.billed_seconds if hourly else int(not share.reason) for share in shares]
    step = ONE.scaleb(-terms.quantity_digits)
    price = terms.printed_price(terms.price_per_hour if hourly else terms.price_per_session)
    if line and line == terms.make_line('prior', line.quantity, price):
        total = line.quantity
    else:  # charged as 1 x the difference, or nothing: the quantity is for information
        total = round_half_up(Fraction(sum(weights), 3600 if hourly else 1), step)
    return split_somehow(total, step, weights)


def split_late_amount(terms: Terms, total: Decimal, shares: Sequence[SessionShare]) -> list:
    """Split the amount for late sessions of a cycle over their `shares`."""
    if terms.billing_type == 'hour':
        fee, price = Fraction(terms.base_fee), Fraction(terms.price_per_hour) / 3600
        weights = [share.billed_seconds * price + (0 if share.reason else fee) for share in shares]
    else:
        weights = [Fraction(int(not share.reason)) for share in shares]
    return split_somehow(total, terms.currency_rounding, weights)


# === SESSIONS === #


def _rate_sessions(terms, scale, sessions):
    """Return usage lines, base fee line, the sessions' shares, what is included, groups, and what
    is left of allowances.
    """
    sessions = _sort_sessions(sessions)
    seconds, dropped = _count(terms, sessions)
    billed = {key: terms.get_billed_seconds(length) for key, length in seconds.items()}
    hourly = terms.billing_type == 'hour'
    weights = list(billed.values()) if hourly else [1] * len(billed)
    used = Fraction(sum(weights), 3600 if hourly else 1)
    step = ONE.scaleb(-terms.quantity_digits)
    price = terms.printed_price(terms.price)
    gross = usage = terms.make_line(terms.billing_type, round_half_up(used, step), price)
    if terms.included_quantity or terms.fee_hours:
        included = scale * Fraction(terms.included_quantity) + Fraction(terms.fee_hours)
        rest = max(Fraction(0), used - included)
        usage = terms.make_line(terms.billing_type, round_half_up(rest, step), price)
    base_fee = _make_base_fee(terms, len(billed))

    def split_lines():
        quantities = split(gross.quantity, step, weights)
        amounts = split(gross.amount, terms.currency_rounding, weights)
        fees = split(base_fee.amount, terms.currency_rounding, [1] * len(billed))
        columns = zip(billed.values(), quantities, amounts, fees, strict=True)
        return _make_shares(sessions, dropped, dict(zip(billed, columns, strict=True)))

    taken_off = Included(usage.quantity - gross.quantity, usage.amount - gross.amount)
    shares = Later(len(sessions), split_lines)
    return (usage,), base_fee, shares, taken_off, (), {}


def _rate_by_parts(terms, scale, sessions):
    """Return the same of a plan with a rate card."""
    sessions, spans = _sort_sessions(sessions), {}
    card = get_card(terms)
    _lengths, dropped = _count(terms, sessions, card.by_kind, spans)
    counted = [session for session in sessions if session.id in spans]
    groups, left = rate_parts(terms, scale, card, counted, spans)
    sums = dict.fromkeys(spans, (0, ZERO, ZERO))
    for part in (part for group in groups for part in group.parts):
        seconds, quantity, amount = sums[part.id]
        sums[part.id] = (
            seconds + part.billed_seconds,
            quantity + part.quantity,
            amount + part.amount,
        )
    base_fee = _make_base_fee(terms, len(counted))
    fees = split(base_fee.amount, terms.currency_rounding, [1] * len(counted))
    columns = ((*values, fee) for values, fee in zip(sums.values(), fees, strict=True))
    shares = _make_shares(sessions, dropped, dict(zip(sums, columns, strict=True)))
    included = Included(
        sum((group.included.quantity for group in groups), ZERO),
        sum((group.included.amount for group in groups), ZERO),
    )
    return tuple(group.line for group in groups), base_fee, shares, included, groups, left


def _make_base_fee(terms, count):
    """Return the line of the base fee of so many sessions, of quantity zero where there is none."""
    if terms.billing_type != 'hour' or not terms.base_fee:
        return NO_FEE
    fee = terms.printed_price(terms.base_fee)
    return terms.make_line('base_fee', Decimal(count if fee else 0), fee)


def _sort_sessions(sessions):
    return _sorted(sessions, lambda session: (session.start, session.end, session.id))


def _make_shares(sessions, dropped, counted):
    """Return the shares of `sessions`.

    :param dropped: of those that do not count, as `_count` gives it
    :param counted: id -> (billed seconds, quantity, amount, base fee) of those that do
    """
    shares = []
    for session in sessions:
        measured = get_seconds(session.start, session.end)
        if session.id in dropped:
            head = dropped[session.id]
            reason = 'short' if head is None else 'merged'
            shares.append(SessionShare(session.id, measured, merged_into=head, reason=reason))
        else:
            billed, quantity, amount, fee = counted[session.id]
            shares.append(SessionShare(session.id, measured, billed, None, quantity, amount, fee))
    return tuple(shares)


def _count(terms, sessions, by_kind=False, spans=None):
    """Set aside sessions that are too short, and merge the rest.

    :param by_kind: sessions of different kinds are not merged
    :param dict spans: is given the spans of time that make the seconds of each session that counts
    :return: for each session that counts, by id, its seconds with those of the sessions merged
        into it, gaps left out; for each other one the id it is merged into, None if too short
    """
    seconds, dropped, chains = {}, {}, {}
    gap = timedelta(minutes=terms.merge_gap_minutes)
    for session in sessions:
        length = get_seconds(session.start, session.end)
        if length < terms.ignore_under_seconds:
            dropped[session.id] = None
            continue
        head = end = None
        may_merge = gap and session.device is not None
        if may_merge:
            key = (session.customer, session.technician, session.device, by_kind and session.kind)
            head, end = chains.get(key, (None, None))
        if end is not None and session.start - end <= gap:
            dropped[session.id] = head
            seconds[head] += get_seconds(max(session.start, end), max(session.end, end))
            if spans is not None and session.end > end:
                spans[head].append((max(session.start, end), session.end))
            end = max(session.end, end)
        else:
            head, end = session.id, session.end
            seconds[head] = length
            if spans is not None:
                spans[head] = [(session.start, session.end)]
        if may_merge:
            chains[key] = (head, end)
    return seconds, dropped


# === DEVICES === #


def count_devices(
    terms: Terms, date_start: date, date_end: date, devices: Iterable[Device]
) -> Decimal:
    """Return how many devices count from a day up to another, as the terms count them."""
    terms = replace(terms, charge_devices=True)
    line, _shares = _rate_devices(terms, Fraction(1), date_start, date_end, devices)
    return line.quantity


def _rate_devices(terms, scale, date_start, date_end, devices):
    """Return the device line, of quantity zero if there is none, and the devices' shares."""
    spans = {}
    for device in _sorted(devices, lambda device: device.id) if terms.charge_devices else ():
        if clipped := clip_spans(device.days, date_start, date_end):
            spans[device.id] = clipped
    if not spans:
        return NO_DEVICES, ()
    days = {key: sum((end - start).days for start, end in found) for key, found in spans.items()}
    step = ONE
    if terms.device_count == 'by_day':
        step, weights = HUNDREDTH, list(days.values())
    elif terms.device_count == 'any_day':
        weights = [1] * len(spans)
    else:
        at_close = terms.device_count == 'at_close'
        day = date_end - timedelta(days=1) if at_close else _busiest_day(spans.values())
        weights = [int(any(start <= day < end for start, end in found)) for found in spans.values()]
    counted = Decimal(sum(weights))
    if terms.device_count == 'by_day':
        counted = Fraction(sum(weights), (date_end - date_start).days)
    # The price is scaled and rounded before it is multiplied: it is printed.
    price = terms.price_per_device
    price = terms.printed_price(price if scale == 1 else scale * Fraction(price))
    line = terms.make_line('device', round_half_up(counted, step), price)

    def split_line():
        quantities = split(line.quantity, step, weights)
        amounts = split(line.amount, terms.currency_rounding, weights)
        return (
            DeviceShare(key, days[key], spans[key], quantity, amount)
            for key, quantity, amount in zip(spans, quantities, amounts, strict=True)
        )

    return line, Later(len(spans), split_line)


def clip_spans(spans, date_start, date_end):
    """Return `spans` within the period, in order, those that touch joined, empty ones left out."""
    within = (
        (max(start or date_start, date_start), min(end or date_end, date_end))
        for start, end in spans
    )
    clipped = []
    for start, end in sorted(span for span in within if span[0] < span[1]):
        if clipped and start <= clipped[-1][1]:
            clipped[-1] = (clipped[-1][0], max(clipped[-1][1], end))
        else:
            clipped.append((start, end))
    return tuple(clipped)


def _busiest_day(found):
    """Return the first of the days with the most devices, None without any."""
    change = Counter()
    for start, end in (span for spans in found for span in spans):
        change[start] += 1
        change[end] -= 1
    present, most, busiest = 0, 0, None
    for day in sorted(change):
        present += change[day]
        if present > most:
            most, busiest = present, day
    return busiest


# === TOOLS === #


def _sorted(records, key):
    records = sorted(records, key=key)
    if len({each.id for each in records}) == len(records):
        return records
    twice = [record_id for record_id, n in Counter(each.id for each in records).items() if n > 1]
    raise ValueError(f"{type(records[0]).__name__} {twice[0]} is given twice.")
