from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import formatLang

from ...utils.checks import count_digits

ROW = Markup('<tr><th scope="row" class="fw-normal text-muted pe-4">%s</th><td>%s</td></tr>')
TABLE = Markup('<table class="table table-sm w-auto mb-0"><tbody>%s</tbody></table>')


class AssistBillingCycle(models.Model):
    """The frozen terms of a cycle, in words, and what else only its screens need."""

    _inherit = 'assist.billing.cycle'
    # Nobody writes a cycle by hand, but whoever reads it may leave a note on it.
    _mail_post_access = 'read'

    # === FIELDS === #

    terms_summary = fields.Html(
        string="Prices and Rules",
        compute='_compute_terms_summary',
        help="In force when the cycle opened.",
    )
    bill_status = fields.Selection(related='move_id.assist_status', string="Bill Status")

    # === COMPUTE METHODS === #

    @api.depends('terms', 'currency_id')
    @api.depends_context('lang')
    def _compute_terms_summary(self):
        for cycle in self:
            rows = cycle._get_terms_rows() if cycle.terms else []
            cycle.terms_summary = TABLE % Markup().join(ROW % row for row in rows)

    def _get_terms_rows(self):
        """Return the terms as (label, text), in the order of the plan's screen; rules at zero not.

        Extend it when a rule is added to the plan.
        """
        self.ensure_one()
        return [*self._get_price_rows(), *self._get_time_rows(), *self._get_amount_rows()]

    def _get_price_rows(self):
        terms = self.terms
        price = 'price_per_hour' if terms['billing_type'] == 'hour' else 'price_per_session'
        rows = [
            (self.env._("Plan"), terms['plan']),
            (
                self._get_term_label('cycle', 'assist.billing.association'),
                self._get_term_choice('cycle', 'assist.billing.association'),
            ),
            (self._get_term_label(price), self._format_price(terms[price])),
        ]
        if terms['charge_devices']:
            rows += [
                (
                    self._get_term_label('price_per_device'),
                    self._format_price(terms['price_per_device']),
                ),
                (self._get_term_label('device_count'), self._get_term_choice('device_count')),
            ]
        return rows

    def _get_time_rows(self):
        terms = self.terms
        rows = []
        if seconds := terms['ignore_under_seconds']:
            rows.append(
                (
                    self._get_term_label('ignore_under_seconds'),
                    self.env._("%(count)s seconds", count=seconds),
                )
            )
        names = ['merge_gap_minutes', 'minimum_minutes', 'increment_minutes']
        if terms['billing_type'] == 'hour' and terms['base_fee']:
            names.append('base_minutes')
        rows += [
            (self._get_term_label(name), self.env._("%(count)s minutes", count=terms[name]))
            for name in names
            if terms[name]
        ]
        return rows

    def _get_amount_rows(self):
        terms = self.terms
        rows = []
        if terms['billing_type'] == 'hour' and terms['base_fee']:
            rows.append((self._get_term_label('base_fee'), self._format_price(terms['base_fee'])))
        if terms['included_quantity']:
            quantity = formatLang(self.env, terms['included_quantity'], dp='Product Unit')
            text = (
                self.env._("%(quantity)s hours", quantity=quantity)
                if terms['billing_type'] == 'hour'
                else self.env._("%(quantity)s sessions", quantity=quantity)
            )
            rows.append((self._get_term_label('included_quantity'), text))
        if terms['minimum_charge']:
            rows.append(
                (
                    self._get_term_label('minimum_charge'),
                    self._format_price(terms['minimum_charge']),
                )
            )
        if terms['charge_devices'] or terms['included_quantity'] or terms['minimum_charge']:
            rows.append((self._get_term_label('amounts_per'), self._get_term_choice('amounts_per')))
            if terms['prorate_partial']:
                rows.append((self._get_term_label('prorate_partial'), self.env._("Yes")))
        return rows

    def _get_term_label(self, name, model='assist.billing.plan'):
        return self.env[model]._fields[name]._description_string(self.env)

    def _get_term_choice(self, name, model='assist.billing.plan'):
        """Return the label of a selected term; what the terms hold, if it is no choice any more."""
        choices = dict(self.env[model]._fields[name]._description_selection(self.env))
        return choices.get(self.terms.get(name), self.terms.get(name) or "")

    def _format_price(self, price):
        """Return a unit price with all its digits: they can be more than the currency's."""
        digits = max(
            self.env['decimal.precision'].precision_get('Product Price'), count_digits(price)
        )
        text = formatLang(self.env, price, digits=digits)
        symbol = self.currency_id.symbol or self.currency_id.name
        parts = (text, symbol) if self.currency_id.position == 'after' else (symbol, text)
        return "\N{NO-BREAK SPACE}".join(parts)
