"""Unattended devices: what a tool's list of devices says of each, in one common form.

The key of a device is what the tool's *sessions* name, or no session would find its device:

- Zoho Assist: `key` (https://www.zoho.com/assist/api/unattendedcomputers.html). A record has no
  department: whoever asks department by department adds `department_id`.
- TeamViewer (`GET /api/v1/devices`): `remotecontrol_id` without its “r”, the `deviceid` of reports;
  `device_id` is another number. `alias` is the name.
- AnyDesk (`GET /clients`, and its client's CSV): `cid`, Client Id; its comment says whose it is.
- RustDesk (`GET /api/devices`): `id`, not `guid`; the name is within `info`.
- NinjaOne (`GET /v2/devices`, `devices-detailed`): `id`, `systemName`, `organizationId`, `created`.
- Tactical RMM (`GET /agents/`): `agent_id`, `hostname`, `client_name`, `site_name`.
- MeshCentral (`meshctrl listdevices --json`): `_id`, `name`, `groupname`.
- Microsoft Intune: Device ID, Device name, Enrollment date, the primary user's address.

Other tools' lists, and files, use the common words below, in many languages; blanks, case, accents
and punctuation do not matter.
"""

from datetime import date, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from .columns import Kept, Nested, join_moment
from .headings import COMMON, bare
from .messages import DEVICE, DEVICE_LABELS, Label
from .outcome import LongRow, Note, shorten
from .profile import fold
from .registry import names
from .values import (
    BadValue,
    clean_line,
    device_id,
    email_address,
    identity,
    is_blank,
    is_date_alone,
    local_to_utc,
    wall_time,
    zone_info,
)
from .words import NO, YES, fold_text, folded, is_nobody, is_total, total_of

# A record is looked at up to this many names; more is no list of devices.
_NAMES_READ = 1_000
# Nothing was looked after before, and clocks do not differ by more than a day.
_EARLIEST_YEAR = 1990
_TOLERANCE = timedelta(hours=24)

