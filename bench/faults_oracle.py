"""What each customer owes, worked out anew from the rows of the database; and what was billed.

Written without a look at the add-on's rating, and without its code: plain Python over SQL. It
knows the rules that the plans in `faults_data.py` use, and refuses others. Time is that of UTC.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT = Decimal('0.01')
# Each: a name, and the query that counts what waits for somebody, or holds something.
HANGING = {
    'due cycles not closed': """
        SELECT count(*) FROM assist_billing_cycle
         WHERE date_end <= {end} AND state NOT IN ('closed', 'waived')""",
    'cycles with an error': """
        SELECT count(*) FROM assist_billing_cycle
         WHERE error IS NOT NULL OR retry_at IS NOT NULL OR attempts > 0""",
    'customers without a next cycle': """
        SELECT count(*) FROM assist_billing_association a WHERE NOT EXISTS (
            SELECT 1 FROM assist_billing_cycle c
             WHERE c.association_id = a.id AND c.state = 'open' AND c.date_start = {end})""",
    'fees in advance not billed': """
        SELECT count(*) FROM assist_billing_cycle WHERE fees_due AND date_start <= {end}""",
    'sessions to bill': """
        SELECT count(*) FROM assist_session WHERE state != 'billed' OR cycle_id IS NULL""",
    'activities': "SELECT count(*) FROM mail_activity WHERE res_model LIKE 'assist.%'",
    'runs that have not ended': """
        SELECT count(*) FROM assist_billing_run WHERE state NOT IN ('done', 'interrupted')""",
    'bills in draft that are to be posted': """
        SELECT count(*) FROM account_move m JOIN assist_billing_plan p ON p.id = m.assist_plan_id
         WHERE m.assist_kind = 'bill' AND m.state = 'draft' AND p.bill_handling != 'draft'
           AND m.id NOT IN ({again})""",
    'scheduled actions off or failing': """
        SELECT count(*) FROM ir_cron c JOIN ir_model_data d ON d.res_id = c.id
         WHERE d.model = 'ir.cron' AND d.name = 'ir_cron_close_cycles'
           AND (NOT c.active OR c.failure_count > 0)""",
    'transactions left open': """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND pid != pg_backend_pid()
           AND backend_type = 'client backend' AND xact_start IS NOT NULL""",
}
SENDING = {
    'bills not sent': """
        SELECT count(*) FROM account_move m JOIN assist_billing_plan p ON p.id = m.assist_plan_id
         WHERE p.bill_handling = 'send' AND m.assist_kind = 'bill'
           AND (m.sending_data IS NOT NULL OR m.assist_message_id IS NULL
                OR m.assist_delivery_state NOT IN ('queued', 'sent'))""",
    'bills without a mail': """
        SELECT count(*) FROM account_move m JOIN assist_billing_plan p ON p.id = m.assist_plan_id
         WHERE p.bill_handling = 'send' AND m.assist_kind = 'bill'
           AND (SELECT count(*) FROM mail_mail e JOIN mail_message g ON g.id = e.mail_message_id
                 WHERE g.model = 'account.move' AND g.res_id = m.id) != 1""",
}


@dataclass
class Owed:
    """What one customer owes for the month: the lines of the bill and of the first one of fees.

    Each line is a kind of charge and an amount.
    """

    sessions: set[str]
    bill: list[tuple[str, Decimal]]
    # Fees in advance of the month itself: they have a bill of their own.
    opening: list[tuple[str, Decimal]] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum_lines(self.bill) + sum_lines(self.opening)


def sum_lines(lines: list[tuple[str, Decimal]]) -> Decimal:
    return sum((amount for _charge, amount in lines), Decimal(0))


def sum_charges(lines: list[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Return the amount per kind of charge."""
    sums = defaultdict(Decimal)
    for charge, amount in lines:
        sums[charge] += amount
    return dict(sums)


@dataclass
class Agreement:
    """What a plan has besides its own prices, as rows of the database."""

    hours: list[dict]
    rates: list[dict]
    versions: list[dict]
    tiers: list[dict]
    fees: list[dict]

    @property
    def cuts(self) -> bool:
        """Tell whether an hour can have several prices."""
        return bool(self.rates or self.versions)

    def find(self, second: int) -> tuple[str, int]:
        """Return what decides the price of a second since 1970: its band, and how many versions.

        A band without a rate is none.
        """
        instant = datetime.fromtimestamp(second, UTC)
        minute = instant.hour * 60 + instant.minute
        [band] = [
            line['band_id']
            for line in self.hours
            if line['dayofweek'] == str(instant.weekday())
            and int(line['minute_from']) <= minute < int(line['minute_to'])
        ] or ['']
        if band not in {rate['band_id'] for rate in self.rates}:
            band = ''
        day = instant.date()
        return band, sum(_day(version['date_from']) <= day for version in self.versions)

    def get_price(self, plan: dict, band: str, version: int) -> Fraction:
        prices = [plan, *sorted(self.versions, key=lambda each: each['date_from'])]
        price = Fraction(prices[version]['price_per_hour'])
        for rate in self.rates:
            if rate['band_id'] == band:
                return Fraction(_money(price * Fraction(rate['value']) / 100))
        return price


