import functools
import hashlib
import inspect
from collections import defaultdict
from itertools import chain

from odoo import models
from odoo.tools import format_list

from ...utils.remembering import CODE, remembered
from .account_move import COUNTRY_DATES, SUPPLY_DATES
from .fast_sources import COMPARED_SOURCES

# Values of an invoice, and of its lines, that the fast way knows what to do with.
KNOWN_VALUES = {
    'move_type',
    'company_id',
    'partner_id',
    'currency_id',
    'invoice_date',
    'invoice_date_due',
    'invoice_payment_term_id',
    *SUPPLY_DATES,
    *chain.from_iterable(COUNTRY_DATES.values()),
    'invoice_user_id',
    'invoice_origin',
    'ref',
    'invoice_line_ids',
    'assist_kind',
    'assist_cycle_id',
    'assist_origin_cycle_id',
    'assist_rounds_lines',
}
KNOWN_LINE_VALUES = {
    'assist_charge',
    'assist_period_start',
    'assist_period_end',
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
    'res.partner': {'_increase_rank'},
}
# What an add-on may extend to have a hand in every bill as it is made, written, posted or told of.
LISTENING_METHODS = {
    'create',
    'write',
    'copy_data',
    'default_get',
    'modified',
    'flush_recordset',
    '_create',
    '_write',
    '_write_multi',
    '_add_precomputed_values',
    '_prepare_create_values',
    '_compute_field_value',
    '_validate_fields',
    '_post',
    'action_post',
    'message_post',
    'message_subscribe',
    '_creation_message',
    '_creation_subtype',
    '_message_create',
    '_message_log',
    '_message_log_batch',
    '_message_post_after_hook',
    '_notify_thread',
    '_track_finalize',
    '_track_prepare',
    '_track_set_log_message',
}
POSTING_METHODS = {'_post', 'action_post'}
LISTENED_MODELS = ('account.move', 'account.move.line')
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
# Parts of other add-ons of Odoo that were read, and leave bills alone: they act on what no bill has
# (sales orders, purchases, expenses, goods, ratings), or are computed by Odoo in both ways. Bills
# were compared in a database that has them; any other part of these add-ons counts as unknown.
HARMLESS_PARTS = {
    'account_debit_note': {'_get_last_sequence_domain'},
    'hr_expense': {
        '_check_expense_ids',
        '_check_payable_receivable',
        '_compute_commercial_partner_id',
        '_compute_needed_terms',
        '_compute_partner_id',
        '_compute_totals',
        '_creation_message',
        '_prepare_product_base_line_for_taxes_computation',
    },
    'l10n_de': {'_post'},
    'purchase': {'_related_analytic_distribution', 'create', 'write'},
    'purchase_stock': {'_compute_incoterm_location', '_post'},
    'rating': {'_message_post_after_hook', 'message_post'},
    'sale': {
        '_compute_is_storno',
        '_compute_team_id',
        '_post',
        '_related_analytic_distribution',
        'action_post',
        'team_id',
    },
    'sale_project': {'_compute_analytic_distribution'},
    'sale_stock': {'_compute_delivery_date', '_compute_incoterm_location'},
    'sale_timesheet': {'action_post'},
    'utm': {'default_get'},
    'stock_account': {'_compute_account_id', '_inverse_product_id', '_post', 'copy_data'},
}
COMPARED_TAXES = ('percent', 'fixed', 'division', 'group')


def is_known(module, name):
    """Tell whether bills were compared with this part of an add-on."""
    return module in COMPARED_MODULES or name in HARMLESS_PARTS.get(module, ())


def get_unknown_modules(field):
    """Return the unknown add-ons ('' for a person) that have this stored field computed."""
    if not field.store or not (field.compute or field.related):
        return []
    modules = [''] if field.manual else field._modules
    return [module for module in modules if not is_known(module, field.name)]