COLUMNS = {
    'external_id': (
        'resource_id', 'urs_key', 'key', 'external_id', 'device_id', 'deviceid', 'remotecontrol_id',
        'cid', 'guid', 'id', 'computer_id', 'client_id', 'agent_id', 'machine_id', 'asset_id',
        'endpoint_id', 'serial_number', 'serial', '_id', 'TeamViewer ID', 'AnyDesk ID',
        'RustDesk ID',
        *COMMON['device_ref'], 'Kennung', 'Seriennummer', 'Numéro de série', 'Número de serie',
        'Serienummer', 'Numero di serie', 'Número de série', 'Identifiant', 'Identificador',
        'Identyfikator', 'Numer seryjny', 'Seri numarası', 'Sorozatszám', 'Σειριακός αριθμός',
        '序列号',
        '序號', '일련 번호', 'シリアル番号', 'uid', 'device_uid', 'agent_uid',
    ),
    'name': (
        'nick_name', 'display_name', 'computer_name', 'computer_fullname', 'alias', 'device_name',
        'name', 'device', 'computer', 'hostname', 'system_name', 'machine_name', 'asset_name',
        *COMMON['device_name'], 'Bezeichnung', 'Nom', 'Nombre', 'Naam', 'Nome', 'Nazwa',
        'info.device_name', 'info.hostname', 'serial_number', 'serial',
    ),
    'customer_email': (
        'customer_email', 'email', 'Primary user email address', 'Primary user UPN',
        *COMMON['customer_email'],
    ),
    'customer_name': ('customer_name', 'customer', *COMMON['customer_name']),
    'customer_ref': ('customer_ref', 'customer_number', 'customer_id', *COMMON['customer_ref']),
    'group': (
        'group_name', 'groupname', 'group', 'device_group_name', 'device_group', 'site_name',
        *COMMON['group'], 'entity', 'Entität', 'Entité', 'Entidad', 'Entità', 'Entidade',
        'group_id', 'groupid',
    ),
    'department': (
        'department_id', 'department', 'department_name', 'site_name', *COMMON['department'],
    ),
    'enrolled_at': (
        'created_at.datetime', 'created_time', 'enrolled_on', 'enrolled_at', 'created',
        'created_at', 'added',
        'Enrollment date', 'Enrolment date', 'Enrolled', 'enrolledDateTime', 'Added on',
        'Date added', 'Created on', 'Registered', 'Registered on', 'Installed on', 'Install date',
        'First seen', 'Hinzugefügt am', 'Hinzugefügt', 'Angelegt am', 'Registriert am',
        'Erstellt am', 'Eingerichtet am', 'Aufgenommen am', 'Ajouté le', "Date d'ajout", 'Créé le',
        'Inscrit le', "Date d'inscription", 'Añadido el', 'Agregado el', 'Fecha de alta',
        'Fecha de registro', 'Creado el', 'Toegevoegd op', 'Aangemaakt op', 'Ingeschreven op',
        'Aggiunto il', 'Data di aggiunta', 'Creato il', 'Registrato il', 'Adicionado em',
        'Data de adição', 'Criado em', 'Registrado em', 'Dodano', 'Data dodania', 'Utworzono',
        'Data utworzenia', 'Zarejestrowano', 'Data rejestracji', 'Tillagd', 'Skapad', 'Tilføjet',
        'Oprettet', 'Lagt til', 'Opprettet', 'Přidáno', 'Vytvořeno', 'Добавлено', 'Дата добавления',
        'Eklenme tarihi', 'Eklendi', 'Oluşturulma tarihi', 'Kayıt tarihi', 'Hozzáadva',
        'Létrehozva',
        'Hozzáadás dátuma', 'Ημερομηνία προσθήκης', 'Προστέθηκε', 'Δημιουργήθηκε', '添加时间',
        '添加日期', '创建时间', '注册时间', '新增時間', '新增日期', '建立時間', '註冊時間',
        '追加日',
        '追加日時', '登録日', '登録日時', '추가일', '추가 날짜', '등록일', '생성일',
    ),
    'removed_at': (
        'removed_on', 'removed_at', 'removed', 'deleted_at', 'deleted_on', 'Removal date',
        'deleted', 'is_deleted', 'date_deleted', 'deleted_date', 'is_removed', 'is_retired',
        'Gelöscht', 'Supprimé', 'Eliminado', 'Borrado', 'Verwijderd', 'Eliminato', 'Excluído',
        'Raderad', 'Slettet', 'Smazáno', 'Silindi', '已删除', '已刪除', '삭제됨',
        'Date removed', 'Retired', 'Retired on', 'Decommissioned on', 'Decommissioned',
        'Uninstalled on', 'Entfernt am',
        'Gelöscht am', 'Abgemeldet am', 'Supprimé le', 'Retiré le', 'Date de suppression',
        'Eliminado el', 'Fecha de baja', 'Verwijderd op', 'Rimosso il', 'Data di rimozione',
        'Removido em', 'Data de remoção', 'Usunięto', 'Data usunięcia', 'Borttagen', 'Fjernet',
        'Odebráno', 'Удалено', 'Silinme tarihi', 'Kaldırılma tarihi', 'Eltávolítva',
        'Törlés dátuma',
        'Ημερομηνία αφαίρεσης', 'Αφαιρέθηκε', '移除时间', '删除时间', '移除時間', '刪除時間',
        '削除日',
        '削除日時', '제거일', '삭제일',
    ),
    'status': (
        'lifecycle_status', 'lifecycle_state', 'asset_status', 'status', 'device_status', 'state',
        'Zustand', 'Statut', 'Estado', 'Stato', 'Stan', 'État', 'Tillstånd', 'Tilstand', 'Stav',
        'Статус', '状態', 'ステータス', 'Durum', 'Állapot', 'Κατάσταση', '状态', '狀態', '상태',
    ),
}  # fmt: skip
DEVICE_FIELDS = tuple(COLUMNS)
# What goes before the common words, where a tool's lists use them for something else.
_OWN = {
    'teamviewer': {
        'external_id': ('remotecontrol_id', 'TeamViewer ID', 'deviceid', 'device_id'),
    },
    'anydesk': {
        'external_id': ('cid', 'Client Id', 'AnyDesk ID'),
        'group': ('comment', 'Kommentar', 'Commentaire', 'Comentario', 'Commento'),
    },
    'rustdesk': {
        'external_id': ('id', 'RustDesk ID', 'guid'),
        'name': ('info.device_name', 'device_name', 'hostname', 'alias'),
    },
    'ninjaone': {
        'external_id': ('id', 'device_id'),
        'name': ('displayName', 'systemName', 'dnsName', 'netbiosName'),
        'customer_name': ('references.organization.name', 'organizationName', 'organization'),
        'customer_ref': ('organizationId',),
        'group': (
            'references.organization.name', 'organizationName', 'organization', 'organizationId',
        ),
        'department': ('references.location.name', 'locationName', 'locationId'),
    },
    'tactical_rmm': {
        'external_id': ('agent_id',),
        'name': ('hostname',),
        'customer_name': ('client_name', 'client'),
        'group': ('client_name', 'client'),
        'department': ('site_name', 'site'),
    },
    'meshcentral': {
        'external_id': ('_id', 'nodeid', 'id'),
        'name': ('name', 'rname'),
        'customer_name': ('groupname', 'meshname'),
        'group': ('groupname', 'meshname', 'meshid'),
    },
    'screenconnect': {
        'external_id': ('SessionID',),
        'name': ('Name', 'GuestMachineName'),
        'customer_name': ('CustomProperty1',),
        'group': ('CustomProperty1',),
    },
    'intune_remote_help': {
        'external_id': ('Device ID', 'id', 'managedDeviceId'),
    },
}  # fmt: skip
# Names of which all are in the lists of one tool alone.
_SIGNATURES = (
    ('teamviewer', {'remotecontrol_id', 'alias'}),
    ('teamviewer', {'remotecontrol_id', 'groupid'}),
    ('teamviewer', {'TeamViewer ID'}),
    ('anydesk', {'Client Id', 'Alias', 'Online Time'}),
    ('anydesk', {'cid', 'alias', 'online-time'}),
    ('anydesk', {'cid', 'alias', 'client-version'}),
    ('anydesk', {'cid', 'alias', 'online'}),
    ('anydesk', {'AnyDesk ID'}),
    ('rustdesk', {'guid', 'id', 'is_online', 'info'}),
    ('rustdesk', {'guid', 'id', 'device_group_name'}),
    ('rustdesk', {'row_id', 'id', 'hostname', 'uuid'}),
    ('tactical_rmm', {'agent_id', 'hostname', 'client_name', 'site_name'}),
    ('ninjaone', {'organizationId', 'nodeClass', 'systemName'}),
    ('meshcentral', {'_id', 'meshid', 'mtype'}),
    ('meshcentral', {'id', 'rname', 'osdesc', 'groupname'}),
    ('meshcentral', {'id', 'name', 'icon', 'conn', 'pwr'}),
    ('screenconnect', {'SessionID', 'GuestMachineName'}),
    ('zoho_assist', {'key', 'computer_name'}),
    ('intune_remote_help', {'Device ID', 'Device name', 'Enrollment date', 'Last check-in'}),
    ('intune_remote_help', {'deviceName', 'enrolledDateTime', 'userPrincipalName'}),
)
# What says of a device that it is looked after no more; one that is off is, and one that sleeps.
_GONE = frozenset({
    'deleted', 'removed', 'uninstalled', 'retired', 'decommissioned', 'geloscht', 'entfernt',
    'supprime', 'retire', 'eliminado', 'verwijderd', 'rimosso', 'removido', 'usuniete',
    'usuniety', 'usunieto',
}) | folded(
    'Disposed', 'Scrapped', 'Offboarded', 'Ausgemustert', 'Stillgelegt',
    'Außer Betrieb genommen', 'Verschrottet', 'Entsorgt', 'Deinstalliert', 'Mis au rebut',
    'Désinstallé', 'Réformé', 'Dado de baja', 'Retirado', 'Desinstalado', 'Afgevoerd',
    'Dismesso', 'Disinstallato', 'Abatido', 'Wycofane', 'Odinstalowane', 'Borttagen', 'Raderad',
    'Avvecklad', 'Slettet', 'Fjernet', 'Udfaset', 'Utfaset', 'Smazáno', 'Odebráno',
    'Vyřazeno', 'Odinstalováno', 'Удалено', 'Удалён', 'Списано', 'Silindi', 'Kaldırıldı',
    'Hurdaya ayrıldı', 'Törölve', 'Eltávolítva', 'Leselejtezve', 'Διαγράφηκε', 'Αφαιρέθηκε',
    'Αποσύρθηκε', '已删除', '已移除', '已报废', '已卸载', '已刪除', '已報廢', '削除済み',
    '削除',
    '廃棄', '廃棄済み', '삭제됨', '제거됨', '폐기', '폐기됨',
)  # fmt: skip
# What may say so, or only that somebody switched it off for a while.
_UNSURE = folded(
    'Inactive', 'Disabled', 'Deactivated', 'Archived', 'Suspended', 'Blocked', 'Unmanaged',
    'Not managed', 'Stale', 'Expired', 'Lost', 'Stolen', 'Missing', 'Quarantined', 'In stock',
    'Out of service', 'Außer Betrieb', 'Hors service', 'Fuera de servicio', 'Buiten gebruik',
    'Fuori servizio', 'Fora de serviço', 'End of life', 'Terminated', 'Inaktiv', 'Deaktiviert',
    'Archiviert', 'Gesperrt', 'Nicht verwaltet', 'Verloren', 'Gestohlen', 'Auf Lager',
    'Inactif', 'Désactivé', 'Archivé',
    'Bloqué', 'Suspendu', 'Perdu', 'Inactivo', 'Desactivado', 'Deshabilitado', 'Archivado',
    'Bloqueado', 'Suspendido', 'Perdido', 'Inactief', 'Uitgeschakeld', 'Gearchiveerd',
    'Geblokkeerd',
    'Inattivo', 'Disattivato', 'Archiviato', 'Bloccato', 'Inativo', 'Desativado', 'Arquivado',
    'Nieaktywne', 'Nieaktywny', 'Wyłączone', 'Zarchiwizowane', 'Inaktiverad', 'Arkiverad',
    'Inaktiv', 'Deaktiveret', 'Arkiveret', 'Deaktivert', 'Arkivert', 'Neaktivní', 'Zakázáno',
    'Неактивно', 'Неактивен', 'Отключено', '無効', '非アクティブ', 'Pasif', 'Devre dışı', 'Inaktív',
    'Letiltva', 'Ανενεργό', 'Απενεργοποιημένο', '已禁用', '未激活', '非活动', '已停用', '비활성',
    '비활성화됨', '사용 안 함',
)  # fmt: skip


