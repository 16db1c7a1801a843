from . import inbound, portal, portal_sessions
