"""Sees what Odoo logs at WARNING or above, so that nothing of it passes unnoticed.

A test that expects such a message says so with `assertLogs` or `mute_logger`: both take the
logger's handlers away while they last, and so keep the message from here.
"""

import json
import logging
import os
import sys
from pathlib import Path

FORMAT = logging.Formatter('%(levelname)s %(name)s: %(message)s')
# Where a process under watch leaves what it saw: one JSON string per line.
FINDINGS_VARIABLE = 'ASSIST_LOG_FINDINGS'


class LogWatch(logging.Handler):
    """A handler of the root logger that keeps what it is given until somebody takes it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(FORMAT)
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(self.format(record))

    def start(self) -> None:
        logging.getLogger().addHandler(self)

    def take(self) -> list[str]:
        """Return what was logged since the last call."""
        found, self._found = self._found, []
        return found


def read_findings(path: Path) -> list[str]:
    """Return what a process run by `main` logged at WARNING or above."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def main() -> int | str | None:
    """Run Odoo's command line, given as this program's arguments, and write down what it logs.

    The file is named by the environment variable ASSIST_LOG_FINDINGS.
    """
    from odoo.cli.command import main as odoo_main  # noqa: PLC0415 - only here is there an Odoo

    watch = LogWatch()
    watch.start()
    try:
        odoo_main()
    except SystemExit as end:
        return end.code
    finally:
        lines = (json.dumps(message) + '\n' for message in watch.take())
        Path(os.environ[FINDINGS_VARIABLE]).write_text(''.join(lines))
    return 0


if __name__ == '__main__':
    sys.exit(main())
