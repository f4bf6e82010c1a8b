from __future__ import annotations

import pytest

from retseg.core.errors import InputError
from retseg.datasets.table import read_table, table_samples


@pytest.fixture
def eyes(tmp_path, studio):
    for name in ("a.jpg", "b.jpg", "la.png", "lb.png", "l2a.png", "fa.png"):
        studio.photograph(tmp_path / name)
    return tmp_path


def samples_of(root, text, name="index.csv"):
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(text.encode("utf-8"))
    return table_samples(read_table(root / name), root)


def test_every_column_reaches_its_sample(eyes):
    found = samples_of(
        eyes,
        "image,label,label2,fov,patient,eye,split,um_per_pixel\n"
        "a.jpg,la.png,l2a.png,fa.png,p1,OS,train,7.5\n"
        "b.jpg,lb.png,,,p2,R,TEST,\n",
    )
    assert found.findings == []
    a, b = found.samples
    assert (a.id, a.patient, a.eye, a.split, a.um_per_pixel) == ("a", "p1", "L", "train", 7.5)
    assert a.labels == {"label": eyes / "la.png", "label2": eyes / "l2a.png"}
    assert a.reference == "label"
    assert a.fov == eyes / "fa.png"
    assert (b.id, b.patient, b.eye, b.split, b.um_per_pixel, b.fov) == ("b", "p2", "R", "test", None, None)


@pytest.mark.parametrize(
    "text",
    [
        "image\na.jpg\n",
        "\ufeffimage;label\na.jpg;la.png\n",
        "Image\tLabel\r\na.jpg\tla.png\r\n",
        'image\n"a.jpg"\n\n,\n',
    ],
)
def test_what_spreadsheets_save_is_understood(eyes, text):
    found = samples_of(eyes, text)
    assert [sample.id for sample in found.samples] == ["a"]
    assert found.findings == []
    assert found.samples[0].patient == "a"


def test_paths_are_relative_to_the_table_or_to_the_root(eyes, studio):
    studio.photograph(eyes / "tables/near.jpg")
    found = samples_of(eyes, "image\nnear.jpg\na.jpg\n", "tables/mine.csv")
    assert [sample.image for sample in found.samples] == [eyes / "tables/near.jpg", eyes / "a.jpg"]
    assert [sample.id for sample in found.samples] == ["tables/near", "a"]


@pytest.mark.parametrize(
    ("written", "split"),
    [("train", "train"), ("validation", "validation"), ("VAL", "validation"), ("Test", "test"), ("", "test")],
)
def test_an_owner_may_set_photographs_aside_for_validation(eyes, written, split):
    found = samples_of(eyes, f"image,split\na.jpg,{written}\n")
    assert [sample.split for sample in found.samples] == [split]
    assert found.findings == []


def test_everything_wrong_is_named_with_its_line(eyes):
    found = samples_of(
        eyes,
        "image,label,label2,split,um_per_pixel\n"
        "a.jpg,la.png,,practice,7\n"
        "gone.jpg,la.png,,test,7\n"
        "b.jpg,missing.png,,test,zero\n"
        "a.jpg,la.png,,test,7\n"
        ",la.png,,test,7\n"
        "lb.png,,l2a.png,test,-1\n",
    )
    what = [finding.what for finding in found.findings]
    for part in (
        "line 2: split is 'practice', none of train, validation, test, val",
        "image missing (named in line 3",
        "label missing (named in line 4",
        "line 4: um_per_pixel is 'zero'",
        "line 5: a.jpg stands in the table twice",
        "line 6: no image",
        "line 7: there is a label2 but no label",
        "line 7: um_per_pixel is '-1'",
    ):
        assert any(part in text for text in what), part
    assert len(what) == 8
    assert all(finding.blocks for finding in found.findings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'image'"),
        ("picture,label\na.jpg,la.png\n", r"no column 'image' \(it has picture, label\)"),
        ("image,lable\na.jpg,la.png\n", "unknown column 'lable'.*Name it label"),
        ("image,manual1\na.jpg,la.png\n", "unknown column 'manual1'.*Name it label"),
        ("image,mask\na.jpg,fa.png\n", "unknown column 'mask'.*Name it fov"),
        ("image,patient_id\na.jpg,p1\n", "Name it patient"),
        ("image,label,label\na.jpg,la.png,lb.png\n", "twice"),
        ("image,label\na,b.jpg,la.png\n", "line 2 has 3 cells for 2 columns.*double quotes"),
        ('image\n"a.jpg\n', "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_meant_is_one_clear_error(eyes, text, message):
    with pytest.raises(InputError, match=message):
        samples_of(eyes, text)


def test_columns_of_peoples_own_are_welcome(eyes):
    assert len(samples_of(eyes, "image,diagnosis,age\na.jpg,healthy,50\n").samples) == 1


def test_missing_and_undecodable_tables_are_clear_errors(eyes):
    with pytest.raises(InputError, match="table not found"):
        read_table(eyes / "none.csv")
    (eyes / "latin.csv").write_bytes(b"image\nM\xfcller.jpg\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_table(eyes / "latin.csv")
