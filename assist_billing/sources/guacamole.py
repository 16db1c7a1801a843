"""Apache Guacamole: the history of connections, as CSV of its pages, by API, or of its database.

Known from Guacamole's source (apache/guacamole-client): its pages save Username, Start time,
Duration (in seconds, with decimals), Connection name, Remote host, in the browser's zone and the
language and date format of who saves, without an ID; the API answers `identifier`,
`connectionIdentifier`, `connectionName`, `startDate` and `endDate` in milliseconds since 1970,
`username`, `active`; the database has `history_id`, `start_date`, `end_date` and so on, in the
server's zone.
"""

from .profile import Profile
from .registry import register

# Its translations: of user, start, duration, connection and remote host.
_PAGES = (
    ('Username', 'Start time', 'Duration', 'Connection name', 'Remote host'),
    ('Benutzername', 'Sitzung aktiv seit', 'Verbindungsdauer', 'Verbindungsname',
     'Entfernter Host'),
    ('Identifiant', 'Heure de début', 'Durée', 'Nom de connexion', 'Hôte distant'),
    ('Usuario', 'Activo desde', 'Duración', 'Nombre de conexión', 'Host remoto'),
    ('Usuario', 'Activo desde', 'Duración', 'Nombre conexión', 'Host remoto'),
    ('Nome utente', 'Ora di inizio', 'Durata', 'Nome della connessione', 'Host remoto'),
    ('Usuário', 'Horário de início', 'Duração', 'Nome da conexão', 'Host remoto'),
    ('Gebruikersnaam', 'Starttijd', 'Tijdsduur', 'Verbindingsnaam', 'Servernaam'),
    ('Gebruikersnaam', 'Starttijd', 'Tijdsduur', 'Verbindingnaam', 'Servernaam'),
    ('Użytkownik', 'Czas rozpoczęcia', 'Czas trwania', 'Nazwa połączenia', 'Zdalny host'),
    ('Brukernavn', 'Starttidspunkt', 'Varighet', 'Navn på tilkobling', 'Server'),
    ('Brukernavn', 'Starttidspunkt', 'Varighet', 'Navn på forbindelse', 'Server'),
    ('Uživatelské jméno', 'Doba spuštění', 'Doba trvání', 'Název připojení', 'Vzdálený host'),
    ("Nom d'usuari", "Hora d'inici", 'Durada', 'Nom de la connexió', 'Amfitrió remot'),
    ('Имя пользователя', 'Время начала', 'Продолжительность', 'Название подключения',
     'Удаленный узел'),
    ('Kullanıcı adı', 'Başlangıç zamanı', 'Süre', 'Bağlantı adı', 'Uzak bilgisayar'),
    ('ユーザ名', '開始時間', '期間', '接続名', '接続元'),
    ('사용자 이름', '시작 시간', '기간', '연결 이름', '원격 호스트'),
    ('用户名', '开始时间', '持续时间', '连接名', '远程主机'),
    ('用户名', '起始时间', '持续时间', '连接名', '远程主机'),
)  # fmt: skip
_USERS, _STARTS, _LENGTHS, _NAMES, _HOSTS = (
    tuple(dict.fromkeys(names)) for names in zip(*_PAGES, strict=True)
)
# Its translations write 05-10-2026, or the year first; but the English one.
_DAY_FIRST = dict.fromkeys(_STARTS[1:], 'dmy')

PROFILE = register(
    Profile(
        name='guacamole',
        label="Apache Guacamole",
        time_unit='ms',
        naive='local',
        decimal_mark='.',
        date_orders=_DAY_FIRST,
        columns={
            'external_id': ('history_id', 'identifier', 'uuid'),
            'started_at': ('startDate', *_STARTS),
            'ended_at': ('endDate', 'End time'),
            'duration': _LENGTHS,
            'running': ('active',),
            'technician': _USERS,
            'device_ref': ('connectionIdentifier', 'connection_id'),
            'device_name': ('connectionName', *_NAMES),
        },
        kind='unattended',
        identity=('technician', 'device_ref', 'device_name'),
        signatures=(
            *map(set, _PAGES),
            {'Username', 'Start time', 'Connection name', 'Remote host'},
            {'connectionName', 'startDate', 'username'},
            {'history_id', 'connection_name', 'start_date'},
        ),
    )
)
