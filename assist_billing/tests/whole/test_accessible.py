import re
from pathlib import Path

from lxml import etree

from odoo.tests import TransactionCase, tagged

ADDON = Path(__file__).parents[2]
# What makes words that stand on a badge readable.
LEAST_CONTRAST = 4.5


def get_luminance(color):
    """Return how bright a colour (`#rrggbb`) is, from 0 to 1, as WCAG defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def get_contrast(one, other):
    dark, bright = sorted((get_luminance(one), get_luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def has_words(node):
    """Tell whether a node has a text of its own, or shows some value."""
    if "".join(node.itertext()).strip():
        return True
    shows = ('t-out', 't-esc', 't-field')
    return any(
        child.tag == 'field' or any(child.get(name) for name in shows)
        for child in node.iter(etree.Element)
    )


def is_named(node, *, in_list=False):
    """Tell whether a screen reader has something to say of a button or link.

    Of a row's button, Odoo makes no name of its `title`: that is a tooltip alone.
    """
    if node.get('string') or has_words(node):
        return True
    names = ('aria-label', 't-att-aria-label', 't-attf-aria-label')
    if not in_list:
        names += ('title', 't-att-title', 't-attf-title')
    return any(node.get(name) for name in names)


@tagged('post_install', '-at_install')
class TestAccessible(TransactionCase):
    """Everybody can use the screens: what is pressed has a name, what is coloured can be read."""

    def _get_arches(self):
        """Return `{xml id: arch}` of all views and templates of ours."""
        data = self.env['ir.model.data'].search(
            [('model', '=', 'ir.ui.view'), ('module', '=like', 'assist_billing%')]
        )
        return {
            row.complete_name: etree.fromstring(self.env['ir.ui.view'].browse(row.res_id).arch_db)
            for row in data
        }

    def _get_nameless(self, arch):
        pressed = arch.xpath("//button | //a")
        return [
            etree.tostring(node).decode()[:120]
            for node in pressed
            if not is_named(node, in_list=any(up.tag == 'list' for up in node.iterancestors()))
        ]

    def test_every_button_and_link_has_a_name(self):
        arches = self._get_arches()
        count = sum(len(arch.xpath("//button | //a")) for arch in arches.values())
        self.assertGreater(count, 150, "they are all looked at")
        for name, arch in arches.items():
            with self.subTest(view=name):
                self.assertEqual(self._get_nameless(arch), [])

    def test_every_button_of_the_web_client_has_a_name(self):
        paths = sorted((ADDON / 'static/src').rglob('*.xml'))
        self.assertTrue(paths)
        for path in paths:
            with self.subTest(file=path.name):
                self.assertEqual(self._get_nameless(etree.parse(path)), [])

    def test_every_icon_is_named_or_hidden_from_who_does_not_see_it(self):
        for name, arch in self._get_arches().items():
            for icon in arch.xpath("//i[contains(concat(' ', @class), ' fa')]"):
                with self.subTest(view=name, icon=icon.get('class')):
                    self.assertTrue(
                        icon.get('aria-hidden') == 'true'
                        or icon.get('title')
                        or icon.get('aria-label')
                        or has_words(icon.getparent())
                    )

    def test_what_has_no_name_is_found(self):
        nameless = '<form><button icon="fa-check"/><list><button title="Pay"/></list></form>'
        self.assertEqual(len(self._get_nameless(etree.fromstring(nameless))), 2)

    def test_words_on_badges_can_be_read(self):
        style = (ADDON / 'static/src/lists/badges.scss').read_text()
        pairs = re.findall(r'(\w+): \(\s*(#\w{6}),\s*(#\w{6}),?\s*\)', style)
        self.assertEqual([name for name, *_ in pairs], ['success', 'info', 'warning', 'danger'])
        for name, ground, words in pairs:
            with self.subTest(badge=name):
                self.assertGreaterEqual(get_contrast(ground, words), LEAST_CONTRAST)

    def test_every_badge_is_one_that_can_be_read(self):
        for name, arch in self._get_arches().items():
            for field in arch.xpath("//field[@widget='badge' or @widget='label_selection']"):
                with self.subTest(view=name, field=field.get('name')):
                    self.assertIn('o_assist_badge', field.get('class', '').split())

    def test_the_names_of_customers_are_not_cut_in_any_list(self):
        lists = 0
        for name, arch in self._get_arches().items():
            if arch.tag != 'list':
                continue
            for field in arch.xpath("field[@name='partner_id'][not(@column_invisible)]"):
                with self.subTest(view=name):
                    lists += 1
                    self.assertIn('o_assist_whole', field.get('class', '').split())
        self.assertGreater(lists, 6, "they are all looked at")

    def test_amounts_on_cards_have_their_currency(self):
        # A card shows the sign of a currency that is among its own fields.
        data = self.env['ir.model.data'].search(
            [('model', '=', 'ir.ui.view'), ('module', '=like', 'assist_billing%')]
        )
        views = self.env['ir.ui.view'].browse(data.mapped('res_id'))
        amounts = 0
        for view in views.filtered(lambda view: view.type == 'kanban' and view.model in self.env):
            arch = etree.fromstring(self.env[view.model].get_view(view.id, 'kanban')['arch'])
            fields = self.env[view.model]._fields
            names = {node.get('name') for node in arch.iter('field')}
            for name in names & fields.keys():
                if fields[name].type != 'monetary':
                    continue
                with self.subTest(view=view.name, field=name):
                    amounts += 1
                    self.assertIn(fields[name].get_currency_field(self.env[view.model]), names)
        self.assertTrue(amounts)
