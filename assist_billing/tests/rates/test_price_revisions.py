from datetime import datetime

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.test_ir_cron import CronMixinCase
from odoo.addons.mail.tests.common import MockEmail

from ...models.rates import assist_price_revision_notice
from .rates_common import BERLIN, RatesCommon

JANUARY = '2027-01-01'


class RevisionCommon(RatesCommon, MockEmail, CronMixinCase):
    """A rise of 3.4 % from January on, rounded to 0.50."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "us@support.example"
        cls.customer.email = "acme@customer.example"

    def _revise(self, *plans, **vals):
        plans = self.env['assist.billing.plan'].union(*(plans or (self.evenings,)))
        return self.env['assist.price.revision'].create(
            {
                'name': "Rise",
                'date_from': JANUARY,
                'method': 'index',
                'index_old': 100.0,
                'index_new': 103.4,
                'rounding': 0.5,
                'plan_ids': [Command.set(plans.ids)],
                **vals,
            }
        )

    def _prices(self, revision):
        return [(line.kind, line.old_price, line.new_price) for line in revision.line_ids]

    def _announce(self, revision):
        with self.mock_mail_gateway():
            revision.action_announce()
        return revision.notice_ids


@tagged('post_install', '-at_install')
class TestPriceRevisions(RevisionCommon):
    """A price rise: what it makes of prices, whom it tells, what it writes."""

    # === NEW PRICES === #

    def test_an_index_of_3_4_percent_makes_93_of_90(self):
        for vals, expected in (
            ({}, 93.0),
            ({'rounding': 0}, 93.06),
            ({'method': 'percent', 'percent': 3.4}, 93.0),
            ({'method': 'amount', 'amount': 5.0}, 95.0),
            ({'method': 'percent', 'percent': -50.0}, 45.0),
        ):
            with self.subTest(vals=vals):
                revision = self._revise(**vals)
                self.assertEqual(self._prices(revision), [('price_per_hour', 90.0, expected)])
        self.assertEqual(self._revise().rule, "+3.40 %")

    def test_each_price_that_is_charged_is_revised_and_nothing_else(self):
        plan = self._create_rated_plan(
            price_per_session=1.0,
            price_per_device=8.0,
            base_fee=5.0,
            minimum_charge=100.0,
            rate_ids=[
                Command.create({'kind': 'travel', 'method': 'fixed', 'value': 45.0}),
                Command.create({'kind': 'phone', 'method': 'percent', 'value': 50.0}),
                Command.create({'kind': 'on_site', 'method': 'add', 'value': 10.0}),
                Command.create({'method': 'fixed', 'value': 9.0, 'date_to': '2026-12-31'}),
                Command.create({'method': 'fixed', 'value': 9.0, 'date_from': JANUARY}),
            ],
        )
        own = {'kind': 'travel', 'method': 'fixed', 'value': 30.0}
        association = self._associate(plan=plan, rate_ids=[Command.create(own)])
        revision = self._revise(plan)
        hour, fee, minimum = (
            ('price_per_hour', 90.0, 93.0),
            ('base_fee', 5.0, 5.0),
            ('minimum_charge', 100.0, 103.5),
        )
        rates = [('rate', 45.0, 46.5), ('rate', 30.0, 31.0)]
        self.assertEqual(self._prices(revision), [hour, fee, minimum, *rates])
        self.assertEqual(revision.line_ids[-1].association_id, association)
        plan.charge_devices = True
        revision.write({'with_fees': False, 'with_rates': False})
        self.assertEqual(self._prices(revision), [hour, ('price_per_device', 8.0, 8.5), rates[1]])
        revision.write({'method': 'amount', 'amount': 2.0, 'with_customer_rates': False})
        self.assertEqual(self._prices(revision), [('price_per_hour', 90.0, 92.0)])

    # === FROM DRAFT TO APPLIED === #

    def test_it_writes_versions_and_rates_that_follow_and_no_history(self):
        plan = self._create_rated_plan(
            rate_ids=[
                Command.create({'kind': 'travel', 'method': 'fixed', 'value': 45.0}),
                Command.create({'value': 200.0, 'sequence': 10}),
            ]
        )
        association = self._associate(plan=plan, start_date='2026-03-01', tz=BERLIN)
        for day in ('2026-03-10', '2026-04-10'):
            self._work(f'{day} 09:00:00', f'{day} 10:00:00', kind='travel')
            self._work(f'{day} 11:00:00', f'{day} 12:00:00')
        self._close('2026-03-02 00:00:00')
        revision = self._revise(plan, by_mail=False, date_from='2026-04-01')
        revision.action_announce()
        self.assertEqual((revision.state, revision.notice_ids.ids), ('announced', []))
        self.assertFalse(plan.version_ids)
        revision.action_apply()
        self.assertEqual(revision.state, 'applied')
        self.assertEqual(
            [(str(each.date_from), each.price_per_hour) for each in plan.version_ids],
            [('2026-04-01', 93.0)],
        )
        # The follower stands where the other one stood: before what is for everything.
        rates = plan.rate_ids.sorted(lambda rate: (rate.sequence, rate.id))
        self.assertEqual(
            [(rate.value, str(rate.date_from), str(rate.date_to)) for rate in rates],
            [
                (45.0, 'False', '2026-03-31'),
                (46.5, '2026-04-01', 'False'),
                (200.0, 'False', 'False'),
            ],
        )
        self._close('2026-04-30 22:00:00')
        march, april = self._cycles(association)[:2]
        self.assertEqual(
            self._lines(march.move_id), [('hour', 1.0, 180.0, 180.0), ('hour', 1.0, 45.0, 45.0)]
        )
        self.assertEqual(
            self._lines(april.move_id), [('hour', 1.0, 186.0, 186.0), ('hour', 1.0, 46.5, 46.5)]
        )
        self.assertTied(now='2026-04-30 22:00:00')

    def test_it_applies_itself_before_the_first_cycle_of_its_day_opens(self):
        auckland = self._associate(
            plan=self.evenings, start_date='2026-12-01', tz='Pacific/Auckland'
        )
        berlin = self._associate(
            self._create_partner("Berlin"), self.evenings, start_date='2026-12-15', tz=BERLIN
        )
        self._close('2026-12-15 12:00:00')
        revision = self._revise(by_mail=False)
        self._close('2026-12-30 12:00:00')
        self.assertEqual(revision.state, 'draft')
        revision.action_announce()
        self._close('2026-12-31 09:00:00')
        self.assertEqual(revision.state, 'announced')
        self._close('2026-12-31 12:00:00')
        self.assertEqual(revision.state, 'applied')
        self.assertEqual(self._cycles(auckland)[-1].terms['price_per_hour'], 93.0)
        # What was open keeps its prices, unless one says otherwise.
        self.assertNotIn('versions', self._cycles(berlin)[-1].terms)
        self.assertEqual(revision.unaware_cycle_count, 1)
        revision.action_apply_to_open_cycles()
        self.env.invalidate_all()
        self.assertEqual(self._cycles(berlin)[-1].terms['versions'], [[JANUARY, 93.0]])
        self.assertEqual(revision.unaware_cycle_count, 0)

    def test_by_hand_only_where_that_is_chosen(self):
        revision = self._revise(by_mail=False, applies_by_itself=False)
        revision.action_announce()
        self._close('2027-01-02 00:00:00')
        self.assertEqual(revision.state, 'announced')
        revision.action_apply()
        self.assertEqual(revision.state, 'applied')

    # === TELLING THE CUSTOMERS === #

    def test_each_customer_is_told_once_and_those_not_reached_are_shown(self):
        own = {'band_id': self.rest.id, 'method': 'fixed', 'value': 60.0}
        self._associate(plan=self.evenings, rate_ids=[Command.create(own)])
        emails = {'billing_emails': "a@two.example, b@two.example"}
        self._associate(self._create_partner("Two"), self.evenings, **emails)
        silent = self._associate(self._create_partner("Silent"), self.evenings)
        self._associate(self._create_partner("Gone"), self.evenings, end_date='2026-12-31')
        self._associate(self._create_partner("Other"), self.plan)
        revision = self._revise(rounding=0)
        notices = self._announce(revision)
        self.assertEqual(
            [(notice.partner_id.name, notice.email, notice.state) for notice in notices],
            [
                ("Acme", "acme@customer.example", 'queued'),
                ("Silent", False, 'no_address'),
                ("Two", "a@two.example, b@two.example", 'queued'),
            ],
        )
        self.assertEqual((revision.notice_count, revision.unreached_count), (2, 1))
        acme, two = notices.sudo().mail_id
        self.assertEqual(acme.subject, f"{self.company.name}: new prices from 01/01/2027 on")
        for words in ("90.00 USD", "93.06 USD", "Out of hours", "60.00 USD", "62.04 USD"):
            self.assertIn(words, acme.body_html)
        self.assertNotIn("62.04", two.body_html)
        # The run has nothing to add.
        self._close('2026-12-01 00:00:00')
        self.assertEqual(len(self.env['mail.mail'].sudo().search([('id', '>=', acme.id)])), 2)
        silent.partner_id.email = "now@silent.example"
        revision.action_send_again()
        self.env.invalidate_all()
        self.assertEqual((revision.notice_count, revision.unreached_count), (3, 0))
        self.assertEqual(notices.sudo().mail_id[0], acme)
        self.assertEqual(len(notices.sudo().mail_id), 3)
        with self.assertRefused("is in the state “Announced”"):
            revision.action_announce()

    def test_what_waits_is_mailed_in_the_background(self):
        for number in range(3):
            partner = self._create_partner(f"P{number}", email=f"p{number}@x.example")
            self._associate(partner, self.evenings)
        self.patch(assist_price_revision_notice, 'NOTICE_BATCH', 2)
        with self.capture_triggers('assist_billing.ir_cron_close_cycles') as captured:
            notices = self._announce(self._revise())
        self.assertEqual(notices.mapped('state'), ['queued', 'queued', 'waiting'])
        self.assertEqual(len(captured.records), 1)
        with self.mock_mail_gateway():
            self._close('2026-12-01 00:00:00')
        self.assertEqual(set(notices.mapped('state')), {'queued'})
        self.assertEqual(len(notices.sudo().mail_id), 3)

    def test_the_language_of_the_customer(self):
        self.env['res.lang']._activate_lang('de_DE')
        self.customer.lang = 'de_DE'
        self._associate(plan=self.evenings)
        [notice] = self._announce(self._revise())
        self.assertIn("93,00 USD", notice.sudo().mail_id.body_html)
        self.assertIn("01.01.2027", notice.sudo().mail_id.subject)

    def test_a_mail_that_cannot_be_made_stops_nobody_else(self):
        self._associate(plan=self.evenings)
        other = self._associate(
            self._create_partner("Other", email="other@x.example"), self.evenings
        )
        template = self.env.ref('assist_billing.mail_template_price_revision').sudo()
        template.body_html = (
            f"<t t-out=\"1 // (object.association_id.id - {other.id})\">1</t> new prices"
        )
        with mute_logger(
            'odoo.addons.mail.models.mail_render_mixin', 'odoo.addons.base.models.ir_qweb'
        ):
            notices = self._announce(self._revise())
        self.assertEqual(
            {notice.partner_id.name: notice.state for notice in notices},
            {"Acme": 'queued', "Other": 'failed'},
        )
        self.assertIn("modulo by zero", notices.filtered('problem').reason)

    # === TAKING IT BACK === #

    def test_what_is_withdrawn_can_be_announced_anew(self):
        self._associate(plan=self.evenings)
        revision = self._revise()
        [first] = self._announce(revision)
        with self.assertRefused("has been announced, so it does not change"):
            revision.index_new = 105.0
        revision.action_withdraw()
        self.assertEqual((revision.state, revision.notice_count), ('draft', 0))
        self.assertEqual((first.is_withdrawn, first.sudo().mail_id.state), (True, 'cancel'))
        revision.write({'method': 'percent', 'percent': 5.0})
        second = self._announce(revision) - first
        self.assertIn("94.50 USD", second.sudo().mail_id.body_html)
        with self.assertRefused("cannot be deleted"):
            revision.unlink()
        revision.action_apply()
        with self.assertRefused("is in the state “Applied”"):
            revision.action_withdraw()

    # === WHAT STANDS IN ITS WAY === #

    def test_a_run_that_comes_late_applies_it_first(self):
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._work('2026-03-25 09:00:00', '2026-03-25 10:00:00')
        revision = self._revise(date_from='2026-03-15', by_mail=False)
        revision.action_announce()
        # A run that comes late applies it before it opens the cycle.
        bill = self._bill_march()
        self.assertEqual(revision.state, 'applied')
        self.assertEqual(self._lines(bill), [('hour', 1.0, 90.0, 90.0), ('hour', 1.0, 93.0, 93.0)])

    def test_what_cannot_be_applied_is_shown_and_not_tried_in_circles(self):
        revision = self._revise(by_mail=False)
        revision.action_announce()
        self.evenings.price_per_hour = 91.0
        with self.assertRefused("Price Per Hour has changed since it was announced"):
            revision.action_apply()
        self._close('2027-01-01 00:00:00')
        self.assertEqual(revision.state, 'announced')
        self.assertIn("has changed since", revision.error)
        self.assertEqual(len(revision.activity_ids), 1)
        revision.error = revision.error
        self._close('2027-01-02 00:00:00')
        self.assertEqual(len(revision.activity_ids), 1)
        revision.action_withdraw()
        self.assertFalse(revision.error)
        self.assertFalse(revision.activity_ids)
        revision.action_announce()
        self.evenings.version_ids = [
            Command.create({'date_from': '2027-03-01', 'price_per_hour': 99.0})
        ]
        with self.assertRefused("has prices from 03/01/2027 on already"):
            revision.action_apply()
        self.evenings.version_ids.unlink()
        association = self._associate(plan=self.evenings)
        association.rate_ids = [Command.create({'method': 'fixed', 'value': 50.0})]
        with self.assertRefused("Acme has a price that was not announced"):
            revision.action_apply()
        association.rate_ids.unlink()
        revision.action_apply()
        self.assertEqual(self.evenings.version_ids.price_per_hour, 94.0)

    def test_a_cycle_closed_meanwhile_stands_in_its_way(self):
        revision = self._revise(by_mail=False, date_from='2026-03-15', applies_by_itself=False)
        revision.action_announce()
        self._work('2026-03-05 09:00:00', '2026-03-05 10:00:00')
        self._bill_march()
        with self.assertRefused("bills have been made up to 03/31/2026, beyond 03/15/2026"):
            revision.action_apply()
        self.assertFalse(self.evenings.version_ids)
        self.assertEqual(revision.state, 'announced')

    def test_what_cannot_be_is_refused_in_words(self):
        for vals, words in (
            ({'plan_ids': []}, "choose plans"),
            ({'index_old': 0}, "both above zero"),
            ({'index_new': -1.0}, "cannot be negative"),
            ({'method': 'percent', 'percent': -101.0}, "more than 100 %"),
            ({'rounding': -0.5}, "cannot be negative"),
            ({'rounding': 0.005}, "more than the 2 decimals"),
            ({'date_from': '1027-01-01'}, "out of range"),
        ):
            with self.subTest(vals=vals), self.assertRefused(words):
                self._revise(**vals)
        free = self._create_plan(billing_type='hour')
        with self.assertRefused("no price that it changes"):
            self._revise(free).action_announce()

    # === ACCESS === #

    def test_only_billing_managers_see_and_make_them(self):
        revision = self._revise()
        accountant = new_test_user(
            self.env, 'accountant', groups='account.group_account_invoice',
            company_id=self.company.id, company_ids=[Command.set(self.company.ids)],
        )  # fmt: skip
        for method in ('action_announce', 'action_apply', 'action_withdraw', 'action_send_again'):
            with self.subTest(method=method), self.assertRaises(AccessError):
                getattr(revision.with_user(accountant), method)()
        with self.assertRaises(AccessError):
            revision.with_user(accountant).read(['name'])
        self.assertEqual(revision.state, 'draft')

    def test_the_run_asks_two_questions_more(self):
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        self.env['assist.price.revision.notice'].sudo()._send_next()
        self.env['assist.price.revision'].sudo()._apply_begun(datetime(2027, 1, 1))
        self.assertEqual(self.env.cr.sql_log_count - before, 2)
