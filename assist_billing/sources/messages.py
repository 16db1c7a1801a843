"""The sentences in which a record or a file is refused.

They stand here once, marked for translation: whoever shows them to a user passes the template and
its parameters through a translation of its own (`env._(template, **params)` in Odoo).
"""


def _lt(text):
    """Mark a text for the extraction of translatable terms."""
    return text


class Label(str):
    """Our own word within a message, which is translated; other words are the file's own."""

    __slots__ = ()


# What each field is called on the screen.
LABELS = {
    'external_id': _lt("ID"),
    'kind': _lt("Kind"),
    'day': _lt("Date"),
    'started_at': _lt("Start"),
    'ended_at': _lt("End"),
    'duration': _lt("Duration"),
    'running': _lt("Running"),
    'tz': _lt("Time Zone"),
    'technician': _lt("Technician"),
    'customer_email': _lt("Customer E-mail"),
    'customer_name': _lt("Customer"),
    'customer_ref': _lt("Customer Number"),
    'device_ref': _lt("Device ID"),
    'device_name': _lt("Device"),
    'group': _lt("Group"),
    'department': _lt("Department"),
    'note': _lt("Note"),
    'billable': _lt("Billable"),
}

# What is wrong with one record. `field` is the name the vendor gives it, as the user sees it in
# the file; `value` is what stands there, shortened.
RECORD = {
    'not_object': _lt(
        "A session must be an object with named fields, but this is %(value)s. Send one object per "
        "session."
    ),
    'no_id': _lt(
        "%(field)s is missing. A session needs the ID its source gave it; otherwise importing it "
        "again would bill it twice."
    ),
    'bad_id': _lt(
        "%(field)s is %(value)s, which is not a valid ID. It must be a whole number or a text of "
        "at most %(limit)s characters."
    ),
    'no_identity': _lt(
        "This source does not number its sessions, so start, technician and device together serve "
        "as the ID. Here these are missing (%(fields)s), and so is the end. Fill in one of them."
    ),
    'no_time': _lt(
        "%(field)s is %(value)s: a date without a time of day. Choose the column that holds the "
        "time under Columns, or fill it in."
    ),
    'long_row': _lt(
        "This row has more values than there are headings; the last one is %(value)s. Put "
        "quotation marks around the value that contains the delimiter, or give the last column a "
        "heading."
    ),
    'total': _lt("%(field)s is %(value)s: this is a row of totals, not a session. It is left out."),
    'otherwise_row': _lt(
        "%(field)s is %(value)s, as in line %(row)s, but the two differ (%(differs)s). If these "
        "are two sessions, this column does not identify sessions: set it to “not used” under "
        "Columns."
    ),
    'otherwise_record': _lt(
        "%(field)s is %(value)s, as in record %(row)s, but the two differ (%(differs)s). If these "
        "are two sessions, this does not identify sessions: set it to “not used” under Columns."
    ),
    'alike_row': _lt(
        "Row %(row)s has the same start, end, customer, technician and device, but the two differ "
        "(%(differs)s). If these are two sessions, give the file a column “ID” with a different "
        "value for each."
    ),
    'otherwise_known': _lt(
        "%(field)s is %(value)s, which a session that began at %(known)s has already; this one "
        "began at %(start)s. If it is the same session, check time zone and date order. If not, "
        "this column does not identify sessions: undo the earlier import, set the column to “not "
        "used” under Columns, and import both files again."
    ),
    'numbered_alike': _lt(
        "%(field)s is %(value)s, which a session that began at %(known)s has already; this one "
        "began at %(start)s, so it comes from another account, whose numbers are the same. It is "
        "not billed here: fetch that account in a company of its own."
    ),
    'alike_known': _lt(
        "A session with the same customer or device and the same times is there already, from "
        "%(from)s (it began at %(known)s). Both would be billed. If these are two sessions, set "
        "“Import Them Too” and check again."
    ),
    'ambiguous_duration': _lt(
        "%(field)s is %(value)s, which can be read in more than one way. Choose the unit of "
        "durations under Columns, or write it as 01:30:00."
    ),
    'zone_word': _lt(
        "%(field)s is %(value)s: several time zones go by that name. Choose the one that is meant, "
        "or write the time as 2026-01-31 14:05:00."
    ),
    'no_start': _lt(
        "%(field)s is missing. Without a start, the session cannot be assigned to a day; fill it "
        "in."
    ),
    'bad_time': _lt(
        "%(field)s is %(value)s, which cannot be read as a time. Write it as 2026-01-31 14:05:00."
    ),
    'bad_time_ms': _lt(
        "%(field)s is %(value)s. It must be in milliseconds since 1970, such as 1481369000053."
    ),
    'bad_time_s': _lt(
        "%(field)s is %(value)s. It must be in seconds since 1970, such as 1481369000."
    ),
    'ambiguous_time': _lt(
        "%(field)s is %(value)s: day and month cannot be told apart. Choose which comes first, or "
        "write the year first."
    ),
    'too_early': _lt(
        "%(field)s is %(value)s, which is before 1990. Check the unit (seconds or milliseconds) "
        "and the year."
    ),
    'ahead': _lt(
        "%(field)s is %(value)s, which is more than 24 hours in the future. Check the date and its "
        "time zone."
    ),
    'reversed': _lt(
        "%(field)s is %(value)s, which is before the start (%(start_field)s: %(start)s). Correct "
        "one of the two."
    ),
    'skipped_time': _lt(
        "%(field)s is %(value)s, a time that clocks skipped that night as daylight saving time "
        "began. Choose the zone that the times are in, correct it, or say how long it lasted."
    ),
    'too_long': _lt(
        "%(field)s is %(value)s: the session would last more than a year. Correct its start or end."
    ),
    'bad_duration': _lt(
        "%(field)s is %(value)s, which is not a duration. Write it as 01:30:00, or as a number in "
        "the unit the source uses."
    ),
    'negative_duration': _lt("%(field)s is %(value)s. A duration cannot be negative; correct it."),
    'pause': _lt(
        "%(field)s is %(value)s, and a break is not billed, but %(end_field)s includes it. Set "
        "%(end_field)s to “not used” under Columns, so that the duration counts; or split the "
        "session into two rows."
    ),
    'pause_alone': _lt(
        "%(field)s is %(value)s, and a break is not billed, but %(end_field)s includes it. Split "
        "the session into two rows, before and after the break, or add a column “Duration” with "
        "the time without it and set %(end_field)s to “not used” under Columns."
    ),
    'no_zone': _lt(
        "%(field)s is %(value)s, without a time zone. Say which one the source uses, such as "
        "Europe/Paris."
    ),
    'unknown_zone': _lt(
        "%(field)s is %(value)s, which is not a known time zone. Use a name such as Europe/Paris."
    ),
    'unknown_source': _lt(
        "%(field)s is %(value)s, which is not a known source. The known ones are: %(known)s."
    ),
    'bad_mapping': _lt(
        "The column mapping cannot be used: %(value)s. It must give the name of a column for each "
        "field."
    ),
    'unreadable': _lt("The record cannot be read: %(value)s. Correct it, or report it."),
    'guest': _lt(
        "%(field)s is %(value)s: this is the device's own connection, not a support session. Only "
        "connections of hosts are sessions; leave it out."
    ),
    'other_event': _lt(
        "%(field)s is %(value)s: this event is not the start or end of a session. It is left out."
    ),
    # For a source that another addon brings with rules of its own.
    'other': _lt("%(value)s"),
}

