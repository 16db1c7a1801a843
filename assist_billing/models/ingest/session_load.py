from odoo import api, models
from odoo.tools import split_every

LOOKED_UP = 1_000


class AssistSession(models.Model):
    """Odoo's own import: what is there already is found again by the source's ID."""

    _inherit = 'assist.session'

    # === CRUD METHODS === #

    @api.model
    def load(self, fields, data):
        # EXTENDS base: a row whose session is there already updates it instead of adding it again,
        # and a row of a source without the source's ID is refused: nothing would find it again.
        self.check_access('create')
        if {'id', '.id'} & set(fields):
            return super().load(fields, data)
        rows = self._get_import_rows(fields, data)
        if messages := self._check_import_rows(rows):
            return {'ids': False, 'messages': messages, 'nextrow': 0}
        if known := self._find_imported(rows):
            data = [[known.get(key, ''), *row] for key, row in zip(rows, data, strict=True)]
            fields = ['.id', *fields]
        if 'technician_id' in {field.partition('/')[0] for field in fields}:
            return super().load(fields, data)
        # Whoever imports sessions was not the technician of all of them.
        sessions = self.with_context(default_technician_id=False)
        return super(AssistSession, sessions).load(fields, data)

    # === BUSINESS METHODS === #

    @api.model
    def _get_import_rows(self, fields, data):
        """Return `(company id, source, external ID)` for each row; None where it is not known.

        The cell of the external ID is trimmed in `data` too, or it would not be found again.
        """
        places = {name: fields.index(name) for name in ('source', 'external_id') if name in fields}
        company_field = next((name for name in fields if name.startswith('company_id')), None)
        companies = {'': self.env.company.id}
        sources = {'': self._default_source()}
        for value, label in self._fields['source']._description_selection(self.env):
            sources |= {label.casefold(): value, value: value}
        rows = []
        for row in data:
            external_id = ''
            if 'external_id' in places:
                external_id = str(row[places['external_id']] or '').strip()
                row[places['external_id']] = external_id
            source = str(row[places['source']] or '').strip() if 'source' in places else ''
            company = ''
            if company_field:
                company = str(row[fields.index(company_field)] or '').strip()
                if company not in companies:
                    companies[company] = self._find_import_company(company_field, company)
            rows.append((companies[company], sources.get(source.casefold()), external_id))
        return rows

    @api.model
    def _find_import_company(self, field, value):
        """Return the ID of the company that an import names; None leaves the error to Odoo."""
        if field == 'company_id/.id':
            return int(value) if value.isascii() and value.isdigit() else None
        if field == 'company_id/id':
            company = self.env.ref(value, raise_if_not_found=False)
            return company.id if company and company._name == 'res.company' else None
        return self.env['res.company'].search([('name', '=', value)], limit=1).id

    @api.model
    def _check_import_rows(self, rows):
        """Return the messages for rows without the source's ID, or with that of another row."""
        messages = []
        seen = {}
        for index, key in enumerate(rows):
            _company, source, external_id = key
            message = None
            if not external_id:
                if source and source != 'manual':
                    message = self.env._(
                        "Row %(row)s: External ID is missing. A session from a source other than "
                        "Odoo needs one; otherwise importing it again would bill it twice.",
                        row=index + 1,
                    )
            elif key in seen:
                message = self.env._(
                    "Row %(row)s: External ID %(external_id)s stands in row %(first)s already. "
                    "Leave one of the two out.",
                    row=index + 1,
                    external_id=external_id,
                    first=seen[key] + 1,
                )
            else:
                seen[key] = index
            if message:
                messages.append(
                    {
                        'type': 'error',
                        'message': message,
                        'record': index,
                        'rows': {'from': index, 'to': index},
                        'field': 'external_id',
                    }
                )
        return messages

    @api.model
    def _find_imported(self, rows):
        """Return `{(company id, source, external ID): database ID}` of those that are there."""
        known = {}
        wanted = {}
        for company, source, external_id in rows:
            if company and source and external_id:
                wanted.setdefault((company, source), []).append(external_id)
        for (company, source), external_ids in wanted.items():
            for batch in split_every(LOOKED_UP, external_ids):
                found = self.search_fetch(
                    [
                        ('company_id', '=', company),
                        ('source', '=', source),
                        ('external_id', 'in', batch),
                    ],
                    ['external_id'],
                )
                known |= {
                    (company, source, session.external_id): str(session.id) for session in found
                }
        return known
