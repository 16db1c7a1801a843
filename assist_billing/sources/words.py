"""Words of days, months and answers, in the languages that exports are written in."""

import re
import unicodedata

# Blanks that are not the common one, and marks that nobody sees.
_BLANKS = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), ' ')
_UNSEEN = dict.fromkeys((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060,
                         *range(0x2066, 0x206A), 0xFEFF))  # fmt: skip
_FIGURES = str.maketrans('ı년월일年月日\u2018\u2019\u2032\u2033', 'i-- -- \'\'\'"')


def fold_text(text):
    """Return a short text as it is compared: in lower case, without accents, single blanks."""
    if not text.isascii():
        text = text.translate(_BLANKS).translate(_UNSEEN).translate(_FIGURES)
        decomposed = unicodedata.normalize('NFD', text[:1_000])
        text = ''.join(char for char in decomposed if not unicodedata.combining(char))
    return ' '.join(text.lower().split())


def folded(*words):
    """Return words as they are looked up, see `fold_text`."""
    return frozenset(map(fold_text, words))


def _months():
    names = (
        'jan january januar janner janvier janv enero ene januari gennaio gen janeiro ocak oca '
        'styczen stycznia sty leden ledna',
        'feb february februar subat sub febr fevrier fevr fev febrero februari febbraio '
        'fevereiro luty lutego lut '
        'unor unora',
        'mar march marz mrz mars mart marcius marc marzo mrt maart marco marzec marca marts '
        'brezen brezna',
        'apr april nisan nis aprilis avril avr abril abr aprile kwiecien kwietnia kwi duben dubna',
        'may mai mayis majus mayo mei maggio mag maio maja maj kveten kvetna',
        'jun june haziran haz junius juni juin junio giugno giu junho czerwiec czerwca cze '
        'cerven cervna',
        'jul july temmuz tem julius juli juillet juil julio luglio lug julho lipiec lipca lip '
        'cervenec cervence',
        'aug august agustos agu augusztus aout agosto ago augustus sierpien sierpnia sie '
        'augusti srpen srpna',
        'sep sept september eylul eyl szeptember szept septembre septiembre settembre set '
        'setembro wrzesien wrzesnia wrz zari',
        'oct october ekim eki okt oktober octobre octubre ottobre ott out outubro pazdziernik '
        'pazdziernika paz rijen rijna',
        'nov november kasim kas novembre noviembre novembro listopad listopada lis listopadu',
        'dec december aralik ara dez dezember decembre diciembre dic dicembre dezembro '
        'grudzien grudnia gru '
        'desember des prosinec prosince',
    )
    return {
        name: number for number, month in enumerate(names, 1) for name in month.split()
    }  # fmt: skip


