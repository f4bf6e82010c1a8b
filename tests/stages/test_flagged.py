from __future__ import annotations

from retseg.stages.flagged import Flag, counted, read_flagged, write_flagged

FLAGS = [
    Flag("a", "photos/a.jpg", "doubtful", "one even colour"),
    Flag("b", "photos/b, c.jpg", "no fundus photograph", 'hard edges; "white"'),
    Flag("c", "photos/c.jpg", "doubtful", "one even colour"),
]


def test_what_was_written_is_read_again(tmp_path):
    write_flagged(tmp_path, FLAGS)
    assert (tmp_path / "flagged.csv").read_text().splitlines()[0] == "id,file,verdict,reason"
    assert read_flagged(tmp_path) == FLAGS


def test_a_folder_without_the_list_has_no_flags(tmp_path):
    assert read_flagged(tmp_path) == []


def test_each_verdict_is_counted():
    assert counted(FLAGS) == {"doubtful": 2, "no fundus photograph": 1}
