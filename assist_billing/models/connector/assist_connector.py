from datetime import timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError

from ... import connectors, sources
from ...utils.checks import refuse_absurd_dates

# The stored secret behind each field one can only write to.
SECRETS = {
    'new_client_secret': 'client_secret',
    'new_refresh_token': 'refresh_token',
    'new_api_token': 'api_token',
}
# Whatever of these changes: what was cached or found out with the old ones is void.
CREDENTIALS = ('source', 'data_centre', 'client_id', *SECRETS.values())
BASE_URL_PARAMETER = 'assist_billing.connector_base_url'


class AssistConnector(models.Model):
    """An account at a remote-support tool whose sessions are fetched by schedule."""

    _name = 'assist.connector'
    _description = "Remote Support Connector"
    _inherit = ['mail.thread', 'mail.activity.mixin', 'assist.billing.failure', 'assist.guard']
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
    data_centre = fields.Selection(
        selection=[
            (name, urlsplit(root).hostname.removeprefix('assist.'))
            for name, (root, _accounts) in connectors.DATA_CENTRES.items()
        ],
        required=True,
        default='com',
        help="Where the account was opened: the end of the address that its users log in at.",
    )
    client_id = fields.Char(
        string="Client ID", help="Of the client registered in Zoho's API console."
    )
    # Nobody reads these, not even administrators: they leave the database for the tool alone.
    client_secret = fields.Char(string="Stored Client Secret", copy=False, groups=fields.NO_ACCESS)
    refresh_token = fields.Char(string="Stored Refresh Token", copy=False, groups=fields.NO_ACCESS)
    api_token = fields.Char(string="Stored Script Token", copy=False, groups=fields.NO_ACCESS)
    access_token = fields.Char(copy=False, groups=fields.NO_ACCESS)
    access_token_expires = fields.Float(
        copy=False, groups=fields.NO_ACCESS, help="Seconds since 1970."
    )
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
        help="With the scope ZohoAssist.reportapi.READ; for devices with "
        "ZohoAssist.unattended.computer.READ too.",
    )
    new_api_token = fields.Char(
        string="Script Token",
        compute='_compute_new_secrets',
        inverse='_inverse_new_secrets',
        copy=False,
        help="Of TeamViewer's management console; it needs the right to view connection reports, "
        "and to change them if sessions are to be marked as billed.",
    )
    # What an empty box of a secret means.
    client_secret_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    refresh_token_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    api_token_hint = fields.Char(compute='_compute_secret_hints', compute_sudo=True)
    is_complete = fields.Boolean(compute='_compute_is_complete', compute_sudo=True)
    fetch_from = fields.Date(
        required=True,
        default=lambda self: self._default_fetch_from(),
        help="Sessions from this day on are fetched the first time.",
    )
    overlap_hours = fields.Integer(
        string="Look Back (hours)",
        required=True,
        default=24,
        help="So much is fetched again each time, so that sessions that the tool reports late are "
        "not missed. What is known already is not taken twice.",
    )
    cursor_at = fields.Datetime(
        string="Fetched Until",
        readonly=True,
        copy=False,
        help="All that the tool told of the time before has been taken in.",
    )
    position = fields.Json(
        readonly=True, copy=False, help="Where an interrupted run goes on: days and page."
    )
    next_at = fields.Datetime(string="Next Try", readonly=True, copy=False)
    last_success_at = fields.Datetime(string="Last Worked", readonly=True, copy=False)
    error = fields.Text(string="Why It Does Not Work", readonly=True, copy=False)
    attempts = fields.Integer(string="Failures in a Row", readonly=True, copy=False)
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

    # === DEFAULTS === #

    @api.model
    def _default_fetch_from(self):
        return fields.Date.context_today(self) - timedelta(days=30)

    # === COMPUTE METHODS === #

    @api.model
    def _get_sources(self):
        return [(name, sources.get(name).label) for name in connectors.CLIENTS]

    def _compute_new_secrets(self):
        """Show nothing: a secret is written, never read."""
        for connector in self:
            for name in SECRETS:
                connector[name] = False

    @api.depends(*SECRETS.values())
    def _compute_secret_hints(self):
        """Say whether a secret is there, which is none itself."""
        for connector in self:
            for name in SECRETS.values():
                connector[f'{name}_hint'] = (
                    self.env._("kept; type to replace it")
                    if connector[name]
                    else self.env._("not entered yet")
                )

    def _inverse_new_secrets(self):
        for connector in self:
            values = {
                stored: connector[name].strip()
                for name, stored in SECRETS.items()
                if (connector[name] or '').strip()
            }
            if values:
                # sudo: nobody has access to these; what is left empty is kept
                connector.sudo().write(values)
            connector.invalidate_recordset(list(SECRETS), flush=False)

    @api.depends('source', 'data_centre', 'client_id', *SECRETS.values())
    def _compute_is_complete(self):
        for connector in self:
            client = connectors.CLIENTS.get(connector.source)
            connector.is_complete = bool(client) and all(
                connector[name] for name in client.required
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
        changed = set(CREDENTIALS) & vals.keys()
        if {'source', 'company_id'} & vals.keys():
            self._check_not_begun(vals)
        connectors_ = self
        if 'device_departments' in vals:
            # Others are fetched now.
            vals = {'devices_at': False, **vals}
            connectors_ = self._assist_as_engine()
        result = super(AssistConnector, connectors_).write(vals)
        if changed:
            # sudo: nobody has access to the token, which is void now
            super(AssistConnector, self.sudo()).write(
                {'access_token': False, 'access_token_expires': 0, 'next_at': False}
            )
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
        return self._notify('success', self.env._("It works: %(name)s answers.", name=self.name))

    def action_fetch_now(self):
        """Have the scheduled action fetch at once, also where it waits after a failure."""
        self.check_access('write')
        if self:
            self._assist_as_engine().write({'next_at': False})
            self._get_cron()._trigger()
        return self._notify(
            'info', self.env._("Fetching begins within a minute. What comes of it is shown here.")
        )

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

    def _check_not_begun(self, vals):
        """A cursor tells of one account; another source begins with a connector of its own."""
        for connector in self.filtered('cursor_at'):
            if (
                vals.get('source', connector.source) != connector.source
                or vals.get('company_id', connector.company_id.id) != connector.company_id.id
            ):
                raise UserError(
                    self.env._(
                        "%(name)s has fetched sessions already. Make another connector for "
                        "another source or company, and archive this one.",
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
        # sudo: the secrets, for the tool alone; they go no further than the client
        account = self.sudo()
        client_class = connectors.CLIENTS[account.source]
        names = {*client_class.required, 'access_token', 'access_token_expires'}
        credentials = {name: account[name] for name in names}
        options = {'base_url': self._get_base_url()}
        if issubclass(client_class, connectors.ZohoAssist):
            options['keep_token'] = keep_token or self._keep_token
        return client_class(credentials, **options)

    def _keep_token(self, token, expires):
        # sudo: nobody has access to it
        self.sudo().write({'access_token': token, 'access_token_expires': expires})

    @api.model
    def _get_base_url(self):
        """Return the address of a server of this machine that stands in for the tools, if set.

        Any other would be sent the credentials, so it is refused.
        """
        # sudo: parameters are the administrator's
        url = self.env['ir.config_parameter'].sudo().get_param(BASE_URL_PARAMETER)
        if url and urlsplit(url).hostname not in {'127.0.0.1', 'localhost', '::1'}:
            raise UserError(
                self.env._(
                    "The system parameter %(name)s is for tests and names no server of this "
                    "machine. Remove it.",
                    name=BASE_URL_PARAMETER,
                )
            )
        return url or None
