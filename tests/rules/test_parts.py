"""Rating by parts: a second rating that reads the clock at each second, and what always holds."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import cache, partial
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from thorough import few, shortened

from rules import rating
from rules.bands import HOLIDAY, MINUTES, Hours
from rules.cycles import local_date, local_midnight
from rules.rates import Rate

PERIOD = (date(2026, 1, 1), date(2026, 2, 1), 31)
# Zones, and a moment (UTC) about which sessions are: mostly one at which clocks are changed.
MOMENTS = [
    ('Europe/Berlin', datetime(2026, 3, 29, 1)),
    ('Europe/Berlin', datetime(2026, 10, 25, 1)),
    ('America/New_York', datetime(2026, 3, 8, 7)),
    ('America/New_York', datetime(2026, 11, 1, 6)),
    ('Australia/Lord_Howe', datetime(2026, 4, 4, 15)),
    ('Antarctica/Troll', datetime(2026, 3, 29, 1)),
    ('Pacific/Apia', datetime(2011, 12, 30, 10)),
    ('Asia/Kathmandu', datetime(2026, 1, 8, 18, 15)),
    ('UTC', datetime(2026, 1, 1)),
]
BANDS, KINDS, GRADES = 'ab', ('remote', 'travel'), (None, 'senior')


@st.composite
def hours_of(draw, tz, day):
    """Draw a grid of whole half hours without overlaps: for each day, where bands change."""
    lines = []
    # Few grids, each used on all days: so that sessions meet their edges.
    grids = [
        sorted(draw(st.sets(st.integers(0, 48), min_size=12, max_size=30))) for _grid in range(2)
    ]
    for name in (*range(7), HOLIDAY):
        marks = grids[name in (5, 6, HOLIDAY)]
        for start, end in pairwise(marks):
            band = (*BANDS, None)[(start + 7 * end) % 3]
            if band:
                lines.append((name, 30 * start, 30 * end, band))
    holidays = draw(
        st.dictionaries(
            st.integers(-1, 1).map(lambda n: day + timedelta(days=n)),
            st.sampled_from((0, 600)),
            max_size=1,
        )
    )
    return Hours(tz, tuple(lines), holidays)


@st.composite
def rates_of(draw, day):
    rates = []
    for number in range(draw(st.integers(0, 4) | st.integers(1, 4))):
        band = draw(st.sampled_from((None, *BANDS, *BANDS)))
        start = draw(st.none() | st.integers(-1, 1).map(lambda n: day + timedelta(days=n)))
        length = draw(st.none() | st.integers(0, 2))
        method = draw(st.sampled_from(('fixed', 'percent', 'add')))
        rates.append(
            Rate(
                id=number,
                band=band,
                kind=draw(st.sampled_from((None, None, *KINDS))),
                grade=draw(st.sampled_from((None, *GRADES))),
                date_from=start,
                date_to=None if length is None else (start or day) + timedelta(days=length),
                method=method,
                value=draw(st.sampled_from((0, 50, 100, Decimal('33.3'), 150))),
                burn_percent=draw(st.sampled_from((100, 100, 0, 50, 150))),
                minimum_minutes=0 if band else draw(st.sampled_from((0, 0, 20))),
                increment_minutes=0 if band else draw(st.sampled_from((0, 0, 7))),
            )
        )
    return tuple(rates)


@st.composite
def agreements(draw, plain=False):
    """Draw terms with a rate card, and sessions about a moment at which it matters."""
    tz, moment = draw(st.sampled_from(MOMENTS))
    day = (moment + timedelta(hours=12)).date()
    minutes = st.sampled_from((0, 0, 5, 15, 60))
    values = {
        'billing_type': draw(st.sampled_from(('hour', 'hour', 'session'))),
        'price_per_hour': draw(st.sampled_from((0, 90, Decimal('33.33')))),
        'price_per_session': draw(st.sampled_from((0, 20, Decimal('7.77')))),
        'ignore_under_seconds': draw(st.sampled_from((0, 0, 90))),
        'merge_gap_minutes': draw(minutes),
        'minimum_minutes': draw(minutes),
        'increment_minutes': draw(minutes),
        'base_fee': draw(st.sampled_from((0, 5))),
        'base_minutes': draw(minutes),
        'included_quantity': draw(st.sampled_from((0, 0, Decimal('0.5'), 2))),
        'minimum_charge': draw(st.sampled_from((0, 0, 100))),
        'amounts_per': draw(st.sampled_from(('cycle', 'month'))),
        'cycle': draw(st.sampled_from(('monthly', 'weekly'))),
        'tz': tz,
    }
    if not plain:
        values['hours'] = draw(hours_of(tz, day))
        values['rates'] = draw(rates_of(day))
        values['versions'] = draw(
            st.dictionaries(
                st.integers(-1, 1).map(lambda n: day + timedelta(days=n)),
                st.sampled_from((Decimal(80), Decimal(100))),
                max_size=2,
            ).map(lambda found: tuple(found.items()))
        )
        values['band_products'] = draw(st.sampled_from(((), (), (('a', 7),))))
    sessions = []
    for number in range(draw(st.integers(0, 5))):
        start = moment + timedelta(seconds=draw(st.integers(-6000, 3000)))
        length = draw(st.sampled_from((0, 60, 2400, 4000)) | st.integers(600, 7000))
        sessions.append(
            rating.Session(
                number,
                start,
                start + timedelta(seconds=length),
                customer='acme',
                technician=draw(st.sampled_from('xy')),
                device=draw(st.sampled_from((None, 'pc', 'pc'))),
                kind=draw(st.sampled_from(KINDS)),
                grade=draw(st.sampled_from(GRADES)),
            )
        )
    return values, sessions


# === A SECOND RATING === #


@cache
def clock(tz, second):
    return datetime.fromtimestamp(second, ZoneInfo(tz)).replace(tzinfo=None)


def seconds_of(session):
    first = int(session.start.replace(tzinfo=timezone.utc).timestamp())
    return range(first, first + int((session.end - session.start).total_seconds()))


def rounded(value, step):
    with localcontext() as context:
        context.prec = 90
        value = Fraction(value) / Fraction(step)
        units = Decimal(value.numerator) / Decimal(value.denominator)
        return units.quantize(Decimal(1), ROUND_HALF_UP) * Decimal(step)


def band_at(values, second):
    hours = values.get('hours')
    if not hours:
        return None
    local = clock(hours.tz, second)
    minute = local.hour * 60 + local.minute
    holiday = hours.holidays.get(local.date(), MINUTES)
    day = HOLIDAY if minute >= holiday else local.weekday()
    for line_day, start, end, band in hours.lines:
        if line_day == day and start <= minute < end:
            return band
    return None


def matching(values, session, day):
    for rate in values.get('rates', ()):
        if rate.kind not in (None, session.kind) or rate.grade not in (None, session.grade):
            continue
        if (rate.date_from and day < rate.date_from) or (rate.date_to and day > rate.date_to):
            continue
        yield rate


def price_by_minute(values, session, known, second):
    # Neither bands nor clocks change within a minute.
    key = second // 60
    if key not in known:
        known[key] = price_at(values, session, second)
    return known[key]


def price_at(values, session, second):
    """Return the price, what its line is about, and the percent of an hour used up."""
    day = clock(values['tz'], second).date()
    band = band_at(values, second)
    hourly = values['billing_type'] == 'hour'
    base = Decimal(values['price_per_hour'] if hourly else values['price_per_session'])
    for first_day, price in sorted(values.get('versions', ())):
        if first_day <= day:
            base = price
    product = dict(values.get('band_products', ())).get(band)
    for rate in matching(values, session, day):
        if rate.band is not None and rate.band != band:
            continue
        price = Fraction(rate.value)
        if rate.method == 'percent':
            price = Fraction(base) * Fraction(rate.value) / 100
        elif rate.method == 'add':
            price = Fraction(base) + Fraction(rate.value)
        price = rounded(price, '0.01')
        named = (rate.band, rate.kind, rate.grade)
        if price == rounded(base, '0.01'):
            named = (None, None, None)
        return price, (product, *named), rate.burn_percent
    return rounded(base, '0.01'), (product, None, None, None), 100


def naive_clusters(values, sessions):
    by_kind = any(rate.kind for rate in values.get('rates', ()))
    clusters = []
    for session in sorted(sessions, key=lambda each: (each.start, each.end, each.id)):
        if len(seconds_of(session)) < values['ignore_under_seconds']:
            continue
        for cluster in clusters if values['merge_gap_minutes'] and session.device else ():
            same = all(
                getattr(cluster[0], name) == getattr(session, name)
                for name in ('technician', 'device', *(['kind'] if by_kind else []))
            )
            reached = max(each.end for each in cluster)
            if same and session.start - reached <= timedelta(minutes=values['merge_gap_minutes']):
                cluster.append(session)
                break
        else:
            clusters.append([session])
    return clusters


def naive_parts(values, sessions):
    """Return (start, session id, key of the price, seconds, billed weight) of each part."""
    parts = []
    for cluster in naive_clusters(values, sessions):
        head = cluster[0]
        first = int(head.start.replace(tzinfo=timezone.utc).timestamp())
        union = sorted({second for each in cluster for second in seconds_of(each)})
        runs = []
        for key, found in groupby(union, partial(price_by_minute, values, head, {})):
            found = list(found)
            runs.append([found[0], head.id, key, len(found), len(found)])
        if not runs:
            runs = [[first, head.id, price_at(values, head, first), 0, 0]]
        if values['billing_type'] == 'session':
            key = price_at(values, head, first)
            parts.append([runs[0][0], head.id, key, len(union), 1])
            continue
        minimum, increment = values['minimum_minutes'], values['increment_minutes']
        for rate in matching(values, head, clock(values['tz'], first).date()):
            if rate.band is None:
                minimum = rate.minimum_minutes or minimum
                increment = rate.increment_minutes or increment
                break
        total = max(len(union), minimum * 60)
        while increment and total % (increment * 60):
            total += 1
        longest = max(run[3] for run in runs)
        next(run for run in runs if run[3] == longest)[4] += total - len(union)
        eaten = values['base_minutes'] * 60
        for run in runs:
            taken = min(run[4], eaten)
            run[4] -= taken
            eaten -= taken
        parts += runs
    return sorted(parts, key=lambda part: part[0])


def naive_lines(values, sessions):
    hourly = values['billing_type'] == 'hour'
    scale = Fraction(1)
    if values['amounts_per'] == 'month' and values['cycle'] == 'weekly':
        scale = Fraction(12, 52)
    # Included time, in seconds of which each costs one; or sessions.
    included = scale * Fraction(values['included_quantity']) * (3600 if hourly else 1)
    sums = {}
    for _start, _id, (price, about, burn), _seconds, weight in naive_parts(values, sessions):
        used = min(included, weight * Fraction(burn, 100))
        included -= used
        rest = weight - used * 100 / burn if burn else Fraction(weight)
        sums[about, price] = sums.get((about, price), 0) + rest
    lines = []
    for (about, price), total in sums.items():
        quantity = rounded(Fraction(total) / (3600 if hourly else 1), '0.01')
        if quantity:
            lines.append((about, quantity, price, rounded(quantity * price, '0.01')))
    fee = len(naive_clusters(values, sessions)) * values['base_fee'] if hourly else 0
    minimum = rounded(scale * values['minimum_charge'], '0.01')
    usage = sum(line[3] for line in lines) + fee
    return sorted(lines, key=repr), max(usage, minimum)


def rate(values, sessions):
    return rating.rate(rating.Terms(**values), PERIOD, sessions)


def about(group):
    if group is None:
        return (None, None, None, None)
    return group.product, group.band, group.kind, group.grade


@shortened
@settings(max_examples=few(150, 30))
@given(agreements())
def test_reading_the_clock_at_each_second_gives_the_same_bill(agreement):
    values, sessions = agreement
    rated = rate(values, sessions)
    expected, total = naive_lines(values, sessions)
    found = [
        (about(line.group), line.quantity, line.price, line.amount)
        for line in rated.lines
        if line.charge in ('hour', 'session')
    ]
    assert sorted(found, key=repr) == expected
    assert rated.total == total
    if rated.groups:
        parts = sorted((part.start, part.id, part.seconds) for part in rated.parts)
        naive = [
            (datetime.fromtimestamp(start, timezone.utc).replace(tzinfo=None), number, seconds)
            for start, number, _key, seconds, _weight in naive_parts(values, sessions)
        ]
        assert parts == sorted(naive)


def test_a_session_of_no_second_has_the_price_of_its_moment():
    """What is merged into it came in another band."""
    values = {
        'billing_type': 'session',
        'price_per_session': 10,
        'merge_gap_minutes': 5,
        'hours': Hours(tz='UTC', lines=((6, 0, 60, 'a'),)),
        'band_products': (('a', 7),),
    }
    instant = datetime(2026, 3, 29, 0, 59, 59)
    sessions = [
        rating.Session(1, instant, instant, 'acme', 'x', 'pc'),
        rating.Session(2, datetime(2026, 3, 29, 1), datetime(2026, 3, 29, 1, 1), 'acme', 'x', 'pc'),
    ]
    [line] = rate(values, sessions).lines
    assert line.group.product == 7


# === PROPERTIES === #


@shortened
@settings(max_examples=few(80, 20))
@given(agreements(), st.data())
def test_the_order_in_which_sessions_are_given_does_not_matter(agreement, data):
    values, sessions = agreement
    assert rate(values, data.draw(st.permutations(sessions))) == rate(values, sessions)


@shortened
@settings(max_examples=few(80, 20))
@given(agreements())
def test_parts_add_up_to_sessions_and_to_lines(agreement):
    values, sessions = agreement
    rated = rate(values, sessions)
    assume(rated.groups)
    for group in rated.groups:
        assert group.line.quantity == group.included.quantity + sum(p.quantity for p in group.parts)
        assert group.line.amount == group.included.amount + sum(part.amount for part in group.parts)
        assert {(part.price, part.group) for part in group.parts} == {
            (group.line.price, group.line.group)
        }
    for share in rated.sessions:
        parts = [part for part in rated.parts if part.id == share.id]
        assert bool(parts) == (share.reason is None)
        for name in ('billed_seconds', 'quantity', 'amount'):
            assert sum(getattr(part, name) for part in parts) == getattr(share, name)
        if parts:
            assert sum(part.measured_seconds for part in parts) == share.measured_seconds
            merged = [each for each in rated.sessions if each.merged_into == share.id]
            seconds = sum(part.seconds for part in parts)
            assert share.measured_seconds <= seconds
            assert seconds <= share.measured_seconds + sum(each.measured_seconds for each in merged)
    assert rated.included.quantity == sum(group.included.quantity for group in rated.groups)


@shortened
@settings(max_examples=few(80, 20))
@given(agreements())
def test_rates_that_change_no_price_change_no_cent(agreement):
    values, sessions = agreement
    plain = {**values, 'rates': (), 'versions': (), 'band_products': ()}
    base = values['price_per_hour' if values['billing_type'] == 'hour' else 'price_per_session']
    equal = {
        **plain,
        'rates': (
            Rate(1, band='a', method='fixed', value=base),
            Rate(2, grade='senior', value=100),
            Rate(3, method='add', value=0),
        ),
        'versions': ((date(2026, 1, 8), Decimal(base)),),
    }
    one, other = rate(plain, sessions), rate(equal, sessions)
    assert [replace(line, group=None) for line in other.lines] == list(one.lines)
    assert (other.sessions, other.included) == (one.sessions, one.included)


@shortened
@settings(max_examples=few(80, 20))
@given(agreements(), st.integers(1, 5000))
def test_a_longer_session_never_costs_less(agreement, more):
    values, sessions = agreement
    # Rounding each price by itself can take a half cent off one and not give it to the other.
    values = {**values, 'billing_type': 'hour', 'merge_gap_minutes': 0, 'ignore_under_seconds': 0}
    values.update(quantity_digits=6, minimum_minutes=0, increment_minutes=0, included_quantity=0)
    values['rates'] = tuple(
        replace(rate, minimum_minutes=0, increment_minutes=0) for rate in values['rates']
    )
    assume(sessions)
    longer = [replace(sessions[0], end=sessions[0].end + timedelta(seconds=more)), *sessions[1:]]
    assert rate(values, longer).total >= rate(values, sessions).total - Decimal('0.05')


@shortened
@settings(max_examples=few(100, 20))
@given(agreements(), st.integers(1, 20))
def test_a_week_away_from_changes_of_the_clock_changes_nothing(agreement, weeks):
    values, sessions = agreement
    moved = timedelta(weeks=weeks)
    hours = values['hours'] and Hours('UTC', values['hours'].lines)
    values = {**values, 'tz': 'UTC', 'hours': hours, 'versions': ()}
    values['rates'] = tuple(replace(each, date_from=None, date_to=None) for each in values['rates'])
    later = [replace(each, start=each.start + moved, end=each.end + moved) for each in sessions]
    assert rate(values, later).lines == rate(values, sessions).lines


@shortened
@settings(max_examples=few(80, 20))
@given(agreements(), st.integers(0, 5))
def test_late_sessions_bill_the_difference_of_each_price(agreement, split):
    values, sessions = agreement
    before, again = rate(values, sessions[:split]), rate(values, sessions)
    late = [each.id for each in sessions[split:]]
    lines = rating.late_charges(before.usage_amount, again, before, late)
    due = max(Decimal(0), again.usage_amount - before.usage_amount)
    assert sum(line.amount for line in lines) == due
    shares = rating.late_shares(again, before, late)
    parts = rating.late_parts(again, shares)
    for share in shares:
        found = [part for part in parts if part.id == share.id]
        assert not again.groups or sum(part.billed_seconds for part in found) == (
            share.billed_seconds if share.reason is None else 0
        )
    for line in lines:
        assert line.amount == rounded(line.quantity * line.price, '0.01')
        assert line.quantity > 0
        if line.group is not None:
            own = [part for part in parts if (part.group, part.price) == (line.group, line.price)]
            rows = rating.split_late_line(again.terms, line, line.amount, own)
            assert sum(row.quantity for row in rows) == line.quantity
            assert sum(row.amount for row in rows) == line.amount


def test_a_price_with_less_than_before_makes_one_line_of_the_difference():
    start = datetime(2026, 1, 8, 12)
    values = {
        'billing_type': 'hour',
        'price_per_hour': 60,
        'merge_gap_minutes': 30,
        'rates': (Rate(1, grade='senior', value=200),),
    }
    pc = {'customer': 1, 'technician': 1, 'device': 1}
    billed = rating.Session(1, start, start + timedelta(hours=1), **pc)
    # It comes first and takes the other one in, whose hour then has its grade.
    late = rating.Session(
        2, start - timedelta(hours=1), start - timedelta(minutes=15), grade='senior', **pc
    )
    before, again = rate(values, [billed]), rate(values, [billed, late])
    [line] = rating.late_charges(before.usage_amount, again, before, [2])
    assert (line.quantity, line.amount, line.group) == (1, Decimal('150.00'), None)


def test_terms_are_read_from_json_and_missing_keys_are_neutral():
    assert rating.Terms.from_dict({'billing_type': 'hour'}).is_plain
    terms = rating.Terms.from_dict(
        {
            'billing_type': 'hour',
            'price_per_hour': 90.0,
            'hours': {'tz': 'UTC', 'lines': [[0, 0, 60, 3]], 'holidays': []},
            'rates': [{'id': 1, 'band': 3, 'method': 'percent', 'value': 150.0, 'unknown': 1}],
            'versions': [['2026-01-10', 95.0]],
            'band_products': [[3, 12]],
            'tz': 'UTC',
        }
    )
    assert not terms.is_plain
    assert terms.rates[0].get_price(Decimal(90)) == 135
    assert terms.versions == ((date(2026, 1, 10), Decimal('95.0')),)


# === PRICES BY DATE === #


@shortened
@settings(max_examples=few(120, 24))
@given(agreements(plain=True), st.integers(-1, 1), st.sampled_from((80, Decimal('33.34'))))
def test_a_price_date_is_two_pieces_rated_apart(agreement, days, price):
    values, sessions = agreement
    # What is of the whole session or cycle has no meaning of a piece.
    values.update(
        billing_type='hour',
        merge_gap_minutes=0,
        minimum_minutes=0,
        increment_minutes=0,
        ignore_under_seconds=0,
        base_fee=0,
        base_minutes=0,
        included_quantity=0,
        minimum_charge=0,
    )
    sessions = [session for session in sessions if session.start < session.end]
    assume(sessions)
    day = local_date(sessions[0].start, values['tz']) + timedelta(days=days)
    midnight = local_midnight(day, values['tz'])
    before = [
        replace(session, end=min(session.end, midnight))
        for session in sessions
        if session.start < midnight
    ]
    after = [
        replace(session, start=max(session.start, midnight))
        for session in sessions
        if session.end > midnight
    ]
    pieces = [
        (line.quantity, line.price, line.amount)
        for terms, found in ((values, before), ({**values, 'price_per_hour': price}, after))
        for line in rate(terms, found).lines
    ]
    whole = rate({**values, 'versions': ((day, price),)}, sessions)
    assert [(line.quantity, line.price, line.amount) for line in whole.lines] == pieces
    assert sum(part.seconds for part in whole.parts) == sum(
        (session.end - session.start) // timedelta(seconds=1) for session in sessions
    )


@shortened
@settings(max_examples=few(120, 24))
@given(agreements(plain=True), st.sets(st.integers(-2, 2), min_size=1, max_size=4))
def test_prices_by_date_that_are_the_same_change_no_cent(agreement, days):
    values, sessions = agreement
    base = values['price_per_hour' if values['billing_type'] == 'hour' else 'price_per_session']
    day = date(2026, 1, 1) if not sessions else sessions[0].start.date()
    same = tuple((day + timedelta(days=number), base) for number in sorted(days))
    one, other = rate(values, sessions), rate({**values, 'versions': same}, sessions)
    assert [replace(line, group=None) for line in other.lines] == list(one.lines)
    assert (other.sessions, other.included) == (one.sessions, one.included)


def test_a_line_knows_on_which_days_its_price_was_in_force():
    terms = rating.Terms(
        billing_type='hour',
        price_per_hour=90,
        versions=((date(2026, 3, 10), 100), (date(2026, 3, 20), 90)),
        rates=(
            Rate(1, band='a', value=150),
            Rate(2, kind='travel', method='fixed', value=45, date_to=date(2026, 3, 14)),
            Rate(3, kind='travel', method='fixed', value=50),
            Rate(4, kind='remote', method='fixed', value=60),
        ),
    )
    card = rating.RateCard(terms)
    evening, travel = rating.Group(band='a'), rating.Group(kind='travel')
    for group, price, expected in (
        (rating.Group(), 100, (date(2026, 3, 10), date(2026, 3, 19))),
        (evening, 150, (date(2026, 3, 10), date(2026, 3, 19))),
        (travel, 45, (None, date(2026, 3, 14))),
        (travel, 50, (date(2026, 3, 15), None)),
        # Twice, always, never: nothing that could be said.
        (rating.Group(), 90, (None, None)),
        (evening, 135, (None, None)),
        (rating.Group(kind='remote'), 60, (None, None)),
        (evening, 1, (None, None)),
    ):
        assert card.get_days(group, Decimal(price)) == expected
