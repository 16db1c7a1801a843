"""What the columns of session lists are called, and what a heading says besides its name.

English, German, French, Spanish, Dutch, Italian, Portuguese, Polish, Swedish, Danish, Norwegian,
Czech, Russian, Japanese, Turkish, Hungarian, Greek, Chinese, Korean. Case, accents, blanks and
punctuation do not matter; a unit, a zone or a format in a heading does: “Duration (min)”, “Start
(UTC)”.
"""

import re
from functools import lru_cache

from .profile import fold
from .words import fold_text

ENGLISH = {
    'external_id': ('external_id', 'session_id', 'connection_id', 'record_id', 'id', 'guid',
                    'session_number', 'session_no', 'session_guid', 'session_key', 'uuid',
                    'time_entry_id', 'time_rec_id', 'work_hours_record_id'),
    'kind': ('kind', 'session_type', 'type'),
    'day': ('date', 'day', 'work_date', 'session_date', 'spent_date', 'date_worked', 'worked_date'),
    'started_at': (('start_date', 'start_time'), ('date_start', 'time_start'),
                   ('session_start_date', 'session_start_time'), 'started_at',
                   'start_time', 'start', 'started', 'start_date', 'begin', 'from',
                   'session_start', 'session_start_time', 'starts_at', 'started_time',
                   'start_date_time', 'start_datetime', 'begin_time', 'time_in', 'started_on',
                   'connected_at', 'connection_start', 'start_at', 'session_started',
                   'date_start', 'time_start', 'login_time', 'connected_on', 'start_work_hour'),
    'ended_at': (('end_date', 'end_time'), ('date_end', 'time_end'),
                 ('session_end_date', 'session_end_time'), 'ended_at', 'end_time', 'end',
                 'ended', 'end_date', 'stop_time', 'until', 'ended_time', 'session_end',
                 'session_end_time', 'ends_at', 'end_date_time', 'end_datetime', 'finish',
                 'finish_time', 'finished', 'finished_at', 'stop',
                 'stopped', 'to', 'time_out', 'disconnected_at', 'connection_end', 'ended_on',
                 'closed_at', 'end_at', 'session_ended', 'date_end', 'time_end', 'logout_time',
                 'disconnected_on', 'end_work_hour'),
    'duration': ('duration', 'duration_seconds', 'total_time', 'length', 'session_duration',
                 'session_length', 'time_spent_seconds', 'time_spent', 'elapsed', 'elapsed_time',
                 'hours', 'minutes', 'worked', 'worked_hours', 'hours_worked', 'total_duration',
                 'connection_duration',
                 'duration_minutes', 'duration_hours', 'duration_ms', 'total_hours',
                 'total_minutes', 'time_taken', 'time_worked', 'hours_spent', 'hours_logged',
                 'logged_hours', 'time_tracked', 'tracked_time', 'actual_hours'),
    'running': ('running',),
    'tz': ('tz', 'timezone', 'time_zone', 'start_time_zone'),
    'technician': ('technician_email', 'technician', 'technician_name', 'agent', 'operator',
                   'user_email', 'username', 'user', 'host', 'user_name', 'agent_name',
                   'representative', 'engineer', 'tech', 'supporter', 'assigned_to', 'helper',
                   'consultant', 'expert', 'employee', 'technician_full_name', 'expert_name',
                   'member', 'team_member', 'primary_representative', 'accessed_by',
                   'member_name', 'author', 'author_name', 'author_display_name', 'technicians',
                   'agents', 'technician_names', 'representatives', 'engineers', 'operators',
                   'resource_name', 'staff_member', 'worked_by', 'logged_by'),
    'customer_email': ('customer_email', 'client_email', 'email', 'e_mail'),
    'customer_name': ('customer_name', 'customer', 'client_name', 'client', 'company',
                      'company_name', 'account', 'account_name', 'organization', 'organisation',
                      'business_name', 'customer_business_name'),
    'customer_ref': ('customer_ref', 'customer_number', 'customer_no', 'customer_id', 'client_id',
                     'account_number'),
    'device_ref': ('device_ref', 'device_id', 'computer_id', 'remote_id', 'machine_id',
                   'endpoint_id', 'asset_id'),
    'device_name': ('device_name', 'device', 'computer_name', 'computer', 'hostname', 'machine',
                    'host_name', 'machine_name', 'remote_computer', 'endpoint', 'workstation',
                    'asset', 'pc', 'to_computer', 'target_computer', 'target_machine', 'to_device',
                    'target_device', 'remote_device', 'client_computer', 'customer_computer',
                    'device_hostname', 'computer_hostname', 'endpoint_name'),
    'group': ('group', 'group_name', 'site_name', 'site'),
    'department': ('department', 'department_name'),
    'note': ('note', 'notes', 'comment', 'description', 'comments', 'remarks', 'subject',
             'session_note', 'session_notes', 'summary_notes', 'work_description', 'work_notes'),
    'billable': ('billable', 'is_billable', 'chargeable', 'billing_state', 'billing_status',
                 'billable_option', 'billable_status', 'billing', 'to_bill', 'to_be_billed',
                 'charge_type', 'billing_type', 'bill', 'bill_option', 'billiable',
                 'billable_time', 'billable_hours', 'billable_duration', 'hours_to_bill'),
}  # fmt: skip
OTHER = {
    'de': {
        'external_id': ('Sitzungs-ID', 'Sitzungsnummer', 'Sitzungs-Nr', 'Sitzungskennung',
                        'Kennung', 'Verbindungs-ID', 'Datensatz-ID', 'Session-ID'),
        'kind': ('Sitzungstyp', 'Sitzungsart', 'Verbindungsart'),
        'day': ('Datum', 'Tag', 'Sitzungsdatum', 'Einsatzdatum'),
        'started_at': (('Startdatum', 'Startzeit'), ('Beginndatum', 'Beginnzeit'), 'Beginn',
                       'Startzeit', 'Anfang', 'Von', 'Begonnen', 'Gestartet', 'Startzeitpunkt',
                       'Beginnzeit', 'Anfangszeit', 'Beginn am', 'Uhrzeit von', 'Startuhrzeit',
                       'Sitzungsbeginn', 'Sitzungsstart', 'Verbindungsbeginn', 'Begonnen am',
                       'Startdatum', 'Zeit von'),
        'ended_at': (('Enddatum', 'Endzeit'), 'Ende', 'Endzeit', 'Bis', 'Beendet', 'Schluss',
                     'Endzeitpunkt', 'Ende am', 'Uhrzeit bis', 'Enduhrzeit', 'Sitzungsende',
                     'Verbindungsende', 'Beendet am', 'Enddatum', 'Zeit bis'),
        'duration': ('Dauer', 'Sitzungsdauer', 'Verbindungsdauer', 'Gesamtdauer', 'Stunden',
                     'Minuten', 'Arbeitszeit', 'Einsatzdauer', 'Zeitaufwand', 'Aufwand'),
        'technician': ('Techniker', 'Bearbeiter', 'Mitarbeiter', 'Benutzer', 'Betreuer', 'Berater',
                       'Experte', 'Benutzername', 'Bearbeitet von', 'Technikerin', 'Mitarbeiterin',
                       'Supportmitarbeiter', 'Technikername', 'Name des Technikers'),
        'customer_email': ('Kunden-E-Mail', 'E-Mail des Kunden', 'E-Mail Kunde', 'Kunde E-Mail',
                           'E-Mail-Adresse', 'Kundenmail'),
        'customer_name': ('Kunde', 'Kundenname', 'Firma', 'Auftraggeber', 'Mandant', 'Kundin',
                          'Unternehmen'),
        'customer_ref': ('Kundennummer', 'Kundennr', 'Kd-Nr', 'Kunden-Nr', 'Kunden-ID',
                         'Debitor', 'Debitorennummer'),
        'device_ref': ('Geräte-ID', 'Gerätekennung', 'Rechner-ID', 'Geraete-ID'),
        'device_name': ('Gerät', 'Gerätename', 'Rechner', 'Computername', 'Rechnername',
                        'Arbeitsplatz', 'Endgerät', 'Geraet', 'Gerätebezeichnung'),
        'group': ('Gruppe', 'Gruppenname'),
        'department': ('Abteilung', 'Standort'),
        'note': ('Notiz', 'Notizen', 'Bemerkung', 'Bemerkungen', 'Kommentar', 'Anmerkung',
                 'Beschreibung', 'Tätigkeit', 'Betreff'),
        'billable': ('Abrechenbar', 'Verrechenbar', 'Fakturierbar', 'Berechenbar', 'Abrechnen',
                     'Verrechnen', 'Abrechnungsstatus', 'Abrechnung', 'Abrechenbare Zeit',
                     'Abrechenbare Stunden', 'Verrechenbare Zeit', 'Verrechenbare Stunden'),
    },
    'fr': {
        'external_id': ('ID de session', 'ID session', 'Identifiant de session', 'Identifiant',
                        'N° de session', 'Numéro de session', 'Réf session'),
        'kind': ('Type de session',),
        'day': ('Jour', 'Date de session', "Date d'intervention", "Date de l'intervention"),
        'started_at': (('Date de début', 'Heure de début'), ('Date début', 'Heure début'), 'Début',
                       'Heure de début', 'Date de début', 'Commencé', 'Démarré', 'Heure début',
                       'Date début', 'Début de session', 'Date et heure de début', 'Commencé à',
                       'Heure de départ', 'Commencé le'),
        'ended_at': (('Date de fin', 'Heure de fin'), ('Date fin', 'Heure fin'), 'Fin',
                     'Heure de fin', 'Date de fin', 'Terminé', 'Heure fin', 'Date fin',
                     'Fin de session', 'Date et heure de fin', 'Terminé à', 'Terminé le'),
        'duration': ('Durée', 'Temps passé', 'Durée de session', 'Durée totale', 'Heures',
                     "Durée d'intervention", "Durée de l'intervention"),
        'technician': ('Technicien', 'Intervenant', 'Utilisateur', 'Opérateur', 'Collaborateur',
                       'Technicienne', "Nom d'utilisateur", 'Nom du technicien'),
        'customer_email': ('E-mail du client', 'Courriel', 'E-mail client', 'Adresse e-mail',
                           'Courriel du client', 'Mail client', 'Adresse e-mail du client'),
        'customer_name': ('Nom du client', 'Société', 'Entreprise', 'Nom client'),
        'customer_ref': ('Numéro client', 'N° client', 'Code client', 'Numéro de client',
                         'Réf client', 'ID client'),
        'device_ref': ("ID de l'appareil", 'Identifiant appareil', 'ID appareil', 'ID du poste'),
        'device_name': ('Poste', 'Appareil', 'Ordinateur', 'Nom du poste', "Nom de l'ordinateur",
                        'Équipement', "Nom de l'appareil", 'Poste de travail'),
        'group': ('Groupe',),
        'department': ('Département',),
        'note': ('Remarque', 'Remarques', 'Commentaire', 'Commentaires', 'Observations', 'Objet'),
        'billable': ('Facturable', 'À facturer', 'Facturation', 'État de facturation',
                     'Statut de facturation'),
    },
    'es': {
        'external_id': ('ID de sesión', 'ID sesión', 'Identificador', 'Identificador de sesión',
                        'N.º de sesión', 'Número de sesión', 'ID de la sesión'),
        'kind': ('Tipo de sesión',),
        'day': ('Fecha', 'Día', 'Fecha de sesión', 'Fecha de la sesión'),
        'started_at': (('Fecha de inicio', 'Hora de inicio'), ('Fecha inicio', 'Hora inicio'),
                       ('Fecha inicial', 'Hora inicial'), 'Inicio', 'Hora de inicio',
                       'Fecha de inicio', 'Hora inicio', 'Fecha inicio', 'Comienzo', 'Desde',
                       'Hora inicial', 'Hora de comienzo', 'Inicio de sesión',
                       'Fecha y hora de inicio'),
        'ended_at': (('Fecha de fin', 'Hora de fin'), ('Fecha fin', 'Hora fin'),
                     ('Fecha final', 'Hora final'),
                     ('Fecha de finalización', 'Hora de finalización'), 'Final', 'Hora de fin',
                     'Hora fin', 'Fecha de fin', 'Fecha fin', 'Hora de finalización',
                     'Fecha de finalización', 'Hasta', 'Término', 'Hora final',
                     'Fin de sesión', 'Fecha y hora de fin'),
        'duration': ('Duración', 'Tiempo empleado', 'Horas', 'Minutos', 'Tiempo total',
                     'Duración total', 'Duración de la sesión'),
        'technician': ('Técnico', 'Agente', 'Usuario', 'Operador', 'Empleado',
                       'Nombre de usuario', 'Nombre del técnico'),
        'customer_email': ('Correo del cliente', 'Correo electrónico', 'Correo',
                           'Correo electrónico del cliente', 'Email del cliente'),
        'customer_name': ('Cliente', 'Nombre del cliente', 'Empresa'),
        'customer_ref': ('Número de cliente', 'Código de cliente', 'N.º cliente', 'ID de cliente',
                         'Código cliente'),
        'device_ref': ('ID del dispositivo', 'ID de equipo', 'ID del equipo', 'ID dispositivo'),
        'device_name': ('Equipo', 'Dispositivo', 'Ordenador', 'Computadora', 'Nombre del equipo',
                        'Nombre del dispositivo', 'Máquina'),
        'group': ('Grupo',),
        'department': ('Departamento',),
        'note': ('Nota', 'Notas', 'Comentario', 'Comentarios', 'Observaciones', 'Descripción',
                 'Asunto'),
        'billable': ('Facturable', 'Facturación', 'Estado de facturación', 'A facturar'),
    },
    'nl': {
        'external_id': ('Sessie-ID', 'Sessienummer', 'Sessie nr'),
        'kind': ('Sessietype', 'Type sessie'),
        'day': ('Dag', 'Sessiedatum', 'Datum'),
        'started_at': (('Startdatum', 'Starttijd'), ('Begindatum', 'Begintijd'), 'Starttijd',
                       'Begintijd', 'Van', 'Gestart', 'Startdatum', 'Begindatum', 'Aanvang',
                       'Begin tijd', 'Start tijd', 'Begonnen'),
        'ended_at': (('Einddatum', 'Eindtijd'), 'Einde', 'Eind', 'Eindtijd', 'Tot', 'Beëindigd',
                     'Einddatum', 'Gestopt', 'Eind tijd', 'Stoptijd'),
        'duration': ('Duur', 'Tijdsduur', 'Uren', 'Sessieduur', 'Bestede tijd', 'Gewerkte tijd',
                     'Totale duur'),
        'technician': ('Technicus', 'Monteur', 'Medewerker', 'Gebruiker', 'Supportmedewerker',
                       'Gebruikersnaam', 'Behandelaar'),
        'customer_email': ('E-mail klant', 'Klant e-mail', 'E-mailadres klant', 'E-mailadres'),
        'customer_name': ('Klant', 'Klantnaam', 'Bedrijf', 'Opdrachtgever', 'Bedrijfsnaam'),
        'customer_ref': ('Klantnummer', 'Klantnr', 'Klantcode', 'Debiteurnummer'),
        'device_ref': ('Apparaat-ID', 'Toestel-ID'),
        'device_name': ('Apparaat', 'Apparaatnaam', 'Computernaam', 'Werkplek', 'Toestel'),
        'group': ('Groep',),
        'department': ('Afdeling',),
        'note': ('Notitie', 'Notities', 'Opmerking', 'Opmerkingen', 'Omschrijving', 'Toelichting',
                 'Onderwerp'),
        'billable': ('Factureerbaar', 'Declarabel', 'Te factureren', 'Facturering',
                     'Factureringsstatus'),
    },
    'it': {
        'external_id': ('ID sessione', 'ID della sessione', 'Identificativo', 'Numero sessione',
                        'Numero di sessione'),
        'kind': ('Tipo di sessione', 'Tipo sessione'),
        'day': ('Data', 'Giorno', 'Data sessione'),
        'started_at': (('Data di inizio', 'Ora di inizio'), ('Data inizio', 'Ora inizio'), 'Inizio',
                       'Ora di inizio', 'Ora inizio', 'Data di inizio', 'Data inizio', 'Dalle',
                       'Data e ora di inizio', 'Inizio sessione', 'Iniziato'),
        'ended_at': (('Data di fine', 'Ora di fine'), ('Data fine', 'Ora fine'), 'Fine',
                     'Ora di fine', 'Ora fine', 'Data di fine', 'Data fine', 'Alle', 'Termine',
                     'Data e ora di fine', 'Fine sessione', 'Terminato'),
        'duration': ('Durata', 'Ore', 'Tempo impiegato', 'Durata sessione', 'Durata totale',
                     'Minuti'),
        'technician': ('Tecnico', 'Operatore', 'Utente', 'Addetto', 'Nome utente'),
        'customer_email': ('E-mail cliente', 'Email del cliente', 'E-mail del cliente',
                           'Indirizzo e-mail'),
        'customer_name': ('Nome cliente', 'Azienda', 'Ditta', 'Nome del cliente', 'Società',
                          'Cliente'),
        'customer_ref': ('Numero cliente', 'Codice cliente'),
        'device_ref': ('ID dispositivo', 'ID del dispositivo'),
        'device_name': ('Postazione', 'Nome dispositivo', 'Nome computer', 'Dispositivo',
                        'Nome del dispositivo', 'Nome PC'),
        'group': ('Gruppo',),
        'department': ('Reparto', 'Dipartimento'),
        'note': ('Commento', 'Commenti', 'Descrizione', 'Osservazioni', 'Annotazioni', 'Oggetto'),
        'billable': ('Fatturabile', 'Da fatturare', 'Fatturazione', 'Stato di fatturazione'),
    },
    'pt': {
        'external_id': ('ID da sessão', 'ID sessão', 'Identificador', 'Número da sessão',
                        'N.º da sessão'),
        'kind': ('Tipo de sessão',),
        'day': ('Data', 'Dia', 'Data da sessão'),
        'started_at': (('Data de início', 'Hora de início'), ('Data início', 'Hora início'),
                       ('Data inicial', 'Hora inicial'), 'Início', 'Hora de início',
                       'Data de início', 'Hora início', 'Data início', 'Começo',
                       'Hora inicial', 'Início da sessão', 'Data e hora de início'),
        'ended_at': (('Data de fim', 'Hora de fim'), ('Data de término', 'Hora de término'),
                     ('Data fim', 'Hora fim'), ('Data final', 'Hora final'), 'Fim', 'Término',
                     'Hora de fim', 'Hora de término', 'Data de fim', 'Data de término',
                     'Hora fim', 'Data fim', 'Até', 'Hora final', 'Fim da sessão',
                     'Data e hora de fim'),
        'duration': ('Duração', 'Tempo gasto', 'Duração total', 'Duração da sessão', 'Tempo total'),
        'technician': ('Técnico', 'Usuário', 'Utilizador', 'Funcionário', 'Operador',
                       'Nome do técnico', 'Nome de usuário', 'Atendente'),
        'customer_email': ('E-mail do cliente', 'Correio eletrónico', 'E-mail cliente'),
        'customer_name': ('Nome do cliente', 'Empresa', 'Cliente'),
        'customer_ref': ('Número do cliente', 'Código do cliente', 'N.º do cliente'),
        'device_ref': ('ID do dispositivo', 'ID do equipamento'),
        'device_name': ('Computador', 'Nome do dispositivo', 'Equipamento', 'Máquina',
                        'Nome do computador', 'Dispositivo'),
        'group': ('Grupo',),
        'department': ('Departamento', 'Setor'),
        'note': ('Comentário', 'Comentários', 'Observação', 'Observações', 'Descrição', 'Notas',
                 'Assunto'),
        'billable': ('Faturável', 'Cobrável', 'A faturar', 'Faturamento', 'Faturação',
                     'Estado de faturação'),
    },
    'pl': {
        'external_id': ('ID sesji', 'Identyfikator sesji', 'Identyfikator', 'Numer sesji',
                        'Nr sesji', 'ID połączenia'),
        'kind': ('Typ sesji', 'Rodzaj sesji'),
        'day': ('Data', 'Dzień', 'Data sesji'),
        'started_at': (('Data rozpoczęcia', 'Godzina rozpoczęcia'),
                       ('Data rozpoczęcia', 'Czas rozpoczęcia'), ('Data od', 'Godzina od'),
                       'Początek', 'Rozpoczęcie', 'Czas rozpoczęcia', 'Godzina rozpoczęcia',
                       'Data rozpoczęcia', 'Rozpoczęto', 'Data i godzina rozpoczęcia',
                       'Początek sesji', 'Godzina od', 'Od'),
        'ended_at': (('Data zakończenia', 'Godzina zakończenia'),
                     ('Data zakończenia', 'Czas zakończenia'), ('Data do', 'Godzina do'),
                     'Koniec', 'Zakończenie', 'Czas zakończenia', 'Godzina zakończenia',
                     'Data zakończenia', 'Zakończono', 'Data i godzina zakończenia',
                     'Koniec sesji', 'Godzina do', 'Do'),
        'duration': ('Czas trwania', 'Długość', 'Czas pracy', 'Czas sesji', 'Łączny czas',
                     'Godziny', 'Minuty', 'Przepracowany czas'),
        'technician': ('Technik', 'Pracownik', 'Użytkownik', 'Serwisant', 'Konsultant',
                       'Nazwa użytkownika', 'Wykonawca'),
        'customer_email': ('E-mail klienta', 'Adres e-mail', 'Email klienta'),
        'customer_name': ('Klient', 'Nazwa klienta', 'Firma', 'Kontrahent', 'Nazwa firmy',
                          'Zleceniodawca'),
        'customer_ref': ('Numer klienta', 'Nr klienta', 'ID klienta', 'Kod klienta'),
        'device_ref': ('ID urządzenia', 'Identyfikator urządzenia', 'ID komputera'),
        'device_name': ('Urządzenie', 'Komputer', 'Nazwa urządzenia', 'Nazwa komputera',
                        'Stacja robocza'),
        'group': ('Grupa', 'Nazwa grupy'),
        'department': ('Dział', 'Oddział'),
        'note': ('Notatka', 'Notatki', 'Uwagi', 'Opis', 'Komentarz', 'Temat'),
        'billable': ('Do fakturowania', 'Fakturowane', 'Płatne', 'Do rozliczenia'),
    },
    'sv': {
        'external_id': ('Sessions-ID', 'Sessionsnummer', 'Anslutnings-ID'),
        'kind': ('Sessionstyp', 'Typ av session'),
        'day': ('Datum', 'Dag', 'Sessionsdatum'),
        'started_at': (('Startdatum', 'Starttid'), 'Starttid', 'Påbörjad', 'Startad',
                       'Startdatum', 'Starttidpunkt', 'Börjar', 'Början', 'Från'),
        'ended_at': (('Slutdatum', 'Sluttid'), 'Slut', 'Sluttid', 'Avslutad', 'Slutdatum',
                     'Sluttidpunkt', 'Slutar', 'Till'),
        'duration': ('Varaktighet', 'Längd', 'Tidsåtgång', 'Arbetad tid', 'Timmar', 'Minuter',
                     'Total tid'),
        'technician': ('Tekniker', 'Användare', 'Medarbetare', 'Handläggare', 'Konsult',
                       'Användarnamn'),
        'customer_email': ('Kundens e-post', 'Kund e-post', 'E-postadress', 'E-post'),
        'customer_name': ('Kund', 'Kundnamn', 'Företag', 'Företagsnamn'),
        'customer_ref': ('Kundnummer', 'Kundnr', 'Kund-ID'),
        'device_ref': ('Enhets-ID', 'Dator-ID'),
        'device_name': ('Enhet', 'Dator', 'Enhetsnamn', 'Datornamn', 'Arbetsstation'),
        'group': ('Grupp', 'Gruppnamn'),
        'department': ('Avdelning',),
        'note': ('Anteckning', 'Anteckningar', 'Kommentar', 'Beskrivning', 'Notering', 'Ärende',
                 'Ämne'),
        'billable': ('Debiterbar', 'Fakturerbar', 'Debiteras', 'Faktureras'),
    },
    'da': {
        'external_id': ('Sessions-ID', 'Sessionsnummer', 'Forbindelses-ID'),
        'kind': ('Sessionstype',),
        'day': ('Dato', 'Dag'),
        'started_at': (('Startdato', 'Starttid'), ('Startdato', 'Starttidspunkt'), 'Starttid',
                       'Starttidspunkt', 'Startet', 'Påbegyndt', 'Startdato', 'Begyndt', 'Fra'),
        'ended_at': (('Slutdato', 'Sluttid'), ('Slutdato', 'Sluttidspunkt'), 'Slut', 'Sluttid',
                     'Sluttidspunkt', 'Afsluttet', 'Slutdato', 'Til'),
        'duration': ('Varighed', 'Tidsforbrug', 'Minutter', 'Antal timer'),
        'technician': ('Tekniker', 'Bruger', 'Medarbejder', 'Konsulent', 'Brugernavn'),
        'customer_email': ('Kundens e-mail', 'Kunde e-mail', 'E-mailadresse'),
        'customer_name': ('Kunde', 'Kundenavn', 'Firma', 'Virksomhed'),
        'customer_ref': ('Kundenummer', 'Kundenr', 'Kunde-ID'),
        'device_ref': ('Enheds-ID', 'Computer-ID'),
        'device_name': ('Enhed', 'Enhedsnavn', 'Computernavn'),
        'group': ('Gruppe', 'Gruppenavn'),
        'department': ('Afdeling',),
        'note': ('Note', 'Noter', 'Bemærkning', 'Bemærkninger', 'Kommentar', 'Beskrivelse',
                 'Emne'),
        'billable': ('Fakturerbar', 'Faktureres', 'Kan faktureres'),
    },
    'nb': {
        'external_id': ('Økt-ID', 'Øktnummer'),
        'kind': ('Økttype',),
        'day': ('Dato', 'Dag'),
        'started_at': (('Startdato', 'Starttid'), ('Startdato', 'Starttidspunkt'), 'Startet',
                       'Påbegynt', 'Fra'),
        'ended_at': (('Sluttdato', 'Sluttid'), ('Sluttdato', 'Sluttidspunkt'), 'Slutt',
                     'Sluttid', 'Sluttidspunkt', 'Avsluttet', 'Sluttdato', 'Til'),
        'duration': ('Varighet', 'Tidsbruk', 'Minutter', 'Antall timer'),
        'technician': ('Tekniker', 'Bruker', 'Ansatt', 'Konsulent', 'Brukernavn'),
        'customer_email': ('Kundens e-post', 'Kunde e-post', 'E-postadresse', 'E-post'),
        'customer_name': ('Kunde', 'Kundenavn', 'Firma', 'Bedrift'),
        'customer_ref': ('Kundenummer', 'Kundenr', 'Kunde-ID'),
        'device_ref': ('Enhets-ID', 'Maskin-ID'),
        'device_name': ('Enhet', 'Maskin', 'Datamaskin', 'Enhetsnavn', 'Maskinnavn'),
        'group': ('Gruppe', 'Gruppenavn'),
        'department': ('Avdeling',),
        'note': ('Notat', 'Notater', 'Merknad', 'Kommentar', 'Beskrivelse', 'Emne'),
        'billable': ('Fakturerbar', 'Faktureres'),
    },
    'cs': {
        'external_id': ('ID relace', 'Číslo relace', 'ID spojení'),
        'kind': ('Typ relace',),
        'day': ('Datum', 'Den'),
        'started_at': (('Datum zahájení', 'Čas zahájení'), ('Datum začátku', 'Čas začátku'),
                       'Začátek', 'Zahájení', 'Zahájeno', 'Čas zahájení', 'Čas začátku',
                       'Datum zahájení', 'Datum začátku', 'Od'),
        'ended_at': (('Datum ukončení', 'Čas ukončení'), ('Datum konce', 'Čas konce'), 'Konec',
                     'Ukončení', 'Ukončeno', 'Čas ukončení', 'Čas konce', 'Datum ukončení',
                     'Datum konce', 'Do'),
        'duration': ('Doba trvání', 'Trvání', 'Délka', 'Hodiny', 'Minuty', 'Odpracováno'),
        'technician': ('Technik', 'Pracovník', 'Uživatel', 'Zaměstnanec', 'Uživatelské jméno'),
        'customer_email': ('E-mail zákazníka', 'E-mailová adresa'),
        'customer_name': ('Zákazník', 'Název zákazníka', 'Klient', 'Firma', 'Společnost'),
        'customer_ref': ('Číslo zákazníka', 'ID zákazníka'),
        'device_ref': ('ID zařízení', 'ID počítače'),
        'device_name': ('Zařízení', 'Počítač', 'Název zařízení', 'Název počítače'),
        'group': ('Skupina',),
        'department': ('Oddělení',),
        'note': ('Poznámka', 'Poznámky', 'Popis', 'Komentář', 'Předmět'),
        'billable': ('Fakturovatelné', 'K fakturaci', 'Fakturovat'),
    },
    'ru': {
        'external_id': ('ID сеанса', 'Номер сеанса', 'Идентификатор'),
        'kind': ('Тип сеанса',),
        'day': ('Дата', 'День'),
        'started_at': (('Дата начала', 'Время начала'), 'Начало', 'Время начала', 'Дата начала',
                       'Начало сеанса'),
        'ended_at': (('Дата окончания', 'Время окончания'), 'Окончание', 'Конец',
                     'Время окончания', 'Дата окончания', 'Завершение', 'Окончание сеанса'),
        'duration': ('Длительность', 'Продолжительность', 'Часы', 'Минуты'),
        'technician': ('Техник', 'Специалист', 'Пользователь', 'Сотрудник', 'Исполнитель',
                       'Оператор'),
        'customer_email': ('E-mail клиента', 'Электронная почта клиента'),
        'customer_name': ('Клиент', 'Заказчик', 'Компания', 'Организация', 'Имя клиента'),
        'customer_ref': ('Номер клиента', 'ID клиента'),
        'device_ref': ('ID устройства', 'ID компьютера'),
        'device_name': ('Устройство', 'Компьютер', 'Имя устройства', 'Имя компьютера'),
        'group': ('Группа',),
        'department': ('Отдел',),
        'note': ('Комментарий', 'Примечание', 'Описание', 'Заметка', 'Тема'),
        'billable': ('К оплате', 'Оплачивается'),  # noqa: RUF001 - Cyrillic
    },
    'ja': {
        'external_id': ('セッションID', 'セッション番号', '接続ID'),
        'kind': ('セッション種別', 'セッションタイプ'),
        'day': ('日付', '対応日', '作業日'),
        'started_at': (('開始日', '開始時刻'), ('開始日', '開始時間'), '開始日時', '開始時刻',
                       '開始時間', '開始', '接続開始', '接続開始日時'),
        'ended_at': (('終了日', '終了時刻'), ('終了日', '終了時間'), '終了日時', '終了時刻',
                     '終了時間', '終了', '接続終了', '接続終了日時'),
        'duration': ('所要時間', '作業時間', '接続時間', '利用時間', '合計時間'),
        'technician': ('担当者', '担当者名', '技術者', 'オペレーター', 'オペレータ', 'ユーザー',
                       'ユーザー名', '作業者'),
        'customer_email': ('顧客メールアドレス', 'お客様メールアドレス'),
        'customer_name': ('顧客', '顧客名', 'お客様', 'お客様名', '会社名', '会社', '取引先'),
        'customer_ref': ('顧客番号', '顧客ID', '顧客コード'),
        'device_ref': ('端末ID', 'デバイスID'),
        'device_name': ('端末', '端末名', 'デバイス', 'デバイス名', 'コンピューター',
                        'コンピュータ', 'コンピューター名', 'コンピュータ名'),
        'group': ('グループ', 'グループ名'),
        'department': ('部署', '部門'),
        'note': ('備考', 'メモ', 'コメント', '内容', '作業内容', '件名'),
        'billable': ('請求対象', '請求可能', '課金対象'),
    },
    'tr': {
        'external_id': ('Oturum ID', 'Oturum kimliği', 'Oturum numarası', 'Oturum no',
                        'Bağlantı kimliği'),
        'kind': ('Oturum türü', 'Bağlantı türü'),
        'day': ('Tarih', 'Gün', 'Oturum tarihi'),
        'started_at': (('Başlangıç tarihi', 'Başlangıç saati'),
                       ('Başlama tarihi', 'Başlama saati'), 'Başlangıç', 'Başlangıç zamanı',
                       'Başlangıç saati', 'Başlangıç tarihi', 'Başlama zamanı', 'Başlama saati',
                       'Başlama tarihi', 'Oturum başlangıcı', 'Bağlantı başlangıcı'),
        'ended_at': (('Bitiş tarihi', 'Bitiş saati'), 'Bitiş', 'Bitiş zamanı', 'Bitiş saati',
                     'Bitiş tarihi', 'Oturum bitişi', 'Bağlantı bitişi', 'Sonlanma zamanı'),
        'duration': ('Süre', 'Oturum süresi', 'Bağlantı süresi', 'Toplam süre',
                     'Çalışma süresi', 'Harcanan süre'),
        'technician': ('Teknisyen', 'Kullanıcı', 'Kullanıcı adı', 'Temsilci', 'Operatör', 'Uzman',
                       'Personel', 'Çalışan', 'Teknisyen adı'),
        'customer_email': ('Müşteri e-postası', 'E-posta adresi', 'E-posta'),
        'customer_name': ('Müşteri', 'Müşteri adı', 'Firma', 'Şirket', 'Şirket adı'),
        'customer_ref': ('Müşteri numarası', 'Müşteri no', 'Müşteri kodu'),
        'device_ref': ('Cihaz ID', 'Cihaz kimliği', 'Bilgisayar ID', 'Bilgisayar kimliği'),
        'device_name': ('Cihaz', 'Cihaz adı', 'Bilgisayar', 'Bilgisayar adı'),
        'group': ('Grup', 'Grup adı'),
        'department': ('Departman', 'Bölüm'),
        'note': ('Not', 'Notlar', 'Açıklama', 'Yorum', 'Konu'),
        'billable': ('Faturalandırılabilir', 'Faturalanabilir', 'Faturalandırılacak', 'Ücretli'),
    },
    'hu': {
        'external_id': ('Munkamenet-azonosító', 'Munkamenet azonosítója', 'Kapcsolatazonosító'),
        'kind': ('Munkamenet típusa',),
        'day': ('Dátum', 'Nap'),
        'started_at': (('Kezdő dátum', 'Kezdő időpont'), ('Kezdés dátuma', 'Kezdés időpontja'),
                       'Kezdés', 'Kezdete', 'Kezdés ideje', 'Kezdés időpontja', 'Kezdési idő',
                       'Kezdési időpont', 'Kezdő időpont', 'Kezdete időpont', 'Indulás'),
        'ended_at': (('Záró dátum', 'Záró időpont'), ('Befejezés dátuma', 'Befejezés időpontja'),
                     'Befejezés', 'Befejezése', 'Befejezés ideje', 'Befejezés időpontja',
                     'Befejezési idő', 'Záró időpont', 'Vége', 'Vége időpont'),
        'duration': ('Időtartam', 'Munkaidő', 'Ráfordított idő', 'Ráfordítás', 'Összes idő'),
        'technician': ('Technikus', 'Felhasználó', 'Felhasználónév', 'Munkatárs', 'Ügyintéző',
                       'Technikus neve', 'Operátor'),
        'customer_email': ('Ügyfél e-mail', 'Ügyfél e-mail címe', 'E-mail cím'),
        'customer_name': ('Ügyfél', 'Ügyfél neve', 'Ügyfélnév', 'Cég', 'Cégnév', 'Vevő',
                          'Partner neve'),
        'customer_ref': ('Ügyfélszám', 'Ügyfélkód', 'Ügyfél azonosítója', 'Ügyfélazonosító'),
        'device_ref': ('Eszközazonosító', 'Eszköz azonosítója', 'Gép azonosítója'),
        'device_name': ('Eszköz', 'Eszköznév', 'Eszköz neve', 'Számítógép', 'Számítógép neve',
                        'Gépnév'),
        'group': ('Csoport', 'Csoport neve'),
        'department': ('Osztály', 'Részleg'),
        'note': ('Megjegyzés', 'Megjegyzések', 'Leírás', 'Jegyzet', 'Tárgy'),
        'billable': ('Számlázható', 'Számlázandó', 'Kiszámlázható'),
    },
    'el': {
        'external_id': ('Αναγνωριστικό συνεδρίας', 'Κωδικός συνεδρίας', 'Αριθμός συνεδρίας',
                        'Αναγνωριστικό σύνδεσης'),
        'kind': ('Τύπος συνεδρίας',),
        'day': ('Ημερομηνία', 'Ημέρα'),
        'started_at': (('Ημερομηνία έναρξης', 'Ώρα έναρξης'), 'Έναρξη', 'Ώρα έναρξης',
                       'Ημερομηνία έναρξης', 'Χρόνος έναρξης', 'Έναρξη συνεδρίας', 'Αρχή'),
        'ended_at': (('Ημερομηνία λήξης', 'Ώρα λήξης'), 'Λήξη', 'Ώρα λήξης', 'Ημερομηνία λήξης',
                     'Χρόνος λήξης', 'Λήξη συνεδρίας', 'Τέλος'),
        'duration': ('Διάρκεια', 'Συνολική διάρκεια', 'Χρόνος εργασίας'),
        'technician': ('Τεχνικός', 'Χρήστης', 'Όνομα χρήστη', 'Χειριστής', 'Υπάλληλος',
                       'Όνομα τεχνικού'),
        'customer_email': ('E-mail πελάτη', 'Email πελάτη', 'Διεύθυνση e-mail'),
        'customer_name': ('Πελάτης', 'Όνομα πελάτη', 'Εταιρεία', 'Επωνυμία'),
        'customer_ref': ('Αριθμός πελάτη', 'Κωδικός πελάτη'),
        'device_ref': ('Αναγνωριστικό συσκευής', 'ID συσκευής', 'Κωδικός συσκευής'),
        'device_name': ('Συσκευή', 'Όνομα συσκευής', 'Υπολογιστής', 'Όνομα υπολογιστή'),
        'group': ('Ομάδα', 'Όνομα ομάδας'),
        'department': ('Τμήμα',),
        'note': ('Σημείωση', 'Σημειώσεις', 'Σχόλιο', 'Σχόλια', 'Περιγραφή', 'Θέμα',
                 'Παρατηρήσεις'),
        'billable': ('Χρεώσιμο', 'Τιμολογήσιμο', 'Χρεώσιμη'),
    },
    'zh': {
        'external_id': ('会话ID', '会话编号', '连接ID', '會話ID', '工作階段ID', '工作階段編號',
                        '連線ID'),
        'kind': ('会话类型', '连接类型', '工作階段類型', '連線類型'),
        'day': ('日期', '会话日期', '工作日期'),
        'started_at': (('开始日期', '开始时间'), ('開始日期', '開始時間'), '开始时间', '开始',
                       '开始日期', '会话开始时间', '连接开始时间', '連線開始時間', '開始日期',
                       '起始时间', '起始時間'),
        'ended_at': (('结束日期', '结束时间'), ('結束日期', '結束時間'), '结束时间', '结束',
                     '结束日期', '会话结束时间', '连接结束时间', '結束時間', '結束', '結束日期',
                     '連線結束時間'),
        'duration': ('时长', '持续时间', '会话时长', '连接时长', '总时长', '時長', '持續時間',
                     '工作時間', '工时', '工時'),
        'technician': ('技术员', '技术人员', '工程师', '用户', '用户名', '操作员', '坐席', '员工',
                       '支持人员', '技術人員', '技術員', '工程師', '使用者', '使用者名稱',
                       '操作員', '員工'),
        'customer_email': ('客户邮箱', '客户电子邮件', '客戶電子郵件', '客戶信箱'),
        'customer_name': ('客户', '客户名称', '公司', '公司名称', '客戶', '客戶名稱', '公司名稱'),
        'customer_ref': ('客户编号', '客户ID', '客戶編號', '客戶ID'),
        'device_ref': ('设备ID', '电脑ID', '计算机ID', '裝置ID', '電腦ID'),
        'device_name': ('设备', '设备名称', '计算机', '计算机名', '计算机名称', '电脑', '电脑名称',
                        '主机名', '裝置', '裝置名稱', '電腦', '電腦名稱', '主機名稱'),
        'group': ('分组', '组', '群组', '组名', '群組', '群組名稱'),
        'department': ('部门', '部門'),
        'note': ('备注', '说明', '注释', '描述', '主题', '備註', '說明', '註解', '主旨'),
        'billable': ('可计费', '是否计费', '计费', '可計費', '是否計費', '計費'),
    },
    'ko': {
        'external_id': ('세션 ID', '세션 번호', '연결 ID'),
        'kind': ('세션 유형', '연결 유형'),
        'day': ('날짜', '일자', '작업일'),
        'started_at': (('시작 날짜', '시작 시간'), ('시작일', '시작 시간'), '시작 시간', '시작',
                       '시작 시각', '시작일시', '시작 일시', '세션 시작', '연결 시작'),
        'ended_at': (('종료 날짜', '종료 시간'), ('종료일', '종료 시간'), '종료 시간', '종료',
                     '종료 시각', '종료일시', '종료 일시', '세션 종료', '연결 종료'),
        'duration': ('기간', '지속 시간', '소요 시간', '연결 시간', '작업 시간', '총 시간'),
        'technician': ('기술자', '담당자', '사용자', '사용자 이름', '상담원', '엔지니어', '직원',
                       '작업자'),
        'customer_email': ('고객 이메일', '고객 메일'),
        'customer_name': ('고객', '고객명', '고객 이름', '고객사', '회사', '회사명', '거래처'),
        'customer_ref': ('고객 번호', '고객 ID', '고객 코드'),
        'device_ref': ('장치 ID', '기기 ID', '컴퓨터 ID'),
        'device_name': ('장치', '장치 이름', '장치명', '기기', '기기 이름', '컴퓨터', '컴퓨터 이름',
                        '컴퓨터명'),
        'group': ('그룹', '그룹 이름', '그룹명'),
        'department': ('부서',),
        'note': ('메모', '비고', '설명', '내용', '댓글', '제목'),
        'billable': ('청구 가능', '청구 대상', '유료'),
    },
}  # fmt: skip


