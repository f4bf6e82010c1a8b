from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from retseg.core.errors import CheckpointError
from retseg.models.transfer import Transfer, head_of, require_some, transfer
from retseg.models.unet import UNet, UNetOptions


class Small(nn.Module):
    """A body of one normalised convolution, and a head of one."""

    def __init__(self, classes: int, width: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, bias=False), nn.BatchNorm2d(width))
        self.classify = nn.Conv2d(width, classes, 1)


def weights_of(net: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def test_everything_fits_a_net_of_the_same_kind() -> None:
    source, net = Small(3), Small(3)
    taken = transfer(net, weights_of(source))
    assert taken.loaded == tuple(net.state_dict())
    assert taken.fresh == taken.unused == ()
    assert all(torch.equal(a, b) for a, b in zip(source.state_dict().values(), net.state_dict().values(), strict=True))
    assert taken.sentence == "Weights taken over: 8 of 8 tensors."


def test_other_classes_leave_the_head_as_it_was_and_say_so() -> None:
    source, net = Small(23), Small(3)
    before = weights_of(net)
    taken = transfer(net, weights_of(source), head=head_of(Small))
    assert taken.fresh == taken.unused == ("classify.weight", "classify.bias")
    assert torch.equal(net.classify.weight, before["classify.weight"])
    assert torch.equal(net.body[0].weight, source.body[0].weight)
    assert taken.sentence == (
        "Weights taken over: 6 of 8 tensors. Fresh: classify.weight, classify.bias (3 classes instead of 23)."
    )


def test_what_shall_be_left_stays_even_if_it_fits() -> None:
    source, net = Small(3), Small(3)
    before = weights_of(net)
    taken = transfer(net, weights_of(source), leave={"classify.weight", "classify.bias"})
    assert torch.equal(net.classify.weight, before["classify.weight"])
    assert taken.sentence.endswith("Fresh: classify.weight, classify.bias (left out on purpose).")


def test_names_on_either_side_that_the_other_lacks_are_told() -> None:
    net = Small(3)
    tensors = weights_of(net)
    tensors["old.bias"] = tensors.pop("classify.bias")
    taken = transfer(net, tensors)
    assert taken.fresh == ("classify.bias",)
    assert taken.unused == ("old.bias",)
    assert taken.sentence.endswith("Fresh: classify.bias (not among the weights). Not used: old.bias.")


def test_shapes_that_differ_for_another_reason_are_written_out() -> None:
    taken = transfer(Small(3, width=4), weights_of(Small(3, width=8)))
    assert taken.reasons["body.0.weight"] == "4x3x3x3 instead of 8x3x3x3"
    assert taken.loaded == ("body.1.num_batches_tracked", "classify.bias")


def test_a_missing_counter_of_updates_is_no_loss() -> None:
    net = Small(3)
    tensors = weights_of(net)
    del tensors["body.1.num_batches_tracked"]
    taken = transfer(net, tensors)
    assert taken.fresh == ()
    assert len(taken.loaded) == 7


def test_number_formats_of_the_net_stay() -> None:
    net = Small(3)
    transfer(net, {name: tensor.half() for name, tensor in weights_of(Small(3)).items()})
    assert net.classify.weight.dtype == torch.float32


def test_a_long_list_is_cut_short() -> None:
    taken = Transfer((), ("a", "b", "c", "d", "e"), (), dict.fromkeys("abcde", "not among the weights"))
    assert "Fresh: a, b, c and 2 more (not among the weights)." in taken.sentence


def test_the_head_is_what_the_number_of_classes_shapes() -> None:
    assert head_of(Small) == {"classify.weight", "classify.bias"}
    options = UNetOptions(depth=2, width=4)
    assert head_of(lambda classes: UNet(3, classes, options)) == {"classify.weight", "classify.bias"}


def test_the_head_of_a_net_whose_second_half_sees_the_first_map() -> None:
    def build(classes: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, classes, 1), nn.Conv2d(classes, 4, 1), nn.Conv2d(4, classes, 1, bias=False))

    assert head_of(build) == {"0.weight", "0.bias", "1.weight", "2.weight"}


def test_asking_for_the_head_moves_no_random_number() -> None:
    def initialised_by_value(classes: int) -> nn.Module:
        net = Small(classes)
        assert float(net.classify.weight.detach().abs().sum()) >= 0  # impossible without values
        return net

    for build in (Small, initialised_by_value):
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        head_of(build)
        assert torch.equal(torch.rand(3), expected)


def test_weights_of_another_architecture_are_refused_with_what_differs() -> None:
    net = UNet(3, 3, UNetOptions(depth=2, width=4))
    head = head_of(partial(UNet, 3, options=UNetOptions(depth=2, width=4)))
    require_some(transfer(net, weights_of(UNet(3, 9, UNetOptions(depth=2, width=4)))), head=head)
    with pytest.raises(CheckpointError, match="weights of another architecture") as caught:
        require_some(transfer(net, weights_of(Small(3))), head=head, where="runs/other")
    # Five levels of two convolutions, each with four tensors of its normalisation, and two narrowings.
    assert f"0 of {5 * 2 * (1 + 4) + 2 * 2} tensors fit" in caught.value.line
    assert "down.0.convolution1.weight (not among the weights)" in caught.value.line
    assert "the weights have body.0.weight, body.1.weight, body.1.bias and 3 more" in caught.value.line
    assert "runs/other" in caught.value.line


@pytest.mark.parametrize(("fitting", "enough"), [(1, False), (2, True), (3, True)])
def test_half_of_the_tensors_is_enough(fitting: int, enough: bool) -> None:
    names = ("a", "b", "c", "d")
    taken = Transfer(names[:fitting], (*names[fitting:], "head"), (), {})
    if enough:
        require_some(taken, head={"head"})
    else:
        with pytest.raises(CheckpointError, match=f"{fitting} of 4"):
            require_some(taken, head={"head"})
