from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from ..thorough import few, shortened
from ..tie.tie_common import TieCommon

MONTHS = 4
# What happens one after the other to one customer.
STEPS = st.one_of(
    st.tuples(st.just('session'), st.integers(1, MONTHS), st.integers(1, 27)),
    st.tuples(st.just('price'), st.sampled_from(['7.50', '19.99', '33.00'])),
    st.tuples(st.just('close')),
    st.tuples(st.just('take_back'), st.integers(0, 5), st.booleans()),
    st.tuples(st.just('bill_again')),
)


def first_of(month):
    """Return the first day of the n-th month from January 2026, counted from 1."""
    return date(2026 + (month - 1) // 12, (month - 1) % 12 + 1, 1)


@tagged('post_install', '-at_install')
class TestHistories(TieCommon):
    """Whatever happens in which order, a customer pays for what was used, once, to the cent."""

    def _play(self, steps, included, minimum, *, ended):
        """Let it all happen to a new customer; return the association and what is owed."""
        price = Decimal('20.00')
        plan = self._create_plan(
            name="History",
            price_per_session=float(price),
            included_quantity=included,
            minimum_charge=minimum,
        )
        partner = self._create_partner("History")
        association = self._associate(partner, plan)
        self._close('2026-01-01 00:00:00')
        prices, sessions, month = {1: price}, [], 1
        for name, *values in steps:
            if name == 'session':
                ended_on, day = values
                sessions.append(ended_on)
                ended_at = datetime(2026, ended_on, day, 10 + len(sessions) % 10)
                self._create_session(partner, ended_at=str(ended_at))
            elif name == 'price':
                price = Decimal(values[0])
                plan.price_per_session = float(price)
            elif name == 'close' and month < MONTHS:
                month += 1
                self._close(f'{first_of(month)} 00:00:00')
                prices[month] = price
            elif name == 'take_back':
                self._take_back(association, *values)
            elif name == 'bill_again':
                self._bill_again(association)
        if ended:
            association.end_date = first_of(MONTHS + 1)
        for following in range(month + 1, MONTHS + 2):
            self._close(f'{first_of(following)} 00:00:00')
            prices[following] = price
        self._bill_again(association)
        # Long enough for what came late and finds no bill to go on, and for one month more.
        self._close(f'{first_of(MONTHS + 1) + timedelta(days=36)} 00:00:00')
        self._bill_again(association)
        last = MONTHS if ended else MONTHS + 1
        owed = sum(
            max(
                prices[month] * max(sessions.count(month) - included, 0),
                Decimal(str(minimum)),
            )
            for month in range(1, last + 1)
        )
        return association, owed

    def _take_back(self, association, place, delete):
        bills = association.bill_ids.filtered(
            lambda bill: bill.assist_kind == 'bill' and bill.state == 'posted'
        ).sorted('id')
        if not bills:
            return
        bill = bills[place % len(bills)]
        if delete:
            bill.button_draft()
            bill.with_context(force_delete=True).unlink()
        else:
            bill.button_cancel()

    def _bill_again(self, association):
        waiting = association.cycle_ids.filtered(lambda cycle: cycle.state == 'to_rebill')
        if waiting:
            waiting.action_rebill()
            waiting.move_id.filtered(lambda bill: bill.state == 'draft').action_post()

    @settings(
        max_examples=few(12, 3),
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        steps=st.lists(STEPS, min_size=4, max_size=14),
        included=st.integers(0, 2),
        minimum=st.sampled_from([0.0, 30.0]),
        ended=st.booleans(),
    )
    def _check_histories(self, steps, included, minimum, ended):
        association, owed = self._play(steps, included, minimum, ended=ended)
        sessions = self.env['assist.session'].search([('association_id', '=', association.id)])
        self.assertLessEqual(set(sessions.mapped('state')), {'billed'})
        bills = self.env['account.move'].search(
            [('assist_association_id', '=', association.id), ('state', '=', 'posted')]
        )
        billed = sum(Decimal(str(round(bill.amount_untaxed_signed, 2))) for bill in bills)
        self.assertEqual(billed, owed, (steps, included, minimum, ended))
        # Ended for good: the next history has the schedule to itself.
        if not ended:
            association.action_hold()

    @shortened
    def test_whatever_happens_each_session_is_paid_once(self):
        self._check_histories()
        self.assertTied()
