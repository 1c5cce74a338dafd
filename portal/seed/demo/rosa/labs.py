"""Rosa's laboratory results: four years of diabetes care, and every status that a result can have."""

from portal.seed.build.catalog import DIFFERENTIAL, values
from portal.seed.build.chart import Chart
from portal.seed.build.labs import Correction, Draw, add_draw
from portal.seed.build.people import organization

_OUTSIDE = organization("lakeside-endocrine")


DRAWS = (
    # Eight A1c in four years, down from 8.4 to 6.9 %.
    Draw("-47mo 08:20", "a1c", {"a1c": 8.4}, reviewed_by="chen"),
    Draw("-41mo 08:35", "a1c", {"a1c": 8.1}, reviewed_by="chen"),
    Draw("-35mo 09:05", "a1c", {"a1c": 7.8}, reviewed_by="chen"),
    Draw("-29mo 08:15", "a1c", {"a1c": 7.9}, reviewed_by="chen"),
    Draw("-23mo 08:40", "a1c", {"a1c": 7.6}, reviewed_by="chen"),
    Draw("-16mo 08:10", "a1c", {"a1c": 7.4}, reviewed_by="chen"),
    Draw("-7mo 08:25", "a1c", {"a1c": 7.2}, reviewed_by="chen"),
    Draw("-3d 08:10", "a1c", {"a1c": 6.9}, reviewed_by="chen"),
    Draw("-47mo 08:20", "bmp", values("bmp", 171, 17, 0.8, 84, 139, 4.3, 102, 25, 9.4), reviewed_by="shah"),
    Draw("-35mo 09:05", "bmp", values("bmp", 158, 18, 0.9, 76, 140, 4.2, 101, 26, 9.3), reviewed_by="shah"),
    Draw("-23mo 08:40", "bmp", values("bmp", 149, 19, 0.9, 75, 138, 4.5, 103, 25, 9.5), reviewed_by="shah"),
    # The potassium of this draw was first reported too high.
    Draw(
        "-7mo 08:25", "bmp", values("bmp", 137, 19, 1.0, 66, 139, 4.4, 102, 24, 9.2), "corrected", "shah",
        correction=Correction("potassium", 5.9, "-209d 11:45"),
    ),
    Draw("-3d 08:10", "bmp", values("bmp", 118, 21, 1.0, 62, 140, 4.6, 103, 25, 9.4), reviewed_by="shah"),
    # Creatinine in another unit, from another laboratory; a trend must not mix them.
    Draw("-30mo 10:00", "creatinine-molar", {"creatinine-molar": 78}, performer=_OUTSIDE),
    Draw("-18mo 10:10", "creatinine-miscoded", {"creatinine-miscoded": 82}, performer=_OUTSIDE),
    Draw("-35mo 09:05", "lipids", values("lipids", 228, 190, 44, 146), reviewed_by="shah"),
    Draw("-23mo 08:40", "lipids", values("lipids", 187, 158, 47, 108), reviewed_by="shah"),
    Draw("-11mo 08:30", "lipids", values("lipids", 168, 132, 51, 91), reviewed_by="shah"),
    Draw("-23mo 08:40", "cbc", values("cbc", 7.1, 4.3, 12.6, 38.4, 89, 29.3, 32.8, 13.4, 241), reviewed_by="shah"),
    Draw("-11mo 08:30", "cbc", values("cbc", 6.8, 4.2, 12.2, 37.5, 89, 29.0, 32.5, 13.8, 252), reviewed_by="shah"),
    # No reference range on file.
    Draw("-23mo 08:40", "tsh", {"tsh": 2.9}, reviewed_by="chen"),
    Draw("-5mo 09:20", "tsh", {"tsh": 3.4}),
    Draw("-23mo 08:40", "uacr", {"uacr": 48}, reviewed_by="chen"),
    Draw("-11mo 08:30", "uacr", {"uacr": 34}, reviewed_by="chen"),
    # Glucose again, of another code.
    Draw("-5mo 09:35", "fingerstick", {"fingerstick": 164}),
    Draw("-40d 14:05", "fingerstick", {"fingerstick": 152}),
    # Preliminary: the cells are counted, the differential is not ready.
    Draw(
        "-5d 09:40", "cbc-diff", values("cbc", 11.6, 4.1, 11.8, 36.2, 88, 28.8, 32.6, 14.1, 268), "preliminary",
        missing=DIFFERENTIAL,
    ),
    # Drawn, not ready.
    Draw("-1d 08:30", "vitamin-d", status="registered"),
    # Never to be shown: filed in the wrong chart; and a test that was not done.
    Draw("-11mo 08:30", "ferritin", {"ferritin": 4321.5}, "entered-in-error"),
    Draw("-60d 10:15", "urine-culture", status="cancelled", missing=("urine-culture",), note="The sample leaked."),
)  # fmt: skip


def add_labs(chart: Chart) -> None:
    """File all draws."""
    for draw in DRAWS:
        add_draw(chart, draw)
