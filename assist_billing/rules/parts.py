"""Rating by parts: sessions of a plan with a rate card are cut where their price changes.

Minimum and rounding are of the whole session, and come first: the time that they add joins the
part with the most seconds (of equals the earlier), minutes in the base fee are taken from the
start. What is included is used up in the order of time; what is left after that is cut once more
where a tier begins. Then each price has a line of its own, rounded once, and the line is split over
its parts.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any

from .allowances import Need, use
from .cycles import local_date, local_midnight
from .rates import DAY, PriceDates, Rate, find_rate, find_times
from .rollover import take_off
from .shapes import (
    ONE,
    ZERO,
    Group,
    GroupShare,
    Included,
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
from .tiers import cut, get_place, get_starts

PLAIN = Group()
HOUR = 3600
# Units of an allowance that one hour or session is: hundredths of a second, for percents.
UNITS = 100 * HOUR


@dataclass(frozen=True)
class Pricing:
    """What a stretch of time costs: a printed price, the rate that made it, the line's group."""

    price: Decimal
    group: Group
    rate: Rate | None
    burn_percent: int

    def costs_as(self, other: 'Pricing') -> bool:
        """Tell whether time costs the same, on the same line, by another one."""
        return (self.price, self.group, self.burn_percent) == (
            other.price,
            other.group,
            other.burn_percent,
        )


@dataclass(slots=True)
class Stretch:
    """Time of one price, from `start` to `end` (naive UTC): a part of a session in the making.

    Its price is that of when it `began`; `index` is that of the price date.
    """

    start: datetime
    end: datetime
    measured_seconds: int
    seconds: int
    band: Any
    index: int
    pricing: Pricing
    began: datetime


