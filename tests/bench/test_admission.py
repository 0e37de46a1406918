"""What admission costs is measured for every profile; how much it is depends on the machine."""

import pytest
from bench.admission import PROFILES, main, measure


@pytest.mark.parametrize("profile", PROFILES)
def test_nobody_is_refused_who_should_not_be(profile: str) -> None:
    cost = measure(PROFILES[profile], 50)
    assert min(cost.registration, cost.poll, cost.refusal) >= 0


def test_a_line_for_each_profile(capsys: pytest.CaptureFixture[str]) -> None:
    main(devices=10)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == list(PROFILES)
