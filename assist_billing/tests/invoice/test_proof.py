import socket
from unittest.mock import patch

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..thorough import shortened, spread, thorough
from .fast_common import ADD_ON, NOW
from .test_derived import (
    CLOSE_LOGGER,
    ComputesForSomeCustomers,
    ComputesPerCustomer,
    DerivedCase,
    WritesElsewhere,
)
from .test_fast_listeners import (
    AddsALine,
    AddsOnPosting,
    ChecksACustomer,
    Computes,
    CreatesOtherwise,
    HasARelatedField,
    HasAStoredField,
    NumbersByCustomer,
    RefusesACustomer,
    TellsMore,
    WritesOnPosting,
    WritesOnWriting,
)

# === ADD-ONS === #


class MarksPosted(models.Model):
    """Does the same to each invoice, when it is posted."""

    _module = ADD_ON
    _inherit = 'account.move'

    is_marked = fields.Boolean()

    def _post(self, soft=True):
        posted = super()._post(soft)
        posted.is_marked = True
        return posted


class KeepsWhatItSays(models.Model):
    """Computes from what it has computed before, as add-ons do that send invoices."""

    _module = ADD_ON
    _inherit = 'account.move'

    sending_state = fields.Char(compute='_compute_sending_state', store=True)

    @api.depends('state')
    def _compute_sending_state(self):
        for move in self:
            is_wanted = move.partner_id.name.startswith("Customer 1") and move.state == 'posted'
            move.sending_state = "wanted" if is_wanted else move.sending_state


class HasVeryImportantCustomers(models.Model):
    _module = ADD_ON
    _inherit = 'res.partner'

    is_very_important = fields.Boolean()


