"""Every screen of ours as the web client opens it, timed; run inside Odoo.

The menus say which actions there are, the actions which views, the search views which filters,
groups and searches: what is added to the add-ons is measured without a word here.
"""

import threading
import time
import traceback
from datetime import date, datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path
from statistics import median

from dateutil.relativedelta import relativedelta
from lxml import etree
from werkzeug.test import Client

from odoo import api, http
from odoo.fields import Domain
from odoo.service import security
from odoo.service.model import call_kw
from odoo.tools.safe_eval import datetime as safe_eval_datetime
from odoo.tools.safe_eval import safe_eval
from odoo.tools.safe_eval import time as safe_eval_time

from . import screens_arch as arches
from .screens_arch import ALWAYS

OURS = 'assist_billing'
ROUNDS = 3
# What takes longer (ms) is opened once more only.
SLOW = 1_000
COUNT_LIMIT = 10_001
EXPORTED = 10_000
# What a calendar of months shows beside the days before its first one; what one of ours reads.
SIX_WEEKS = timedelta(days=37)
BUSY_CALENDAR = 501
# Of what many there are, something is found by the one and nothing by the other.
WORDS = {'something': "Customer 12", 'nothing': "qzxw"}
# What client actions ask for.
CLIENT_ACTIONS = {
    'assist_billing.get_started': [
        ('assist.billing.get.started', 'get_steps'),
        ('assist.billing.overview', 'get_overview'),
    ],
}
# Screens of Odoo that show figures of ours.
EXTENDED = (
    'account.open_account_journal_dashboard_kanban', 'account.action_move_out_invoice',
    'account.action_move_out_invoice_type', 'base.action_partner_form',
)  # fmt: skip
# What a page may be asked for besides; the others are opened as they are.
CHOICES = {
    '/my/remote-support/sessions': [
        *(f'sortby={key}' for key in ('newest', 'oldest', 'longest', 'subject')),
        *(f'filterby={key}' for key in ('billed', 'to_bill', 'running', 'free')),
        *(f'groupby={key}' for key in ('month', 'customer', 'technician', 'device', 'kind')),
        *(f'when={key}' for key in ('month', 'last_month', 'year', 'last_year')),
        *(f'search_in={key}&search=Printer' for key in ('all', 'subject', 'device', 'technician')),
        'search=qzxw',
    ],
    '/my/remote-support/devices': ['filterby=all', 'filterby=removed', 'sortby=enrolled'],
}


def walk_screens(env, user, portal_user, only=None):
    """Open every screen and return how long each takes.

    :param user: ID of who looks
    :param portal_user: ID of the customer who does
    :param list only: parts of the names of those that are to be opened; default: all
    :return: `{name: [kind, milliseconds]}`, the kind being `screen`, `export` or `tie`; or `error`,
        and the traceback instead
    """
    with env.registry.cursor() as watch:
        walk = _Walk(env, watch, user, only)
        walk.walk_actions()
        walk.walk_names()
        walk.walk_portal(portal_user)
    return walk.found


