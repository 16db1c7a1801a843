"""Where in JSON the records are: a list, a list within objects, or columns and rows apart."""

from . import registry
from .outcome import ReadError, shorten

# Keys under which tools without a profile put their lists.
COMMON_ENVELOPE = ('records', 'sessions', 'items', 'results', 'data', 'list')
_ENVELOPE_DEPTH = 4
_PATHS = 300
_PATH_DEPTH = 4
_PROBLEM_KEYS = ('error', 'errors')
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
        if registry.recognise([found]):
            return [found], key
        apart = _columns_apart(found)
        if apart is not None:
            return apart, key
        inside = _inside(found, known)
        if inside is None:
            return _without_envelope(found, known, key)
        around, key, found = found, inside, found[inside]
    return _only_list(start, known)


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
    first = found[0] if found else None
    if isinstance(first, list) and len(found) > 1 and _are_names(first):
        return _rows(first, found[1:])
    if isinstance(first, dict) and not registry.recognise(found):
        pages = [_page(one, known) for one in found[:1_000]]
        if len(found) <= 1_000 and all(page is not None for page in pages):
            return [record for page in pages for record in page]
    return found


def _page(one, known):
    """Return the records of an answer of which there are several, one after the other."""
    if not isinstance(one, dict):
        return None
    lists = [key for key, value in one.items() if isinstance(value, list)]
    if len(lists) == 1 and lists[0] in known and all(isinstance(r, dict) for r in one[lists[0]]):
        return one[lists[0]]
    return None


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
