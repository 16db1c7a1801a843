"""Where in JSON the records are: a list, a list within objects, or columns and rows apart."""

import re
from zoneinfo import available_timezones

from . import registry
from .columns import is_session
from .headings import COMMON
from .outcome import Note, ReadError, shorten
from .profile import fold
from .values import clean_line
from .words import CANCELLED, DELETED

# Keys under which tools without a profile put their lists.
COMMON_ENVELOPE = ('records', 'sessions', 'items', 'results', 'data', 'list')
_ENVELOPE_DEPTH = 4
_PATHS = 300
_PATH_DEPTH = 4
_PROBLEM_KEYS = ('error', 'errors')
# What is called so holds sessions, even where what is around has times as well.
_LIST_KEYS = frozenset({'sessions', 'records', 'representation', 'timeentries', 'ticket_timers',
                        'time_entries'})  # fmt: skip
# What is around these is never an answer, but what its sessions have in common.
_GROUP_KEYS = frozenset({'time_entries'})
_ID_NAMES = frozenset(map(fold, COMMON['external_id']))
_STARTS = frozenset(map(fold, COMMON['started_at']))
# What a group of sessions may say of all that are in it.
_OF_GROUPS = [
    frozenset(map(fold, COMMON[field]))
    for field in ('customer_name', 'customer_email', 'customer_ref', 'technician', 'device_ref',
                  'device_name', 'group', 'department', 'day', 'billable', 'note', 'tz')
]  # fmt: skip
_ZONES = _OF_GROUPS[-1]
# What says what an event is about.
_EVENT_NAMES = frozenset(map(fold, ('event', 'event_type', 'event_name', 'webhook_event', 'type',
                                    'action', 'trigger', 'topic')))  # fmt: skip
_FAILED = frozenset({'error', 'fail', 'failed', 'failure'})
_NAME_KEYS = ('Column', 'column', 'name', 'Name', 'field', 'Field', 'key', 'id', 'title', 'label')


def find_records(found):
    """Return the list of records within what was read, and the key it stood under."""
    known = [key for profile in registry.profiles() for key in profile.envelope]
    known = list(dict.fromkeys((*known, *COMMON_ENVELOPE)))
    key = None
    start = found
    around = None
    for _depth in range(_ENVELOPE_DEPTH):
        if isinstance(found, list):
            _check_problem(around, found, key)
            return _of_list(found, known), key
        if not isinstance(found, dict):
            break
        if registry.recognise([found]) or _is_alone(found, known):
            return [found], key
        apart = _columns_apart(found)
        if apart is not None:
            return apart, key
        inside = _inside(found, known)
        if inside is None:
            return _without_envelope(found, known, key)
        around, key, found = found, inside, found[inside]
    return _only_list(start, known)


def _is_alone(found, known):
    """Tell whether an object is a session, and no page that says from when to when it is."""
    return is_session(found) and not any(name in known for name in found) and not _has_list(found)


def _has_list(found, depth=0):
    """Tell whether there is a list within an object, however deep; too deep to see counts, too."""
    return depth > _PATH_DEPTH or any(
        isinstance(value, list) or (isinstance(value, dict) and _has_list(value, depth + 1))
        for value in found.values()
    )


def _inside(found, known):
    """Return the known key under which to look; None where there is none, or more than one.

    Of several lists with records in them the one whose tool is known; else none of them is dropped.
    """
    keys = [key for key in known if isinstance(found.get(key), list | dict)]
    full = [key for key in keys if isinstance(found[key], list) and any(
        isinstance(record, dict) for record in found[key][:50])]  # fmt: skip
    if len(full) > 1:
        full = [key for key in full if registry.recognise(found[key])]
        return full[0] if len(full) == 1 else None
    return next(iter(full or keys), None)


def _without_envelope(found, known, key):
    null = next((key for key in known if found.get(key, 0) is None), None)
    if null is not None:
        return [], null
    try:
        records, key = _only_list(found, known)
    except ReadError:
        if problem := found.get('error') or found.get('errors') or found.get('message'):
            raise ReadError('json_error', problem=_problem_text(problem)) from None
        raise
    if key in _PROBLEM_KEYS:
        raise ReadError('json_error', problem=_problem_text(records))
    return records, key


def _check_problem(around, found, key):
    """Raise `ReadError` where an empty list of sessions stands beside an error."""
    if found or not around:
        return
    problem = next((around[name] for name in _PROBLEM_KEYS if around.get(name)), None)
    failed = around.get('success') is False or str(around.get('status')).lower() in _FAILED
    if problem is None and failed:
        problem = around.get('message') or around.get('status') or key
    if problem:
        raise ReadError('json_error', problem=_problem_text(problem))