@dataclass
class Verdict:
    """What a fault has cost: all zero, it should be."""

    lost: int = 0  # due cycles without a bill, and sessions on none
    doubled: int = 0  # bills, and sessions on bills, beyond one
    differing: int = 0  # bills that differ from what is owed, or do not balance
    hanging: Counter = field(default_factory=Counter)  # what waits for somebody

    def __iadd__(self, other: 'Verdict') -> 'Verdict':
        self.lost += other.lost
        self.doubled += other.doubled
        self.differing += other.differing
        self.hanging += other.hanging
        return self

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.differing or self.hanging)


def read_owed(rows) -> dict[str, Owed]:
    """Work out what is owed; before anything is billed and before anything goes wrong.

    :param rows: function from SQL to rows, each a list of text, '' for null
    :return: by the ID of the association
    """
    plans = {plan['id']: plan for plan in _read(rows, 'assist_billing_plan')}
    agreements = _read_agreements(rows, plans)
    sessions, devices = defaultdict(list), defaultdict(list)
    for key, association, begin, end in rows(
        "SELECT id, association_id, extract(epoch FROM started_at)::bigint,"
        " extract(epoch FROM ended_at)::bigint FROM assist_session WHERE billable"
    ):
        sessions[association].append((key, int(begin), int(end)))
    for partner, enrolled, removed in rows(
        "SELECT partner_id, enrolled_on, removed_on FROM assist_device"
    ):
        devices[partner].append((_day(enrolled), _day(removed) if removed else date.max))
    owed = {}
    for association in _read(rows, 'assist_billing_association'):
        start = _day(association['start_date'])
        end = _next_month(start)
        plan, agreement = (each[association['plan_id']] for each in (plans, agreements))
        spans = devices[association['partner_id']]
        owed[association['id']] = Owed(
            {key for key, _begin, _end in sessions[association['id']]},
            [
                *_charge_usage(
                    plan, agreement, [times for _key, *times in sessions[association['id']]]
                ),
                *_charge_devices(plan, start, end, spans),
                *_charge_fees(agreement, end, spans),
            ],
            _charge_fees(agreement, start, spans),
        )
    return owed


def _read_agreements(rows, plans):
    """Return what each plan has besides its own prices."""
    tables = {
        name: _read(rows, f'assist_billing_{table}')
        for name, table in (
            ('rates', 'rate'),
            ('versions', 'plan_version'),
            ('tiers', 'tier'),
            ('fees', 'plan_fee'),
        )
    }
    lines = _read(rows, 'assist_billing_hours_line')
    agreements = {}
    for key, plan in plans.items():
        own = {
            name: [row for row in found if row['plan_id'] == key] for name, found in tables.items()
        }
        hours = [line for line in lines if line['hours_id'] == plan['hours_id']]
        agreements[key] = Agreement(hours, **own)
        _refuse_unknown(plan, agreements[key])
    return agreements


def _refuse_unknown(plan, agreement):
    """Raise ValueError for a plan with rules that are not known here."""
    is_known = (
        not int(plan['merge_gap_minutes'] or 0)
        and plan['amounts_per'] == 'cycle'
        and plan['rollover'] == 'none'
        and plan['tier_mode'] == 'graduated'
        and all(
            rate['method'] == 'percent'
            and rate['band_id']
            and not (rate['kind'] or rate['grade_id'])
            for rate in agreement.rates
        )
        and all(
            fee['charge'] == 'advance'
            and fee['quantity_rule'] in ('fixed', 'devices')
            and fee['true_up'] == 'none'
            for fee in agreement.fees
        )
        # What is included would be shared among several prices.
        and not (agreement.cuts and (agreement.tiers or agreement.fees))
        and not (agreement.cuts and int(plan['base_minutes'] or 0))
    )
    if not is_known:
        raise ValueError(f"The oracle does not know the rules of {plan['name']}.")


