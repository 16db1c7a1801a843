"""How sessions are fetched: one small client for each remote-support tool. Plain Python.

`client(source, credentials, ...)` gives the client of a source; its `pages(start, end)` yields
what the tool answers, page by page, in the tool's own shape. Every fault is a `ConnectorError`.
"""

from .base import Client, ConnectorError, Page
from .teamviewer import TeamViewer
from .zoho_assist import DATA_CENTRES, ZohoAssist

CLIENTS = {client.source: client for client in (ZohoAssist, TeamViewer)}

__all__ = [
    'CLIENTS',
    'DATA_CENTRES',
    'Client',
    'ConnectorError',
    'Page',
    'TeamViewer',
    'ZohoAssist',
]
