import logging

from odoo import api, fields, models
from odoo.tools import SQL

from ...utils.races import NOBODYS_FAULT
from .assist_price_revision import NOTICE_BATCH

_logger = logging.getLogger(__name__)


class AssistPriceRevisionNotice(models.Model):
    """That one customer is told of new prices: once, and what became of it."""

    _name = 'assist.price.revision.notice'
    _description = "Notice of a Price Revision"
    _inherit = ['assist.guard']
    _order = 'revision_id, id'
    _check_company_auto = True

    # === FIELDS === #

    revision_id = fields.Many2one(
        'assist.price.revision', required=True, readonly=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one(
        related='revision_id.company_id', store=True, precompute=True, index=True
    )
    association_id = fields.Many2one(
        'assist.billing.association', required=True, readonly=True, index=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(related='association_id.partner_id', string="Customer")
    email = fields.Char(string="Sent To", readonly=True)
    mailed_at = fields.Datetime(string="Mailed", readonly=True)
    mail_id = fields.Many2one(
        'mail.mail', readonly=True, index='btree_not_null', ondelete='set null'
    )
    is_withdrawn = fields.Boolean(
        string="Withdrawn", readonly=True, help="It was about prices that were withdrawn."
    )
    problem = fields.Char(readonly=True, help="Why no mail could be made.")
    state = fields.Selection(
        [
            ('waiting', "Waiting"),
            ('queued', "Queued"),
            ('sent', "Sent"),
            ('failed', "Failed"),
            ('no_address', "No address"),
        ],
        compute='_compute_state',
    )
    reason = fields.Char(compute='_compute_state')

    # === CONSTRAINTS === #

    _once = models.UniqueIndex(
        "(revision_id, association_id) WHERE is_withdrawn IS NOT TRUE",
        "A customer is told once of a price revision.",
    )

    # === COMPUTE METHODS === #

    @api.depends('mailed_at', 'mail_id.state', 'email', 'problem')
    def _compute_state(self):
        for notice in self:
            # sudo: mails are nobody's but the engine's
            mail = notice.sudo().mail_id
            if mail and mail.state in ('exception', 'cancel'):
                notice.state, notice.reason = 'failed', mail.failure_reason or mail.state
            elif notice.mailed_at:
                notice.state = 'queued' if mail.state == 'outgoing' else 'sent'
                notice.reason = False
            elif notice.problem:
                notice.state, notice.reason = 'failed', notice.problem
            else:
                notice.state = 'waiting' if notice.email else 'no_address'
                notice.reason = False

    @api.depends('association_id', 'revision_id')
    def _compute_display_name(self):
        for notice in self:
            notice.display_name = f"{notice.revision_id.name}: {notice.partner_id.display_name}"

    # === BUSINESS METHODS === #

    @api.model
    def _send_next(self, revisions=None):
        """Make the mails of the next notices that wait; return whether there may be more.

        The mail and the note that it is made are one transaction: nobody is told twice.

        :param revisions: only of these
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT n.id FROM assist_price_revision_notice n
                 WHERE n.mailed_at IS NULL AND n.email IS NOT NULL AND n.problem IS NULL
                   AND n.is_withdrawn IS NOT TRUE AND (%s OR n.revision_id = ANY(%s))
              ORDER BY n.id LIMIT %s
            FOR UPDATE SKIP LOCKED
                """,
                revisions is None,
                revisions.ids if revisions else [],
                NOTICE_BATCH,
            )
        )
        notices = self.browse(row[0] for row in rows)
        notices._send()
        return len(notices) == NOTICE_BATCH

    def _send(self):
        """Hand mails for these over to Odoo's queue; what cannot be made keeps the reason."""
        if not self:
            return
        template = self.env.ref('assist_billing.mail_template_price_revision')
        try:
            with self.env.cr.savepoint():
                mails = template.send_mail_batch(self.ids)
        except NOBODYS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001 - kept with the notice and shown
            if len(self) > 1:
                for notice in self:
                    notice._send()
                return
            _logger.info("Notice %s could not be made: %s", self.id, error)
            while error.__cause__:  # what is wrong, not where it showed
                error = error.__cause__
            self.problem = str(error)
            return
        now = fields.Datetime.now()
        for mail in mails:
            notice = self.browse(mail.res_id)
            notice.write({'mail_id': mail.id, 'mailed_at': now, 'problem': False})

    def _send_again(self):
        """Mail those who were not reached: at the address that there is now."""
        for notice in self.filtered(lambda each: not each.is_withdrawn):
            if notice.state not in ('failed', 'no_address'):
                continue
            email = notice.association_id._get_notice_email()
            if not email:
                continue
            notice.mail_id.cancel()
            notice.write({'email': email, 'problem': False, 'mailed_at': False, 'mail_id': False})
            notice._send()

    def _withdraw(self):
        """Keep mails that have not gone from going; return how many had gone."""
        notices = self.filtered(lambda notice: not notice.is_withdrawn)
        notices.mail_id.filtered(lambda mail: mail.state == 'outgoing').cancel()
        told = len(notices.filtered(lambda notice: notice.state == 'sent'))
        notices.is_withdrawn = True
        return told

    def _get_price_rows(self):
        """Return what the mail says of prices: a list of (what, before, from then on)."""
        self.ensure_one()
        return self.revision_id._get_lines_of(self.association_id)._get_texts()
