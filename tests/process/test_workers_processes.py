"""Odoo with several workers, as people run it who have many users."""

import json
import time
import urllib.error
import urllib.request

from environment import odoo_command, server

# How long Odoo may take to load, in seconds.
PATIENCE = 120


def ask(port, path):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=10) as answer:
        return json.load(answer)


def wait_for(port, path, process):
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return ask(port, path)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert process.poll() is None, "Odoo has ended"
            assert time.monotonic() < give_up, "Odoo does not answer"
            time.sleep(0.1)


def test_the_websocket_has_a_worker_of_its_own(database, tmp_path):
    log = tmp_path / 'log'
    port, websocket_port = server.free_port(), server.free_port()
    process = odoo_command.started(
        [
            f'--database={database}',
            '--workers=1',
            '--max-cron-threads=0',
            f'--http-port={port}',
            f'--gevent-port={websocket_port}',
            f'--logfile={log}',
        ]
    )
    try:
        assert wait_for(port, '/web/health', process)['status'] == 'pass'
        assert wait_for(websocket_port, '/websocket/health', process)['status'] == 'pass'
    finally:
        process.terminate()
        process.wait(timeout=60)
    assert 'Traceback' not in log.read_text()