class Device(NamedTuple):
    """An unattended device in the common form of all sources; absent texts are ''."""

    external_id: str
    name: str
    customer_email: str
    customer_name: str
    customer_ref: str
    group: str
    department: str
    enrolled_at: object  # naive UTC datetime, or a date of the customer's; None: not told
    gone: bool  # the source itself says that it is there no more
    removed_at: object = None  # as enrolled_at: since when it is gone
    former_id: str = ''  # what it was called before its sessions' key was known


class DeviceRejection(NamedTuple):
    """Why a record is no device: the vendor's field, and a sentence that says what to do."""

    field: str
    code: str
    params: dict

    @property
    def template(self):
        """The sentence before its parameters are put in, for translation."""
        return DEVICE[self.code]


def reject_device(field, code, value=None):
    if not isinstance(field, Label):
        field = clean_line(field)
    return DeviceRejection(field, code, {'field': field, 'value': shorten(value)})


def recognise_devices(columns):
    """Return the name of the source whose list of devices has these names, or None."""
    seen = {fold(name) for name in columns if isinstance(name, str)}
    best, best_size = None, 0
    for source, signature in _SIGNATURES:
        wanted = {fold(name) for name in signature}
        if len(wanted) > best_size and wanted <= seen and source in names():
            best, best_size = source, len(wanted)
    return best


