import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from retseg.core.errors import CheckpointError, ConfigError, RetsegError
from retseg.core.progress import Progress
from retseg.inference.checkpoint import load_weights, read_card
from retseg.losses.config import LossConfig
from retseg.losses.registry import LOSSES
from retseg.models.config import ModelConfig
from retseg.training.class_balance import class_weights
from retseg.training.config import SamplingConfig, TrainConfig
from retseg.training.images import TrainingImages
from retseg.training.loop import fit
from retseg.training.resume import read_checkpoint

FILES = {"best.safetensors", "last.ckpt", "operating_point.json", "history.csv", "curves.png"}


class Crash(BaseException):
    """Ends a training as a kill does: nothing is saved on the way out."""


class Trip(Progress):
    """A display that ends the training after so many steps."""

    def __init__(self, steps, how=Crash):
        super().__init__("Training", None)
        self.steps, self.how = steps, how

    def advance(self, units=1, note=""):
        self.done += units
        if units and self.done >= self.steps:
            raise self.how


def rows(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def untimed(folder):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows(folder)]


def tensors(folder):
    return read_checkpoint(folder / "last.ckpt").tensors


def assert_same_result(one, other):
    assert (one / "best.safetensors").read_bytes() == (other / "best.safetensors").read_bytes()
    assert (one / "operating_point.json").read_bytes() == (other / "operating_point.json").read_bytes()
    assert untimed(one) == untimed(other)
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def changed(job, section="train", **values):
    return replace(job, **{section: getattr(job, section).model_copy(update=values)})


@pytest.fixture(scope="module")
def finished(make_tiny_job, tmp_path_factory):
    """The tiny training, done once without interruption: its folder and its result."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, fit(make_tiny_job(folder))


def test_everything_is_written(finished):
    folder, result = finished
    assert {path.name for path in folder.iterdir()} == FILES
    assert [row["epoch"] for row in rows(folder)] == ["1", "2", "3"]
    assert result.steps == 9
    card = read_card(folder / "best.safetensors")
    assert (card.arch, card.dataset, card.seed, card.epoch) == ("unet", "little", 3, result.epoch)
    assert card.operating_point == result.operating_point
    assert json.loads((folder / "operating_point.json").read_text()) == result.operating_point.to_json()
    json.dumps(result.facts)


def test_the_card_and_the_facts_name_every_patient(finished):
    folder, result = finished
    card = read_card(folder / "best.safetensors")
    assert set(card.train_patients) | set(card.validation_patients) == {"p1", "p2", "p3", "p4"}
    assert not set(card.train_patients) & set(card.validation_patients)
    assert card.splits["test"] == ("y", "sub/z")
    assert result.operating_point.split == "validation"
    assert result.operating_point.patients == card.validation_patients
    assert result.facts["validation_patients"] == list(card.validation_patients)


def test_the_kept_epoch_is_the_best_on_validation(finished):
    folder, result = finished
    dices = [float(row["validation_dice"]) for row in rows(folder)]
    assert dices[result.epoch - 1] == max(dices)
    assert "highest Dice" in result.facts["kept"]


def test_a_repetition_gives_the_same_bits(finished, tiny_job):
    torch.rand(17)
    fit(tiny_job)
    assert_same_result(finished[0], tiny_job.out)


def test_another_seed_gives_other_weights(finished, tiny_job):
    fit(replace(tiny_job, seed=4))
    assert not torch.equal(tensors(finished[0])["net/classify.weight"], tensors(tiny_job.out)["net/classify.weight"])


def test_the_callers_random_numbers_are_left_alone(tiny_job):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(changed(tiny_job, max_steps=1))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("moment", [1, 3, 4, 6, 9])
def test_going_on_after_a_crash_gives_the_same_bits(finished, tiny_job, moment):
    with pytest.raises(Crash):
        fit(replace(tiny_job, bar=Trip(moment)))
    tiny_job.out.mkdir(exist_ok=True)
    (tiny_job.out / ".last.ckpt.half").write_bytes(b"written when the power failed")
    fit(replace(tiny_job, resume=True))
    assert_same_result(finished[0], tiny_job.out)
    assert {path.name for path in tiny_job.out.iterdir()} == FILES


def test_going_on_after_several_crashes_gives_the_same_bits(finished, tiny_job):
    for moment in (4, 5, 2):
        with pytest.raises(Crash):
            fit(replace(tiny_job, resume=True, bar=Trip(moment)))
    fit(replace(tiny_job, resume=True))
    assert_same_result(finished[0], tiny_job.out)


def test_muon_goes_on_with_its_momentum(make_tiny_job, tmp_path):
    job = changed(make_tiny_job(tmp_path / "whole"), optimiser="muon")
    job = replace(job, model=ModelConfig(arch="unet", options={"depth": 1, "width": 8}))
    fit(job)
    broken = replace(job, out=tmp_path / "broken")
    with pytest.raises(Crash):
        fit(replace(broken, bar=Trip(4)))
    fit(replace(broken, resume=True))
    assert_same_result(job.out, broken.out)
    kept = tensors(job.out)
    momenta = [name for name in kept if name.endswith("/exp_avg") and kept[name].shape[:2] == (8, 8)]
    assert momenta
    assert all(kept[name].any() and f"{name}_sq" not in kept for name in momenta)


KILLED = """
import os, signal, sys, torch
from dataclasses import replace
from pathlib import Path
from retseg.core.config import validate
from retseg.core.progress import Progress
from retseg.datasets.prepared import PreparedSet
from retseg.models.config import ModelConfig
from retseg.training.config import AugmentConfig, SamplingConfig, TrainConfig
from retseg.training.loop import TrainJob, fit

