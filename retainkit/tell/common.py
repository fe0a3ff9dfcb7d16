"""What several pages say in the same words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retainkit.errors import MissingDataError, capital, counted
from retainkit.estimate.smalln import GATES, TOLD
from retainkit.load.shop import Shop
from retainkit.metrics.purchases import unsure_who_is_new
from retainkit.show.display import say
from retainkit.show.display import table as show
from retainkit.show.sentences import differences, judged, shown, words
from retainkit.show.words import missing

FEW = "Too few customers to say"
SHOWN, FULL = GATES["customers_shown"].least, GATES["customers_full"].least  # of fewer than FULL only the ends of an interval are said


def followed(shop: Shop, sold: Any) -> None:
    """How many bought, who of them is new, and who is left out; a page of new customers ends here where there are none."""
    start = f"{shop.history_start.day} {shop.history_start:%B %Y}"
    if not shop.has("orders"):
        raise MissingDataError("orders", "is not there, and without it nobody is seen to buy", "",
                               "an orders table: order_id, customer_id, ordered_at, amount")
    if not sold["new_customers"]:
        raise MissingDataError("orders", f"names nobody who first bought (and signed up) on or after {start}, where the recorded history begins", "",
                               'history_start = "an earlier day" under [shop] in retainkit.toml, if it began before')
    new, older = int(sold["new_customers"]), int(sold["customers"] - sold["new_customers"])
    first = "first bought, and signed up," if shop.has("customers.signed_up_at") else "were first seen to buy"
    others = f"The other {older:,} were customers" if older > 1 else "The other was a customer"
    left_out = f"{others} before it, and nobody can say when they first bought, so they are left out below."
    say("{buyers} made {purchases} (orders of one day are one). {new:,.0f} of them {are} **new**: they {first} on or "
        "after {start}, where the recorded history begins. {left_out}",
        buyers=counted(int(sold["customers"]), "customer"), purchases=counted(int(sold["purchase_days"]), "purchase"),
        new=new, are="is" if new == 1 else "are", first=first, start=start, left_out=left_out if older else "")


def history(shop: Shop) -> str:
    """Whether it is known who is new, and what follows where it is not."""
    given = "The recorded history begins where the user said it does; customers known before are left out."
    unsigned = f"{capital(unsure_who_is_new(shop))}: old customers seen for the first time look new."
    guessed = (
        "Nobody said where the recorded history begins, so it is taken to begin with the first order: old customers "
        "seen for the first time would then look new. history_start in retainkit.toml says it.")
    return guessed if not shop.history_given else unsigned if unsure_who_is_new(shop) else given


def known(row: Any) -> bool:
    """Whether the rate of a row is known at all, and of five customers or more."""
    return row["n"] >= SHOWN and not missing(row["rate"])


def exact(row: Any) -> bool:
    """Whether one number may be said of a curve's row, and with it of the ends that compete with it."""
    return judged(row, kind="survival") in TOLD


def tells(said: str) -> bool:
    """Whether words of an estimate tell it."""
    return not said.startswith(("too few", "not known"))


def named(month: str) -> str:
    """A month as it is spoken.

    >>> named("2026-10")
    'October 2026'
    """
    return f"{pd.Timestamp(month):%B %Y}"


def old_ones(shop: Shop) -> str:
    """That many of the new customers may be old ones, where it is not known who is new."""
    why = unsure_who_is_new(shop)
    return f'{capital(why)}, so many of these "new" customers may be old ones.' if why else ""


def off_by(ends: pd.DataFrame) -> float:
    """By how much those who bought, those who left first and those who did neither are not everybody, where they are it least.

    >>> round(off_by(pd.DataFrame({"rate": [0.5, 0.6, float("nan")], "left": [0.2, 0.2, 0.1], "waiting": [0.2, 0.3, 0.1]})), 9)
    0.1
    """
    return float(max((ends["rate"] + ends["left"] + ends["waiting"] - 1).dropna().abs(), default=0))


def burned_in(table: pd.DataFrame) -> None:
    """The share of new customers without those first seen in the first days of the history, and how to read it."""
    say("No day of signing up says who is new. Whoever was a customer before the history begins and goes on buying is first seen in its "
        "first days: the more of these are left out, the fewer old customers are counted. Where the rows differ by more than "
        "their intervals, old customers are among the new, or newer ones buy otherwise.")
    show(shown(table.drop(columns="too_young"), kind="survival"), caption="The same share without those first seen in the first days of the history",
         units={"burn_in": "first days left out", "left_out": "customers", "horizon_days": "after the first purchase"})


def no_leaving(shop: Shop, segment: str) -> str:
    """Why nobody is seen to leave here, as the beginning of a sentence."""
    if shop.has("contracts"):
        return "No contract here says when it ended"
    return f"No customer of the segment {segment} has a contract" if segment else "There is no table contracts"


def apart(table: pd.DataFrame, *, by: str) -> None:
    """Which groups can be told apart from the rest."""
    clear = table[table["q"] < 0.05]
    what = "; ".join(f"{group} {words(gap, kind='points')} against the rest" for group, gap in zip(clear[by], differences(clear), strict=True))
    say("By {by}: {what}.", by=by, what=what or "no group can be told apart from the rest")
