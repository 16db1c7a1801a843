import pytest
from hypothesis import given
from hypothesis import strategies as st

from environment.effort import bounded, count_calls
from rules import matching
from rules.matching import BadValue, Matcher, Pattern, Rule, Single, Texts, check_value, fold


def find(rules, source='zoho_assist', **texts):
    """Return the partner of the first of `rules`, tuples of a rule's parts, that fits."""
    matcher = Matcher(
        Rule(number, source_, field, operator, check_value(field, operator, value), number)
        for number, (source_, field, operator, value) in enumerate(rules)
    )
    rule = matcher.find(source, Texts(**texts))
    return rule and rule.partner


# === EQUALITY === #


@pytest.mark.parametrize(
    ('field', 'value', 'texts'),
    [
        ('email', ' Office@Acme.example ', {'customer_email': 'office@acme.example'}),
        ('email_domain', '@ACME.example', {'customer_email': 'bob@acme.example'}),
        ('customer', 'MÜLLER STRASSE', {'customer_name': 'Müller Straße'}),
        ('customer', 'Mu\u0308ller', {'customer_name': 'MÜLLER'}),
        ('customer', 'ΣΟΦΟΣ', {'customer_name': 'σοφος'}),
        ('customer', 'ac\u200bme\xa0ltd', {'customer_name': 'Acme Ltd\x00'}),
        ('customer_ref', 'c-17', {'customer_ref': 'C-17'}),
        ('group', 'acme pcs', {'group': ' Acme PCs '}),
        ('department', 'acme', {'department': 'ACME'}),
        ('device', 'pc-1', {'device_name': 'PC-1'}),
        ('device', '4711', {'device_ref': '4711', 'device_name': 'PC-1'}),
    ],
)
def test_equal_is_without_regard_to_case_blanks_and_composition(field, value, texts):
    assert find([(None, field, 'equals', value)], **texts) == 0


def test_the_first_rule_in_order_wins_whatever_its_kind():
    texts = {'customer_email': 'bob@acme.example', 'customer_name': "Acme"}
    rules = [
        (None, 'customer', 'pattern', 'ac*'),
        (None, 'email', 'equals', 'bob@acme.example'),
        (None, 'email_domain', 'domain', 'acme.example'),
        (None, 'email', 'pattern', 'bob@*'),
    ]
    for number in range(len(rules)):
        assert find(rules[number:], **texts) == 0
    assert find([(None, 'customer', 'equals', 'beta'), *rules], **texts) == 1


def test_a_rule_of_one_source_is_for_that_source_alone():
    rules = [('teamviewer', 'customer', 'equals', 'acme'), (None, 'customer', 'equals', 'acme')]
    assert find(rules, 'teamviewer', customer_name="Acme") == 0
    assert find(rules, 'anydesk', customer_name="Acme") == 1
    assert find(rules[:1], 'anydesk', customer_name="Acme") is None


# === DOMAINS === #


@pytest.mark.parametrize(
    ('email', 'equal', 'within'),
    [
        ('bob@example.com', 0, 0),
        ('bob@mail.example.com', None, 0),
        ('bob@badexample.com', None, None),
        ('bob@example.com.evil.example', None, None),
        ('example.com@evil.example', None, None),
    ],
)
def test_a_domain_ends_at_a_dot(email, equal, within):
    assert find([(None, 'email_domain', 'equals', 'example.com')], customer_email=email) == equal
    for field in ('email', 'email_domain'):
        rules = [(None, field, 'domain', 'example.com')]
        assert find(rules, customer_email=email) == within


# === ONE RULE BY ITSELF === #


@given(
    st.sampled_from([None, 'csv', 'anydesk']),
    st.sampled_from(list(matching.FIELD_TEXTS)),
    st.sampled_from(['equals', 'domain', 'pattern']),
    st.text('ab.@*?', max_size=7),
    st.builds(Texts, *[st.text('aAb.@', max_size=7)] * len(Texts._fields)),
)
def test_one_rule_by_itself_fits_what_it_fits_among_others(only, field, operator, value, texts):
    try:
        rule = Rule(1, only, field, operator, check_value(field, operator, value), 1)
    except BadValue:
        return
    said = [getattr(texts, name) for name in matching.FIELD_TEXTS[field]]
    assert Single(rule).fits('csv', said) == bool(Matcher([rule]).find('csv', texts))