def suggest_device_mapping(columns, source):
    """Return `{field: column}` as a list of devices with these names would be read."""
    if not isinstance(columns, list | tuple):
        return {}
    found = _columns(dict.fromkeys(name for name in columns if isinstance(name, str)), source, None)
    return {
        field: getattr(names_[0], 'label', names_[0]) for field, names_ in found.items() if names_
    }


def read_device(record, source, tz, now, mapping=None):
    """Return the `Device` that a record of a source is, or a `DeviceRejection`; never raise.

    :param record: anything; a device is a dict
    :param str tz: IANA name of the zone of times without one
    :param datetime now: naive UTC
    :param mapping: for a field of `DEVICE_FIELDS` the name of its column, several of them, or None
        to leave it out; `date_order` 'dmy' or 'mdy'
    """
    return device_reader(source, tz, mapping)(record, now)


def device_notes(reading, source, mapping=None):
    """Return what is to be looked at of a list: what its devices' state says, and may say.

    :param Reading reading: a file that was read
    :param mapping: as of `read_device`
    """
    mapping, kept, found = mapping if isinstance(mapping, dict) else {}, Kept(), {}
    for record in reading.records:
        if not isinstance(record, dict):
            continue
        columns = kept.get(record, lambda like: _columns(like, source, mapping))
        label, value = _find(record, columns, mapping)['status']
        said = fold_text(clean_line(value))[:40]
        code = 'gone' if said in _GONE else 'open_state' if said in _UNSURE else None
        if code:
            shown, count = found.get((code, label), (value, 0))
            found[code, label] = shown, count + 1
    return [
        Note(
            code,
            {'column': clean_line(label, 60), 'value': clean_line(value, 40), 'count': str(count)},
        )
        for (code, label), (value, count) in sorted(found.items(), key=str)
    ]


