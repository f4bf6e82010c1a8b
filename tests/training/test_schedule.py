import pytest

from retseg.training.config import TrainConfig
from retseg.training.schedule import Rates, learning_rates, share_of_peak


def shares(steps=100, **config):
    return [share_of_peak(TrainConfig(warmup=0.0, **config), step, steps) for step in range(steps)]


def test_the_cosine_rises_and_falls_to_almost_nothing():
    config = TrainConfig(lr=0.1, schedule="cosine", warmup=0.1)
    rates = [learning_rates(config, step, 100).rest for step in range(100)]
    assert rates[0] == pytest.approx(0.1 / 11)
    assert max(rates) == rates[10] == 0.1
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.05)
    assert 0 < rates[-1] < 1e-4


def test_a_constant_rate_is_constant():
    assert set(shares(7, schedule="constant")) == {1.0}


def test_steps_go_down_by_the_same_factor_in_equal_parts():
    found = shares(90, schedule="step", stages=3, decay=0.1)
    assert found[:30] == [1.0] * 30
    assert found[30:60] == pytest.approx([0.1] * 30)
    assert found[60:] == pytest.approx([0.01] * 30)


def test_one_cycle_rises_to_its_peak_and_ends_near_zero():
    found = shares(100, schedule="one-cycle")
    assert found[0] == pytest.approx(1 / 25)
    assert found[:31] == sorted(found[:31])
    assert found[30] == pytest.approx(1.0)
    assert found[30:] == sorted(found[30:], reverse=True)
    assert found[-1] < 0.01


def test_one_cycle_is_the_one_of_torch():
    import torch

    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    # torch counts the peak as a step of the rise, so its 101 points are our positions 0 to 100.
    policy = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=1.0,
        total_steps=101,
        pct_start=31 / 101,
        div_factor=25,
        final_div_factor=400,
        cycle_momentum=False,
    )
    expected = []
    for _ in range(101):
        expected.append(policy.get_last_lr()[0])
        optimiser.step()
        if len(expected) < 101:
            policy.step()
    config = TrainConfig(schedule="one-cycle")
    assert [share_of_peak(config, step, 100) for step in range(101)] == pytest.approx(expected, abs=1e-9)


def test_cycles_begin_and_end_low_and_touch_the_peak_once_each():
    found = shares(80, schedule="cyclical", cycles=4)
    assert found[0] == pytest.approx(0.1)
    assert [step for step, share in enumerate(found) if share == pytest.approx(1.0)] == [10, 30, 50, 70]
    assert found[5] == pytest.approx(0.55)
    assert share_of_peak(TrainConfig(schedule="cyclical"), 80, 80) == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine", "one-cycle", "cyclical"])
def test_every_share_is_between_nothing_and_all(schedule):
    for steps in (1, 2, 3, 50):
        for position in (0, 0.4, steps - 1, steps - 0.01, steps):
            assert 0 <= share_of_peak(TrainConfig(schedule=schedule), position, steps) <= 1


def test_a_frozen_encoder_has_no_rate_and_the_rest_its_own_peak_and_schedule():
    config = TrainConfig(lr=1e-4, frozen_lr=1e-3, encoder_lr=1e-5, schedule="cosine", warmup=0.0)
    assert learning_rates(config, 0, 30, 10) == Rates(1e-3, 0.0)
    assert learning_rates(config, 5, 30, 10) == Rates(pytest.approx(5e-4), 0.0)
    assert learning_rates(config, 10, 30, 10) == Rates(1e-4, 1e-5)
    assert learning_rates(config, 20, 30, 10) == Rates(pytest.approx(5e-5), pytest.approx(5e-6))


def test_without_rates_of_their_own_both_parts_take_the_one_rate():
    config = TrainConfig(lr=0.1, schedule="constant", warmup=0.0)
    assert learning_rates(config, 0, 2, 1) == Rates(0.1, 0.0)
    assert learning_rates(config, 1, 2, 1) == Rates(0.1, 0.1)
