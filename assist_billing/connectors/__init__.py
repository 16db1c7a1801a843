"""How sessions are fetched: one small client for each remote-support tool. Plain Python.

`get(source)` is the class of a tool's client; it says what the tool needs and can do. Its
`pages(start, end)` yields what the tool answers, page by page, in the tool's own shape. Every fault
is a `ConnectorError`. A new tool is a file with a class here, registered when it is imported.
"""

from .addresses import read_address
from .base import CREDENTIALS, SECRETS, Client, ConnectorError, Page, get, names, register
from .teamviewer import TeamViewer
from .zoho_assist import DATA_CENTRES, ZohoAssist

__all__ = [
    'CREDENTIALS',
    'DATA_CENTRES',
    'SECRETS',
    'Client',
    'ConnectorError',
    'Page',
    'TeamViewer',
    'ZohoAssist',
    'get',
    'names',
    'read_address',
    'register',
]
