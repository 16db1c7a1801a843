"""A mail server for one test: takes in whatever it is given, and says to whom it went."""

import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self._answer(220, "ready")
        recipients = []
        while line := self.rfile.readline().decode(errors='replace').strip():
            verb = line.split(":")[0].upper()
            if verb == 'RCPT TO':
                recipients.append(line.split("<")[1].split(">")[0])
            elif verb == 'DATA':
                self._answer(354, "go on")
                while self.rfile.readline() != b".\r\n":
                    pass
                self.server.delivered += recipients
                recipients = []
            elif verb == 'QUIT':
                self._answer(221, "bye")
                return
            self._answer(250, "ok")

    def _answer(self, code, text):
        self.wfile.write(f"{code} {text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a free port of this machine; `delivered` are the addresses of all mails."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Session)
        self.delivered = []

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self.shutdown()
        self.server_close()
