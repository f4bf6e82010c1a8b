"""Whether a fundus photograph is good enough to be measured, and what to say about it where it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from retseg.core.messages import Message
from retseg.core.types import BoolArray, UInt8Array
from retseg.imaging.anatomy import Disc
from retseg.imaging.fundus_check import FUNDUS, NO_FUNDUS, Verdict
from retseg.imaging.quality_measures import QualityMeasures, measure_quality

Grade = Literal["good", "usable", "reject"]
GOOD: Grade = "good"
USABLE: Grade = "usable"
REJECT: Grade = "reject"
GRADES: tuple[Grade, ...] = (GOOD, USABLE, REJECT)
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a photograph is.

    Args:
        grade: "good": nothing to remark; "usable": some measurements suffer; "reject": they mean nothing.
        reasons: One sentence for each remark, the gravest first. None for a good photograph.
        measures: The figures behind it by name; see `QualityMeasures`.
    """

    grade: Grade
    reasons: tuple[Message, ...]
    measures: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """As files hold it."""
        return {
            "grade": self.grade,
            "reasons": [reason.to_json() for reason in self.reasons],
            "measures": dict(self.measures),
        }


class _Limit(NamedTuple):
    """Up to where a measure is fine. `usable` and `reject` are the values from which a photograph is no better."""

    measure: str
    usable: float
    reject: float
    remark: str
    refusal: str

    def grade(self, value: float) -> Grade:
        sign = 1 if self.reject > self.usable else -1
        if sign * value >= sign * self.reject:
            return REJECT
        return USABLE if sign * value >= sign * self.usable else GOOD


_NEVER = float("inf")

# Set on photographs for training of two cameras and on spoilt copies of them (benchmarks/quality_gate.py): the
# first beyond all but a few of the untouched ones, the second where a person would no longer trust what is measured.
_LIMITS = (
    _Limit(
        "blur",
        3.2,
        6.0,
        "The photograph is slightly out of focus: the smallest vessels may be missed.",
        "The photograph is out of focus: small vessels cannot be seen.",
    ),
    _Limit(
        "brightness",
        0.25,
        0.12,
        "The photograph is dark: small vessels may be missed.",
        "The photograph is too dark: vessels cannot be told from the background.",
    ),
    _Limit(
        "saturated",
        0.35,
        _NEVER,
        "The photograph is overexposed: its colours are lost, and pale things can hardly be seen.",
        "",
    ),
    _Limit(
        "burnt",
        0.03,
        0.3,
        "Parts of the photograph are overexposed: vessels are lost there.",
        "The photograph is overexposed: vessels are lost in most of it.",
    ),
    _Limit(
        "dim",
        0.12,
        0.35,
        "Parts of the retina lie in the dark: vessels are lost there.",
        "Much of the retina lies in the dark: what is measured stands for a part of it only.",
    ),
    _Limit(
        "evenness",
        0.25,
        0.08,
        "The light is uneven: vessels in the darker parts may be missed.",
        "The light is so uneven that only a part of the retina can be judged.",
    ),
    _Limit(
        "contrast",
        0.07,
        0.03,
        "Vessels stand out little from the background, as behind a cloudy lens: small ones may be missed.",
        "Vessels hardly stand out from the background, as behind a cloudy lens.",
    ),
    _Limit(
        "noise",
        0.25,
        1.1,
        "The photograph is grainy: small vessels may be missed, and some may be invented.",
        "The photograph is so grainy that small vessels cannot be told from noise.",
    ),
    _Limit(
        "shown",
        0.75,
        0.5,
        "A part of the field of view is cut off or covered.",
        "Half of the field of view or more is cut off or covered.",
    ),
    _Limit(
        "spots",
        0.06,
        0.25,
        "Bright or dark patches hide parts of the retina: reflexes, dust, lashes or disease.",
        "Bright or dark patches hide much of the retina: reflexes, dust, lashes or disease.",
    ),
    _Limit(
        "blocks",
        0.018,
        0.045,
        "The file was compressed strongly: small vessels may be missed.",
        "The file was compressed so strongly that small vessels are lost.",
    ),
)

_NO_DISC = "The optic disc cannot be found: what is measured around it is missing."
_NO_FUNDUS = "This does not look like a photograph of the retina: {oddities}."
_ODD = "This may not be a usual photograph of the retina: {oddities}."


def assess_quality(image: UInt8Array, fov: BoolArray, disc: Disc | None, verdict: Verdict) -> Quality:
    """How good an (H, W, 3) uint8 photograph is inside its field of view (H, W).

    `disc` is what `find_disc` found in it, `verdict` what `check_fundus` said of it.
    """
    return grade_measures(measure_quality(image, fov, disc), verdict)


def grade_measures(measures: QualityMeasures, verdict: Verdict) -> Quality:
    """The grade of what was measured: the worst that any one measure gives."""
    values: dict[str, float] = asdict(measures)
    remarks: list[tuple[Grade, Message]] = []
    if verdict.level != FUNDUS:
        pattern, grade = (_NO_FUNDUS, REJECT) if verdict.level == NO_FUNDUS else (_ODD, USABLE)
        remarks.append((grade, Message(pattern, {"oddities": ", ".join(verdict.reasons)})))
    for limit in _LIMITS:
        grade = limit.grade(values[limit.measure])
        if grade != GOOD:
            remarks.append((grade, Message(limit.refusal if grade == REJECT else limit.remark)))
    if measures.disc == 0:
        remarks.append((USABLE, Message(_NO_DISC)))
    remarks.sort(key=lambda remark: -GRADES.index(remark[0]))
    worst = remarks[0][0] if remarks else GOOD
    return Quality(worst, tuple(message for _, message in remarks), values)
