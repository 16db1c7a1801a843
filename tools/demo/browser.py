"""A headless Chromium that opens pages of Odoo and takes their pictures, by its DevTools protocol.

Runs on the Python of Odoo's environment, which has `websocket`.
"""

import base64
import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import websocket

# Nothing is awaited for longer.
PATIENCE_SECONDS = 60
# The page has its records, and nothing is being loaded or drawn.
IS_QUIET = """
    document.readyState === "complete"
    && !document.querySelector(".o_blockUI, .o_loading_indicator, .o_view_sample_data .o_loading")
    && [...document.images].every((image) => image.complete)
    && document.fonts.status === "loaded"
"""


class Browser:
    """One page of one browser, logged in as somebody."""

    def __init__(self, url: str, page: websocket.WebSocket):
        self.url = url
        self._page = page
        self._numbers = itertools.count(1)
        self.send('Page.enable')
        self.send('Runtime.enable')

    def send(self, method: str, **params) -> dict:
        """Have the browser do something, and return its answer.

        :raise RuntimeError: when it refuses.
        """
        number = next(self._numbers)
        self._page.send(json.dumps({'id': number, 'method': method, 'params': params}))
        while True:
            answer = json.loads(self._page.recv())
            if answer.get('id') == number:
                if 'error' in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer['result']

    def run(self, script: str) -> object:
        """Evaluate JavaScript on the page and return its value; promises are awaited.

        :raise RuntimeError: when it throws.
        """
        answer = self.send(
            'Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True
        )
        if 'exceptionDetails' in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer['result'].get('value')

    def set_size(self, width: int, height: int) -> None:
        """Be a window of this many pixels: a phone, below 500 of them."""
        self.send(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def log_in(self, login: str) -> None:
        """Log in as somebody whose password is their login, as that of demo users is."""
        # Also who was logged in before, whom Odoo offers to switch to instead of asking.
        self.send('Storage.clearDataForOrigin', origin=self.url, storageTypes='all')
        self.send('Network.clearBrowserCookies')
        self.open('/web/login')
        self.run(
            f"document.querySelector('input[name=login]').value = {json.dumps(login)};"
            f"document.querySelector('input[name=password]').value = {json.dumps(login)};"
            "document.querySelector('.oe_login_form').submit();"
        )
        self.wait_for("!location.pathname.startsWith('/web/login')")
        self.settle()

    def open(self, path: str) -> None:
        """Open a page, and wait until it stands still."""
        self.send('Page.navigate', url=self.url + path)
        time.sleep(0.3)
        self.settle()

    def show_file(self, path: Path) -> None:
        """Show a PDF; its viewer does not tell when it has drawn it."""
        self.send('Page.navigate', url=f'{path.as_uri()}#toolbar=0&view=FitH')
        time.sleep(5)

    def click(self, selector: str) -> None:
        """Click what a selector finds first, and wait until the page stands still."""
        found = f'document.querySelector({json.dumps(selector)})'
        self.wait_for(f'!!{found}')
        self.run(f'{found}.click()')
        self.settle()

    def wait_for(self, condition: str) -> None:
        """Wait until some JavaScript is true.

        :raise TimeoutError: when it does not become so.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            # Between two pages there is none to ask.
            with contextlib.suppress(RuntimeError):
                if self.run(condition):
                    return
            time.sleep(0.1)
        raise TimeoutError(f"{self.url}: not within {PATIENCE_SECONDS} seconds: {condition}")

    def settle(self) -> None:
        """Wait until a page is whole, and has been so for a while."""
        quiet = 0
        while quiet < 4:
            self.wait_for(IS_QUIET)
            time.sleep(0.15)
            quiet = quiet + 1 if self.run(IS_QUIET) else 0

    def take_picture(self, path: Path, *, whole: bool = False) -> None:
        """Write the page as PNG: as much as the window shows, or all of it."""
        # The pointer's doings (tooltips, a focused field's caret) are no part of a picture.
        self.run("document.activeElement && document.activeElement.blur()")
        # Nor is the first greeting of Odoo's own assistant, which covers a small screen.
        self.run(
            "document.head.insertAdjacentHTML('beforeend',"
            " '<style>.o-mail-ChatHub { display: none !important; }</style>')"
        )
        shot = self.send('Page.captureScreenshot', format='png', captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot['data']))


@contextlib.contextmanager
def browsing(url: str, width: int = 1366, height: int = 768) -> Iterator[Browser]:
    """Have a browser while this lasts.

    :raise RuntimeError: when there is none on this machine.
    """
    program = shutil.which('chromium') or shutil.which('google-chrome')
    if not program:
        raise RuntimeError("There is no chromium here, which takes the pictures.")
    # The browser's children may still write there while they end.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = [
            '--headless=new',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-dev-shm-usage',
            '--hide-scrollbars',
            '--no-first-run',
            '--remote-debugging-port=0',
            '--remote-allow-origins=*',
            f'--user-data-dir={folder}',
            'about:blank',
        ]
        quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        with subprocess.Popen([program, *options], **quiet) as process:
            try:
                page = websocket.create_connection(_get_address(Path(folder)), timeout=60)
                browser = Browser(url, page)
                browser.set_size(width, height)
                yield browser
            finally:
                process.terminate()
                process.wait()


def _get_address(folder: Path) -> str:
    """Return where the browser that uses this folder can be spoken to."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    said = folder / 'DevToolsActivePort'
    while time.monotonic() < give_up:
        if said.is_file() and said.read_text().strip():
            port = int(said.read_text().split()[0])
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/json') as answer:
                for target in json.load(answer):
                    if target['type'] == 'page':
                        return target['webSocketDebuggerUrl']
        time.sleep(0.1)
    raise TimeoutError("The browser did not start.")