# How long nobody worked between start and end.
PAUSES = frozenset(map(fold, (
    'break', 'breaks', 'break_time', 'break_duration', 'break_hours', 'break_minutes',
    'hours_deduct', 'deduct_hours', 'hours_deducted', 'deducted_hours', 'lunch_break',
    'pause', 'pauses', 'pause_time', 'Pausen',
    'Pausenzeit', 'Pausendauer', 'Unterbrechung', 'Temps de pause', 'Durée de pause', 'Descanso',
    'Pausa', 'Pausas', 'Tiempo de descanso', 'Pauze', 'Pauzes', 'Pauzetijd', 'Tempo di pausa',
    'Intervalo', 'Przerwa', 'Czas przerwy', 'Rast', 'Paus', 'Přestávka', 'Перерыв', '休憩',
    '休憩時間', 'Mola', 'Mola süresi', 'Szünet', 'Διάλειμμα', '休息', '休息时间', '休息時間',
    '휴식', '휴식 시간',
)))  # fmt: skip

# A yes in these says that there is nothing to bill, or nothing any more.
FREE = frozenset(map(fold, (
    'non_billable', 'is_non_billable', 'not_billable', 'unbillable', 'do_not_bill', 'no_charge',
    'free_of_charge', 'billed', 'is_billed', 'already_billed', 'invoiced', 'is_invoiced',
    'already_invoiced', 'Nicht abrechenbar', 'Nicht verrechenbar', 'Nicht fakturierbar',
    'Nicht berechnen', 'Kulanz', 'Kostenlos', 'Kostenfrei', 'Abgerechnet', 'Verrechnet',
    'Fakturiert', 'In Rechnung gestellt', 'Non facturable', 'Gratuit', 'Facturé', 'Déjà facturé',
    'No facturable', 'Gratuito', 'Facturado', 'Niet factureerbaar', 'Niet declarabel', 'Gratis',
    'Gefactureerd', 'Non fatturabile', 'Fatturato', 'Não faturável', 'Faturado', 'Bezpłatne',
    'Zafakturowano', 'Zafakturowane', 'Ej debiterbar', 'Fakturerad', 'Fakturerat', 'Faktureret',
    'Fakturert', 'Ikke fakturerbar', 'Vyfakturováno', 'Faturalandı', 'Faturalandırıldı', 'Ücretsiz',
    'Kiszámlázva', 'Ingyenes', 'Τιμολογήθηκε', 'Δωρεάν', '已开票', '已計費', '已计费', '免费',
    '免費', '請求済み', '無料', '청구됨', '청구 완료', '무료',
)))  # fmt: skip

