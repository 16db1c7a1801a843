import zlib
from contextlib import contextmanager

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...utils.races import MAX_RACES

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
    """What takes a bill besides e-mail: Peppol, a tax agency, the post.

    Nobody can hand a document over to another system and note that in one step. So that it is
    handed over once whatever dies in between, it is noted, and committed, that it begins; then,
    with what the other add-on commits, that it was taken. A bill found with the first note alone
    may have arrived or not: that is for a person to find out.
    """

    _inherit = 'account.move'

    # === CRUD METHODS === #

    def write(self, vals):
        result = super().write(vals)
        if not REFUSAL_FIELDS.isdisjoint(vals):
            # sudo: whoever asks the other side what became of it
            self.sudo().filtered('assist_transmission')._assist_update_delivery()
        return result

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
            "Sending was cut short while it was handed over (%(channels)s): nobody knows whether "
            "it arrived. Look there first; if it did not, use Send Again.",
            channels=self._assist_describe_channels(self._assist_get_begun()),
        )

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
                "%(bills)s: being sent at this moment. Try again in a few seconds.",
                bills=", ".join(self.mapped('display_name')),
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
        vals = {'assist_delivery_state': 'sent'}
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
        self._assist_as_engine().with_context(skip_is_manually_modified=True).write(vals)

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

    def _assist_mark_unfinished(self, handling):
        """Note what the closing run has still to do with these bills: `post`, `send` or nothing.

        By itself, for it is another add-on's commit, in the midst of posting, that asks for it.
        """
        self.env.cr.execute(
            SQL(
                "UPDATE account_move SET assist_unfinished = %s WHERE id = ANY(%s)",
                handling or None,
                self.ids,
            )
        )
        self.invalidate_recordset(['assist_unfinished'], flush=False)
