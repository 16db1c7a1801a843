from odoo import api, fields, models
from odoo.tools import format_date


class AssistBillingGetStarted(models.AbstractModel):
    """The first-use page: what is to be set up, in order, and what of it is done.

    Nothing is stored: a step is done when what it asks for is there.
    """

    _name = 'assist.billing.get.started'
    _description = "Get Started with Remote Support Billing"

    # === BUSINESS METHODS === #

    @api.model
    def get_steps(self):
        """Return the steps for the present company and user, in order.

        :return: list of dicts: `key`, `title`, `text`, `done`, `fact` (what is there already, or
            False) and `buttons`: a list of (label, action) pairs, the first the main one; an
            action is an XML id or a dict. No button when the user may not do that step.
        """
        return [
            self._prepare_plan_step(),
            self._prepare_association_step(),
            self._prepare_session_step(),
            self._prepare_bill_step(),
        ]

    # === STEPS === #

    def _prepare_plan_step(self):
        plans = self.env['assist.billing.plan']
        count = plans.search_count(self._get_company_domain())
        buttons = self._get_buttons(
            count,
            view=(self.env._("View Plans"), 'assist_billing.assist_billing_plan_action'),
            create=plans.has_access('create')
            and (self.env._("Create a Plan"), self._prepare_new('assist.billing.plan')),
        )
        return {
            'key': 'plan',
            'title': self.env._("Create a billing plan"),
            'text': self.env._(
                "What a session or an hour of remote support costs, and what an unattended device "
                "costs."
            ),
            'done': bool(count),
            'fact': bool(count) and self.env._("Plans: %(count)s", count=count),
            'buttons': buttons,
        }

    def _prepare_association_step(self):
        associations = self.env['assist.billing.association']
        count = associations.search_count(
            [*self._get_company_domain(), ('state', '!=', 'ended')],
        )
        plans = self.env['assist.billing.plan'].search(self._get_company_domain(), limit=2)
        buttons = self._get_buttons(
            count,
            view=(
                self.env._("View Customers"),
                'assist_billing.assist_billing_association_action',
            ),
            # With one plan there is nothing to choose; without any, nobody can be associated.
            create=plans
            and associations.has_access('create')
            and (self.env._("Associate Customers"), plans.action_associate_customers()),
        )
        return {
            'key': 'association',
            'title': self.env._("Associate your customers"),
            'text': self.env._(
                "Which plan each customer or department is billed by, how often, from when, and "
                "where the bills are sent."
            ),
            'done': bool(count),
            'fact': bool(count) and self.env._("Customers: %(count)s", count=count),
            'buttons': buttons,
        }

    def _prepare_session_step(self):
        sessions = self.env['assist.session']
        count = sessions.search_count(self._get_company_domain())
        unmatched = sessions.search_count(
            [*self._get_company_domain(), ('state', '=', 'unmatched')]
        )
        fact = bool(count) and self.env._("Sessions: %(count)s", count=count)
        buttons = []
        if sessions.has_access('create'):
            buttons = [
                (self.env._("Import Sessions"), 'assist_billing.assist_session_import_action'),
                (self.env._("Record a Session"), self._prepare_new('assist.session')),
            ]
        if self.env['assist.connector'].has_access('create'):
            buttons.append((self.env._("Connect a Tool"), 'assist_billing.assist_connector_action'))
        if unmatched:
            fact = self.env._(
                "Sessions: %(count)s, of which %(unmatched)s have no customer yet",
                count=count,
                unmatched=unmatched,
            )
            buttons.append(
                (self.env._("Match Sessions"), 'assist_billing.assist_session_action_unmatched')
            )
        return {
            'key': 'session',
            'title': self.env._("Bring in your sessions"),
            'text': self.env._(
                "Import the reports of Zoho Assist, TeamViewer, AnyDesk and others, let a "
                "connector fetch them, or record them by hand."
            ),
            'done': bool(count),
            'fact': fact,
            'buttons': buttons,
        }

    def _prepare_bill_step(self):
        domain = [*self._get_company_domain(), ('assist_kind', '=', 'bill')]
        moves = self.env['account.move']
        count = moves.search_count(domain)
        sent = moves.search_count([*domain, ('assist_delivery_state', '=', 'sent')])
        fact = self._get_next_close()
        if count:
            fact = self.env._("Bills: %(count)s, sent: %(sent)s", count=count, sent=sent)
        cycles = (self.env._("View Cycles"), 'assist_billing.assist_billing_cycle_action')
        bills = (self.env._("View Bills"), 'assist_billing.account_move_action_assist_bills')
        return {
            'key': 'bill',
            'title': self.env._("Bills are created: send them"),
            'text': self.env._(
                "A cycle closes automatically at midnight in the customer's time zone and creates "
                "a bill. Email it, download it, and confirm its payment."
            ),
            'done': bool(sent),
            'fact': fact,
            'buttons': [bills, cycles] if count else [cycles, bills],
        }

    # === HELPERS === #

    def _get_company_domain(self):
        return [('company_id', '=', self.env.company.id)]

    def _get_buttons(self, count, view, create):
        """Return the buttons of a step: at first to create, later to view what is there.

        :param create: a button, or something false when the user may not
        """
        if not create:
            return [view]
        return [view, create] if count else [create]

    def _prepare_new(self, model):
        """Return the action that opens an empty form of this model."""
        return {
            'type': 'ir.actions.act_window',
            'res_model': model,
            'views': [(False, 'form')],
            'target': 'current',
        }

    def _get_next_close(self):
        """Return in words when the first bill is made, or False."""
        [[end]] = self.env['assist.billing.cycle']._read_group(
            [*self._get_company_domain(), ('state', '=', 'open')], [], ['date_end:min']
        )
        if not end:
            return False
        if end <= fields.Date.context_today(self):
            return self.env._("The first bill will be created within the hour")
        return self.env._(
            "The first bill will be created after %(day)s",
            day=format_date(self.env, fields.Date.subtract(end, days=1)),
        )
