import random
from collections import Counter
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ...rules import matching
from ..ingest.ingest_common import IngestCommon, zoho
from ..thorough import thorough

MANY = 10_000


@tagged('post_install', '-at_install')
class TestMatchingRules(IngestCommon):
    """Who is billed is said by rules, in order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules = cls.env['assist.matching.rule']

    def _create_rule(self, value='acme.example', field='email_domain', **vals):
        return self.rules.create(
            {'field': field, 'value': value, 'partner_id': self.customer.id, **vals}
        )

    # === AT THE DOOR === #

    def test_what_comes_in_finds_its_customer_by_the_first_rule(self):
        self._associate()
        other = self._create_partner("Other")
        late = self._create_rule('*acme*', 'customer', operator='pattern', partner_id=other.id)
        first = self._create_rule(sequence=1)
        self._ingest(
            zoho(1, display_name="Acme", agent_email='bob@ACME.example'),
            zoho(2, display_name="ACME Süd", agent_email='bob@badacme.example'),
            zoho(3, display_name="Beta", agent_email='bob@beta.example'),
        )
        self.assertRecordValues(
            self._get(1) | self._get(2) | self._get(3),
            [
                {'partner_id': self.customer.id, 'matching_rule_id': first.id, 'state': 'to_bill'},
                {'partner_id': other.id, 'matching_rule_id': late.id, 'state': 'unmatched'},
                {'partner_id': False, 'matching_rule_id': False, 'state': 'unmatched'},
            ],
        )

    def test_a_known_device_and_a_contacts_address_go_before_rules(self):
        self._create_partner("Bob", email='bob@acme.example')
        other = self._create_partner("Other")
        self._create_rule(partner_id=other.id)
        self._create_device(name="PC-7", source='zoho_assist', external_id='k1')
        self._create_rule('PC-7', 'device', partner_id=other.id)
        self._ingest(
            zoho(1, agent_email='bob@acme.example'),
            zoho(2, agent_email='eve@acme.example'),
            zoho(3, session_type='URS', display_name="PC-7", agent_email=''),
        )
        self.assertEqual(self._get(1).partner_id.name, "Bob")
        self.assertFalse(self._get(1).matching_rule_id)
        self.assertEqual(self._get(2).partner_id, other)
        self.assertEqual(self._get(3).partner_id, self.customer)

    def test_a_running_session_keeps_its_customer_when_it_ends(self):
        rule = self._create_rule()
        self._ingest(zoho(1, minutes=None, agent_email='bob@acme.example'))
        self.assertEqual((self._get(1).partner_id, self._get(1).state), (self.customer, 'running'))
        self._ingest(zoho(1, agent_email='bob@acme.example'))
        self.assertEqual(self._get(1).matching_rule_id, rule)
        self._ingest(zoho(2, minutes=None, agent_email=''))
        self._ingest(zoho(2, agent_email='bob@acme.example'))
        self.assertEqual(self._get(2).matching_rule_id, rule)

    def test_archived_rules_and_rules_of_archived_customers_do_nothing(self):
        gone = self._create_partner("Gone")
        rule = self._create_rule(partner_id=gone.id)
        self._create_rule('beta.example', active=False)
        gone.active = False
        self.assertTrue(rule.is_partner_archived)
        self._ingest(zoho(1, agent_email='a@acme.example'), zoho(2, agent_email='a@beta.example'))
        rule.action_apply()
        self.assertFalse((self._get(1) | self._get(2)).partner_id)

    @thorough
    def test_a_thousand_rules_are_read_once_for_all_records(self):
        self.rules.create(
            [
                {'field': 'customer', 'value': f'Customer {n}', 'partner_id': self.customer.id}
                for n in range(1000)
            ]
        )
        self._ingest(zoho(0))
        with self.assertQueryCount(20):
            self._ingest(
                *(zoho(n, display_name=f"Customer {n}", agent_email='') for n in range(1, 2001))
            )
        matched = self.sessions.search_count([('partner_id', '=', self.customer.id)])
        self.assertEqual(matched, 999)

    # === SAVED === #

    @thorough
    def test_saving_a_rule_matches_ten_thousand_in_few_queries(self):
        self._associate(start_date='2026-01-10')
        self._ingest(
            *(
                zoho(n, agent_email=f'user{n}@{"" if n % 10 else "bad"}acme.example')
                for n in range(1, MANY * 10 // 9 + 1)
            )
        )
        self.env.flush_all()
        with self.assertQueryCount(40):
            rule = self._create_rule()
            self.env.flush_all()
        self.assertEqual(rule.session_count, MANY)
        self.assertEqual(self.sessions.search_count([('state', '=', 'to_bill')]), MANY)
        self.assertEqual(
            set(
                self.sessions.search([('state', '=', 'unmatched')]).mapped(
                    lambda session: session.source_email.rpartition('@')[2]
                )
            ),
            {'badacme.example'},
        )

    def test_billed_sessions_never_change_and_matched_ones_stay(self):
        self._associate()
        other = self._create_partner("Other")
        self._create_rule()
        self._ingest(zoho(1, agent_email='a@acme.example'))
        self._close('2026-02-01 00:00:00')
        self._ingest(zoho(2, agent_email='a@acme.example'))
        rule = self.rules.search([])
        rule.partner_id = other
        self.assertRecordValues(
            self._get(1) | self._get(2),
            [
                {'partner_id': self.customer.id, 'state': 'billed'},
                {'partner_id': other.id, 'state': 'unmatched'},
            ],
        )
        self._create_rule('a@acme.example', 'email', sequence=1)
        self.assertEqual(self._get(2).partner_id, other)

    def test_the_first_rule_wins_whichever_is_saved_last(self):
        other = self._create_partner("Other")
        self._ingest(zoho(1, agent_email='a@acme.example', display_name="Acme"))
        first = self._create_rule(sequence=1, active=False)
        later = self._create_rule('acme', 'customer', partner_id=other.id, active=False)
        (later | first).active = True
        self.assertEqual(self._get(1).matching_rule_id, first)

    def test_what_somebody_says_goes_before_a_rule(self):
        other = self._create_partner("Other")
        rule = self._create_rule()
        self._ingest(zoho(1, agent_email='a@acme.example'))
        self._get(1).partner_id = other
        self.assertFalse(self._get(1).matching_rule_id)
        rule.partner_id = self._create_partner("Third")
        self.assertEqual(self._get(1).partner_id, other)

    def test_unicode_and_case_fit_sessions_that_are_there(self):
        names = ["MÜLLER STRASSE", "Müller Straße", "mu\u0308ller strasse", "Muller Strasse"]
        self._ingest(
            *(zoho(n, display_name=name, agent_email='') for n, name in enumerate(names, 1))
        )
        self._create_rule("  müller strasse ", 'customer')
        found = [bool(self._get(number).partner_id) for number in range(1, 5)]
        self.assertEqual(found, [True, True, True, False])

    def test_every_field_fits_what_is_stored_as_what_comes_in(self):
        """The database leaves out nothing that a rule fits, whatever it looks for."""
        record = {
            'id': 'a',
            'deviceid': 'D-1',
            'devicename': "PC 1",
            'groupname': "Acme PCs",
            'start_date': '2026-01-15T10:00:00Z',
            'end_date': '2026-01-15T10:30:00Z',
        }
        for number, (field, operator, value) in enumerate(
            (
                ('device', 'equals', 'd-1'),
                ('device', 'equals', 'pc 1'),
                ('device', 'pattern', 'p?*1'),
                ('group', 'equals', 'ACME pcs'),
                ('group', 'pattern', '*pcs'),
            )
        ):
            with self.subTest(field=field, value=value):
                session = f'stored{number}'
                self._ingest({**record, 'id': session}, source='teamviewer')
                self.assertFalse(self._get(session, 'teamviewer').partner_id)
                rule = self._create_rule(value, field, operator=operator)
                self.assertEqual(self._get(session, 'teamviewer').matching_rule_id, rule)
                self._ingest({**record, 'id': f'new{number}'}, source='teamviewer')
                self.assertEqual(self._get(f'new{number}', 'teamviewer').matching_rule_id, rule)
                rule.active = False

    def test_the_database_leaves_out_nothing_that_a_rule_fits(self):
        choose = random.Random(19)
        letters = 'aAbBß.\u017f\u212a\u0130-*?é\u200b '
        names = [''.join(choose.choices(letters, k=choose.randint(1, 6))) for _n in range(300)]
        self._ingest(
            *(zoho(n, display_name=name, agent_email='') for n, name in enumerate(names, 1))
        )
        stored = self.sessions.search([('source_customer', '!=', False)]).mapped('source_customer')
        self.assertGreater(len(stored), 200)
        found = 0
        for _n in range(150):
            value = ''.join(choose.choices('aBßsk.-?*é', k=choose.randint(1, 4)))
            rule = self.rules.new(
                {
                    'field': 'customer',
                    'operator': choose.choice(('equals', 'pattern')),
                    'value': value,
                    'company_id': self.company.id,
                }
            )
            if rule.try_problem:
                continue
            fits = matching.Single(rule._as_rule(matching.fold(value))).fits
            expected = sum(fits('zoho_assist', [name]) for name in stored)
            self.assertEqual(rule.try_fit_count, expected, value)
            self.assertEqual(rule.try_unmatched_count, expected, value)
            found += expected
        self.assertGreater(found, 20)

    # === TRIED === #

    def test_a_rule_is_tried_against_history_and_writes_nothing(self):
        self._associate()
        other = self._create_partner("Other")
        self._create_partner("Eve", email='eve@acme.example')
        self._ingest(
            zoho(1, agent_email='a@acme.example'),
            zoho(2, agent_email='eve@acme.example'),
            zoho(3, agent_email='b@acme.example', display_name="First come"),
            zoho(4, agent_email='a@badacme.example'),
        )
        taken = self._create_rule('first come', 'customer', sequence=1, active=False)
        self.env.cr.execute(
            "UPDATE assist_matching_rule SET active = TRUE WHERE id = %s", [taken.id]
        )
        self.env.invalidate_all()
        form = Form(self.rules)
        form.field = 'email_domain'
        form.value = '@Acme.EXAMPLE'
        form.partner_id = other
        for _attempt in range(2):
            self.assertEqual(
                (
                    form.try_fit_count,
                    form.try_unmatched_count,
                    form.try_earlier_count,
                    form.try_conflict_count,
                ),
                (3, 2, 1, 1),
            )
            form.operator = 'equals'
        self.assertEqual(form.try_conflict_ids[:], self._get(2))
        self.assertEqual(form.try_session_ids[:], self._get(1) | self._get(3))
        self.assertFalse(self.sessions.search([('partner_id', '=', other.id)]))
        form.value = 'gmail.com'
        self.assertIn("anybody can have an address", form.try_problem)
        form.value = 'acme.example'
        form.save()
        self.assertEqual(self._get(1).partner_id, other)
        self.assertEqual(self._get(3).partner_id, self.customer)

    # === REFUSED === #

    def test_values_are_kept_folded_and_bad_ones_refused_in_words(self):
        self.assertEqual(self._create_rule('  @ACME.Example ').value, 'acme.example')
        self.assertEqual(self._create_rule('A\x00\nB\ud800\u200b', 'group').value, 'a b')
        for field, operator, value, words in (
            ('email_domain', 'equals', 'gmail.com', "anybody can have an address"),
            ('email_domain', 'domain', 'com', "shared by too many"),
            ('email_domain', 'equals', 'a b', "is not a domain"),
            ('email', 'equals', 'acme', "is not an e-mail address"),
            ('email', 'equals', '*@acme.example', "looks like"),
            ('customer', 'pattern', '***', "match almost everything"),
            ('customer', 'domain', 'acme.example', "only an e-mail address"),
            ('customer', 'equals', ' ', "enter what to look for"),
            ('customer', 'equals', 'x' * 300, "at most 255"),
            ('customer', 'equals', '\x00\ud800', "enter what to look for"),
        ):
            with self.subTest(value=value), self.assertRefused(words):
                self._create_rule(value, field, operator=operator)
        with self.assertRefused("already a matching rule for .*, for Acme"):
            self._create_rule()
        with self.assertRefused("two matching rules"):
            self.rules.create(
                [{'value': 'x.example', 'partner_id': self.customer.id} for _twice in 'ab']
            )

    def test_patterns_cannot_hang(self):
        self._ingest(
            *(zoho(n, display_name="a" * 250 + str(n), agent_email='') for n in range(1, 1001))
        )
        searched = Counter()
        make_piece = matching.Pattern._compile

        class Piece:
            """A piece of a pattern that counts how often it is searched for."""

            def __init__(self, text):
                self.piece = make_piece(text)

            def search(self, text, *span):
                searched[self, text] += 1
                return self.piece.search(text, *span)

        with patch.object(matching.Pattern, '_compile', Piece):
            self._create_rule('*a' * 126 + 'b', 'customer', operator='pattern')
            self._create_rule('*a?' * 80 + '*b', 'customer', operator='pattern')
            matching.Pattern('*a' * 126 + '*b').fits("a" * 250 + "b")
        self.assertTrue(searched)
        self.assertLessEqual(max(searched.values()), 1, "a place was looked for again")
        self.assertFalse(self.sessions.search([('partner_id', '!=', False)]))

    def test_customers_archived_or_of_another_company_are_refused(self):
        foreign = self._create_partner("Foreign", company_id=self.other_company.id)
        with self.assertRefused("Foreign belongs to Other Company"):
            self._create_rule(partner_id=foreign.id)
        self.customer.active = False
        with self.assertRefused("Acme is archived"):
            self._create_rule()

    # === COMPANIES, MERGES, NAMES, RIGHTS === #

    def test_companies_have_their_own_rules(self):
        self.env.user.company_ids |= self.other_company
        self._create_rule(company_id=self.other_company.id)
        self._ingest(zoho(1, agent_email='a@acme.example'))
        self.assertFalse(self._get(1).partner_id)
        here = self._create_rule()
        self.assertEqual(self._get(1).matching_rule_id, here)
        theirs = new_test_user(
            self.env,
            'theirs',
            groups='assist_billing.assist_billing_group_manager',
            company_id=self.other_company.id,
            company_ids=[Command.set(self.other_company.ids)],
        )
        self.assertNotIn(here, self.rules.with_user(theirs).search([]))

    def test_merging_contacts_moves_rules_along(self):
        kept = self._create_partner("Kept")
        rule = self._create_rule()
        self._ingest(zoho(1, agent_email='a@acme.example'))
        self.env['base.partner.merge.automatic.wizard'].with_context(
            active_model='res.partner'
        )._merge((kept | self.customer).ids, kept)
        self.env.invalidate_all()
        self.assertEqual(rule.exists().partner_id, kept)
        self._ingest(zoho(2, agent_email='b@acme.example'))
        self.assertEqual((self._get(1) | self._get(2)).partner_id, kept)

    def test_a_rule_says_its_name_unless_it_is_given_one(self):
        rule = self._create_rule()
        self.assertEqual(rule.name, "E-mail Domain is acme.example: Acme")
        rule.source = 'teamviewer'
        self.assertEqual(rule.name, "E-mail Domain is acme.example at TeamViewer: Acme")
        rule.name = "Ours"
        rule.source = False
        self.assertEqual(rule.name, "Ours")
        rule.name = False
        self.assertEqual(rule.name, "E-mail Domain is acme.example: Acme")

    def test_a_list_of_rules_that_comes_back_in_another_language_changes_nothing(self):
        for code in ('de_DE', 'fr_FR'):
            self.env['res.lang']._activate_lang(code)
        self.env['ir.module.module'].search([('name', '=', 'assist_billing')])._update_translations(
            ['de_DE', 'fr_FR']
        )
        codes = ('en_US', 'de_DE', 'fr_FR')
        rules = self._create_rule(value='given.example', name="Ours")
        for code in codes:
            rules |= self.rules.with_context(lang=code).create(
                {'field': 'email_domain', 'value': f'{code[:2]}.example',
                 'partner_id': self.customer.id}
            )  # fmt: skip
        said = rules.mapped('name')
        self.assertEqual(said[2], "E-Mail-Domain ist de.example: Acme")
        names = ['id', 'name', 'field', 'operator', 'value', 'source', 'partner_id/.id']
        for code in codes:
            theirs = rules.with_context(lang=code, import_file=True)
            result = theirs.load(names, theirs.export_data(names)['datas'])
            self.assertFalse([one for one in result['messages'] if one['type'] == 'error'], code)
            self.assertEqual(rules.mapped('given_name'), ["Ours", False, False, False], code)
            self.assertEqual(rules.mapped('name'), said, code)
        # As it comes to a database that has none of them.
        rows = rules.with_context(lang='en_US').export_data(names[1:])['datas']
        rules.active = False
        self.rules.with_context(lang='de_DE').load(
            names[1:], [[*row[:1], 'E-Mail-Domain', 'ist', *row[3:]] for row in rows]
        )
        copies = self.rules.search([('id', 'not in', rules.ids)])
        self.assertEqual(copies.mapped('given_name'), ["Ours", False, False, False])

    def test_billing_users_make_rules_and_technicians_read_them(self):
        rule = self._create_rule()
        technician = self._create_technician()
        self.assertEqual(rule.with_user(technician).value, 'acme.example')
        with self.assertRaises(AccessError):
            rule.with_user(technician).value = 'beta.example'
        with self.assertRaises(AccessError):
            rule.with_user(technician).action_apply()
        biller = new_test_user(
            self.env, 'biller', groups='account.group_account_invoice', company_id=self.company.id
        )
        rule.with_user(biller).value = 'beta.example'
        with self.assertRaises(AccessError):
            rule.with_user(biller).unlink()

    def test_a_copy_counts_only_once_it_was_changed(self):
        copy = self._create_rule().copy()
        self.assertFalse(copy.active)
        with self.assertRaises(ValidationError):
            copy.active = True
        copy.write({'value': 'beta.example', 'active': True})
        self.assertTrue(copy.active)
