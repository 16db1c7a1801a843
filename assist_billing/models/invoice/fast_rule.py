from odoo import api, models

# Values of an invoice, and of its lines, that the fast way knows what to do with.
KNOWN_VALUES = {
    'move_type',
    'company_id',
    'partner_id',
    'currency_id',
    'invoice_date',
    'invoice_date_due',
    'invoice_payment_term_id',
    'delivery_date',
    'taxable_supply_date',
    'invoice_user_id',
    'invoice_origin',
    'invoice_line_ids',
    'assist_kind',
    'assist_cycle_id',
    'assist_origin_cycle_id',
}
KNOWN_LINE_VALUES = {
    'assist_charge',
    'product_id',
    'name',
    'quantity',
    'product_uom_id',
    'price_unit',
    'discount',
    'sequence',
    'tax_ids',
    'account_id',
}
# What the fast way does instead of Odoo, by model. An add-on that has a say in one of these, and
# with which bills were not compared, gets the ordinary way.
REPLACED_METHODS = {
    'account.move': {
        '_get_sync_stack',
        '_sync_dynamic_line',
        '_sync_dynamic_lines',
        '_sync_invoice',
        '_sync_tax_lines',
        '_sync_unbalanced_lines',
        '_sync_rounding_lines',
        '_sync_non_deductible_base_lines',
        '_recompute_cash_rounding_lines',
        '_get_rounded_base_and_tax_lines',
        '_prepare_product_base_line_for_taxes_computation',
        '_search_default_journal',
        '_get_accounting_date_source',
        '_get_accounting_date',
        '_get_invoice_currency_rate_date',
        '_get_expected_currency_rate_at',
        '_get_next_sequence_format',
        '_get_last_sequence_domain',
        '_compute_always_tax_exigible',
        '_compute_amount',
        '_compute_auto_post_until',
        '_compute_checked',
        '_compute_commercial_partner_id',
        '_compute_currency_id',
        '_compute_date',
        '_compute_delivery_date',
        '_compute_fiscal_position_id',
        '_compute_incoterm',
        '_compute_incoterm_location',
        '_compute_invoice_currency_rate',
        '_compute_invoice_date_due',
        '_compute_invoice_default_sale_person',
        '_compute_invoice_partner_display_info',
        '_compute_invoice_payment_term_id',
        '_compute_journal_id',
        '_compute_needed_terms',
        '_compute_partner_bank_id',
        '_compute_partner_shipping_id',
        '_compute_payment_state',
        '_compute_preferred_payment_method_line_id',
        '_compute_taxable_supply_date',
    },
    'account.move.line': {
        '_sync_invoice',
        '_get_computed_taxes',
        '_related_analytic_distribution',
        '_get_analytic_distribution_arguments',
        '_compute_account_id',
        '_compute_amount_currency',
        '_compute_amount_residual',
        '_compute_analytic_distribution',
        '_compute_balance',
        '_compute_currency_id',
        '_compute_debit_credit',
        '_compute_display_type',
        '_compute_is_storno',
        '_compute_partner_id',
        '_compute_price_unit',
        '_compute_product_uom_id',
        '_compute_quantity',
        '_compute_sequence',
        '_compute_tax_ids',
        '_compute_totals',
        '_inverse_account_id',
        '_inverse_amount_currency',
        '_inverse_analytic_distribution',
        '_inverse_credit',
        '_inverse_debit',
        '_inverse_partner_id',
        '_inverse_product_id',
    },
}
# An add-on that has a say in posting gets Odoo's own checks and balances there.
POSTING_METHODS = {'account.move': {'_post'}}
# With these bills were compared, field by field.
COMPARED_MODULES = {
    'account',
    'account_add_gln',
    'account_edi_ubl_cii',
    'account_payment',
    'analytic',
    'assist_billing',
    'base',
    'mail',
    'portal',
    'sms',
    'snailmail_account',
}
COMPARED_TAXES = ('percent', 'fixed', 'division', 'group')


class AccountMove(models.Model):
    """Which bills are made the fast way: those of a shape proven equal."""

    _inherit = 'account.move'

    # === RULE === #

    @api.model
    def _assist_get_general_slow_reason(self):
        """Return why no bill of this company is made the fast way; nothing if some may be."""
        if self.env.company.account_storno:
            return 'storno accounting'
        if self._assist_has_unknown_overrides():
            return 'an add-on that changes how invoices are made'
        if self.env['account.journal'].search_count(
            [
                *self.env['account.journal']._check_company_domain(self.env.company),
                ('type', '=', 'sale'),
                ('restrict_mode_hash_table', '=', True),
            ],
            limit=1,
        ):
            return 'sealed journal'
        if self.env['account.analytic.distribution.model'].search_count(
            [('company_id', 'in', (False, self.env.company.id))], limit=1
        ):
            return 'analytic distribution by model'
        return None

    @api.model
    def _assist_get_slow_reason(self, vals):
        """Return why this bill is not made the fast way; nothing if it is. Extend for more.

        :param dict vals: as of `_prepare_invoice_vals`
        """
        lines = vals.get('invoice_line_ids', [])
        if vals.get('move_type') != 'out_invoice':
            return 'no customer invoice'
        if vals.get('invoice_payment_term_id', True):
            return 'payment term'  # parts, early payment discount, dates of its own
        if vals.keys() - KNOWN_VALUES or not vals.get('invoice_date_due'):
            return 'values of other add-ons'
        if not lines or any(command[0] != 0 or not command[2]['product_id'] for command in lines):
            return 'lines without product'
        if any(command[2].keys() - KNOWN_LINE_VALUES for command in lines):
            return 'values of other add-ons on lines'
        return None

    @api.model
    def _assist_is_slow_line(self, product_taxes, taxes, account):
        """Tell whether a line's account or taxes are found in ways the fast way does not know.

        :param product_taxes: those of the product in this company
        :param taxes: what they are for this customer
        """
        return (
            not account  # the journal's, or what the customer's last bills had
            or (account.tax_ids and not product_taxes)
            or any(tax.amount_type not in COMPARED_TAXES for tax in taxes | taxes.children_tax_ids)
        )

    @api.model
    def _assist_has_unknown_overrides(self, methods=REPLACED_METHODS):
        """Tell whether an add-on that bills were not compared with has a say in these methods."""
        return any(
            getattr(parent, '_module', None) not in COMPARED_MODULES
            for model, names in methods.items()
            for parent in type(self.env[model]).__mro__
            if '_module' in vars(parent) and not names.isdisjoint(vars(parent))
        )