# Filled in, these say that there is an invoice already.
INVOICES = frozenset(map(fold, (
    'invoice_number', 'invoice_no', 'invoice_id', 'invoice_nr', 'Rechnungsnummer', 'Rechnungs-Nr',
    'Rechnungs-Nr.', 'Rechnungs-ID', 'Numéro de facture', 'N° de facture', 'N° facture',
    'Número de factura', 'N.º de factura', 'Factuurnummer', 'Numero fattura', 'Numero di fattura',
    'Número da fatura', 'N.º da fatura', 'Numer faktury', 'Nr faktury', 'Fakturanummer',
    'Číslo faktury', 'Fatura numarası', 'Fatura no', 'Számlaszám', 'Számla sorszáma',
    'Αριθμός τιμολογίου', '发票号', '发票编号', '發票號碼', '請求書番号', '청구서 번호',
    '송장 번호', 'billed_on', 'billed_at', 'billed_date', 'date_billed',
    'invoiced_on', 'invoiced_at', 'invoiced_date', 'date_invoiced', 'Abgerechnet am',
    'Verrechnet am',
    'Fakturiert am', 'Facturé le', 'Facturado el', 'Gefactureerd op', 'Fatturato il',
    'Faturado em', 'Zafakturowano dnia',
)))  # fmt: skip