def _problem_text(problem):
    if isinstance(problem, list) and problem:
        problem = problem[0]
    if isinstance(problem, dict):
        parts = [problem.get(name) for name in ('code', 'title', 'message', 'description')]
        return ' '.join(shorten(part) for part in parts if part) or shorten(problem)
    return shorten(problem)


def _of_list(found, known):
    """Return the records of a list: itself, its pages together, or its rows under its first."""
    if found and all(isinstance(one, dict) and isinstance(one.get('node'), dict) for one in found):
        # GraphQL's edges.
        found = [one['node'] for one in found]
    found = _unwrapped(found)
    first = found[0] if found else None
    if isinstance(first, list) and len(found) > 1 and _are_names(first):
        return _rows(first, found[1:])
    if isinstance(first, dict) and not registry.recognise(found):
        pages = [_page(one, known) for one in found[:1_000]]
        if len(found) <= 1_000 and any(pages):
            for one, page in zip(found, pages, strict=True):
                if page is None and (problem := _problem_of(one)):
                    raise ReadError('json_error', problem=_problem_text(problem))
            if all(page is not None for page in pages):
                said = _said_of_groups(found)
                return [
                    _within_group(record, own)
                    for page, own in zip(pages, said, strict=True)
                    for record in page
                ]
    return found


def _unwrapped(found):
    """Return the objects of a list in which each stands alone under one name: {"session": {…}}."""
    keys = {tuple(one) if isinstance(one, dict) and len(one) == 1 else None for one in found}
    key = keys.pop() if len(keys) == 1 else None
    if not key or not all(isinstance(one[key[0]], dict) for one in found):
        return found
    return [one[key[0]] for one in found]


def _said_of_groups(answers):
    """Return what each of several answers says of all its sessions, such as their customer.

    What all of them say is nothing of a group: whose account it is, or who asked.
    """
    found = []
    for names in _OF_GROUPS:
        keys = {
            key
            for answer in answers
            for key, value in list(answer.items())[:_LOOKED_AT]
            if not isinstance(value, list) and fold(key) in names
        }
        # But a zone, which holds for each of them.
        if names is not _ZONES and _GROUP_KEYS.isdisjoint(answers[0]):
            keys = {key for key in keys if any(a.get(key) != answers[0].get(key) for a in answers)}
        if keys:
            found.append((names, keys))
    return [
        [(names, {key: one[key] for key in keys if key in one}) for names, keys in found]
        for one in answers
    ]


def _within_group(record, said):
    """Return a record with what its group says, where it says nothing of the kind itself."""
    for names, values in said:
        if values and names.isdisjoint(fold(key) for key in record):
            record = values | record
    return record


def _problem_of(answer):
    """Return what is wrong, of an answer that is an error instead of a list; else None."""
    if not isinstance(answer, dict) or is_session(answer):
        return None
    if any(isinstance(value, list | dict) for key, value in answer.items()
           if key not in _PROBLEM_KEYS):  # fmt: skip
        return None
    return next((answer[key] for key in (*_PROBLEM_KEYS, 'message') if answer.get(key)), None)


def _page(one, known):
    """Return the records of an answer of which there are several, one after the other."""
    if not isinstance(one, dict):
        return None
    lists = [key for key, value in one.items() if isinstance(value, list)]
    lists = [key for key in lists if key in _GROUP_KEYS] or lists
    if not lists and any(key in known for key, value in one.items() if value is None):
        return []
    if len(lists) != 1 or lists[0] not in known or not all(isinstance(r, dict)
                                                           for r in one[lists[0]]):  # fmt: skip
        return None
    # A session, too, may have a list: of events, of connections. A page may say from when to when.
    return None if lists[0] not in _LIST_KEYS and _has_parts(one, one[lists[0]]) else one[lists[0]]


def _has_parts(record, parts):
    """Tell whether this is a session, and no page or group of sessions."""
    return is_session(record) and (
        any(fold(key) in _ID_NAMES for key in record if isinstance(key, str))
        or not any(map(is_session, parts[:3]))
    )


def _are_names(row):
    return (
        len(row) > 1
        and all(isinstance(name, str) and name for name in row)
        and (len(set(row)) == len(row))
    )


