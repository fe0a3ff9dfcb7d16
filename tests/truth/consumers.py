"""Shops of consumers only: the world in which habits are one kind of habits, for what is modelled beyond the days counted.

The buyers of `buyers.py` without its firms, four times as many a shop, so that a year held back has enough purchases.
"""

from __future__ import annotations

from typing import Any

from . import buyers
from .shops import Frames

CLOCK, SIZE = buyers.CLOCK, 4


def live(seed: int, shops: int, *, follow: bool = False) -> Frames:
    """The consumers of so many shops and all they order."""
    return buyers.live(seed, shops, follow=follow, firms=0, times=SIZE)


def export(lived: Frames) -> Frames:
    """What the logs show: orders and who ordered; there are no contracts."""
    return {name: frame for name, frame in buyers.export(lived).items() if name in ("orders", "customers")}


def truth(seed: int, shops: int) -> dict[tuple[str, Any], float]:
    """What new customers bring, followed to the end."""
    lived = live(seed, max(shops // SIZE, 1), follow=True)
    value = buyers.worth(lived, buyers.purchase_days(lived).query("new"))
    return {("lifetime_value_beyond", h): value[h] for h in (730, 1095)}
