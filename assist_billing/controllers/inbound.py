from odoo import http
from odoo.http import request

from ..models.connector.assist_inbound_key import MAX_BODY, PATH, InboundRefusal

# A body that is too large is read and thrown away up to this, so that the sender hears why.
DISCARDED = 4 * MAX_BODY
FORMS = ('application/x-www-form-urlencoded', 'multipart/form-data')


class AssistInbound(http.Controller):
    """The door for programs that send sessions in: signed, bounded, answered record by record."""

    @http.route(
        f'{PATH}/<string:identifier>',
        type='http',
        auth='public',
        methods=['POST'],
        csrf=False,
        save_session=False,
        max_content_length=DISCARDED,
    )
    def receive(self, identifier, **_form):
        """Take in records; see docs/connectors.md.

        Headers: `X-Assist-Timestamp`, seconds since 1970; `X-Assist-Signature`, HMAC-SHA256 of
        timestamp, dot and body, in hexadecimal digits. Answers JSON: `{'answers': [...]}` as of
        `assist.session.ingest`, or `{'error': word, 'message': sentence}`.
        """
        headers = request.httprequest.headers
        try:
            answers = request.env['assist.inbound.key']._receive(
                identifier,
                headers.get('X-Assist-Timestamp'),
                headers.get('X-Assist-Signature'),
                self._read_body(),
            )
        except InboundRefusal as refusal:
            return request.make_json_response(
                {'error': refusal.code, 'message': refusal.message}, status=refusal.status
            )
        return request.make_json_response({'answers': answers})

    def _read_body(self):
        """Return the body, of a length that was told and is bounded."""
        incoming = request.httprequest
        if incoming.mimetype in FORMS:
            raise InboundRefusal(
                415, 'not_json', "Send JSON, with the header Content-Type: application/json."
            )
        length = incoming.content_length
        if length is None:
            raise InboundRefusal(411, 'length', "Send the header Content-Length.")
        if length > MAX_BODY:
            if length <= DISCARDED:
                incoming.get_data(cache=False)
            raise InboundRefusal(
                413, 'too_large', f"Send at most {MAX_BODY} bytes at a time; send several times."
            )
        # Kept: who loses a race is called again, and what was read is not there to be read twice.
        body = incoming.get_data(cache=True)
        if len(body) < length:
            raise InboundRefusal(400, 'cut', "Less came in than Content-Length says.")
        return body
