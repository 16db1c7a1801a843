import json
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ... import connectors, sources
from ...utils.checks import refuse_absurd_dates

# The secret behind each field one can only write to.
NEW_SECRETS = {f'new_{name}': name for name in connectors.SECRETS}
# Whatever of these changes: what was cached or found out with the old ones is void.
CREDENTIALS = {'source', *connectors.CREDENTIALS}
# Where secrets go to. Whoever changes one of these does not take the secrets along.
DESTINATIONS = ('source', 'server_url')
BASE_URL_PARAMETER = 'assist_billing.connector_base_url'


class AssistConnector(models.Model):
    """An account at a remote-support tool whose sessions are fetched by schedule."""

    _name = 'assist.connector'
    _description = "Remote Support Connector"
    _inherit = [
        'mail.thread',
        'mail.activity.mixin',
        'assist.billing.failure',
        'assist.secret.holder',
        'assist.guard',
    ]
    _order = 'name, id'
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    source = fields.Selection(
        selection='_get_sources', required=True, default='zoho_assist', tracking=True
    )
    server_url = fields.Char(
        string="Server",
        help="Address of your own server, such as https://support.example.com. If it changes, "
        "the secrets have to be entered again, so that nobody can have them sent elsewhere.",
    )
    data_centre = fields.Selection(
        selection='_get_data_centres',
        required=True,
        default='com',
        help="Where the account was opened: the ending of the address at which its users log in.",
    )
    client_id = fields.Char(string="Client ID", help="What the tool knows this account by.")
    # Nobody reads these, not even administrators: they are stored elsewhere, for the tool alone.
    new_client_secret = fields.Char(
        string="Client Secret",
        compute='_compute_new_secrets',
        inverse='_inverse_new_secrets',
        copy=False,
    )
    new_refresh_token = fields.Char(
        string="Refresh Token",
        compute='_compute_new_secrets',
        inverse='_inverse_new_secrets',
        copy=False,
    )
    new_api_token = fields.Char(
        string="API Token",
        compute='_compute_new_secrets',
        inverse='_inverse_new_secrets',
        copy=False,
    )
    # What an empty box of a secret means.
    client_secret_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    refresh_token_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    api_token_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    is_complete = fields.Boolean(compute='_compute_is_complete', compute_sudo=True)
    # What the tool is like, as its client says.
    needs = fields.Char(compute='_compute_tool', help="Names of the credentials it asks for.")
    guide = fields.Text(string="Where to Get Them", compute='_compute_tool')
    lists_devices = fields.Boolean(compute='_compute_tool')
    marks_billed = fields.Boolean(compute='_compute_tool')
    fetch_from = fields.Date(
        required=True,
        default=lambda self: self._default_fetch_from(),
        help="Sessions from this day on are fetched the first time.",
    )
    overlap_hours = fields.Integer(
        string="Look Back (hours)",
        required=True,
        default=24,
        help="This period is fetched again each time, so that sessions the tool reports late are "
        "not missed. Known sessions are not imported twice.",
    )
    cursor_at = fields.Datetime(
        string="Fetched Until",
        readonly=True,
        copy=False,
        help="Everything the tool reported for the time before this has been imported.",
    )
    position = fields.Json(
        readonly=True, copy=False, help="Where an interrupted run continues: days and page."
    )
    next_at = fields.Datetime(string="Next Attempt", readonly=True, copy=False)
    last_success_at = fields.Datetime(string="Last Success", readonly=True, copy=False)
    error = fields.Text(string="Reason for Failure", readonly=True, copy=False)
    attempts = fields.Integer(string="Consecutive Failures", readonly=True, copy=False)
    missing_count = fields.Integer(
        string="Records Missing",
        readonly=True,
        copy=False,
        help="How many more records the tool said it has than it gave.",
    )
    accepted_missing_count = fields.Integer(
        string="Accepted as Missing",
        readonly=True,
        copy=False,
        help="So many may be missing without being reported, because somebody has compared with "
        "the tool's own report.",
    )
    state = fields.Selection(
        [
            ('new', "Not Yet Fetched"),
            ('working', "Working"),
            ('failing', "Failing"),
        ],
        compute='_compute_state',
        store=True,
    )
    received_count = fields.Integer(string="Records Received", readonly=True, copy=False)
    created_count = fields.Integer(string="New Sessions", readonly=True, copy=False)
    updated_count = fields.Integer(string="Sessions Ended", readonly=True, copy=False)
    duplicate_count = fields.Integer(string="Known Already", readonly=True, copy=False)
    rejected_count = fields.Integer(string="Rejected", readonly=True, copy=False)
    rejection_ids = fields.One2many('assist.connector.rejection', 'connector_id')
    rejection_count = fields.Integer(compute='_compute_rejection_count')

    # === CONSTRAINTS AND INDEXES === #

    _check_overlap = models.Constraint(
        'CHECK(overlap_hours BETWEEN 1 AND 720)',
        "A connector looks back between 1 hour and 720 hours (30 days).",
    )

    @api.constrains('fetch_from')
    def _check_fetch_from(self):
        for connector in self:
            vals = {'name': connector.name, 'fetch_from': connector.fetch_from}
            refuse_absurd_dates(connector, vals, ['fetch_from'])

    @api.constrains('source', 'company_id', 'active')
    def _check_one_account(self):
        """What a second account calls 7 would be known already, and billed to nobody."""
        for connector in self.filtered('active'):
            if other := connector._get_other_account():
                raise ValidationError(
                    self.env._(
                        "%(tool)s numbers its records in each account from 1, so those of a "
                        "second account would be taken for known ones and not be billed. "
                        "“%(other)s” fetches from the first one: archive it, or fetch the other "
                        "account in a company of its own.",
                        tool=connector._get_tool(),
                        other=other.name,
                    )
                )

    @api.constrains('source', 'server_url', 'data_centre')
    def _check_address(self):
        for connector in self:
            centres = connector._get_client_class().data_centres
            if centres and connector.data_centre not in centres:
                raise ValidationError(
                    self.env._(
                        "%(name)s: choose one of the data centres of %(tool)s: %(centres)s.",
                        name=connector.name,
                        tool=connector._get_tool(),
                        centres=", ".join(centres.values()),
                    )
                )
            if not connector.server_url:
                continue
            try:
                connectors.read_address(connector.server_url)
            except ValueError:
                raise ValidationError(
                    self.env._(
                        "%(name)s: “%(address)s” is not the address of a server. Write it like "
                        "https://support.example.com or https://support.example.com:8443/path, "
                        "without a user name and with letters from A to Z.",
                        name=connector.name,
                        address=connector.server_url,
                    )
                ) from None

    # === DEFAULTS === #

    @api.model
    def _default_fetch_from(self):
        return fields.Date.context_today(self) - timedelta(days=30)

    # === COMPUTE METHODS === #

    @api.model
    def _get_sources(self):
        return [(name, sources.get(name).label) for name in connectors.names()]

    @api.model
    def _get_data_centres(self):
        centres = {}
        for name in connectors.names():
            for centre, domain in connectors.get(name).data_centres.items():
                centres.setdefault(centre, domain)
        return list(centres.items())

    @api.depends('source')
    def _compute_tool(self):
        for connector in self:
            client = connector._get_client_class()
            connector.needs = ' '.join(client.required)
            connector.guide = client.guide and self.env._(client.guide)
            connector.lists_devices = client.lists_devices
            connector.marks_billed = client.marks_billed

    def _compute_new_secrets(self):
        """Show nothing: a secret is written, never read."""
        for connector in self:
            for name in NEW_SECRETS:
                connector[name] = False

    @api.depends('source', 'server_url')
    def _compute_secret_hints(self):
        """Say whether a secret is there, which is none itself."""
        for connector in self:
            stored = connector._assist_get_secrets()
            for name in connectors.SECRETS:
                connector[f'{name}_hint'] = (
                    self.env._("stored; type to replace it")
                    if stored.get(name) and not connector._get_moved()
                    else self.env._("not entered yet")
                )

    def _inverse_new_secrets(self):
        for connector in self:
            secrets = {
                stored: connector[name].strip()
                for name, stored in NEW_SECRETS.items()
                if (connector[name] or '').strip()
            }
            if secrets:
                # What is left empty is kept.
                connector._assist_set_secrets(secrets)
                connector._void_access_token()
            connector.invalidate_recordset(list(NEW_SECRETS), flush=False)

    @api.depends('source', 'data_centre', 'client_id', 'server_url')
    def _compute_is_complete(self):
        for connector in self:
            there = connector._assist_get_secrets()
            connector.is_complete = all(
                there.get(name) if name in connectors.SECRETS else connector[name]
                for name in connector._get_client_class().required
            )

    @api.depends('error', 'last_success_at')
    def _compute_state(self):
        for connector in self:
            worked = 'working' if connector.last_success_at else 'new'
            connector.state = 'failing' if connector.error else worked

    def _compute_rejection_count(self):
        counts = dict(
            self.env['assist.connector.rejection']._read_group(
                [('connector_id', 'in', self.ids)], ['connector_id'], ['__count']
            )
        )
        for connector in self:
            connector.rejection_count = counts.get(connector, 0)

    # === CRUD METHODS === #

    def write(self, vals):
        self._assist_check_access('write', [vals])
        if {'source', 'company_id'} & vals.keys():
            self._check_not_begun(vals)
        self._get_moved(vals)._assist_forget_secrets()
        connectors_ = self
        if 'device_departments' in vals:
            # Others are fetched now.
            vals = {'devices_at': False, **vals}
            connectors_ = self._assist_as_engine()
        result = super(AssistConnector, connectors_).write(vals)
        if CREDENTIALS & vals.keys():
            self._void_access_token()
        return result

    # === ACTIONS === #

    def action_test_connection(self):
        """Ask the tool for as little as can be, and say whether it answers."""
        self.ensure_one()
        self.check_access('write')
        try:
            client = self._get_client()
            try:
                client.check(fields.Datetime.now())
            finally:
                client.close()
        except connectors.ConnectorError as error:
            raise UserError(self._describe_error(error)) from None
        return self._notify(
            'success', self.env._("Connection successful: %(name)s responds.", name=self.name)
        )

    def action_fetch_now(self):
        """Have the scheduled action fetch at once, also where it waits after a failure."""
        self.check_access('write')
        if self:
            self._assist_as_engine().write({'next_at': False})
            self._get_cron()._trigger()
        return self._notify(
            'info', self.env._("Fetching starts within a minute. The result is shown here.")
        )

    def action_accept_missing(self):
        """Take it that the tool counts wrongly by so many; only more are reported again."""
        self.check_access('write')
        for connector in self.filtered('missing_count'):
            connector.message_post(
                body=self.env._(
                    "Accepted: %(tool)s says that there are %(count)s more records than it gives.",
                    tool=connector._get_tool(),
                    count=connector.missing_count,
                )
            )
            connector._assist_as_engine().write({'accepted_missing_count': connector.missing_count})
        return self.action_fetch_now()

    def action_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'assist_billing.assist_session_action'
        )
        return {
            **action,
            'domain': [('source', '=', self.source), ('company_id', '=', self.company_id.id)],
            'context': {},
        }

    def action_view_rejections(self):
        self.ensure_one()
        self.check_access('read')
        return self.rejection_ids._get_records_action(
            name=self.env._("Rejected Records"),
            domain=[('connector_id', '=', self.id)],
            views=[(False, 'list'), (False, 'form')],
            view_mode='list,form',
            res_id=False,
        )

    # === BUSINESS METHODS === #

    def _get_client_class(self):
        return connectors.get(self.source) or connectors.Client

    def _get_other_account(self):
        """Return a connector to another account whose numbers are taken for this one's."""
        if not self._get_client_class().numbers_by_account:
            return self.browse()
        return self.search(
            [
                ('source', '=', self.source),
                ('company_id', '=', self.company_id.id),
                ('id', '!=', self.id),
            ],
            limit=1,
        )

    def _get_tool(self):
        """Return what the tool is called."""
        return dict(self._fields['source']._description_selection(self.env)).get(self.source, '')

    def _get_moved(self, vals=None):
        """Return those whose secrets would go elsewhere with `vals`, or with what a form shows."""
        return self.filtered(
            lambda connector: any(
                connector._origin[name]
                and (vals.get(name, connector[name]) if vals is not None else connector[name])
                != connector._origin[name]
                for name in DESTINATIONS
            )
        )

    def _void_access_token(self):
        """Forget the access token, which was given for other credentials, and try at once."""
        self._assist_forget_secrets(['access_token'])
        self._assist_as_engine().write({'next_at': False})
        self.invalidate_recordset(
            ['is_complete', *(f'{name}_hint' for name in connectors.SECRETS)], flush=False
        )

    def _check_not_begun(self, vals):
        """A cursor tells of one account; another source begins with a connector of its own."""
        for connector in self.filtered('cursor_at'):
            if (
                vals.get('source', connector.source) != connector.source
                or vals.get('company_id', connector.company_id.id) != connector.company_id.id
            ):
                raise UserError(
                    self.env._(
                        "%(name)s has already fetched sessions. Create another connector for a "
                        "different source or company, and archive this one.",
                        name=connector.name,
                    )
                )

    def _notify(self, kind, message):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    @api.model
    def _get_cron(self):
        # sudo: whoever may change connectors may have them run
        return self.env.ref('assist_billing.ir_cron_fetch_sessions').sudo()

    def _get_client(self, keep_token=None):
        """Return the client of this account.

        :raise ConnectorError: credentials are missing
        """
        self.ensure_one()
        client_class = self._get_client_class()
        # The secrets go no further than the client.
        secrets = self._assist_get_secrets()
        credentials = {
            name: secrets.get(name) if name in connectors.SECRETS else self[name]
            for name in client_class.required
        }
        credentials |= json.loads(secrets.get('access_token') or '{}')
        return client_class(
            credentials,
            base_url=self._get_base_url(),
            keep_token=keep_token or self._keep_token,
        )

    def _keep_token(self, token, expires):
        self._assist_set_secrets(
            {'access_token': json.dumps({'access_token': token, 'access_token_expires': expires})}
        )

    @api.model
    def _get_base_url(self):
        """Return the address of a server of this machine that stands in for the tools, if set.

        Any other would be sent the credentials, so it is refused.
        """
        # sudo: parameters are the administrator's
        url = self.env['ir.config_parameter'].sudo().get_param(BASE_URL_PARAMETER)
        try:
            return connectors.read_address(url, local=True) if url else None
        except ValueError:
            raise UserError(
                self.env._(
                    "The system parameter %(name)s is for tests and names no server of this "
                    "machine. Remove it.",
                    name=BASE_URL_PARAMETER,
                )
            ) from None
