"""How what a program sends in is signed: HMAC-SHA256 of the time, a dot, and the body."""

import hashlib
import hmac
import re

# Seconds that the sender's clock may differ from ours, either way.
WINDOW = 300
_TIMESTAMP = re.compile(r'[0-9]{1,12}')
_SIGNATURE = re.compile(r'(?:sha256=)?([0-9a-fA-F]{64})')


def sign(secret, timestamp, body):
    """Return the signature of `body` as hexadecimal digits.

    :param str secret: as it was shown
    :param str timestamp: seconds since 1970, as it is sent along
    :param bytes body: as it is sent
    """
    message = timestamp.encode() + b'.' + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_signed(secret, timestamp, body, signature):
    """Tell whether `signature` is that of these, in a time that tells nothing of the right one."""
    given = _SIGNATURE.fullmatch(signature or '')
    if not given or not _TIMESTAMP.fullmatch(timestamp or ''):
        return False
    return hmac.compare_digest(sign(secret, timestamp, body), given[1].lower())


def is_recent(timestamp, now):
    """Tell whether a signed time is within the window around `now`, seconds since 1970."""
    return abs(now - int(timestamp)) <= WINDOW
