"""The recipes of CONTRIBUTING.md as they stand there: an add-on is made of them, and bills."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import odoo

PAGE = Path(__file__).parents[2] / 'CONTRIBUTING.md'
# A file's name at the end of a paragraph, and the block of code below it.
RECIPE = re.compile(
    r'`(acme_assist/[\w/]+\.\w+)`[^`]*:\n\n( *)```(?:python|xml)\n(.*?)\n *```', re.DOTALL
)
BILL = """
import json, threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

from odoo.addons.assist_billing import connectors

plan = env['assist.billing.plan'].create({
    'name': "Capped", 'billing_type': 'hour', 'price_per_hour': 60.0, 'maximum_minutes': 120})
partner = env['res.partner'].create({'name': "Acme Dental"})
association = env['assist.billing.association'].create({
    'partner_id': partner.id, 'plan_id': plan.id, 'start_date': '2026-01-01', 'tz': 'UTC'})
view = env['assist.billing.plan'].get_view(view_type='form')['arch']
print("FORM", 'maximum_minutes' in view)
print("INGEST", env['assist.session'].ingest([{
    'ref': 'A-1', 'begin': '2026-01-15 10:00', 'finish': '2026-01-15 13:00',
    'client': "Acme Dental"}], 'acme_remote')[0]['status'])
# What a tool calls its customer is matched by a person or a rule.
session = env['assist.session'].search([('external_id', '=', 'A-1')])
session.write({'partner_id': partner.id, 'technician_id': env.uid})
env['assist.session'].create({
    'partner_id': partner.id, 'kind': 'screen_share', 'technician_id': env.uid,
    'started_at': '2026-01-16 10:00:00', 'ended_at': '2026-01-16 11:00:00'})
env['assist.billing.cycle']._cron_close_cycles(now=datetime(2026, 2, 1))
cycle = association.cycle_ids.filtered('move_id')
print("BILL", cycle.billed_quantity, cycle.move_id.amount_untaxed)
print("TERMS", dict(cycle._get_terms_rows()).get("At most"))
env['assist.session'].create({
    'partner_id': partner.id, 'technician_id': False,
    'started_at': '2026-02-01 10:00:00', 'ended_at': '2026-02-01 11:00:00'})
tie = env['assist.billing.tie'].create({})
tie._run(now=datetime(2026, 2, 2))
print("TIE", tie.check_ids.filtered('difference_count').mapped('name'))


class Tool(BaseHTTPRequestHandler):
    def do_GET(self):
        first = 'page=1' in self.path
        answer = {'sessions': [{'ref': 'A-1' if first else 'A-2'}], 'more': first}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(('127.0.0.1', 0), Tool)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = connectors.get('acme_remote')(
    {'server_url': 'https://acme.example.com', 'client_secret': 'secret'},
    base_url=f'http://127.0.0.1:{server.server_port}')
client.check(datetime(2026, 1, 1))
pages = list(client.pages(datetime(2026, 1, 1), datetime(2026, 2, 1)))
print("FETCHED", [record['ref'] for page in pages for record in page.records])
client.close()
server.shutdown()
"""


def test_an_add_on_made_of_the_recipes_works(database, tmp_path):
    recipes = RECIPE.findall(PAGE.read_text())
    assert len(recipes) == 11, [name for name, _indent, _text in recipes]
    for name, _indent, text in recipes:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text) + '\n')
    output = run(database, tmp_path, '-i', 'acme_assist', '--stop-after-init')
    assert not re.search(r' (WARNING|ERROR|CRITICAL) ', output), output
    output = run(database, tmp_path, command=('shell',), script=BILL)
    assert re.findall(r'^[A-Z]+ .*', output, re.MULTILINE) == [
        "FORM True",
        "INGEST created",
        "BILL 2.0 120.0",
        "TERMS 120 minutes a session",
        "TIE ['Sessions without a technician']",
        "FETCHED ['A-1', 'A-2']",
    ], output


def run(database, folder, *options, command=(), script=None):
    """Run Odoo with the folder on its add-ons path; return what it printed and logged."""
    addons = ','.join([*odoo.tools.config['addons_path'], str(folder)])
    process = subprocess.run(
        [
            *(sys.executable, '-m', 'odoo', *command, '-d', database, '--no-http'),
            *('-c', os.environ['ODOO_RC'], f'--addons-path={addons}', '--log-level=warn'),
            *options,
        ],
        input=script,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout
