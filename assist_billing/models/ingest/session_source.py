import hashlib

from odoo import fields, models
from odoo.tools import format_datetime

# What the source says of a session, as columns: by these it is matched and grouped.
SOURCE_TEXTS = {
    'technician': 'source_technician',
    'customer_email': 'source_email',
    'customer_name': 'source_customer',
    'customer_ref': 'source_customer_ref',
    'device_ref': 'source_device_ref',
    'device_name': 'source_device',
    'group': 'source_group',
    'department': 'source_department',
}
# What is compared when a source says something else later, in the order it is shown.
COMPARED = {
    'started_at': 'started_at',
    'ended_at': 'ended_at',
    'kind': 'kind',
    **SOURCE_TEXTS,
    'note': 'note',
}


class AssistSession(models.Model):
    """What the source said of a session, and what it said later."""

    _inherit = 'assist.session'

    # === FIELDS === #

    import_id = fields.Many2one(
        'assist.session.import.record',
        string="Imported With",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
    source_technician = fields.Char(
        string="Technician at the Source",
        readonly=True,
        copy=False,
        help="E-mail address or name as the source gives it.",
    )
    source_email = fields.Char(string="Customer E-mail at the Source", readonly=True, copy=False)
    source_customer = fields.Char(string="Customer at the Source", readonly=True, copy=False)
    source_customer_ref = fields.Char(
        string="Customer Number at the Source", readonly=True, copy=False
    )
    source_device = fields.Char(string="Device at the Source", readonly=True, copy=False)
    source_device_ref = fields.Char(string="Device ID at the Source", readonly=True, copy=False)
    source_group = fields.Char(string="Group at the Source", readonly=True, copy=False)
    source_department = fields.Char(string="Department at the Source", readonly=True, copy=False)
    source_digest = fields.Char(
        readonly=True, copy=False, help="Digest of the record this session was made of."
    )
    source_difference = fields.Text(
        string="Source Says Otherwise",
        readonly=True,
        copy=False,
        help="The source sent this session again with other values after it had ended. Nothing "
        "was changed here.",
    )
    source_difference_digest = fields.Char(
        readonly=True, copy=False, help="Digest of the record that said otherwise."
    )

    # === CONSTRAINTS AND INDEXES === #

    _source_difference_index = models.Index("(company_id) WHERE source_difference IS NOT NULL")

    # === ACTIONS === #

    def action_dismiss_source_difference(self):
        """Take note of what the source says otherwise; the same record does not bring it back."""
        self._assist_as_engine().write({'source_difference': False})
        return True

    # === BUSINESS METHODS === #

    def _get_source_digest(self, normal):
        """Return a digest by which the same record is known again, in any order and page."""
        # What it was called while it ran says nothing of it.
        return hashlib.blake2b(repr(normal[:-1]).encode(), digest_size=16).hexdigest()

    def _describe_source_difference(self, normal, stored):
        """Say in words what the source says otherwise than is stored here; '' when nothing.

        :param normal: what the source says
        :param dict stored: values of the columns named in `COMPARED`, and `source_digest`
        """
        lines = []
        descriptions = self.fields_get(list(COMPARED.values()), ['string', 'selection'])
        for name, column in COMPARED.items():
            if not stored['source_digest'] and name not in {'started_at', 'ended_at', 'kind'}:
                # Not made of a record: what the source says of it was never asked.
                continue
            theirs, ours = getattr(normal, name), stored[column]
            if (theirs or None) == (ours or None):
                continue
            choices = dict(descriptions[column].get('selection') or ())
            lines.append(
                self.env._(
                    "%(field)s: %(theirs)s at the source, %(ours)s here",
                    field=descriptions[column]['string'],
                    theirs=self._show_source_value(choices.get(theirs, theirs)),
                    ours=self._show_source_value(choices.get(ours, ours)),
                )
            )
        return "\n".join(lines)

    def _show_source_value(self, value):
        if not value:
            return self.env._("nothing")
        if hasattr(value, 'isoformat'):
            return format_datetime(self.env, value)
        text = " ".join(str(value).split())
        return f"“{text[:200]}…”" if len(text) > 200 else f"“{text}”"
