"""From four turns of the load generator to the model's service times."""

import pytest
from bench.measurement import Cost
from bench.storm.calibration import combine, median_of


def cost(cpu_us: float, per_second: float = 1_000) -> Cost:
    return Cost(cpu_us=cpu_us, per_second=per_second, bystanders=0)


def test_the_steps_add_up_to_the_measured_rate() -> None:
    result = combine(cost(600), cost(600), cost(350), cost(100), mqtt_share=0.5, workers=1)
    times = result.times
    assert result.capacity == pytest.approx(1_000)
    assert times.provisioning == pytest.approx(0.001)
    assert times.handshake == pytest.approx(0.001 * 350 / 600)
    assert times.register == pytest.approx(0.001 * 150 / 600)
    assert result.cpu_us == 600


def test_a_fleet_of_both_protocols_takes_as_long_as_its_parts_do() -> None:
    result = combine(cost(500, 2_000), cost(700, 500), cost(300), cost(100), mqtt_share=0.25, workers=2)
    assert result.capacity == pytest.approx(1 / (0.75 / 2_000 + 0.25 / 500))
    assert result.times.provisioning == pytest.approx(2 / result.capacity)


def test_noise_leaves_the_registration_a_part() -> None:
    result = combine(cost(300), cost(300), cost(290), cost(50), mqtt_share=0, workers=1)
    assert 0 < result.times.register < result.times.handshake


def test_one_disturbed_turn_of_three_does_not_count() -> None:
    assert median_of([cost(600, 900), cost(2_000, 100), cost(610, 1_000)]) == cost(610, 900)
