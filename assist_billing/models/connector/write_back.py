from odoo import fields, models
from odoo.tools import SQL

from ... import connectors
from ...utils.sql_changes import created

BATCH = 100


class AssistConnectorWriteBack(models.Model):
    """A billed session that is to be marked as billed at its source, until that is done."""

    _name = 'assist.connector.write.back'
    _description = "Session to Be Marked as Billed"
    _inherit = ['assist.guard']
    _order = 'id'
    _rec_name = 'session_id'

    # === FIELDS === #

    connector_id = fields.Many2one(
        'assist.connector', required=True, readonly=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='connector_id.company_id', store=True, index=True)
    session_id = fields.Many2one(
        'assist.session', required=True, readonly=True, ondelete='cascade', index=True
    )
    state = fields.Selection(
        [('pending', "To Be Marked"), ('done', "Marked"), ('refused', "Refused")],
        required=True,
        readonly=True,
        default='pending',
    )
    error = fields.Text(readonly=True)

    # === CONSTRAINTS AND INDEXES === #

    _unique_session = models.UniqueIndex("(connector_id, session_id)")
    _pending_index = models.Index("(connector_id) WHERE state = 'pending'")

    # === ACTIONS === #

    def action_try_again(self):
        """Queue what the source refused once more."""
        self.check_access('write')
        self.filtered(lambda line: line.state == 'refused')._assist_as_engine().write(
            {'state': 'pending', 'error': False}
        )
        return True

    # === BUSINESS METHODS === #

    def _send(self, client):
        """Mark this session at the source, or keep that the source refuses this one."""
        self.ensure_one()
        try:
            client.mark_billed(self.session_id.external_id)
        except connectors.ConnectorError as error:
            if error.code != 'refused':
                raise
            # This one only: it is gone there, or may not be changed.
            self.write(
                {
                    'state': 'refused',
                    'error': self.env._(
                        "The source refused to mark this session (HTTP %(status)s). It may have "
                        "been deleted there.",
                        status=error.status,
                    ),
                }
            )
        else:
            self.write({'state': 'done', 'error': False})


class AssistConnector(models.Model):
    """Marks sessions as billed at their source."""

    _inherit = 'assist.connector'

    # === FIELDS === #

    write_back = fields.Boolean(
        string="Mark as Billed at the Source",
        help="Once a session is billed here, the tool shows it as billed too.",
    )
    write_back_from = fields.Date(
        string="Sessions From",
        default=lambda self: self._default_fetch_from(),
        help="Only sessions that ended on this day or later are marked.",
    )
    write_back_ids = fields.One2many('assist.connector.write.back', 'connector_id')
    write_back_pending_count = fields.Integer(
        string="Waiting to Be Marked", compute='_compute_write_back_counts'
    )
    write_back_refused_count = fields.Integer(
        string="Marks Refused", compute='_compute_write_back_counts'
    )

    # === COMPUTE METHODS === #

    def _compute_write_back_counts(self):
        counts = {
            (connector, state): count
            for connector, state, count in self.env['assist.connector.write.back']._read_group(
                [('connector_id', 'in', self.ids)], ['connector_id', 'state'], ['__count']
            )
        }
        for connector in self:
            connector.write_back_pending_count = counts.get((connector, 'pending'), 0)
            connector.write_back_refused_count = counts.get((connector, 'refused'), 0)

    # === ACTIONS === #

    def action_view_write_backs(self):
        self.ensure_one()
        self.check_access('read')
        return self.write_back_ids._get_records_action(
            name=self.env._("Marked as Billed"),
            domain=[('connector_id', '=', self.id)],
            views=[(False, 'list')],
            view_mode='list',
            res_id=False,
        )

    # === BUSINESS METHODS === #

    def _write_back(self, client):
        """Mark at the source what was billed here; False when time is up.

        Each mark is committed once it is sent. One that was sent and not committed is sent again,
        which changes nothing.

        :raise ConnectorError: it does not work now; what is queued stays queued
        """
        self.ensure_one()
        if not self.write_back or not client.marks_billed:
            return True
        self._queue_write_backs()
        self.env['ir.cron']._commit_progress()
        while batch := self._get_pending_write_backs():
            for line in batch:
                try:
                    line._send(client)
                except connectors.ConnectorError as error:
                    if error.code != 'too_long':
                        raise
                    return False
                if not self.env['ir.cron']._commit_progress():
                    return False
        return True

    def _get_pending_write_backs(self):
        return self.env['assist.connector.write.back'].search(
            [('connector_id', '=', self.id), ('state', '=', 'pending')], limit=BATCH
        )

    def _queue_write_backs(self):
        """Queue each billed session of this source once, whoever billed it and how."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO assist_connector_write_back (
                    connector_id, company_id, session_id, state,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT %(connector)s, s.company_id, s.id, 'pending',
                       %(uid)s, now() AT TIME ZONE 'UTC', %(uid)s, now() AT TIME ZONE 'UTC'
                  FROM assist_session s
                 WHERE s.company_id = %(company)s AND s.source = %(source)s
                   AND s.external_id IS NOT NULL AND s.state = 'billed'
                   AND s.ended_at >= COALESCE(%(since)s, '-infinity'::timestamp)
                   AND NOT EXISTS (
                       SELECT 1 FROM assist_connector_write_back w
                        WHERE w.connector_id = %(connector)s AND w.session_id = s.id
                   )
              ORDER BY s.id
                    ON CONFLICT (connector_id, session_id) DO NOTHING
             RETURNING id
                """,
                connector=self.id,
                company=self.company_id.id,
                source=self.source,
                since=self.write_back_from or None,
                uid=self.env.uid,
            )
        )
        lines = self.env['assist.connector.write.back']
        lines.invalidate_model()
        created(
            lines.browse(row[0] for row in rows),
            ['connector_id', 'company_id', 'session_id', 'state'],
        )
        self.invalidate_recordset(['write_back_ids'])