class DeviceRepeats:
    """The devices of one file, by their IDs: two names of one are two devices, or a mistake.

    A customer's number, or a serial number that a maker left out, is an ID of many.
    """

    def __init__(self, lines=()):
        self.lines = lines
        self._seen = {}

    def meet(self, index, device):
        """Take in a device; return a `DeviceRejection` where an earlier row names it otherwise."""
        first, name = self._seen.setdefault(device.external_id, (index, device.name))
        if fold_text(name) == fold_text(device.name):
            return None
        label = Label(DEVICE_LABELS['external_id'])
        row = self.lines[first] if first < len(self.lines) else first + 1
        params = {
            'field': label,
            'value': shorten(device.external_id),
            'row': str(row),
            'name': shorten(name),
            'other': shorten(device.name),
        }
        return DeviceRejection(label, 'otherwise_row', params)


def device_reader(source, tz, mapping=None):
    """Return a callable `(record, now) -> Device | DeviceRejection`, for many records.

    Arguments as for `read_device`.
    """
    mapping, kept = mapping if isinstance(mapping, dict) else {}, Kept()
    is_known = source in names()

    def read(record, now):
        if not is_known:
            return reject_device('source', 'unknown_source', source)
        if not isinstance(record, dict):
            return reject_device('record', 'not_object', record)
        if isinstance(record, LongRow):
            return reject_device('record', 'long_row', next(reversed(record.values())))
        columns = kept.get(record, lambda like: _columns(like, source, mapping))
        return _read(record, _find(record, columns, mapping), source, tz, now, mapping)

    return read


def _read(record, found, source, tz, now, mapping):
    label, value = found['external_id']
    try:
        external_id = identity(value)
    except BadValue:
        return reject_device(label, 'bad_id', value)
    if not external_id:
        return _no_id(record, label)
    if is_total(value):
        return reject_device(label, 'total', value)
    if _is_row_of_counts(record, found):
        return reject_device(label, 'total', _first_of(record))
    is_removed = _answer(found['removed_at'][1])
    if is_removed is not None:
        # “Retired: Yes”
        found['removed_at'] = found['removed_at'][0], None
    times = _read_times(found, source, tz, now, mapping)
    if isinstance(times, DeviceRejection):
        return times
    texts = {
        field: clean_line(found[field][1])
        for field in ('name', 'customer_name', 'customer_ref', 'group', 'department', 'status')
    }
    for field in ('name', 'customer_name', 'group', 'department'):
        if len(texts[field]) < 16 and is_nobody(texts[field]):
            texts[field] = ''
    removed_at = times['removed_at']
    # With the blanks that screens show in it, it was another device's.
    external_id, spaced_id = device_id(external_id), external_id
    former_id = spaced_id if spaced_id != external_id else ''
    if source == 'teamviewer':
        external_id, former_id = _teamviewer_ids(external_id, record)
    return Device(
        external_id,
        texts['name'] or external_id,
        email_address(found['customer_email'][1]),
        texts['customer_name'],
        texts['customer_ref'],
        texts['group'],
        texts['department'],
        times['enrolled_at'],
        bool(is_removed)
        or fold_text(texts['status'])[:40] in _GONE
        or (removed_at is not None and removed_at <= now),
        removed_at,
        former_id,
    )


def _answer(value):
    """Return whether a value says yes or no; None where it says something else."""
    said = fold_text(clean_line(str(value)))
    return said in YES if said in YES | NO else None


def _read_times(found, source, tz, now, mapping):
    """Return since when a device is there, and is no more; or a rejection."""
    times = {}
    for field in ('enrolled_at', 'removed_at'):
        label, value = found[field]
        try:
            times[field] = None if is_blank(value) else _read_time(value, source, tz, mapping)
        except BadValue as bad:
            return reject_device(
                label, 'ambiguous' if 'ambiguous' in bad.code else 'bad_time', value
            )
        if times[field] and not _is_possible(times[field], now, field):
            return reject_device(label, 'bad_time', value)
    return times


