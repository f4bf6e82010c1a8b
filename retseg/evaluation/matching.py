"""Which file of a folder is the map of which photograph, by name alone; whatever could mean two things is refused.

Names are compared token by token (runs of letters and digits), never letter by letter, so `im0001` is never found in
`im0010`, nor 1 in 11. Four kinds of likeness are tried, the strictest first, each among the photographs and files that
are still free:

1. the exact name: `Image_11L.png`, `prob/Image_11L.png`;
2. the name with common words added: `image_11l_prob.tif`, `pred_Image_11L.npy`, `01_test.png` of photograph 01;
3. the number as it stands: `11L.png` of Image_11L, `1.png` of photograph 01;
4. the name among other words: `unet_v2_Image_11L.png`, and only where nothing matched in a stricter way.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retseg.core.errors import InputError, listed

MAP_SUFFIXES = (".nii.gz", ".nii", ".npy", ".npz", ".png", ".tif", ".tiff", ".bmp", ".gif", ".pgm")
"""Suffixes, in lower case, that a map may have. JPEG is not among them: it changes the values."""

_JPEG = (".jpg", ".jpeg")
_OURS = "prob"
_NEVER_MAPS = frozenset({"fov", "overlay"})
_OURS_BESIDE = _NEVER_MAPS | {"mask", "classes"}
_KINDS = ("exact name", "name with common words added", "number", "part of the name")

_GENERIC = frozenset({"image", "images", "img", "im", "photo", "photograph", "fundus", "retina", "case", "id"})
_ADDED = _GENERIC | {
    "prob", "probs", "probability", "probabilities", "proba", "pred", "preds", "predicted", "prediction", "predictions",
    "score", "scores", "seg", "segs", "segmented", "segmentation", "vessel", "vessels", "map", "maps", "mask", "masks",
    "out", "output", "result", "results", "bin", "binary", "binarized", "binarised", "thresholded", "soft", "hard",
    "softmax", "sigmoid", "heatmap", "train", "training", "val", "valid", "validation", "test", "manual", "manual1",
    "manual2", "1stho", "2ndho", "ah", "vk", "jpg", "jpeg", "png", "tif", "tiff", "ppm", "pgm", "gif", "bmp",
}  # fmt: skip
# Words that say a file is something else than a map of the vessels.
_NO_MAP = frozenset({"fov", "fovs", "roi", "overlay", "overlays", "error", "errors", "diff", "uncertainty", "gt"})

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Which map belongs to which photograph.

    `found` maps ids to files, in the order of the ids; `missing` are the ids without one; `unused` are the further
    files that could be maps. `line` says in one sentence what was matched and how.
    """

    found: Mapping[str, Path]
    missing: tuple[str, ...]
    unused: tuple[Path, ...]
    line: str


@dataclass(frozen=True, slots=True)
class _File:
    """A file that may be a map: where it lies, and its path below the folder without the suffix."""

    path: Path
    name: str

    def spelled(self, components: int) -> list[Tokens]:
        """The names that the file goes by: its own, and that of its last path components (for ids with slashes)."""
        parts = self.name.split("/")
        own = tokens(parts[-1])
        if len(parts) > 1 and all(token in _ADDED for token in own):
            own = tokens(parts[-2]) + own  # `Image_11L/pred.png`
        return [own] if components == 1 else [own, tokens(" ".join(parts[-components:]))]


