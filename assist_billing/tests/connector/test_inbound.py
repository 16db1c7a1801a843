# ruff: noqa: S106 - these secrets open nothing; the programs are our examples
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tests.common import TEST_CURSOR_COOKIE_NAME, release_test_lock

from ...connectors.signatures import WINDOW, sign
from ...models.connector.assist_inbound_key import MAX_BODY, MAX_RECORDS
from ..common import AssistBillingCommon
from ..ingest.ingest_common import zoho

EXAMPLES = Path(__file__).parents[3] / 'docs/inbound'


@tagged('post_install', '-at_install')
class TestInbound(AssistBillingCommon, HttpCase):
    """Programs send sessions in over HTTP, signed; whatever is not right is refused in words."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = cls.env['assist.inbound.key'].create({'name': "Script", 'source': 'zoho_assist'})
        cls.secret = cls.key.action_make_secret()['context']['default_secret']

    # === HELPERS === #

    def _post(self, body, *, key=None, secret=None, timestamp=None, signature=None, **headers):
        """Send `body`, signed as it should be unless said otherwise; return the response."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        timestamp = str(int(time.time())) if timestamp is None else str(timestamp)
        if signature is None:
            signature = sign(secret or self.secret, timestamp, body)
        self.env.flush_all()
        return self.url_open(
            f'/assist_billing/inbound/{(key or self.key).identifier}',
            data=body,
            headers={
                'Content-Type': 'application/json',
                'X-Assist-Timestamp': timestamp,
                'X-Assist-Signature': signature,
                **{name.replace('_', '-'): value for name, value in headers.items()},
            },
            timeout=30,
            method='POST',
        )

    def _count(self):
        self.env.invalidate_all()
        return self.env['assist.session'].search_count([('source', '=', 'zoho_assist')])

    def assertRefusedWith(self, response, status, code):
        self.assertEqual((response.status_code, response.json()['error']), (status, code))
        self.assertTrue(response.json()['message'])
        self.assertEqual(self._count(), 0)
        self.env.invalidate_all()
        self.assertFalse(self.key.last_used_at)

    # === WHAT COMES IN === #

    def test_signed_records_come_in_and_are_answered_one_by_one(self):
        response = self._post([zoho(1), zoho(1), {'session_id': 5}, 7])
        self.assertEqual(response.status_code, 200)
        answers = response.json()['answers']
        self.assertEqual(
            [answer['status'] for answer in answers],
            ['created', 'duplicate', 'rejected', 'rejected'],
        )
        self.assertEqual([answer['index'] for answer in answers], [0, 1, 2, 3])
        self.assertEqual(answers[2]['field'], 'start_time')
        session = self.env['assist.session'].browse(answers[0]['id'])
        self.assertEqual((session.company_id, session.source), (self.company, 'zoho_assist'))
        self.env.invalidate_all()
        self.assertTrue(self.key.last_used_at)

    def test_one_record_and_a_list_under_records_are_taken_too(self):
        self.assertEqual(self._post(zoho(1)).json()['answers'][0]['status'], 'created')
        answers = self._post({'records': [zoho(1), zoho(2)]}).json()['answers']
        self.assertEqual([answer['status'] for answer in answers], ['duplicate', 'created'])
        self.assertEqual(self._post([]).json(), {'answers': []})

    def test_a_session_within_an_event_is_known_by_its_own_id_and_customer(self):
        """It came in, but said nothing of its customer; under another name it was rejected."""
        self.key.source = 'csv'
        session = {'id': 'a1', 'start': '2026-01-15T10:00:00Z', 'customer': "Acme"}
        event = {'event': 'session', 'created_at': '2026-01-15T10:31:00Z', 'technician': "Olga"}
        statuses = []
        for number, name in enumerate(('session', 'payload', 'Data')):
            ended = {'end': '2026-01-15T10:30:00Z'} if number else {}
            [answer] = self._post(event | {'id': number, name: session | ended}).json()['answers']
            statuses.append(answer['status'])
        self.assertEqual(statuses, ['created', 'updated', 'duplicate'])
        session = self.env['assist.session'].browse(answer['id'])
        self.assertEqual(session.external_id, 'a1')
        self.assertEqual(session.source_customer, "Acme")
        self.assertEqual(session.source_technician, "Olga")
        self.assertEqual(session.duration_seconds, 1800)

    def test_what_an_event_says_was_deleted_is_not_billed(self):
        """Subscribed to all events, a tool tells of what it throws away as well."""
        self.key.source = 'csv'
        session = {'id': 'a1', 'start': '2026-01-15T10:00:00Z', 'end': '2026-01-15T10:30:00Z'}
        for number, event in enumerate((
            {'event': 'session.deleted', 'session': session},
            {'type': 'SessionCancelled', 'data': session},
            {'event_type': 'SESSION_VOIDED', **session},
        )):  # fmt: skip
            for part in (event, event.get('session'), event.get('data')):
                if part and 'id' in part:
                    part['id'] = f'a{number}'
            with self.subTest(event):
                [answer] = self._post(event).json()['answers']
                self.env.invalidate_all()
                created = self.env['assist.session'].browse(answer['id'])
                self.assertEqual(
                    (created.external_id, created.state), (f'a{number}', 'non_billable')
                )
        # What is there already stays, and says what is told of it.
        self._post(session | {'id': 'b1'})
        [answer] = self._post(
            {'event': 'session.deleted', 'session': session | {'id': 'b1'}}
        ).json()['answers']
        self.env.invalidate_all()
        known = self.env['assist.session'].browse(answer['id'])
        self.assertEqual((answer['status'], known.billable), ('duplicate', True))
        self.assertIn("“no (deleted: deleted)” at the source", known.source_difference)

    def test_the_zone_that_an_event_names_holds(self):
        self.key.write({'source': 'csv', 'tz': 'Asia/Tokyo'})
        session = {'id': 'a1', 'start': '2026-01-15 10:00:00', 'customer': "Acme"}
        event = {'event': 'started', 'timezone': 'America/New_York', 'session': session}
        [answer] = self._post(event).json()['answers']
        session = self.env['assist.session'].browse(answer['id'])
        self.assertEqual(session.started_at, datetime(2026, 1, 15, 15))

    def test_times_without_a_zone_are_in_the_keys(self):
        self.key.write({'source': 'take_control', 'tz': 'Asia/Tokyo'})
        record = {'TECH_NAME': "Olga", 'DATE_START': '2026-01-15 10:00:00'}
        [answer] = self._post(record).json()['answers']
        session = self.env['assist.session'].browse(answer['id'])
        self.assertEqual(session.started_at, datetime(2026, 1, 15, 1))

    def test_the_signature_may_say_what_it_is(self):
        body = json.dumps([zoho(1)]).encode()
        now = str(int(time.time()))
        signature = 'sha256=' + sign(self.secret, now, body).upper()
        self.assertEqual(self._post(body, timestamp=now, signature=signature).status_code, 200)

    def test_the_manager_is_told_of_records_that_were_refused(self):
        self._post([{'session_id': 5, 'start_time': '<b>soon</b>'}])
        self.env.invalidate_all()
        # sudo: the engine's own activity
        activity = self.key.sudo().activity_ids
        self.assertEqual(len(activity), 1)
        self.assertIn('start_time', activity.note)
        self.assertNotIn('<b>', activity.note)
        self._post([{'session_id': 6}])
        self.env.invalidate_all()
        self.assertEqual(len(self.key.sudo().activity_ids), 1)

    # === WHAT DOES NOT === #

    def test_a_wrong_signature_is_refused(self):
        body = json.dumps([zoho(1)]).encode()
        now = str(int(time.time()))
        right = sign(self.secret, now, body)
        for signature in (
            '',
            'x' * 64,
            right[:-1],
            right + '0',
            right[:-1] + ('0' if right[-1] != '0' else '1'),
            'sha1=' + right,
            sign('another secret', now, body),
            sign(self.secret, now, body + b' '),
            sign(self.secret, str(int(now) - 1), body),
            sign('none', now, body),
        ):
            with self.subTest(signature=signature):
                response = self._post(body, timestamp=now, signature=signature)
                self.assertRefusedWith(response, 401, 'signature')
        for timestamp in ('', 'soon', '-1', '1e9', '1_0', '9' * 40):
            with self.subTest(timestamp=timestamp):
                signature = sign(self.secret, timestamp, body)
                response = self._post(body, timestamp=timestamp, signature=signature)
                self.assertRefusedWith(response, 401, 'signature')

    def test_an_unknown_an_archived_and_an_unready_key_are_answered_alike(self):
        unready = self.env['assist.inbound.key'].create(
            {'name': "Unready", 'source': 'zoho_assist'}
        )
        answers = [
            self._post([zoho(1)], key=unready),
            self._post([zoho(1)], key=unready, secret='none'),
            *(
                self.url_open(
                    f'/assist_billing/inbound/{identifier}',
                    data=b'[]',
                    headers={'Content-Type': 'application/json'},
                )
                for identifier in ('nobody', '%00', "x'y", 'é', 'a' * 300)
            ),
        ]
        self.assertFalse(unready.is_ready)
        self.key.active = False
        answers.append(self._post([zoho(1)]))
        self.key.active = True
        for answer in answers:
            self.assertRefusedWith(answer, 401, 'signature')
        self.assertEqual(len({answer.text for answer in answers}), 1)

    def test_a_secret_that_was_replaced_is_refused(self):
        new = self.key.action_make_secret()['context']['default_secret']
        self.assertRefusedWith(self._post([zoho(1)]), 401, 'signature')
        self.assertEqual(self._post([zoho(1)], secret=new).status_code, 200)

    def test_an_old_time_and_one_to_come_are_refused(self):
        for seconds in (-WINDOW - 10, WINDOW + 10, -86_400, 86_400):
            with self.subTest(seconds=seconds):
                response = self._post([zoho(1)], timestamp=int(time.time()) + seconds)
                self.assertRefusedWith(response, 401, 'expired')
        self.assertEqual(
            self._post([zoho(1)], timestamp=int(time.time()) - WINDOW + 60).status_code, 200
        )

    def test_the_same_request_again_is_refused_and_the_same_records_are_not(self):
        now = int(time.time())
        self.assertEqual(self._post([zoho(1)], timestamp=now).status_code, 200)
        again = self._post([zoho(1)], timestamp=now)
        self.assertEqual((again.status_code, again.json()['error']), (409, 'replay'))
        [answer] = self._post([zoho(1)], timestamp=now - 1).json()['answers']
        self.assertEqual(answer['status'], 'duplicate')
        self.assertEqual(self._count(), 1)

    def test_what_lost_a_race_is_taken_in_all_the_same(self):
        take = type(self.key)._take_receipt
        calls = []

        def lose_once(key, *args):
            calls.append(args)
            if len(calls) == 1:
                raise ConcurrencyError("lost")
            return take(key, *args)

        with (
            patch.object(type(self.key), '_take_receipt', lose_once),
            patch('odoo.service.model.time.sleep'),
        ):
            response = self._post([zoho(1)])
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(len(calls), 2)
        self.assertEqual(self._count(), 1)

    def test_what_is_refused_by_two_at_once_is_told_and_the_rest_taken_in(self):
        """Both make the manager follow the key, which the database lets one of them do."""
        schedule = type(self.key).activity_schedule
        calls = []

        def lose_once(key, *args, **kwargs):
            calls.append(args)
            if len(calls) == 1:
                raise UniqueViolation("lost")
            return schedule(key, *args, **kwargs)

        with (
            patch.object(type(self.key), 'activity_schedule', lose_once),
            patch('odoo.service.model.time.sleep'),
        ):
            response = self._post([zoho(1), {'session_id': 'x'}])
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(self._count(), 1)
        self.assertEqual(len(self.key.activity_ids), 1)

    def test_seen_requests_are_forgotten_only_when_their_time_refuses_them(self):
        self._post([zoho(1)])
        # sudo: nobody has access to them
        receipts = self.env['assist.inbound.receipt'].sudo()
        self.assertEqual(receipts.search_count([]), 1)
        receipts._gc_receipts()
        self.assertEqual(receipts.search_count([]), 1)
        self.env.cr.execute(
            "UPDATE assist_inbound_receipt SET create_date = %s",
            [datetime.now() - timedelta(seconds=5 * WINDOW)],
        )
        receipts.invalidate_model()
        receipts._gc_receipts()
        self.assertEqual(receipts.search_count([]), 0)

    def test_what_is_too_large_is_refused(self):
        self.assertRefusedWith(self._post(b' ' * (MAX_BODY + 1)), 413, 'too_large')
        many = self._post([1] * (MAX_RECORDS + 1))
        self.assertRefusedWith(many, 413, 'too_many')

    def test_what_is_no_json_is_refused(self):
        for number, body in enumerate(
            (b'', b'{', b'\xff\xfe', b'[' * 100_000, b'session_id=1', b'<xml/>')
        ):
            with self.subTest(body=body[:10]):
                response = self._post(body, timestamp=int(time.time()) - number)
                self.assertRefusedWith(response, 400, 'not_json')
        for number, body in enumerate((b'7', b'"text"', b'null', b'true')):
            with self.subTest(body=body):
                response = self._post(body, timestamp=int(time.time()) - number)
                self.assertRefusedWith(response, 400, 'not_records')
        for kind in ('application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'):
            with self.subTest(kind=kind):
                response = self._post([zoho(1)], Content_Type=kind)
                self.assertRefusedWith(response, 415, 'not_json')

    def test_nobody_gets_or_puts_anything(self):
        for method in ('GET', 'PUT', 'DELETE'):
            response = self.opener.request(
                method, f'{self.base_url()}/assist_billing/inbound/{self.key.identifier}'
            )
            self.assertEqual(response.status_code, 405)

    # === COMPANIES AND RIGHTS === #

    def test_what_is_sent_in_is_the_company_of_the_key_whatever_it_says(self):
        # sudo: the user of these tests sets up no companies
        other = self.env['res.company'].sudo().create({'name': "Other Company"})
        key = (
            self.env['assist.inbound.key']
            .sudo()
            .create({'name': "Other", 'source': 'zoho_assist', 'company_id': other.id})
        )
        secret = key.action_make_secret()['context']['default_secret']
        record = zoho(1) | {'company_id': self.company.id}
        [answer] = self._post(record, key=key, secret=secret).json()['answers']
        # sudo: it is another company's
        session = self.env['assist.session'].sudo().browse(answer['id'])
        self.assertEqual(session.company_id, other)
        self.assertEqual(self._post([zoho(1)], key=key).status_code, 401, "the secret of another")
        other.active = False
        self.assertEqual(self._post([zoho(2)], key=key, secret=secret).status_code, 401)

    def test_who_may_have_keys(self):
        manager = self._create_user('keeper', 'assist_billing.assist_billing_group_manager')
        biller = self._create_user('biller', 'account.group_account_invoice')
        technician = self._create_technician()
        self.assertTrue(self.key.with_user(manager).action_make_secret())
        for user in (biller, technician):
            for call in (
                lambda key: key.action_make_secret(),
                lambda key: key.write({'name': "Mine"}),
                lambda key: key.unlink(),
                lambda key: key.create({'name': "Mine", 'source': 'csv'}),
            ):
                with self.assertRaises(AccessError):
                    call(self.key.with_user(user))
        # sudo: the user of these tests sets up no companies
        other = self.env['res.company'].sudo().create({'name': "Other Company"})
        foreign = (
            self.env['assist.inbound.key']
            .sudo()
            .create({'name': "Foreign", 'source': 'csv', 'company_id': other.id})
        )
        self.assertNotIn(foreign, self.env['assist.inbound.key'].with_user(manager).search([]))
        with self.assertRaises(AccessError):
            foreign.with_user(manager).action_make_secret()

    def _create_user(self, login, groups):
        return new_test_user(
            self.env,
            login,
            groups=f'base.group_user,{groups}',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_the_secret_is_shown_once_and_stands_nowhere(self):
        logged = []
        handler = logging.Handler()
        handler.emit = lambda record: logged.append(record.getMessage())
        logger = logging.getLogger('odoo.sql_db')
        self.addCleanup(logger.setLevel, logger.level)
        self.addCleanup(setattr, logger, 'propagate', logger.propagate)
        self.addCleanup(logger.removeHandler, handler)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        action = self.key.action_make_secret()
        secret = action['context']['default_secret']
        self.env.flush_all()
        self.assertTrue(any('INSERT INTO assist_secret' in line for line in logged))
        shown = (
            self.env[action['res_model']]
            .with_context(**action['context'])
            .default_get(['secret', 'url'])
        )
        self.assertEqual(shown, {'secret': secret, 'url': self.key.url})
        self.env[action['res_model']].get_views(action['views'])
        self.assertFalse(self.env[action['res_model']].search([]))
        self.assertEqual(self.env[action['res_model']].search_count([]), 0)
        self.assertFalse(self.env[action['res_model']].browse(1).exists())
        key = self.key
        self.env.cr.execute("SELECT k::text FROM assist_inbound_key k")
        texts = [row[0] for row in self.env.cr.fetchall()]
        self.env.cr.execute("SELECT s::text FROM assist_secret s")
        texts += [row[0] for row in self.env.cr.fetchall()]
        texts += [*logged, repr(key.read()), repr(key.sudo().read()), repr(key.copy().read())]
        texts.append(repr(key.sudo().message_ids.mapped('body')))
        self.assertFalse([text for text in texts if secret in text])

    # === THE EXAMPLES === #

    def test_the_shell_script_of_the_documentation_works(self):
        with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
            json.dump([zoho(1), {'session_id': 5}], file)
            file.flush()
            result = self._run_example(
                [EXAMPLES / 'send.sh', file.name, '--cookie', f'{TEST_CURSOR_COOKIE_NAME}=example']
            )
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = json.loads(result.stdout)['answers']
        self.assertEqual([answer['status'] for answer in answers], ['created', 'rejected'])

    def test_the_relay_of_the_documentation_works(self):
        self.key.source = 'screenconnect'
        record = {
            'ConnectionID': 'c-1',
            'ConnectedTime': '2026-01-15T10:00:00Z',
            'DisconnectedTime': '2026-01-15T10:20:00Z',
            'ParticipantName': "Olga",
            'Company': "Acme",
            'SessionName': "RECEPTION",
        }
        with self.allow_example():
            process = subprocess.Popen(
                [sys.executable, EXAMPLES / 'relay.py', '0'],
                stdout=subprocess.PIPE,
                text=True,
                env=self._get_environment(HEADER=f'Cookie: {TEST_CURSOR_COOKIE_NAME}=example'),
            )
            try:
                address = process.stdout.readline().split()[-1]
                result = subprocess.run(
                    ['curl', '--silent', '--data-binary', json.dumps(record), address],
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=True,
                )
            finally:
                process.kill()
                process.communicate()
        [answer] = json.loads(result.stdout)['answers']
        self.assertEqual(answer['status'], 'created')
        self.env.invalidate_all()
        session = self.env['assist.session'].browse(answer['id'])
        self.assertEqual(session.duration_seconds, 1200)
        self.assertEqual(session.source_customer, "Acme")

    def allow_example(self):
        self.env.flush_all()
        self.http_request_key = 'example'
        self.addCleanup(setattr, self, 'http_request_key', '')
        return release_test_lock()

    def _get_environment(self, **values):
        return {
            **{name: os.environ[name] for name in ('PATH',)},
            'ADDRESS': f'{self.base_url()}/assist_billing/inbound/{self.key.identifier}',
            'SECRET': self.secret,
            **values,
        }

    def _run_example(self, command):
        with self.allow_example():
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=self._get_environment(),
                timeout=60,
                check=False,
            )