class Kill(Progress):
    def advance(self, units=1, note=""):
        self.done += units
        if self.done >= 5:
            os.kill(os.getpid(), signal.SIGKILL)

torch.set_num_threads(1)
sections = eval(sys.argv[3])
fit(TrainJob(
    prepared=PreparedSet.open(Path(sys.argv[1])), out=Path(sys.argv[2]), seed=sections["seed"],
    model=ModelConfig(**sections["model"]), train=TrainConfig(**sections["train"]),
    sampling=SamplingConfig(**sections["sampling"]), augment=AugmentConfig.model_validate(sections["augment"]),
    checkpoint_seconds=0.0, bar=Kill("Training", None),
))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_going_on_after_kill_9_gives_the_same_bits(finished, tiny_job):
    call = [sys.executable, "-c", KILLED, str(tiny_job.prepared.folder), str(tiny_job.out), repr(tiny_job.sections())]
    run = subprocess.run(call, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert read_checkpoint(tiny_job.out / "last.ckpt").progress["epoch"] == 1
    assert not (tiny_job.out / "best.safetensors").exists()
    fit(replace(tiny_job, resume=True))
    assert_same_result(finished[0], tiny_job.out)


def test_ctrl_c_saves_the_last_whole_epoch(finished, tiny_job):
    patient = replace(tiny_job, checkpoint_seconds=1000.0)
    with pytest.raises(KeyboardInterrupt):
        fit(replace(patient, bar=Trip(8, KeyboardInterrupt)))
    assert read_checkpoint(tiny_job.out / "last.ckpt").progress["epoch"] == 2
    assert len(rows(tiny_job.out)) == 2
    fit(replace(patient, resume=True))
    assert_same_result(finished[0], tiny_job.out)


def test_a_finished_training_goes_on_to_the_same_end(finished, tiny_job):
    fit(tiny_job)
    trip = Trip(1000)
    fit(replace(tiny_job, resume=True, bar=trip))
    assert trip.total == trip.done == 9
    assert_same_result(finished[0], tiny_job.out)


def test_without_a_checkpoint_resume_begins_at_the_beginning(finished, tiny_job):
    fit(replace(tiny_job, resume=True))
    assert_same_result(finished[0], tiny_job.out)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_every_optimiser_goes_on_to_the_same_bits(tiny_job, optimiser, tmp_path):
    job = changed(tiny_job, optimiser=optimiser, ema=0.0, lr=1e-3)
    fit(replace(job, out=tmp_path / "whole"))
    with pytest.raises(Crash):
        fit(replace(job, bar=Trip(7)))
    fit(replace(job, resume=True))
    assert_same_result(tmp_path / "whole", job.out)


def test_a_checkpoint_of_another_configuration_is_refused(tiny_job):
    with pytest.raises(Crash):
        fit(replace(tiny_job, bar=Trip(4)))
    other = replace(changed(tiny_job, lr=5e-3), resume=True, seed=8)
    with pytest.raises(ConfigError) as caught:
        fit(other)
    assert "train.lr (was 0.01, is 0.005)" in caught.value.line
    assert "seed (was 3, is 8)" in caught.value.line
    assert "epochs" not in caught.value.line


def test_a_checkpoint_of_other_photographs_is_refused(tiny_job, one_patient):
    with pytest.raises(Crash):
        fit(replace(tiny_job, bar=Trip(4)))
    with pytest.raises(ConfigError, match=r"data\.train"):
        fit(replace(tiny_job, prepared=one_patient, resume=True))


def test_a_corrupted_checkpoint_is_refused(tiny_job):
    tiny_job.out.mkdir()
    (tiny_job.out / "last.ckpt").write_bytes(b"\x80\x04 not a checkpoint")
    with pytest.raises(CheckpointError):
        fit(replace(tiny_job, resume=True))


def test_max_steps_still_writes_everything(tiny_job):
    result = fit(changed(tiny_job, epochs=1, max_steps=2))
    assert result.steps == 2
    assert {path.name for path in tiny_job.out.iterdir()} == FILES


def test_with_a_single_patient_the_last_epoch_is_kept_and_the_result_says_so(tiny_job, one_patient):
    result = fit(replace(tiny_job, prepared=one_patient))
    assert result.epoch == 3
    assert "single patient" in result.facts["kept"]
    assert result.facts["validation_patients"] == []
    assert result.operating_point.split == "train"
    assert rows(tiny_job.out)[0]["validation_dice"] == ""
    assert {path.name for path in tiny_job.out.iterdir()} == FILES


def test_keep_last_keeps_the_last(tiny_job):
    result = fit(changed(tiny_job, keep="last", ema=0.0))
    assert result.epoch == 3
    kept = load_weights(tiny_job.out / "best.safetensors", torch.device("cpu")).net.state_dict()
    assert all(torch.equal(kept[name], tensors(tiny_job.out)[f"net/{name}"]) for name in kept)


def test_a_task_without_a_positive_class_is_trained_without_a_threshold(tiny_job, scenes):
    job = changed(
        replace(tiny_job, prepared=scenes, loss=LossConfig(name="dice-cross-entropy")), "sampling", patch_size=16
    )
    result = fit(job)
    assert result.operating_point is None
    assert not (job.out / "operating_point.json").exists()
    assert 0 < float(rows(job.out)[-1]["validation_dice"]) <= 1
    assert rows(job.out)[-1]["validation_auc"] == ""
    assert read_card(job.out / "best.safetensors").operating_point is None


def test_the_lectures_curve_of_the_test_images_is_a_curve_only(tiny_job, vessels):
    plain = fit(changed(replace(tiny_job, out=tiny_job.out / "plain"), ema=0.0))
    curve = fit(changed(replace(tiny_job, out=tiny_job.out / "curve"), ema=0.0, test_curve=True))
    assert plain.epoch == curve.epoch
    assert all(float(row["test_loss"]) > 0 for row in rows(curve.folder))
    first, second = tensors(plain.folder), tensors(curve.folder)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("loss", LOSSES.names())
def test_every_registered_loss_trains(tiny_job, loss):
    result = fit(replace(changed(tiny_job, max_steps=2), loss=LossConfig(name=loss)))
    assert result.history[-1].train_loss >= 0


@pytest.mark.parametrize("arch", ["segnet", "monai-unet"])
def test_other_architectures_train(tiny_job, arch):
    assert fit(replace(changed(tiny_job, max_steps=2), model=ModelConfig(arch=arch))).facts["arch"] == arch


def test_mixed_precision_can_be_asked_for_on_a_processor(tiny_job):
    result = fit(changed(tiny_job, mixed_precision="bf16", max_steps=3))
    assert result.facts["precision"] == "bf16"


def test_a_small_net_learns_two_images_by_heart(tiny_job, one_patient):
    job = replace(
        tiny_job,
        prepared=one_patient,
        model=ModelConfig(arch="unet", options={"depth": 1, "width": 8}),
        train=TrainConfig(epochs=2, steps_per_epoch=50, batch=2, lr=2e-2),
        sampling=SamplingConfig(patch_size=48, balance=0.0),
        augment=tiny_job.augment.model_validate({name: {"probability": 0} for name in ("rotation", "scale")}),
    )
    result = fit(job)
    assert result.history[-1].train_loss < 0.1
    assert result.operating_point.value > 0.95


def test_divergence_stops_with_what_to_try(tiny_job):
    job = changed(tiny_job, optimiser="sgd", lr=1e30, warmup=0.0)
    with pytest.raises(RetsegError, match=r"diverged.*epoch 1.*train\.lr"):
        fit(job)
    assert not (job.out / "best.safetensors").exists()


def test_a_patch_size_that_does_not_fit_is_refused_before_anything_is_read(tiny_job):
    with pytest.raises(ConfigError, match="multiple of 2"):
        fit(changed(tiny_job, "sampling", patch_size=33))


def test_the_display_learns_of_every_step(tiny_job):
    notes = []

    class Display(Progress):
        def advance(self, units=1, note=""):
            self.done += units
            notes.append(note)

    display = Display("Training", None)
    fit(replace(tiny_job, bar=display))
    assert display.total == display.done == 9
    assert any(note.startswith("epoch 3/3, loss ") and "validation Dice" in note for note in notes)


def test_balanced_class_weights_are_inverse_to_the_pixels(images: TrainingImages):
    weights = class_weights(TrainConfig(class_weights="balanced"), images)
    products = weights.double() * torch.from_numpy(images.class_pixels())
    assert products.tolist() == pytest.approx([products[0].item()] * 3, rel=1e-5)
    assert weights.mean().item() == pytest.approx(1.0)
    assert class_weights(TrainConfig(class_weights=[1, 2, 3]), images).tolist() == [1, 2, 3]
    assert class_weights(TrainConfig(), images) is None


def test_class_weights_must_match_the_classes(tiny_job):
    with pytest.raises(ConfigError, match="2 class weights for 3 classes"):
        fit(changed(tiny_job, class_weights=(1.0, 2.0)))
