from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.tools import format_date

# What Odoo calls a company that nobody has given a name.
UNNAMED = ("My Company", "YourCompany")
# What can be changed where it was entered; of anything else one more would be made there.
CHANGED_THERE = {'name', 'email', 'logo', 'layout'}
# Hours that sessions may still come in after a period, by how they arrive: recorded as they
# happen, fetched each half hour from a tool that may be down, or imported when someone finds time.
GRACE_HOURS = {'hand': 0, 'connector': 6, 'file': 72}
ARRIVAL_ACTIONS = {
    'connector': 'assist_billing.assist_connector_action',
    'file': 'assist_billing.assist_session_import_action',
}


class AssistBillingGetStarted(models.AbstractModel):
    """The first-use page: what is to be set up, in order, and what of it is done.

    A step is done when what it asks for is there; only how sessions arrive is kept.
    """

    _name = 'assist.billing.get.started'
    _description = "Get Started with Remote Support Billing"

    # === BUSINESS METHODS === #

    @api.model
    def get_steps(self):
        """Return the steps for the present company and user, in order.

        Sessions come before customers: a period that is over is billed within the hour once its
        customer is associated, with the sessions that are there by then.

        :return: list of dicts: `key`, `title`, `text`, `done`, `fact` (what is there already, or
            False) and `buttons`: a list of (label, action) pairs, the first the main one; an
            action is an XML id or a dict, or with `model` and `method` what to call, which
            returns one. No button when the user may not do that step. A step may have `checks`, a
            list of dicts with `label`, `done` and `button`, a pair or False; and `choices`, a list
            of dicts with `key`, `label`, `text`, `chosen` and `action`, what comes next once it is
            chosen.
        """
        return [
            self._prepare_company_step(),
            self._prepare_plan_step(),
            self._prepare_session_step(),
            self._prepare_association_step(),
            self._prepare_bill_step(),
        ]

    @api.model
    def choose_arrival(self, arrival):
        """Keep how sessions arrive, and leave them the time for it before a period is billed.

        :param str arrival: a key of `GRACE_HOURS`
        """
        self.env['assist.billing.plan'].check_access('create')
        if not isinstance(arrival, str) or arrival not in GRACE_HOURS:
            raise UserError(self.env._("Choose one of the ways in which sessions arrive."))
        # sudo: settings are the administrator's; these two the billing manager knows best
        self.env.company.sudo().write(
            {
                'assist_session_arrival': arrival,
                'assist_close_grace_hours': GRACE_HOURS[arrival],
            }
        )

    # === STEPS === #

    def _prepare_company_step(self):
        checks = self._get_company_checks()
        return {
            'key': 'company',
            'title': self.env._("Your company, as bills show it"),
            'text': self.env._(
                "Bills need a name and an e-mail address to come from. A logo and a bank account "
                "make them look right and easy to pay."
            ),
            'done': all(check['done'] for check in checks if check['needed']),
            'fact': False,
            'checks': checks,
            'buttons': [],
        }

    def _get_company_checks(self):
        """Return what bills need of the company, and how it is entered, or changed later."""
        company = self.env.company
        form = company.has_access('write') and self._prepare_company_form()
        banks = self.env['res.partner.bank']
        checks = [
            {
                'key': 'name',
                'label': self.env._("Name: %(name)s", name=company.name),
                'done': company.name not in UNNAMED,
                'needed': True,
                'button': form and (self.env._("Enter"), form),
            },
            {
                'key': 'email',
                'label': self.env._("E-mail: %(email)s", email=company.email or "–"),
                # Nothing is delivered from, or answered to, what is no address.
                'done': bool(tools.email_normalize(company.email)),
                'needed': True,
                'button': form and (self.env._("Enter"), form),
            },
            {
                'key': 'logo',
                'label': self.env._("Logo"),
                'done': not company.uses_default_logo,
                'needed': False,
                'button': form and (self.env._("Choose"), form),
            },
            {
                'key': 'layout',
                'label': self.env._("Look of documents"),
                'done': bool(company.external_report_layout_id),
                'needed': False,
                'button': form and (self.env._("Choose"), self._prepare_layout_form()),
            },
            {
                'key': 'bank',
                'label': self.env._("Bank account to be paid on"),
                'done': bool(company.partner_id.bank_ids),
                'needed': False,
                'button': company.has_access('write')
                and banks.has_access('create')
                and (self.env._("Enter"), company.setting_init_bank_account_action()),
            },
            {
                'key': 'mail',
                'label': self.env._("Server for outgoing mail"),
                'done': company._assist_has_mail_server(),
                'needed': False,
                'button': self.env['ir.mail_server'].has_access('create')
                and (self.env._("Connect"), self._prepare_new('ir.mail_server', target='new')),
            },
        ]
        for check in checks:
            if check['done'] and check['button']:
                _label, action = check['button']
                check['button'] = check['key'] in CHANGED_THERE and (self.env._("Edit"), action)
        return checks

    def _prepare_company_form(self):
        view = self.env.ref('assist_billing.res_company_view_form_get_started')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Your Company"),
            'res_model': 'res.company',
            'res_id': self.env.company.id,
            'views': [(view.id, 'form')],
            'target': 'new',
        }

    def _prepare_layout_form(self):
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account.action_base_document_layout_configurator'
        )
        return {**action, 'target': 'new'}

    def _prepare_session_step(self):
        sessions = self.env['assist.session']
        arrival = self.env.company.assist_session_arrival
        count = sessions.search_count(self._get_company_domain())
        unmatched = sessions.search_count(
            [*self._get_company_domain(), ('state', '=', 'unmatched')]
        )
        fact = bool(count) and self.env._("Sessions: %(count)s", count=count)
        ways = {}
        if sessions.has_access('create'):
            ways['file'] = (self.env._("Import Sessions"), ARRIVAL_ACTIONS['file'])
            ways['hand'] = (self.env._("Record a Session"), self._prepare_new('assist.session'))
        if self.env['assist.connector'].has_access('create'):
            ways['connector'] = (self.env._("Connect a Tool"), ARRIVAL_ACTIONS['connector'])
        # The way that was chosen comes first.
        buttons = [ways[key] for key in sorted(ways, key=lambda key: key != arrival)]
        if unmatched:
            fact = self.env._(
                "Sessions: %(count)s, of which %(unmatched)s belong to no customer yet",
                count=count,
                unmatched=unmatched,
            )
            buttons.append((self.env._("Match Sessions"), 'assist_billing.assist_unmatched_action'))
        return {
            'key': 'session',
            'title': self.env._("Bring in the sessions"),
            'text': self.env._(
                "How do you hear of sessions? Bills wait for them accordingly. Bring those of past "
                "periods in first: once a customer is associated, such periods are billed."
            ),
            'done': bool(count) or arrival == 'hand' or self._has_connector(),
            'fact': fact,
            'choices': self._get_arrival_choices(arrival),
            'buttons': buttons,
        }

    def _get_arrival_choices(self, arrival):
        """Return the ways in which sessions arrive, to choose from; none to who may not."""
        if not self.env['assist.billing.plan'].has_access('create'):
            return []
        texts = {
            'hand': self.env._("Periods are billed as soon as they are over."),
            'connector': self.env._("Periods are billed six hours after they are over."),
            'file': self.env._("Periods are billed three days after they are over."),
        }
        ways = self.env['res.company']._fields['assist_session_arrival']
        return [
            {
                'key': key,
                'label': label,
                'text': texts[key],
                'chosen': key == arrival,
                'action': ARRIVAL_ACTIONS.get(key, False),
            }
            for key, label in ways._description_selection(self.env)
        ]

    def _has_connector(self):
        connectors = self.env['assist.connector']
        return connectors.has_access('read') and bool(
            connectors.search_count(self._get_company_domain(), limit=1)
        )

    def _prepare_plan_step(self):
        plans = self.env['assist.billing.plan']
        count = plans.search_count(self._get_company_domain())
        free = plans.search(self._get_company_domain()).filtered('bills_nothing')
        fact = bool(count) and self.env._("Plans: %(count)s", count=count)
        if free:
            fact = self.env._(
                "Without a price, and so without bills: %(plans)s",
                plans=", ".join(free.mapped('name')),
            )
        buttons = self._get_buttons(
            count,
            view=(self.env._("View Plans"), 'assist_billing.assist_billing_plan_action'),
            create=plans.has_access('create')
            and (self.env._("Create a Plan"), self._prepare_new('assist.billing.plan', 'new')),
        )
        return {
            'key': 'plan',
            'title': self.env._("Create a billing plan"),
            'text': self.env._(
                "What a session or an hour of remote support costs, and what an unattended device "
                "costs."
            ),
            'done': bool(count) and count > len(free),
            'fact': fact,
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

    def _prepare_bill_step(self):
        domain = [*self._get_company_domain(), ('assist_kind', '=', 'bill')]
        moves = self.env['account.move']
        count = moves.search_count(domain)
        sent = moves.search_count([*domain, ('assist_delivery_state', '=', 'sent')])
        over = self._count_over()
        fact = self._get_next_close(over)
        if count:
            fact = self.env._("Bills: %(count)s, sent: %(sent)s", count=count, sent=sent)
        buttons = [
            (self.env._("View Cycles"), 'assist_billing.assist_billing_cycle_action'),
        ]
        bills = (self.env._("View Bills"), 'assist_billing.account_move_action_assist_bills')
        buttons.insert(0 if count else 1, bills)
        if over and self.env['assist.billing.cycle']._may_bill():
            buttons.insert(0, (self.env._("Bill Now"), self._prepare_bill_over()))
        return {
            'key': 'bill',
            'title': self.env._("Bills are created: send them"),
            'text': self.env._(
                "A period closes automatically at midnight in the customer's time zone and creates "
                "a bill. Email it, download it, and confirm its payment."
            ),
            'done': bool(sent),
            'fact': fact,
            'buttons': buttons,
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

    def _prepare_new(self, model, target='current'):
        """Return the action that opens an empty form of this model."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env['ir.model']._get(model).name,
            'res_model': model,
            'views': [(False, 'form')],
            'target': target,
        }

    def _prepare_bill_over(self):
        """Return what is called to bill what `_count_over` counts, and nothing of other companies.

        Sessions of theirs may still be on the way. It is no action, for an action has an address,
        and who opens or reloads that would bill.
        """
        return {
            'model': 'assist.billing.cycle',
            'method': 'action_bill_over',
            'context': {'allowed_company_ids': self.env.company.ids},
        }

    def _count_over(self):
        """Return how many open periods are over, and wait for their closing."""
        return self.env['assist.billing.cycle'].search_count(
            [*self._get_company_domain(), *self.env['assist.billing.cycle']._get_over_domain()]
        )

    def _get_next_close(self, over):
        """Return in words when the first bill is made, or False.

        :param int over: how many open periods are over
        """
        if over:
            grace = self.env.company.assist_close_grace_hours
            if grace:
                return self.env._(
                    "Periods that are over: %(count)s. They are billed by themselves once "
                    "%(hours)s hours have passed since their end, or now by you.",
                    count=over,
                    hours=grace,
                )
            return self.env._(
                "Periods that are over: %(count)s. They are billed within the hour, or now by you.",
                count=over,
            )
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
