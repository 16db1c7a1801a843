"""What a method does that comparing its results does not show, read from its compiled code."""

import dis
import functools
import inspect
import sys
import threading
from contextlib import contextmanager
from types import CodeType

# Whoever names one of these ends a transaction, or does something outside of it.
OUTSIDE_NAMES = {
    'Popen',
    'Thread',
    'commit',
    'cursor',
    'http',
    'postcommit',
    'precommit',
    'requests',
    'rollback',
    'send_mail',
    'smtplib',
    'socket',
    'subprocess',
    'urllib',
    'urlopen',
    'xmlrpc',
}
# What Python says when a process reaches out of itself (its table of audit events).
OUTSIDE_EVENTS = {
    'http.client.connect',
    'http.client.send',
    'os.posix_spawn',
    'os.system',
    'smtplib.connect',
    'smtplib.send',
    'socket.connect',
    'socket.getaddrinfo',
    'socket.sendmsg',
    'socket.sendto',
    'subprocess.Popen',
    'urllib.Request',
}
_watching = threading.local()


def _iter_codes(code):
    """Yield a code object and those of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _iter_codes(constant)


def _get_codes(function):
    code = getattr(inspect.unwrap(function), '__code__', None)
    return list(_iter_codes(code)) if code else []


@functools.cache
def get_names(function):
    """Return the names of all that a function asks for: globals, attributes, methods."""
    return frozenset(name for code in _get_codes(function) for name in code.co_names)


@functools.cache
def raises(function):
    """Tell whether a function raises an error itself, or one cannot know."""
    codes = _get_codes(function)
    return not codes or any(
        instruction.opname == 'RAISE_VARARGS'
        for code in codes
        for instruction in dis.get_instructions(code)
    )


def get_with_helpers(function, get_helper):
    """Return a function and all it calls by name that `get_helper` knows: name -> function."""
    found, waiting = {function}, [function]
    while waiting:
        for name in get_names(waiting.pop()):
            helper = get_helper(name)
            if helper and helper not in found:
                found.add(helper)
                waiting.append(helper)
    return found


# === WHILE IT RUNS === #


def _note_event(event, _arguments):
    if event in OUTSIDE_EVENTS:
        found = getattr(_watching, 'found', None)
        if found is not None:
            found.add(event)


@functools.cache
def _begin_listening():
    # Once, and for good: Python takes no audit hook back. What nobody watches it ignores.
    sys.addaudithook(_note_event)


@contextmanager
def watched_outside():
    """Yield a set to which is added what this thread reaches outside of the process inside."""
    _begin_listening()
    outer, _watching.found = getattr(_watching, 'found', None), set()
    try:
        yield _watching.found
    finally:
        if outer is not None:
            outer |= _watching.found
        _watching.found = outer
