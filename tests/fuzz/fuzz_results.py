"""What holds for every record that was read, whatever it was."""

from datetime import datetime, timedelta

from sources import KINDS, Normal, Rejection

NOW = datetime(2026, 11, 20, 12)


def check(result):
    """Assert what holds for every result of `normalise`."""
    assert isinstance(result, Normal | Rejection)
    if isinstance(result, Rejection):
        # “unreadable” is the last guard; reaching it means a fault in the reading.
        assert result.code != 'unreadable', result
        assert len(result.reason) < 1_500
        assert '%(' not in result.template % {**result.params, 'value': ''}
        assert isinstance(result.field, str)
        return
    assert 0 < len(result.external_id) <= 255
    assert result.kind in KINDS
    assert result.started_at.tzinfo is None
    assert result.started_at.microsecond == 0
    assert datetime(1990, 1, 1) <= result.started_at <= NOW + timedelta(hours=24)
    if result.ended_at is not None:
        assert result.ended_at.tzinfo is None
        assert result.started_at <= result.ended_at <= NOW + timedelta(hours=24)
        assert 0 <= result.duration_seconds <= 366 * 86400
    assert result.billable in {None, False}
    for name, text in result._asdict().items():
        if not isinstance(text, str):
            continue
        text.encode()
        assert not any(char < ' ' and char not in '\n\t' for char in text)
        assert len(text) <= (20_000 if name == 'note' else 400)