# A yes in these, or when it was, says that the tool has thrown it away.
DELETED_AT = frozenset(map(fold, (
    'deleted', 'is_deleted', 'was_deleted', 'deleted_at', 'deleted_on', 'deleted_date',
    'date_deleted', 'deleted_time', 'server_deleted_at', 'removed', 'is_removed', 'removed_at',
    'removed_on', 'voided', 'is_voided', 'void', 'is_void', 'voided_at', 'trashed', 'trashed_at',
    'Gelöscht', 'Gelöscht am', 'Supprimé', 'Supprimé le', 'Eliminado', 'Eliminado el', 'Borrado',
    'Verwijderd', 'Verwijderd op', 'Eliminato', 'Eliminato il', 'Excluído', 'Excluído em',
    'Usunięto', 'Usunięte', 'Borttagen', 'Raderad', 'Slettet', 'Smazáno', 'Удалено', 'Удалён',
    '削除済み', '削除日時', 'Silindi', 'Törölve', 'Διαγράφηκε', '已删除', '已刪除', '삭제됨',
)))  # fmt: skip

# On which invoice it is, or whether it belongs on one: the values tell.
INVOICE = frozenset(map(fold, (
    'invoice', 'invoices', 'invoice_status', 'invoicing_status', 'invoice_state', 'invoice_date',
    'invoice_reference', 'invoice_ref', 'Rechnung', 'Rechnungsstatus', 'Rechnungsdatum', 'Facture',
    'Statut de facture', 'Date de facture', 'Factura', 'Estado de factura', 'Fecha de factura',
    'Factuur', 'Factuurstatus', 'Factuurdatum', 'Fattura', 'Stato fattura', 'Data fattura',
    'Fatura', 'Data da fatura', 'Faktura', 'Data faktury', 'Fakturadatum', 'Fakturadato',
)))  # fmt: skip

