from . import portal, portal_sessions
