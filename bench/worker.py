"""A process of Odoo on one database that does what it is told and says how long it took.

Run by Odoo's Python with the name of a database. Each line of standard input is a command in JSON:
`{"do": "close", ...}`; each line of standard output is its answer: `{"answer": ...}`, or
`{"error": "..."}` with the traceback. A command has a transaction of its own, committed at its end.
"""

import inspect
import json
import os
import sys
import traceback

import odoo
from odoo import api
from odoo.modules.registry import Registry
from odoo.service import server

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench import data, failing, ledger, passes, printing, screens_data, screens_walk, taking_in

COMMANDS = {
    name: function
    for module in (
        data,
        failing,
        ledger,
        passes,
        printing,
        screens_data,
        screens_walk,
        taking_in,
    )
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith('_')
}


def main(database: str) -> None:
    # Answers go to the true standard output; what anything else prints goes to the log.
    answers = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(2, 1)
    options = ['--no-http', '--log-level=warn', '--max-cron-threads=0', f'--database={database}']
    odoo.tools.config.parse_config(options, setup_logging=True)
    server.start(preload=[], stop=True)
    registry = Registry(database)
    for line in sys.stdin:
        command = json.loads(line)
        function = COMMANDS[command.pop('do')]
        try:
            with registry.cursor() as cr:
                answer = function(api.Environment(cr, api.SUPERUSER_ID, {}), **command)
        except Exception:  # noqa: BLE001 - told to whoever gave the command
            answers.write(json.dumps({'error': traceback.format_exc()}) + '\n')
        else:
            answers.write(json.dumps({'answer': answer}) + '\n')


if __name__ == '__main__':
    main(sys.argv[1])