# What is wrong with one device of a list of devices.
DEVICE = {
    'not_object': _lt(
        "A device must be an object with named fields, but this is %(value)s. Send one object per "
        "device."
    ),
    'no_id': _lt(
        "%(field)s is missing. A device needs the ID its source gave it; otherwise importing it "
        "again would bill it twice."
    ),
    'bad_id': _lt(
        "%(field)s is %(value)s, which is not a valid ID. It must be a whole number or a text of "
        "at most 255 characters."
    ),
    'bad_time': _lt(
        "%(field)s is %(value)s, which cannot be the day a device was enrolled or removed. Write "
        "it as 2026-01-31, or as the tool does."
    ),
    'ambiguous': _lt(
        "%(field)s is %(value)s: day and month cannot be told apart. Choose the date order, or "
        "write the year first."
    ),
    'long_row': _lt(
        "This row has more values than there are headings; the last one is %(value)s. Put "
        "quotation marks around the value that contains the delimiter, or give the last column a "
        "heading."
    ),
    'otherwise_row': _lt(
        "%(field)s is %(value)s, as in row %(row)s, but the names differ: %(name)s and %(other)s. "
        "If these are two devices, this column does not identify devices: choose another one as ID "
        "under Columns."
    ),
    'total': _lt("%(value)s: this is a row of totals, not a device. It is left out."),
    'unknown_source': _lt("%(field)s is %(value)s, which is not a known source."),
}

