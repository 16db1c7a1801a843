from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytz import common_timezones

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from ..common import AssistBillingCommon
from ..thorough import few, shortened

EXAMPLES = few(40, 8)
START = date(2026, 1, 1)
# Both ends of the world, half hours, clocks that change, and any other.
ZONES = st.one_of(
    st.sampled_from(
        ['UTC', 'Asia/Tokyo', 'America/Los_Angeles', 'Europe/Berlin', 'Europe/London',
         'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Asia/Kathmandu', 'Australia/Lord_Howe']
    ),
    st.sampled_from(sorted(common_timezones)),
)  # fmt: skip
RULES = st.fixed_dictionaries(
    {
        'ignore_under_seconds': st.sampled_from([0, 60, 100_000]),
        'merge_gap_minutes': st.sampled_from([0, 5, 100_000]),
        'minimum_minutes': st.sampled_from([0, 15, 2_000]),
        'increment_minutes': st.sampled_from([0, 7, 60]),
        'included_quantity': st.sampled_from([0, 0.5, 3, 10_000]),
        'minimum_charge': st.sampled_from([0, 99.99]),
        'amounts_per': st.sampled_from(['cycle', 'month']),
        'prorate_partial': st.booleans(),
        'charge_devices': st.booleans(),
        'price_per_device': st.sampled_from([0, 3.33]),
        'device_count': st.sampled_from(['any_day', 'at_close', 'peak', 'by_day']),
    }
)
# Where a session ends: by a cycle's edge (of either zone), or anywhere.
SESSIONS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([-86_400, -50_400, -3_600, -1, 0, 1, 3_600, 43_200, 86_399]),
        st.sampled_from([0, 1, 59, 3_600, 90_000]),
        st.booleans(),
    ),
    max_size=8,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just('zone'), ZONES),
        st.tuples(st.just('cycle'), st.sampled_from(['weekly', 'monthly', 'yearly'])),
        st.tuples(st.just('state'), st.sampled_from(['on_hold', 'suspended', 'running'])),
        st.tuples(st.just('end'), st.integers(-3, 40)),
        st.tuples(st.just('close'), st.integers(1, 20)),
        st.tuples(st.just('take_back')),
    ),
    max_size=5,
)


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15 12:00:00')
class TestShownProperties(AssistBillingCommon):
    """Whatever is stored can be shown: statements, files, run book, tie, inbox, portal."""

    # === PLAYING === #

    def _play(self, plan_vals, tz, sessions, steps):
        """Let it all happen to a new customer; what is refused in words does not happen."""
        plan = self._create_plan(
            name="Any", price_per_session=7.77, price_per_hour=61.37, base_fee=1.5,
            base_minutes=10, **plan_vals,
        )  # fmt: skip
        partner = self._create_partner("Any")
        association = self._associate(partner, plan, tz=tz)
        device = self._create_device(partner, enrolled_on='2026-01-03')
        self._close('2026-01-02 12:00:00')
        now = START
        taken, late = sessions[::2], sessions[1::2]
        self._add_sessions(association, device, taken)
        for name, *values in steps:
            now += timedelta(days=3)
            with freeze_time(datetime.combine(now, datetime.min.time())):
                try:
                    with self.env.cr.savepoint():
                        self._do(association, name, now, *values)
                except UserError as refused:
                    self.assertTrue(str(refused))
            if name == 'close':
                now += timedelta(days=values[0])
                self._close(f'{now} 11:00:00')
        self._close('2026-05-01 12:00:00')
        self._add_sessions(association, device, late)
        self._close('2026-06-15 12:00:00')
        return association

    def _do(self, association, name, now, *values):
        if name == 'zone':
            association.tz = values[0]
        elif name == 'cycle':
            association.cycle = values[0]
        elif name == 'state':
            association.state = values[0]
        elif name == 'end':
            association.end_date = now + timedelta(days=values[0])
        elif name == 'take_back':
            for bill in association.bill_ids.filtered(lambda bill: bill.state == 'posted')[:1]:
                bill.button_cancel()

    def _add_sessions(self, association, device, sessions):
        instants = sorted(
            {*association.cycle_ids.mapped('start_at'), *association.cycle_ids.mapped('end_at')}
        ) or [association.start_at]  # of one that ended when it began there is no period
        for place, seconds, length, billable in sessions:
            ended_at = instants[place % len(instants)] + timedelta(seconds=seconds)
            ended_at = min(ended_at, datetime(2026, 6, 15))
            self.env['assist.session'].create(
                {
                    'partner_id': association.partner_id.id,
                    'device_id': device.id,
                    'started_at': ended_at - timedelta(seconds=length),
                    'ended_at': ended_at,
                    'billable': billable,
                }
            )

    # === SHOWING === #

    def _show_everything(self, association):
        """Open all there is to be seen of a customer; return how much that was."""
        shown = 0
        cycles = association.cycle_ids
        for cycle in cycles:
            statement = cycle._get_statement()
            self.assertEqual(
                sum(bar.seconds for bar in statement.bars),
                sum(row.measured_seconds for section in statement.sections
                    if not section.is_late for row in section.rows),
            )  # fmt: skip
            self.assertTrue(cycle.display_name)
            shown += 1
        bills = self.env['account.move'].search(
            ['|', ('assist_association_id', '=', association.id),
             ('assist_origin_cycle_id', 'in', cycles.ids)]
        )  # fmt: skip
        report = self.env['ir.actions.report']
        for bill in bills:
            content, kind = report._render_qweb_html('account.report_invoice', bill.ids)
            self.assertIn(kind, ('html', 'pdf'))
            self.assertTrue(content)
            shown += 1
        wizard = self.env['assist.statement'].create(
            {'association_id': association.id, 'date_from': START, 'date_to': '2026-06-15'}
        )
        self.assertTrue(
            report._render_qweb_html('assist_billing.assist_statement_report', wizard.ids)[0]
        )
        association.invalidate_recordset()
        self.assertGreaterEqual(association.accrued_amount, 0)
        for cycle in cycles:
            cycle.read()
        self.env['assist.billing.run'].search([], limit=3).read()
        tie = self.env['assist.billing.tie'].create({'company_id': self.company.id})
        self.assertEqual(
            tie.difference_count, 0,
            [(check.name, check.difference_count) for check in tie.check_ids
             if check.difference_count],
        )  # fmt: skip
        for group in self.env['assist.unmatched'].search([]):
            group.read()
        return shown + 1

    # === TESTS === #

    @shortened
    @given(plan_vals=RULES, billing_type=st.sampled_from(['session', 'hour']), tz=ZONES,
           sessions=SESSIONS, steps=STEPS)  # fmt: skip
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def test_whatever_is_stored_can_be_shown(self, plan_vals, billing_type, tz, sessions, steps):
        with self.env.cr.savepoint() as savepoint:
            association = self._play(
                {**plan_vals, 'billing_type': billing_type}, tz, sessions, steps
            )
            self.assertTrue(self._show_everything(association))
            savepoint.rollback()
        self.env.invalidate_all()

    def test_a_session_between_two_midnights_counts_on_the_first_day(self):
        """The customer moved west: what ended after the old midnight ended the day before."""
        for old, new, ended_at in (
            ('Asia/Tokyo', 'America/Los_Angeles', '2026-01-31 16:00:00'),
            ('Europe/Berlin', 'Europe/London', '2026-01-31 23:30:00'),
        ):
            with self.subTest(old=old, new=new):
                partner = self._create_partner(new)
                association = self._associate(partner, tz=old)
                self._close('2026-01-15 00:00:00')
                association.tz = new
                self._close('2026-02-10 00:00:00')
                self._create_session(partner, ended_at=ended_at)
                self._close('2026-03-02 12:00:00')
                cycle = self._cycles(association)[1]
                bars = cycle._get_statement().bars
                self.assertEqual(bars[0].date, date(2026, 2, 1))
                self.assertEqual([bar.seconds for bar in bars if bar.seconds], [1800])
                self.assertEqual(bars[0].seconds, 1800)
                self._close('2026-06-15 12:00:00')
                self._show_everything(association)

    def test_absurd_times_stored_before_they_were_refused_can_be_shown(self):
        for tz in ('America/Los_Angeles', 'Pacific/Kiritimati'):
            for start, end in (
                ('0001-01-01 00:00:00', '2026-01-10 10:00:00'),
                ('0001-01-01 00:00:00', '0001-01-01 00:00:01'),
                ('9999-12-31 23:59:58', '9999-12-31 23:59:59'),
                ('1967-01-01 00:00:00', '2026-01-10 10:00:00'),
            ):
                with self.subTest(tz=tz, start=start, end=end):
                    partner = self._create_partner(f"{tz} {start}")
                    association = self._associate(partner, tz=tz)
                    self._close('2026-01-15 00:00:00')
                    session = self._create_session(partner, ended_at='2026-01-10 10:00:00')
                    self.env.flush_all()
                    self.env.cr.execute(
                        SQL(
                            "UPDATE assist_session SET started_at = %s, ended_at = %s,"
                            " duration_seconds = 2000000000 WHERE id = %s",
                            start, end, session.id,
                        )
                    )  # fmt: skip
                    self.env.invalidate_all()
                    for cycle in association.cycle_ids:
                        cycle._get_statement()
                    self.assertGreaterEqual(association.accrued_amount, 0)
                    session.read()
