from retseg.core.messages import Message


def test_a_message_says_its_values_and_goes_through_a_file():
    message = Message("only {count} segments are long enough", {"count": "3"})
    assert str(message) == "only 3 segments are long enough"
    assert Message.from_json(message.to_json()) == message
    assert Message.from_json(message.to_json()).values == {"count": "3"}