def _rows(names, rows):
    """Return rows as records; what is no row stays as it is, to be rejected by itself."""
    records = []
    for row in rows:
        if not isinstance(row, list):
            records.append(row)
            continue
        record = dict.fromkeys(names) | dict(zip(names, row, strict=False))
        record |= {f'Column {len(names) + extra}': value
                   for extra, value in enumerate(row[len(names):1_000], 1)}  # fmt: skip
        records.append(record)
    return records


def zone_around(found):
    """Return the zone that an answer names for all its sessions, or None."""
    if not isinstance(found, dict):
        return None
    told = {value for key, value in list(found.items())[:_LOOKED_AT]
            if isinstance(key, str) and fold(key) in _ZONES and isinstance(value, str)}  # fmt: skip
    zone = told.pop().strip() if len(told) == 1 else ''
    return zone if '/' in zone and zone in available_timezones() else None


def out_of_event(record):
    """Return the session that an event is about: {"event": "ended", "session": {…}}.

    Whatever else is no event stays as it is. Of the event it keeps who was helped, and by whom,
    where the session itself does not say so; not what the event is known by, nor when it came.
    One that is about a session's deletion says so of the session.
    """
    if not isinstance(record, dict):
        return record
    gone = {'deleted': name} if (name := _says_gone(record)) else {}
    if not _STARTS.isdisjoint(_plain_names(record)):
        return record | gone
    told = [key for key, value in record.items() if isinstance(value, dict) and _is_told(value)]
    if len(told) != 1:
        return record
    said = [
        (names, {key: record[key] for key in record if key not in told and fold(key) in names})
        for names in _OF_GROUPS
    ]
    return _within_group(record[told[0]] | gone, said)


