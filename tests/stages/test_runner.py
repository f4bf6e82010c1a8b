from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from retseg.core.errors import OutputError
from retseg.core.manifest import Manifest
from retseg.stages.runner import Plan, run_stage, unfinished

PLAN = Plan("predict", 1, {"a": {"b": 1}}, {"x": "1"})
OTHER = Plan("predict", 1, {"a": {"b": 2}}, {"x": "1"})


def write(name: str = "a.txt", text: str = "1"):
    def work(partial: Path, resumed: bool):
        (partial / name).write_text(text)
        return {"resumed": resumed}

    return work


def fail(partial: Path, resumed: bool):
    (partial / "half.txt").write_text("half")
    raise KeyboardInterrupt


def test_a_result_is_written_with_its_manifest(tmp_path):
    result = run_stage(PLAN, tmp_path / "out", write())
    assert not result.skipped
    manifest = Manifest.read(tmp_path / "out")
    assert set(manifest.outputs) == {"a.txt"}
    assert manifest.key == PLAN.key
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.txt", "manifest.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_unchanged_stage_is_skipped_and_force_does_it_anew(tmp_path):
    run_stage(PLAN, tmp_path / "out", write(text="1"))
    assert run_stage(PLAN, tmp_path / "out", write(text="2")).skipped
    assert (tmp_path / "out" / "a.txt").read_text() == "1"
    assert not run_stage(PLAN, tmp_path / "out", write(text="2"), force=True).skipped
    assert (tmp_path / "out" / "a.txt").read_text() == "2"


def test_a_deleted_output_brings_the_stage_back(tmp_path):
    run_stage(PLAN, tmp_path / "out", write())
    (tmp_path / "out" / "a.txt").unlink()
    assert not run_stage(PLAN, tmp_path / "out", write()).skipped


def test_a_changed_stage_replaces_its_result_only_when_whole(tmp_path):
    run_stage(PLAN, tmp_path / "out", write("old.txt"))
    with pytest.raises(KeyboardInterrupt):
        run_stage(OTHER, tmp_path / "out", fail)
    assert (tmp_path / "out" / "old.txt").exists()
    run_stage(OTHER, tmp_path / "out", write("new.txt"))
    assert not (tmp_path / "out" / "old.txt").exists()
    assert (tmp_path / "out" / "new.txt").exists()


def test_an_interrupted_stage_goes_on_but_not_with_other_settings(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_stage(PLAN, tmp_path / "out", fail)
    assert not (tmp_path / "out").exists()
    assert unfinished(tmp_path / "out", PLAN.key)
    assert not unfinished(tmp_path / "out", OTHER.key)
    assert run_stage(PLAN, tmp_path / "out", write()).manifest.facts["resumed"]
    with pytest.raises(KeyboardInterrupt):
        run_stage(OTHER, tmp_path / "other", fail)
    result = run_stage(PLAN, tmp_path / "other", write())
    assert not result.manifest.facts["resumed"]
    assert not (tmp_path / "other" / "half.txt").exists()


def test_a_kept_result_is_not_replaced_without_force(tmp_path):
    keep = Plan("train", 1, {"lr": 1}, {}, keep=True)
    run_stage(keep, tmp_path / "out", write())
    changed = Plan("train", 1, {"lr": 2}, {}, keep=True)
    with pytest.raises(OutputError, match="lr: 1 there, 2 now.*--force"):
        run_stage(changed, tmp_path / "out", write())
    assert not run_stage(changed, tmp_path / "out", write(), force=True).skipped


def test_foreign_files_are_never_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_text("mine")
    with pytest.raises(OutputError, match="files that retseg did not write"):
        run_stage(PLAN, tmp_path / "out", write(), force=True)
    assert (tmp_path / "out" / "thesis.docx").read_text() == "mine"


def test_another_stages_result_is_never_replaced(tmp_path):
    run_stage(Plan("train", 1, {}, {}), tmp_path / "out", write())
    with pytest.raises(OutputError, match="result of another stage"):
        run_stage(PLAN, tmp_path / "out", write(), force=True)


def test_a_file_in_the_place_of_the_folder_is_explained(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="a file stands where"):
        run_stage(PLAN, tmp_path / "out", write())


def test_two_runs_cannot_write_one_folder(tmp_path):
    code = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from retseg.stages.runner import Plan, run_stage
        def work(partial, resumed):
            print("working", flush=True)
            sys.stdin.read()
            return {}
        run_stage(Plan("predict", 1, {}, {}), Path(sys.argv[1]), work)
    """)
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "working\n"
        with pytest.raises(OutputError, match="another run is writing into this folder"):
            run_stage(PLAN, tmp_path / "out", write())
        other.communicate("")
    assert other.returncode == 0
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_killed_run_leaves_no_lock_behind(tmp_path):
    code = textwrap.dedent("""
        import os, sys, signal
        from pathlib import Path
        from retseg.stages.runner import Plan, run_stage
        def work(partial, resumed):
            os.kill(os.getpid(), signal.SIGKILL)
        run_stage(Plan("predict", 1, {}, {}), Path(sys.argv[1]), work)
    """)
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert not (tmp_path / "out").exists()
    run_stage(PLAN, tmp_path / "out", write())
    assert (tmp_path / "out" / "a.txt").exists()