# === PATTERNS === #


@pytest.mark.parametrize(
    ('pattern', 'fitting', 'others'),
    [
        ('acme*', ['acme', 'acme pc'], ['the acme']),
        ('*acme', ['acme', 'the acme'], ['acme pc']),
        ('a*b*c', ['abc', 'axxbxxc', 'abbcc'], ['acb', 'ab']),
        ('pc-?1', ['pc-11', 'pc-x1'], ['pc-1', 'pc-111']),
        ('*-?x?-*', ['1-axb-', '-axa-'], ['-xb-', 'axb']),
        ('ab*ba', ['abba', 'ab ba'], ['aba']),
        ('a.c+[x]', ['a.c+[x]'], ['abc+x', 'a.ccx']),
    ],
)
def test_patterns_have_stars_and_marks_and_nothing_else(pattern, fitting, others):
    compiled = Pattern(pattern)
    assert [text for text in (*fitting, *others) if compiled.fits(text)] == fitting


@given(st.text('ab?*', max_size=8), st.text('ab', max_size=10))
def test_patterns_fit_what_their_definition_says(pattern, text):
    def fits(pattern, text):
        if not pattern:
            return not text
        if pattern[0] == '*':
            return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
        return bool(text) and pattern[0] in ('?', text[0]) and fits(pattern[1:], text[1:])

    assert Pattern(pattern).fits(text) == fits(pattern, text)


@pytest.mark.parametrize('piece', ['*a', '*?a', '*a?', '*?', 'a*', '*a*b', '?*a'])
def test_no_pattern_hangs(piece):
    pattern = check_value(
        'customer', 'pattern', ('aa' + piece * 255)[: matching.VALUE_LIMIT - 1] + 'b'
    )
    compiled = Pattern(pattern)
    with bounded(0.1):
        for text in ('a' * 255, 'ab' * 127, 'a' * 254 + 'c'):
            compiled.fits(text)


# === VALUES === #


@pytest.mark.parametrize(
    ('field', 'operator', 'value', 'code'),
    [
        ('email', 'equals', '  ', 'empty'),
        ('customer', 'equals', 'x' * 256, 'long'),
        ('customer', 'equals', '\x00\n\u200b\ud800', 'empty'),
        ('email', 'equals', '*@acme.example', 'wildcard'),
        ('email', 'equals', 'acme', 'no_email'),
        ('email_domain', 'equals', 'bob@acme.example', 'no_domain'),
        ('email_domain', 'equals', 'acme example', 'no_domain'),
        ('email_domain', 'domain', 'com', 'top_level'),
        ('email_domain', 'equals', 'GMail.com', 'public_domain'),
        ('email', 'domain', '@web.de', 'public_domain'),
        ('email', 'pattern', '*@gmail.com', 'public_domain'),
        ('email', 'pattern', '*gmail.com', 'public_domain'),
        ('email_domain', 'pattern', '*gmail.com', 'public_domain'),
        ('device', 'domain', 'acme.example', 'no_domain_field'),
        ('customer', 'pattern', '*', 'bare_pattern'),
        ('customer', 'pattern', '*?a?*', 'bare_pattern'),
    ],
)
def test_values_that_fit_nothing_or_anything_are_refused(field, operator, value, code):
    with pytest.raises(BadValue) as refused:
        check_value(field, operator, value)
    assert refused.value.code == code


@given(
    st.sampled_from(list(matching.FIELD_TEXTS)),
    st.sampled_from(['equals', 'domain', 'pattern']),
    st.text(max_size=300),
)
def test_any_value_is_taken_or_refused_and_a_taken_one_stays(field, operator, value):
    try:
        stored = check_value(field, operator, value)
    except BadValue:
        return
    assert check_value(field, operator, stored) == stored


@given(st.text())
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


# === SPEED === #


def test_a_thousand_rules_of_equality_cost_no_more_than_one():
    def count(rules):
        matcher = Matcher(
            Rule(number, None, field, 'equals', f'value{number}', number)
            for number, field in zip(
                range(rules), ['customer', 'group', 'device'] * rules, strict=False
            )
        )
        sessions = [Texts('a@b.example', text, '', '1', text) for text in ('none', 'value1')]
        return count_calls(lambda: [matcher.find('csv', texts) for texts in sessions])

    assert count(1000) <= count(3)
