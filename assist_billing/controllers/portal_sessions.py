import csv
import io
from datetime import timedelta

from odoo import fields, http
from odoo.fields import Domain
from odoo.http import request
from odoo.tools import format_date, groupby, split_every

from ..models.statement.shapes import Statement
from ..rules import cycles
from ..sources.cells import inert_cell
from .portal import AssistPortal, portal_pager

URL = '/my/remote-support/sessions'
# A download holds its sessions in memory; who has more asks for a shorter time.
MOST_ROWS = 20_000
BATCH = 1_000
LONGEST_SEARCH = 100
LARGEST_ID = 2**31 - 1
# What a customer is told of a session: never why it is free, nor what it cost.
BADGES = {
    'running': 'text-bg-info',
    'to_bill': 'text-bg-warning',
    'billed': 'text-bg-success',
    'non_billable': 'text-bg-light',
    'unmatched': 'text-bg-light',
}


class AssistPortalSessions(AssistPortal):
    """The sessions of a customer: list, page, and CSV; read a page at a time."""

    # === CHOICES === #

    def _assist_get_statuses(self):
        return {
            'running': request.env._("Running"),
            'to_bill': request.env._("Not billed yet"),
            'billed': request.env._("Billed"),
            'non_billable': request.env._("No charge"),
            'unmatched': request.env._("Not billed"),
        }

    def _assist_get_words(self):
        return {'kinds': self._assist_get_session_kinds(), 'statuses': self._assist_get_statuses()}

    def _assist_get_session_sortings(self):
        return {
            'newest': {'label': request.env._("Newest"), 'order': 'started_at desc, id desc'},
            'oldest': {'label': request.env._("Oldest"), 'order': 'started_at, id'},
            'longest': {
                'label': request.env._("Longest"),
                'order': 'duration_seconds desc, id desc',
            },
            'subject': {'label': request.env._("Subject"), 'order': 'name, id'},
        }

    def _assist_get_session_filters(self):
        states = {
            'billed': ['billed'],
            'to_bill': ['to_bill'],
            'running': ['running'],
            'free': ['non_billable', 'unmatched'],
        }
        labels = {
            'billed': request.env._("Billed"),
            'to_bill': request.env._("Not Billed Yet"),
            'running': request.env._("Running"),
            'free': request.env._("Without Charge"),
        }
        return {
            'all': {'label': request.env._("All"), 'domain': Domain.TRUE},
            **{
                key: {'label': labels[key], 'domain': Domain('state', 'in', states[key])}
                for key in states
            },
        }

    def _assist_get_session_times(self, zone):
        """Return the choices of time; days begin at midnight of `zone`."""
        today = cycles.local_date(fields.Datetime.now(), zone)
        month = today.replace(day=1)
        last_month = (month - timedelta(days=1)).replace(day=1)
        year = today.replace(month=1, day=1)
        last_year = year.replace(year=year.year - 1)
        spans = {
            'month': (request.env._("This Month"), month, None),
            'last_month': (request.env._("Last Month"), last_month, month),
            'year': (request.env._("This Year"), year, None),
            'last_year': (request.env._("Last Year"), last_year, year),
        }
        times = {'all': {'label': request.env._("Any Time"), 'domain': Domain.TRUE}}
        for key, (label, first, end) in spans.items():
            domain = Domain('started_at', '>=', cycles.local_midnight(first, zone))
            if end:
                domain &= Domain('started_at', '<', cycles.local_midnight(end, zone))
            times[key] = {'label': label, 'domain': domain}
        return times

    def _assist_get_session_kinds(self):
        # sudo: portal users may not read the model, so not its labels either
        field = self._assist_get_records('assist.session')._fields['kind']
        kinds = field._description_selection(request.env)
        return {
            'all': {'label': request.env._("Any Kind"), 'domain': Domain.TRUE},
            **{key: {'label': label, 'domain': Domain('kind', '=', key)} for key, label in kinds},
        }

    def _assist_get_session_groups(self):
        return {
            'none': {'label': request.env._("None"), 'order': ''},
            'month': {'label': request.env._("Month"), 'order': 'started_at desc, '},
            'customer': {'label': request.env._("Contact"), 'order': 'partner_id, '},
            'technician': {'label': request.env._("Technician"), 'order': 'technician_id, '},
            'device': {'label': request.env._("Device"), 'order': 'device_id, '},
            'kind': {'label': request.env._("Kind"), 'order': 'kind, '},
        }

    def _assist_get_session_inputs(self):
        return {
            'all': {
                'input': 'all',
                'label': request.env._("Search in All"),
                'fields': ('name', 'customer_note', 'device_id.name', 'technician_id.name'),
            },
            'subject': {
                'input': 'subject',
                'label': request.env._("Search in Subject and Note"),
                'fields': ('name', 'customer_note'),
            },
            'device': {
                'input': 'device',
                'label': request.env._("Search in Device"),
                'fields': ('device_id.name',),
            },
            'technician': {
                'input': 'technician',
                'label': request.env._("Search in Technician"),
                'fields': ('technician_id.name',),
            },
        }

    def _assist_get_session_query(self, **given):
        """Return what list and CSV share: domain, order, and the choices made.

        :param given: what the address asks for; anything unknown counts as not given
        """
        zone = self._assist_get_zone()
        choices = {
            'sortby': (self._assist_get_session_sortings(), 'newest'),
            'filterby': (self._assist_get_session_filters(), 'all'),
            'when': (self._assist_get_session_times(zone), 'all'),
            'kind': (self._assist_get_session_kinds(), 'all'),
            'groupby': (self._assist_get_session_groups(), 'none'),
            'search_in': (self._assist_get_session_inputs(), 'all'),
        }
        chosen = {
            name: self._assist_choose(options, given.get(name), default)
            for name, (options, default) in choices.items()
        }
        options = {name: options for name, (options, _default) in choices.items()}
        domain = self._assist_get_domain()
        for name in ('filterby', 'when', 'kind'):
            domain &= options[name][chosen[name]]['domain']
        search = (given.get('search') or "").replace('\x00', "").strip()[:LONGEST_SEARCH]
        if search:
            names = options['search_in'][chosen['search_in']]['fields']
            domain &= Domain.OR(Domain(name, 'ilike', search) for name in names)
        return {
            'zone': zone,
            'domain': domain,
            'order': options['groupby'][chosen['groupby']]['order']
            + options['sortby'][chosen['sortby']]['order'],
            'options': options,
            'chosen': {**chosen, 'search': search},
        }

    # === PAGES === #

    @http.route(
        [URL, f'{URL}/page/<int:page>'], type='http', auth='user', website=True, readonly=True
    )
    def portal_my_sessions(self, page=1, too_many=None, **kw):
        query = self._assist_get_session_query(**kw)
        options, chosen = query['options'], query['chosen']
        sessions = self._assist_get_records('assist.session')
        pager = portal_pager(
            url=URL,
            url_args={name: value for name, value in chosen.items() if value},
            total=sessions.search_count(query['domain']),
            page=page,
            step=self._items_per_page,
        )
        sessions = sessions.search(
            query['domain'],
            order=query['order'],
            limit=self._items_per_page,
            offset=pager['offset'],
        )
        words = self._assist_get_words()
        rows = [
            self._assist_get_session_values(session, query['zone'], words) for session in sessions
        ]
        zones = {row['zone'] for row in rows}
        values = self._prepare_portal_layout_values()
        values.update(
            {
                **chosen,
                'page_name': 'assist_sessions',
                'groups': self._assist_group_sessions(rows, chosen['groupby']),
                'shared_zone': zones.pop() if len(zones) == 1 else None,
                'with_contact': len(sessions.partner_id) > 1,
                'with_device': bool(sessions.device_id),
                'pager': pager,
                'too_many': too_many and MOST_ROWS,
                'default_url': URL,
                'searchbar_sortings': options['sortby'],
                'searchbar_filters': options['filterby'],
                'searchbar_groupby': options['groupby'],
                'searchbar_inputs': options['search_in'],
                'times': options['when'],
                'kinds': options['kind'],
            }
        )
        return request.render('assist_billing.portal_my_sessions', values)

    @http.route(f'{URL}/<int:session_id>', type='http', auth='user', website=True, readonly=True)
    def portal_my_session(self, session_id, **_kw):
        session = self._assist_get_records('assist.session')
        if session_id <= LARGEST_ID:
            session = session.search(self._assist_get_domain() & Domain('id', '=', session_id))
        if not session:
            raise request.not_found()
        values = self._prepare_portal_layout_values()
        values.update(
            {
                'page_name': 'assist_sessions',
                'row': self._assist_get_session_values(
                    session, self._assist_get_zone(), self._assist_get_words()
                ),
                'bill': self._assist_get_session_bill(session),
            }
        )
        return request.render('assist_billing.portal_my_session', values)

    def _assist_get_session_values(self, session, zone, words):
        """Return what a customer may know of `session`, as a dict; `zone` if it has none.

        :param words: labels of kinds and statuses, see `_assist_get_words`
        """
        zone = session.association_id.tz or zone
        return {
            'id': session.id,
            'name': session.name,
            'kind': words['kinds'][session.kind]['label'],
            'customer': session.partner_id.name or "",
            'technician': session.technician_id.name or "",
            'device': session.device_id.name or "",
            'note': session.customer_note or "",
            'zone': zone,
            'started_at': session.started_at,
            'ended_at': session.ended_at,
            'start': self._assist_format_datetime(session.started_at, zone),
            'end': session.ended_at and self._assist_format_datetime(session.ended_at, zone),
            'month': format_date(
                request.env,
                cycles.local_time(session.started_at, zone).date(),
                date_format='MMMM y',
            ),
            'duration': Statement.show_duration(session.duration_seconds),
            'seconds': session.duration_seconds,
            'status': words['statuses'][session.state],
            'badge': BADGES[session.state],
        }

    def _assist_group_sessions(self, rows, by):
        """Return `rows`, which are in order, as a list of (name of the group or None, its rows)."""
        if by == 'none':
            return [(None, rows)] if rows else []
        missing = request.env._("None")
        return [(name or missing, part) for name, part in groupby(rows, lambda row: row[by])]

    def _assist_get_session_bill(self, session_sudo):
        """Return the bill of a session if the user may read it, with sudo; else none."""
        prior = session_sudo.prior_id
        bill = prior.move_id or prior.cycle_id.move_id or session_sudo.cycle_id.move_id
        own = bill.with_env(request.env)
        if not own or session_sudo.state != 'billed' or not own.has_access('read'):
            return bill.browse()
        return bill

    # === CSV === #

    @http.route(f'{URL}/csv', type='http', auth='user', website=True, readonly=True)
    def portal_my_sessions_csv(self, **kw):
        """Send the sessions that the list shows, all pages of it; no prices, no cell a formula."""
        query = self._assist_get_session_query(**kw)
        sessions = self._assist_get_records('assist.session').search(
            query['domain'], order=query['order'], limit=MOST_ROWS + 1
        )
        if len(sessions) > MOST_ROWS:
            chosen = {name: value for name, value in query['chosen'].items() if value}
            return request.redirect_query(URL, {**chosen, 'too_many': 1})
        words = self._assist_get_words()
        content = io.StringIO()
        writer = csv.writer(content)
        writer.writerow(self._assist_get_csv_header())
        for ids in split_every(BATCH, sessions.ids):
            batch = sessions.browse(ids)
            for session in batch:
                row = self._assist_get_session_values(session, query['zone'], words)
                writer.writerow([inert_cell(cell) for cell in self._assist_get_csv_row(row)])
            batch.invalidate_recordset()
        return self._assist_make_csv(
            content.getvalue().encode('utf-8-sig'), "remote_support_sessions.csv"
        )

    def _assist_get_csv_header(self):
        return [
            request.env._("Start"),
            request.env._("End"),
            request.env._("Timezone"),
            request.env._("Contact"),
            request.env._("Kind"),
            request.env._("Subject"),
            request.env._("Technician"),
            request.env._("Device"),
            request.env._("Measured (s)"),
            request.env._("Status"),
            request.env._("Note"),
        ]

    def _assist_get_csv_row(self, row):
        start, end = (
            cycles.local_time(instant, row['zone']).isoformat(' ', 'seconds') if instant else ""
            for instant in (row['started_at'], row['ended_at'])
        )
        names = ('zone', 'customer', 'kind', 'name', 'technician', 'device', 'seconds', 'status')
        return [start, end, *(row[name] for name in names), row['note']]
