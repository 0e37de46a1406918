"""What a message is counted with."""

from homeport.model.telemetry import size_of


def test_all_texts_of_a_message_count_and_an_empty_one_is_not_free() -> None:
    empty = size_of("", b"", ())
    assert empty > 0
    assert size_of("dev", b"12345", (("name", "value"), ("", ""))) == empty + 3 + 5 + 9
