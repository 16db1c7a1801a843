from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ..models.statement.shapes import StatementSection
from ..utils.checks import refuse_absurd_dates


class AssistStatement(models.TransientModel):
    """A statement of the sessions of a customer between two days, whatever bills carry them."""

    _name = 'assist.statement'
    _description = "Remote Support Statement"
    _inherit = ['assist.chosen']

    # === FIELDS === #

    association_id = fields.Many2one(
        'assist.billing.association',
        string="Customer",
        required=True,
        ondelete='cascade',
        default=lambda self: self._default_association_id(),
    )
    company_id = fields.Many2one(related='association_id.company_id', related_sudo=False)
    partner_id = fields.Many2one(
        related='association_id.partner_id', related_sudo=False, string="Contact"
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.subtract(self._get_this_month(), months=1),
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: fields.Date.subtract(self._get_this_month(), days=1),
        help="The last day that is still on the statement.",
    )

    # === DEFAULTS === #

    def _default_association_id(self):
        if self.env.context.get('active_model') == 'assist.billing.association':
            return self.env.context.get('active_id')
        return False

    def _get_this_month(self):
        return fields.Date.context_today(self).replace(day=1)

    # === CONSTRAINTS === #

    @api.constrains('date_from', 'date_to')
    def _check_dates_ordered(self):
        for wizard in self:
            days = {'date_from': wizard.date_from, 'date_to': wizard.date_to}
            refuse_absurd_dates(self.browse(), days, days)
            if wizard.date_from and wizard.date_to and wizard.date_to < wizard.date_from:
                raise ValidationError(
                    self.env._(
                        "The statement cannot end on %(end)s, before it begins on %(start)s.",
                        start=format_date(self.env, wizard.date_from),
                        end=format_date(self.env, wizard.date_to),
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('association_id', 'date_from', 'date_to')
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = self.env._(
                "Statement %(customer)s %(start)s to %(end)s",
                customer=wizard.partner_id.display_name,
                start=format_date(self.env, wizard.date_from),
                end=format_date(self.env, wizard.date_to),
            )

    # === ACTIONS === #

    def action_print(self):
        self.ensure_one()
        self.check_access('read')
        self.association_id.check_access('read')
        report = self.env.ref('assist_billing.assist_statement_report')
        return {**report.report_action(self), 'close_on_report_download': True}

    # === BUSINESS METHODS === #

    def _get_statements(self):
        """Return the Statements of this time, oldest first: one for each bill or open cycle.

        All sessions that ended between the two days are in them, late ones with the bill that
        carries them. One that is cut has sessions only, and no sums of the bill.
        """
        self.ensure_one()
        self.check_access('read')
        self.association_id.check_access('read')
        statements = []
        # sudo: what each session costs is for who may see the association's bills
        cycles = self.association_id.cycle_ids.sudo()
        for cycle in cycles.sorted('date_start'):
            if cycle.date_start > self.date_to and not self._may_carry_late(cycle):
                continue
            if cycle.date_end <= self.date_from and not cycle.prior_ids.move_id:
                continue
            statements.append(cycle._get_statement())
            bills = cycle.prior_ids.move_id.sorted('id')
            statements += [cycle._get_late_statement(bill) for bill in bills]
        cut = [self._cut(statement) for statement in statements]
        return [statement for statement in cut if not statement.is_empty]

    def _may_carry_late(self, cycle):
        """Tell whether a cycle after this time may bill sessions of this time."""
        if cycle.state in ('open', 'to_rebill'):
            return True
        return any(
            prior.origin_cycle_id.date_start <= self.date_to
            and prior.origin_cycle_id.date_end > self.date_from
            for prior in cycle.prior_ids
        )

    def _cut(self, statement):
        """Return `statement` with the sessions of this time only."""
        sections = [
            replace(section, rows=[row for row in section.rows if self._is_within(row)])
            for section in statement.sections
        ]
        cycle = statement.cycle
        is_whole = self.date_from <= cycle.date_start and cycle.date_end <= fields.Date.add(
            self.date_to, days=1
        )
        if is_whole and sum(len(section.rows) for section in sections) == len(statement.rows):
            return statement
        return replace(
            statement,
            sections=[
                StatementSection(
                    section.cycle, section.rows, is_late=section.is_late, label=section.label
                )
                for section in sections
                if section.rows
            ],
            no_charge=[row for row in statement.no_charge if self._is_within(row)],
            devices=[],
            lines=[],
            bars=[],
            is_cut=True,
        )

    def _is_within(self, row):
        return self.date_from <= row.day <= self.date_to
