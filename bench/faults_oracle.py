"""What each customer owes, worked out anew from the rows of the database; and what was billed.

Written without a look at the add-on's rating, and without its code: plain Python over SQL. It
knows the rules that the plans in `faults_data.py` use, and refuses others.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
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
    """What one customer owes for the month: exact amount per kind of charge, for which sessions."""

    sessions: set[str]
    exact: dict[str, Fraction]

    @property
    def amounts(self) -> dict[str, Decimal]:
        return {charge: _money(amount) for charge, amount in self.exact.items()}

    @property
    def total(self) -> Decimal:
        return sum(self.amounts.values(), Decimal(0))


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
    sessions, devices = defaultdict(list), defaultdict(list)
    for key, association, seconds in rows(
        "SELECT id, association_id, extract(epoch FROM ended_at - started_at)::int"
        " FROM assist_session WHERE billable"
    ):
        sessions[association].append((key, int(seconds)))
    for partner, enrolled, removed in rows(
        "SELECT partner_id, enrolled_on, removed_on FROM assist_device"
    ):
        devices[partner].append((_day(enrolled), _day(removed) if removed else date.max))
    owed = {}
    for association in _read(rows, 'assist_billing_association'):
        start = _day(association['start_date'])
        end = _next_month(start)
        plan = plans[association['plan_id']]
        owed[association['id']] = Owed(
            {key for key, _seconds in sessions[association['id']]},
            {
                **_charge_usage(plan, [seconds for _, seconds in sessions[association['id']]]),
                **_charge_devices(plan, start, end, devices[association['partner_id']]),
            },
        )
    return owed


def _charge_usage(plan, durations):
    known = {name: Fraction(plan[name] or 0) for name in (
        'price_per_session', 'price_per_hour', 'minimum_minutes', 'increment_minutes', 'base_fee',
        'base_minutes', 'included_quantity', 'minimum_charge', 'ignore_under_seconds',
    )}  # fmt: skip
    if int(plan['merge_gap_minutes'] or 0) or plan['amounts_per'] != 'cycle':
        raise ValueError(f"The oracle does not know the rules of {plan['name']}.")
    counted = [seconds for seconds in durations if seconds >= known['ignore_under_seconds']]
    exact = {}
    if plan['billing_type'] == 'session':
        over = max(Fraction(0), len(counted) - known['included_quantity'])
        exact['session'] = over * known['price_per_session']
    else:
        charged = 0
        for seconds in counted:
            seconds = max(seconds, known['minimum_minutes'] * 60)
            step = known['increment_minutes'] * 60
            while step and seconds % step:
                seconds += step - seconds % step
            charged += max(0, seconds - known['base_minutes'] * 60)
        hours = Fraction(_money(Fraction(charged) / 3600))  # two digits, as printed
        over = max(Fraction(0), hours - known['included_quantity'])
        exact['hour'] = over * known['price_per_hour']
        exact['base_fee'] = len(counted) * known['base_fee']
    reached = sum(Fraction(_money(amount)) for amount in exact.values())
    exact['minimum'] = max(Fraction(0), known['minimum_charge'] - reached)
    return {charge: amount for charge, amount in exact.items() if amount}


def _charge_devices(plan, start, end, spans):
    if plan['charge_devices'] != 't':
        return {}
    if plan['device_count'] == 'any_day':
        count = sum(enrolled < end and removed > start for enrolled, removed in spans)
    elif plan['device_count'] == 'at_close':
        last = end - timedelta(days=1)
        count = sum(enrolled <= last < removed for enrolled, removed in spans)
    else:
        raise ValueError(f"The oracle does not know how {plan['name']} counts devices.")
    return {'device': count * Fraction(plan['price_per_device'])} if count else {}


def judge(rows, owed: dict[str, Owed], again: bool = False, sending: bool = False) -> Verdict:
    """Compare what was billed with what is owed.

    :param again: a person has taken bills back and billed again, by drafts
    :param sending: the bills to be sent should have been
    """
    verdict = Verdict()
    bills = defaultdict(list)
    for move, association, total, untaxed, tax in rows(
        "SELECT id, assist_association_id, amount_total, amount_untaxed, amount_tax"
        " FROM account_move WHERE assist_kind IN ('bill', 'supplementary', 'credit')"
        " AND state != 'cancel'"
    ):
        bills[association].append((move, Decimal(total), Decimal(untaxed), Decimal(tax)))
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
        found = bills.pop(association, [])
        if expected.total:
            verdict.lost += not found
        verdict.doubled += max(0, len(found) - 1)
        verdict.lost += len(expected.sessions - carried[association])
        verdict.doubled += len(carried[association] - expected.sessions)
        for move, total, untaxed, tax in found:
            verdict.differing += (
                lines[move] != expected.amounts
                or untaxed != expected.total
                or tax != get_tax(expected)
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
    """Return the function from what is owed to its tax; all bills have the same one."""
    [[percent, method]] = rows(
        "SELECT DISTINCT t.amount, c.tax_calculation_rounding_method FROM account_move_line l"
        " JOIN account_move_line_account_tax_rel r ON r.account_move_line_id = l.id"
        " JOIN account_tax t ON t.id = r.account_tax_id JOIN res_company c ON c.id = l.company_id"
    )
    rate = Fraction(percent) / 100
    if method == 'round_globally':  # once, over the amounts as they are printed
        return lambda owed: _money(Fraction(owed.total) * rate)
    return lambda owed: sum(_money(Fraction(amount) * rate) for amount in owed.amounts.values())


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
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return exact.quantize(CENT, ROUND_HALF_UP)
