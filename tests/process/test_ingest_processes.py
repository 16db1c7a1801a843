"""Sessions brought in by real processes: two at a time, killed, and sent again."""

import json
import random
import time
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / 'assist_billing' / 'tests' / 'samples'
RECORDS = 20_000
DEVICES = 500
# Waits for a file, in a transaction that has begun: what the other one commits is out of sight.
SEND = """
import os, time
from collections import Counter
records = [
    {'session_id': number, 'start_time': 1767261600000 + number * 1000,
     'end_time': 1767263400000 + number * 1000, 'viewer_email': 'olga@example.com',
     'agent_email': f'c{number % 500}@example.com', 'display_name': f'C{number}'}
    for number in range(1, RECORDS + 1)]
env.cr.execute('SELECT 1')
print('READY', flush=True)
while not os.path.exists(GO):
    time.sleep(0.01)
answers = env['assist.session'].ingest(records[::STEP], 'zoho_assist')
env.cr.commit()
print('ANSWERS', dict(Counter(answer['status'] for answer in answers)),
      len({answer['id'] for answer in answers}), flush=True)
"""


# Devices, of which each has a department; the same in both processes.
SEND_DEVICES = """
import os, time
from collections import Counter
records = [{'key': f'K{number}', 'computer_name': f'{NAME} {number}', 'department_id': number % 7}
           for number in range(1, RECORDS + 1)]
env.cr.execute('SELECT 1')
print('READY', flush=True)
while not os.path.exists(GO):
    time.sleep(0.01)
answers = env['assist.device'].ingest(records[::STEP], 'zoho_assist')
env.cr.commit()
print('ANSWERS', dict(Counter(answer['status'] for answer in answers)),
      len({answer['id'] for answer in answers}), flush=True)
"""


def send(go, step=1):
    """Return the script of a sender that starts when the file is there; -1: back to front."""
    return f"RECORDS, GO, STEP = {RECORDS}, {str(go)!r}, {step}\n{SEND}"


def send_devices(go, name, step=1):
    """Return the script of a sender of devices, see `send`."""
    return f"RECORDS, GO, NAME, STEP = {DEVICES}, {str(go)!r}, {name!r}, {step}\n{SEND_DEVICES}"


@pytest.fixture
def go(tmp_path):
    """The file whose existence starts the senders."""
    return tmp_path / 'go'


def wait_ready(*processes):
    for process in processes:
        line = ''
        while 'READY' not in line:
            line = process.stdout.readline()
            assert line, "the sender ended before it began"


def finish(process):
    output, _errors = process.communicate(timeout=300)
    assert 'Traceback' not in output, output
    assert 'ERROR' not in output, output
    assert 'ANSWERS' in output, output
    return output.partition('ANSWERS ')[2].strip()


def count(query):
    return query("SELECT count(*), count(DISTINCT external_id) FROM assist_session")[0]


def test_two_senders_of_the_same_at_the_same_time(odoo_shell, query, go):
    forth, back = odoo_shell(send(go)), odoo_shell(send(go, -1))
    wait_ready(forth, back)
    go.touch()
    said = sorted([finish(forth), finish(back)])
    assert said == [
        f"{{'created': {RECORDS}}} {RECORDS}",
        f"{{'duplicate': {RECORDS}}} {RECORDS}",
    ]
    assert count(query) == (RECORDS, RECORDS)
    # Every partner's address is nobody's, so nothing can be billed; nothing is lost either.
    assert query("SELECT state, count(*) FROM assist_session GROUP BY state") == [
        ('unmatched', RECORDS)
    ]


def test_two_senders_of_the_same_devices_at_the_same_time(odoo_shell, query, go):
    """New ones, then the same with other names: one sender stores them, the other finds them."""
    for status, name in (('created', "PC"), ('updated', "Till")):
        go.unlink(missing_ok=True)
        forth, back = odoo_shell(send_devices(go, name)), odoo_shell(send_devices(go, name, -1))
        wait_ready(forth, back)
        go.touch()
        said = [finish(forth), finish(back)]
        assert sorted(said) == sorted(
            f"{{'{told}': {DEVICES}}} {DEVICES}" for told in (status, 'duplicate')
        )
        names = [row[0] for row in query("SELECT name FROM assist_device")]
        assert sorted(names) == sorted(f'{name} {number}' for number in range(1, DEVICES + 1))


def test_a_killed_sender_leaves_all_or_nothing_and_sending_again_completes(odoo_shell, query, go):
    for _attempt in range(2):
        go.unlink(missing_ok=True)
        killed, other = odoo_shell(send(go)), odoo_shell(send(go))
        wait_ready(killed, other)
        go.touch()
        time.sleep(random.uniform(0, 1))
        killed.kill()
        killed.wait()
        finish(other)
        assert count(query) == (RECORDS, RECORDS)
        deleted = len(query("DELETE FROM assist_session WHERE id % 3 = 0 RETURNING id"))
    go.unlink()
    alone = odoo_shell(send(go))
    wait_ready(alone)
    go.touch()
    time.sleep(random.uniform(0, 1))
    alone.kill()
    alone.wait()
    assert count(query)[0] in {RECORDS, RECORDS - deleted}
    again = odoo_shell(send(go))
    finish(again)
    assert count(query) == (RECORDS, RECORDS)


def test_each_sample_is_imported_once(run, query):
    """Records in = sessions + duplicates + rejected, for a file of every source."""
    files = {path.name: path.name.partition('.')[0] for path in sorted(SAMPLES.iterdir())}
    files['generic.csv'] = 'csv'
    script = f"""
import json
from collections import Counter
from pathlib import Path
from odoo.addons.assist_billing import sources
counts = {{}}
for again in (0, 1):
    for name, source in {files!r}.items():
        records = sources.read_file(Path({str(SAMPLES)!r}, name).read_bytes(), name).records
        answers = env['assist.session'].ingest(records, source)
        counted = Counter(answer['status'] for answer in answers)
        assert sum(counted.values()) == len(records)
        counts.setdefault(name, []).append([counted[status] for status in
                                            ('created', 'updated', 'duplicate', 'rejected')])
env.cr.commit()
print('COUNTS', json.dumps(counts))
"""
    counts = json.loads(run(script).partition('COUNTS ')[2])
    assert set(counts) == set(files)
    for name, (first, again) in counts.items():
        assert first[0] > 0, name
        assert first[1:3] == [0, 0], name
        assert again == [0, 0, first[0], first[3]], name
    total = sum(first[0] for first, _again in counts.values())
    assert count(query)[0] == total
    states = dict(query("SELECT state, count(*) FROM assist_session GROUP BY state"))
    assert sum(states.values()) == total
    assert set(states) == {'running', 'unmatched', 'non_billable'}
