import errno
import logging

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import SQL

from ...utils.races import NOBODYS_FAULT, retry_races

_logger = logging.getLogger(__name__)

# What a disk says that is full, broken or read-only: no fault of the bill that met it.
STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
# When sending is tried again after one of these.
STORAGE_RETRY_MINUTES = 10


class AccountMove(models.Model):
    """Bills in Odoo's asynchronous sending: one by one, each committed by itself."""

    _inherit = 'account.move'

    # === CRON === #

    @api.model
    def _cron_account_move_send(self, job_count=10):
        # EXTENDS account: Odoo sends `job_count` invoices in one transaction, so that one error
        # undoes all of them; and it does not look whether another process has one at hand
        progress = self.env['ir.cron']
        # Invoices that are no bills count, too: time may be up with the last bill.
        progress._commit_progress(
            remaining=self.search_count([('sending_data', '!=', False), ('state', '=', 'posted')])
        )
        tried = []
        try:
            while bill := retry_races(self._assist_send_next, tried):
                tried.append(bill.id)
                if not progress._commit_progress(1):
                    return None  # out of time: the scheduler comes back for the rest
        except OSError as error:
            if error.errno not in STORAGE_ERRORS:
                raise
            # All bills would fare the same. They stay queued, and are sent when there is room.
            _logger.warning(
                "Sending bills: their files cannot be stored (%s). Tried again in %s minutes.",
                *(error, STORAGE_RETRY_MINUTES),
            )
            self.env.cr.rollback()
            self._assist_send_later(STORAGE_RETRY_MINUTES)
            return None
        if self._assist_count_to_send():
            # Another process has them at hand, or just had, or they wait for an answer. Odoo's own
            # run would send them too.
            self._assist_send_others(job_count)
            self._assist_send_later(1)
            return None
        # Odoo says what remains only where it finds something.
        progress._commit_progress(remaining=0)
        return super()._cron_account_move_send(job_count)

    @api.model
    def _assist_send_others(self, job_count):
        """Send invoices that are no bills, as Odoo does."""
        others = self.search(
            [
                ('sending_data', '!=', False),
                ('state', '=', 'posted'),
                ('assist_kind', '=', False),
            ],
            order='date, invoice_date, sequence_number, id',
            limit=job_count,
        ).try_lock_for_update()
        if others:
            self.env['account.move.send']._generate_and_send_invoices(others, from_cron=True)

    # === BUSINESS METHODS === #

    @api.model
    def _assist_get_to_send_sql(self):
        return SQL(
            "FROM account_move WHERE sending_data IS NOT NULL AND state = 'posted'"
            " AND assist_kind IS NOT NULL"
        )

    @api.model
    def _assist_count_to_send(self):
        self.flush_model(['sending_data', 'state', 'assist_kind'])
        [[count]] = self.env.execute_query(
            SQL("SELECT count(*) %s", self._assist_get_to_send_sql())
        )
        return count

    @api.model
    def _assist_send_next(self, tried):
        """Send the next bill that nobody else is sending; return it, or nothing."""
        bill = self._assist_lock_next_to_send(tried)
        if not bill:
            return bill
        with bill._assist_only_sender() as is_only:
            if is_only:
                bill._assist_send_queued()
                # Stored, so locked, before others may send it.
                self.env.flush_all()
        if not is_only:
            # Another process is at it, and has committed in between: it may go on.
            self.env.cr.rollback()
        return bill

    @api.model
    def _assist_lock_next_to_send(self, tried):
        """Lock and return the next bill to send that nobody else is sending.

        It is the first statement after a commit, so its snapshot is fresh: what another process
        has just sent is not queued any more.

        :param list tried: ids to leave out: what was tried in this run is not tried in circles
        """
        self.flush_model(['sending_data', 'state', 'assist_kind', 'date'])
        rows = self.env.execute_query(
            SQL(
                "SELECT id %s AND id != ALL(%s) ORDER BY date, id LIMIT 1"
                " FOR NO KEY UPDATE SKIP LOCKED",
                self._assist_get_to_send_sql(),
                tried,
            )
        )
        return self.browse(row[0] for row in rows)

    def _assist_send_queued(self):
        """Make the PDF of this locked bill, hand it over, queue its mail; failures stay with it.

        There is no savepoint: add-ons that hand bills over to others commit when they have.

        :raise OSError: one of STORAGE_ERRORS
        """
        self.ensure_one()
        if self._assist_get_begun():
            # Who handed it over was killed meanwhile.
            self._assist_sending_failed(UserError(self._assist_get_unknown_end()))
            return
        # Mails are not sent in this transaction but by Odoo's mail queue, which commits after each:
        # a mail is neither lost nor doubled when this transaction does not get through.
        context = {'mail_notify_force_send': False, 'assist_is_only_sender': True}
        try:
            self.env['account.move.send'].with_context(**context)._generate_and_send_invoices(
                self.with_context(**context),
                from_cron=True,
                **self._assist_get_settings_to_send(),
            )
            self.env.flush_all()
        except NOBODYS_FAULT:
            raise  # the bill stays queued
        except Exception as error:
            if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
                raise  # the bill stays queued
            self.env.cr.rollback()
            self._assist_sending_failed(error)
        else:
            self._assist_trigger_mails()

    def _assist_get_settings_to_send(self):
        """Return with which settings this queued bill is sent; those left out are the defaults."""
        if (self.sending_data or {}).get('assist_files_only'):
            # The dialog has handed it over, and was killed before its files were stored.
            return {'sending_methods': []}
        return {}

    @api.model
    def _assist_send_later(self, minutes):
        """Leave what is queued for later; until then the scheduler does not come back for it."""
        # sudo: whoever sends bills need not see scheduled actions
        self.env.ref('account.ir_cron_account_move_send').sudo()._trigger(
            at=fields.Datetime.add(fields.Datetime.now(), minutes=minutes)
        )
        # Not "some remain": the scheduler would try these again at once, in circles.
        self.env['ir.cron']._commit_progress(remaining=0)

    def _assist_sending_failed(self, error):
        """Take the bill out of the queue and say on it why it could not be sent."""
        self.ensure_one()
        if isinstance(error, (UserError, RedirectWarning)):
            message = str(error.args[0])
            _logger.info("Bill %s could not be sent: %s", self.id, message)
        else:
            message = f"{type(error).__name__}: {error}"
            _logger.exception("Bill %s could not be sent", self.id)
        if begun := self._assist_get_begun():
            unknown = self._assist_get_unknown_end()
            message = message if message == unknown else f"{message}\n{unknown}"
            # Kept: until somebody says so, it is not handed over again.
            self._assist_note_transmission(begun=begun)
        self._assist_as_engine().write(
            {
                'sending_data': False,
                # What another way took is with the customer, whatever else failed.
                'assist_delivery_state': 'sent' if self._assist_get_taken() else 'failed',
                'assist_message_id': False,
            }
        )
        self.message_post(
            body=self.env._("This bill could not be sent: %(reason)s", reason=message)
        )
