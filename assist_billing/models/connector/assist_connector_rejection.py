import hashlib
import json

from odoo import api, fields, models

# A record is kept up to this many characters: enough to find and mend it.
RECORD_LIMIT = 20_000


class AssistConnectorRejection(models.Model):
    """A record that a connector fetched and that became no session: which, and why."""

    _name = 'assist.connector.rejection'
    _description = "Record Rejected by a Connector"
    _inherit = ['assist.guard']
    _order = 'id desc'
    _rec_name = 'reason'

    # === FIELDS === #

    connector_id = fields.Many2one('assist.connector', required=True, ondelete='cascade')
    company_id = fields.Many2one(related='connector_id.company_id', store=True, index=True)
    key = fields.Char(
        required=True, readonly=True, help="Identifies the same record when it is sent again."
    )
    field = fields.Char(readonly=True)
    reason = fields.Text(readonly=True)
    record = fields.Text(readonly=True, help="As the tool sent it.")

    # === CONSTRAINTS AND INDEXES === #

    _unique_key = models.UniqueIndex("(connector_id, key)")

    # === BUSINESS METHODS === #

    @api.model
    def _keep(self, connector, records, answers):
        """Keep what was rejected, once each; forget what was taken in after all.

        :param list answers: of `ingest`, one for each of `records`
        """
        rejected, accepted = {}, set()
        for record, answer in zip(records, answers, strict=True):
            key = self._get_key(connector, record)
            if answer['status'] == 'rejected':
                rejected[key] = self._prepare_rejection_vals(connector, key, record, answer)
            else:
                accepted.add(key)
        known = self.search(
            [('connector_id', '=', connector.id), ('key', 'in', [*rejected, *accepted])]
        )
        known.filtered(lambda rejection: rejection.key in accepted).unlink()
        for rejection in known.exists():
            vals = rejected.pop(rejection.key)
            if vals['record'] != rejection.record:
                rejection.write(vals)
        self.create(list(rejected.values()))

    @api.model
    def _get_key(self, connector, record):
        name = connector._get_client_class().id_name
        named = record.get(name) if isinstance(record, dict) else None
        text = json.dumps(record if named in (None, '') else str(named), default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @api.model
    def _prepare_rejection_vals(self, connector, key, record, answer):
        return {
            'connector_id': connector.id,
            'key': key,
            'field': answer['field'],
            'reason': answer['reason'],
            'record': json.dumps(record, default=str)[:RECORD_LIMIT],
        }
