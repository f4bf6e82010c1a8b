from __future__ import annotations

import subprocess
import sys

import pytest

COMMANDS = [
    ["prepare"], ["train"], ["predict"], ["evaluate"], ["report"], ["run"], ["demo"], ["doctor"],
    ["datasets", "list"], ["datasets", "show"], ["datasets", "check"], ["models", "list"], ["models", "show"],
    ["config", "show"], ["compare"], ["benchmark"], ["sweep"], ["adapt"], ["segments"],
    ["methods", "list"], ["methods", "show"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_examples(retseg, command):
    outcome = retseg(*command, "--help")
    assert outcome.code == 0
    assert "Example" in outcome.out
    assert f"retseg {' '.join(command)}" in outcome.out


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['retseg', '--help']\n"
        "from retseg.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'monai', 'numpy', 'skimage', 'pandas', 'matplotlib', 'scipy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_version(retseg):
    from importlib.metadata import version

    assert retseg("--version").out == f"retseg {version('retseg')}\n"


def test_no_command_shows_the_help(retseg):
    assert "prepare" in retseg().out + retseg().err


def test_shell_completion_completes(retseg, monkeypatch):
    monkeypatch.setenv("_RETSEG_COMPLETE", "source_bash")
    assert "_retseg_completion" in retseg().out
    monkeypatch.setenv("_RETSEG_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "retseg pre")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert set(retseg().out.split()) == {"prepare", "predict"}
