"""Matching: which customer the words of a source stand for, by rules in order.

Texts are compared folded: trimmed, composed, without regard to case. Looking a session up costs
the same with a thousand rules of equality or of domains as with one; a pattern costs one search,
whose time is bounded by the length of pattern times that of the text: there is no going back.
"""

import re
import unicodedata
from operator import attrgetter
from typing import NamedTuple


class Texts(NamedTuple):
    """What a source says of a session or device that rules compare; absent: '' or None.

    The names are those of `sources.Normal`.
    """

    customer_email: str | None = None
    customer_name: str | None = None
    customer_ref: str | None = None
    device_ref: str | None = None
    device_name: str | None = None
    group: str | None = None
    department: str | None = None

    @classmethod
    def of(cls, said):
        """Return the texts of anything that has them by these names."""
        return cls._make(_get_texts(said))


_get_texts = attrgetter(*Texts._fields)
# For each field of a rule the texts it looks at.
FIELD_TEXTS = {
    'email': ('customer_email',),
    'email_domain': ('customer_email',),
    'customer_ref': ('customer_ref',),
    'customer': ('customer_name',),
    'group': ('group',),
    'department': ('department',),
    'device': ('device_ref', 'device_name'),
}
VALUE_LIMIT = 255
# A pattern says at least this much besides its wildcards.
PATTERN_LETTERS = 2
# Anybody can have an address there: none of these domains is a customer.
PUBLIC_DOMAINS = frozenset(
    [
        "126.com",
        "163.com",
        "aol.com",
        "att.net",
        "bluewin.ch",
        "comcast.net",
        "fastmail.com",
        "free.fr",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.de",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "libero.it",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "outlook.fr",
        "pm.me",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "sfr.fr",
        "t-online.de",
        "tutanota.com",
        "verizon.net",
        "wanadoo.fr",
        "web.de",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
        "zohomail.com",
    ]
)
REMEMBERED = 50_000


class Rule(NamedTuple):
    """One rule; `value` as `check_value` returns it."""

    id: object
    source: object  # a source's name, or None for any
    field: str  # key of `FIELD_TEXTS`
    operator: str  # equals | domain | pattern
    value: str
    partner: object


class BadValue(ValueError):
    """A value that no rule may have; `code` says why, `detail` repeats what it is about."""

    def __init__(self, code, detail=''):
        super().__init__(code)
        self.code = code
        self.detail = detail


def fold(text):
    """Return a text as it is compared: what cannot be seen makes no difference."""
    text = text.strip()
    if not text.isprintable():
        seen = (char if char.isprintable() else ' ' * char.isspace() for char in text)
        text = ' '.join(''.join(seen).split())
    if text.isascii():
        return text.lower()
    return unicodedata.normalize('NFC', unicodedata.normalize('NFD', text).casefold())


def check_value(field, operator, value):
    """Return the value of a rule as it is stored and compared.

    :raise BadValue: it fits nothing, or anything
    """
    value = fold(value or '')
    if not value:
        raise BadValue('empty')
    if len(value) > VALUE_LIMIT:
        raise BadValue('long')
    if operator == 'pattern':
        return _check_pattern(field, value)
    if field in ('email', 'email_domain') and '*' in value:
        raise BadValue('wildcard')
    if operator == 'domain' and field not in ('email', 'email_domain'):
        raise BadValue('no_domain_field')
    if field == 'email_domain' or operator == 'domain':
        return _check_domain(value, within=operator == 'domain')
    if field == 'email' and not re.fullmatch(r'[^@\s]+@[^@\s]+', value):
        raise BadValue('no_email', value)
    return value


def _check_domain(value, *, within):
    value = value.removeprefix('@').strip('.')
    if not re.fullmatch(r'[^@\s/:,;]+', value) or '..' in value:
        raise BadValue('no_domain', value)
    if within and '.' not in value:
        raise BadValue('top_level', value)
    if value in PUBLIC_DOMAINS:
        raise BadValue('public_domain', value)
    return value


def _check_pattern(field, value):
    value = re.sub(r'\*+', '*', value)
    if sum(char.isalnum() for char in value) < PATTERN_LETTERS:
        raise BadValue('bare_pattern')
    if field in ('email', 'email_domain'):
        user, _at, domain = value.rpartition('@')
        if domain.lstrip('*?') in PUBLIC_DOMAINS and not user.strip('*?'):
            raise BadValue('public_domain', domain.lstrip('*?'))
    return value


