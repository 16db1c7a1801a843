"""In which encoding a text is written: told by its mark, proved by its bytes, or weighed."""

import codecs
import re
from itertools import islice

from .headings import is_hungarian

SAMPLE = 262_144
BOMS = (
    (codecs.BOM_UTF8, 'utf-8'),
    (codecs.BOM_UTF32_LE, 'utf-32-le'),
    (codecs.BOM_UTF32_BE, 'utf-32-be'),
    (codecs.BOM_UTF16_LE, 'utf-16-le'),
    (codecs.BOM_UTF16_BE, 'utf-16-be'),
)
# What somebody can choose where it was not recognised, and what each is called.
ENCODINGS = (
    ('utf-8', "Unicode (UTF-8)"),
    ('cp1252', "Western European (Windows-1252)"),
    ('cp1250', "Central European (Windows-1250)"),
    ('cp1251', "Cyrillic (Windows-1251)"),
    ('cp1253', "Greek (Windows-1253)"),
    ('cp1254', "Turkish (Windows-1254)"),
    ('cp1255', "Hebrew (Windows-1255)"),
    ('cp1256', "Arabic (Windows-1256)"),
    ('cp1257', "Baltic (Windows-1257)"),
    ('iso8859_15', "Western European (ISO-8859-15)"),
    ('mac_roman', "Western European (Macintosh)"),
    ('cp850', "Western European (DOS)"),
    ('koi8_r', "Cyrillic (KOI8-R)"),
    ('cp932', "Japanese (Shift JIS)"),
    ('gb18030', "Chinese (GB18030)"),
    ('big5', "Chinese (Big5)"),
    ('euc_kr', "Korean (EUC-KR)"),
)
_WEIGHED = ('cp1252', 'cp1250', 'cp1251', 'cp1253', 'cp1254', 'mac_roman', 'cp850')
# Letters that words of the languages of an encoding are full of.
_USUAL = {
    'cp1252': set('äöüßéèêëàâáíîïóôúûùçñãõåøæœÄÖÜÉÈÀÁÇÑÅØÆÓÍÚ€–—“”\u2018\u2019…°º'),
    'cp1250': set('ąćęłńśźżěščřžýůťďňőűăâîşţťđĄĆĘŁŃŚŹŻĚŠČŘŽÝŮŤĎŇŐŰĂŞŢáéíóöúüäß'),
    'cp1254': set('ğışçöüĞİŞÇÖÜ'),
    'mac_roman': set('äöüßéèêàâáíîóôúçñãõåøÄÖÜÉÀÇÑ'),
    'cp850': set('äöüßéèêàâáíîóôúçñãõåøÄÖÜÉÀÇÑ'),
}
_SCRIPTS = {'cp1251': ('\u0400', '\u04ff'), 'cp1253': ('\u0370', '\u03ff')}
_ODD_WITHIN = re.compile(
    '(?<=[\\u0430-\\u045f\\u03ac-\\u03ce])[\\u0410-\\u042f\\u0391-\\u03a9]|\\u03c2(?=[\\u03ac-\\u03ce])'
)
_CELLS = re.compile(r'[;,\t|"\r\n]+')
_STRETCH = re.compile(rb'[A-Za-z]{0,3}[\x80-\xff]{1,40}[A-Za-z]{0,3}')
_STRETCHES = 4_000
_HIGH = re.compile(r'[^\x00-\x7f]+')
_HAN_WORD = re.compile('[\u4e00-\u9fff]{2,}')
# Written out, not by halves of their width: these are what Cyrillic looks like.
_KANA = re.compile('[\u3041-\u30ff]')
_JAPANESE = re.compile('[\u3001-\u30ff\u4e00-\u9fff\uff08\uff09]{2,}')


def _stray(error):
    """Read a byte that is no UTF-8, in a text that otherwise is, as Windows' programs write it."""
    byte = error.object[error.start : error.start + 1]
    return byte.decode('cp1252', 'replace'), error.start + 1


codecs.register_error('assist_stray', _stray)


