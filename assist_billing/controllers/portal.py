from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import content_disposition, request
from odoo.tools import format_datetime

from odoo.addons.account.controllers.portal import PortalAccount
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..rules import cycles

SHOWN_BILLS = 5
BILLS = Domain('assist_kind', 'in', ('bill', 'supplementary'))


class AssistPortal(PortalAccount):
    """What a customer sees of his remote support: bills, the open cycle, devices.

    Portal users have no access to any of our models, so RPC gives them nothing. These pages read
    with sudo what `_assist_get_domain` lets through, and hand templates nothing else. Prices are on
    bills and running totals only.
    """

    # === HELPERS === #

    def _assist_get_domain(self):
        """Return the domain of what is the user's: that of his company and all its contacts.

        It is the one Odoo has for his invoices.
        """
        partner = request.env.user.commercial_partner_id
        return Domain('partner_id', 'child_of', partner.id) & Domain(
            'company_id', 'in', request.env.companies.ids
        )

    def _assist_get_records(self, model):
        """Return the empty recordset of `model` that may be searched with `_assist_get_domain`."""
        # sudo: portal users read none of our models; the domain is what keeps them apart
        return request.env[model].sudo()

    def _assist_get_zone(self):
        """Return the zone of what has no association: that of the latest one, else the user's."""
        association = self._assist_get_records('assist.billing.association').search(
            self._assist_get_domain(), order='start_date desc, id desc', limit=1
        )
        user = request.env.user
        return association.tz or user.tz or user.company_id._assist_get_zone()

    def _assist_get_counts(self):
        """Return how many sessions and devices in service the user has."""
        domain = self._assist_get_domain()
        return {
            'sessions': self._assist_get_records('assist.session').search_count(domain),
            'devices': self._assist_get_records('assist.device').search_count(
                domain & self._assist_get_device_filters()['in_service']['domain']
            ),
        }

    @staticmethod
    def _assist_choose(options, key, default):
        """Return `key` if it is one of `options`: links can be forged and grow old."""
        return key if key in options else default

    @staticmethod
    def _assist_format_datetime(instant, zone):
        """Return a naive UTC instant in `zone`, as the user's language writes it."""
        local = cycles.local_time(instant, zone)
        text = format_datetime(request.env, local, tz='UTC', dt_format='short')
        return text.replace('\u202f', '\u00a0')

    @staticmethod
    def _assist_make_csv(content, filename):
        """Return CSV (bytes) as a download that no browser shows or keeps."""
        return request.make_response(
            content,
            headers=[
                ('Content-Type', 'text/csv; charset=utf-8'),
                ('Content-Length', str(len(content))),
                ('Content-Disposition', content_disposition(filename)),
                ('X-Content-Type-Options', 'nosniff'),
                ('Cache-Control', 'no-store'),
            ],
        )

    # === HOME === #

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if 'assist_session_count' in counters:
            values['assist_session_count'] = self._assist_get_counts()['sessions']
        if 'assist_device_count' in counters:
            values['assist_device_count'] = self._assist_get_counts()['devices']
        if 'assist_association_count' in counters:
            values['assist_association_count'] = self._assist_get_records(
                'assist.billing.association'
            ).search_count(self._assist_get_domain())
        return values

    @http.route('/my/remote-support', type='http', auth='user', website=True, readonly=True)
    def portal_my_remote_support(self, **_kw):
        moves = request.env['account.move']
        bills = moves.browse()
        if moves.has_access('read'):
            bills = moves.search(
                self._get_invoices_domain('out') & BILLS & self._assist_get_domain(),
                order='invoice_date desc, id desc',
                limit=SHOWN_BILLS,
            )
        values = self._prepare_portal_layout_values()
        values.update(
            {
                'page_name': 'assist_home',
                'open_cycles': self._assist_get_open_cycles(),
                'counts': self._assist_get_counts(),
                # sudo: the plan and the figures of a bill that he may read
                'bills': bills.sudo(),
                'payable': bills.sudo().filtered(self._assist_is_payable),
            }
        )
        return request.render('assist_billing.portal_my_remote_support', values)

    @staticmethod
    def _assist_is_payable(bill):
        """Tell whether the customer can pay a bill online, which is another add-on's to say."""
        says = getattr(bill, '_has_to_be_paid', None)
        return bool(says and says())

    def _assist_get_open_cycles(self):
        """Return what the open cycles come to so far, as a list of dicts; amounts before taxes."""
        cycles = self._assist_get_records('assist.billing.cycle').search(
            self._assist_get_domain()
            & Domain('state', '=', 'open')
            & Domain('start_at', '<=', fields.Datetime.now()),
            order='date_start desc, id desc',
        )
        outcomes = cycles._get_outcomes()
        return [
            {
                'partner': cycle.partner_id,
                'plan': cycle.terms.get('plan') or cycle.plan_id.name,
                'period': cycle._format_period(),
                'zone': cycle.tz,
                'state': cycle.association_id.state,
                'currency': cycle.currency_id,
                'amount': float(outcomes[cycle].total),
                'session_count': outcomes[cycle].session_count,
                'hours': sum(share.measured_seconds for share in outcomes[cycle].shares) / 3600,
                'device_count': len(outcomes[cycle].rating.devices),
            }
            for cycle in cycles
        ]

    # === BILLS === #

    def _get_account_searchbar_filters(self):
        return {
            **super()._get_account_searchbar_filters(),
            'remote_support': {'label': request.env._("Remote Support"), 'domain': BILLS},
        }

    @http.route(
        '/my/invoices/<int:invoice_id>/statement',
        type='http',
        auth='public',
        website=True,
        readonly=True,
    )
    def portal_my_invoice_statement(self, invoice_id, access_token=None, **_kw):
        """Send the session statement of a bill as CSV to who may see the bill."""
        try:
            bill_sudo = self._document_check_access('account.move', invoice_id, access_token)
        except (AccessError, MissingError):
            return request.redirect('/my')
        if bill_sudo.state != 'posted' or not bill_sudo._assist_get_statement():
            return request.redirect('/my')
        return self._assist_make_csv(
            bill_sudo._assist_get_statement_csv(), bill_sudo._assist_get_statement_filename()
        )

    # === DEVICES === #

    def _assist_get_device_filters(self):
        today = fields.Date.context_today(request.env.user.with_context(tz=self._assist_get_zone()))
        in_service = Domain('removed_on', '=', False) | Domain('removed_on', '>', today)
        return {
            'in_service': {'label': request.env._("In Service"), 'domain': in_service},
            'removed': {
                'label': request.env._("Removed"),
                'domain': Domain('removed_on', '<=', today),
            },
            'all': {'label': request.env._("All"), 'domain': Domain.TRUE},
        }

    def _assist_get_device_sortings(self):
        return {
            'name': {'label': request.env._("Name"), 'order': 'name, id'},
            'enrolled': {
                'label': request.env._("Newest"),
                'order': 'enrolled_on desc, name, id',
            },
        }

    @http.route(
        ['/my/remote-support/devices', '/my/remote-support/devices/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_devices(self, page=1, sortby=None, filterby=None, **_kw):
        sortings, filters = self._assist_get_device_sortings(), self._assist_get_device_filters()
        sortby = self._assist_choose(sortings, sortby, 'name')
        filterby = self._assist_choose(filters, filterby, 'in_service')
        url = '/my/remote-support/devices'
        devices = self._assist_get_records('assist.device')
        domain = self._assist_get_domain() & filters[filterby]['domain']
        pager = portal_pager(
            url=url,
            url_args={'sortby': sortby, 'filterby': filterby},
            total=devices.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        devices = devices.search(
            domain,
            order=sortings[sortby]['order'],
            limit=self._items_per_page,
            offset=pager['offset'],
        )
        counts = self._assist_get_records('assist.session')._read_group(
            self._assist_get_domain() & Domain('device_id', 'in', devices.ids),
            ['device_id'],
            ['__count'],
        )
        values = self._prepare_portal_layout_values()
        values.update(
            {
                'page_name': 'assist_devices',
                'devices': devices,
                'session_counts': dict(counts),
                'with_contact': len(devices.partner_id) > 1,
                'zone': self._assist_get_zone(),
                'pager': pager,
                'default_url': url,
                'searchbar_sortings': sortings,
                'sortby': sortby,
                'searchbar_filters': filters,
                'filterby': filterby,
            }
        )
        return request.render('assist_billing.portal_my_devices', values)
