import hashlib
import json
import logging
import re
import secrets
import time
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get

from ... import sources
from ...connectors import signatures

_logger = logging.getLogger(__name__)

PATH = '/assist_billing/inbound'
# Bytes of a request's body, and records in it.
MAX_BODY = 2_000_000
MAX_RECORDS = 5_000
# That a key was used is written down once in so many seconds, so that requests do not wait.
USED_SECONDS = 60
# Reasons of rejected records that are told in an activity.
SHOWN_REASONS = 5


class InboundRefusal(Exception):
    """Why a request is not taken in: the status of HTTP, a word for programs and one for people."""

    def __init__(self, status, code, message):
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


class AssistInboundKey(models.Model):
    """A key by which a program signs sessions that it sends in over HTTP."""

    _name = 'assist.inbound.key'
    _description = "Key for Sessions Sent In"
    _inherit = [
        'mail.thread',
        'mail.activity.mixin',
        'assist.billing.failure',
        'assist.secret.holder',
        'assist.guard',
    ]
    _order = 'name, id'

    # === FIELDS === #

    name = fields.Char(required=True, help="The program or server that uses this key.")
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        'res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
        tracking=True,
        help="Everything sent in with this key belongs to this company.",
    )
    source = fields.Selection(
        selection='_get_sources',
        required=True,
        default='csv',
        tracking=True,
        help="The tool whose record format is used.",
    )
    tz = fields.Selection(
        selection='_get_zones',
        string="Time Zone",
        help="For times sent without a time zone. If empty, they are read as the source means "
        "them.",
    )
    identifier = fields.Char(
        string="Key ID",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: secrets.token_urlsafe(12),
        help="Identifies the key. It is part of the address and not a secret.",
    )
    url = fields.Char(string="Address", compute='_compute_url')
    secret_at = fields.Datetime(string="Secret Created", readonly=True, copy=False)
    is_ready = fields.Boolean(compute='_compute_is_ready', compute_sudo=True)
    last_used_at = fields.Datetime(string="Last Used", readonly=True, copy=False)

    # === CONSTRAINTS AND INDEXES === #

    _unique_identifier = models.UniqueIndex("(identifier)")

    # === COMPUTE METHODS === #

    @api.model
    def _get_zones(self):
        return _tz_get(self)

    @api.model
    def _get_sources(self):
        tools = [(each.name, each.label) for each in sources.profiles() if each.name != 'csv']
        return [*tools, ('csv', self.env._("Another program"))]

    @api.depends('identifier')
    def _compute_url(self):
        for key in self:
            key.url = f'{key.get_base_url()}{PATH}/{key.identifier}'

    @api.depends('secret_at')
    def _compute_is_ready(self):
        for key in self:
            key.is_ready = 'secret' in key._assist_get_secrets()

    # === ACTIONS === #

    def action_make_secret(self):
        """Make a secret, in place of the one there was, and show it this once."""
        self.ensure_one()
        self.check_access('write')
        secret = secrets.token_hex(32)
        self._assist_set_secrets({'secret': secret})
        self._assist_as_engine().write({'secret_at': fields.Datetime.now()})
        self.message_post(body=self.env._("A new secret was created."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Secret of %(name)s", name=self.name),
            'res_model': 'assist.inbound.secret.show',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_secret': secret, 'default_url': self.url},
        }

    # === BUSINESS METHODS === #

    @api.model
    def _receive(self, identifier, timestamp, signature, body):
        """Take in the records of a request, whoever sent it, if it is signed.

        Called by the controller for anybody: nothing is looked at or told before the signature has
        been found right.

        :param str identifier: of the key
        :param str timestamp: seconds since 1970, of the sender
        :param str signature: see `connectors.signatures`
        :param bytes body: at most `MAX_BODY` long
        :return: the answers of `assist.session.ingest`
        :raise InboundRefusal: why it is not taken in
        """
        # As the engine: a program that signs is no user.
        engine = self.with_user(SUPERUSER_ID).with_context(active_test=True)
        key = engine._find_signing(identifier, timestamp, signature, body)
        if not signatures.is_recent(timestamp, time.time()):
            raise InboundRefusal(
                401,
                'expired',
                "The timestamp is more than 5 minutes from this server's time. Send the present "
                "one, and check the sender's clock.",
            )
        key._take_receipt(timestamp, body)
        records = key._read_records(body)
        answers = (
            key.with_company(key.company_id)
            .env['assist.session']
            ._ingest(records, key.source, tz=key.tz or None)
        )
        key._note_use(records, answers)
        return answers

    @api.model
    def _find_signing(self, identifier, timestamp, signature, body):
        """Return the key that signed a request; one answer for whatever is wrong."""
        is_one = re.fullmatch(r'[A-Za-z0-9_-]{1,64}', identifier or '')
        key = self.search([('identifier', '=', identifier)]) if is_one else self.browse()
        secret = key and key.company_id.active and key._assist_get_secrets().get('secret')
        # Reckoned with some secret even where there is none: the time it takes tells nothing.
        is_signed = signatures.is_signed(secret or 'none', timestamp, body, signature)
        if not secret or not is_signed:
            raise InboundRefusal(
                401,
                'signature',
                "The signature, the time or the key is not right. See the example of how to sign.",
            )
        return key

    def _take_receipt(self, timestamp, body):
        """Write down that this very request was seen; refuse it when it was seen before."""
        digest = hashlib.sha256(timestamp.encode() + b'.' + body).hexdigest()
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO assist_inbound_receipt (
                    key_id, company_id, digest, create_uid, create_date, write_uid, write_date
                )
                VALUES (%(key)s, %(company)s, %(digest)s, %(uid)s, now() AT TIME ZONE 'UTC',
                        %(uid)s, now() AT TIME ZONE 'UTC')
                    ON CONFLICT (key_id, digest) DO NOTHING
             RETURNING id
                """,
                key=self.id,
                company=self.company_id.id,
                digest=digest,
                uid=self.env.uid,
            )
        )
        if not rows:
            raise InboundRefusal(
                409,
                'replay',
                "This request was taken in before. To send the same records again, sign them with "
                "the present time: what is known is taken once.",
            )

    def _read_records(self, body):
        """Return the records of a body: a list, one object, or an object with a list `records`.

        What posts by itself at the moment a session ends often posts an event around it.
        """
        try:
            records = json.loads(body)
        except (ValueError, RecursionError):
            raise InboundRefusal(400, 'not_json', "The body is not JSON in UTF-8.") from None
        if isinstance(records, dict):
            listed = records.get('records')
            records = listed if isinstance(listed, list) else [records]
        if not isinstance(records, list):
            raise InboundRefusal(
                400, 'not_records', "The body is neither a record nor a list of records."
            )
        if len(records) > MAX_RECORDS:
            raise InboundRefusal(413, 'too_many', f"Send at most {MAX_RECORDS} records at a time.")
        return [sources.out_of_event(record) for record in records]

    def _note_use(self, records, answers):
        """Keep that the key is used, and tell the manager of records that were refused.

        A program that sends and forgets does not read the answer; so somebody here is told.
        """
        now = fields.Datetime.now()
        if not self.last_used_at or (now - self.last_used_at).total_seconds() > USED_SECONDS:
            self.last_used_at = now
        rejected = [answer for answer in answers if answer['status'] == 'rejected']
        if rejected:
            _logger.info("Key %s: %s of %s records rejected", self.id, len(rejected), len(answers))
            reasons = [
                f"{answer['reason']} {json.dumps(records[answer['index']], default=str)[:500]}"
                for answer in rejected[:SHOWN_REASONS]
            ]
            told = self._assist_in_language()
            told._assist_report_failure(
                told.env._("%(name)s sent records that were rejected", name=self.name),
                "\n".join(reasons),
            )


class AssistInboundReceipt(models.Model):
    """A request that was taken in, so that nobody who overheard it can send it again."""

    _name = 'assist.inbound.receipt'
    _description = "Request Taken In"
    _inherit = ['assist.guard']
    _order = 'id'
    _rec_name = 'digest'

    # === FIELDS === #

    key_id = fields.Many2one('assist.inbound.key', required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', required=True, readonly=True)
    digest = fields.Char(required=True, readonly=True)

    # === CONSTRAINTS AND INDEXES === #

    _unique_digest = models.UniqueIndex("(key_id, digest)")
    _create_date_index = models.Index("(create_date)")

    # === BUSINESS METHODS === #

    @api.autovacuum
    def _gc_receipts(self):
        """Forget what is too old to be sent again: its time alone refuses it."""
        # A time may lie ahead by the window, and be repeated until the window after it.
        limit = fields.Datetime.now() - timedelta(seconds=4 * signatures.WINDOW)
        self.search([('create_date', '<', limit)]).unlink()


class AssistInboundSecretShow(models.AbstractModel):
    """A secret that was just made, on the screen of whoever made it and nowhere else."""

    _name = 'assist.inbound.secret.show'
    _description = "Secret of a Key, Shown Once"
    # Who looks for one finds none, instead of a table that is not there.
    _table_query = "SELECT 0 AS id, '' AS secret, '' AS url WHERE FALSE"

    # === FIELDS === #

    # What an onchange without a table asks for.
    id = fields.Id()
    secret = fields.Char(readonly=True)
    url = fields.Char(string="Address", readonly=True)