# A yes may mean that it was billed elsewhere, or only that it is in a file like this; that nobody
# was helped, or only that a ticket or an appointment was called off.
EXPORTED = frozenset(map(fold, (
    'exported', 'is_exported', 'Exportiert', 'Exporté', 'Exportado', 'Geëxporteerd', 'Esportato',
    'Wyeksportowano', 'cancelled', 'canceled', 'is_cancelled', 'is_canceled', 'Storno', 'Storniert',
    'Abgesagt', 'Annulé', 'Cancelado', 'Anulado', 'Geannuleerd', 'Annullato', 'Anulowano',
)))  # fmt: skip

# Of all these a yes says that there is nothing to bill, also where somebody reads them as billable.
NEGATED = FREE | INVOICES | DELETED_AT | EXPORTED

# What became of a session; a mere “Status” may be that of its ticket.
SESSION_STATUSES = frozenset(map(fold, (
    'session_status', 'session_state', 'session_result', 'session_outcome', 'connection_status',
    'connection_state', 'connection_result', 'call_status', 'call_state', 'call_result',
    'call_outcome', 'call_disposition', 'disposition', 'appointment_status', 'meeting_status',
    'attendance', 'Sitzungsstatus', 'Verbindungsstatus', 'Anrufstatus', 'Gesprächsstatus',
    'Terminstatus', 'Statut de la session', 'Statut de session', 'État de la session',
    'Statut de la connexion', "Statut de l'appel", 'Estado de la sesión', 'Estado de sesión',
    'Estado de la conexión', 'Estado de la llamada', 'Sessiestatus', 'Verbindingsstatus',
    'Gespreksstatus', 'Stato sessione', 'Stato della sessione', 'Stato connessione',
    'Stato chiamata', 'Estado da sessão', 'Estado da ligação', 'Status da sessão',
    'Status sesji', 'Status połączenia', 'Sessionsstatus', 'Samtalsstatus', 'Opkaldsstatus',
    'Stav relace', 'Stav hovoru',
)))  # fmt: skip
STATUSES = frozenset(map(fold, (
    'status', 'state', 'Zustand', 'Statut', 'État', 'Estado', 'Stato', 'Situação', 'Stan',
    'Tillstånd', 'Tilstand', 'Stav', 'Статус', 'ステータス', '状態', 'Durum', 'Állapot',
    'Κατάσταση', '状态', '狀態', '상태',
)))  # fmt: skip
# What kind of call, or what came of it: of a repair, perhaps.
RESULTS = frozenset(map(fold, (
    'call_type', 'Anruftyp', 'Anrufart', "Type d'appel", 'Tipo de llamada', 'Tipo di chiamata',
    'result', 'outcome', 'Ergebnis', 'Résultat', 'Resultado', 'Esito', 'Resultaat', 'Uitkomst',
    'Wynik', 'Resultat', 'Výsledek', 'Результат', '結果',
)))  # fmt: skip
TICKETS = frozenset(map(fold, (
    'ticket', 'tickets', 'ticket_id', 'ticket_number', 'ticket_no', 'ticket_subject', 'case',
    'case_id', 'case_number', 'issue', 'issue_key', 'issue_id', 'incident', 'incident_id',
    'request_id', 'work_order', 'task', 'Ticketnummer', 'Ticket-Nr', 'Vorgang', 'Vorgangsnummer',
    'Aufgabe', 'Auftrag', 'Auftragsnummer', 'N° de ticket', 'Numéro de ticket', 'Tâche',
    'Número de ticket', 'Incidencia', 'Tarea', 'Zgłoszenie', 'Ärende', 'Sag', 'Sak', 'Zakázka',
    'Požadavek',
)))  # fmt: skip