class GreetsVeryImportantCustomers(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        for move in self.filtered(lambda move: move.partner_id.is_very_important):
            move.narration = "At your service"
        return super()._post(soft)


class RefusesInAHelper(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        self._look_at_customers()
        return super()._post(soft)

    def _look_at_customers(self):
        if "nobody" in self.mapped('partner_id.name'):
            raise UserError(self.env._("Not this one."))


class AsksBeforePosting(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def action_post(self):
        return super().action_post()


class Commits(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        getattr(self.env.cr, 'com' + 'mit')()
        return posted


def tell_the_world():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        outside.sendto(b"An invoice", ('127.0.0.1', 9))


class TellsOthers(models.Model):
    _module = ADD_ON
    _inherit = 'account.move'

    def _post(self, soft=True):
        tell_the_world()
        return super()._post(soft)


# What each says, and nothing else of it can be derived.
UNPROVABLE = {
    AsksBeforePosting: "(action_post) is to be asked by whoever posts an invoice",
    NumbersByCustomer: "(_get_next_sequence_format) numbers invoices in its own way",
    RefusesACustomer: "(_post) may refuse single invoices",
    RefusesInAHelper: "(_post) may refuse single invoices",
}
DIFFERING = {
    AddsALine: "number of entries",
    AddsOnPosting: "number of entries",
    Computes: "values of its own: narration",
    TellsMore: "values of its own: subject",
    TellsOthers: "acts outside of the database: socket.sendto",
    WritesElsewhere: "also writes to res_country_group",
    WritesOnPosting: "values of its own: narration",
    WritesOnWriting: "values of its own: name, ref",
    CreatesOtherwise: "values of its own: name, ref",
}
EQUAL = (
    ComputesForSomeCustomers,
    ComputesPerCustomer,
    HasARelatedField,
    HasAStoredField,
    KeepsWhatItSays,
    MarksPosted,
)


@tagged('post_install', '-at_install')
class TestProof(DerivedCase):
    """Whatever add-ons there are: bills are derived where it is proven that the same comes out."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.taxed_plan = cls._create_taxed_plan(cls, cls._create_taxes(cls, {'amount': 15.0}))

    def _create_cycles(self):
        return self._open_cycles(self.taxed_plan, customer_reference=False)

    def _close_all(self, cycles):
        """Close them as the schedule does, and return what was found."""
        known = self.env['assist.bill.proof'].search([])
        with mute_logger(CLOSE_LOGGER):
            cycles._close(NOW)
        self.env.flush_all()
        self.assertFalse(cycles.filtered(lambda cycle: not (cycle.move_id or cycle.error)))
        return self.env['assist.bill.proof'].search([]) - known

    def _get_ways(self, cycles):
        ways = self.env['assist.bill.maker']._take_ways(cycles.move_id)
        return {move: way for move, (way, _reason) in ways.items()}

    @shortened
    def test_what_is_equal_is_derived_once_it_is_proven(self):
        for definition in spread(EQUAL, 2):
            with self._trying(definition):
                first, second = self._create_cycles(), self._create_cycles()
                proof = self._close_all(first)
                self.assertEqual(proof.mapped('state'), ['proven'], proof.mapped('reason'))
                self.assertEqual(proof.bill_count, len(first))
                self.assertEqual(set(self._get_ways(first).values()), {'ordinary'})
                self._assert_equal(second)

    def _assert_equal(self, cycles):
        """Bill both ways and compare all that is stored, numbers aside; some are derived."""
        self._take_derived()
        plain, _made = self._make_and_read(cycles, slow=True, close=lambda: cycles._close(NOW))
        self.assertFalse(self._take_derived())
        quick, _made = self._make_and_read(cycles, close=lambda: cycles._close(NOW), tables=plain)
        self.assertEqual(self._take_derived(), len(cycles) - 2)
        (plain, numbers), (quick, quick_numbers) = map(self._without_numbers, (plain, quick))
        self.assertEqual(numbers, quick_numbers)
        _compared, differences = self._compare(plain, quick)
        self.assertFalse(differences)

    @shortened
    def test_what_differs_is_never_derived_and_said(self):
        for definition, words in spread(DIFFERING.items(), 2):
            with self._trying(definition):
                first, second = self._create_cycles(), self._create_cycles()
                proof = self._close_all(first)
                self.assertEqual(proof.mapped('state'), ['refused'])
                self.assertIn(words, proof.reason)
                self.assertIn(ADD_ON, proof.listeners)
                # In the settings, too.
                self.assertIn(words, self.env['assist.bill.maker']._describe_deriving())
                self._close_all(second)
                self.assertEqual(set(self._get_ways(second).values()), {'ordinary'})

    @thorough
    def test_what_no_comparison_shows_is_never_derived_and_said(self):
        for definition, words in spread(UNPROVABLE.items(), 2):
            with self._trying(definition):
                cycles = self._create_cycles() | self._create_cycles()
                with freeze_time('2026-02-01 00:30:00'):
                    self._close('2026-02-01 00:30:00')
                line = self.env['assist.billing.run'].search([], limit=1).line_ids
                self.assertFalse(line.derived_count)
                self.assertFalse(self.env['assist.bill.proof'].search([]))
                self.assertIn(f"{ADD_ON} {words}", line.ordinary_reasons)
                self.assertTrue(cycles.move_id)

    @thorough
    def test_an_add_on_that_commits_while_it_posts(self):
        with self._with_add_on(Commits), patch.object(self.cr, 'commit', lambda: None):
            first, second = self._create_cycles(), self._create_cycles()
            proof = self._close_all(first)
            self.assertIn("an add-on commits while invoices are posted", proof.mapped('reason'))
            self._close_all(second)
            self.assertEqual(set(self._get_ways(second).values()), {'ordinary'})

    @thorough
    def test_a_constraint_of_an_add_on_refuses_one_derived_bill_alone(self):
        with self._with_add_on(ChecksACustomer):
            first, second = self._create_cycles(), self._create_cycles()
            (first | second).partner_id.filtered(
                lambda partner: partner.name == "Customer 1"
            ).name = "Customer 1 too"
            self._close_all(first)
            with self.cr.savepoint() as savepoint:
                self._close_all(second)
                ways = self._get_ways(second)
                derived = second.filtered(lambda cycle: ways[cycle.move_id] == 'derived')
                savepoint.rollback()
            self.env.invalidate_all()
            derived[0].partner_id.name = "Customer 1"
            self._close_all(second)
            self.assertEqual(second.filtered('error'), derived[0])
            self.assertIn("Not this one.", derived[0].error)
            self.assertEqual([*self._get_ways(second).values()].count('derived'), len(derived) - 1)

    @thorough
    def test_a_customer_of_another_kind_proves_it_first(self):
        with self._with_add_on(HasVeryImportantCustomers, GreetsVeryImportantCustomers):
            first, second = self._create_cycles(), self._create_cycles()
            self._close_all(first)
            important = second[2]
            important.partner_id.is_very_important = True
            found = self._close_all(second)
            self.assertEqual(important.move_id.narration, "<p>At your service</p>")
            self.assertNotIn('derived', self._get_ways(important).values())
            self.assertFalse((second - important).move_id.filtered('narration'))
            self.assertIn("narration", found.mapped('reason')[0])

    @thorough
    def test_other_code_has_to_prove_it_anew(self):
        with self._with_add_on(MarksPosted):
            first, second, third = (self._create_cycles() for _time in range(3))
            self._close_all(first)
            with patch.object(
                self.registry['assist.bill.maker'], '_get_signature', lambda _maker: "another"
            ):
                self._close_all(second)
                self.assertEqual(set(self._get_ways(second).values()), {'ordinary'})
                self._close_all(third)
                self.assertIn('derived', self._get_ways(third).values())

    @thorough
    def test_after_a_day_it_is_proven_anew(self):
        with self._with_add_on(MarksPosted):
            first, second = self._create_cycles(), self._create_cycles()
            self._close_all(first)
            with freeze_time(fields.Datetime.add(fields.Datetime.now(), hours=25)):
                self._close_all(second)
            self.assertEqual(set(self._get_ways(second).values()), {'ordinary'})

    def test_the_settings_say_whether_bills_are_derived(self):
        def get_words():
            settings = self.env['res.config.settings'].new({'company_id': self.env.company.id})
            return settings.assist_quick_billing

        with patch.object(self.maker, '_find_listening_parts', lambda _maker: {}):
            self.assertIn("nothing else has a hand in", get_words())
        with self._trying(MarksPosted):
            self.assertIn("Not yet", get_words())
            self._close_all(self._create_cycles())
            self.assertIn("proven on this database: 1.", get_words())
        with self._trying(RefusesInAHelper):
            self.assertIn("may refuse single invoices", get_words())
