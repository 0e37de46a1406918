"""Each cause has its sentence, and facts stay short."""

from homeport.security.chain_refusals import MESSAGES, ChainCause, ChainRefused


def test_every_cause_has_one_sentence_of_its_own() -> None:
    assert set(MESSAGES) == set(ChainCause)
    assert len(set(MESSAGES.values())) == len(ChainCause)
    assert all(message.endswith(".") for message in MESSAGES.values())


def test_a_refusal_says_its_sentence_and_keeps_its_facts_apart() -> None:
    refusal = ChainRefused(ChainCause.EXPIRED, subject="CN=device-1")
    assert str(refusal) == refusal.message == "The device's certificate has expired."
    assert refusal.facts == {"subject": "CN=device-1"}


def test_a_name_as_long_as_a_stranger_likes_is_cut() -> None:
    assert len(ChainRefused(ChainCause.EXPIRED, subject="x" * 10_000).facts["subject"]) == 200
