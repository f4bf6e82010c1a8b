from __future__ import annotations

import pickle

from retseg.core.errors import ImageError, RetsegError, nearest


def test_line_says_what_where_and_how_to_fix_it():
    error = ImageError("the file is truncated", where="a.jpg", fix="Fetch it again")
    assert error.line == "the file is truncated: a.jpg. Fetch it again."
    assert str(error) == error.line


def test_line_is_one_line_whatever_is_in_it():
    assert "\n" not in RetsegError("two\nlines", fix="do\nthis").line


def test_errors_survive_the_way_back_from_a_worker_process():
    error = pickle.loads(pickle.dumps(ImageError("bad", where="a.jpg", fix="Mend it")))
    assert type(error) is ImageError
    assert error.line == "bad: a.jpg. Mend it."


def test_nearest_names_close_ones_first_and_all_of_them():
    text = nearest("sgnet", ["unet", "segnet"])
    assert text.startswith("Did you mean segnet")
    assert "unet" in text
    assert nearest("zzz", ["unet"]) == "Known: unet"
