from datetime import datetime

from ..common import AssistBillingCommon

START = datetime(2026, 1, 15, 10, 0)


def zoho(session_id, start=START, minutes=30, **values):
    """Return a record as Zoho Assist's reports API answers; no minutes: still running."""
    begun = int((start - datetime(1970, 1, 1)).total_seconds() * 1000)
    return {
        'session_id': session_id,
        'session_type': 'rs',
        'start_time': begun,
        'end_time': begun + minutes * 60_000 if minutes is not None else 0,
        'duration': str((minutes or 0) * 60_000),
        'viewer_email': 'olga@example.com',
        'agent_email': 'office@acme.example',
        'display_name': "Acme office",
        **values,
    }


class IngestCommon(AssistBillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sessions = cls.env['assist.session']
        # sudo: the user of these tests sets up no companies
        cls.other_company = cls.env['res.company'].sudo().create({'name': "Other Company"})

    def _ingest(self, *records, source='zoho_assist', **context):
        return self.sessions.with_context(**context).ingest(list(records), source)

    def _statuses(self, *records, **options):
        return [answer['status'] for answer in self._ingest(*records, **options)]

    def _get(self, external_id, source='zoho_assist'):
        return self.sessions.search(
            [('source', '=', source), ('external_id', '=', str(external_id))]
        )