class Pattern:
    """A text with `*` for any letters, or none, and `?` for any one.

    Each piece between two stars is searched once, from left to right, and the earliest place is
    the right one: so no pattern takes long.
    """

    __slots__ = ('first', 'last', 'least', 'pieces', 'starred')

    def __init__(self, value):
        pieces = value.split('*')
        self.starred = len(pieces) > 1
        self.first, self.last = pieces[0], pieces[-1]
        self.pieces = [self._compile(piece) for piece in pieces[1:-1] if piece]
        self.least = sum(map(len, pieces))

    @staticmethod
    def _compile(piece):
        return re.compile(''.join('.' if char == '?' else re.escape(char) for char in piece), re.S)

    @staticmethod
    def _same(piece, text):
        return len(piece) == len(text) and all(
            ours in ('?', theirs) for ours, theirs in zip(piece, text, strict=True)
        )

    def fits(self, text):
        if len(text) < self.least:
            return False
        if not self.starred:
            return self._same(self.first, text)
        place, end = len(self.first), len(text) - len(self.last)
        if not (self._same(self.first, text[:place]) and self._same(self.last, text[end:])):
            return False
        for piece in self.pieces:
            found = piece.search(text, place, end)
            if found is None:
                return False
            place = found.end()
        return True


class Single:
    """One rule by itself, to be tried on many texts."""

    __slots__ = ('_fits', '_is_email', 'source')

    def __init__(self, rule):
        self.source = rule.source
        self._is_email = rule.field == 'email_domain' or rule.operator == 'domain'
        if rule.operator == 'pattern':
            self._fits = Pattern(rule.value).fits
        elif rule.operator == 'domain':
            below = '.' + rule.value
            self._fits = lambda text: text == rule.value or text.endswith(below)
        else:
            self._fits = rule.value.__eq__

    def fits(self, source, texts):
        """Tell whether the rule fits a session.

        :param str source: the session's source
        :param texts: what the source says, of the rule's `FIELD_TEXTS` alone; absent: '' or None
        """
        if self.source not in (None, source):
            return False
        for text in texts:
            if text:
                folded = fold(text)
                if self._fits(folded.rpartition('@')[2] if self._is_email else folded):
                    return True
        return False


class Matcher:
    """The rules of one company, in their order, ready to be asked for many sessions."""

    def __init__(self, rules):
        self.rules = list(rules)
        # For each field and value, and for each domain: the first rule by source.
        self._equal, self._domains, self._patterns = {}, {}, []
        for position, rule in enumerate(self.rules):
            if rule.operator == 'pattern':
                self._patterns.append((position, rule.source, rule.field, Pattern(rule.value)))
            elif rule.operator == 'domain':
                self._domains.setdefault(rule.value, {}).setdefault(rule.source, position)
            else:
                key = rule.field, rule.value
                self._equal.setdefault(key, {}).setdefault(rule.source, position)
        self._found = {}

    def find(self, source, texts):
        """Return the first rule that fits a session, or None.

        :param str source: the session's source
        :param Texts texts: what the source says
        """
        key = source, texts
        if key not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[key] = self._find(source, texts)
        return self._found[key]

    def _find(self, source, texts):
        if not self.rules:
            return None
        values = self._get_values(texts)
        best = none = len(self.rules)
        for field, found in values.items():
            for value in found:
                best = min(best, self._first(self._equal.get((field, value)), source, none))
        for domain in values['email_domain'] if self._domains else ():
            # acme.example, and whatever it stands below
            labels = domain.split('.')
            for start in range(len(labels)):
                by_source = self._domains.get('.'.join(labels[start:]))
                best = min(best, self._first(by_source, source, none))
        for position, only, field, pattern in self._patterns:
            if position > best:
                break
            if only in (None, source) and any(map(pattern.fits, values[field])):
                best = position
        return self.rules[best] if best < none else None

    @staticmethod
    def _get_values(texts):
        folded = {name: fold(text) if text else '' for name, text in texts._asdict().items()}
        values = {
            field: [folded[name] for name in names if folded[name]]
            for field, names in FIELD_TEXTS.items()
        }
        values['email_domain'] = [
            domain for email in values['email'] if (domain := email.rpartition('@')[2])
        ]
        return values

    @staticmethod
    def _first(by_source, source, none):
        if not by_source:
            return none
        return min(by_source.get(source, none), by_source.get(None, none))
