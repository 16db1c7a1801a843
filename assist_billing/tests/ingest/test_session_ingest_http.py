from datetime import datetime, timedelta

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .ingest_common import zoho


@tagged('post_install', '-at_install')
class TestSessionIngestHttp(HttpCase):
    """A program with an API key that may do only this: POST /json/2/assist.session/ingest."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = new_test_user(
            cls.env, 'ingest_program', groups='assist_billing.assist_billing_group_ingest'
        )

    def _post(self, path, key, **body):
        headers = {'Authorization': f'Bearer {key}'} if key else {}
        return self.url_open(f'/json/2/{path}', headers=headers, json=body)

    def _create_key(self, user):
        keys = self.env['res.users.apikeys'].with_user(user)
        return keys._generate('rpc', "Sessions", datetime.now() + timedelta(days=1))

    def test_a_program_brings_sessions_in_and_may_do_nothing_else(self):
        key = self._create_key(self.program)
        body = {'records': [zoho(1), zoho(1), {'session_id': 5}], 'source': 'zoho_assist'}
        answers = self._post('assist.session/ingest', key, **body).json()
        self.assertEqual(
            [answer['status'] for answer in answers], ['created', 'duplicate', 'rejected']
        )
        self.assertEqual(answers[2]['field'], 'start_time')
        self.assertTrue(self.env['assist.session'].browse(answers[0]['id']).exists())
        again = self._post('assist.session/ingest', key, **body).json()
        self.assertEqual({answer['status'] for answer in again}, {'duplicate', 'rejected'})
        with mute_logger('odoo.http'):
            for path, body in (
                ('assist.session/search_read', {'domain': []}),
                ('assist.session/create', {'vals_list': [{'started_at': '2026-01-01 10:00:00'}]}),
                ('res.partner/search_read', {'domain': []}),
                ('account.move/search_read', {'domain': []}),
            ):
                with self.subTest(path=path):
                    self.assertEqual(self._post(path, key, **body).status_code, 403)

    def test_the_zone_of_the_times_comes_in_the_context(self):
        record = {'TECH_NAME': "Olga", 'DATE_START': '2026-01-15 10:00:00'}
        [answer] = self._post(
            'assist.session/ingest',
            self._create_key(self.program),
            records=[record],
            source='take_control',
            context={'assist_source_tz': 'Asia/Tokyo'},
        ).json()
        session = self.env['assist.session'].browse(answer['id'])
        self.assertEqual(session.started_at, datetime(2026, 1, 15, 1))

    def test_without_a_key_or_the_group_nothing_comes_in(self):
        body = {'records': [zoho(1)], 'source': 'zoho_assist'}
        anybody = new_test_user(self.env, 'anybody', groups='base.group_user')
        with mute_logger('odoo.http', 'odoo.addons.base.models.ir_http'):
            for key, status in ((None, 401), ('wrong', 401), (self._create_key(anybody), 403)):
                with self.subTest(status=status):
                    answer = self._post('assist.session/ingest', key, **body)
                    self.assertEqual(answer.status_code, status)
        self.assertEqual(self.env['assist.session'].search_count([('external_id', '=', '1')]), 0)
