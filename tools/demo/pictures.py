"""Takes the pictures of the documentation from a running demo; see tools/pictures.

ASSIST_DEMO_URL names the server, ASSIST_CLONE the folder in which docs/images is,
ASSIST_PICTURE_PDF a bill.
"""

import os
import shutil
from pathlib import Path

from browser import browsing

CLONE = Path(os.environ['ASSIST_CLONE'])
IMAGES = CLONE / 'docs/images'
# The add-on's page in a store shows some of them.
PAGE = CLONE / 'assist_billing/static/description/img'
ADMIN = 'admin'
DESK, PHONE = (1366, 768), (390, 844)
# Both pages of a bill, one below the other.
PAPER = (900, 2330)
# Name, page, and what is clicked there before the picture.
SCREENS = (
    ('overview', '/odoo/remote-support-start', ()),
    (
        'get-started',
        '/odoo/remote-support-start',
        ('.o_assist_get_started header .btn-link',),
    ),
    ('bills', '/odoo/remote-support-bills', ()),
    ('bill', '/odoo/remote-support-bills', ('.o_data_row .o_data_cell[name=name]',)),
    ('plan', '/odoo/remote-support-plans', ('.o_data_row .o_data_cell[name=name]',)),
    (
        'association',
        '/odoo/remote-support-plans',
        (
            '.o_data_row .o_data_cell[name=name]',
            'button[name=action_associate_customers]',
        ),
    ),
    ('sessions', '/odoo/remote-sessions', ()),
    ('run-book', '/odoo/remote-support-due', ()),
    ('unmatched', '/odoo/unmatched-sessions', ()),
)
PHONE_SCREENS = (('phone-sessions', '/odoo/my-remote-sessions', ()),)
PORTAL = (
    ('portal-overview', '/my/remote-support', ()),
    ('portal-sessions', '/my/remote-support/sessions', ()),
)


def take(browser, screens):
    for name, page, clicks in screens:
        browser.open(page)
        for selector in clicks:
            browser.click(selector)
        browser.take_picture(IMAGES / f'{name}.png')
        print(f"docs/images/{name}.png")


with browsing(os.environ['ASSIST_DEMO_URL'], *DESK) as browser:
    browser.log_in(ADMIN)
    take(browser, SCREENS)
    browser.set_size(*PHONE)
    browser.log_in('mia')
    take(browser, PHONE_SCREENS)
    browser.set_size(*DESK)
    browser.log_in('harbor')
    take(browser, PORTAL)
    browser.set_size(*PAPER)
    browser.show_file(Path(os.environ['ASSIST_PICTURE_PDF']))
    browser.take_picture(IMAGES / 'pdf.png')
for picture in PAGE.glob('*.png'):
    if (IMAGES / picture.name).is_file():
        shutil.copy(IMAGES / picture.name, picture)
