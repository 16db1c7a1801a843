from odoo.tests import tagged

from ..thorough import shortened, spread
from .tie_common import TieCommon

ON_LAST_LINE = (
    "UPDATE account_move_line SET CHANGE WHERE id = (SELECT max(id) FROM account_move_line"
    " WHERE move_id = %(MOVE)s AND assist_charge IS NOT NULL)"
)
# (what is broken, the check that must find it, how it is broken behind the engine's back)
BREAKAGES = [
    (
        "a session in no state",
        'sessions_in_no_state',
        "UPDATE assist_session SET state = 'lost' WHERE id = %(session)s",
    ),
    (
        "a billed session that is not billable",
        'sessions_in_a_wrong_state',
        "UPDATE assist_session SET billable = FALSE WHERE id = %(session)s",
    ),
    (
        "another duration than end minus start",
        'sessions_in_a_wrong_state',
        "UPDATE assist_session SET duration_seconds = duration_seconds + 1 WHERE id = %(session)s",
    ),
    (
        "a running session that has ended",
        'sessions_in_a_wrong_state',
        "UPDATE assist_session SET state = 'running', cycle_id = NULL WHERE id = %(session)s",
    ),
    (
        "a non-billable session that is billable",
        'sessions_in_a_wrong_state',
        "UPDATE assist_session SET state = 'non_billable' WHERE id = %(session)s",
    ),
    (
        "an unmatched session of a customer in force",
        'sessions_resolved_wrongly',
        "UPDATE assist_session SET partner_id = %(customer)s WHERE state = 'unmatched'",
    ),
    (
        "a session to bill before its association began",
        'sessions_resolved_wrongly',
        "UPDATE assist_session SET ended_at = '2025-03-10', started_at = '2025-03-10',"
        " duration_seconds = 0 WHERE id = %(waiting)s",
    ),
    (
        "a session to bill while the association was suspended",
        'sessions_resolved_wrongly',
        "INSERT INTO assist_billing_suspension (association_id, date_from, date_to, start_at,"
        " end_at) VALUES (%(association)s, '2026-04-05', '2026-04-06', '2026-04-05', '2026-04-06')",
    ),
    (
        "a billed session of an open cycle",
        'sessions_billed_by_no_bill',
        "UPDATE assist_session SET cycle_id = %(open)s WHERE id = %(session)s",
    ),
    (
        "a billed session of a cycle to be billed again",
        'sessions_billed_by_no_bill',
        "UPDATE assist_billing_cycle SET state = 'to_rebill' WHERE id = %(cycle)s",
    ),
    (
        "a session to bill that belongs to a closed cycle",
        'sessions_left_behind',
        "UPDATE assist_session SET state = 'to_bill' WHERE id = %(session)s",
    ),
    (
        "late sessions that no run billed",
        'sessions_waiting_too_long',
        "UPDATE assist_session SET state = 'to_bill', cycle_id = NULL, prior_id = NULL"
        " WHERE association_id = %(late_association)s",
    ),
    (
        "a session for which no cycle opened",
        'sessions_waiting_too_long',
        "UPDATE assist_billing_cycle SET end_at = '2026-04-03' WHERE id = %(open)s",
    ),
    (
        "a session on another customer's cycle",
        'sessions_of_another_customer',
        "UPDATE assist_session SET cycle_id = %(late_cycle)s WHERE id = %(session)s",
    ),
    (
        "a session on another cycle of its customer",
        'sessions_of_another_time',
        "UPDATE assist_session SET cycle_id = %(second)s WHERE id = %(session)s",
    ),
    (
        "late sessions not listed as such",
        'sessions_of_another_time',
        "UPDATE assist_session SET prior_id = NULL"
        " WHERE prior_id IS NOT NULL AND cycle_id != %(late_cycle)s",
    ),
    (
        "a late session listed, and on no bill",
        'sessions_of_another_time',
        "UPDATE assist_session SET state = 'to_bill', cycle_id = NULL WHERE prior_id IS NOT NULL",
    ),
    (
        "a session merged into another customer's",
        'sessions_merged_wrongly',
        "UPDATE assist_session SET merged_into_id = (SELECT min(id) FROM assist_session"
        " WHERE cycle_id = %(late_cycle)s) WHERE id = %(session)s",
    ),
    (
        "a gap between two cycles",
        'cycles_not_in_a_row',
        "UPDATE assist_billing_cycle SET start_at = start_at + INTERVAL '1 second'"
        " WHERE id = %(second)s",
    ),
    (
        "an overlap of two cycles",
        'cycles_not_in_a_row',
        "UPDATE assist_billing_cycle SET start_at = start_at - INTERVAL '1 second'"
        " WHERE id = %(second)s",
    ),
    (
        "a first cycle that begins after the start",
        'cycles_not_in_a_row',
        "UPDATE assist_billing_cycle SET date_start = date_start + 1 WHERE id = %(cycle)s",
    ),
    (
        "an open cycle older than a closed one",
        'cycles_closed_out_of_turn',
        "UPDATE assist_billing_cycle SET state = 'open' WHERE id = %(cycle)s",
    ),
    (
        "a due cycle that no run has tried",
        'cycles_nobody_closed',
        "UPDATE assist_billing_cycle SET end_at = '2026-04-07' WHERE id = %(open)s",
    ),
    (
        "a cycle that counts one session more",
        'cycles_counting_other_sessions',
        "UPDATE assist_billing_cycle SET session_count = session_count + 1 WHERE id = %(cycle)s",
    ),
    (
        "a cycle that counts a second more",
        'cycles_counting_other_sessions',
        "UPDATE assist_billing_cycle SET session_seconds = session_seconds + 1"
        " WHERE id = %(cycle)s",
    ),
    (
        "a session that vanished from its cycle",
        'cycles_counting_other_sessions',
        "DELETE FROM assist_session WHERE id = %(session)s",
    ),
    (
        "a cycle that bills another quantity",
        'cycles_billing_another_quantity',
        "UPDATE assist_billing_cycle SET billed_quantity = 2 WHERE id = %(cycle)s",
    ),
    (
        "billed time that makes other hours",
        'cycles_billing_another_quantity',
        "UPDATE assist_session SET billed_seconds = billed_seconds + 60"
        " WHERE association_id = %(hourly_association)s",
    ),
    (
        "a cycle that lost its bill",
        'cycles_without_their_bill',
        "UPDATE assist_billing_cycle SET move_id = NULL WHERE id = %(cycle)s",
    ),
    (
        "a waived cycle that has a bill",
        'cycles_without_their_bill',
        "UPDATE assist_billing_cycle SET state = 'waived' WHERE id = %(cycle)s",
    ),
    (
        "late sessions charged by no bill",
        'cycles_without_their_bill',
        "UPDATE assist_billing_cycle SET move_id = NULL, usage_amount = 0"
        " WHERE id = %(late_second)s",
    ),
    (
        "a bill that its cycle does not know",
        'bills_without_their_cycle',
        "UPDATE assist_billing_cycle SET move_id = NULL WHERE id = %(cycle)s",
    ),
    (
        "a bill that knows no cycle",
        'bills_without_their_cycle',
        "UPDATE account_move SET assist_cycle_id = NULL WHERE id = %(bill)s",
    ),
    (
        "a cancelled bill",
        'bills_without_their_cycle',
        "UPDATE account_move SET state = 'cancel' WHERE id = %(bill)s",
    ),
    (
        "a bill marked as taken back",
        'bills_without_their_cycle',
        "UPDATE account_move SET assist_kind = 'given_back' WHERE id = %(bill)s",
    ),
    (
        "a bill to another customer",
        'bills_without_their_cycle',
        "UPDATE account_move m SET partner_id = (SELECT min(id) FROM res_partner"
        " WHERE id != m.partner_id) WHERE id = %(bill)s",
    ),
    (
        "a bill in another currency",
        'bills_without_their_cycle',
        "UPDATE account_move m SET currency_id = (SELECT min(id) FROM res_currency"
        " WHERE id != m.currency_id) WHERE id = %(bill)s",
    ),
    (
        "two bills of one cycle",
        'bills_without_their_cycle',
        "DROP INDEX account_move_assist_cycle_unique;"
        "UPDATE account_move SET assist_cycle_id = %(cycle)s WHERE id = %(second_bill)s",
    ),
    (
        "a rated amount that is not on the bill",
        'bills_saying_something_else',
        "UPDATE assist_billing_cycle SET usage_amount = usage_amount + 0.01 WHERE id = %(cycle)s",
    ),
    (
        "a device that is not on the bill",
        'bills_saying_something_else',
        "UPDATE assist_billing_cycle SET device_quantity = device_quantity + 1"
        " WHERE id = %(every_rule_cycle)s",
    ),
    (
        "a base fee missing",
        'bills_saying_something_else',
        "UPDATE account_move_line SET assist_charge = NULL WHERE assist_charge = 'base_fee'",
    ),
    *(
        (
            f"{change} on {bill}",
            'bills_saying_something_else',
            ON_LAST_LINE.replace('CHANGE', change).replace('MOVE', bill),
        )
        for bill in ('bill', 'late_bill', 'supplement')
        for change in (
            "quantity = quantity + 1",
            "price_unit = price_unit + 0.01",
            "assist_charge = NULL",
            "assist_charge = 'device'",
        )
    ),
    (
        "a line that is not quantity x price",
        'bills_calculated_wrongly',
        "UPDATE account_move_line SET price_subtotal = price_subtotal + 0.01"
        " WHERE move_id = %(bill)s AND assist_charge = 'session'",
    ),
    (
        "session charges that are not the sum of the lines",
        'bills_calculated_wrongly',
        "UPDATE account_move SET assist_session_charge = assist_session_charge - 0.01"
        " WHERE id = %(bill)s",
    ),
    (
        "a bill whose lines do not make its untaxed amount",
        'bills_not_adding_up',
        "UPDATE account_move SET amount_untaxed = amount_untaxed + 0.01 WHERE id = %(bill)s",
    ),
    (
        "a line that is printed otherwise than it is entered",
        'bills_not_adding_up',
        "UPDATE account_move_line SET price_subtotal = price_subtotal + 0.01"
        " WHERE move_id = %(supplement)s AND assist_charge IS NOT NULL",
    ),
    (
        "a period billed too much with its late sessions",
        'periods_billed_otherwise',
        "UPDATE assist_billing_cycle_prior SET amount = amount + 1"
        " WHERE origin_cycle_id = %(late_cycle)s",
    ),
    (
        "a period billed too little with its late sessions",
        'periods_billed_otherwise',
        "UPDATE assist_billing_cycle_prior SET amount = 0 WHERE cycle_id = %(late_second)s",
    ),
    (
        "a part of another time than its session's",
        'parts_saying_something_else',
        "UPDATE assist_session_part SET billed_seconds = billed_seconds + 1"
        " WHERE cycle_id = %(rated_late)s",
    ),
    (
        "a part of another amount",
        'parts_saying_something_else',
        "UPDATE assist_session_part SET amount = amount + 1 WHERE cycle_id = %(rated_cycle)s",
    ),
    (
        "a part that is missing",
        'parts_saying_something_else',
        "DELETE FROM assist_session_part WHERE cycle_id = %(rated_cycle)s",
    ),
    (
        "hours of a rate card that are not those of its sessions",
        'cycles_billing_another_quantity',
        "UPDATE assist_billing_cycle SET billed_quantity = 9 WHERE id = %(rated_cycle)s",
    ),
    (
        "a fee that was not charged",
        'fees_not_charged',
        "DELETE FROM assist_billing_cycle_fee WHERE cycle_id = %(managed_cycle)s",
    ),
    (
        "a fee that is not on the bill",
        'bills_saying_something_else',
        "UPDATE assist_billing_cycle_fee SET quantity = quantity + 1, amount = amount + price"
        " WHERE billing_cycle_id = %(managed_cycle)s",
    ),
    (
        "a fee that is not on its own bill",
        'bills_saying_something_else',
        "DELETE FROM assist_billing_cycle_fee WHERE own_move_id IS NOT NULL",
    ),
    (
        "an adjustment that is not on the bill",
        'bills_saying_something_else',
        "UPDATE assist_billing_cycle_fee SET true_up_quantity = true_up_quantity + 1,"
        " true_up_amount = true_up_amount + price WHERE cycle_id = %(managed_cycle)s",
    ),
    (
        "a fee that is not quantity x price",
        'fees_calculated_wrongly',
        "UPDATE assist_billing_cycle_fee SET amount = amount + 1"
        " WHERE cycle_id = %(managed_cycle)s",
    ),
    (
        "a fee on another customer's bill",
        'fees_calculated_wrongly',
        "UPDATE assist_billing_cycle_fee SET billing_cycle_id = %(cycle)s, own_move_id = NULL"
        " WHERE cycle_id = %(managed_cycle)s",
    ),
    (
        "hours that come with no fee",
        'cycles_billing_another_quantity',
        "UPDATE assist_billing_cycle_fee SET hours = 0 WHERE cycle_id = %(managed_cycle)s",
    ),
    (
        "fees that no run billed",
        'fees_nobody_billed',
        "UPDATE assist_billing_cycle SET fees_due = TRUE, start_at = '2026-03-01'"
        " WHERE id = %(managed_open)s",
    ),
    (
        "a line with a price that no rate makes",
        'bills_saying_something_else',
        "UPDATE account_move_line SET price_unit = price_unit + 1 WHERE assist_charge = 'hour'"
        " AND move_id = (SELECT move_id FROM assist_billing_cycle WHERE id = %(rated_cycle)s)",
    ),
]