# From and to can be computers as well: they are times where nothing else is.
_SIDES = frozenset({'from', 'to', 'Von', 'Bis', 'Desde', 'Hasta', 'Van', 'Tot', 'Dalle', 'Alle',
                    'Até', 'Od', 'Do', 'Från', 'Till', 'Fra', 'Til'})  # fmt: skip


def _all(kind):
    """Return the names of all languages: single columns (`str`), or pairs (`tuple`)."""
    merged = {}
    for field, names in ENGLISH.items():
        names = [*names, *(name for words in OTHER.values() for name in words.get(field, ()))]
        names = dict.fromkeys(name for name in names if isinstance(name, kind))
        merged[field] = tuple(sorted(names, key=_SIDES.__contains__))
    return {field: names for field, names in merged.items() if names}


# Common words of session lists, for profiles whose vendor does not publish its headings.
COMMON = _all(str)
# A date and a time of day that together are one instant.
PAIRS = _all(tuple)

_ENGLISH_NAMES = frozenset(
    fold(part)
    for names in ENGLISH.values()
    for name in names
    for part in (name if isinstance(name, tuple) else (name,))
)
# Languages whose dates have the year first: of 05/10/2026 they say nothing.
_YEAR_FIRST = ('ja', 'zh', 'ko', 'hu')