def match_maps(folder: Path, ids: Sequence[str]) -> Matching:
    """Finds the map of each photograph below `folder`; opens no file.

    Our own `prob/<id>.png` counts first: where there is one, nothing outside `prob/` is looked at. The folders that we
    write beside it are never taken for maps. A photograph may remain without a map; a file that fits two photographs,
    or two files that fit one photograph equally well, are an InputError that names both.
    """
    if not folder.is_dir():
        what = "this is not a folder" if folder.exists() else "the folder of predictions does not exist"
        raise InputError(what, where=folder, fix="Give the folder that holds the maps")
    files = _candidates(folder, ids)
    free = dict.fromkeys(ids)
    found: dict[str, Path] = {}
    kinds: Counter[str] = Counter()
    for kind, likeness in zip(_KINDS, (_exact, _with_words, _number, _among_words), strict=True):
        if kind == _KINDS[-1] and found:
            break
        taken = set(found.values())
        pairs = _pairs(folder, [file for file in files if file.path not in taken], likeness(list(free)))
        found |= pairs
        kinds[kind] = len(pairs)
        for identifier in pairs:
            del free[identifier]
    used = set(found.values())
    unused = tuple(file.path for file in files if file.path not in used)
    ordered = {identifier: found[identifier] for identifier in ids if identifier in found}
    return Matching(ordered, tuple(free), unused, _line(len(ordered) + len(free), kinds, tuple(free), len(unused)))


# --- Likeness: which of the free photographs a file could belong to ---------------------------------------------------

Likeness = Callable[[_File], list[str]]


def _exact(ids: Sequence[str]) -> Likeness:
    wanted = set(ids)

    def fits(file: _File) -> list[str]:
        # Of `left/a` and `a` the file `x/left/a` is the first: the longest tail counts.
        parts = file.name.split("/")
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        return [tail for tail in tails if tail in wanted][:1]

    return fits


def _with_words(ids: Sequence[str]) -> Likeness:
    names = {identifier: tokens(identifier) for identifier in ids}

    def fits(file: _File) -> list[str]:
        return [one for one, name in names.items() if _fits(name, file.spelled(one.count("/") + 1))]

    return fits


def _number(ids: Sequence[str]) -> Likeness:
    names = {identifier: _loose(tokens(identifier)) for identifier in ids}
    shared = set.intersection(*map(set, names.values())) if len(names) > 1 else set()
    common = _GENERIC | {word for word in shared if word.isalpha()}
    short = {one: tuple(token for token in name if token not in common) for one, name in names.items()}

    def fits(file: _File) -> list[str]:
        result = []
        for one, name in names.items():
            spelled = [_loose(spelling) for spelling in file.spelled(one.count("/") + 1)]
            if _fits(name, spelled) or (_has_digit(short[one]) and _fits(short[one], spelled)):
                result.append(one)
        return result

    return fits


def _among_words(ids: Sequence[str]) -> Likeness:
    names = {identifier: tokens(identifier) for identifier in ids}
    vocabulary = {token for name in names.values() for token in name}

    def fits(file: _File) -> list[str]:
        own = file.spelled(1)[0]
        # `01_h_dr` may be 01_h or 01_dr: a name counts here even if other words stand between its parts.
        could = [one for one, name in names.items() if name and _is_subsequence(name, own)]
        if len(could) != 1:
            return could
        surplus = _surplus(names[could[0]], own)
        if surplus is None or any(_is_telling(word) or word in vocabulary or word in _NO_MAP for word in surplus):
            return []
        return could

    return fits


def _is_telling(word: str) -> bool:
    """Whether a word numbers a photograph: `3`, `3l` and `im3` do, `v2` says which net it was."""
    first, *rest = _loose((word,))
    return word[0].isdigit() or (first in _GENERIC and bool(rest))


def _fits(name: Tokens, spelled: Iterable[Tokens]) -> bool:
    """Whether one of the spellings is the name with nothing but common words around it."""
    surpluses = (_surplus(name, spelling) for spelling in spelled)
    return any(surplus is not None and all(word in _ADDED for word in surplus) for surplus in surpluses)


# --- Tokens -----------------------------------------------------------------------------------------------------------


