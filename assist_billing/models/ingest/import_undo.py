from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

# Sessions removed at a time.
BATCH = 1_000


class AssistSessionImportRecord(models.Model):
    """Undoing an import, as long as nothing of it is billed."""

    _inherit = 'assist.session.import.record'

    # === ACTIONS === #

    def action_undo(self):
        """Remove the sessions that this import created. Those that it only ended stay.

        :raise UserError: one of them is billed, or kept for a bill to be made again
        """
        self.ensure_one()
        self.check_access('read')
        self.env['assist.session']._check_may_ingest()
        # sudo: imports are written by the engine only, and billing users may undo their own
        record = self.sudo()
        if not record.try_lock_for_update():
            raise UserError(
                self.env._(
                    "%(file)s is being imported or undone right now. Try again in a moment.",
                    file=record.name,
                )
            )
        if record.state == 'undone':
            raise UserError(self.env._("%(file)s has already been undone.", file=record.name))
        sessions = record._lock_sessions()
        record._check_not_billed(sessions)
        record._remove_sessions(sessions)
        record.write(
            {
                'state': 'undone',
                'error': False,
                'undone_by_id': self.env.user.id,
                'undone_at': fields.Datetime.now(),
            }
        )
        return True

    # === BUSINESS METHODS === #

    def _lock_sessions(self):
        """Lock and return the sessions of this import: a closing run waits, or was first."""
        self.env['assist.session'].flush_model(['import_id'])
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM assist_session WHERE import_id = %s ORDER BY id FOR UPDATE", self.id
            )
        )
        return self.env['assist.session'].browse(row[0] for row in rows)

    def _remove_sessions(self, sessions):
        """Remove sessions that are locked, many at a time."""
        if len(sessions) > BATCH:
            # PostgreSQL remembers how it looks for what refers to a session. If it made that plan
            # for a table of a few, it reads the whole table for each: this has it plan anew.
            self.env.cr.execute("ANALYZE assist_session")
        for ids in split_every(BATCH, sessions.ids):
            sessions.browse(ids).unlink()

    def _check_not_billed(self, sessions):
        billed = sessions.filtered('cycle_id')
        if not billed:
            return
        first = billed[0].cycle_id
        raise UserError(
            self.env._(
                "%(file)s cannot be undone. Sessions already billed: %(count)s of %(all)s, "
                "the first for %(customer)s (%(bill)s). Take that bill back and waive its period, "
                "or mark individual sessions as non-billable.",
                file=self.name,
                count=len(billed),
                all=len(sessions),
                customer=first.partner_id.display_name,
                bill=first.move_id.display_name or first.display_name,
            )
        )