def _charge_usage(plan, agreement, sessions):
    known = {name: Fraction(plan[name] or 0) for name in (
        'price_per_session', 'price_per_hour', 'minimum_minutes', 'increment_minutes', 'base_fee',
        'base_minutes', 'included_quantity', 'minimum_charge', 'maximum_charge',
        'ignore_under_seconds',
    )}  # fmt: skip
    counted = [
        (begin, end) for begin, end in sessions if end - begin >= known['ignore_under_seconds']
    ]
    lines = []
    if plan['billing_type'] == 'session':
        over = max(Fraction(0), len(counted) - known['included_quantity'])
        lines.append(('session', over * known['price_per_session']))
    else:
        included = known['included_quantity'] + sum(
            Fraction(fee['quantity']) * Fraction(fee['included_hours'] or 0)
            for fee in agreement.fees
        )
        for price, hours in _count_hours(plan, known, agreement, counted):
            over = max(Fraction(0), hours - included)
            lines += [('hour', part * each) for part, each in _cut_by_tiers(agreement, over, price)]
        lines.append(('base_fee', len(counted) * known['base_fee']))
    lines = [(charge, _money(amount)) for charge, amount in lines]
    reached = sum(amount for _charge, amount in lines)
    if most := _money(known['maximum_charge']):
        lines.append(('cap', min(Decimal(0), most - reached)))
    lines.append(('minimum', max(Decimal(0), _money(known['minimum_charge']) - reached)))
    return [line for line in lines if line[1]]


def _count_hours(plan, known, agreement, sessions):
    """Return pairs of a price and the hours that have it, in two digits, as they are printed."""
    charged = Counter()
    for begin, end in sessions:
        seconds = max(end - begin, known['minimum_minutes'] * 60)
        step = known['increment_minutes'] * 60
        while step and seconds % step:
            seconds += step - seconds % step
        stretches = Counter()
        if agreement.cuts:
            # By what decides its price, second by second; these come in the order of time.
            stretches.update(agreement.find(second) for second in range(begin, end))
        stretches = stretches or Counter({('', 0): end - begin})
        longest = max(stretches, key=stretches.__getitem__)  # of equals, the first
        stretches[longest] += max(0, seconds - known['base_minutes'] * 60) - (end - begin)
        charged.update(stretches)
    return [
        (agreement.get_price(plan, *what), Fraction(_money(Fraction(seconds) / 3600)))
        for what, seconds in charged.items()
    ]


def _cut_by_tiers(agreement, hours, price):
    """Return pairs of hours and their price: of each tier, those that lie within it."""
    steps = [(Fraction(0), price)] + sorted(
        (Fraction(tier['from_quantity']), Fraction(tier['price'])) for tier in agreement.tiers
    )
    ends = [step[0] for step in steps[1:]] + [hours]
    return [
        (max(Fraction(0), min(hours, end) - start), each)
        for (start, each), end in zip(steps, ends, strict=True)
    ]


def _charge_fees(agreement, day, spans):
    """Return the lines of fees in advance for the period that begins on a day."""
    lines = []
    for fee in agreement.fees:
        quantity = Fraction(fee['quantity'])
        if fee['quantity_rule'] == 'devices':
            quantity = Fraction(sum(enrolled <= day < removed for enrolled, removed in spans))
        lines.append(('fee', _money(quantity * Fraction(fee['price']))))
    return [line for line in lines if line[1]]


def _charge_devices(plan, start, end, spans):
    if plan['charge_devices'] != 't':
        return []
    if plan['device_count'] == 'any_day':
        count = sum(enrolled < end and removed > start for enrolled, removed in spans)
    elif plan['device_count'] == 'at_close':
        last = end - timedelta(days=1)
        count = sum(enrolled <= last < removed for enrolled, removed in spans)
    else:
        raise ValueError(f"The oracle does not know how {plan['name']} counts devices.")
    return [('device', _money(count * Fraction(plan['price_per_device'])))] if count else []


