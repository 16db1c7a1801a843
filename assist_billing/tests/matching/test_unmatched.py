from datetime import datetime
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from ...models.matching import unmatched_summary
from ..ingest.ingest_common import IngestCommon, zoho


@tagged('post_install', '-at_install')
class TestUnmatched(IngestCommon):
    """The inbox of sessions nobody can be billed for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unmatched = cls.env['assist.unmatched']
        cls.technician = cls._create_technician()
        cls.biller = new_test_user(
            cls.env,
            'biller',
            groups='account.group_account_invoice',
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def _groups(self):
        """Return the inbox as `{what they say: group}`."""
        self.env.flush_all()
        self.env.invalidate_all()
        return {group.label: group for group in self.unmatched.search([])}

    def _ingest_mixed(self):
        """Bring in sessions of every kind of group."""
        teamviewer = {
            'deviceid': 'd1',
            'devicename': "PC-1",
            'start_date': '2026-01-15T10:00:00Z',
            'end_date': '2026-01-15T10:30:00Z',
        }
        self._ingest(
            zoho(1, agent_email='a@acme.example'),
            zoho(2, agent_email='b@ACME.example', start=datetime(2026, 1, 20, 8), minutes=60),
            zoho(3, agent_email='eve@gmail.com'),
            zoho(4, agent_email='adam@gmail.com'),
            zoho(5, agent_email='', display_name="Müller"),
            zoho(6, agent_email='', display_name=''),
            zoho(7, minutes=None, agent_email='run@acme.example'),
        )
        self._ingest(
            {**teamviewer, 'id': 'a', 'groupname': "Beta"},
            {**teamviewer, 'id': 'b'},
            source='teamviewer',
        )

    # === GROUPS === #

    def test_sessions_are_grouped_by_what_they_have_in_common(self):
        self._ingest_mixed()
        groups = self._groups()
        self.assertEqual(
            {
                label: (group.reason, group.field, group.session_count, group.duration_hours)
                for label, group in groups.items()
            },
            {
                'acme.example': ('customer', 'email_domain', 2, 1.5),
                'eve@gmail.com': ('customer', 'email', 1, 0.5),
                'adam@gmail.com': ('customer', 'email', 1, 0.5),
                "Müller": ('customer', 'customer', 1, 0.5),
                "Remote Support 6": ('customer', 'none', 1, 0.5),
                "Beta": ('customer', 'group', 1, 0.5),
                "PC-1": ('customer', 'device', 1, 0.5),
            },
        )
        acme = groups['acme.example']
        self.assertEqual(acme.first_at, datetime(2026, 1, 15, 10))
        self.assertEqual(acme.last_at, datetime(2026, 1, 20, 8))
        self.assertEqual(acme.source, 'zoho_assist')
        self.assertEqual(acme.session_id, self._get(1))

    def test_the_address_of_a_colleague_groups_no_customers_together(self):
        self.technician.email = 'Tech@ours.example'
        times = {'Start': '2026-01-15 10:00:00', 'End': '2026-01-15 10:30:00'}
        self._ingest(
            {'User': "Tech", 'Email': 'tech@ours.example', 'Customer': "Beta", **times},
            {'User': "Tech", 'Email': 'tech@ours.example', 'Customer': "Gamma", **times},
            {'User': "Tech", 'Email': 'other@ours.example', 'Customer': "Delta", **times},
            source='csv',
        )
        groups = self._groups()
        self.assertEqual(
            {label: group.field for label, group in groups.items()},
            {"Beta": 'customer', "Gamma": 'customer', 'ours.example': 'email_domain'},
        )
        self.assertFalse(
            self._new_dialog(groups["Beta"]).new_email, "or bills went to the colleague"
        )
        self._assign(groups["Beta"], self.customer)
        # Whoever has the address as well is not the customer of all of them.
        self.env['res.partner'].create({'name': "Twin", 'email': 'tech@ours.example'})
        self._ingest(
            {'User': "Tech", 'Email': 'tech@ours.example', 'Customer': "Epsilon", **times},
            source='csv',
        )
        groups = self._groups()
        for name in ("Gamma", "Epsilon"):
            self.assertFalse(groups[name].partner_id)

    def test_every_unmatched_session_is_in_one_group(self):
        self._associate(start_date='2026-02-01')
        self._create_session()
        self._ingest_mixed()
        groups = self.unmatched.search([])
        unmatched = self.sessions.search([('state', '=', 'unmatched')])
        self.assertEqual(sum(groups.mapped('session_count')), len(unmatched))
        found = self.sessions
        for group in groups:
            sessions = self.sessions.search(group.action_view_sessions()['domain'])
            self.assertEqual(len(sessions), group.session_count)
            self.assertEqual(set(sessions.unmatched_id), {group})
            self.assertFalse(sessions & found)
            found |= sessions
        self.assertEqual(found, unmatched)
        tie = self.env['assist.billing.tie'].create({})
        parts = {line.state: line.session_count for line in tie.part_ids}
        self.assertEqual(parts['unmatched'], len(unmatched))
        self.assertEqual(sum(parts.values()), self.sessions.search_count([]))
        self.assertEqual(tie.difference_count, 0)

    def test_why_a_known_customer_is_not_billed_is_said_in_words(self):
        never = self._create_partner("Never")
        self._create_session(never)
        self._associate(start_date='2026-02-01')
        clerk = self._create_partner("Clerk", parent_id=self.customer.id)
        self._create_session(clerk)
        ended = self._create_partner("Ended")
        self._associate(ended, start_date='2025-01-01', end_date='2026-01-01')
        self._create_session(ended)
        paused = self._create_partner("Paused")
        self._associate(paused, state='suspended')
        self._create_session(paused)
        groups = self._groups()
        self.assertEqual(
            {group.partner_id: (group.reason, group.explanation) for group in groups.values()},
            {
                never: (
                    'association', "The customer is not associated with a billing plan."
                ),
                clerk: (
                    'association',
                    "The customer was not associated on these days, only since 02/01/2026.",
                ),
                ended: (
                    'association',
                    "The customer was not associated on these days, only "
                    "01/01/2025 – 12/31/2025.",
                ),
                paused: ('suspended', "The customer's service was suspended at the time."),
            },
        )  # fmt: skip
        with self.assertRefused("is already the customer of these sessions"):
            groups["Never"].action_assign()

    def test_who_is_associated_in_another_company_is_said_with_its_name(self):
        """The other company's dates were told as this one's, or that there were none at all."""
        both = self.company | self.other_company
        self.env.user.company_ids |= self.other_company
        other_plan = self._create_plan(company_id=self.other_company.id, name="Theirs")
        self._associate(start_date='2025-01-01', plan_id=other_plan.id)
        later = self._create_partner("Later")
        self._associate(later, start_date='2025-01-01', plan_id=other_plan.id)
        self._associate(later, start_date='2026-02-01')
        for partner in (self.customer, later):
            self._create_session(partner)
        self._groups()  # stored
        groups = self.unmatched.with_context(allowed_company_ids=both.ids).search([])
        says = {group.partner_id: group.explanation for group in groups}
        self.assertEqual(
            says[self.customer],
            "The customer is associated with a billing plan of "
            f"{self.other_company.name}, but with none of {self.company.name}, whose sessions "
            "these are.",
        )
        self.assertEqual(
            says[later], "The customer was not associated on these days, only since 02/01/2026."
        )
        # Who does not look at the other company is told nothing of it.
        self.assertEqual(
            self._groups()["Acme"].with_context(allowed_company_ids=self.company.ids).explanation,
            "The customer is not associated with a billing plan.",
        )

    def test_companies_do_not_see_each_others_inbox(self):
        self.env.user.company_ids |= self.other_company
        self.sessions.with_company(self.other_company).ingest([zoho(1)], 'zoho_assist')
        self._ingest(zoho(2))
        groups = self.unmatched.with_context(
            allowed_company_ids=(self.company | self.other_company).ids
        ).search([])
        self.assertEqual(groups.mapped('session_count'), [1, 1])
        theirs = groups.filtered(lambda group: group.company_id == self.other_company)
        self.assertFalse(self.unmatched.with_user(self.biller).search([('id', '=', theirs.id)]))
        with self.assertRaises(AccessError):
            theirs.with_user(self.biller).read(['label'])

    # === REVENUE AT RISK === #

    def test_revenue_at_risk_is_rated_by_the_plan_most_used(self):
        self._ingest_mixed()
        self.hourly.write({'minimum_minutes': 45, 'included_quantity': 10, 'minimum_charge': 500.0})
        self._associate(self._create_partner("X"), self.hourly)
        self._associate(self._create_partner("Y"), self.hourly)
        self._associate(self._create_partner("Z"), self.plan)
        groups = self._groups()
        self.assertEqual(groups['acme.example'].revenue_at_risk, 105.0)
        self.assertEqual(groups['eve@gmail.com'].revenue_at_risk, 45.0)
        self.assertEqual(groups['eve@gmail.com'].currency_id, self.company.currency_id)

    def test_without_a_plan_nothing_is_at_risk(self):
        (self.plan | self.hourly).active = False
        self._ingest(zoho(1))
        self.assertEqual(self._groups()['acme.example'].revenue_at_risk, 0.0)

    def test_revenue_is_in_the_currency_of_the_plan(self):
        currency = self.env.ref('base.EUR')
        currency.active = True
        plan = self._create_plan(name="Euro", price_per_session=7.0, currency_id=currency.id)
        self._associate(plan=plan)
        self._ingest(zoho(1, agent_email='a@beta.example'))
        group = self._groups()['beta.example']
        self.assertEqual((group.revenue_at_risk, group.currency_id), (7.0, currency))

    def test_a_technician_sees_the_inbox_and_no_revenue(self):
        self._ingest(zoho(1))
        groups = self.unmatched.with_user(self.technician).search([])
        self.assertEqual(groups.label, 'acme.example')
        self.assertTrue(groups.explanation)
        shown = groups.fields_get()
        self.assertFalse({'revenue_at_risk', 'currency_id', 'association_id'} & shown.keys())
        with self.assertRaises(AccessError):
            groups.read(['revenue_at_risk'])
        arch = self.unmatched.with_user(self.technician).get_view(view_type='list')['arch']
        self.assertNotIn('revenue_at_risk', arch)
        self.assertNotIn('action_assign', arch)
        with self.assertRaises(AccessError):
            self.env['assist.unmatched.summary'].with_user(self.technician).search([])
        with self.assertRaises(AccessError):
            self.env['assist.unmatched.assign'].with_user(self.technician).create(
                {'field': 'email', 'value': 'a@b.example'}
            )

    # === ASSIGNING === #

    def _new_dialog(self, group):
        action = group.with_user(self.biller).action_assign()
        return Form(
            self.env['assist.unmatched.assign']
            .with_user(self.biller)
            .with_context(**action['context'])
        )

    def _assign(self, group, partner):
        """Go through the dialog as a billing user; return it."""
        form = self._new_dialog(group)
        form.partner_id = partner
        dialog = form.save()
        dialog.action_assign()
        return dialog

    def test_one_assignment_makes_a_rule_and_matches_all_its_like(self):
        self._associate(start_date='2026-01-18')
        self._ingest_mixed()
        group = self._groups()['acme.example']
        dialog = self._assign(group, self.customer)
        self.assertRecordValues(
            dialog.rule_id,
            [{'field': 'email_domain', 'value': 'acme.example', 'source': False}],
        )
        # Two in the inbox, and one that is still running.
        self.assertEqual((dialog.matched_count, dialog.without_plan_count), (3, 1))
        self.assertEqual(
            [self._get(number).state for number in (1, 2, 7)], ['unmatched', 'to_bill', 'running']
        )
        groups = self._groups()
        self.assertNotIn('acme.example', groups)
        self.assertEqual(groups["Acme"].reason, 'association')
        self._ingest(zoho(8, agent_email='new@acme.example'))
        self.assertEqual(self._get(8).partner_id, self.customer)

    def test_what_still_has_no_plan_is_associated_from_there(self):
        self._ingest(zoho(1, agent_email='a@acme.example'))
        dialog = self._assign(self._groups()['acme.example'], self.customer)
        self.assertEqual((dialog.matched_count, dialog.without_plan_count), (1, 1))
        for action in (dialog.action_associate(), self._groups()["Acme"].action_associate()):
            form = Form(self.env[action['res_model']].with_context(**action['context']))
            self.assertEqual(form.partner_ids[:], self.customer)
            self.assertEqual(str(form.start_date), '2026-01-15')
            self.assertEqual(form.plan_id, self.plan)
        form.save().action_associate()
        self.assertEqual(self._get(1).state, 'to_bill')
        self.assertFalse(self._groups())

    def test_customers_of_several_companies_are_associated_company_by_company(self):
        """All were offered the plan of whichever company came first."""
        self.env.user.company_ids |= self.other_company
        both = (self.company | self.other_company).ids
        sessions = self._create_session()
        sessions |= self._create_session(company_id=self.other_company.id)
        self._groups()  # stored
        groups = self.unmatched.with_context(allowed_company_ids=both).search([])
        self.assertEqual(groups.company_id, self.company | self.other_company)
        with self.assertRefused("several companies .*one company at a time"):
            groups.action_associate()
        ours = groups.filtered(lambda group: group.company_id == self.company)
        self.assertEqual(ours.action_associate()['context']['default_plan_id'], self.plan.id)

    def test_every_kind_of_group_is_emptied_by_its_rule(self):
        self._ingest_mixed()
        for label in ('eve@gmail.com', "Müller", "Beta", "PC-1"):
            with self.subTest(label=label):
                group = self._groups()[label]
                count = group.session_count
                dialog = self._assign(group, self.customer)
                self.assertEqual(dialog.matched_count, count)
                self.assertNotIn(label, self._groups())
        self.assertIn('adam@gmail.com', self._groups())
        # Nothing in common but the source: no rule can be made of it.
        action = self._groups()["Remote Support 6"].action_assign()
        self.assertEqual(action['res_model'], 'assist.session')

    def test_what_the_address_of_a_new_contact_matches_is_counted(self):
        self._ingest(
            zoho(1, agent_email='new@acme.example'), zoho(2, agent_email='other@acme.example')
        )
        action = self._groups()['acme.example'].action_assign()
        dialog = (
            self.env[action['res_model']]
            .with_context(**action['context'])
            .create({'new_name': "Acme Abroad", 'new_email': 'new@acme.example'})
        )
        dialog.action_assign()
        sessions = self._get(1) | self._get(2)
        self.assertEqual(sessions.partner_id.name, "Acme Abroad")
        self.assertEqual(dialog.matched_count, 2)

    def test_nobody_is_no_customer(self):
        self._ingest(zoho(1))
        action = self._groups()['acme.example'].action_assign()
        dialog = (
            self.env['assist.unmatched.assign']
            .with_context(**action['context'])
            .create({'new_name': " "})
        )
        with self.assertRefused("Choose the customer"):
            dialog.action_assign()

    def test_a_new_customer_has_an_address_that_is_one(self):
        self._ingest(zoho(1))
        action = self._groups()['acme.example'].action_assign()
        dialog = (
            self.env['assist.unmatched.assign']
            .with_context(**action['context'])
            .create({'new_name': "Acme Abroad", 'new_email': "info at acme"})
        )
        with self.assertRefused("“info at acme” is no e-mail address"):
            dialog.action_assign()

    def test_a_customer_is_proposed_from_what_the_sessions_say(self):
        self._ingest(zoho(1, display_name="Globex", agent_email='ann@globex.example'))
        action = self._groups()['globex.example'].action_assign()
        dialogs = self.env['assist.unmatched.assign'].with_context(**action['context'])
        dialog = dialogs.create({})
        self.assertEqual(dialog.new_name, "Globex")
        self.assertFalse(dialog.partner_id)
        known = self._create_partner("GLOBEX")
        self.assertEqual(dialogs.create({}).partner_id, known, "rather than a second one")
        known.name = "Somebody else"
        with self.env.cr.savepoint():
            answer = dialogs.create({}).action_assign()
        self.assertEqual(answer['res_model'], 'assist.associate.customers', "and on to its plan")
        [command] = answer['context']['default_partner_ids']
        self.assertEqual(self.env['res.partner'].browse(command[2]).name, "Globex")

    # === EVERY DAY === #

    def _check(self):
        with self.enter_registry_test_mode():
            self.env.ref('assist_billing.ir_cron_unmatched').sudo().method_direct_trigger()
        self.env.invalidate_all()
        return self.env['assist.unmatched.summary'].search([('company_id', '=', self.company.id)])

    def test_the_manager_has_one_activity_while_there_are_any(self):
        self._associate(self._create_partner("X"))
        self.assertFalse(self._check())
        self._ingest(zoho(1, agent_email='a@beta.example'))
        summary = self._check()
        self.assertRecordValues(
            summary,
            [{'session_count': 1, 'duration_hours': 0.5, 'revenue_at_risk': 20.0}],
        )
        self.assertIn("Sessions: 1, $&nbsp;20.00", str(summary.activity_ids.note))
        self._ingest(zoho(2, agent_email='b@beta.example'))
        self._check()
        self.assertEqual(len(summary.activity_ids), 1)
        self.assertIn("Sessions: 2,", str(summary.activity_ids.note))
        self._assign(self._groups()['beta.example'], self.customer)
        self._associate()
        self._check()
        self.assertEqual(summary.session_count, 0)
        self.assertFalse(summary.activity_ids)

    def test_what_came_in_while_a_rule_was_saved_is_matched_at_night(self):
        rule = self.env['assist.matching.rule'].create(
            {'value': 'beta.example', 'partner_id': self.customer.id, 'active': False}
        )
        self._ingest(zoho(1, agent_email='a@beta.example'))
        self.env.cr.execute(
            "UPDATE assist_matching_rule SET active = TRUE WHERE id = %s", [rule.id]
        )
        self._check()
        self.assertEqual(self._get(1).partner_id, self.customer)

    def test_the_dashboard_of_invoicing_says_it_on_one_card(self):
        self._ingest(zoho(1))
        journals = self.env['account.journal'].search([('type', '=', 'sale')])
        journals |= journals[:1].copy({'code': 'SECND'})
        data = journals._get_journal_dashboard_data_batched()
        told = [found for found in data.values() if found.get('assist_unmatched_count')]
        self.assertEqual(len(told), 1)
        self.assertEqual(told[0]['assist_unmatched_count'], 1)
        self.assertEqual(told[0]['assist_unmatched_amount'], "$\N{NO-BREAK SPACE}20.00")
        self.assertEqual(journals[:1].action_assist_unmatched()['res_model'], 'assist.unmatched')

    def test_the_dashboard_counts_many_anew_and_keeps_what_they_would_bring(self):
        """Whatever becomes of sessions, the number is the present one, of each company."""
        other = self.env['res.company'].create({'name': "Other"})
        summaries = self.env['assist.unmatched.summary']

        def check(amount):
            count, currency, shown, checked_at = summaries._get_present_figures(self.company)
            fresh = self.env['assist.session'].search(
                [('state', '=', 'unmatched'), ('company_id', '=', self.company.id)]
            )
            self.assertEqual(count, len(fresh))
            self.assertEqual(
                (bool(currency), shown, bool(checked_at)), (bool(amount), amount, True)
            )
            self.assertEqual(summaries._get_present_figures(other)[0], 0)

        self._ingest(zoho(1), zoho(2, agent_email='b@beta.example'))
        with patch.object(unmatched_summary, 'RATED_AT_MOST', 0):
            self.assertEqual(
                summaries._get_present_figures(self.company)[0], 2, "before the first check"
            )
            self._check()
            check(40.0)
            self._ingest(zoho(3))
            check(40.0)
            self._get(3).unlink()
            check(40.0)
            self._assign(self._groups()['beta.example'], self.customer)
            self._associate()
            check(40.0)
            self._get(1).action_make_non_billable("Warranty")
            self.assertEqual(summaries._get_present_figures(self.company)[0], 0)
