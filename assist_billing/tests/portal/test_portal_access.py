from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .portal_common import DEVICES, HOME, SESSIONS, PortalCommon

MODELS = (
    'assist.session',
    'assist.device',
    'assist.billing.association',
    'assist.billing.cycle',
    'assist.billing.cycle.device',
    'assist.billing.cycle.prior',
    'assist.billing.plan',
    'assist.billing.suspension',
    'assist.billing.tie',
    'assist.billing.tie.line',
    'assist.secret',
    'assist.inbound.key',
    'assist.inbound.receipt',
    'assist.connector',
    'assist.connector.rejection',
    'assist.connector.write.back',
)


@tagged('post_install', '-at_install')
class TestPortalAccess(PortalCommon):
    """Nobody gets at what is another's: by pages, forged ids, tokens, or RPC."""

    def test_a_stranger_sees_nothing(self):
        self._close_january()
        for url in (HOME, SESSIONS, DEVICES, '/my/invoices'):
            page = self._get_page(url, 'portal_stranger')
            for text in ("Printer repaired", "Lab robot", "Acme Server", "A favour"):
                with self.subTest(url=url):
                    self.assertNotIn(text, page)
        self.assertIn("Stranger's secret", self._get_page(SESSIONS, 'portal_stranger'))
        self.assertNotIn("Stranger's secret", self._get_page(SESSIONS))
        csv = self._get(f'{SESSIONS}/csv', 'portal_stranger').content.decode()
        self.assertIn("Stranger's secret", csv)
        self.assertNotIn("Printer repaired", csv)

    def test_company_and_department_see_the_same_as_of_invoices(self):
        for login in ('portal_acme', 'portal_lab'):
            page = self._get_page(SESSIONS, login)
            for text in ("Printer repaired", "Lab robot restarted"):
                self.assertIn(text, page)

    def test_forged_ids(self):
        for number in (self.other_session.id, 0, 2**31 - 1, 2**31, 10**30):
            with self.subTest(number=number):
                self.assertEqual(self._get(f'{SESSIONS}/{number}').status_code, 404)
        for query in ('search=%25%27%22%00', 'search=' + 'x' * 3000, 'filterby=%27', 'when='):
            with self.subTest(query=query[:20]):
                self.assertEqual(self._get(f'{SESSIONS}?{query}').status_code, 200)

    def test_a_page_beyond_the_last_is_the_last(self):
        response = self._get(f'{SESSIONS}/page/{10**12}')
        self.assertEqual(response.status_code, 200)
        self.assertIn("Printer repaired", response.text)

    def test_who_is_not_logged_in_is_asked_to(self):
        for url in (
            HOME,
            SESSIONS,
            f'{SESSIONS}/csv',
            f'{SESSIONS}/{self.printer_session.id}',
            DEVICES,
        ):
            with self.subTest(url=url):
                response = self._get(url, None)
                self.assertIn('/web/login', response.url)
                self.assertNotIn("Printer", response.text)

    def test_a_bill_is_for_its_customer_or_for_who_has_the_link(self):
        bill = self._close_january()
        for url in (f'/my/invoices/{bill.id}', f'/my/invoices/{bill.id}/statement'):
            with self.subTest(url=url):
                for login in ('portal_stranger', None):
                    for token in ('', '?access_token=forged'):
                        response = self._get(url + token, login)
                        self.assertNotIn("Printer repaired", response.text)
                        self.assertNotIn(bill.name, response.text)
                link = f'{url}?access_token={bill._portal_ensure_token()}'
                self.assertIn(str(bill.id), self._get(link, None).url)
        self.assertIn("Printer repaired", self._get(link, None).text)

    def test_a_draft_has_no_statement(self):
        bill = self._close_january()
        bill.button_draft()
        url = f'/my/invoices/{bill.id}/statement?access_token={bill._portal_ensure_token()}'
        self.assertNotIn("Printer repaired", self._get(url).text)

    def test_other_companies_are_left_out(self):
        other = self.setup_other_company()['company']
        session = self._create_session(name="Of the other company")
        self.env['assist.session'].flush_model()
        self.env.cr.execute(
            "UPDATE assist_session SET company_id = %s WHERE id = %s", [other.id, session.id]
        )
        self.assertNotIn("Of the other company", self._get_page(SESSIONS))
        self.assertEqual(self._get(f'{SESSIONS}/{session.id}').status_code, 404)

    # === RPC === #

    def test_no_model_is_open_to_portal_users(self):
        user = self.users['portal_acme']
        for name in MODELS:
            for operation in ('read', 'write', 'create', 'unlink'):
                with self.subTest(model=name, operation=operation):
                    self.assertFalse(self.env[name].with_user(user).has_access(operation))

    def test_rpc_gives_nothing(self):
        self.authenticate('portal_acme', 'portal_acme')
        calls = (
            ('search_read', [[], ['name', 'note']]),
            ('read', [self.printer_session.ids, ['note']]),
            ('web_search_read', [[], {'note': {}}]),
            ('formatted_read_group', [[], ['state'], ['__count']]),
            ('write', [self.printer_session.ids, {'name': "x"}]),
            ('create', [{'name': "x"}]),
            ('ingest', [[], 'csv']),
            ('action_stop', [self.printer_session.ids]),
        )
        for method, args in calls:
            with self.subTest(method=method):
                error = self._call('assist.session', method, args)
                self.assertEqual(error, 'odoo.exceptions.AccessError')
        for name in MODELS:
            with self.subTest(model=name):
                error = self._call(name, 'search_read', [[]])
                self.assertEqual(error, 'odoo.exceptions.AccessError')

    def test_rpc_does_not_reach_through_a_bill(self):
        bill = self._close_january()
        user = self.users['portal_acme']
        as_customer = bill.with_user(user)
        self.assertEqual(as_customer.read(['assist_period_start'])[0]['id'], bill.id)
        for name in ('assist_delivery_problem', 'assist_message_id'):
            with self.subTest(field=name), self.assertRaises(AccessError):
                as_customer.read([name])
        with self.assertRaises(AccessError):
            as_customer.assist_cycle_id.read(['terms'])
        hidden = [('assist_cycle_id.session_ids.note', 'ilike', 'slow')]
        with self.assertRaises(AccessError):
            as_customer.search(hidden)

    def _call(self, model, method, args):
        """Return the name of the error that a call by RPC ends in, or None."""
        params = {'model': model, 'method': method, 'args': args, 'kwargs': {}}
        with mute_logger('odoo.http'):
            answer = self.url_open(
                f'/web/dataset/call_kw/{model}/{method}',
                json={'jsonrpc': '2.0', 'method': 'call', 'params': params},
            ).json()
        return answer.get('error', {}).get('data', {}).get('name')
