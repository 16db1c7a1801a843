"""Text that goes into a CSV or XLSX file, so that no spreadsheet program takes it for a formula."""

# A cell that begins with one of these is computed, not shown. The wide forms are what some input
# methods write and some programs fold.
_TRIGGERS = frozenset('=+-@\t\r\n\uff1d\uff0b\uff0d\uff20')
# What a program may drop before it looks: blanks, a byte order mark, marks of text.
_SKIPPED = " \u00a0\u3000\ufeff\u200b'"


def _is_active(text):
    start = text.lstrip(_SKIPPED)[:1]
    return start in _TRIGGERS


def inert_cell(value):
    """Return `value` such that a spreadsheet program shows it and computes nothing.

    A text that would be a formula gets the apostrophe by which spreadsheet programs mark text.
    Anything but text is returned as it is. `plain_cell` undoes it exactly.
    """
    if isinstance(value, str) and _is_active(value):
        return "'" + value
    return value


def plain_cell(value):
    """Return what was given to `inert_cell`."""
    if isinstance(value, str) and value[:1] == "'" and _is_active(value):
        return value[1:]
    return value