def guess_encoding(data):
    """Return `(encoding, how it was found)`: 'sure', 'mixed' or 'weighed'."""
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return encoding, 'sure'
    sample = bytes(data[:SAMPLE])
    if b'\0' in sample:
        # UTF-16 without a mark: every other byte of plain text is nought.
        for encoding, zeros in (('utf-16-le', sample[1::2]), ('utf-16-be', sample[0::2])):
            if zeros.count(0) > len(zeros) * 0.6:
                return encoding, 'sure'
    try:
        bytes(data).decode('utf-8')
    except UnicodeDecodeError:
        pass
    else:
        return 'utf-8', 'sure'
    if encoding := _east_asian(sample):
        return encoding, 'weighed'
    high = _high_bytes(data)
    if _is_mostly_utf8(high):
        return 'utf-8', 'mixed'
    return _weighed(high, sample), 'weighed'


def _weighed(high, sample):
    """Return the likeliest code page of a text."""
    if _is_japanese(sample):
        return 'cp932'
    # Of “õ” and “ő”, which are one byte, the headings tell.
    if is_hungarian(_CELLS.split(sample[:4_096].decode('cp1250', 'replace'))):
        return 'cp1250'
    # Lines that end as those of Macs did.
    likely = 'mac_roman' if b'\r' in sample and b'\n' not in sample else None
    return max(_WEIGHED, key=lambda encoding: (_weigh(high, encoding), encoding == likely))


def _is_japanese(sample):
    """Tell whether a text is Shift JIS: words of its letters, and hardly anything else."""
    text = _decode(sample, 'cp932')
    count = sum(map(len, _JAPANESE.findall(text)))
    return bool(_KANA.search(text)) and count > 0.8 * sum(map(len, _HIGH.findall(text)))


def _east_asian(sample):
    """Return the encoding of a Chinese or Korean text whose letters are pairs of bytes, or None.

    Words in other scripts are of any number of bytes, and hardly of those from A1 to BF.
    """
    high = re.findall(rb'[\x80-\xff]+', sample)
    count = sum(map(len, high))
    if count < 8 or 5 * sum(len(re.findall(rb'[\xa1-\xbf]', run)) for run in high) < count:
        return None
    pairs = [run[at : at + 2] for run in high if not len(run) % 2 for at in range(0, len(run), 2)]
    if 2 * len(pairs) > 0.95 * count:
        letters = [pair[0] for pair in pairs if pair[0] > 0xA9]
        for encoding, first, last in (('euc_kr', 0xB0, 0xC8), ('gb18030', 0xB0, 0xD7)):
            usual = sum(first <= lead <= last for lead in letters)
            if letters and usual > 0.95 * len(letters) and _decode(sample, encoding):
                return encoding
        return None
    text = _decode(sample, 'big5')
    # The second byte may be a letter, so that nothing but whole words tells.
    words = _HAN_WORD.findall(text)
    letters = [char.encode('big5')[0] for word in words for char in word]
    is_usual = sum(lead <= 0xC6 for lead in letters) > 0.95 * len(letters)
    is_all = len(letters) > 0.8 * sum(map(len, _HIGH.findall(text)))
    return 'big5' if len(letters) > 3 and is_usual and is_all else None


def _decode(sample, encoding):
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return ''


def _high_bytes(data):
    """Return the stretches around bytes that are no ASCII, as far as they are looked at."""
    found = _STRETCH.finditer(bytes(data))
    return b' '.join(match[0] for match in islice(found, _STRETCHES))


def _is_mostly_utf8(high):
    sound = len(re.findall(rb'[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}', high))
    odd = len(re.findall(rb'[\x80-\xff]', high)) - 2 * sound
    # What is no UTF-8 has such pairs by chance alone, and seldom.
    return sound >= max(odd, 1)


def _weigh(high, encoding):
    """Return how much stretches of a text look like words in an encoding."""
    score = 0
    script = _SCRIPTS.get(encoding)
    usual = _USUAL.get(encoding, ())
    for stretch in _HIGH.finditer(high.decode(encoding, 'replace')):
        for char in stretch[0]:
            if script:
                # Whole words are of its letters.
                is_own = script[0] <= char <= script[1]
                score += (3 if len(stretch[0]) > 2 else -2) if is_own else -3
            elif char in usual:
                score += 2
            else:
                score -= 1 if char.isalpha() else 3
        if script:
            # A capital, or a letter that only ends words, within a word.
            score -= 6 * len(_ODD_WITHIN.findall(stretch[0]))
        elif len(stretch[0]) > 2:
            # Three accented letters on end: a word of another script.
            score -= 3 * len(stretch[0])
    return score


def decoder_of(encoding, how):
    """Return the error handler to decode with."""
    return 'assist_stray' if how == 'mixed' else 'replace'
