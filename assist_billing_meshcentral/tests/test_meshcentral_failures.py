import ipaddress
import socket
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from odoo.tests import tagged

from odoo.addons.assist_billing.connectors import ConnectorError
from odoo.addons.assist_billing.tests.connector.connector_common import BASE_URL_PARAMETER
from odoo.addons.assist_billing.tests.thorough import thorough

from .. import meshcentral
from .common import ENCODED, MeshCommon
from .mesh_server import (
    BINARY,
    CLOSE,
    PASSWORD,
    PING,
    TEXT,
    USER,
    answers,
    cut,
    drip,
    events_of,
    flood,
    frame,
    hang_up,
    nothing,
    raw,
    says,
    serving,
    silence,
    status,
)

START, END = datetime(2026, 1, 15), datetime(2026, 1, 16)
HEAD = b'HTTP/1.1 101 Switching Protocols\r\n'
AT_LOGIN = [
    (status(401), 'unauthorized'),
    (status(403), 'forbidden'),
    (status(404), 'refused'),
    (status(429, Retry_After='7'), 'rate_limited'),
    (status(500), 'server'),
    (status(302, Location='https://example.com/'), 'redirect'),
    (status(200), 'unexpected'),
    (raw(b'<html><body>Down for maintenance</body></html>\r\n\r\n'), 'unexpected'),
    (raw(HEAD + b'Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n'), 'unexpected'),
    (raw(HEAD + b'Set-Cookie: a/b=c; Domain=x\r\n\r\n'), 'unexpected'),
    (raw(b'HTTP/1.1 5x0 no\r\n\r\n'), 'unexpected'),
    (raw(b'HTTP/1.1 500 no\r\nContent-Length: 99999999999999\r\n\r\n'), 'unreachable'),
    (hang_up, 'unreachable'),
    (silence, 'timeout'),
    (drip(b'HTTP/1.1 101 ', b'O'), 'timeout'),
    (drip(HEAD + b'X-Long: ', b'a'), 'timeout'),
    (drip(HEAD, b'X-A: b\r\n'), 'timeout'),
]
AFTERWARDS = [
    (frame(TEXT, b'<html>'), 'not_json'),
    (frame(TEXT, b'[1]'), 'unexpected'),
    (frame(TEXT, b'\xff\xfe'), 'unexpected'),
    (frame(BINARY, b'\x00\x01'), 'not_json'),
    (frame(3, b''), 'unexpected'),
    (frame(CLOSE, b'\x03\xe8'), 'unreachable'),
    (frame(PING, b'x' * 200, length=200), 'unexpected'),
    (cut, 'unreachable'),
    (hang_up, 'unreachable'),
    (silence, 'timeout'),
    (drip(b'\x81\x7f\x00\x00\x00\x00\x00\xff\xff\xff', b' '), 'timeout'),
    (drip(b'', b'\x89\x00'), 'timeout'),
    (says({'action': 'close', 'cause': 'noauth', 'msg': 'noauth-1'}), 'unauthorized'),
    (says({'action': 'close'}), 'refused'),
    (answers(), 'unexpected'),
    (answers(events={}), 'unexpected'),
    (answers(events=[7]), 'unexpected'),
    (answers(events=None), 'unexpected'),
]


