from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...rules import matching

# What decides which sessions a rule fits, and for whom.
MATCHING_FIELDS = ('source', 'field', 'operator', 'value', 'partner_id', 'company_id', 'active')

# By these, two rules are for the same.
KEY_FIELDS = ('company_id', 'source', 'field', 'operator', 'value')


class AssistMatchingRule(models.Model):
    """What a remote-support tool writes of a customer, and which customer that is."""

    _name = 'assist.matching.rule'
    _description = "Matching Rule"
    _inherit = ['mail.thread', 'assist.guard']
    _order = 'sequence, id'
    _check_company_auto = True

    # === FIELDS === #

    sequence = fields.Integer(default=10, help="The first rule that fits a session wins.")
    name = fields.Char(
        compute='_compute_name',
        inverse='_inverse_name',
        store=True,
        readonly=False,
        precompute=True,
    )
    given_name = fields.Char(
        help="A name chosen by a user. If empty, the rule is named after what it does."
    )
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    source = fields.Selection(
        selection='_get_sources',
        tracking=True,
        help="Only sessions from this source. Leave empty for any source.",
    )
    field = fields.Selection(
        [
            ('email', "E-mail Address"),
            ('email_domain', "E-mail Domain"),
            ('customer_ref', "Customer Number"),
            ('customer', "Customer Name"),
            ('group', "Device Group"),
            ('department', "Department"),
            ('device', "Device Name or ID"),
        ],
        string="What the Source Says",
        required=True,
        default='email_domain',
        tracking=True,
    )
    operator = fields.Selection(
        [
            ('equals', "is"),
            ('domain', "is in the domain"),
            ('pattern', "looks like"),
        ],
        required=True,
        default='equals',
        tracking=True,
        help="Upper and lower case make no difference.\nIs in the domain: acme.example and "
        "everything below it, such as mail.acme.example.\nLooks like: * stands for any "
        "characters, ? for a single one.",
    )
    value = fields.Char(required=True, tracking=True)
    partner_id = fields.Many2one(
        'res.partner',
        string="Customer",
        required=True,
        index=True,
        check_company=True,
        ondelete='restrict',
        tracking=True,
        help="The customer, or the department: a contact below its company.",
    )
    is_partner_archived = fields.Boolean(compute='_compute_is_partner_archived')
    session_count = fields.Integer(string="Sessions", compute='_compute_session_count')

    # === CONSTRAINTS === #

    _value_unique = models.UniqueIndex(
        "(company_id, COALESCE(source, ''), field, operator, value) WHERE active",
        "A rule for this already exists. Change that one instead.",
    )

    @api.constrains('partner_id', 'company_id', 'active')
    def _check_partner(self):
        for rule in self.filtered('active'):
            # sudo: a contact of another company is refused by name, not by a rule of access
            partner = rule.partner_id.sudo()
            if not partner.active:
                raise ValidationError(
                    self.env._(
                        "%(customer)s is archived, so no session can be matched to it. Restore "
                        "it, or choose another customer.",
                        customer=partner.display_name,
                    )
                )
            if partner.company_id not in (rule.company_id, partner.company_id.browse()):
                raise ValidationError(
                    self.env._(
                        "%(customer)s belongs to %(theirs)s, and the rule to %(ours)s. Choose a "
                        "customer of %(ours)s.",
                        customer=partner.display_name,
                        theirs=partner.company_id.name,
                        ours=rule.company_id.name,
                    )
                )

    # === COMPUTE METHODS === #

    @api.depends('given_name', 'field', 'operator', 'value', 'source', 'partner_id.name')
    def _compute_name(self):
        for rule in self:
            rule.name = rule.given_name or rule._describe()

    def _inverse_name(self):
        # A list that was exported, and comes back in the language of somebody else, gives none.
        languages = [code for code, _name in self.env['res.lang'].get_installed()]
        for rule in self:
            name = (rule.name or "").strip()
            described = {rule.with_context(lang=code)._describe() for code in languages}
            rule.given_name = name if name and name not in described else False
        # An emptied name is no change of what it is computed from.
        self.env.add_to_compute(self._fields['name'], self)

    @api.depends('partner_id.active')
    def _compute_is_partner_archived(self):
        for rule in self:
            rule.is_partner_archived = bool(rule.partner_id) and not rule.partner_id.active

    def _compute_session_count(self):
        counts = dict(
            self.env['assist.session']._read_group(
                [('matching_rule_id', 'in', self.ids)], ['matching_rule_id'], ['__count']
            )
        )
        for rule in self:
            rule.session_count = counts.get(rule._origin, 0)

    # === CRUD METHODS === #

    @api.model
    def _get_said_better(self):
        # EXTENDS: what no text may have is left out of it before it is stored
        return (*super()._get_said_better(), 'value')

    @api.model_create_multi
    def create(self, vals_list):
        self._assist_check_access('create', vals_list)
        for vals in vals_list:
            self._clean_value(vals)
        self._check_new(vals_list)
        rules = super().create(vals_list)
        rules._apply()
        return rules

    def write(self, vals):
        self._assist_check_access('write', [vals])
        self._check_same_company(vals)
        vals = dict(vals)
        if 'name' in vals and all(rule.name == vals['name'] for rule in self):
            # Nobody chose it: that is what it is called, in whatever language.
            del vals['name']
        if not {'field', 'operator', 'value'}.isdisjoint(vals):
            for rule in self:
                rule._clean_value(vals)
        if not {'source', 'field', 'operator', 'value', 'company_id', 'active'}.isdisjoint(vals):
            self._check_new([rule._get_key_vals(vals) for rule in self], known=self)
        moved = self.filtered(
            lambda rule: 'partner_id' in vals and rule.partner_id.id != vals['partner_id']
        )
        result = super().write(vals)
        moved._move_sessions()
        if not vals.keys().isdisjoint(MATCHING_FIELDS):
            self._apply()
        return result

    def copy_data(self, default=None):
        # Two of the same would be refused: a copy is there to be changed before it counts.
        vals_list = super().copy_data({'active': False, **(default or {})})
        return [{**vals, 'given_name': False, 'name': False} for vals in vals_list]

    # === CHECKS === #

    def _get_key_vals(self, vals):
        """Return by which this rule differs from others once `vals` is written."""
        return {
            name: vals.get(name, self._fields[name].convert_to_write(self[name], self))
            for name in (*KEY_FIELDS, 'active')
        }

    def _clean_value(self, vals):
        """Put the value in `vals` as it is compared; refuse in words what fits nothing or all."""
        field, operator, value = (
            vals.get(name, self[name] if self else self.default_get([name]).get(name))
            for name in ('field', 'operator', 'value')
        )
        try:
            vals['value'] = matching.check_value(field, operator, str(value or ''))
        except matching.BadValue as bad:
            raise ValidationError(self._explain(bad)) from bad

    @api.model
    def _explain(self, bad):
        """Return in words why a value is refused."""
        texts = {
            'empty': self.env._("Matching rule: enter what to look for."),
            'long': self.env._("Matching rule: at most 255 characters can be searched for."),
            'wildcard': self.env._("Matching rule: to use * choose “looks like”."),
            'no_domain_field': self.env._(
                "Matching rule: only an e-mail address can be in a domain."
            ),
            'no_email': self.env._(
                "Matching rule: “%(value)s” is not an e-mail address. To match a whole company, "
                "choose E-mail Domain.",
                value=bad.detail,
            ),
            'no_domain': self.env._(
                "Matching rule: “%(value)s” is not a domain. Write it like acme.example.",
                value=bad.detail,
            ),
            'top_level': self.env._(
                "Matching rule: the domain “%(value)s” is shared by too many organisations. "
                "Write it like acme.example.",
                value=bad.detail,
            ),
            'public_domain': self.env._(
                "Matching rule: anybody can have an address at %(value)s, so it does not "
                "identify a customer. Choose E-mail Address and enter the whole address.",
                value=bad.detail,
            ),
            'bare_pattern': self.env._(
                "Matching rule: this pattern would match almost everything. Enter at least two "
                "letters or digits besides * and ?."
            ),
        }
        return texts[bad.code]

    def _check_same_company(self, vals):
        """Refuse to move a rule to another company: its sessions and its history are of this."""
        if 'company_id' in vals and self._assist_is_changed('company_id', vals['company_id']):
            raise UserError(
                self.env._(
                    "%(rule)s: a matching rule cannot move to another company. Create one in the "
                    "other company, and archive this one.",
                    rule=self[0].name,
                )
            )

    @api.model
    def _check_new(self, vals_list, known=()):
        """Refuse in words a second rule for the same; the database would name an index.

        :param known: the rules that these values are written to
        """
        defaults = self.default_get(list(KEY_FIELDS))
        keys = [
            tuple(vals.get(name) or defaults.get(name) or False for name in KEY_FIELDS)
            for vals in vals_list
            if vals.get('active') is not False
        ]
        # sudo: a rule that the user may not see is in the way all the same
        others = self.sudo().search(
            [
                ('value', 'in', [key[-1] for key in keys]),
                ('id', 'not in', known.ids if known else []),
            ]
        )
        there = {
            tuple(
                other._fields[name].convert_to_write(other[name], other) for name in KEY_FIELDS
            ): other
            for other in others
        }
        for key in keys:
            if other := there.get(key):
                raise ValidationError(
                    self.env._(
                        "There is already a matching rule for “%(value)s”, for %(customer)s. "
                        "Change that one instead.",
                        value=key[-1],
                        customer=other.partner_id.display_name,
                    )
                )
        if twice := next((key for key, count in Counter(keys).items() if count > 1), None):
            raise ValidationError(
                self.env._(
                    "“%(value)s” would have two matching rules. Remove one of them.",
                    value=twice[-1],
                )
            )

    # === ACTIONS === #

    def action_apply(self):
        """Match what came in meanwhile, and say how many sessions that were."""
        self.check_access('write')
        matched = sum(len(ids) for ids in self._apply().values())
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if matched else 'info',
                'message': self.env._("Sessions matched: %(count)s", count=matched),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_view_sessions(self):
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('assist_billing.assist_session_action'),
            'domain': [('matching_rule_id', '=', self.id)],
            'context': {'create': False},
        }

    # === BUSINESS METHODS === #

    def _describe(self):
        """Return the rule in words."""
        self.ensure_one()
        said, how, where = (
            dict(self._fields[name]._description_selection(self.env)).get(self[name], "")
            for name in ('field', 'operator', 'source')
        )
        words = {
            'said': said,
            'how': how,
            'value': self.value or "…",
            'customer': self.partner_id.name or "…",
        }
        if where:
            return self.env._(
                "%(said)s %(how)s %(value)s at %(where)s: %(customer)s", where=where, **words
            )
        return self.env._("%(said)s %(how)s %(value)s: %(customer)s", **words)

    @api.model
    def _get_matcher(self, company):
        """Return the rules of a company that are in force, ready to be asked, in one query."""
        self.flush_model()
        self.env['res.partner'].flush_model(['active', 'company_id'])
        return matching.Matcher(
            matching.Rule(*row)
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT r.id, r.source, r.field, r.operator, r.value, r.partner_id
                      FROM assist_matching_rule r
                      JOIN res_partner p ON p.id = r.partner_id
                     WHERE r.company_id = %s AND r.active AND p.active
                       AND (p.company_id IS NULL OR p.company_id = r.company_id)
                  ORDER BY r.sequence, r.id
                    """,
                    company.id,
                )
            )
        )

    # === SELECTIONS === #

    @api.model
    def _get_sources(self):
        return self.env['assist.session']._get_sources()