class _Walk:
    def __init__(self, env, watch, uid, only=None):
        self.registry, self.watch, self.uid, self.only = env.registry, watch, uid, only
        user = env['res.users'].browse(uid)
        self.context = {
            'lang': 'en_US',
            'tz': 'UTC',
            'uid': uid,
            'allowed_company_ids': user.company_ids.ids,
        }
        self.env = api.Environment(env.cr, uid, self.context)
        self.found = {}
        self.views = {}

    # === TIMING === #

    def call(self, name, model, method, *args, kind='screen', context=None, ids=None, **kwargs):
        """Time a call of the web client, under a name."""
        if ids is not None:
            args = (ids, *args)
        kwargs['context'] = {**self.context, **(context or {})}
        self.time(name, kind, lambda env: call_kw(env[model], method, args, kwargs))

    def time(self, name, kind, open_):
        if name in self.found or not self._is_asked_for(name):
            return
        try:
            self.found[name] = [kind, round(self._measure(open_), 1)]
        except Exception:  # noqa: BLE001 - told with all others that cannot be opened
            self.found[name] = ['error', traceback.format_exc()]

    def _is_asked_for(self, name):
        return not self.only or any(part in name for part in self.only)

    def _measure(self, open_):
        """Return milliseconds: the median of some calls, each in a transaction of its own."""
        warm = self._open(open_)
        rounds = 1 if warm > SLOW else ROUNDS
        return median(self._open(open_) for _round in range(rounds))

    def _open(self, open_):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, self.uid, self.context)
            began = self._get_processor_time()
            open_(env)
            env.flush_all()
            spent = self._get_processor_time() - began
            cr.rollback()
        return spent / 1e6

    def _get_processor_time(self):
        """Return the nanoseconds that this process and those of its database have worked so far.

        One waits for the other, so it is the time that a user waits where nobody else is at work.
        """
        self.watch.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid != pg_backend_pid() AND backend_type = 'client backend'"
        )
        pids = [pid for [pid] in self.watch.fetchall()]
        self.watch.rollback()  # to see those that begin later
        work = [int(Path(f'/proc/{pid}/schedstat').read_text().split()[0]) for pid in pids]
        return time.process_time_ns() + sum(work)

    # === ACTIONS === #

    def walk_actions(self):
        for name, action in self._get_actions().items():
            getattr(self, f'_walk_{action._name.replace("ir.actions.", "")}')(name, action)
        for xmlid in EXTENDED:
            action = self.env.ref(xmlid).sudo()
            self._walk_views(f'{action.name} (Odoo)', action)

    def _get_actions(self):
        """Return the actions of our menus, and windows of ours that buttons open, by name."""
        data = self.env['ir.model.data'].sudo()
        ours = [('module', '=like', f'{OURS}%')]
        menus = data.search([*ours, ('model', '=', 'ir.ui.menu')])
        actions = [
            menu.action
            for menu in self.env['ir.ui.menu'].sudo().browse(menus.mapped('res_id'))
            if menu.action
        ]
        windows = data.search([*ours, ('model', '=', 'ir.actions.act_window')])
        actions += self.env['ir.actions.act_window'].sudo().browse(windows.mapped('res_id'))
        named = {}
        for action in dict.fromkeys(actions):
            name = action.name
            if name in named:
                name += f' ({action.get_external_id()[action.id].partition(".")[2]})'
            named[name] = action
        return named

    def _walk_server(self, name, action):
        kind = 'tie' if action.model_id.model == 'assist.billing.tie' else 'screen'
        self.time(name, kind, lambda env: action.with_env(env).sudo(False).run())

    def _walk_client(self, name, action):
        for model, method in CLIENT_ACTIONS[action.tag]:
            self.call(f'{name}: {method}', model, method)

    def _walk_act_url(self, name, action):
        """Nothing of ours is opened by an address."""

    def _walk_act_window(self, name, action):
        if self.env[action.res_model].is_transient():
            return  # Dialogs: of records that were opened before.
        self._walk_views(name, action)
        self._walk_searches(name, action)
        self._walk_export(name, action)

    def _walk_views(self, name, action):
        for kind in action.view_mode.split(','):
            getattr(self, f'_open_{kind}')(f'{name}: {kind}', action, *self._get_scene(action))

    def _get_scene(self, action):
        """Return the domain, the groups and the context that an action begins with."""
        context = self._evaluate(action.context or '{}')
        domains, groups = [self._evaluate(action.domain or '[]')], []
        defaults = {
            key.removeprefix('search_default_'): value
            for key, value in context.items()
            if key.startswith('search_default_') and value
        }
        for options in self._get_filters(action):
            chosen = [option for option in options if option['name'] in defaults]
            domains.append(list(Domain.OR(option['domain'] for option in chosen) if chosen else []))
            groups += [option['group'] for option in chosen if option['group']]
        return list(Domain.AND(domains)), groups, context

    def _evaluate(self, expression, names=None):
        return safe_eval(
            expression,
            {
                'uid': self.uid,
                'active_id': 1,
                'active_ids': [1],
                'active_model': False,
                'context': self.context,
                'allowed_company_ids': self.context['allowed_company_ids'],
                'context_today': date.today,
                'current_date': date.today().isoformat(),
                'time': safe_eval_time,
                'datetime': safe_eval_datetime,
                'relativedelta': relativedelta,
                'now': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M:%S'),
                'true': True,
                'false': False,
                **(names or {}),
            },
        )

    # === VIEWS === #

    def _load(self, model, kind, view_id=False):
        """Return (arch, fields) of a view as the user gets it; arch None without a kind."""
        key = model, kind, view_id
        if key not in self.views:
            views = [(view_id, kind or 'form')]
            answer = self.env[model].get_views(views)
            fields = self.env[model].fields_get(
                attributes=['type', 'relation', 'aggregator', 'currency_field', 'selection']
            )
            arch = kind and etree.fromstring(answer['views'][kind]['arch'])
            self.views[key] = arch, fields
        return self.views[key]

    def _load_of(self, action, kind):
        chosen = {view.view_mode: view.view_id.id for view in action.view_ids}
        view = chosen.get(kind) or (action.view_id.id if action.view_id.type == kind else False)
        if kind == 'search':
            view = action.search_view_id.id
        return self._load(action.res_model, kind, view)

    def _open_list(self, name, action, domain, groups, context, kind='list'):
        arch, fields = self._load_of(action, kind)
        groups = groups or [group for group in (arch.get('default_group_by'),) if group]
        specification = arches.make_specification(arch, fields, self._load)
        limit = int(arch.get('limit') or action.limit or arches.LIMITS[kind])
        order = arch.get('default_order') or ''
        if not groups:
            self.call(
                name, action.res_model, 'web_search_read', context=context, domain=domain,
                specification=specification, limit=limit, order=order, count_limit=COUNT_LIMIT,
            )  # fmt: skip
            return
        # A kanban shows how many there are.
        aggregates = arches.get_aggregates(specification, fields) if kind == 'list' else []
        self.call(
            name, action.res_model, 'web_read_group', domain=domain, groupby=groups,
            aggregates=aggregates, limit=80, context={'read_group_expand': True, **context},
            auto_unfold=kind == 'kanban' or arch.get('expand') in ALWAYS,
            unfold_read_specification=specification, unfold_read_default_limit=limit,
        )  # fmt: skip

    def _open_kanban(self, name, action, domain, groups, context):
        self._open_list(name, action, domain, groups, context, 'kanban')

    def _open_form(self, name, action, domain, groups, context):
        arch, fields = self._load_of(action, 'form')
        specification = arches.make_specification(arch, fields, self._load)
        records = self.env[action.res_model].with_context(**context)
        ids = [action.res_id] if action.res_id else records.search(domain, limit=1).ids
        ids += records.search(domain, order='id', limit=1, offset=1).ids
        for number, record in enumerate(dict.fromkeys(ids)):
            self.call(
                f'{name} {number + 1}', action.res_model, 'web_read', specification,
                ids=[record], context={'bin_size': True, **context},
            )  # fmt: skip

    def _open_pivot(self, name, action, domain, groups, context):
        arch, fields = self._load_of(action, 'pivot')
        sets, aggregates = arches.get_pivot(arch, fields)
        self.call(
            name, action.res_model, 'formatted_read_grouping_sets', domain, sets, aggregates,
            context=context,
        )  # fmt: skip

    def _open_graph(self, name, action, domain, groups, context):
        arch, fields = self._load_of(action, 'graph')
        shown, aggregates = arches.get_graph(arch, fields)
        self.call(
            name, action.res_model, 'formatted_read_group', domain, groups or shown, aggregates,
            context={'fill_temporal': True, **context},
        )  # fmt: skip

    def _open_calendar(self, name, action, domain, groups, context):
        arch, fields = self._load_of(action, 'calendar')
        start, stop = arch.get('date_start'), arch.get('date_stop') or arch.get('date_start')
        today = date.today()
        first, last = today.replace(day=1) - timedelta(days=6), today.replace(day=1) + SIX_WEEKS
        if arch.get('mode', 'week') == 'week':
            first = today - timedelta(days=today.isoweekday() % 7)
            last = first + timedelta(days=6)
        at_night = ' 23:59:59' if fields[start]['type'] == 'datetime' else ''
        shown = [*domain, (start, '<=', f'{last}{at_night}'), (stop, '>=', str(first))]
        names = {node.get('name') for node in arches.find_fields(arch)} | {start, stop}
        # Ours read no more than they can show.
        limit = BUSY_CALENDAR if arch.get('js_class') == 'assist_busy_calendar' else None
        self.call(
            name, action.res_model, 'search_read', shown, sorted(names), context=context,
            limit=limit,
        )  # fmt: skip

    def _open_activity(self, name, action, domain, groups, context):
        self.call(
            name, 'mail.activity', 'get_activity_data', action.res_model, domain, context=context
        )

    # === SEARCH VIEWS === #

    def _walk_searches(self, name, action):
        """Open an action's first view by each filter and group alone, and search for words."""
        kind = action.view_mode.split(',')[0]
        if kind not in ('list', 'kanban'):
            kind = 'list'
        begun, _groups, context = self._get_scene(action)
        base = self._evaluate(action.domain or '[]')
        open_ = getattr(self, f'_open_{kind}')
        for option in (option for options in self._get_filters(action) for option in options):
            label = f'{name}: {option["label"]}'
            if option['group']:
                open_(label, action, base, [option['group']], context)
                if Domain(begun) != Domain(base):
                    open_(f'{label}, as opened', action, begun, [option['group']], context)
            else:
                open_(label, action, list(Domain.AND([base, option['domain']])), [], context)
        for label, domain in self._get_word_searches(action):
            open_(f'{name}: search {label}', action, list(Domain.AND([base, domain])), [], context)
        for panel in self._load_of(action, 'search')[0].iter('searchpanel'):
            self._open_panel(name, action, panel, base)

    def _get_filters(self, action):
        """Return the filters and groups of an action's search view: a list for each section."""
        arch, fields = self._load_of(action, 'search')
        nodes = arch.iter('filter', 'separator', 'group')
        sections = groupby(nodes, lambda node: node.tag == 'filter')
        found = []
        for is_filter, section in sections:
            if not is_filter:
                continue
            options = []
            for node in section:
                options += self._read_filter(node, fields)
            found.append(options)
        return found

    def _read_filter(self, node, fields):
        context = self._evaluate(node.get('context') or '{}')
        label = node.get('string') or node.get('name')
        option = {'name': node.get('name'), 'domain': [], 'group': None}
        if 'group_by' in context:
            group = context['group_by']
            if fields[group.partition(':')[0]]['type'] in ('date', 'datetime') and ':' not in group:
                group += ':month'
            return [{**option, 'label': f'by {label}', 'group': group}]
        domain = self._evaluate(node.get('domain') or '[]')
        if node.get('date'):
            first = date.today().replace(day=1)
            domain = [
                (node.get('date'), '>=', str(first)),
                (node.get('date'), '<', str(first + relativedelta(months=1))),
            ]
        return [{**option, 'label': f'filter {label}', 'domain': domain}]

    def _get_word_searches(self, action):
        """Yield (label, domain) of each field that can be searched for a word."""
        arch, fields = self._load_of(action, 'search')
        for node in arches.find_fields(arch):
            name = node.get('name')
            label = node.get('string') or name
            for found, word in WORDS.items():
                if node.get('filter_domain'):
                    domain = self._evaluate(
                        node.get('filter_domain'), {'self': word, 'raw_value': word}
                    )
                elif fields[name]['type'] == 'selection':
                    domain = [(name, '=', fields[name]['selection'][0][0])]
                elif fields[name]['type'] in ('char', 'text', 'html', 'many2one', 'many2many',
                                              'one2many'):  # fmt: skip
                    domain = [(name, node.get('operator', 'ilike'), word)]
                else:
                    continue
                yield f'{label} for {found}', domain

    def _open_panel(self, name, action, panel, domain):
        for node in arches.find_fields(panel):
            many = node.get('select') == 'multi'
            method = f'search_panel_select_{"multi_" if many else ""}range'
            self.call(
                f'{name}: panel {node.get("name")}', action.res_model, method, node.get('name'),
                search_domain=domain, enable_counters=node.get('enable_counters') in ALWAYS,
                category_domain=[], filter_domain=[], limit=200,
                **({'expand': False, 'group_by': False, 'comodel_domain': []} if many else {}),
            )  # fmt: skip

    # === EXPORTS === #

    def _walk_export(self, name, action):
        """Export as many rows as are measured, with the columns that the list shows."""
        if 'list' not in action.view_mode.split(','):
            return
        arch, _fields = self._load_of(action, 'list')
        columns = [
            node.get('name')
            for node in arches.find_fields(arch)
            if node.get('column_invisible') not in ALWAYS and node.get('optional') != 'hide'
        ]
        domain = self._evaluate(action.domain or '[]')
        records = self.env[action.res_model]
        if records.search_count(domain, limit=EXPORTED) < EXPORTED // 10:
            return

        def export(env):
            env[action.res_model].search(domain, limit=EXPORTED).export_data(columns)

        self.time(f'{name}: export', 'export', export)

    # === NAMES === #

    def walk_names(self):
        """Search every model of ours by name, as boxes of many2one fields do."""
        models = self.env['ir.model'].sudo().search([('model', '=like', 'assist.%')])
        names = [model for model in models.mapped('model') if self._has_names(model)]
        for model in sorted(names):
            for found, word in {'': '', **WORDS}.items():
                self.call(
                    f'{model}: box for {found or "anything"}', model, 'web_name_search', word,
                    {'display_name': {}}, domain=[], limit=8,
                )  # fmt: skip
        for found, word in WORDS.items():
            self.call(
                f'res.partner: box for {found}, associated first', 'res.partner',
                'web_name_search', word, {'display_name': {}}, domain=[], limit=8,
                context={'assist_associated_first': True},
            )  # fmt: skip

    def _has_names(self, name):
        model = self.env[name]
        if model._abstract or model.is_transient() or not model.has_access('read'):
            return False
        names = model._rec_names_search or filter(None, [model._rec_name])
        found = [model._fields[name.partition('.')[0]] for name in names]
        return bool(found) and all(field.store or field.search for field in found)

    # === PORTAL === #

    def walk_portal(self, portal_user):
        """Open all pages of ours that a customer has."""
        # As Odoo's servers do for each request.
        threading.current_thread().dbname = self.env.cr.dbname
        client = self._log_in(portal_user)
        for path in self._get_pages(portal_user):
            for choice in ('', *CHOICES.get(path, ())):
                address = f'{path}?{choice}' if choice else path

                def get(_env, address=address):
                    answer = client.get(address)
                    if answer.status_code not in (200, 303):
                        raise ValueError(f"{address}: {answer.status}")
                    return answer.get_data()

                self.time(
                    f'portal {address}',
                    'export' if path.endswith(('csv', 'statement')) else 'screen',
                    get,
                )

    def _log_in(self, portal_user):
        """Return a browser in which the user is logged in."""
        user = self.env['res.users'].sudo().browse(portal_user)
        store = http.root.session_store
        session = store.new()
        session.update(http.get_default_session(), db=self.env.cr.dbname)
        session.uid, session.login = user.id, user.login
        session.context = dict(user.with_user(user).context_get())
        session.session_token = security.compute_session_token(session, self.env(user=user.id))
        store.save(session)
        client = Client(http.root)
        client.set_cookie('session_id', session.sid)
        return client

    def _get_pages(self, portal_user):
        """Return the addresses of our pages, of a customer's records where they name one."""
        user = self.env['res.users'].sudo().browse(portal_user)
        mine = [('partner_id', '=', user.partner_id.id)]
        values = {
            'page': 2,
            'session_id': self.env['assist.session'].sudo().search(mine, limit=1).id,
            'invoice_id': self.env['account.move'].sudo().search(mine, limit=1).id,
        }
        pages = ['/my', '/my/invoices?filterby=remote_support']
        for rule in self.env['ir.http'].routing_map().iter_rules():
            endpoint = rule.endpoint
            if OURS in endpoint.func.__module__ and 'GET' in (rule.methods or {'GET'}):
                arguments = {name: values[name] for name in rule.arguments}
                pages.append(rule.build(arguments, append_unknown=False)[1])
        return list(dict.fromkeys(pages))
