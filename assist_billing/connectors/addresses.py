"""Addresses of servers that people type in, and that are sent credentials: one reading only."""

import ipaddress
import re
from urllib.parse import urlsplit

LOOPBACK = frozenset({'localhost', '127.0.0.1', '::1'})
_LABEL = r'[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
_ADDRESS = re.compile(
    rf"""
    (?P<scheme>https?)://
    (?P<host>\[[0-9A-Fa-f:.]+\]|{_LABEL}(?:\.{_LABEL})*)
    (?P<port>:[0-9]{{1,5}})?
    (?P<path>(?:/[A-Za-z0-9._~-]+)*)/?
    """,
    re.VERBOSE,
)


def read_address(text, *, local=False):
    """Return the address of a server as it is used: without a slash at its end.

    Libraries differ in what they make of `http://one\\@two`, of user names, of odd schemes, of
    blanks and of numbers for hosts. So what is not plainly `https://host[:port][/path]` is no
    address, and nothing is sent anywhere. `http` is for servers of this machine alone.

    :param bool local: take only a server of this machine
    :raise ValueError: it is none
    """
    match = _ADDRESS.fullmatch(text or '')
    if not match or len(text) > 255:
        raise ValueError('not an address')
    host = match['host'].strip('[]').lower()
    if match['host'].startswith('[') or host.replace('.', '').isdigit():
        # Refuses 127.1 and 2130706433, which some take for 127.0.0.1.
        ipaddress.ip_address(host)
    elif re.search(r'(^|\.)(0x[0-9a-f]*|[0-9]+)$', host):
        raise ValueError('a number is no name of a host')
    if match['port'] and not 0 < int(match['port'][1:]) < 65_536:
        raise ValueError('no such port')
    if any(part in {'.', '..'} for part in match['path'].split('/')):
        raise ValueError('a path that goes up')
    is_local = host in LOOPBACK
    if (local or match['scheme'] == 'http') and not is_local:
        raise ValueError('not a server of this machine')
    address = text.rstrip('/')
    if urlsplit(address).hostname != host:
        raise ValueError('not an address')
    return address