@tagged('post_install', '-at_install')
@thorough
class TestMeshCentralFailures(MeshCommon):
    """Whatever goes wrong has a name, carries no secret, and loses and doubles nothing."""

    def _fail(self, client, start=START):
        with self.assertRaises(ConnectorError) as caught:
            self._read(client, start, END)
        shown = f'{caught.exception!r} {vars(caught.exception)} {self.logged}'
        for secret in (PASSWORD, ENCODED):
            self.assertNotIn(secret, shown)
        return caught.exception

    def test_each_fault_has_a_name_and_carries_no_secret(self):
        self.mesh.events = events_of(1)
        for faults, before in ((AT_LOGIN, 0), (AFTERWARDS, 1)):
            for number, (fault, code) in enumerate(faults):
                with self.subTest(fault=number, code=code, before=before):
                    self.mesh.faults.extend([nothing] * before + [fault])
                    error = self._fail(self._make_client(timeout=0.3, deadline=0.5))
                    self.assertEqual(error.code, code)
                    self.assertEqual(error.retry_after, 7 if code == 'rate_limited' else 0)
                    self.assertFalse(self.mesh.faults)

    def test_names_that_cannot_be_had_are_faults_too(self):
        self.mesh.events = events_of(1)
        # The log-in and the events come first, then the groups, then each device.
        for before, fault in ((2, answers(meshes={})), (2, answers()), (3, answers(nodes=[]))):
            self.mesh.faults.extend([nothing] * before + [fault])
            self.assertEqual(self._fail(self._make_client()).code, 'unexpected')
            self.assertFalse(self.mesh.faults)

    def test_an_answer_without_an_end_is_not_read(self):
        self.mesh.events = events_of(1)
        self.mesh.faults.extend([nothing, flood])
        with patch.object(meshcentral, 'MAX_BYTES', 1_000_000):
            self.assertEqual(self._fail(self._make_client()).code, 'too_large')

    def test_messages_without_an_end_are_not_read(self):
        self.mesh.chatter = [{'action': 'event'}] * 50
        with patch.object(meshcentral, 'MOST_OTHERS', 20):
            self.assertEqual(self._fail(self._make_client()).code, 'unexpected')

    def test_refusals_to_log_in_are_told_apart(self):
        for closing, code in (
            ({'cause': 'noauth', 'msg': 'noauth-2d'}, 'unauthorized'),
            ({'cause': 'noauth', 'msg': 'tokenrequired'}, 'unauthorized'),
            ({'cause': 'notools', 'msg': 'notools'}, 'forbidden'),
            ({'cause': 'emailvalidation'}, 'forbidden'),
            ({'cause': ['odd']}, 'refused'),
        ):
            with self.subTest(closing=closing):
                self.mesh.close_with = closing
                self.assertEqual(self._fail(self._make_client()).code, code)

    def test_an_account_without_a_device_group_is_told_so_instead_of_waiting(self):
        for account in ({'_id': 'user//ava'}, {'links': None}):
            self.mesh.account = account
            self.assertEqual(self._fail(self._make_client()).code, 'forbidden')
        self.mesh.account = 'ava'
        self.assertEqual(self._fail(self._make_client()).code, 'unexpected')
        self.assertFalse(self.mesh.asked)
        # A site administrator who left all groups is answered.
        self.mesh.account = {'_id': 'user//ava', 'links': {}}
        self.assertEqual(self._read(self._make_client(), START, END), [])

    def test_nobody_listens(self):
        with serving() as other:
            url = other.url
        self.assertEqual(self._fail(self._make_client(url)).code, 'unreachable')

    def test_a_certificate_that_cannot_be_checked_is_sent_nothing(self):
        with serving(tls=self._make_tls()) as secure:
            secure.url = secure.url.replace('http:', 'https:')
            self.assertEqual(self._fail(self._make_client(secure.url)).code, 'tls')
            self.assertFalse(secure.logins)

    def test_a_certificate_that_is_known_is_taken(self):
        tls = self._make_tls()
        with serving(tls=tls) as secure, patch.dict('os.environ', REQUESTS_CA_BUNDLE=self.bundle):
            secure.events = events_of(1)
            secure.url = secure.url.replace('http:', 'https:')
            self.assertEqual(len(self._read(self._make_client(secure.url), START, END)), 1)
            self.assertEqual(secure.logins, [[USER, PASSWORD]])

    def test_the_handshake_of_tls_is_in_time_too(self):
        with socket.create_server(('127.0.0.1', 0)) as silent:
            url = f'https://127.0.0.1:{silent.getsockname()[1]}'
            client = self._make_client(url, timeout=0.3, deadline=0.5)
            self.assertEqual(self._fail(client).code, 'timeout')

    def test_an_address_that_is_none_is_sent_nothing(self):
        for url in ('http://mesh.example.com', 'https://one\\@two', 'https://a?key=1', 'wss://a'):
            with self.subTest(url=url), self.assertRaises(ConnectorError) as caught:
                self._make_client(url)
            self.assertEqual(caught.exception.code, 'bad_address')
        with self.assertRaises(ConnectorError) as caught:
            meshcentral.MeshCentral({'server_url': self.mesh.url, 'client_id': USER})
        self.assertEqual(caught.exception.code, 'missing')

    def test_each_failure_is_told_in_words_and_nothing_is_lost_or_doubled(self):
        cases = [
            (status(401), "does not accept the token"),
            (status(403), "does not allow this account to read"),
            (status(429, Retry_After='30'), "asks for a pause"),
            (status(500), "an error on its side"),
            (status(302, Location='https://example.com'), "another address"),
            (raw(b'<html>Down for maintenance</html>\r\n\r\n'), "documented format"),
            (hang_up, "cannot be reached"),
        ]
        for number in range(1, 31):
            self.mesh.events += events_of(number)
        for fault, words in cases:
            with self.subTest(words=words):
                connector = self._create_meshcentral()
                self._sessions(connector).unlink()
                self.mesh.faults.append(fault)
                self._fetch()
                self.assertRegex(connector.error, words)
                self.assertFalse(connector.cursor_at)
                self.assertNoSecretShown(connector)
                self._fetch('2026-01-16 13:00:00')
                self.assertFalse(connector.error)
                self.assertEqual(len(self._sessions(connector)), 30)
                self.assertTied(connector)
                connector.action_archive()

    def test_wrong_credentials_are_told(self):
        connector = self._create_meshcentral(new_api_token='wrong')  # noqa: S106
        self._fetch()
        self.assertIn("does not accept", connector.error)
        connector.new_api_token = PASSWORD
        self._fetch('2026-01-16 13:00:00')
        self.assertFalse(connector.error)

    def test_secrets_do_not_go_where_the_connector_is_sent_later(self):
        connector = self._create_meshcentral()
        with serving() as other:
            connector.server_url = other.url
            # sudo: parameters are the administrator's
            self.env['ir.config_parameter'].sudo().set_param(BASE_URL_PARAMETER, other.url)
            self._fetch()
            self.assertIn("missing credentials", connector.error)
            self.assertFalse(other.logins)

    # === FIXTURES === #

    def _make_tls(self):
        """Return the settings of a server whose certificate nobody knows but `self.bundle`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, 'localhost')])
        address = x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
        now = datetime.now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(key, hashes.SHA256())
        )
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / 'certificate.pem'
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        self.bundle = str(path)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(path)
        return tls
