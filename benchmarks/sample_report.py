r"""The sample of a clinician's report in reports/sample/clinic, from drawn photographs and the shipped weights.

    python benchmarks/sample_report.py --photos drawn
    retseg report drawn/photos --patients drawn/patients.csv --out reports/sample/clinic
    chromium --headless --hide-scrollbars --window-size=1440,1800 \
        --screenshot=page.png reports/sample/clinic/patients/1001.html
    python -c "from PIL.Image import open as read; \
        read('page.png').resize((960, 1200)).quantize(192).save('reports/sample/clinic.png')"

The patients are invented. One photograph is blurred until it cannot be measured.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

from retseg.datasets.synthetic.anatomy import Eye
from retseg.datasets.synthetic.cameras import find_camera
from retseg.datasets.synthetic.fundus import generate


@dataclass(frozen=True, slots=True)
class Drawn:
    """One invented visit of one eye; `blur` is the standard deviation of a blur in pixels."""

    seed: int
    eye: Eye
    patient: str
    name: str
    sex: str
    age: int
    date: str
    blur: float = 0.0


EYES = (
    Drawn(11, "right", "1001", "Ana Invented", "f", 54, "2026-03-02"),
    Drawn(11, "left", "1001", "Ana Invented", "f", 54, "2026-03-02"),
    Drawn(23, "right", "1002", "Bruno Invented", "m", 67, "2026-03-02"),
    Drawn(23, "left", "1002", "Bruno Invented", "m", 67, "2026-03-02", blur=7.0),
    Drawn(35, "left", "1003", "Chen Invented", "m", 41, "2026-03-05"),
)
CAMERA = "screening"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder to write photos/ and patients.csv into")
    folder = parser.parse_args().photos
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    with (folder / "patients.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "patient", "name", "eye", "date", "sex", "age", "um_per_pixel"])
        for one in EYES:
            drawn = generate(one.seed, find_camera(CAMERA), eye=one.eye)
            name = f"{one.patient}_{one.eye}.jpg"
            picture = Image.fromarray(drawn.image).filter(ImageFilter.GaussianBlur(one.blur))
            picture.save(folder / "photos" / name, quality=90)
            scale = f"{drawn.um_per_pixel:.2f}"
            table.writerow([name, one.patient, one.name, one.eye, one.date, one.sex, one.age, scale])
    print(folder)


if __name__ == "__main__":
    main()
