import errno
import logging
import zlib
from contextlib import contextmanager

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.tools import SQL

from ...utils.naming import name_some
from ...utils.races import MAX_RACES, NOBODYS_FAULT, retry_races

_logger = logging.getLogger(__name__)

# What a disk says that is full, broken or read-only: no fault of the bill that met it.
STORAGE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
# When sending is tried again after one of these.
STORAGE_RETRY_MINUTES = 10
# Of PostgreSQL's advisory locks, those that stand for "this bill is being sent".
SENDING_LOCKS = zlib.crc32(b'assist_billing.sending') - 2**31
# What posts letters shows in the notifications, as mails do: the method, and their type.
LETTER_TYPES = {'snailmail': 'snail'}
# A file that another program is to take along; nobody is sent anything.
FILES_ONLY = {'es_facturae'}
# How an add-on shows on the invoice that what was handed over was refused later: field, values.
REFUSALS = {
    'peppol': ('peppol_move_state', ('error',)),
    'nemhandel': ('nemhandel_move_state', ('error',)),
    'it_edi_send': ('l10n_it_edi_state', ('rejected',)),
    'pl_ksef': ('l10n_pl_edi_status', ('rejected',)),
    'ro_edi': ('l10n_ro_edi_state', ('invoice_refused',)),
    'hu_nav_30': ('l10n_hu_edi_state', ('rejected',)),
    'tr_nilvera': ('l10n_tr_nilvera_send_status', ('error',)),
}
REFUSAL_FIELDS = {field for field, _values in REFUSALS.values()}
# How long a bill waits for its files when the request was killed that handed it over.
FILES_RETRY_MINUTES = 10


