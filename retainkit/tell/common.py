"""What several pages say in the same words."""

from __future__ import annotations

import pandas as pd

from retainkit.load.shop import Shop
from retainkit.show.display import say
from retainkit.show.sentences import against

FEW = "Too few customers to say"


def old_ones(shop: Shop) -> str:
    """That many of the new customers may be old ones, where nobody said when the history begins."""
    old = "Nobody said where the history begins, so many of these “new” customers may be old ones."
    return "" if shop.history_given else old


def no_leaving(shop: Shop, segment: str) -> str:
    """Why nobody is seen to leave here, as the beginning of a sentence."""
    if shop.has("contracts"):
        return "No contract here says when it ended"
    return f"No customer of the segment {segment} has a contract" if segment else "There is no table contracts"


def apart(table: pd.DataFrame, *, by: str) -> None:
    """Which groups can be told apart from the rest."""
    clear = against(table).set_index(by).loc[table.loc[table["q"] < 0.05, by], "difference"]
    what = "; ".join(f"{group} {said} against the rest" for group, said in clear.items())
    say("By {by}: {what}.", by=by, what=what or "no group can be told apart from the rest")