MONTHS = _months()
WEEKDAYS = frozenset(
    [
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mo",
        "di",
        "mi",
        "do",
        "fr",
        "sa",
        "so",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "lun",
        "mar",
        "mer",
        "jeu",
        "ven",
        "sam",
        "dim",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "mie",
        "jue",
        "vie",
        "sab",
        "dom",
        "lunes",
        "martes",
        "miercoles",
        "jueves",
        "viernes",
        "sabado",
        "domingo",
        "ma",
        "wo",
        "vr",
        "za",
        "zo",
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
        "zondag",
        "gio",
        "lunedi",
        "martedi",
        "mercoledi",
        "giovedi",
        "venerdi",
        "sabato",
        "domenica",
        "seg",
        "ter",
        "qua",
        "qui",
        "sex",
        "segunda",
        "terca",
        "quarta",
        "quinta",
        "sexta",
        "segunda-feira",
        "terca-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "pon",
        "wt",
        "sr",
        "czw",
        "pt",
        "sob",
        "niedz",
        "poniedziałek",
        "wtorek",
        "sroda",
        "czwartek",
        "piatek",
        "sobota",
        "niedziela",
    ]) | {
    'mandag', 'tirsdag', 'tisdag', 'onsdag', 'torsdag', 'fredag', 'lordag', 'lørdag', 'sondag',
    'søndag', 'tir', 'tis', 'ons', 'tor', 'tors', 'fre', 'lor', 'lør', 'son', 'søn', 'pondeli',
    'utery', 'streda', 'ctvrtek', 'patek', 'nedele', 'po', 'ut', 'st', 'ct', 'pa', 'ne',
}  # fmt: skip
# With these a column says why there is nothing to bill, whatever it is called.
FOR_FREE = frozenset({
    'not billable', 'non-billable', 'non billable', 'nonbillable', 'unbillable', 'do not bill',
    'donotbill', 'no bill', 'nobill', 'nb', 'dnb', 'no charge', 'nocharge', 'nc', 'n/c',
    'nicht abrechenbar', 'nicht verrechenbar', 'nicht fakturierbar',
    'non facturable', 'no facturable', 'niet factureerbaar', 'niet declarabel',
    'non fatturabile', 'nao faturavel', 'nicht berechnen', 'kostenlos', 'free of charge',
    'nicht abrechnen', 'nicht verrechnen', 'ohne berechnung', 'unentgeltlich', 'kostenfrei',
    'kulanz', 'garantie', 'gewahrleistung', 'goodwill', 'warranty', 'free', 'gratis', 'gratuit',
    'gratuito', 'garantia', 'garanzia', 'offert', 'ne pas facturer', 'a ne pas facturer',
    'no facturar', 'niet factureren', 'non fatturare', 'nao faturar', 'bezpłatne', 'bezpłatnie',
    'nie fakturowac', 'gwarancja', 'ej debiterbar', 'debiteras ej', 'ikke fakturerbar',
    'nefakturovat', '不计费', '不可计费', '不計費',
})  # fmt: skip
NO = FOR_FREE | frozenset(
    ["false", "no", "n", "0", "off", "nein", "non", "nee", "nao", "falso", "faux", "falsch",
     "onwaar", "nie", "nej", "nei", "ne", "нет", "いいえ"]
) | {
    '✗', '✘', '0.0', '0.00', '0,00', '0:00', '00:00', '0:00:00', '00:00:00',
} | folded('Hayır', 'Nem', 'Όχι', '否', '不', '아니요', '아니오')  # fmt: skip
YES = frozenset({
    'true', 'yes', 'y', '1', 'on', 'x', 'ja', 'j', 'wahr', 'oui', 'vrai', 'si', 'sí', 'verdadero',
    'waar', 'vero', 'sim', 'verdadeiro', 'tak', 'ano', 'да', 'はい',
    '✓', '✔',
}) | folded('Evet', 'Igen', 'Ναι', '是', '예', '네')  # fmt: skip # noqa: RUF001 - Greek
# What has been billed somewhere is not billed here as well.
BILLED = frozenset({
    'written off', 'writtenoff', 'write-off',
    'billed', 'invoiced', 'already billed', 'already invoiced', 'abgerechnet', 'verrechnet',
    'fakturiert', 'in rechnung gestellt', 'facture', 'facturee', 'deja facture', 'facturado',
    'facturada', 'gefactureerd', 'fatturato', 'fatturata', 'faturado', 'faturada', 'zafakturowano',
    'zafakturowane', 'fakturerad', 'fakturerat', 'faktureret', 'fakturert', 'vyfakturovano',
})  # fmt: skip
# The same of a status or an invoice; of what is to be billed it says that it is not for free.
PAID = frozenset({
    'paid', 'bezahlt', 'paye', 'payee', 'pagado', 'pagada', 'betaald', 'pagato', 'pagata', 'pago',
    'paga', 'zapłacono', 'betald', 'betalt', 'zaplaceno',
})  # fmt: skip
# Nobody was helped, whatever times stand beside it.
NOT_HELD = frozenset({
    'missed', 'missed call', 'missed session', 'no answer', 'not answered', 'unanswered', 'no show',
    'no-show', 'noshow', 'did not attend', 'not connected', 'never connected', 'did not connect',
    'unable to connect', 'could not connect', 'connection failed', 'failed to connect',
    'call failed', 'session failed', 'login failed', 'failed login', 'authentication failed',
    'connection refused', 'connection rejected', 'rejected by user', 'declined by user',
    'declined by customer', 'declined by client', 'refused by user', 'line busy', 'busy',
    'verpasst', 'verpasster anruf', 'entgangen', 'entgangener anruf', 'nicht angenommen',
    'nicht beantwortet', 'unbeantwortet', 'keine antwort', 'nicht erreicht', 'nicht erschienen',
    'besetzt', 'verbindung fehlgeschlagen', 'anmeldung fehlgeschlagen', 'nicht verbunden',
    'verbindung abgelehnt', 'nicht zustande gekommen', 'nicht stattgefunden',
    'manque', 'appel manque', 'sans reponse', 'pas de reponse', 'non repondu', 'non abouti',
    'occupe', 'echec de la connexion', 'echec de connexion', 'connexion refusee',
    'perdida', 'llamada perdida', 'sin respuesta', 'no contestada', 'no contesta', 'ocupado',
    'no se presento', 'conexion fallida', 'gemist', 'gemiste oproep', 'geen gehoor',
    'geen antwoord', 'niet beantwoord', 'niet opgenomen', 'niet verschenen', 'bezet',
    'verbinding mislukt', 'persa', 'chiamata persa', 'nessuna risposta', 'senza risposta',
    'occupato', 'connessione non riuscita', 'chamada perdida', 'sem resposta', 'nao atendida',
    'nao compareceu', 'nieodebrane', 'brak odpowiedzi', 'nie odebrano', 'zajete',
    'missat', 'missat samtal', 'inget svar', 'ej besvarat', 'ubesvaret', 'ubesvart', 'intet svar',
    'ikke svar', 'zmeskany', 'zmeskano', 'bez odpovedi', 'пропущен',
    'нет ответа', 'не отвечен', '不在着信', '応答なし',
}) | folded(
    'Cevapsız', 'Cevapsız çağrı', 'Yanıt yok', 'Cevap yok', 'Nem fogadott', 'Nem fogadott hívás',
    'Nincs válasz', 'Αναπάντητη', 'Αναπάντητη κλήση', 'Δεν απαντήθηκε', '未接', '未接来电',
    '無人接聽',
    '无应答', '無應答', '未接來電', '부재중', '부재중 전화', '응답 없음',
)  # fmt: skip
# Nor here, if it is said of the session: of a ticket it says nothing of who was helped.
FAILED = frozenset({
    'failed', 'failure', 'declined', 'refused', 'denied', 'fehlgeschlagen', 'fehlschlag',
    'abgelehnt', 'verweigert', 'echoue', 'echouee', 'echec', 'refuse', 'refusee', 'fallido',
    'fallida', 'rechazado', 'rechazada', 'mislukt', 'geweigerd', 'fallito', 'fallita',
    'non riuscito', 'non riuscita', 'rifiutato', 'rifiutata', 'falhou', 'falhada', 'recusado',
    'recusada', 'nieudane', 'nieudana', 'nie powiodło sie', 'misslyckades', 'misslyckad', 'nekad',
    'mislykkedes', 'mislyktes', 'neuspesny', 'neuspesne', 'odmitnuto', 'неудачно', 'отклонен',
    '失敗', '拒否',
}) | folded(
    'Başarısız', 'Reddedildi', 'Sikertelen', 'Elutasítva', 'Απέτυχε', 'Απορρίφθηκε', '失败', '拒绝',
    '已拒绝', '拒絕', '已拒絕', '실패', '거부됨', '거절됨',
)  # fmt: skip
CANCELLED = frozenset({
    'cancelled', 'canceled', 'rejected', 'expired', 'storniert', 'abgesagt', 'abgelaufen',
    'annule', 'annulee', 'expire', 'expiree', 'cancelado', 'cancelada', 'anulado', 'anulada',
    'caducado', 'caducada', 'geannuleerd', 'afgewezen', 'verlopen', 'annullato', 'annullata',
    'scaduto', 'scaduta', 'expirado', 'expirada', 'anulowane', 'anulowana', 'odrzucone',
    'odrzucona', 'installd', 'avvisad', 'annulleret', 'aflyst', 'afvist', 'avlyst', 'avvist',
    'zruseno', 'отменен', 'キャンセル',
}) | folded(
    'İptal', 'İptal edildi', 'Törölve', 'Lemondva', 'Ακυρώθηκε', '取消', '已取消', '취소', '취소됨',
)  # fmt: skip
# What its tool has thrown away, and gives all the same: there is nothing to bill any more.
DELETED = frozenset({
    'deleted', 'removed', 'voided', 'void', 'trashed', 'in trash', 'discarded', 'geloscht',
    'entfernt', 'verworfen', 'supprime', 'supprimee', 'eliminado', 'eliminada', 'borrado',
    'borrada', 'verwijderd', 'eliminato', 'eliminata', 'excluido', 'excluida', 'apagado',
    'usuniety', 'usunieta', 'usuniete', 'usunieto', 'borttagen', 'raderad', 'slettet', 'smazano',
    'удален', 'удалена', 'удалено', '削除', '削除済み',
}) | folded('Silindi', 'Törölt', 'Διαγράφηκε', '已删除', '已刪除', '삭제됨')  # fmt: skip
# What somebody broke off took place for a while.
BROKEN_OFF = frozenset({
    'aborted', 'abandoned', 'abgebrochen', 'abandonne', 'abandonnee', 'interrompu', 'interrumpido',
    'afgebroken', 'interrotto', 'interrompido', 'przerwane', 'avbruten', 'afbrudt', 'avbrutt',
    'preruseno', 'прерван', '中断',
})  # fmt: skip

