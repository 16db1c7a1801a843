"""What a hostile or broken source could send: values, records, and batches of them."""

from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

from sources import FIELDS, get, names

VENDOR_NAMES = sorted(
    {
        name
        for source in names()
        for columns in get(source).columns.values()
        for name in (*columns, *(column.partition('.')[0] for column in columns))
    }
)

# === VALUES === #

HOSTILE = (
    '2026-01-31T10:00:00Z', '2026-03-29 02:30:00', '0000-00-00 00:00:00', '31.12.9999 23:59',
    '9999-12-31T23:59:59-14:00', '0001-01-01T00:00:00+14:00', '1/2/2026 1:00 PM', '-1',
    '1481369000053', '1481369000', 'NaN', '01:02:03', '=cmd|x', '<script>', '\0', '\ud800',
    'Europe/Paris', 'Mars/Base', 'rs', 'true', 'a@b.c', '9' * 400, 'x' * 100_000,
    '%(field)s %s %', '\x1b[31m\x85\u2028', '\u202eevil', "'; DROP TABLE assist_session; --",
    '<img src=x onerror=alert(1)>', '{{7*7}}', '${7*7}', '@SUM(A1)', '+1', '-2+3', '\t=1',
    '\r=1', '\ufeff=1', 'İıſß', 'a' * 250 + '\u0301' * 10, '\uffff\ufffe', '𐀀' * 300,
)  # fmt: skip
# What a session is refused for, each in its own words.
SPOILT = (
    None, '', 0, 1, 10**9, 10**12, 1_900_000_000, 1_900_000_000_000, '2/3/2026 10:00', '2/3/2026',
    '1990-01-01 00:00:00', '1989-01-01T00:00:00Z', '2036-01-01T00:00:00Z', '-5', '30', 'NaN',
)  # fmt: skip
# By number: what Hypothesis would show of the texts themselves is too long.
hostile_texts = st.integers(0, len(HOSTILE) - 1).map(HOSTILE.__getitem__)
texts = st.one_of(st.text(st.characters(codec=None), max_size=40), hostile_texts)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(1_400_000_000, 1_800_000_000),
    st.integers(1_400_000_000_000, 1_800_000_000_000),
    st.sampled_from([10**400, -(10**400), 2**63, 2**31, 253402300800, -62135596801]),
    st.floats(),
    texts,
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.builds(date, st.integers(1, 9999), st.integers(1, 12), st.integers(1, 28)),
    st.builds(time, st.integers(0, 23)),
    st.timedeltas(timedelta(-(10**6)), timedelta(10**6)),
    st.binary(max_size=10),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(texts, st.integers()), inner, max_size=4),
        st.tuples(inner),
    ),
    max_leaves=8,
)
# What can stand in JSON, which Python writes and reads with NaN and halves of characters.
json_anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
zones = st.one_of(st.none(), st.sampled_from(['UTC', 'Europe/Paris', 'Mars/Base']), anything)
mappings = st.one_of(
    st.none(),
    anything,
    st.dictionaries(
        st.sampled_from([*FIELDS, 'time_unit', 'date_order', 'duration_unit']),
        st.one_of(st.sampled_from(VENDOR_NAMES), st.lists(texts, max_size=3), anything),
    ),
)

# === RECORDS === #


@st.composite
def disguised_names(draw):
    """A vendor's name that is read as such, with characters in it that nobody sees or expects."""
    name = draw(st.sampled_from(VENDOR_NAMES))
    place = draw(st.integers(0, len(name)))
    odd = draw(st.sampled_from(['\0', '\ud800', '\x1b[1m', '\u202e', '\n', '<b>', '%s', ' ' * 300]))
    return name[:place] + odd + name[place:]


keys = st.one_of(
    st.sampled_from(VENDOR_NAMES), st.sampled_from(VENDOR_NAMES), disguised_names(), texts
)

records = st.dictionaries(
    st.one_of(keys, keys, keys, st.integers(), st.none()), anything, max_size=25
)
json_records = st.dictionaries(keys, json_anything, max_size=25)