class AccountMove(models.Model):
    """Bills in Odoo's asynchronous sending: one by one, each committed by itself.

    What takes a bill besides e-mail, Peppol, a tax agency, the post, is handed it here as well.
    Nobody can hand a document over to another system and note that in one step. So that it is
    handed over once whatever dies in between, it is noted, and committed, that it begins; then,
    with what the other add-on commits, that it was taken. A bill found with the first note alone
    may have arrived or not: that is for a person to find out.
    """

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
        # What cannot be sent is told to somebody, and the scheduler has no language.
        bill = bill.with_context(lang=bill.company_id._assist_get_language())
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
        self._assist_set_delivery_state(
            # What another way took is with the customer, whatever else failed.
            'sent' if self._assist_get_taken() else 'failed',
            sending_data=False,
            assist_message_id=False,
        )
        self.message_post(
            body=self.env._("This bill could not be sent: %(reason)s", reason=message)
        )

    # === WHAT TOOK IT === #

    def _assist_get_taken(self):
        """Return by what this document was taken, as a set of sending methods and e-invoices."""
        self.ensure_one()
        # sudo: whoever sends, reads or downloads a bill
        taken = set((self.sudo().assist_transmission or {}).get('taken', ()))
        return taken - self._assist_get_refused()

    def _assist_get_refused(self):
        """Return by what this document was taken first and refused later."""
        self.ensure_one()
        # sudo: whoever sends, reads or downloads a bill
        move = self.sudo()
        return {
            name
            for name in (move.assist_transmission or {}).get('taken', ())
            if name in REFUSALS
            and REFUSALS[name][0] in move._fields
            and move[REFUSALS[name][0]] in REFUSALS[name][1]
        }

    def _assist_get_begun(self):
        """Return to what it began to be handed over, and nobody knows how that ended."""
        self.ensure_one()
        # sudo: whoever sends, reads or downloads a bill
        begun = set((self.sudo().assist_transmission or {}).get('begun', ()))
        return begun - self._assist_get_taken()

    def _assist_note_transmission(self, begun=(), taken=()):
        """Note that handing over to `begun` begins, or that it is over and `taken` took it."""
        for move in self.with_context(skip_is_manually_modified=True):
            taken_by_now = move._assist_get_taken() | set(taken)
            # sudo: nobody writes this by hand
            move.sudo().assist_transmission = {
                key: sorted(names)
                for key, names in (('begun', begun), ('taken', taken_by_now))
                if names
            } or False

    def _assist_forget_failed(self):
        """Forget what did not take this document after all: it is sent again, as somebody wants."""
        self.ensure_one()
        # sudo: whoever sends it
        if not self.sudo().assist_transmission:
            return
        # sudo: letters and notifications are nobody's but the engine's
        letters = self.sudo()._assist_get_letters()
        taken = self._assist_get_taken()
        if letters and self._assist_get_notification_state(letters) == 'failed':
            taken -= LETTER_TYPES.keys()
        # sudo: nobody writes this by hand
        self.sudo().assist_transmission = {'taken': sorted(taken)} if taken else False

    def _assist_describe_channels(self, names):
        """Return what people call these sending methods and e-invoices."""
        self.ensure_one()
        labels = dict(
            self.env['ir.model.fields'].get_field_selection('res.partner', 'invoice_sending_method')
        )
        edis = self.env['account.move.send']._get_all_extra_edis()
        labels |= {name: edi['label'] for name, edi in edis.items()}
        return ", ".join(str(labels.get(name, name)) for name in sorted(names))

    def _assist_get_unknown_end(self):
        """Return in words that it is not known whether this bill arrived."""
        self.ensure_one()
        return self.env._(
            "Sending was cut short while it was handed over (%(channels)s): it is not known "
            "whether it arrived. Check there first; if it did not, use Send Again.",
            channels=self._assist_describe_channels(self._assist_get_begun()),
        )

    def _assist_take_refusals(self, vals):
        """Bring up to date what was handed over, after `vals` say that it was refused."""
        if not REFUSAL_FIELDS.isdisjoint(vals):
            # sudo: whoever asks the other side what became of it
            self.sudo().filtered('assist_transmission')._assist_update_delivery()

    # === ONE AT A TIME === #

    @contextmanager
    def _assist_only_sender(self):
        """Keep others from sending these bills meanwhile; yields whether nobody does already.

        A row lock does not do: other add-ons commit while they send. This one ends with its own
        connection, however this process ends.
        """
        # In tests there is one connection, and nobody else.
        if not (self and self.env['account.move.send']._can_commit()):
            yield True
            return
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "SELECT bool_and(pg_try_advisory_xact_lock(%s, id)) FROM unnest(%s) AS id",
                    SENDING_LOCKS,
                    self.ids,
                )
            )
            yield cr.fetchone()[0]

    def _assist_raise_being_sent(self):
        raise UserError(
            self.env._(
                "%(bills)s: currently being sent. Try again in a few seconds.",
                bills=name_some(self.env, self.mapped('display_name')),
            )
        )

    def _assist_lock_again(self):
        """Lock these bills in a new transaction: others may be at them for a moment."""
        for lost in range(MAX_RACES):
            try:
                self.env.cr.execute(
                    SQL(
                        "SELECT id FROM account_move WHERE id = ANY(%s) ORDER BY id"
                        " FOR NO KEY UPDATE",
                        self.ids,
                    )
                )
            except psycopg2.OperationalError:
                self.env.cr.rollback()
                if lost == MAX_RACES - 1:
                    raise
            else:
                return

    # === WHAT BECAME OF IT === #

    def _assist_answered(self, channels):
        """Note that this bill was taken, should this process end before it is through with it."""
        self.ensure_one()
        self._assist_note_transmission(taken=channels)
        vals = {}
        if not self.sending_data:
            # Sent by the dialog. If that gets no further, the schedule makes the files.
            vals['sending_data'] = {
                'author_user_id': self.env.user.id,
                'author_partner_id': self.env.user.partner_id.id,
                'assist_files_only': True,
            }
            # sudo: whoever sends bills need not see scheduled actions
            self.env.ref('account.ir_cron_account_move_send').sudo()._trigger(
                at=fields.Datetime.add(fields.Datetime.now(), minutes=FILES_RETRY_MINUTES)
            )
        bill = self.with_context(skip_is_manually_modified=True)
        bill._assist_set_delivery_state('sent', **vals)

    def _assist_cut_short(self):
        """After a failure: keep which of these bills may have arrived or not, and undo the rest."""
        self.env.cr.rollback()
        for bill in self.exists():
            if bill._assist_get_begun():
                bill._assist_sending_failed(UserError(bill._assist_get_unknown_end()))
        self.env.cr.commit()  # pylint: disable=invalid-commit

    # === WHAT OTHERS COMMIT === #

    def _assist_get_marks(self):
        """Return by what it shows that somebody has changed these rows, or posted on them."""
        return {
            row[0]: row[1:]
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT m.id, m.xmin::text, (
                               SELECT max(g.id) FROM mail_message g
                                WHERE g.model = 'account.move' AND g.res_id = m.id
                           )
                      FROM account_move m
                     WHERE m.id = ANY(%s)
                    """,
                    self.ids,
                )
            )
        }

    def _assist_finish(self, handling):
        """Do what the closing run has still to do with this bill once it is posted."""
        self.ensure_one()
        if self.state == 'posted' and handling == 'send':
            self._assist_queue_sending()
        # Last: until then a run that is cut short leaves it to the next.
        self._assist_mark_unfinished(False)

    def _assist_mark_unfinished(self, handling):
        """Note what the closing run has still to do with these bills: `post`, `send` or nothing.

        By itself, for it is another add-on's commit, in the midst of posting, that asks for it.
        """
        if not self:
            return  # asked with every entry that is reset, whosever it is
        self.env.cr.execute(
            SQL(
                "UPDATE account_move SET assist_unfinished = %s WHERE id = ANY(%s)",
                handling or None,
                self.ids,
            )
        )
        self.invalidate_recordset(['assist_unfinished'], flush=False)
