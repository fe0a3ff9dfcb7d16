"""What shows that a file is of a table, what stands in for a column it lacks, and what keeps it from being a table."""

from __future__ import annotations

from retainkit.check.look import Column, Look
from retainkit.check.proposal import GUESS, Proposal
from retainkit.check.words import called
from retainkit.errors import listed
from retainkit.load.names import plain, single, words
from retainkit.load.schema import TABLES

NUMBERED = {
    "orders": ("order_id", "customer_id", "ordered_at"),
    "contracts": ("contract_id", "customer_id", "started_at"),
    "deals": ("deal_id", "rep", "opened_at", "outcome"),
}  # whose rows may have no number of their own
# Beside its needed columns: one of these must be found.
EVIDENCE = {"contracts": ("ended_at", "cancel_requested_at", "monthly_value"), "customers": ("signed_up_at", "segment", "region", "source", "owner"),
            "activity": (), "changes": (), "orders": (), "deals": (), "responses": (), "spend": ()}


def without_a_column(proposal: Proposal) -> None:
    """Where no column numbers the orders, the deals, or the contracts of one file, every row is one; and who asks for
    recommendations asks customers.
    """
    look, found = proposal.look, proposal.columns
    number, *others = NUMBERED.get(proposal.table, ("",))
    if number in found and proposal.table != "orders":
        column, who = found[number], found.get("customer_id")
        repeats = column.distinct < 0.98 * column.filled and not single("number") & set(plain(column.name).split()[-1:])
        if repeats or (proposal.table == "contracts" and who and column.distinct < who.distinct):
            del found[number], proposal.lines[number]  # a name, or a kind of contract, and no number
    if proposal.table == "responses" and "kind" not in proposal.lines and "score" in found and _recommends(found["score"]):
        why = f"no column says who was asked, and `{found['score'].name}` is what customers are asked"
        proposal.put("kind", "'customer'", why, GUESS)
    if not number or number in proposal.lines or not set(others) <= set(found):
        return
    if (
        found["customer_id"].distinct < look.rows
        if proposal.table == "orders"
        else proposal.table == "deals" or (len(look.files) == 1 and ("monthly_value" in found or _tells(look)))
    ):
        own = next((n for n, c in proposal.free(look.columns).items() if plain(n) == "id" and c.distinct == look.rows), "")
        proposal.lines = {number: own or "row_no", **proposal.lines}
        proposal.why[number] = (GUESS, f"no column names the {proposal.table.rstrip('s')}, so every row is taken as one")


def of_returns(look: Look) -> bool:
    """Whether a file is called after money given back."""
    return bool(single("back") & set(plain(look.files[0].name).split()))


def _tells(look: Look) -> bool:
    """Whether the file or one of its columns is called after contracts: a start and an end alone may be of anything."""
    names = f" {' '.join(plain(name) for name in (look.files[0].name, *look.columns))} "
    return any(f" {word} " in names or f" {word}s " in names for word in words()["also"]["contract"])


def _recommends(score: Column) -> bool:
    """Whether a column holds 0 to 10 and is called after recommending."""
    return called(score, "recommend", 0.5) and all(v.removesuffix(".0") in map(str, range(11)) for v in score.values)


def falls_short(look: Look) -> str:
    """Which needed column keeps a file from being the table it is most like, in words; empty where it is like none."""
    name, missing = nearest(look)
    if not name:
        return ""
    columns = [f"`{c}` ({TABLES[name].column(c).meaning.partition(';')[0]})" for c in missing]
    return f": to be {name}, it lacks {'a column' if len(columns) == 1 else 'columns'} for {listed(columns)}; if one is, say --answer {name}.{missing[0]}=COLUMN"


def nearest(look: Look) -> tuple[str, list[str]]:
    """The table a file is most like, and the needed columns that it lacks; nothing where it is like none."""
    like = [(len(missing), -len(have) / sum(c.required for c in TABLES[name].columns), name, missing) for name, (have, missing) in look.nearly.items()
            if missing and (len(have) >= 2 or (have and name.rstrip("s") in look.files[0].name.lower()))]
    return min(like)[2:] if like else ("", [])