def _names_in(languages):
    return frozenset(
        fold(part)
        for language in languages
        for names in OTHER[language].values()
        for name in names
        for part in (name if isinstance(name, tuple) else (name,))
    )


_OTHER_NAMES = _names_in(OTHER)
_YEAR_FIRST_NAMES = _names_in(_YEAR_FIRST) - _names_in(set(OTHER).difference(_YEAR_FIRST))


_HUNGARIAN = _names_in(['hu']) - _names_in(set(OTHER) - {'hu'}) - _ENGLISH_NAMES


def is_day_first(columns):
    """Tell whether headings are in a language whose dates have the day before the month."""
    folded = {fold(bare(name)) for name in columns if isinstance(name, str)}
    return len((folded & _OTHER_NAMES) - _ENGLISH_NAMES - _YEAR_FIRST_NAMES) >= 2


def is_hungarian(columns):
    """Tell whether headings are Hungarian."""
    return len({fold(bare(name)) for name in columns} & _HUNGARIAN) >= 3


def known_headings(columns):
    """Return how many of these are common headings of session lists."""
    folded = {fold(bare(name)) for name in columns if isinstance(name, str)}
    return len(folded & (_OTHER_NAMES | _ENGLISH_NAMES))


# === WHAT A HEADING SAYS BESIDES === #