class RateCard:
    """The rate card of some terms: finds the price of a moment, and cuts spans where it changes."""

    def __init__(self, terms: Terms):
        self.terms = terms
        self.products = dict(terms.band_products)
        named = any(rate.band is not None for rate in terms.rates)
        self.by_band = terms.hours is not None and (named or bool(self.products))
        self.by_kind = any(rate.kind is not None for rate in terms.rates)
        self.dates = PriceDates(terms.rates, terms.versions)
        self.instants = [local_midnight(day, terms.tz) for day in self.dates.days]
        # Where there are tiers, each has a price.
        self.places = range(len(terms.tiers) + 1) if terms.tiers else (None,)
        self._found = {}
        self._times = {}

    # === PRICES === #

    def get_pricing(
        self, band: Any, kind: Any, grade: Any, day: date, tier: int | None = None
    ) -> Pricing:
        """Return what a band, a kind of work and a grade cost on a local day.

        :param tier: the place of the tier; without one, the price below the first
        """
        return self._get(band, kind, grade, bisect_right(self.dates.days, day), tier)

    def get_part_pricing(self, part: PartShare, tier: int | None) -> Pricing:
        """Return what a part costs in a tier."""
        return self.get_pricing(part.band, part.kind, part.grade, part.price_date, tier)

    def _get(self, *key):
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, band, kind, grade, index, tier=None):
        day = self.get_day(index)
        terms = self.terms
        base = self.dates.get_price(day, terms.price)
        if tier:
            base = terms.tiers[tier - 1].price
        rate = find_rate(terms.rates, band, kind, grade, day)
        product = self.products.get(band)
        price = terms.printed_price(rate.get_price(base) if rate else base)
        group = Group(product)
        if rate and price != terms.printed_price(base):
            group = Group(product, rate.band, rate.kind, rate.grade)
        if tier is not None and not (rate and rate.method == 'fixed'):
            group = replace(group, tier=tier)
        return Pricing(price, group, rate, rate.burn_percent if rate else 100)

    def get_days(self, group: Group, price: Decimal) -> tuple[date | None, date | None]:
        """Return the first and the last day on which what `group` is about had this price.

        None is open; both are where it has always had it, or more than once.
        """
        days = self.dates.days
        found = [i for i in range(len(days) + 1) if self._has_price(group, price, self.get_day(i))]
        if not found or found[-1] - found[0] >= len(found):
            return None, None
        first = days[found[0] - 1] if found[0] else None
        last = days[found[-1]] - DAY if found[-1] < len(days) else None
        return first, last

    def _has_price(self, group, price, day):
        base = self.dates.get_price(day, self.terms.price)
        if group.tier:
            base = self.terms.tiers[group.tier - 1].price
        about = group.band, group.kind, group.grade
        for rate in self.terms.rates:
            named = rate.band, rate.kind, rate.grade
            if named == about and rate.matches(rate.kind, rate.grade, day):
                return self.terms.printed_price(rate.get_price(base)) == price
        return about == (None, None, None) and self.terms.printed_price(base) == price

    def get_day(self, index):
        """Return the first of the days between two price dates; of those before all, any."""
        return self.dates.days[index - 1] if index else date.min

    def get_billed_seconds(self, session: Session, seconds: int, cover: bool = True) -> int:
        """Return what is billed of the whole seconds of a session, as `Terms` does.

        :param cover: take off the minutes that the base fee covers
        """
        index = bisect_right(self.instants, session.start)
        key = session.kind, session.grade, index, cover
        if key not in self._times:
            rate = find_times(self.terms.rates, session.kind, session.grade, self.get_day(index))
            own = {
                name: getattr(rate, name)
                for name in ('minimum_minutes', 'increment_minutes')
                if rate and getattr(rate, name)
            }
            if not cover:
                own['base_minutes'] = 0
            self._times[key] = replace(self.terms, **own) if own else self.terms
        return self._times[key].get_billed_seconds(seconds)

    # === CUTTING === #

    def cut(self, session: Session, spans: Iterable[tuple[datetime, datetime]]) -> list[PartShare]:
        """Return the parts of a session, its `spans` being those of all that is merged into it."""
        pieces = [piece for span in spans for piece in self._get_pieces(*span)]
        if not pieces:
            pieces = [self._get_piece(session.start, session.end)]
        if self.terms.billing_type == 'hour':
            stretches = self._join(session, pieces)
        else:
            # Per session there is one price, that of its beginning: also where what began lasted no
            # second, and what is merged into it came in another band.
            stretches = [
                replace(
                    self._measure(session, self._get_piece(session.start, session.end)),
                    start=pieces[0][0],
                    end=pieces[-1][1],
                    seconds=sum(get_seconds(start, end) for start, end, _band, _index in pieces),
                )
            ]
        counts = self._get_counts(session, [stretch.seconds for stretch in stretches])
        return [
            PartShare(
                id=session.id,
                start=stretch.start,
                end=stretch.end,
                measured_seconds=stretch.measured_seconds,
                seconds=stretch.seconds,
                billed_seconds=count,
                band=stretch.band,
                kind=session.kind,
                grade=session.grade,
                price_date=local_date(stretch.began, self.terms.tz),
                # The rate itself until the parts are whole.
                rate=stretch.pricing.rate,
                price=stretch.pricing.price,
                group=stretch.pricing.group,
                is_cut=len(stretches) > 1,
            )
            for stretch, count in zip(stretches, counts, strict=True)
        ]

    def _get_pieces(self, start, end):
        """Yield (start, end, band, index of the price date) of a span, one after the other."""
        pieces = self.terms.hours.cut(start, end) if self.by_band else [(start, end, None)]
        for start, end, band in pieces:
            first = bisect_right(self.instants, start)
            changes = self.instants[first : bisect_left(self.instants, end)]
            for index, stop in enumerate([*changes, end], first):
                if start < stop:
                    yield start, stop, band, index
                start = stop

    def _get_piece(self, start, end):
        """Return a piece of which only the beginning counts."""
        band = self.terms.hours.get_band(start) if self.by_band else None
        return start, end, band, bisect_right(self.instants, start)

    def _join(self, session, pieces):
        """Return the stretches that pieces make: those that cost the same are one."""
        stretches = []
        for piece in pieces:
            found = self._measure(session, piece)
            last = stretches[-1] if stretches else None
            if last and self._is_alike(session, last, found):
                last.end = found.end
                last.seconds += found.seconds
                last.measured_seconds += found.measured_seconds
            else:
                stretches.append(found)
        return stretches

    def _measure(self, session, piece):
        """Return a piece as a stretch of its session."""
        start, end, band, index = piece
        own = max(0, get_seconds(max(start, session.start), min(end, session.end)))
        pricing = self._get(band, session.kind, session.grade, index)
        return Stretch(start, end, own, get_seconds(start, end), band, index, pricing, start)

    def _is_alike(self, session, one, other):
        """Tell whether two stretches cost the same, in each tier if there are any."""
        if one.pricing is other.pricing:
            return True
        return one.pricing.costs_as(other.pricing) and all(
            self._get(one.band, session.kind, session.grade, one.index, place).costs_as(
                self._get(other.band, session.kind, session.grade, other.index, place)
            )
            for place in (self.places if self.terms.tiers else ())
        )

    def _get_counts(self, session, counts):
        """Return the seconds billed of each of the parts of a session, given those of its time."""
        seconds = sum(counts)
        billed = self.get_billed_seconds(session, seconds)
        if len(counts) == 1:
            return [billed]
        rounded = self.get_billed_seconds(session, seconds, cover=False)
        _fit(counts, rounded)
        _take(counts, rounded - billed)
        return counts

    def make_part(self, values: Mapping[str, Any]) -> PartShare:
        """Return a part as it was kept: its price and what its line is about are found again.

        :param values: those of a `PartShare`, and the place of its tier as `tier`
        """
        values = dict(values)
        tier = values.pop('tier', None)
        found = self.get_pricing(
            *(values[name] for name in ('band', 'kind', 'grade', 'price_date')),
            (tier or 0) if self.terms.tiers else None,
        )
        rate = found.rate and found.rate.id
        return PartShare(**values, rate=rate, price=found.price, group=found.group)