def is_by_known_module(function):
    """Tell whether what stands in the class of a known add-on was written in one, too."""
    *path, _file = (getattr(function, '__module__', None) or '').split('.')
    return path[:2] == ['odoo', 'addons'] and (
        path[2] in COMPARED_MODULES or path[2] in HARMLESS_PARTS
    )


@functools.cache
def get_checksum(function):
    """Return a checksum of the code of a method, without blank lines and lines of comment."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return None  # where there is no source, nobody knows what it does
    lines = [line.strip() for line in source.splitlines()]
    code = "\n".join(line for line in lines if line and not line.startswith('#'))
    return hashlib.sha256(code.encode()).hexdigest()[:16]


class AssistBillMaker(models.AbstractModel):
    """Which bills are made the fast way: those of a shape proven equal."""

    _inherit = 'assist.bill.maker'

    # === RULE === #

    def _get_general_slow_reason(self):
        """Return in words why no bill of this company is made a fast way; None if some may be."""
        if self.env.company.account_storno:
            return self.env._("storno accounting")
        if self.env.context.get('project_id'):
            return self.env._("a project whose analytic accounts count")
        if self.env['account.journal'].search_count(
            [
                *self.env['account.journal']._check_company_domain(self.env.company),
                ('type', '=', 'sale'),
                ('restrict_mode_hash_table', '=', True),
            ],
            limit=1,
        ):
            return self.env._("a journal that secures posted entries")
        if self.env['account.analytic.distribution.model'].search_count(
            [('company_id', 'in', (False, self.env.company.id))], limit=1
        ):
            return self.env._("models of analytic distribution")
        return None

    def _get_listening_reason(self):
        """Return in words who has a hand in invoices and was never compared; None if nobody."""
        if listeners := self._get_listeners():
            return self.env._(
                "%(listeners)s have a hand in how invoices are made",
                listeners=format_list(self.env, listeners),
            )
        return None

    def _get_slow_reason(self, vals):
        """Return in words why this bill is not made the fast way; None if it is. Extend for more.

        :param dict vals: as of `_prepare_invoice_vals`
        """
        lines = vals.get('invoice_line_ids', [])
        if vals.get('move_type') != 'out_invoice':
            return self.env._("no customer invoice")
        if vals.get('invoice_payment_term_id', True):
            return self.env._("a payment term")  # parts, early payment discount, dates of its own
        if vals.keys() - KNOWN_VALUES or not vals.get('invoice_date_due'):
            return self.env._("values of other add-ons")
        if not lines or any(command[0] != 0 or not command[2]['product_id'] for command in lines):
            return self.env._("lines without product")
        if any(command[2].keys() - KNOWN_LINE_VALUES for command in lines):
            return self.env._("values of other add-ons on lines")
        return None

    def _is_slow_line(self, product, product_taxes, taxes, account):
        """Tell whether a line has more to it than the fast way knows.

        :param product: goods have entries of their own
        :param product_taxes: those of the product in this company
        :param taxes: what they are for this customer
        """
        return (
            product.type != 'service'
            or not account  # the journal's, or what the customer's last bills had
            or (account.tax_ids and not product_taxes)
            or any(tax.amount_type not in COMPARED_TAXES for tax in taxes | taxes.children_tax_ids)
        )

    # === LISTENERS === #

    def _get_listeners(self):
        """Return what has a hand in how bills are made and was never compared, each in words.

        Add-ons that extend a method, compute or check a field of invoices; methods that were
        exchanged while Odoo runs; automation rules.
        """
        return [
            *self._get_listening_add_ons(),
            *self._get_automation_rules(),
        ]

    def _get_listening_add_ons(self):
        """Return the add-ons among the listeners, in words: with their methods and fields."""
        found = self._find_listening_parts()
        titles = self._get_add_on_titles([module for module, _changed in found])
        words = []
        for (module, is_changed), names in found.items():
            values = {
                'add_on': titles.get(module, module) or self.env._("a change at run time"),
                'parts': ", ".join(sorted(names)),
            }
            words.append(
                self.env._("%(add_on)s, another version than was compared (%(parts)s),", **values)
                if is_changed
                else self.env._("%(add_on)s (%(parts)s)", **values)
            )
        return words

    @remembered(lambda self: None, CODE)
    def _find_listening_parts(self):
        """Return what of add-ons has a hand in how bills are made, and was never compared.

        :return: (name of the add-on, whether it is another version of one that was compared) ->
            set of names of methods and fields
        """
        found = defaultdict(set)
        for model in REPLACED_METHODS:
            for module, name in self._get_unknown_parts(model):
                found[module, False].add(name)
            for module, name, checksum in self._get_compared_sources(model):
                if checksum not in COMPARED_SOURCES.get((model, module, name), ()):
                    found[module, True].add(name)
        return found

    def _get_add_on_titles(self, names):
        """Return what add-ons are called, by their technical names, as far as they are known."""
        # sudo: what an add-on is called may everybody know
        modules = self.env['ir.module.module'].sudo().search([('name', 'in', names)])
        return {module.name: module.shortdesc for module in modules}

    def _is_posting_extended(self):
        """Tell whether an add-on whose posting was never compared takes part in it."""
        parts = self._get_unknown_parts('account.move')
        return any(name in POSTING_METHODS for _module, name in parts)

    def _is_asked_before_posting(self):
        """Tell whether an add-on that was never compared has a say in the button that posts.

        What only stands there, and not in `_post`, would be passed over.
        """
        parts = self._get_unknown_parts('account.move')
        return any(name == 'action_post' for _module, name in parts)

    @remembered(lambda self, model: model, CODE)
    def _get_unknown_parts(self, model):
        """Return the parts of this model that matter to bills and stem from unknown add-ons.

        :return: pairs of the name of an add-on ('' for what was exchanged at run time) and of a
            method or a field
        """
        parts = {(module, name) for module, name, _part in self._iter_unknown_methods(model)}
        if model in LISTENED_MODELS:
            parts |= {
                (module, field.name)
                for field in self.env[model]._fields.values()
                for module in get_unknown_modules(field)
            }
        return parts

    def _get_compared_sources(self, model):
        """Return the methods of known add-ons that were copied or read, as they are now.

        :return: set of (name of the add-on, name of the method, checksum)
        """
        return {
            (module, name, get_checksum(part))
            for module, name, part in self._iter_methods(model)
            if (module in COMPARED_MODULES and name in REPLACED_METHODS[model])
            or name in HARMLESS_PARTS.get(module, ())
            if not module.startswith('assist_billing') and is_by_known_module(part)
        }

    def _iter_unknown_methods(self, model):
        """Yield the methods that matter to bills and stem from unknown add-ons.

        As `_iter_methods`; for what was exchanged at run time the name of the add-on is ''.
        """
        for module, name, part in self._iter_methods(model):
            if not is_known(module, name):
                yield module, name, part
            elif not is_by_known_module(part):
                yield '', name, part

    def _iter_methods(self, model):
        """Yield the methods that matter to bills: name of the add-on, name, function."""
        methods = set(REPLACED_METHODS[model])
        is_listened = model in LISTENED_MODELS
        if is_listened:
            stored = [field for field in self.env[model]._fields.values() if field.store]
            methods |= LISTENING_METHODS
            methods |= {field.compute for field in stored} | {field.inverse for field in stored}
        for parent in type(self.env[model]).__mro__:
            if parent in models.Model.__mro__:
                continue
            module = vars(parent).get('_module') or ''
            for name, part in vars(parent).items():
                if name in methods or (is_listened and hasattr(part, '_constrains')):
                    yield module, name, part

    def _get_automation_rules(self):
        """Return the automation rules on invoices and their lines, if there can be any."""
        if 'base.automation' not in self.env:
            return []
        # sudo: who closes need not see them
        rules = (
            self.env['base.automation'].sudo().search([('model_id.model', 'in', LISTENED_MODELS)])
        )
        return [
            self.env._("the automation rule “%(rule)s”", rule=rule.display_name) for rule in rules
        ]