# How the row of sums begins.
TOTALS = frozenset(
    ["total", "totals", "sum", "summe", "gesamt", "gesamtsumme", "insgesamt", "totaux", "totaal",
     "totale", "totali", "totais", "suma", "somme", "summa", "totalt", "ialt", "celkem", "итого",
     "всего", "合計", "総計"]
) | {
    'grand total', 'total general', 'totale generale', 'total geral', 'overall total',
    'eindtotaal', 'sub total', 'subtotal', 'zwischensumme', 'sous-total', 'total hours',
    'total time', 'summe gesamt', 'total duration', 'total devices', 'total computers',
    'total sessions', 'total records', 'total rows', 'total entries', 'anzahl', 'anzahl gesamt',
    'razem', 'łacznie', 'ogołem', 'suma godzin', 'count', 'nombre total', 'aantal', 'cantidad',
    'quantidade', 'i alt', 'total tid', 'antal', 'antall',
} | folded(
    'Toplam', 'Genel toplam', 'Összesen', 'Mindösszesen', 'Σύνολο', 'Γενικό σύνολο', '总计', '合计',
    '总和', '小计', '總計', '小計', '합계', '총계', '소계',
    # What spreadsheet programs write below a whole list, and below each of its groups.
    'Gesamtergebnis', 'Total général', 'Totale complessivo', 'Suma końcowa', 'Totalsumma',
    'Hovedtotal', 'Totalsum', 'Celkový součet', 'Общий итог', 'Végösszeg', '총합계',
)  # fmt: skip
_SUBTOTALS = TOTALS | folded('Ergebnis', 'Teilergebnis', 'Итог', '集計', '汇总', '요약')
# What stands between such a word and the name of its group: “Total for Acme”.
_BETWEEN = frozenset({'for', 'of', 'fur', 'von', 'pour', 'de', 'des', 'para', 'per', 'voor', 'van',
                      'di', 'dla', 'for:', '-', '–', ':'})  # fmt: skip