def get_card(terms: Terms) -> RateCard:
    """Return the rate card of these terms; what it has found stays with them."""
    kept = vars(terms)
    if '_card' not in kept:
        kept['_card'] = RateCard(terms)
    return kept['_card']


def _fit(counts, seconds):
    """Make `counts` add up to `seconds`: the most gets what is added, what is less goes last."""
    more = seconds - sum(counts)
    if more >= 0:
        counts[counts.index(max(counts))] += more
    else:
        _take(counts, -more, from_end=True)


def _take(counts, seconds, from_end=False):
    """Take `seconds` off `counts` one after the other, from the first one or from the last."""
    for i in reversed(range(len(counts))) if from_end else range(len(counts)):
        taken = min(counts[i], seconds)
        counts[i] -= taken
        seconds -= taken


# === RATING === #


def rate_parts(
    terms: Terms,
    scale: Fraction,
    card: RateCard,
    sessions: Sequence[Session],
    spans: Mapping[Any, list],
) -> tuple[tuple[GroupShare, ...], dict[Any, Fraction]]:
    """Return what the sessions that count cost, each price apart, in printing order.

    :param scale: what amounts of the cycle are multiplied by
    :param sessions: those that count, in the order of time
    :param spans: id -> (start, end) of all that is merged into it
    :return: these; and what is left of allowances, id -> sessions or hours
    """
    parts = [part for session in sessions for part in card.cut(session, spans[session.id])]
    owners = {session.id: session.customer for session in sessions}
    parts.sort(key=lambda part: part.start)
    hourly = terms.billing_type == 'hour'
    weights = [part.billed_seconds if hourly else 1 for part in parts]
    rests, left = _get_rests(terms, scale, parts, weights, owners)
    rows = list(zip(parts, weights, rests, strict=True))
    if terms.tiers:
        rows = _cut_by_tiers(terms, scale, card, rows)
    groups = defaultdict(list)
    for row in rows:
        groups[row[0].group, row[0].price].append(row)
    order = {rate: i for i, rate in enumerate(terms.rates)}
    keys = sorted(
        groups,
        key=lambda key: (
            replace(key[0], tier=None) != PLAIN,
            min(order.get(part.rate, -1) for part, _weight, _rest in groups[key]),
            key[0].tier or 0,
            groups[key][0][0].start,
            key[1],
            repr(key[0]),
        ),
    )
    return tuple(_rate_group(terms, *key, groups[key]) for key in keys), left