def _says_gone(record):
    """Return what an event is about that is called “session.deleted” or the like; else None."""
    for key, value in list(record.items())[:_LOOKED_AT]:
        if isinstance(value, str) and fold(key) in _EVENT_NAMES:
            words = re.split(r'[^a-z]+', re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', value[:100]).lower())
            gone = next((word for word in words if word in DELETED | CANCELLED), None)
            if gone:
                return gone
    return None


def _is_told(record):
    """Tell whether this is a session that has an ID and began, whether or not it has ended."""
    names = _plain_names(record)
    return not (names.isdisjoint(_ID_NAMES) or names.isdisjoint(_STARTS))


def _plain_names(record):
    """Return what the names of values come to that are no objects or lists themselves."""
    return {
        fold(key)
        for key, value in list(record.items())[:_LOOKED_AT]
        if isinstance(key, str) and not isinstance(value, dict | list)
    }


def _columns_apart(found):
    """Return the records of an object that has names and rows apart, or whole columns; or None."""
    lists = {key: value for key, value in found.items() if isinstance(value, list) and value}
    for key, names in lists.items():
        named = [_name_of(name) for name in names[:2_000]]
        if len(named) < 2 or None in named or len(set(named)) != len(named):
            continue
        for other, rows in lists.items():
            if (
                other != key
                and all(isinstance(row, list) for row in rows[:100])
                and all(len(row) == len(named) for row in rows[:100])
            ):
                return _rows(named, rows)
    return _whole_columns(lists) if len(lists) > 1 and len(lists) == len(found) else None


def _whole_columns(lists):
    """Return the records of an object of columns, each a list as long as the others."""
    count = len(next(iter(lists.values())))
    plain = all(
        len(values) == count and not any(isinstance(value, dict | list) for value in values)
        for values in lists.values()
    )
    if not plain:
        return None
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _name_of(column):
    if isinstance(column, str):
        return column or None
    if isinstance(column, dict):
        return next((column[key] for key in _NAME_KEYS if isinstance(column.get(key), str)), None)
    return None


def _only_list(found, known):
    """Return the one list of objects anywhere within, and its key."""
    level = [(None, found)]
    for _depth in range(_ENVELOPE_DEPTH + 2):
        lists, below = [], []
        for key, value in level:
            if isinstance(value, list) and value and all(isinstance(r, dict) for r in value[:50]):
                lists.append((key, value))
            elif isinstance(value, dict):
                apart = _columns_apart(value)
                if apart is not None:
                    lists.append((key, apart))
                else:
                    below += list(value.items())[:1_000]
        ours = [item for item in lists if registry.recognise(item[1])]
        if len(lists) == 1 or len(ours) == 1:
            key, records = (ours or lists)[0]
            return _of_list(records, known), key
        if len(lists) > 1:
            keys = ', '.join(str(key)[:60] for key, _value in lists[:10])
            raise ReadError('json_many_lists', lists=keys)
        level = below
        if not level:
            break
    raise ReadError('json_no_records', known=', '.join(known[:12]))


# === PAGES THAT ARE MISSING === #

# By these an answer says that there is more to fetch, ...
_NEXT = frozenset(map(fold, (
    'next', 'next_page', 'next_link', '@odata.nextLink', 'next_token', 'next_page_token',
    'next_cursor', 'next_offset', 'next_page_url', 'next_url', 'next_href', 'next_index',
    'continuation_token', 'next_continuation_token', 'has_more', 'has_next', 'has_next_page',
    'more_results', 'is_truncated', 'truncated', 'records_remaining', 'remaining_records',
)))  # fmt: skip
# ... and how many there are: records, and pages.
_TOTALS = frozenset(map(fold, (
    'total', 'total_count', 'total_records', 'total_results', 'total_entries', 'total_items',
    'total_item_count', 'total_row_count', 'total_elements', '@odata.count', 'records_total',
    'total_rows', 'total_hits',
)))  # fmt: skip
_PAGES = frozenset(map(fold, ('total_pages', 'page_count', 'last_page', 'pages')))
_PAGE = frozenset(map(fold, ('page', 'current_page', 'page_number', 'page_no')))
_NOTHING = frozenset({'', 'null', 'none', 'false', '0'})
_LOOKED_AT = 200


def find_missing(found, records):
    """Return the notes on an answer that says that it is not whole: pages, or an error.

    :param found: what was read
    :param list records: the records within
    """
    answers = found if isinstance(found, list) else [found]
    answers = [answer for answer in answers[:1_000] if isinstance(answer, dict)]
    if not records or not answers or found is records or answers == records:
        return ()
    count = len(records)
    said = [_what_is_said(answer) for answer in answers]
    more = [next((pair for pair in pairs if fold(pair[0]) in _NEXT and _is_more(pair[1])), None)
            for pairs in said]  # fmt: skip
    missing = more[-1] if all(more) else None
    for pairs in said:
        missing = missing or next(filter(None, (
            pair for pair in pairs
            if (fold(pair[0]) in _TOTALS and _number(pair[1]) > count)
            or (pair[0] in _PROBLEM_KEYS and pair[1])
        )), None)  # fmt: skip
        page = max((_number(value) for name, value in pairs if fold(name) in _PAGE), default=1)
        missing = missing or next((
            pair for pair in pairs
            if fold(pair[0]) in _PAGES and _number(pair[1]) > max(len(answers), page)
        ), None)  # fmt: skip
    if missing is None:
        return ()
    text = f'{missing[0]}: {_problem_text(missing[1])}'
    return (Note('incomplete', {'said': clean_line(text, 120)}),)


def _what_is_said(answer):
    """Return the names and values around a list: of the answer, and of objects in it."""
    pairs, level = [], [answer]
    for _depth in range(_PATH_DEPTH):
        below = []
        for inside in level:
            for name, value in list(inside.items())[:_LOOKED_AT]:
                if name in _PROBLEM_KEYS:
                    pairs.append((name, value))
                elif isinstance(value, dict) and not is_session(value):
                    below.append(value)
                    href = value.get('href')
                    pairs += [(name, href)] if isinstance(href, str) else []
                elif isinstance(name, str) and not isinstance(value, list):
                    pairs.append((name, value))
        level = below[:_LOOKED_AT]
    return pairs


def _is_more(value):
    return value is not None and value is not False and str(value)[:40].strip().lower() not in (
        _NOTHING
    )  # fmt: skip


def _number(value):
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if type(value) is int else 0


# === NAMES === #


def is_showable(name):
    """Tell whether a name can stand in a list of columns; no tool gives its values others."""
    return name.isprintable() and name == name.strip() and 0 < len(name) <= 200


def paths_of(records):
    """Return the names of values in records, those within objects as “from.alias”."""
    paths = {}

    def add(prefix, value, depth):
        for key, inside in list(value.items())[:_PATHS]:
            if not isinstance(key, str) or len(paths) >= _PATHS:
                continue
            name = prefix + key
            if not is_showable(name):
                continue
            if isinstance(inside, dict) and depth < _PATH_DEPTH:
                add(name + '.', inside, depth + 1)
            elif not isinstance(inside, list):
                paths[name] = True

    for record in records[:50]:
        if isinstance(record, dict):
            add('', record, 1)
    return list(paths)
