"""Rejected records as a file of the kind they came in, to be mended and read again."""

import csv
import io
import json
from datetime import datetime
from itertools import islice

from .cells import inert_cell

FIELD_HEADING = 'Rejected Field'
REASON_HEADING = 'Rejected Because'


def write_rejected(reading, rejected):
    """Return `(content, extension)` of a file with the rejected records and the reasons.

    A table comes as CSV with two columns more, which are passed over when it is read again; no
    cell of it is a formula. JSON comes as a list of records with two keys more.

    :param Reading reading: the file the records came in
    :param list rejected: `(index of the record, field, reason)`
    """
    if reading.columns:
        return _write_csv(reading, rejected), 'csv'
    records = []
    for index, field, reason in rejected:
        record = reading.records[index]
        record = record if isinstance(record, dict) else {'record': record}
        records.append({**record, FIELD_HEADING: field, REASON_HEADING: reason})
    return json.dumps(records, indent=1).encode(), 'json'


def _write_csv(reading, rejected):
    columns = [name for name in reading.columns if name not in {FIELD_HEADING, REASON_HEADING}]
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow(map(inert_cell, (*columns, FIELD_HEADING, REASON_HEADING)))
    for index, field, reason in rejected:
        record = reading.records[index]
        cells = (_cell(record.get(name)) for name in columns)
        writer.writerow(map(inert_cell, (*cells, field, reason)))
    # The mark at its start tells spreadsheet programs the encoding.
    return content.getvalue().encode('utf-8-sig', 'replace')


def _cell(value):
    if value is None:
        return ''
    return value.isoformat(' ') if isinstance(value, datetime) else str(value)


def show_columns(reading, mapping, most=50):
    """Return `(column, field or None)` for the columns of a table, in its order."""
    fields = {column: field for field, column in mapping.items()}
    return [(name, fields.get(name)) for name in islice(reading.columns, most)]
