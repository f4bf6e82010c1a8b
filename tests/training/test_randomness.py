from retseg.training.randomness import Purpose, generator, number_of, torch_seed


def test_purposes_and_places_have_streams_of_their_own():
    streams = {
        tuple(generator(seed, purpose, *place).random(2))
        for seed in (0, 1)
        for purpose in Purpose
        for place in ((1, 0), (0, 1), (1, 1))
    }
    assert len(streams) == 2 * len(Purpose) * 3


def test_draws_are_the_same_on_every_machine():
    assert generator(7, Purpose.EPOCH, 3).integers(0, 10**6, 3).tolist() == [23875, 691619, 461058]
    assert torch_seed(7, Purpose.DROPOUT, 3, 1) == 3362574164274536752
    assert number_of("a/b") == 133447708


def test_torch_seeds_fit_into_63_bits():
    assert all(0 <= torch_seed(seed, Purpose.WEIGHTS) < 2**63 for seed in range(200))
