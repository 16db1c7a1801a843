"""The sentences in which a record or a file is refused.

They stand here once, marked for translation: whoever shows them to a user passes the template and
its parameters through the translation of his own (`env._(template, **params)` in Odoo).
"""


def _lt(text):
    """Mark a text for the extraction of translatable terms."""
    return text


# What is wrong with one record. `field` is the name the vendor gives it, as the user sees it in
# the file; `value` is what stands there, shortened.
RECORD = {
    'not_object': _lt(
        "A session is an object with named fields; here stands %(value)s. Send one object for "
        "each session."
    ),
    'no_id': _lt(
        "%(field)s is missing. A session needs the ID its source gave it, or importing it again "
        "would bill it twice."
    ),
    'bad_id': _lt(
        "%(field)s is %(value)s, which is no ID. It must be a whole number or a text of at most "
        "%(limit)s characters."
    ),
    'no_identity': _lt(
        "This source numbers no sessions, so start, technician and device together stand for the "
        "ID; here technician and device are both missing (%(fields)s). Fill in one of them."
    ),
    'no_start': _lt(
        "%(field)s is missing. Without its start the session belongs to no day; fill it in."
    ),
    'bad_time': _lt(
        "%(field)s is %(value)s, which is no time that can be read. Write it as "
        "2026-01-31 14:05:00."
    ),
    'bad_time_ms': _lt(
        "%(field)s is %(value)s. It must be the milliseconds since 1970, such as 1481369000053."
    ),
    'bad_time_s': _lt(
        "%(field)s is %(value)s. It must be the seconds since 1970, such as 1481369000."
    ),
    'ambiguous_time': _lt(
        "%(field)s is %(value)s: day and month cannot be told apart. Say which comes first, or "
        "write the year first."
    ),
    'too_early': _lt(
        "%(field)s is %(value)s, which is before 1990. Check the unit (seconds or milliseconds) "
        "and the year."
    ),
    'ahead': _lt(
        "%(field)s is %(value)s, which is more than 24 hours ahead of now. Check the date, and "
        "the zone it was written in."
    ),
    'reversed': _lt(
        "%(field)s is %(value)s, which is before the start (%(start_field)s: %(start)s). Mend one "
        "of the two."
    ),
    'too_long': _lt(
        "%(field)s is %(value)s: the session would last more than a year. Mend its start or its "
        "end."
    ),
    'bad_duration': _lt(
        "%(field)s is %(value)s, which is no duration. Write it as 01:30:00, or as a number in "
        "the unit of the source."
    ),
    'negative_duration': _lt(
        "%(field)s is %(value)s. A session cannot last less than no time; mend it."
    ),
    'no_zone': _lt(
        "%(field)s is %(value)s, without a zone. Say in which time zone the source writes it, "
        "such as Europe/Paris."
    ),
    'unknown_zone': _lt(
        "%(field)s is %(value)s, which is no known time zone. Use a name such as Europe/Paris."
    ),
    'unknown_source': _lt(
        "%(field)s is %(value)s, which is no known source. Known are: %(known)s."
    ),
    'bad_mapping': _lt(
        "The mapping of columns cannot be used: %(value)s. It gives, for each field, the name of "
        "a column."
    ),
    'unreadable': _lt("The record cannot be read: %(value)s. Mend it, or report it."),
    'guest': _lt(
        "%(field)s is %(value)s: this is the device's own connection, nobody's support. Only the "
        "connections of hosts are sessions; leave it out."
    ),
    # For a source that another addon brings with rules of its own.
    'other': _lt("%(value)s"),
}

# What is wrong with one device of a list of devices.
DEVICE = {
    'not_object': _lt(
        "A device is an object with named fields; here stands %(value)s. Send one object for each "
        "device."
    ),
    'no_id': _lt(
        "%(field)s is missing. A device needs the ID its source gave it, or importing it again "
        "would bill it twice."
    ),
    'bad_id': _lt(
        "%(field)s is %(value)s, which is no ID. It must be a whole number or a text of at most "
        "255 characters."
    ),
    'bad_time': _lt(
        "%(field)s is %(value)s, which is no day that a device can have been enrolled on. Write "
        "it as 2026-01-31, or as the tool does."
    ),
    'unknown_source': _lt("%(field)s is %(value)s, which is no known source."),
}

# What is wrong with a whole file.
FILE = {
    'empty': _lt("The file is empty. Export it again."),
    'too_large': _lt(
        "The file has %(size)s MB; %(limit)s MB is the most that is read at once. Split it, for "
        "example by month."
    ),
    'not_json_web_page': _lt(
        "This is a web page, not JSON. Perhaps the login had expired when it was saved; export "
        "it again."
    ),
    'not_json_spreadsheet': _lt("This is a spreadsheet (XLSX), not JSON. Choose it as XLSX."),
    'json_encoding': _lt(
        "The file is not encoded as %(encoding)s, as JSON must be: the byte at position "
        "%(position)s does not fit. Save it again as UTF-8."
    ),
    'json_truncated': _lt(
        "The file breaks off in the middle, at line %(line)s, column %(column)s. Its download "
        "was not complete; export it again."
    ),
    'json_syntax': _lt(
        "The file is no valid JSON: line %(line)s, column %(column)s: %(problem)s. Export it again."
    ),
    'json_nested': _lt(
        "The file nests its values too deeply to be an export of sessions. Export it again."
    ),
    'json_no_records': _lt(
        "The file has no list of sessions. Looked for a list by itself, or under: %(known)s."
    ),
    'json_error': _lt("The source answered with an error instead of sessions: %(problem)s."),
    'not_text': _lt("This is no text file, so no CSV. Export it as CSV, XLSX or JSON."),
    'csv_syntax': _lt("The file is no valid CSV: line %(line)s: %(problem)s. Export it again."),
    'no_header': _lt("The file has no row of headings. Its first row must name the columns."),
    'too_many_columns': _lt(
        "The file has %(count)s columns; at most %(limit)s are read. Export fewer columns."
    ),
    'too_many_rows': _lt("The file has more than %(limit)s rows. Split it, for example by month."),
    'too_many_cells': _lt(
        "The file has more than %(limit)s cells. Export fewer columns, or split it."
    ),
    'too_many_records': _lt(
        "The file has more than %(limit)s records. Split it, for example by month."
    ),
    'too_many_values': _lt(
        "The file has more than %(limit)s values. Export fewer fields, or split it."
    ),
    'xlsx_broken': _lt(
        "The file is no XLSX that can be read (%(problem)s). Open it in a spreadsheet program and "
        "save it again as XLSX or CSV."
    ),
    'xlsx_old': _lt("This is an old XLS file. Save it as XLSX or CSV."),
    'xlsx_bomb': _lt(
        "The file would unpack to more than %(limit)s MB and is not opened. Export fewer rows, or "
        "use CSV."
    ),
    'xlsx_tags': _lt(
        "The workbook is too large, or was not made by a spreadsheet program: it has more than "
        "%(limit)s entries in one place. Export fewer rows or columns, or use CSV."
    ),
    'xlsx_locked': _lt("The file is protected with a password. Save it without one."),
    'xlsx_missing': _lt("XLSX cannot be read here: the Python package openpyxl is missing."),
}
