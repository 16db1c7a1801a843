#!/usr/bin/env python3
"""Sign what a tool posts that cannot sign, and pass it on to Odoo. Python alone, no packages.

    ADDRESS=https://odoo.example.com/assist_billing/inbound/KEY_ID SECRET=... relay.py [PORT]

It listens on this machine only; run it beside the tool. What Odoo does not take in is answered as
Odoo answered, so that the tool shows it and tries again.
"""

import hashlib
import hmac
import os
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 2_000_000


class Relay(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get('Content-Length') or 0), MAX_BODY))
        timestamp = str(int(time.time()))
        message = timestamp.encode() + b'.' + body
        request = urllib.request.Request(
            os.environ['ADDRESS'],
            data=body,
            headers={
                'Content-Type': 'application/json',
                'X-Assist-Timestamp': timestamp,
                'X-Assist-Signature': hmac.new(
                    os.environ['SECRET'].encode(), message, hashlib.sha256
                ).hexdigest(),
                # Whatever else a proxy in front of Odoo asks for, such as "Name: value".
                **dict([os.environ['HEADER'].split(': ', 1)] if 'HEADER' in os.environ else []),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except OSError as error:
            status, text = 502, str(error).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == '__main__':
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8799
    server = ThreadingHTTPServer(('127.0.0.1', port), Relay)
    print(f'Listening on http://127.0.0.1:{server.server_port}', flush=True)
    server.serve_forever()
