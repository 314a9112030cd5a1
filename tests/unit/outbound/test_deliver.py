"""A message on its way to a receiver."""

from outbound.deliver import Message


def test_its_keys_are_not_shown() -> None:
    message = Message("http://h/hook", "msg_1", b"{}", ["key-of-a-tenant", "a-retired-one"])
    assert "msg_1" in repr(message)
    assert "key-of-a-tenant" not in repr(message)
    assert "a-retired-one" not in repr(message)