@st.composite
def nearly_sound(draw, source=None, ids=None, values=anything, *, as_json=False):
    """A source and a record of it that is sound but for up to three values."""
    source = source or draw(st.sampled_from(names()))
    profile = get(source)
    begun = draw(st.integers(1_400_000_000, 1_790_000_000))
    lasting = draw(st.integers(0, 100_000))
    if ids is None:
        ids = st.one_of(st.integers(1), st.sampled_from(['a', 7.0, 'x' * 255]))

    def written(seconds):
        if profile.time_unit == 'ms':
            return draw(st.sampled_from([seconds * 1000, str(seconds * 1000 + 7)]))
        if profile.time_unit:
            return draw(st.sampled_from([seconds, float(seconds), str(seconds)]))
        moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        forms = [f'{moment}', moment.isoformat() + 'Z']
        return draw(st.sampled_from(forms if as_json else [moment, *forms]))

    sound = {
        'external_id': draw(ids),
        'started_at': written(begun),
        'ended_at': written(begun + lasting),
        'technician': 'olga@example.com',
        'device_name': 'PC1',
    }
    record = {}
    for field, value in sound.items():
        if columns := [name for name in profile.columns.get(field, ()) if '.' not in name]:
            record[columns[0]] = value
    own = [name.partition('.')[0] for columns in profile.columns.values() for name in columns]
    # What a session cannot do without is spoilt as often as all else.
    needed = st.sampled_from(list(record) or own)
    spoilt = values if values.is_empty else st.one_of(values, values, st.sampled_from(SPOILT))
    record |= draw(st.dictionaries(st.one_of(needed, st.sampled_from(own)), spoilt, max_size=3))
    return source, record


@st.composite
def sessions_of_few(draw, source, *, as_json=False):
    """A record of one of three sessions, running or ended: what meets others of its batch."""
    ids = st.integers(1, 3)
    _source, record = draw(nearly_sound(source, ids, st.nothing(), as_json=as_json))
    profile = get(source)
    if draw(st.booleans()):
        for field in ('ended_at', 'duration'):
            for name in profile.columns.get(field, ()):
                record.pop(name, None)
    for field in ('note', 'customer_name', 'customer_email', 'device_ref', 'group'):
        if profile.columns.get(field) and draw(st.booleans()):
            record[profile.columns[field][0].partition('.')[0]] = draw(texts)
    return record


@st.composite
def batches(draw, values=anything, odd_records=records):
    """`(records, source)`: sound records and others, of a known source or, rarely, of none."""
    source = draw(st.sampled_from(names()))
    as_json = values is json_anything
    sound = sessions_of_few(source, as_json=as_json)
    nearly = nearly_sound(source, values=values, as_json=as_json).map(lambda case: case[1])
    batch = draw(st.lists(st.one_of(sound, sound, nearly, nearly, odd_records, values), max_size=8))
    if draw(st.integers(0, 9)) == 0:
        source = draw(st.one_of(values, hostile_texts))
    if draw(st.integers(0, 19)) == 0:
        batch = draw(values)
    return batch, source


# === DEVICES === #

DEVICE_NAMES = (
    'key', 'computer_name', 'nick_name', 'status', 'created_time', 'department_id', 'group_name',
    'customer_email', 'customer_ref', 'device_id',
)  # fmt: skip


@st.composite
def device_batches(draw, values=anything):
    """`(records, source)` of devices, of which several are the same."""
    source = draw(st.sampled_from(names()))
    sound = st.fixed_dictionaries(
        {'key': st.sampled_from(['K1', 'K2', 'K3'])},
        optional={
            'computer_name': texts,
            'status': st.sampled_from(['online', 'deleted', 'removed']),
            'created_time': st.sampled_from([1767348000000, '2026-01-31', '2026-01-31 10:00:00']),
            'department_id': texts,
            'customer_email': st.sampled_from(['office@acme.example', '<a@b.c>', 'x@']),
        },
    )
    names_ = st.sampled_from(DEVICE_NAMES)
    odd = st.dictionaries(st.one_of(names_, names_, keys), values, max_size=8)
    batch = draw(st.lists(st.one_of(sound, sound, sound, odd, values), max_size=8))
    if draw(st.integers(0, 9)) == 0:
        source = draw(st.one_of(values, hostile_texts))
    if draw(st.integers(0, 19)) == 0:
        batch = draw(values)
    return batch, source
