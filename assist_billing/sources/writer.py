"""Rejected records as a file of the kind they came in, to be mended and read again."""

import csv
import io
import json
from datetime import datetime, timedelta

from .cells import inert_cell
from .outcome import LongRow, shorten

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
    # Without `indent`, which is written by a slower way that nests no deeper than Python's stack.
    lines = ',\n'.join(map(_json, records))
    return f'[\n{lines}\n]'.encode(), 'json'


def _json(record):
    try:
        return json.dumps(record)
    except RecursionError:
        # It nests deeper than it was read, and than any session; its own file has it whole.
        plain = {
            key: value if _is_plain(value) else shorten(value) for key, value in record.items()
        }
        return json.dumps(plain)


def _is_plain(value):
    return value is None or isinstance(value, str | int | float)


def _write_csv(reading, rejected):
    added = (FIELD_HEADING, REASON_HEADING)
    records = [reading.records[index] for index, _field, _reason in rejected]
    width = next((row.width for row in records if isinstance(row, LongRow)), None)
    # What a row has more than there are headings gets none, or it would no longer be noticed; with
    # field and reason in front, whoever joins what belongs together has the rest in its place.
    headings = [name for name in reading.columns[:width] if name not in added]
    columns = [name for name in reading.columns if name not in added]
    content = io.StringIO()
    writer = csv.writer(content)

    def write(cells, *reason):
        writer.writerow(map(inert_cell, (*reason, *cells) if width else (*cells, *reason)))

    write(headings, *added)
    for record, (_index, field, reason) in zip(records, rejected, strict=True):
        cells = [_cell(record.get(name)) for name in columns]
        write(cells if isinstance(record, LongRow) else cells[: len(headings)], field, reason)
    # The mark at its start tells spreadsheet programs the encoding.
    return content.getvalue().encode('utf-8-sig', 'replace')


def _cell(value):
    """Return a cell of a workbook as a text that is read again as the same."""
    if value is None:
        return ''
    if isinstance(value, datetime):
        return value.isoformat(' ')
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f'{minutes // 60:02}:{minutes % 60:02}:{seconds:02}'
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # An ID that a workbook keeps as 706174884.0 is 706174884.
        return str(int(value))
    return str(value)
