from __future__ import annotations

from retseg.stages.report import short_names, without_shared_beginning


def test_names_lose_their_keys_where_that_leaves_them_distinct():
    assert short_names(["chase-unet-1a2b3c", "chase-segnet-4d5e6f"]) == ["chase-unet", "chase-segnet"]
    assert short_names(["chase-unet-1a2b3c", "chase-unet-4d5e6f"]) == ["chase-unet-1a2b3c", "chase-unet-4d5e6f"]


def test_what_all_names_begin_with_is_left_out_word_by_word():
    assert without_shared_beginning(["all-nets-unet", "all-nets-unet-tgs", "all-nets-segnet"]) == [
        "unet", "unet-tgs", "segnet",
    ]  # fmt: skip
    assert without_shared_beginning(["unet", "unetpp"]) == ["unet", "unetpp"]
    assert without_shared_beginning(["a-unet", "a"]) == ["a-unet", "a"]
    assert without_shared_beginning(["chase-unet"]) == ["chase-unet"]
