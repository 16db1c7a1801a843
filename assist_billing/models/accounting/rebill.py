from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...utils.races import lock_or_refuse
from ...utils.sql_changes import changing
from ..invoice.account_move_line import USAGE_CHARGES


class AssistBillingCycle(models.Model):
    """A bill that was taken back: its cycle waits for a person to bill again, or to waive."""

    _inherit = 'assist.billing.cycle'

    # === ACTIONS === #

    def action_rebill(self):
        """Bill again: a draft invoice of exactly the sessions kept for each cycle."""
        self._check_to_rebill()
        # sudo: cycles and the stamps of sessions are written by the engine only
        cycles = self.sudo()
        lock_or_refuse(cycles)
        now = fields.Datetime.now()
        cycles._forget_late()
        cycles._forget_parts()
        moves = cycles._bill(cycles._get_outcomes().values(), now, handling='draft')
        for cycle in cycles:
            cycle.message_post(
                body=self.env._("Billed again by %(user)s.", user=self.env.user.name)
            )
        if not moves:
            return True
        return moves.sudo(False)._get_records_action(name=self.env._("Bills Made Again"))

    def action_waive(self, reason):
        """Give up billing these cycles; their sessions become non-billable, for `reason`."""
        self._check_to_rebill()
        # Of programs it may be anything.
        reason = reason.strip() if isinstance(reason, str) else ""
        if not reason:
            raise UserError(
                self.env._("Give a reason for waiving this period; it stays on record.")
            )
        # sudo: cycles and the stamps of sessions are written by the engine only
        cycles = self.sudo()
        lock_or_refuse(cycles)
        cycles.session_ids.filtered(lambda session: session.state == 'to_bill').write(
            {'billable': False, 'non_billable_reason': reason}
        )
        cycles._forget_late()
        cycles._forget_parts()
        cycles._release_fees()
        for cycle in cycles:
            cycle.write(
                {
                    **cycle._prepare_state_vals('waived'),
                    'waive_reason': reason,
                    # Nothing is billed, and a minimum waived is not owed again by late sessions.
                    'usage_amount': float(cycle._rate([]).usage_amount),
                    **cycle._prepare_waived_rollover_vals(),
                }
            )
            cycle.message_post(
                body=self.env._(
                    "Waived by %(user)s: %(reason)s", user=self.env.user.name, reason=reason
                )
            )
        return True

    def _forget_late(self):
        """Forget what earlier cycles' sessions the bill taken back charged.

        Late sessions of these cycles themselves have bills of their own, which still stand.
        """
        carried = self.prior_ids.filtered(lambda prior: prior.origin_cycle_id != prior.cycle_id)
        carried.filtered(
            lambda prior: prior.currency_id != prior.cycle_id.currency_id
        )._release_sessions()
        carried.unlink()

    def _forget_parts(self):
        """Forget how the bill taken back had cut its sessions.

        Late sessions of these cycles themselves have bills of their own, which still stand.
        """
        self.part_ids.filtered(
            lambda part: part.session_id.prior_id.origin_cycle_id != part.cycle_id
        ).unlink()

    def _check_to_rebill(self):
        self._check_billing_user()
        if wrong := self.filtered(lambda cycle: cycle.state != 'to_rebill'):
            raise UserError(
                self.env._(
                    "%(cycle)s is not waiting to be billed again. Only a period whose bill was "
                    "taken back can be billed again, or waived.",
                    cycle=wrong[0].display_name,
                )
            )

    def _check_same_usage(self, bill):
        """Refuse a bill that no longer says what the sessions kept for this cycle rate to."""
        self.ensure_one()
        outcome = self._get_outcomes()[self]
        rated = sorted((line.charge, float(line.quantity)) for line, _cycle in outcome.lines)
        # The lines of a credit note are turned round.
        sign = bill._assist_get_sign()
        billed = sorted(
            (line.assist_charge, sign * line.quantity)
            for line in bill.invoice_line_ids
            if line.assist_charge in USAGE_CHARGES
        )
        if rated != billed:
            raise UserError(
                self.env._(
                    "The sessions of %(cycle)s changed since %(bill)s was taken back. "
                    "Bill the period again instead.",
                    cycle=self.display_name,
                    bill=bill.display_name,
                )
            )

    # === GIVING BACK === #

    def _give_back(self):
        """Let go of the bill: sessions stay reserved for the cycle, and can be edited again.

        The caller has taken the cycle off the bill.
        """
        cycles = self.filtered(lambda cycle: cycle.state == 'closed')
        cycles.write(cycles._prepare_state_vals('to_rebill'))
        cycles._mark_sessions('billed', 'to_bill')
        for cycle in cycles:
            cycle.message_post(body=self.env._("Its bill was taken back."))

    def _take_again(self):
        """Count as billed again, by a bill that had been taken back and is valid once more."""
        if wrong := self.filtered(lambda cycle: cycle.state != 'to_rebill'):
            raise UserError(
                self.env._(
                    "%(cycle)s has since been billed again or waived, so its earlier bill cannot "
                    "be restored.",
                    cycle=wrong[0].display_name,
                )
            )
        rated = self.filtered(lambda cycle: cycle._is_by_parts() or cycle.part_ids)
        rated._forget_parts()
        # Its lines are the same; which sessions they are made of may have changed.
        for cycle, outcome in rated._get_outcomes().items():
            self.env['assist.session.part']._store(
                [cycle._prepare_part_vals(part, origin) for part, origin in outcome.parts]
            )
        self.write(self._prepare_state_vals('closed'))
        self._mark_sessions('to_bill', 'billed')

    def _mark_sessions(self, before, after):
        """Move the sessions kept for these cycles from one state to another, in one statement.

        Late ones that have a bill of their own stay billed by it.
        """
        if not self:
            return
        self.env['assist.session'].flush_model()
        self.env['assist.billing.cycle.prior'].flush_model()
        marked = SQL(
            """
            s.cycle_id IN %s AND s.state = %s AND NOT EXISTS (
                SELECT 1 FROM assist_billing_cycle_prior p
                 WHERE p.id = s.prior_id AND p.origin_cycle_id = p.cycle_id
            )
            """,
            tuple(self.ids),
            before,
        )
        rows = self.env.execute_query(SQL("SELECT s.id FROM assist_session s WHERE %s", marked))
        with changing(self.env['assist.session'].browse(row[0] for row in rows), ['state']):
            self.env['assist.session']._assist_set_state(after, marked)