def judge(rows, owed: dict[str, Owed], again: bool = False, sending: bool = False) -> Verdict:
    """Compare what was billed with what is owed.

    :param again: a person has taken bills back and billed again, by drafts
    :param sending: the bills to be sent should have been
    """
    verdict = Verdict()
    bills = defaultdict(list)
    for move, association, kind, *amounts in rows(
        "SELECT id, assist_association_id, assist_kind, amount_total, amount_untaxed, amount_tax"
        " FROM account_move WHERE assist_kind IN ('bill', 'supplementary', 'credit')"
        " AND state != 'cancel'"
    ):
        # Nothing else has a supplementary bill in these months.
        which = 'opening' if kind == 'supplementary' else 'bill'
        bills[association, which].append((move, *map(Decimal, amounts)))
    lines, unbalanced = _read_lines(rows)
    get_tax = _read_tax(rows)
    carried = defaultdict(set)
    for association, session in rows(
        "SELECT c.association_id, s.id FROM assist_session s"
        " JOIN assist_billing_cycle c ON c.id = s.cycle_id JOIN account_move m ON m.id = c.move_id"
        " WHERE s.state = 'billed'"
    ):
        carried[association].add(session)
    for association, expected in owed.items():
        verdict.lost += len(expected.sessions - carried[association])
        verdict.doubled += len(carried[association] - expected.sessions)
        for which in ('bill', 'opening'):
            owed_lines, found = getattr(expected, which), bills.pop((association, which), [])
            verdict.lost += bool(owed_lines and not found)
            verdict.doubled += max(0, len(found) - 1)
            for move, total, untaxed, tax in found:
                verdict.differing += (
                    lines[move] != sum_charges(owed_lines)
                    or untaxed != sum_lines(owed_lines)
                    or tax != get_tax(owed_lines)
                    or total != untaxed + tax
                    or move in unbalanced
                )
    verdict.doubled += sum(map(len, bills.values()))  # bills that nobody owes
    [[start]] = rows("SELECT max(start_date) FROM assist_billing_association")
    end = _next_month(_day(start))
    verdict.hanging = count_hanging(rows, end, again, sending)
    return verdict


def count_hanging(rows, end, again, sending) -> Counter:
    """Count what waits for somebody or is held, by what it is."""
    made_again = (
        "SELECT id FROM account_move WHERE state = 'draft' AND assist_kind = 'bill'"
        " AND assist_cycle_id IN (SELECT res_id FROM mail_message WHERE"
        " model = 'assist.billing.cycle' AND body LIKE '%Billed again%')"
    )
    found = Counter()
    for name, query in (HANGING | (SENDING if sending else {})).items():
        query = query.format(end=f"DATE '{end}'", again=made_again if again else '0')
        [[count]] = rows(query)
        found[name] = int(count)
    return +found


def count_half_billed(rows) -> int:
    """Count what is billed in part, at any moment: it is never to be seen."""
    [[cycles, sessions, stamped, bills]] = rows(
        """SELECT count(*) FILTER (WHERE state = 'closed'),
                  coalesce(sum(session_count) FILTER (WHERE state = 'closed'), 0),
                  (SELECT count(*) FROM assist_session WHERE state = 'billed'),
                  (SELECT count(*) FROM account_move WHERE assist_cycle_id IS NOT NULL
                                                       AND assist_kind = 'bill')
             FROM assist_billing_cycle"""
    )
    [[empty]] = rows(
        "SELECT count(*) FROM assist_billing_cycle WHERE state = 'closed' AND move_id IS NULL"
    )
    return abs(int(sessions) - int(stamped)) + abs(int(cycles) - int(empty) - int(bills))


def _read_lines(rows):
    """Return the amount per kind of charge of each bill, and the bills that do not balance."""
    lines, unbalanced = defaultdict(dict), set()
    for move, charge, amount in rows(
        "SELECT l.move_id, l.assist_charge, sum(l.price_subtotal) FROM account_move_line l"
        " WHERE l.display_type = 'product' GROUP BY 1, 2"
    ):
        lines[move][charge] = Decimal(amount)
    for [move] in rows(
        "SELECT m.id FROM account_move m JOIN account_move_line l ON l.move_id = m.id"
        " GROUP BY m.id HAVING sum(l.balance) != 0 OR m.amount_total !="
        " sum(l.debit) FILTER (WHERE l.display_type = 'payment_term')"
    ):
        unbalanced.add(move)
    return lines, unbalanced


def _read_tax(rows):
    """Return the function from lines that are owed to their tax; all bills have the same one."""
    [[percent, method]] = rows(
        "SELECT DISTINCT t.amount, c.tax_calculation_rounding_method FROM account_move_line l"
        " JOIN account_move_line_account_tax_rel r ON r.account_move_line_id = l.id"
        " JOIN account_tax t ON t.id = r.account_tax_id JOIN res_company c ON c.id = l.company_id"
    )
    rate = Fraction(percent) / 100
    if method == 'round_globally':  # once, over the amounts as they are printed
        return lambda lines: _money(Fraction(sum_lines(lines)) * rate)
    return lambda lines: sum(_money(Fraction(amount) * rate) for _charge, amount in lines)


def _read(rows, table):
    names = [
        name
        for [name] in rows(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass"  # noqa: S608
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
    ]
    return [
        dict(zip(names, row, strict=True))
        for row in rows(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608
    ]


def _next_month(start):
    return (start + timedelta(days=31)).replace(day=1)


def _day(text):
    return date.fromisoformat(text)


def _money(amount: Fraction) -> Decimal:
    """Round to cents, half up."""
    amount = Fraction(amount)
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(CENT, ROUND_HALF_UP)
