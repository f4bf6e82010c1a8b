"""Which images of a folder are photographs, and which are the labels and masks that belong to them, by name alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retseg.datasets.findings import Finding
from retseg.imaging.files import plain_stem

LABEL = "label"
SECOND_LABEL = "label2"
FOV = "fov"
_MASKS = "masks"

FOLDERS: Mapping[str, tuple[str, ...]] = {
    LABEL: (
        "labels", "label", "manual", "manual1", "1st_manual", "vessels", "vessel", "gt", "ground_truth", "groundtruth",
        "annotations", "annotation", "segmentation", "segmentations",
    ),
    SECOND_LABEL: ("2nd_manual", "manual2", "labels2", "label2"),
    FOV: ("mask", "fov", "fovs", "roi"),
    # People keep either under this name: fields of view where another folder holds labels, else the labels.
    _MASKS: ("masks",),
}  # fmt: skip
"""Names of sub-folders, in lower case, by what they hold."""

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    LABEL: (
        "_manual1",
        "_manual",
        "_label",
        "_labels",
        "_vessel",
        "_vessels",
        "_1stho",
        "_gt",
        "_seg",
        "_segmentation",
    ),
    SECOND_LABEL: ("_manual2", "_label2", "_2ndho"),
    FOV: ("_mask", "_fov", "_roi"),
}
"""What a label's name may have after the photograph's own name, in lower case."""

_PHOTOGRAPH_FOLDERS = frozenset({"images", "image", "photographs", "photos"})
_ROLE_OF_FOLDER = {name: role for role, names in FOLDERS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Pairing:
    """The photographs of a folder in order, the files that belong to each by their role, and the files left alone."""

    photographs: list[Path]
    companions: dict[Path, dict[str, Path]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Companion:
    """A file that looks like a label or mask: what it would be, and by which names its photograph may go."""

    path: Path
    role: str
    by_folder: bool
    keys: tuple[str, ...]


def pair(root: Path, images: Iterable[Path]) -> Pairing:
    """Sorts the images below `root` into photographs and what belongs to them.

    A label has the photograph's name, with or without a known suffix, in a sub-folder with a known name or, with the
    suffix, beside the photograph. A file that looks like a label but has no photograph is a photograph itself, unless
    its folder evidently holds labels.
    """
    files = list(images)
    looks = {path: _companion(root, path) for path in files}
    names = _Names(root, [path for path in files if looks[path] is None])
    partners = {look.path: _partner(look, names) for look in _some(looks)}
    label_folders = {path.parent for path, partner in partners.items() if partner is not None}
    stray = [
        look
        for look in _some(looks)
        if partners[look.path] is None and look.by_folder and look.path.parent in label_folders
    ]
    held_back = {path for path, partner in partners.items() if partner is not None} | {look.path for look in stray}
    result = Pairing([path for path in files if path not in held_back])
    result.findings.extend(_no_photograph(look.path) for look in stray)
    _collect(result, [(look, partners[look.path]) for look in _some(looks)])
    return result


def _collect(result: Pairing, found: list[tuple[_Companion, Path | None]]) -> None:
    paired = [(look, photograph) for look, photograph in found if photograph is not None]
    labelled = any(look.role == LABEL for look, _ in paired)
    for look, photograph in paired:
        role = (FOV if labelled else LABEL) if look.role == _MASKS else look.role
        companions = result.companions.setdefault(photograph, {})
        if role in companions:
            what = f"a second {role} for {photograph.name}; {companions[role].name} is used"
            result.findings.append(Finding("warning", look.path, what, "Remove one of the two, or name files by a CSV"))
        else:
            companions[role] = look.path


def _no_photograph(path: Path) -> Finding:
    return Finding(
        "warning",
        path,
        "no one photograph has the name of this label; it is not used",
        "Correct its name, or remove it",
    )


def _some(looks: Mapping[Path, _Companion | None]) -> Iterator[_Companion]:
    return (look for look in looks.values() if look is not None)


def _companion(root: Path, path: Path) -> _Companion | None:
    folders = path.relative_to(root).parts[:-1]
    role = next((_ROLE_OF_FOLDER[name.lower()] for name in reversed(folders) if name.lower() in _ROLE_OF_FOLDER), None)
    stem = plain_stem(path).lower()
    if role is not None:
        suffixes = [suffix for known in SUFFIXES.values() for suffix in known]
        stems = [stem, *(stem.removesuffix(suffix) for suffix in suffixes if stem.endswith(suffix))]
        return _Companion(path, role, True, tuple(_key(folders, name) for name in stems))
    for role, suffixes_of_role in SUFFIXES.items():
        for suffix in suffixes_of_role:
            if stem.endswith(suffix) and stem != suffix:
                return _Companion(path, role, False, (_key(folders, stem.removesuffix(suffix)),))
    return None


def _key(folders: tuple[str, ...], stem: str) -> str:
    """A place and name in which `left/images/a` and `left/labels/a` are the same."""
    kept = [name.lower() for name in folders if name.lower() not in _PHOTOGRAPH_FOLDERS | _ROLE_OF_FOLDER.keys()]
    return "/".join([*kept, stem])


class _Names:
    """The photographs by place and name, and by name alone."""

    def __init__(self, root: Path, photographs: list[Path]) -> None:
        self.by_key: dict[str, list[Path]] = defaultdict(list)
        self.by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in photographs:
            stem = plain_stem(path).lower()
            self.by_key[_key(path.relative_to(root).parts[:-1], stem)].append(path)
            self.by_stem[stem].append(path)


def _partner(look: _Companion, names: _Names) -> Path | None:
    """The one photograph that a companion belongs to; None where there is none, or more than one."""
    for key in look.keys:
        if len(found := names.by_key.get(key, [])) == 1:
            return found[0]
        # A label in one common folder may belong to a photograph in any other, if only one has the name.
        if look.by_folder and len(found := names.by_stem.get(key.rpartition("/")[2], [])) == 1:
            return found[0]
    return None
