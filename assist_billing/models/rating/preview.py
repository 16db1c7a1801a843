import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...utils.assigning import assign
from ...utils.remembering import remembered, remembering
from ..plan.assist_billing_plan import bills_nothing

_logger = logging.getLogger(__name__)

PRICE_GROUPS = 'account.group_account_invoice,account.group_account_readonly'
# A bill that differs from the customer's last ones by this share of them or more is unusual.
UNUSUAL_SHARE = 0.5
# As many bills of the same customer are looked back at.
LAST_CYCLES = 3
# What can be waited for; more is billed in the background.
MOST_AT_ONCE = 100
# So many that are left out are said why.
NAMED_PROBLEMS = 10


class AssistBillingCycle(models.Model):
    """What an open cycle would bill now, beside the customer's last bills. Nothing is written."""

    _inherit = 'assist.billing.cycle'

    # === FIELDS === #

    preview_sessions = fields.Integer(string="Sessions So Far", compute='_compute_preview')
    preview_amount = fields.Monetary(
        string="So Far",
        compute='_compute_preview',
        groups=PRICE_GROUPS,
        help="What this cycle would bill if it closed now, before taxes.",
    )
    preview_date = fields.Date(
        string="Would Be Dated",
        compute='_compute_preview_dates',
        help="The date of its bill, if the cycle is closed on time.",
    )
    preview_due_date = fields.Date(
        string="Would Be Due",
        compute='_compute_preview_dates',
        help="When its bill is due, if the cycle is closed on time.",
    )
    last_amount = fields.Monetary(
        string="Last Bills",
        compute='_compute_preview',
        groups=PRICE_GROUPS,
        help="What the customer's last cycles billed, three at most, on average, before taxes.",
    )
    unusual = fields.Char(
        compute='_compute_preview',
        search='_search_unusual',
        groups=PRICE_GROUPS,
        help="What sets this bill apart from the customer's last ones.",
    )
    is_due = fields.Boolean(
        compute='_compute_is_due', help="The next run closes it, or it waits for an older one."
    )
    is_over = fields.Boolean(
        compute='_compute_is_due', help="It can be billed now, whatever grace the company gives."
    )

    # === COMPUTE METHODS === #

    @api.depends_context('uid')
    def _compute_preview(self):
        outcomes, histories, remarks = self._get_previews()

        def get_average(cycle):
            amounts = [amount for amount, _devices in histories.get(cycle.id, ())]
            return sum(amounts) / len(amounts) if amounts else 0.0

        def get_total(cycle):
            return float(outcomes[cycle].total) if cycle in outcomes else 0.0

        def count_sessions(cycle):
            return outcomes[cycle].session_count if cycle in outcomes else 0

        for cycles in self.grouped('currency_id').values():
            assign(cycles, 'preview_amount', get_total)
            assign(cycles, 'last_amount', get_average)
        assign(self, 'preview_sessions', count_sessions)
        assign(self, 'unusual', lambda cycle: remarks.get(cycle, False))

    def _compute_preview_dates(self):
        for cycle in self:
            dated = due = False
            if cycle.state == 'open':
                # sudo: lock dates and taxes count, whoever looks
                dated, due = cycle.sudo()._get_preview_dates()
            cycle.preview_date = dated
            cycle.preview_due_date = due

    def _compute_is_due(self):
        now = fields.Datetime.now()
        for cycle in self:
            cycle.is_due = cycle.state == 'open' and cycle._get_due_at() <= now
            cycle.is_over = cycle.state == 'open' and cycle.end_at <= now

    # === PREVIEW === #

    def _get_previews(self):
        """Return what the open ones of these cycles would bill now, and what is unusual about it.

        :return: dict of cycle -> Outcome, dict of id -> history as of `_read_histories`, dict of
            cycle -> text
        """
        opened = self.filtered(lambda cycle: cycle.id and cycle.state == 'open')
        # sudo: the sessions of all technicians count, whoever looks
        outcomes, remarks = opened.sudo()._get_preview_outcomes()
        histories = opened._read_histories()
        with remembering(self.env):
            for cycle in opened.filtered(lambda cycle: cycle in outcomes):
                found = cycle._get_remarks(outcomes[cycle], histories.get(cycle.id, []))
                remarks[cycle] = ", ".join(found) or False
        return outcomes, histories, remarks

    def _get_preview_outcomes(self):
        """Return what these cycles would bill now, and why others cannot be rated.

        :return: dict of cycle -> Outcome, and dict of cycle -> reason
        """
        try:
            return self._get_outcomes(), {}
        except Exception as error:  # noqa: BLE001 - shown on the cycle, as its closing would
            if len(self) == 1:
                _logger.info("Cycle %s cannot be previewed: %s", self.id, error)
                return {}, {self: self.env._("Cannot be rated: %(reason)s", reason=error)}
        outcomes, problems = {}, {}
        for cycle in self:
            rated, failed = cycle._get_preview_outcomes()
            outcomes |= rated
            problems |= failed
        return outcomes, problems

    def _get_preview_dates(self, earliest=None):
        """Return invoice date and due date of the bill that the first run possible would make.

        Also of a cycle that is not stored: there is none yet for a customer to be associated.

        :param datetime earliest: naive UTC; no run before is counted with
        """
        self.ensure_one()
        now = max(filter(None, (self._get_due_at(), fields.Datetime.now(), earliest)))
        charges = ['usage', 'device'] if self.plan_id.charge_devices else ['usage']
        invoice_date = self._get_invoice_date({(charge, self) for charge in charges}, now)
        return invoice_date, self._get_due_date(invoice_date)

    def _read_histories(self):
        """Return what the last cycles before these billed: id -> [(amount, devices)], newest first.

        The amount is what the bill charges for usage, devices and late sessions, before taxes;
        a cycle that was closed without a bill counts as zero. Only those in the same currency
        say anything.
        """
        if not self:
            return {}
        self.env['account.move'].flush_model(['assist_session_charge'])
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT c.id, p.amount, p.device_quantity
                  FROM assist_billing_cycle c
                  JOIN LATERAL (
                       SELECT COALESCE(m.assist_session_charge, 0) AS amount, b.device_quantity
                         FROM assist_billing_cycle b LEFT JOIN account_move m ON m.id = b.move_id
                        WHERE b.association_id = c.association_id AND b.state = 'closed'
                          AND b.currency_id = c.currency_id
                          AND b.date_start < c.date_start
                     ORDER BY b.date_start DESC
                        LIMIT %s
                       ) p ON TRUE
                 WHERE c.id IN %s
                """,
                LAST_CYCLES,
                tuple(self.ids),
            )
        )
        histories = {}
        for cycle_id, amount, devices in rows:
            histories.setdefault(cycle_id, []).append((float(amount), devices))
        return histories

    def _get_remarks(self, outcome, history):
        """Return in words what sets `outcome` apart from the bills in `history`.

        Less than usual is remarked once the cycle is over: until then more may come.
        """
        self.ensure_one()
        remarks = []
        if untaxed := self._get_untaxed_products():
            remarks.append(
                self.env._(
                    "taxes of %(products)s are archived",
                    products=", ".join(untaxed.mapped('display_name')),
                )
            )
        if bills_nothing(self._read_terms()):
            remarks.append(self.env._("the plan bills nothing"))
        if self.reopened_at:
            remarks.append(self.env._("had closed without a bill"))
        if not history:
            return [*remarks, self.env._("first bill")]
        is_over = self.end_at <= fields.Datetime.now()
        if is_over and not outcome.session_count:
            remarks.append(self.env._("no sessions"))
        _amount, last_devices = history[0]
        if float(outcome.rating.device_quantity) < last_devices:
            remarks.append(self.env._("fewer devices than last time"))
        average = sum(amount for amount, _devices in history) / len(history)
        change = (float(outcome.total) - average) / average if average else 0.0
        if change >= UNUSUAL_SHARE or (is_over and change <= -UNUSUAL_SHARE):
            share = round(100 * change)
            remarks.append(self.env._("%(share)s %% against the last bills", share=f"{share:+d}"))
        return remarks

    @remembered(lambda cycle: cycle.plan_id)
    def _get_untaxed_products(self):
        """Return the products of the plan whose taxes are all archived."""
        return self.plan_id._get_archived_taxed_products()

    # === ACTIONS === #

    def action_bill_selected(self):
        """Close the chosen cycles at once; open the run with what became of them."""
        return self.env['assist.billing.run']._run_selection(self).action_open()

    def action_print_so_far(self):
        """Print what these open cycles would bill, as the bills they would make.

        Those that are not open, or have nothing to bill, are named and left out.

        :raise UserError: that is all of them; or they are more than one waits for
        """
        self.check_access('read')
        if len(self) > MOST_AT_ONCE:
            raise UserError(
                self.env._(
                    "%(count)s bills are too many to wait for. Choose %(limit)s at most.",
                    count=len(self),
                    limit=MOST_AT_ONCE,
                )
            )
        printed, problems = self.browse(), []
        for cycle in self:
            try:
                cycle._prepare_so_far_vals()
            except UserError as error:
                problems.append(str(error))
            else:
                printed += cycle
        left_out = "\n".join(problems[:NAMED_PROBLEMS])
        if len(problems) > NAMED_PROBLEMS:
            left_out += "\n…"
        if not printed:
            raise UserError(left_out or self.env._("Choose what to print."))
        report = self.env.ref('assist_billing.cycle_report_so_far')
        # Without first asking for a layout of documents.
        action = report.report_action(printed, config=False)
        if not problems:
            return action
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning',
                'title': self.env._("Left out: %s", len(problems)),
                'message': left_out,
                'sticky': True,
                'next': action,
            },
        }

    def _prepare_so_far_vals(self):
        """Return the values of the bill that this open cycle would make now.

        :raise UserError: it is not open, cannot be rated, or has nothing to bill
        """
        self.ensure_one()
        self.check_access('read')
        if self.state != 'open':
            raise UserError(self.env._("%(cycle)s is not open any more.", cycle=self.display_name))
        # sudo: the sessions of all technicians count, whoever looks
        cycle = self.sudo()
        outcomes, problems = cycle._get_preview_outcomes()
        if problems:
            raise UserError(problems[cycle])
        if not cycle._is_to_invoice(outcomes[cycle]):
            raise UserError(
                self.env._("%(cycle)s: there is nothing to bill so far.", cycle=self.display_name)
            )
        return cycle._prepare_invoice_vals(outcomes[cycle], fields.Datetime.now())

    def _make_bill_so_far(self):
        """Return the bill that this open cycle would make now, to be looked at and then undone.

        Only within a savepoint that is rolled back: the report of `ir.actions.report` has one.
        """
        vals = self._prepare_so_far_vals()
        # sudo: whoever may see what a cycle comes to may see the bill it would make
        moves = self.env['account.move'].sudo().with_company(self.company_id)
        # Nobody is told of what is undone.
        return moves.with_context(tracking_disable=True, mail_create_nolog=True).create(vals)

    @api.model
    def action_bill_over(self):
        """Bill all of the chosen companies that is over or due in advance; open what came of it."""
        self._check_billing_user()
        # sudo: cycles are written by the engine only
        cycles, now = self.sudo(), fields.Datetime.now()
        cycles._open_next_begun(now)
        begun = cycles._lock_fees_due(now, [], self.env.companies)
        if len(begun) > MOST_AT_ONCE:
            return self.action_bill_all_due()
        begun._bill_fees_due(now)
        domain = [('company_id', 'in', self.env.companies.ids), *self._get_over_domain()]
        over = self.search(domain, order='end_at, id', limit=MOST_AT_ONCE + 1)
        if not over and begun:
            return self.env['assist.billing.run']._open_fees_bills(begun.sudo(False))
        if not over:
            raise UserError(self.env._("No period is over that waits for its bill."))
        if len(over) > MOST_AT_ONCE:
            return self.action_bill_all_due()
        run = self.env['assist.billing.run']._run_selection(over)
        if run.failed_count or not over.move_id:
            return run.action_open()
        return run.action_view_bills()

    def action_bill_all_due(self):
        """Close all that is due, in the background; open the run to see how far it is.

        A button of the list's header: whatever is selected there does not count.
        """
        return self.env['assist.billing.run'].action_request()

    def action_retry_all(self):
        """Try every failed cycle of these companies again, in the background.

        A button of the list's header: whatever is selected there does not count.
        """
        self._check_billing_user()
        failed = self.search([('error', '!=', False), ('state', '=', 'open')])
        if not failed:
            raise UserError(self.env._("No cycle has failed; there is nothing to try again."))
        return failed.action_retry()

    @api.model
    def _get_over_domain(self):
        """Return the domain of open cycles that are over, and that nobody has put on hold."""
        return [
            ('state', '=', 'open'),
            ('end_at', '<=', fields.Datetime.now()),
            ('association_id.state', '!=', 'on_hold'),
        ]

    def _get_due_at(self):
        """Return from when on the cycle is due: its end and the company's grace, naive UTC."""
        self.ensure_one()
        return fields.Datetime.add(self.end_at, hours=self.company_id.assist_close_grace_hours)
