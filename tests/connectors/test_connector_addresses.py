"""What is no plain address of a server is sent no credentials."""

import pytest
from vendor_server import API_TOKEN

from connectors import ConnectorError, TeamViewer, read_address

ODD = [
    '',
    None,
    'example.com',
    '//example.com',
    'https:example.com',
    'https:/example.com',
    'https:///example.com',
    'https://',
    'http://evil\\@127.0.0.1',
    'https://evil\\@example.com',
    'https://example.com\\.evil.com',
    'https://example.com\\evil',
    'https://user@example.com',
    'https://user:pass@example.com',
    'https://@example.com',
    'https://:@example.com',
    'https://example.com@evil.com',
    'https://example.com#@evil.com',
    'https://example.com?@evil.com',
    'https://example.com/?x=1',
    'https://example.com/#x',
    'https://example.com/;x',
    'https://example.com/a/../b',
    'https://example.com/%2e%2e/b',
    'https://example.com//b',
    'https://exa mple.com',
    ' https://example.com',
    'https://example.com\n',
    'https://example.com\t/x',
    'https://exam\x00ple.com',
    'https://exämple.com',
    'https://ⓔxample.com',
    'https://127。0。0。1',
    'https://example.com:',
    'https://example.com:0',
    'https://example.com:70000',
    'https://example.com:80:80',
    'https://example.com:8o',
    'https://-example.com',
    'https://example..com',
    'https://.example.com',
    'https://127.1',
    'https://2130706433',
    'https://0x7f000001',
    'https://0177.0.0.1',
    'https://1.2.3.4.5',
    'https://[::1',
    'https://[::1]x',
    'https://[fe80::1%25eth0]',
    'https://[::ffff:999.0.0.1]',
    'ftp://example.com',
    'file:///etc/passwd',
    'javascript://example.com',
    'gopher://127.0.0.1',
    'HTTPS+UNIX://x',
    'http://example.com',
    'http://127.0.0.1.example.com',
    'http://127.0.0.2',
    'http://localhost.example.com',
    'https://' + 'a' * 300 + '.com',
]
PLAIN = {
    'https://example.com': 'https://example.com',
    'https://example.com/': 'https://example.com',
    'https://Example.com:8443/mesh': 'https://Example.com:8443/mesh',
    'https://desk.example.co.uk/a/b-c_d~e.f/': 'https://desk.example.co.uk/a/b-c_d~e.f',
    'https://192.0.2.7:21114': 'https://192.0.2.7:21114',
    'https://[2001:db8::7]:443': 'https://[2001:db8::7]:443',
    'https://rustdesk': 'https://rustdesk',
    'http://127.0.0.1:8069': 'http://127.0.0.1:8069',
    'http://localhost': 'http://localhost',
    'http://[::1]:80': 'http://[::1]:80',
}


@pytest.mark.parametrize('text', ODD)
def test_an_odd_address_is_refused(text):
    with pytest.raises(ValueError):
        read_address(text)
    with pytest.raises(ValueError):
        read_address(text, local=True)


@pytest.mark.parametrize('text, address', PLAIN.items())
def test_a_plain_address_is_taken(text, address):
    assert read_address(text) == address


@pytest.mark.parametrize('text', [text for text in PLAIN if 'http:' not in text])
def test_another_machine_does_not_stand_in_for_a_tool(text):
    with pytest.raises(ValueError):
        read_address(text, local=True)


@pytest.mark.parametrize('text', [text for text in ODD if text])
def test_a_client_takes_no_odd_address(text):
    with pytest.raises(ConnectorError) as caught:
        TeamViewer({'api_token': API_TOKEN}, base_url=text)
    assert caught.value.code == 'bad_address'