# What each field of a device is called on the screen.
DEVICE_LABELS = {
    'external_id': _lt("ID"),
    'name': _lt("Name"),
    'customer_email': _lt("Customer E-mail"),
    'customer_name': _lt("Customer"),
    'customer_ref': _lt("Customer Number"),
    'group': _lt("Group"),
    'department': _lt("Department"),
    'enrolled_at': _lt("Enrolled On"),
    'removed_at': _lt("Removed On"),
    'status': _lt("Status"),
}

# What is wrong with a whole file.
FILE = {
    'empty': _lt("The file is empty. Export it again."),
    'too_large': _lt(
        "The file is %(size)s MB; at most %(limit)s MB can be read at once. Split it, for example "
        "by month."
    ),
    'not_json_web_page': _lt(
        "This is a web page, not JSON. Perhaps your login had expired when it was saved; export it "
        "again."
    ),
    'not_json_spreadsheet': _lt("This is a spreadsheet (XLSX), not JSON. Choose it as XLSX."),
    'json_encoding': _lt(
        "The file is not valid %(encoding)s, as JSON must be: the byte at position %(position)s "
        "does not fit. Save it again as UTF-8."
    ),
    'json_truncated': _lt(
        "The file is cut off at line %(line)s, column %(column)s. The download was incomplete; "
        "export it again."
    ),
    'json_syntax': _lt(
        "The file is not valid JSON: line %(line)s, column %(column)s: %(problem)s. Export it "
        "again."
    ),
    'json_nested': _lt(
        "The values in the file are nested too deeply for an export of sessions. Export it again."
    ),
    'json_no_records': _lt(
        "The file contains no list of sessions. It was expected on its own, or under: %(known)s."
    ),
    'json_error': _lt("The source answered with an error instead of sessions: %(problem)s."),
    'json_many_lists': _lt(
        "The file contains several lists (%(lists)s), none of which is known to hold sessions. "
        "Keep only the list of sessions, or save it as CSV."
    ),
    'web_page': _lt(
        "This is a web page without a table of sessions. Perhaps your login had expired when it "
        "was saved; export it again."
    ),
    'web_page_broken': _lt(
        "This is a web page that cannot be read (%(problem)s). Open it in a spreadsheet program "
        "and save it as XLSX or CSV."
    ),
    'xml_doctype': _lt(
        "The XML file defines its own entities, which no export of sessions does, so it was not "
        "opened."
    ),
    'xml_nested': _lt(
        "The elements in the file are nested too deeply for an export of sessions. Export it again."
    ),
    'xml_syntax': _lt(
        "The file is not valid XML: line %(line)s, column %(column)s: %(problem)s. Export it again."
    ),
    'xml_no_records': _lt(
        "The XML file contains no list of sessions: there are no repeated elements with several "
        "values. Export it again, or as CSV."
    ),
    'other_kind': _lt(
        "This is %(kind)s, which cannot be imported. Export it as CSV, XLSX, JSON or XML."
    ),
    'packed': _lt("This is %(kind)s. Unpack it and choose the file inside."),
    'unknown_encoding': _lt("%(encoding)s is not a known text encoding. Choose another."),
    'not_text': _lt(
        "This is not a text file, so it cannot be CSV. Export it as CSV, XLSX or JSON."
    ),
    'csv_syntax': _lt("The file is not valid CSV: line %(line)s: %(problem)s. Export it again."),
    'csv_quote': _lt(
        "The quotation mark in line %(line)s is not closed, so the rows after it would be lost. "
        "Correct that line, or export the file again."
    ),
    'no_header': _lt("The file has no header row. Its first row must name the columns."),
    'too_many_columns': _lt(
        "The file has %(count)s columns; at most %(limit)s can be read. Export fewer columns."
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
        "The XLSX file cannot be read (%(problem)s). Open it in a spreadsheet program and save it "
        "again as XLSX or CSV."
    ),
    'xlsx_old': _lt("This is an old XLS file. Save it as XLSX or CSV."),
    'xlsx_bomb': _lt(
        "The file would unpack to more than %(limit)s MB, so it was not opened. Export fewer rows, "
        "or use CSV."
    ),
    'xlsx_tags': _lt(
        "The workbook is too large, or was not made by a spreadsheet program: it has more than "
        "%(limit)s entries in one place. Export fewer rows or columns, or use CSV."
    ),
    'xlsx_locked': _lt("The file is password-protected. Save it without a password."),
    'html_missing': _lt("Web pages cannot be read here: the Python package lxml is missing."),
    'xlsx_missing': _lt("XLSX cannot be read here: the Python package openpyxl is missing."),
}