def _get_rests(terms, scale, parts, weights, owners):
    """Return what is left of the weight of each part once allowances are used; and of these."""
    whole = 1 if terms.billing_type != 'hour' else HOUR
    divisor = terms.get_divisor(scale)
    allowances = terms.get_allowances(scale, UNITS * divisor)
    if terms.handed_on:
        allowances = take_off(allowances, terms.carried, terms.handed_on, UNITS * divisor)
    if not allowances:
        return weights, {}
    # An hour takes `burn_percent` of its units; so many are one of weight.
    units = [divisor * _get_burn(part) * (HOUR // whole) for part in parts]
    needs = [
        Need(weight * each, owners[part.id], part.price_date)
        for part, weight, each in zip(parts, weights, units, strict=True)
    ]
    taken, left = use(allowances, needs)
    rests = [
        weight - Fraction(sum(found.values()), each) if found else weight
        for weight, each, found in zip(weights, units, taken, strict=True)
    ]
    return rests, {key: Fraction(count, UNITS * divisor) for key, count in left.items()}


# === TIERS === #


def _cut_by_tiers(terms, scale, card, rows):
    """Return rows of (part, weight, rest) with the prices of tiers, cut where one begins."""
    whole = HOUR if terms.billing_type == 'hour' else 1
    starts = [start * whole for start in get_starts(terms.tiers, scale)]
    used, result = Fraction(0), []
    if terms.tier_mode == 'volume':
        # What is printed decides: 20.00 hours are priced as 20, whatever they were rounded from.
        total = Fraction(sum(rest for _part, _weight, rest in rows)) / whole
        total = round_half_up(total, ONE.scaleb(-terms.quantity_digits)) * whole
        place = get_place(starts, total)
        return [(_price(card, part, place), weight, rest) for part, weight, rest in rows]
    for part, weight, rest in rows:
        # Parts of one price in several tiers stay whole.
        pieces = []
        for place, quantity in cut(starts, used, Fraction(rest)):
            priced = _price(card, part, place)
            if pieces and (pieces[-1][0].group, pieces[-1][0].price) == (
                priced.group,
                priced.price,
            ):
                pieces[-1][1] += quantity
            else:
                pieces.append([priced, quantity])
        used += rest
        if len(pieces) == 1:
            result.append((pieces[0][0], weight, rest))
            continue
        # What is included in it stands with the first.
        pieces[0][1] += weight - rest
        free = [weight - rest] + [0] * (len(pieces) - 1)
        result += [
            (piece, quantity, quantity - included)
            for piece, quantity, included in zip(
                _share_out(part, pieces), (each[1] for each in pieces), free, strict=True
            )
        ]
    return result


def _price(card, part, place):
    """Return a part as it is priced in the tier of a place."""
    found = card.get_part_pricing(part, place)
    return part._replace(price=found.price, group=found.group)


def _share_out(part, pieces):
    """Return the `pieces` of a part, as (priced part, quantity), with their seconds of it."""
    weights = [quantity for _piece, quantity in pieces]
    names = ('measured_seconds', 'seconds', 'billed_seconds')
    columns = [split_somehow(getattr(part, name), 1, weights) for name in names]
    return [
        piece._replace(**dict(zip(names, seconds, strict=True)))
        for (piece, _quantity), seconds in zip(pieces, zip(*columns, strict=True), strict=True)
    ]


def _get_burn(part):
    return part.rate.burn_percent if part.rate else 100


def _rate_group(terms, group, price, rows):
    """Return the line of one price, what is included in it, and its parts."""
    parts, weights, rests = (list(column) for column in zip(*rows, strict=True))
    step = ONE.scaleb(-terms.quantity_digits)
    whole = HOUR if terms.billing_type == 'hour' else 1
    charge = terms.billing_type

    def make(total):
        quantity = round_half_up(Fraction(total) / whole, step)
        return terms.make_line(charge, quantity, price, group)

    gross, line = make(sum(weights)), make(sum(rests))
    quantities = split(gross.quantity, step, weights)
    amounts = split(gross.amount, terms.currency_rounding, weights)
    return GroupShare(
        line=line,
        included=Included(line.quantity - gross.quantity, line.amount - gross.amount),
        parts=tuple(
            part._replace(rate=part.rate and part.rate.id, quantity=quantity, amount=amount)
            for part, quantity, amount in zip(parts, quantities, amounts, strict=True)
        ),
    )


# === LATE SESSIONS === #


def late_lines(difference: Decimal, again: Rating, before: Rating, late_ids: Iterable) -> tuple:
    """Return the lines that bill late sessions: what each price has more, where that is all.

    Where it is not (a price has less than before, or a fee, cap or minimum comes in), it is one
    line, 1 x the difference. A late session that moves others to the next tier is billed there.

    :param difference: what is to be billed, above zero
    :param again: the cycle rated with the late sessions
    :param before: the cycle rated without them
    :param late_ids: ids of the late sessions
    """
    late_ids, origins = set(late_ids), _Origins(again)
    had = {(each.line.group, each.line.price): each.line.quantity for each in before.groups}
    have = {(each.line.group, each.line.price): each for each in again.groups}
    whole = (Line('prior', ONE, difference, difference),)
    if had.keys() - have.keys():
        return whole
    served = {origins.get(part) for part in again.parts if part.id in late_ids}
    lines = []
    for (group, price), share in have.items():
        more = share.line.quantity - had.get((group, price), ZERO)
        if more < 0 or (more and origins.get_one(share) not in served):
            return whole
        if more:
            lines.append(again.terms.make_line('prior', more, price, group))
    if sum((line.amount for line in lines), ZERO) != difference:
        return whole
    return tuple(lines)


class _Origins:
    """What prices have in common beside the tier: time moves between those of one origin.

    Without tiers each price is one by itself.
    """

    def __init__(self, rated: Rating):
        self.card = get_card(rated.terms) if rated.terms.tiers else None

    def get(self, part):
        if not self.card:
            return part.group, part.price
        below = self.card.get_part_pricing(part, 0)
        return replace(part.group, tier=None), part.rate, below.price

    def get_one(self, share):
        """Return the origin of all parts of a line; None if they have several."""
        found = {self.get(part) for part in share.parts}
        return found.pop() if len(found) == 1 else None


def late_parts(again: Rating, shares: Iterable[SessionShare]) -> list[PartShare]:
    """Return the parts of late sessions, with the seconds billed that their `shares` say."""
    found = defaultdict(list)
    for part in again.parts:
        found[part.id].append(part)
    result = []
    for share in shares:
        parts = found[share.id]
        if not parts:
            continue
        counts = [part.billed_seconds for part in parts]
        _fit(counts, share.billed_seconds)
        result += [
            part._replace(billed_seconds=count) for part, count in zip(parts, counts, strict=True)
        ]
    return result


def split_late_line(
    terms: Terms, line: Line | None, total: Decimal, parts: Sequence[PartShare]
) -> list[PartShare]:
    """Return the `parts` that a late line charges, with their quantities and amounts.

    :param line: the line of their price; 1 x the difference; None if it costs nothing more
    :param total: the amount to be split: that of the line as it is printed
    """
    hourly = terms.billing_type == 'hour'
    step = ONE.scaleb(-terms.quantity_digits)
    weights = [part.billed_seconds if hourly else 1 for part in parts]
    if line and line.group is not None:
        quantity = line.quantity
    else:  # for information
        quantity = round_half_up(Fraction(sum(weights), HOUR if hourly else 1), step)
    values = [weight * Fraction(part.price) for weight, part in zip(weights, parts, strict=True)]
    if not parts:
        return []
    return [
        part._replace(quantity=quantity, amount=amount)
        for part, quantity, amount in zip(
            parts,
            split_somehow(quantity, step, weights),
            split_somehow(total, terms.currency_rounding, values if any(values) else weights),
            strict=True,
        )
    ]


def split_late_parts(
    again: Rating, lines: Sequence[Line], shares: Iterable[SessionShare]
) -> tuple[PartShare, ...]:
    """Return the parts of late sessions with what each is charged: together they make `lines`."""
    parts = late_parts(again, shares)
    if len(lines) == 1 and lines[0].group is None:
        return tuple(split_late_line(again.terms, lines[0], lines[0].amount, parts))
    if again.terms.tiers:
        parts = _move_to_lines(again, lines, parts)
    charged = {(line.group, line.price): line for line in lines}
    groups = defaultdict(list)
    for part in parts:
        groups[part.group, part.price].append(part)
    result = []
    for key, found in groups.items():
        if line := charged.get(key):
            result += split_late_line(again.terms, line, line.amount, found)
        else:
            result += [part._replace(quantity=ZERO, amount=ZERO) for part in found]
    return tuple(result)


def _move_to_lines(again, lines, parts):
    """Return `parts` of late sessions in the tiers that their lines are about.

    In the order of time they fill one line after the other, in proportion to their quantities.
    """
    origins, hourly = _Origins(again), again.terms.billing_type == 'hour'
    shares = {(each.line.group, each.line.price): each for each in again.groups}
    charged, found = defaultdict(list), defaultdict(dict)
    for line in lines:
        charged[origins.get_one(shares[line.group, line.price])].append(line)
    for part in parts:
        _join(found[origins.get(part)], part)
    result = []
    for origin, joined in found.items():
        whole, own = list(joined.values()), charged.get(origin)
        if not own:
            result += whole
            continue
        weights = [part.billed_seconds if hourly else 1 for part in whole]
        weights = weights if any(weights) else [1] * len(whole)
        unit = Fraction(sum(weights)) / Fraction(sum(line.quantity for line in own))
        ends = [unit * Fraction(end) for end in accumulate(line.quantity for line in own)]
        used = Fraction(0)
        for part, weight in zip(whole, weights, strict=True):
            pieces = [
                (part._replace(group=own[i].group, price=own[i].price), quantity)
                for i, quantity in cut(ends[:-1], used, Fraction(weight))
            ]
            used += weight
            result += _share_out(part, pieces) if len(pieces) > 1 else [pieces[0][0]]
    return result


def _join(joined, part):
    """Add a piece of a part to what is there of this part: tiers had cut it."""
    key = part.id, part.start, part.end
    if before := joined.get(key):
        part = part._replace(
            **{
                name: getattr(before, name) + getattr(part, name)
                for name in ('measured_seconds', 'seconds', 'billed_seconds')
            },
        )
    joined[key] = part