@tagged('post_install', '-at_install')
class TestTieBroken(TieCommon):
    """Whatever is broken behind the engine's back is found, by the check that is for it."""

    @shortened
    def test_whatever_is_broken_is_found(self):
        params = self._make_histories()
        self.assertTied(now='2026-04-10 01:00:00')
        for words, check, query in spread(BREAKAGES, 5):
            with self.subTest(words), self.cr.savepoint() as savepoint:
                self.env.flush_all()
                self.env.cr.execute(query, params)
                self.assertTrue(self.env.cr.rowcount, "it broke something")
                self.env.invalidate_all()
                lines = self._tie(now='2026-04-10 01:00:00').check_ids
                found = lines.filtered('difference_count')
                self.assertIn(check, found.mapped('check'))
                self._open_records(found)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertTied(now='2026-04-10 01:00:00')

    def test_every_check_is_broken_by_something(self):
        checks = self.env['assist.billing.tie']._get_checks()
        self.assertEqual({check.key for check in checks}, {check for _, check, _ in BREAKAGES})

    def test_a_session_in_no_state_is_counted_all_the_same(self):
        session = self._create_session()
        self.env.cr.execute("UPDATE assist_session SET state = 'lost' WHERE id = %s", [session.id])
        self.env.invalidate_all()
        tie = self._tie()
        self.assertEqual(tie.session_count, 1)
        self.assertIn('lost', tie.part_ids.mapped('name'))

    def _make_histories(self):
        """Bill customers of several kinds; return ids to break things by."""
        late = self._bill_late()
        every_rule = self._use_every_rule()
        rated = self._use_rates()
        managed = self._use_fees()
        hourly = self._associate(self._create_partner("Hourly"), self.hourly)
        self._create_session(hourly.partner_id)
        association = self._associate()
        session = self._create_session()
        self._create_session(ended_at='2026-02-10 10:00:00')
        self._create_session(partner=self._create_partner("Passer-by"))
        self._close('2026-04-10 00:00:00')
        waiting = self._create_session(ended_at='2026-04-05 10:00:00')
        self.assertEqual(waiting.state, 'to_bill')
        cycle, second, _empty, present = self._cycles(association)
        late_cycle, late_second = self._cycles(late)
        supplement = self.env['account.move'].search(
            [('assist_origin_cycle_id', '=', late_cycle.id), ('assist_kind', '=', 'supplementary')]
        )
        return {
            name: record.ids[0]
            for name, record in {
                'customer': self.customer,
                'association': association,
                'session': session,
                'waiting': waiting,
                'cycle': cycle,
                'second': second,
                'open': present,
                'bill': cycle.move_id,
                'second_bill': second.move_id,
                'hourly_association': hourly,
                'rated_cycle': self._cycles(rated)[0],
                'rated_late': self._cycles(rated)[1],
                'managed_cycle': self._cycles(managed)[0],
                'managed_open': self._cycles(managed)[-1],
                'every_rule_cycle': self._cycles(every_rule)[1],
                'late_association': late,
                'late_cycle': late_cycle,
                'late_second': late_second,
                'late_bill': late_second.move_id,
                'supplement': supplement,
            }.items()
        }

    def _open_records(self, lines):
        for line in lines:
            action = line.action_view_records()
            found = self.env[action['res_model']].with_context(**action['context'])
            self.assertEqual(found.search_count(action['domain']), line.difference_count)