def _no_id(record, label):
    if is_row_of_sums(record):
        return reject_device(label, 'total', _first_of(record))
    return reject_device(label, 'no_id')


def is_row_of_sums(record):
    """Tell whether a record of a list begins as a row of sums does, so that it is no device."""
    return is_total(_first_of(record))


def _first_of(record):
    """Return the first value of a record; None where there is none."""
    values = record.values() if isinstance(record, dict) else ()
    return next((value for value in values if not is_blank(value)), None)


def _is_row_of_counts(record, found):
    """Tell whether a record says how many there are in all, or of a customer: “Acme Total”, 12."""
    if not _has_but_counts(record):
        return False
    first = _first_of(record)
    whose = (found[field][1] for field in ('customer_name', 'customer_ref', 'group', 'department'))
    return is_total(first) or (
        type(first) is str and first in whose and total_of(first) is not None
    )


def _has_but_counts(record):
    """Tell whether a record has, besides a word for it, small numbers alone: how many there are."""
    texts = [clean_line(value) for value in record.values() if not is_blank(value)]
    return len(texts) > 1 and all(text.isdecimal() and len(text) < 6 for text in texts[1:])


def _teamviewer_ids(external_id, record):
    """Return the ID that reports name, and what such a record was once called here."""
    if external_id[:1] == 'r' and external_id[1:].isdecimal():
        external_id = external_id[1:]
    compact = external_id.replace(' ', '')
    external_id = compact if compact.isdecimal() else external_id
    former = record.get('device_id')
    former = former.strip()[:255] if isinstance(former, str) else ''
    return external_id, former if former != external_id else ''


def _is_possible(moment, now, field):
    latest = now + _TOLERANCE if field == 'enrolled_at' else datetime.max
    return moment.year >= _EARLIEST_YEAR and moment <= latest


def _find(record, columns_by_field, mapping):
    """Return `{field: (the record's name for it, value)}`: the first of its names with a value."""
    found = {}
    for field, columns in columns_by_field.items():
        values = [
            (column, record[column]) if type(column) is str else (column.label, column.get(record))
            for column in columns
        ]
        filled = [pair for pair in values if not is_blank(pair[1])]
        if mapping.get(field) and len(filled) > 1:
            label = ' + '.join(name for name, _value in filled)
            found[field] = (label, join_moment(filled[0][1], filled[1][1]))
        elif filled or values:
            found[field] = (filled or values)[0]
        else:
            found[field] = (Label(DEVICE_LABELS[field]), None)
    return found


def _columns(record, source, mapping):
    """Return `{field: names that the record has for it}`."""
    folded, loosely = {}, {}
    for key in islice(record, _NAMES_READ):
        if isinstance(key, str):
            folded.setdefault(fold(key), key)
            loosely.setdefault(fold(bare(key)), key)
    found = {}
    for field, common in COLUMNS.items():
        if mapping and field in mapping:
            given = mapping[field] or ()
            wanted = (given,) if isinstance(given, str) else tuple(given)
        else:
            wanted = (*_OWN.get(source, {}).get(field, ()), *common)
        present = [_present(name, record, folded) for name in wanted if isinstance(name, str)]
        present = list(dict.fromkeys(name for name in present if name is not None))
        if not present:
            present = [loosely[fold(name)] for name in wanted
                       if isinstance(name, str) and fold(name) in loosely][:1]  # fmt: skip
        found[field] = present
    # “Client Id” is the device's where nothing else is.
    if found['external_id'][:1] == found['customer_ref'][:1] and not (mapping or {}).get(
        'customer_ref'
    ):
        found['customer_ref'] = []
    return found


def _present(name, record, folded):
    if name in record:
        return name
    if '.' in name and isinstance(record.get(name.partition('.')[0]), dict):
        return _Way(name)
    return folded.get(fold(name))


class _Way(Nested):
    """A value inside of objects, the same as any other of its name."""

    def __eq__(self, other):
        return isinstance(other, _Way) and other.label == self.label

    def __hash__(self):
        return hash(self.label)


def _read_time(value, source, tz, mapping):
    order = mapping.get('date_order')
    order = order if order in {'dmy', 'mdy'} else None
    unit = 'ms' if source == 'zoho_assist' else 'auto'
    moment, aware = wall_time(value, unit, order)
    if not aware and (type(value) is date or is_date_alone(value)):
        # A day is a day of the customer's: noon there is that day in its zone.
        moment = moment.replace(hour=12)
    return moment if aware else local_to_utc(moment, zone_info(tz))
