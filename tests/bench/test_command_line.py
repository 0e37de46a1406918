"""The command line's own decisions; measuring is not among them."""

from bench.__main__ import main
from bench.cases import CASES
from click.testing import CliRunner


def test_an_unknown_case_is_answered_with_the_known_ones() -> None:
    outcome = CliRunner().invoke(main, ["--cases", "https-sas,https-sass"])
    assert outcome.exit_code == 2
    assert "https-sass; there are" in outcome.output
    for name in CASES:
        assert name in outcome.output


def test_too_few_operations_are_refused() -> None:
    assert CliRunner().invoke(main, ["--operations", "99"]).exit_code == 2