# What kinds of files are told apart, to say what something is that is not read.
KINDS_OF_FILES = {
    kind: Label(words)
    for kind, words in {
        'pdf': _lt("a PDF document"),
        'image': _lt("an image"),
        'zip': _lt("a ZIP archive"),
        'gzip': _lt("a gzip archive"),
        '7z': _lt("a 7-Zip archive"),
        'rar': _lt("a RAR archive"),
        'ods': _lt("an OpenDocument file"),
        'docx': _lt("a Word or PowerPoint document"),
        'sqlite': _lt("an SQLite database"),
        'mhtml': _lt("a web archive (MHTML)"),
        'rtf': _lt("a Rich Text document"),
        'program': _lt("a program"),
        'parquet': _lt("a Parquet file"),
        'mail': _lt("an e-mail"),
        'calendar': _lt("a calendar (iCalendar)"),
        'xlsb': _lt("a binary Excel workbook (XLSB)"),
        'numbers': _lt("a document of Apple Numbers"),
        'anydesk_trace': _lt("a trace of AnyDesk, without the ends of its connections"),
    }.items()
}

# What is said of a file that was read, for somebody to look at before it is imported.
NOTE = {
    'headless': _lt(
        "The file has no header row, so its first row is treated as a session like the others. "
        "Check what each column is read as."
    ),
    'skipped': _lt("Skipped before the header row: %(lines)s"),
    'more_headings': _lt(
        "There are header rows further down, in lines %(lines)s. The rows below each are read by "
        "it."
    ),
    'spans': _lt(
        "“%(column)s” holds both start and end; it was split into “%(start)s” and “%(end)s”."
    ),
    'encoding': _lt(
        "The file does not state its text encoding; it was read as %(encoding)s. If names look "
        "wrong, choose another encoding."
    ),
    'mixed': _lt(
        "Most of the file is UTF-8, but some characters are not; those were read as Windows-1252."
    ),
    'both_orders': _lt(
        "Some dates have the day first, others the month. Choose the date order of the file; rows "
        "in the other order are rejected."
    ),
    'day_first': _lt(
        "Dates such as %(value)s can be read either way. They are read as day, month, year, as is "
        "usual in the language of the headings."
    ),
    'open_order': _lt(
        "Dates such as %(value)s can be read either way: choose the date order, then check again."
    ),
    'exchanged': _lt(
        "Some dates are dates, such as %(value)s, others are text: a spreadsheet program may have "
        "exchanged day and month where it could. Compare them, and better import the file that "
        "was not opened there."
    ),
    'open_unit': _lt(
        "Durations such as %(value)s could be seconds, minutes or hours: choose the unit, then "
        "check again."
    ),
    'unlike_duration': _lt(
        "Durations such as %(value)s do not match start and end. Start and end are what counts; "
        "check that each column is read as what it is."
    ),
    'open_mark': _lt(
        "“%(column)s” says “%(value)s” and the like: %(count)s. That need not mean that there is "
        "nothing to bill, so these sessions come in as billable. If it does, read this column as "
        "Billable under Columns, or leave the rows out of the file."
    ),
    'open_invoice': _lt(
        "“%(column)s” says “%(value)s” and the like: %(count)s. These sessions may be on an "
        "invoice already, or have yet to be put on one; they come in as billable. If they have "
        "been billed, leave the rows out of the file."
    ),
    'gone': _lt(
        "“%(column)s” says “%(value)s” and the like: %(count)s. These devices are removed: as of "
        "the day that the file gives, else as of today."
    ),
    'open_state': _lt(
        "“%(column)s” says “%(value)s” and the like: %(count)s. That need not mean that a device "
        "is removed, so these count like any other. If it does, give them a day under “Removed "
        "On”, or remove them afterwards."
    ),
    'other_sheets': _lt("Only the sheet “%(sheet)s” was read, not these: %(others)s"),
    'hidden_rows': _lt(
        "Rows that are hidden in the sheet, by a filter perhaps, were read as well: %(count)s. To "
        "leave them out, delete them there."
    ),
    'incomplete': _lt(
        "The answer may not be whole: it says %(said)s. Fetch the rest too, and import it as well; "
        "what is known already is taken once."
    ),
    'other_tables': _lt("Only the longest of %(count)s tables was read."),
}
