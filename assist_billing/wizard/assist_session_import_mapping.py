from odoo import api, models

from .. import sources


class AssistSessionImport(models.TransientModel):
    """How the columns of a table are read: as the source says, as somebody set it, as kept."""

    _inherit = 'assist.session.import'

    # === BUSINESS METHODS === #

    def _fill_columns(self, reading):
        """List the columns of another table than was looked at before, as they were kept."""
        header = self.env['assist.session.mapping']._get_header(reading.names)
        columns_of = f'{self.source} {header}'
        if self.columns_of == columns_of:
            return
        # What was chosen before the first look holds, and when but another source is chosen.
        is_same_file = not self.columns_of or self.columns_of.endswith(header)
        kept = {}
        if reading.names:
            # sudo: what was kept is found by the same company's headings alone
            mappings = self.env['assist.session.mapping'].sudo()
            kept = mappings._find(self.company_id, self.source, reading.names) or {}
        suggested = {
            column: field for field, columns in self._suggest(reading).items() for column in columns
        }
        self.write(
            {
                'columns_of': columns_of,
                'is_kept': bool(kept),
                'date_order': (is_same_file and self.date_order) or kept.get('date_order'),
                'duration_unit': (is_same_file and self.duration_unit) or kept.get('duration_unit'),
                'column_ids': self._prepare_columns(reading, suggested, kept, sources.FIELDS),
            }
        )

    def _get_mapping(self, reading):
        """Return what differs from the way the source reads such columns; None when nothing.

        :return: a mapping as of `sources.normalise`
        """
        self.ensure_one()
        shown = set(self.column_ids.mapped('name'))
        suggested = {
            field: [column for column in columns if column in shown]
            for field, columns in self._suggest(reading).items()
        }
        chosen = self._get_chosen_columns()
        mapping = {}
        for field in sources.FIELDS:
            if shown and sorted(chosen.get(field, [])) != sorted(suggested.get(field, [])):
                mapping[field] = chosen.get(field)
        for option in ('date_order', 'duration_unit'):
            if self[option]:
                mapping[option] = self[option]
        return mapping or None

    def _suggest(self, reading):
        """Return `{field: columns}` as the source would read this file."""
        suggested = sources.suggest_mapping(reading.names, self.source)
        return {
            field: columns if isinstance(columns, list) else [columns]
            for field, columns in suggested.items()
        }

    def _keep_mapping(self, reading, mapping):
        """Keep how the columns were set, for the next file that has the same."""
        if reading.names and (mapping or self.is_kept):
            # sudo: mappings have no screen of their own; whoever may import may set them
            self.env['assist.session.mapping'].sudo()._keep(
                self.company_id, self.source, reading.names, mapping
            )

    @api.model
    def _get_field_labels(self):
        """Return what each field of `sources.FIELDS` is called."""
        return {
            'external_id': self.env._("ID"),
            'kind': self.env._("Kind"),
            'day': self.env._("Date of Start and End"),
            'started_at': self.env._("Start"),
            'ended_at': self.env._("End"),
            'duration': self.env._("Duration"),
            'running': self.env._("Running"),
            'tz': self.env._("Time Zone"),
            'technician': self.env._("Technician"),
            'customer_email': self.env._("Customer E-mail"),
            'customer_name': self.env._("Customer"),
            'customer_ref': self.env._("Customer Number"),
            'device_ref': self.env._("Device ID"),
            'device_name': self.env._("Device"),
            'group': self.env._("Group"),
            'department': self.env._("Department"),
            'note': self.env._("Note"),
            'billable': self.env._("Billable"),
        }