def tokens(name: str) -> Tokens:
    """The runs of letters and digits in a name, in lower case: `Image_11L-prob` gives image, 11l, prob."""
    return tuple(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", name).casefold()))


def _loose(name: Tokens) -> Tokens:
    """The tokens with letters parted from a following number, and numbers without leading zeros: im, 1 of im0001."""
    parted = (part for token in name for part in re.sub(r"(?<=[^\W\d_])(?=\d)", " ", token).split())
    return tuple(re.sub(r"^0+(?=\d)", "", part) for part in parted)


def _surplus(name: Tokens, spelling: Tokens) -> Tokens | None:
    """What stands around `name` in `spelling`; None where the name does not stand there in one piece."""
    length = len(name)
    for start in range(len(spelling) - length + 1) if length else ():
        if spelling[start : start + length] == name:
            return spelling[:start] + spelling[start + length :]
    return None


def _is_subsequence(name: Tokens, spelling: Tokens) -> bool:
    rest = iter(spelling)
    return all(token in rest for token in name)


def _has_digit(name: Tokens) -> bool:
    return any(character.isdigit() for token in name for character in token)


# --- Files ------------------------------------------------------------------------------------------------------------


def _candidates(folder: Path, ids: Sequence[str]) -> list[_File]:
    ours = [_File(path, _plain(path.relative_to(folder / _OURS))) for path in _maps_below(folder / _OURS)]
    if not set(ids).isdisjoint(file.name for file in ours):
        return ours
    files = [_File(path, _plain(path.relative_to(folder))) for path in _maps_below(folder)]
    if not files and any(path.suffix.lower() in _JPEG for path in folder.iterdir()):
        fix = "Save the maps as 16-bit PNG, TIFF, NIfTI or NPY"
        raise InputError("the maps are JPEG files, which do not keep their values", where=folder, fix=fix)
    return files


def _maps_below(folder: Path) -> list[Path]:
    """All files with the suffix of a map, in order; nothing hidden, and nothing of ours that is no map."""
    return sorted(path for path in _walk(folder) if _suffix(path) and path.is_file())


def _walk(folder: Path) -> Iterator[Path]:
    visited: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        # Linked folders are common with large sets; a link to a parent must not go round for ever.
        real = os.path.realpath(place)
        skipped = _OURS_BESIDE if _OURS in folders else _NEVER_MAPS
        folders[:] = [name for name in folders if not name.startswith(".") and name not in skipped]
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _suffix(path: Path) -> str:
    return next((suffix for suffix in MAP_SUFFIXES if path.name.lower().endswith(suffix)), "")


def _plain(path: Path) -> str:
    return path.as_posix().removesuffix(path.name[len(path.name) - len(_suffix(path)) :])


# --- What is said -----------------------------------------------------------------------------------------------------


def _pairs(folder: Path, files: Iterable[_File], likeness: Likeness) -> dict[str, Path]:
    """The one file of each photograph; InputError where a file or a photograph has a choice."""
    claims: dict[str, list[_File]] = defaultdict(list)
    for file in files:
        could = likeness(file)
        if len(could) > 1:
            what = f"the map {_shown(folder, file)} fits {len(could)} photographs: {listed(could)}"
            fix = f"Name it exactly as its photograph, for example {could[0]}{_suffix(file.path)}"
            raise InputError(what, where=folder, fix=fix)
        if could:
            claims[could[0]].append(file)
    for identifier, rivals in claims.items():
        if len(rivals) > 1:
            names = listed(_shown(folder, file) for file in rivals)
            what = f"{len(rivals)} maps fit the photograph '{identifier}' equally well: {names}"
            raise InputError(what, where=folder, fix="Give a folder that holds one map for each photograph")
    return {identifier: rivals[0].path for identifier, rivals in claims.items()}


def _shown(folder: Path, file: _File) -> str:
    return file.path.relative_to(folder).as_posix()


def _line(total: int, kinds: Counter[str], missing: Sequence[str], unused: int) -> str:
    ways = [(kind, number) for kind, number in kinds.items() if number]
    matched = f"{sum(kinds.values())} of {total} photographs matched"
    if len(ways) == 1:
        matched += f" by {ways[0][0]}"
    elif ways:
        matched += ": " + ", ".join(f"{number} by {kind}" for kind, number in ways)
    parts = [matched]
    if missing:
        parts.append(f"no map for {listed(missing)}")
    if unused:
        parts.append(f"{unused} further {'file was' if unused == 1 else 'files were'} not used")
    return "; ".join(parts) + "."
