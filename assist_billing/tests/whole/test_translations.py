import re
from collections import Counter
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import TranslationModuleReader

from ..common import AssistBillingCommon
from ..thorough import thorough

LANGUAGES = ('fr', 'de', 'es')
# Words within an expression, in what is said to people: nothing translates them.
SAID_BY_CODE = re.compile(
    r"\bt-att-(?:title|alt|placeholder|label|aria-label|data-tooltip)="
    r"""\"(?:[^"']|'[^'a-zA-Z]*')*'[^'"]*[a-zA-Z]"""
)
# What must come back unchanged from a translation: what is put in, tags, expressions.
FIXED = re.compile(r'%\(\w+\)[sdf]|%[sd]|</?[a-zA-Z][^>]*>|\{\{.*?\}\}')


def read_catalogue(name):
    return polib.pofile(file_path(f'assist_billing/i18n/{name}'))


@tagged('post_install', '-at_install')
class TestCatalogues(TransactionCase):
    @thorough
    def test_the_template_has_all_words_of_the_screens(self):
        words = {row[4] for row in TranslationModuleReader(self.env.cr, ['assist_billing'])}
        template = {entry.msgid for entry in read_catalogue('assist_billing.pot')}
        self.assertEqual(sorted(words - template), [], "run `make translations`")
        self.assertEqual(sorted(template - words), [], "run `make translations`")

    def test_each_language_is_complete(self):
        template = {entry.msgid for entry in read_catalogue('assist_billing.pot')}
        for language in LANGUAGES:
            with self.subTest(language):
                catalogue = read_catalogue(f'{language}.po')
                self.assertEqual({entry.msgid for entry in catalogue}, template)
                missing = [entry.msgid for entry in catalogue if not entry.translated()]
                self.assertEqual(missing, [])

    def test_no_screen_says_words_of_its_code(self):
        addon = Path(__file__).parents[2]
        files = [path for path in addon.rglob('*.xml') if 'tests' not in path.parts]
        self.assertGreater(len(files), 50)
        said = {path.name: SAID_BY_CODE.findall(path.read_text(encoding='utf-8')) for path in files}
        self.assertEqual({name: found for name, found in said.items() if found}, {})

    def test_no_translation_loses_what_is_put_in(self):
        for language in LANGUAGES:
            # Not a subtest for each text: to report on seven thousand takes longer than to look.
            with self.subTest(language):
                self.assertEqual(
                    {
                        entry.msgid: Counter(FIXED.findall(entry.msgstr))
                        for entry in read_catalogue(f'{language}.po')
                    },
                    {
                        entry.msgid: Counter(FIXED.findall(entry.msgid))
                        for entry in read_catalogue(f'{language}.po')
                    },
                )


@tagged('post_install', '-at_install')
class TestBillInCustomerLanguage(AssistBillingCommon):
    def test_the_statement_speaks_the_customer_s_language(self):
        self.env['res.lang']._activate_lang('fr_FR')
        self.env['ir.module.module'].search([('name', '=', 'assist_billing')])._update_translations(
            ['fr_FR']
        )
        self.customer.lang = 'fr_FR'
        association = self._associate()
        self._create_session(ended_at='2026-01-15 10:30:00')
        self._close('2026-02-01 01:00:00')
        html, _kind = self.env['ir.actions.report']._render_qweb_html(
            'account.account_invoices', self._bill(association).ids
        )
        page = html.decode()
        self.assertIn("Technicien", page)
        self.assertIn("jeu. 15 janv.", page)
