from odoo import api, fields, models
from odoo.tools import format_date

from ...utils.sums import format_sums

# What more open periods come to is not rated each time somebody looks.
MOST_RATED = 300


class AssistBillingOverview(models.AbstractModel):
    """How things stand, at one glance: what comes, and what waits for somebody."""

    _name = 'assist.billing.overview'
    _description = "Overview of Remote Support Billing"

    # === BUSINESS METHODS === #

    @api.model
    def get_overview(self):
        """Return how things stand with the chosen companies, as the present user may see it.

        :return: dict of `title`, whether `is_well`, and two lists of cards: `figures`, and `tasks`
            that wait for somebody. A card is a dict of `key`, `title`, `value`, `text` and
            `action`, an XML id or a dict.
        """
        self.env['assist.billing.cycle'].check_access('read')
        tasks = [card for card in self._get_tasks() if card['count']]
        return {
            'title': self.env._("All is well")
            if not tasks
            else self.env._("To be looked at: %(count)s", count=len(tasks)),
            'is_well': not tasks,
            'figures': self._get_figures(),
            'tasks': tasks,
        }

    # === WHAT COMES === #

    def _get_figures(self):
        return [
            self._prepare_open_card(),
            self._prepare_closing_card(),
            self._prepare_made_card(),
            self._prepare_due_card(),
        ]

    def _prepare_open_card(self):
        cycles = self.env['assist.billing.cycle'].search(
            [*self._get_company_domain(), ('state', '=', 'open')], limit=MOST_RATED + 1
        )
        sessions = self.env['assist.session'].search_count(
            [*self._get_company_domain(), ('state', '=', 'to_bill')]
        )
        value = self.env._("Sessions: %(count)s", count=sessions)
        text = self.env._("Open periods: %(count)s", count=len(cycles))
        if len(cycles) > MOST_RATED:
            text = self.env._("Open periods: more than %(count)s", count=MOST_RATED)
        elif cycles:
            text = f"{text} · {value}"
            value = self._format_sums(
                (currency, sum(group.mapped('preview_amount')))
                for currency, group in cycles.grouped('currency_id').items()
            )
        return {
            'key': 'open',
            'title': self.env._("Open so far"),
            'value': value,
            'text': text,
            'action': self._get_action('assist_billing_cycle_action_due'),
        }

    def _prepare_closing_card(self):
        [[end]] = self.env['assist.billing.cycle']._read_group(
            [*self._get_company_domain(), ('state', '=', 'open')], [], ['date_end:min']
        )
        count = 0
        if end:
            count = self.env['assist.billing.cycle'].search_count(
                [*self._get_company_domain(), ('state', '=', 'open'), ('date_end', '=', end)]
            )
        return {
            'key': 'closing',
            'title': self.env._("Next closing"),
            'value': format_date(self.env, end) if end else "–",
            'text': self.env._("Customers: %(count)s", count=count),
            'action': self._get_action('assist_billing_cycle_action_due'),
        }

    def _prepare_made_card(self):
        first = fields.Date.context_today(self).replace(day=1)
        domain = [*self._get_bill_domain(), ('invoice_date', '>=', first)]
        groups = self.env['account.move']._read_group(
            domain, ['currency_id'], ['amount_untaxed:sum', '__count']
        )
        return {
            'key': 'made',
            'title': self.env._("Billed this month"),
            'value': self._format_sums((currency, amount) for currency, amount, _n in groups),
            'text': self.env._(
                "Bills: %(count)s, before taxes", count=sum(count for *_sum, count in groups)
            ),
            'action': {
                **self._get_action('account_move_action_assist_bills'),
                'domain': domain,
            },
        }

    def _prepare_due_card(self):
        domain = [
            *self._get_bill_domain(),
            ('state', '=', 'posted'),
            ('payment_state', 'in', ('not_paid', 'partial')),
        ]
        groups = self.env['account.move']._read_group(
            domain, ['currency_id'], ['amount_residual:sum', '__count']
        )
        return {
            'key': 'due',
            'title': self.env._("Still to be paid"),
            'value': self._format_sums((currency, amount) for currency, amount, _n in groups),
            'text': self.env._("Bills: %(count)s", count=sum(count for *_sum, count in groups)),
            'action': self._get_action('account_move_action_assist_bills', 'not_paid'),
        }

    # === WHAT WAITS FOR SOMEBODY === #

    def _get_tasks(self):
        """Return a card for each thing that somebody may have to do, with its `count`."""
        return [
            self._prepare_failed_task(),
            self._prepare_unmatched_task(),
            self._prepare_free_task(),
            self._prepare_task(
                'on_hold',
                self.env._("Customers on hold"),
                self.env._("Nothing is billed until they are resumed."),
                'assist.billing.association',
                domain=[('state', '=', 'on_hold')],
                action=self._get_action('assist_billing_association_action', 'on_hold'),
            ),
            self._prepare_task(
                'to_rebill',
                self.env._("Bills taken back"),
                self.env._("Bill their periods again, or waive them."),
                'assist.billing.cycle',
                domain=[('state', '=', 'to_rebill')],
                action=self._get_action('assist_billing_cycle_action', 'to_rebill'),
            ),
            self._prepare_bill_task(
                'draft',
                self.env._("Drafts to check"),
                self.env._("Post them once they are right."),
                domain=[('state', '=', 'draft')],
                search_filter='draft',
            ),
            self._prepare_bill_task(
                'not_sent',
                self.env._("Not sent yet"),
                self.env._("Select them, and press Email Invoice."),
                domain=[
                    ('state', '=', 'posted'),
                    ('payment_state', 'in', ('not_paid', 'partial')),
                    ('assist_delivery_state', 'in', ('none', False)),
                ],
                search_filter='not_sent',
            ),
            self._prepare_bill_task(
                'undelivered',
                self.env._("Not delivered"),
                self.env._("Sending failed, or there is no address."),
                domain=[('assist_delivery_state', 'in', ('failed', 'no_address'))],
                search_filter='undelivered',
            ),
            self._prepare_bill_task(
                'overdue',
                self.env._("Overdue"),
                self.env._("Not paid, though they are past due."),
                domain=[
                    ('state', '=', 'posted'),
                    ('payment_state', 'in', ('not_paid', 'partial')),
                    ('invoice_date_due', '<', fields.Date.context_today(self)),
                ],
                search_filter='overdue',
            ),
        ]

    def _prepare_failed_task(self):
        return self._prepare_task(
            'failed',
            self.env._("Could not be billed"),
            self.env._("Each has its reason, and is tried again."),
            'assist.billing.cycle',
            domain=[('error', '!=', False)],
            action=self._get_action('assist_billing_cycle_action_failures'),
        )

    def _prepare_unmatched_task(self):
        task = self._prepare_task(
            'unmatched',
            self.env._("Sessions of nobody"),
            self.env._("They are not billed until they are matched."),
            'assist.session',
            domain=[('state', '=', 'unmatched')],
            action=self._get_action('assist_unmatched_action'),
        )
        # What they come to was looked up last night.
        summaries = self.env['assist.unmatched.summary'].search(self._get_company_domain())
        amounts = [
            (currency, sum(group.mapped('revenue_at_risk')))
            for currency, group in summaries.grouped('currency_id').items()
        ]
        if task['count'] and any(amount for _currency, amount in amounts):
            task['text'] = self.env._("At risk: %(amount)s", amount=self._format_sums(amounts))
        return task

    def _prepare_free_task(self):
        plans = self.env['assist.billing.plan'].search(
            [*self._get_company_domain(), ('association_ids.state', '!=', 'ended')]
        )
        free = plans.filtered('bills_nothing')
        return self._prepare_task(
            'free',
            self.env._("Plans without a price"),
            self.env._("Their customers are billed nothing."),
            'assist.billing.plan',
            domain=[('id', 'in', free.ids)],
            action={
                **self._get_action('assist_billing_plan_action'),
                'domain': [('id', 'in', free.ids)],
            },
        )

    def _prepare_bill_task(self, key, title, text, domain, search_filter):
        return self._prepare_task(
            key,
            title,
            text,
            'account.move',
            [('assist_kind', '=', 'bill'), *domain],
            self._get_action('account_move_action_assist_bills', search_filter),
        )

    def _prepare_task(self, key, title, text, model, domain, action):
        count = self.env[model].search_count([*self._get_company_domain(), *domain])
        return {
            'key': key,
            'title': title,
            'value': str(count),
            'text': text,
            'count': count,
            'action': action,
        }

    # === HELPERS === #

    def _get_company_domain(self):
        return [('company_id', 'in', self.env.companies.ids)]

    def _get_bill_domain(self):
        return [
            *self._get_company_domain(),
            ('assist_kind', '=', 'bill'),
            ('state', '!=', 'cancel'),
        ]

    def _format_sums(self, sums):
        """Return sums in words as of `format_sums`; a dash where there is none."""
        return format_sums(sums) or "–"

    def _get_action(self, name, search_filter=None):
        """Return an action of ours, with no filter but this one."""
        action = self.env['ir.actions.act_window']._for_xml_id(f'assist_billing.{name}')
        context = {'create': False}
        if search_filter:
            context[f'search_default_{search_filter}'] = 1
        return {**action, 'context': context}