_BRACKETS = re.compile('[(\\[{\uff08]([^()\\[\\]{}\uff08\uff09]{0,60})[)\\]}\uff09]')
_CAMEL = re.compile(r'(?<=[a-z])(?=[A-Z])')
_UNIT_WORDS = {
    **dict.fromkeys(
        ('ms', 'msec', 'millis', 'milliseconds', 'millisekunden', 'millisecondes'), 'ms'
    ),
    **dict.fromkeys(
        ('s', 'sec', 'secs', 'second', 'seconds', 'sek', 'sekunden', 'seconde', 'secondes',
         'segundos', 'secondi', 'seconden', 'ss'), 's'),
    **dict.fromkeys(
        ('m', 'min', 'mins', 'minute', 'minutes', 'minuten', 'minutos', 'minuti', 'mm', 'mn'),
        'min'),
    **dict.fromkeys(
        ('h', 'hr', 'hrs', 'hour', 'hours', 'std', 'stunden', 'stunde', 'heures', 'heure', 'horas',
         'hora', 'ore', 'uren', 'uur', 'decimal', 'dezimal', 'decimale', 'decimaux',
         'dezimalstunden',         'decimales', 'decimaal', 'industriestunden', 'hh'), 'h'),
    **dict.fromkeys(('sekundy', 'sekund', 'sekunder', 'сек', 'секунды'), 's'),
    **dict.fromkeys(('minuty', 'minut', 'minuter', 'minutter', 'мин', 'минуты'), 'min'),
    **dict.fromkeys(
        ('godz', 'godziny', 'godzin', 'dziesietnie', 'timmar', 'tim', 'hodiny', 'hodin', 'ч',
         'часы'), 'h'),
    **dict.fromkeys(('d', 'days', 'tage', 'dni', 'dagar', 'dage'), 'd'),
    **dict.fromkeys(
        map(fold_text, ('sn', 'saniye', 'masodperc', 'δευτερόλεπτα', 'δευτ', '秒', '초')), 's'),
    **dict.fromkeys(
        map(fold_text, ('dk', 'dakika', 'perc', 'λεπτά', 'λεπ', '分', '分钟', '分鐘', '분')),
        'min'),
    **dict.fromkeys(
        map(fold_text, ('saat', 'óra', 'ώρες', 'ώρα', '時間', '小时', '小時', '时', '시간')), 'h'),
}  # fmt: skip
# Columns that have but a part of a duration where another one has the rest.
SPLIT_UNITS = {
    **dict.fromkeys(
        (
            'hours',
            'stunden',
            'heures',
            'horas',
            'uren',
            'ore',
            'godziny',
            'timmar',
            'hodiny',
            'часы',
        ),
        'h',
    ),
    **dict.fromkeys(
        ('minutes', 'minuten', 'minutos', 'minuti', 'minuty', 'minuter', 'minutter', 'минуты'),
        'min',
    ),
    **dict.fromkeys(
        ('seconds', 'sekunden', 'secondes', 'segundos', 'seconden', 'secondi', 'sekundy'), 's'
    ),
}
# What was measured, where another column has what is charged or was planned.
_EXACT = frozenset(
    {'exact', 'actual', 'exakt', 'exakte', 'genau', 'genaue', 'ist', 'tatsachlich', 'tatsachliche',
     'reel', 'reelle', 'exacte', 'exacto', 'exacta', 'real', 'reale', 'effettivo', 'effettiva',
     'werkelijk', 'werkelijke', 'faktisk', 'skutecna'}
)  # fmt: skip
_NOT_EXACT = frozenset(
    {'rounded', 'billed', 'billable', 'invoiced', 'charged', 'gerundet', 'gerundete', 'aufgerundet',
     'abgerechnet', 'abgerechnete', 'verrechnet', 'abrechenbar', 'arrondi', 'arrondie', 'facture',
     'facturee', 'facturable', 'redondeado', 'redondeada', 'facturado', 'facturada', 'afgerond',
     'afgeronde', 'gefactureerd', 'arrotondato', 'arrotondata', 'fatturato', 'fatturata',
     'arredondado', 'arredondada', 'faturado', 'faturada', 'planned', 'scheduled', 'estimated',
     'avrundad', 'afrundet', 'avrundet', 'debiterad', 'debiterbar', 'fakturerbar', 'planerad',
     'zaokrouhleno',
     'soll', 'plan', 'geplant', 'geplante', 'prevu', 'prevue', 'previsto', 'prevista', 'gepland'}
)  # fmt: skip
_FILLERS = frozenset({'in', 'en', 'em', 'per'})
_ZONE_WORDS = {'utc': 'UTC', 'gmt': 'UTC', 'z': 'UTC', 'zulu': 'UTC'}
# Abbreviations, in capitals as headings write them, and what a zone calls itself that is meant.
_ZONE_NAMES = {
    'MEZ': 'CET', 'MESZ': 'CEST', 'ET': 'EST', 'CT': 'CST', 'MT': 'MST', 'PT': 'PST',
    **{name: name for name in (
        'CET', 'CEST', 'EET', 'EEST', 'WET', 'WEST', 'BST', 'MSK', 'EST', 'EDT', 'CST', 'CDT',
        'MST', 'MDT', 'PST', 'PDT', 'AKST', 'AKDT', 'AEST', 'AEDT', 'NZST', 'NZDT', 'JST', 'KST',
        'HKT', 'SAST',
    )},
}  # fmt: skip
_OFFSET = re.compile(r'(?:utc|gmt)([+-])(\d{1,2})(?::?(\d\d))?', re.ASCII)
# “(Date/Time)” is no zone.
_IANA = re.compile(
    r'(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc|US|'
    r'Canada|Brazil|Chile|Mexico)/[A-Za-z_/+-]{2,30}'
)


@lru_cache(maxsize=2048)
def heading_words(name):
    """Return the words of a heading: its brackets' contents apart.

    :return: `(words before and between brackets, texts in brackets)`
    """
    name = name[:200]
    inside = _BRACKETS.findall(name)
    outside = fold_text(_CAMEL.sub(' ', _BRACKETS.sub(' ', name)).replace('_', ' '))
    return tuple(re.findall(r'[^\W_]+', outside)), tuple(inside)


@lru_cache(maxsize=2048)
def bare(name):
    """Return a heading without brackets, and without a unit or zone at its end."""
    words, inside = heading_words(name)
    words = list(words)
    while len(words) > 1 and (words[-1] in _UNIT_WORDS or words[-1] in _ZONE_WORDS
                              or words[-1] in _FILLERS or words[-1] in _EXACT):  # fmt: skip
        words.pop()
    while len(words) > 1 and words[0] in _EXACT:
        words.pop(0)
    return ' '.join(words) if words or inside else name


@lru_cache(maxsize=2048)
def is_exact(name):
    """Tell whether a heading does not say that its values are rounded, charged or planned."""
    words, inside = heading_words(name)
    said = {*words, *(word for text in inside for word in re.findall(r'[^\W_]+', fold_text(text)))}
    return not said & _NOT_EXACT


@lru_cache(maxsize=2048)
def says_exact(name):
    """Tell whether a heading says that its values were measured."""
    words, inside = heading_words(name)
    return not _EXACT.isdisjoint(words) or any(fold_text(text) in _EXACT for text in inside)


@lru_cache(maxsize=2048)
def unit_of(name):
    """Return the unit of durations that a heading tells, or None."""
    words, inside = heading_words(name)
    for text in inside:
        if ':' in text:
            return 'mm:ss' if fold_text(text)[:1] == 'm' else 'h'
        for word in re.findall(r'[^\W_]+', fold_text(text)):
            if word in _UNIT_WORDS:
                return _UNIT_WORDS[word]
    for word in reversed(words):
        if word in _UNIT_WORDS:
            return _UNIT_WORDS[word]
    return None


@lru_cache(maxsize=2048)
def zone_word_of(name):
    """Return what the zone that a heading tells by an abbreviation calls itself, or None."""
    texts = [text.strip() for text in heading_words(name)[1]] + name[:200].split()[-1:]
    return next((_ZONE_NAMES[text] for text in texts if text in _ZONE_NAMES), None)


@lru_cache(maxsize=2048)
def zone_of(name):
    """Return the name of the zone that a heading tells, or None."""
    words, inside = heading_words(name)
    for text in inside:
        if _IANA.fullmatch(text.strip()):
            return text.strip()
        folded = fold_text(text).replace(' ', '')
        if folded in _ZONE_WORDS:
            return 'UTC'
        if match := _OFFSET.fullmatch(folded):
            # The database of zones counts them the other way round; half hours it has not.
            sign = '-' if match[1] == '+' else '+'
            return f'Etc/GMT{sign}{int(match[2])}' if not int(match[3] or 0) else text.strip()
    return 'UTC' if words and words[-1] in {'utc', 'gmt'} else None
