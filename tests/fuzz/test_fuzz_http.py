"""No body of a request makes an error 500: POST /json/2/assist.session/ingest."""

import json
from datetime import datetime, timedelta

from hypothesis import strategies as st

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from fuzz_inputs import batches, json_anything, json_records
from fuzz_properties import check_answers, check_sent_again, count_statuses, expected_count
from fuzz_run import tried, undone

ENCODINGS = ('utf-8', 'utf-8-sig', 'utf-16', 'cp1252', 'utf-32')


@st.composite
def bodies(draw):
    """Bytes of a body, nearly always those of JSON, and what records it brings."""
    records, source = draw(batches(json_anything, json_records))
    tz = draw(st.one_of(st.sampled_from(['UTC', 'Mars/Base', '', 5, None]), json_anything))
    content = {'records': records, 'source': source, 'context': {'assist_source_tz': tz}}
    text = json.dumps(content, ensure_ascii=draw(st.booleans()))
    change = draw(st.integers(0, 11))
    if change == 0:
        del content[draw(st.sampled_from(sorted(content)))]
        text = json.dumps(content)
    elif change == 1:
        text = text[: draw(st.integers(1, len(text)))]
    elif change == 2:
        content['context']['allowed_company_ids'] = draw(st.sampled_from([[1], [2], [999_999]]))
        text = json.dumps(content)
    elif change == 3:
        content['company_id'] = 1
        text = json.dumps(content)
    elif change == 4:
        text = text.replace('[', '[' * 200, 1)
    encoding = draw(st.sampled_from(ENCODINGS)) if change == 5 else 'utf-8'
    return text.encode(encoding, 'replace'), records


@tagged('post_install', '-at_install')
class TestFuzzHttp(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = new_test_user(
            cls.env, 'fuzz_program', groups='assist_billing.assist_billing_group_ingest'
        )
        keys = cls.env['res.users.apikeys'].with_user(cls.program)
        cls.key = keys._generate('rpc', "Fuzz", datetime.now() + timedelta(days=1))
        # Companies that the program has nothing to do with.
        cls.env['res.company'].create([{'name': f"Foreign {number}"} for number in range(2)])

    def _post(self, path, body):
        headers = {'Authorization': f'Bearer {self.key}', 'Content-Type': 'application/json'}
        return self.url_open(f'/json/2/{path}', headers=headers, data=body)

    @tried(bodies(), 70)
    def test_sessions_over_http(self, case):
        self._check('assist.session', *case)

    @tried(bodies(), 25)
    def test_devices_over_http(self, case):
        self._check('assist.device', *case)

    def _check(self, model, body, records):
        with undone(self.env), mute_logger('odoo.http', 'odoo.addons.base.models.ir_http'):
            count = self.env[model].search_count([])
            response = self._post(f'{model}/ingest', body)
            stored = self.env[model].search_count([])
            if response.status_code != 200:
                self.assertIn(response.status_code, (400, 403, 422), response.text)
                self.assertTrue(response.json()['message'])
                self.assertEqual(stored, count)
                return
            answers = response.json()
            check_answers(answers, expected_count(records))
            self.assertEqual(stored, count + count_statuses(answers)[0])
            companies = self.env[model].search([]).company_id
            self.assertLessEqual(companies, self.program.company_id)
            check_sent_again(answers, self._post(f'{model}/ingest', body).json())
            self.assertEqual(self.env[model].search_count([]), stored)