_SUM_WORDS_MOST = 3

# What stands in place of an end that is still to come.
RUNNING = folded(
    'running', 'active', 'in progress', 'ongoing', 'on-going', 'open', 'still open', 'connected',
    'still connected', 'now', 'present', 'läuft', 'läuft noch', 'aktiv', 'laufend', 'offen',
    'verbunden', 'en cours', 'actif', 'connecté', 'en curso', 'activo', 'activa',
    'conectado', 'bezig', 'actief', 'lopend', 'verbonden', 'in corso', 'attivo', 'attiva',
    'connesso', 'em andamento', 'em curso', 'ativo', 'ativa', 'w toku', 'aktywna', 'aktywny',
    'trwa', 'pågår', 'pågående', 'i gang', 'igang', 'probíhá', 'aktivní', 'идет',
    'активен', '進行中', '接続中', '进行中', 'devam ediyor', 'folyamatban',
    'σε εξέλιξη', '진행 중',
)  # fmt: skip
# The days with which databases and programs say that there is none.
NO_DAYS = ('0000-00-00', '0001-01-01', '01.01.0001', '01/01/0001', '1/1/0001', '1970-01-01',
           '01.01.1970', '01/01/1970', '1/1/1970', '1899-12-30')  # fmt: skip

# What exports write in place of any value, and in place of a name.
NOTHING = frozenset({'', '-', 'null', 'none', 'nan', 'nil', 'n/a', 'undefined', r'\n'})
_NOBODY = NOTHING | {
    'n.a.', 'unknown', 'not set',
    'unassigned', 'unbekannt', 'keine angabe', 'k. a.', 'k.a.', 'nicht zugewiesen', 'inconnu',
    'non defini', 'desconocido', 'onbekend', 'sconosciuto', 'desconhecido', 'nieznany', 'brak',
    'okand', 'ukendt', 'ukjent', 'neznamy',
}  # fmt: skip


def is_nobody(value):
    """Tell whether a name is none: “N/A”, “(unknown)”, “--”."""
    text = fold_text(value).strip('()[]<>{} ')
    # “#REF!” is what a spreadsheet shows of a formula that failed.
    is_error = text[:1] == '#' and (text[-1:] in '!?' or text[1:] in {'n/a', 'nv', 'n/d', 'nd'})
    return is_error or text in _NOBODY or not any(map(str.isalnum, text))


def is_total(value):
    """Tell whether a value begins a row of sums: “Total”, “Total: 12”, “Totals (12 sessions)”."""
    if type(value) is not str:
        return False
    words, _mark, rest = re.sub(r'([:=(]|\d)', r'\n\1', fold_text(value[:60])).partition('\n')
    return words.strip() in TOTALS and not re.search(r'[^\W\d]', re.sub(r'\([^)]*\)', '', rest))


def total_of(text):
    """Return of what a name says that it is the sum: “acme” of “Acme Total”; else None.

    '' of a name that is such a word alone.
    """
    if is_total(text):
        return ''
    words = fold_text(text[:200]).replace(':', ' : ').split()
    for count in range(min(_SUM_WORDS_MOST, len(words)), 0, -1):
        if ' '.join(words[-count:]) in _SUBTOTALS:
            rest = words[:-count]
        elif ' '.join(words[:count]) in _SUBTOTALS:
            rest = words[count:]
        else:
            continue
        while rest and rest[0] in _BETWEEN:
            rest = rest[1:]
        while rest and rest[-1] in _BETWEEN:
            rest = rest[:-1]
        return ' '.join(rest).strip('()')
    return None
