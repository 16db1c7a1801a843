from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...rules import cycles


class AssistBillingAssociation(models.Model):
    """How an association is held, suspended, ended and changed while cycles exist."""

    _inherit = 'assist.billing.association'

    # === ACTIONS === #

    def action_hold(self):
        """Close nothing until released; missed cycles are closed then."""
        self.check_access('write')
        self._check_state_in(('running', 'suspended'))
        return self.write({'state': 'on_hold'})

    def action_suspend(self):
        """Stop service from today on: this time is not billed."""
        self.check_access('write')
        self._check_state_in(('running', 'on_hold'))
        return self.write({'state': 'suspended'})

    def action_resume(self):
        """Release a hold, end a suspension or take back an end, from today on."""
        self.check_access('write')
        vals = {'state': 'running'}
        if any(association.state == 'ended' for association in self):
            vals['end_date'] = False
        return self.write(vals)

    def action_end(self):
        """End at the end of today, the customer's."""
        self.check_access('write')
        self._check_state_in(('running', 'on_hold', 'suspended'))
        for association in self:
            association.end_date = fields.Date.add(association._get_today(), days=1)
        return True

    def action_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'domain': [('association_id', '=', self.id)],
            'context': {
                # Another one would not bill it by this association.
                'default_company_id': self.company_id.id,
                'default_partner_id': self.partner_id.id,
            },
        }

    def action_view_cycles(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.assist_billing_cycle_action'
            ),
            'domain': [('association_id', '=', self.id)],
            'context': {},
        }

    def action_view_bills(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id(
                'assist_billing.account_move_action_assist_bills'
            ),
            'domain': [('assist_association_id', '=', self.id)],
            'context': {},
        }

    def _check_state_in(self, states):
        if wrong := self.filtered(lambda association: association.state not in states):
            labels = dict(self._fields['state']._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(customer)s: this is not possible while the association is “%(state)s”.",
                    customer=wrong[0].partner_id.display_name,
                    state=labels[wrong[0].state],
                )
            )

    # === STATE === #

    def _state_changed(self, before):
        """Keep suspension spans and end date in step with a state that was just written."""
        self.ensure_one()
        if self.state == before:
            return
        today = self._get_today()
        if before == 'suspended':
            self._end_suspension(today)
        if self.state == 'suspended':
            self._suspend(max(today, self.start_date))
        elif self.state == 'ended' and not self.end_date:
            last_closed = self._get_last_closed()
            self.end_date = max(today, self.start_date, last_closed.date_end or today)

    def _suspend(self, date_from):
        self.ensure_one()
        # sudo: who may change the association may leave the trace of it
        self.env['assist.billing.suspension'].sudo().create(
            {'association_id': self.id, 'date_from': date_from}
        )

    def _end_suspension(self, date_to):
        self.ensure_one()
        # sudo: who may change the association may leave the trace of it
        for suspension in self.sudo().suspension_ids.filtered(lambda span: not span.date_to):
            if suspension.date_from >= date_to:
                suspension.unlink()
            else:
                suspension.date_to = date_to

    def _get_suspended_spans(self):
        """Return the suspended time as half-open spans of local dates."""
        self.ensure_one()
        return [
            (span.date_from, span.date_to or fields.Date.to_date('9999-12-31'))
            for span in self.suspension_ids
        ]

    # === CHANGES WHILE CYCLES EXIST === #

    def _get_last_closed_cycle(self):
        """Return the last cycle that was closed, else the open one, else none."""
        cycles = self._origin.cycle_ids.sorted('date_start')
        return (cycles.filtered(lambda cycle: cycle.state == 'closed') or cycles[:1])[-1:]

    def _get_last_cycle(self):
        self.ensure_one()
        return self.sudo().cycle_ids.sorted('date_start')[-1:]

    def _get_last_closed(self):
        self.ensure_one()
        return (
            self.sudo()
            .cycle_ids.filtered(lambda cycle: cycle.state != 'open')
            .sorted('date_start')[-1:]
        )

    def _restart(self, start_date):
        """Drop open cycles so that they open anew from `start_date`; refused once one closed."""
        for association in self:
            if association.start_date == start_date or not association.cycle_ids:
                continue
            if closed := association._get_last_closed():
                raise UserError(
                    self.env._(
                        "%(customer)s is billed up to %(date)s already, so the bill start date "
                        "cannot change. End this association, then associate the customer again.",
                        customer=association.partner_id.display_name,
                        date=format_date(self.env, closed.date_end),
                    )
                )
            # sudo: cycles are written by the engine only
            opened = association.sudo().cycle_ids
            if opened.fee_ids:
                raise UserError(
                    self.env._(
                        "%(customer)s was billed fees in advance already, so the bill start date "
                        "cannot change. End this association on that date (the fees are "
                        "credited), then associate the customer again.",
                        customer=association.partner_id.display_name,
                    )
                )
            opened.unlink()
            association._assist_as_engine().anchor_date = False

    def _check_end_date(self, end_date):
        for association in self:
            closed = association._get_last_closed()
            if end_date and closed and end_date < closed.date_end:
                raise UserError(
                    self.env._(
                        "%(customer)s is billed up to %(date)s already and cannot end earlier. "
                        "Credit that bill if it charges too much.",
                        customer=association.partner_id.display_name,
                        date=format_date(self.env, closed.date_end),
                    )
                )

    def _cut_open_cycles(self):
        """Fit open cycles to the end date: cut the last one, or give it back its whole length."""
        # sudo: cycles are written by the engine only
        for cycle in self.sudo().cycle_ids.filtered(lambda cycle: cycle.state == 'open'):
            end_date = cycle.association_id.end_date
            is_last = cycle == cycle.association_id._get_last_cycle()
            # Others follow one that closed without a bill and opened again: it gets no longer.
            longest = cycle.whole_date_end if is_last else cycle.date_end
            date_end = min(longest, end_date or longest)
            if cycle.fee_ids and date_end <= cycle.date_start:
                # They were charged in advance: a day without service, whose bill credits them.
                date_end = fields.Date.add(cycle.date_start, days=1)
            end_at = cycles.local_midnight(date_end, cycle.tz)
            if end_at <= cycle.start_at:
                cycle.unlink()
            elif date_end != cycle.date_end:
                cycle.write({'date_end': date_end, 'end_at': end_at})

    def _move_open_cycles(self):
        """Bill open cycles to the customer the association has moved to; closed ones stay."""
        for association in self:
            # sudo: cycles are written by the engine only
            association.sudo().cycle_ids.filtered(lambda cycle: cycle.state == 'open').write(
                {'partner_id': association.partner_id.id}
            )

    def _anchor_at_next_boundary(self, vals):
        """Let a new rhythm or zone count from the end of the cycle that is open now."""
        for association in self:
            if all(association[name] == vals[name] for name in ('cycle', 'tz') if name in vals):
                continue
            if last := association._get_last_cycle():
                association._assist_as_engine().anchor_date = last.date_end
