"""A deadline that holds whatever the other side does: when it passes, the sockets are shut.

The time-outs of the HTTP library count from one piece of an answer to the next, so a server that
sends a byte now and then, in its headers, its body, its trailers or the TLS handshake, is read for
ever. Shutting the socket ends each of these, for all of them wait for the socket.
"""

import contextlib
import os
import socket
import threading
import time

from requests.adapters import HTTPAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy


class Deadline:
    """Shuts the connections of one client once the time of a request is up.

        with deadline.running(120):
            ...  # the request and the reading of its answer
        deadline.has_passed

    :ivar has_passed: of the last request; what it read is not whole then, even if it looks whole
    """

    def __init__(self):
        self.has_passed = False
        self._ends = None
        self._lock = threading.Lock()
        # A second handle of each socket: the first is taken over by TLS in the handshake.
        self._handles = {}

    @contextlib.contextmanager
    def running(self, seconds):
        self.has_passed = False
        self._ends = time.monotonic() + seconds
        timer = threading.Timer(seconds, self._pass)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            # So that one that is just passing does not shut what the next request opens.
            timer.join()
            self._ends = None

    @property
    def seconds_left(self):
        """Return the seconds until the running request is cut off; None when none runs."""
        return None if self._ends is None else self._ends - time.monotonic()

    def watch(self, connection, sock):
        """Have `sock` shut at the deadline; the one this connection had before is forgotten."""
        handle = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            former = self._handles.pop(connection, None)
            self._handles[connection] = handle
            has_passed = self.has_passed
        if former:
            former.close()
        if has_passed:
            self._shut(handle)

    def close(self):
        with self._lock:
            handles, self._handles = list(self._handles.values()), {}
        for handle in handles:
            handle.close()

    def _pass(self):
        with self._lock:
            self.has_passed = True
            for handle in self._handles.values():
                self._shut(handle)

    def _shut(self, handle):
        # One that the other side has closed already cannot be shut, and need not be.
        with contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """Opens connections, straight or through a proxy, that a `Deadline` can shut."""

    def __init__(self, deadline):
        self.deadline = deadline
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy, **kwargs):
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if is_new:
            self._watch(manager)
        return manager

    def open_connection(self, url, timeout, proxies, verify):
        """Open a connection to the server of a URL as for a request, and send nothing over it.

        :param dict proxies: by scheme, as for `requests`
        :param verify: whether, or by which bundle, the certificate is checked
        """
        proxy = url.startswith('https:') and select_proxy(url, proxies)
        manager = self.poolmanager
        if proxy:
            manager = self.proxy_manager_for(prepend_scheme_if_needed(proxy, 'http'))
        pool = manager.connection_from_url(url)
        self.cert_verify(pool, url, verify, None)
        # A new one: others of the pool may still be used for requests.
        connection = pool._new_conn()
        connection.timeout = timeout
        if pool.proxy:
            pool._prepare_proxy(connection)
        else:
            connection.connect()
        return connection

    def _watch(self, manager):
        manager.pool_classes_by_scheme = {
            scheme: get_watched_pool(self.deadline, pool)
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }


def get_watched_pool(deadline, pool):
    """Return a class of urllib3's connection pools whose connections `deadline` watches."""

    class Watched(pool.ConnectionCls):
        def _new_conn(self):
            left, timeout = deadline.seconds_left, self.timeout
            if left is not None and isinstance(timeout, int | float):
                # A host can have many addresses, and each is tried for so long.
                self.timeout = max(min(timeout, left / count_addresses(self)), 0.01)
            try:
                sock = super()._new_conn()
            finally:
                self.timeout = timeout
            deadline.watch(self, sock)
            return sock

    return type(f'Watched{pool.__name__}', (pool,), {'ConnectionCls': Watched})


def count_addresses(connection):
    """Return how many addresses the host of a connection has; 1 where it is not found."""
    try:
        found = socket.getaddrinfo(
            connection.host.strip('[]'), connection.port, type=socket.SOCK_STREAM
        )
    except OSError:
        return 1
    return max(len(found), 1)
