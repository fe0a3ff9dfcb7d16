"""Propose the canonical tables from files of no system in particular: every file is tried as every table, with its joins."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from retainkit.check.amounts import amount_of, signs
from retainkit.check.answers import said_of
from retainkit.check.evidence import EVIDENCE, of_returns, without_a_column
from retainkit.check.joins import Links, links_of, measure, used_of
from retainkit.check.lives import ends
from retainkit.check.look import Column, Look
from retainkit.check.proposal import GUESS, LIKELY, SURE, Proposal, days_lines
from retainkit.check.returns import given_back
from retainkit.check.words import called, choices, fits, in_hundredths, number_of
from retainkit.errors import counted, listed
from retainkit.load.names import ENOUGH, likeness, plain, single, words
from retainkit.load.plan import toml
from retainkit.load.schema import TABLES, Table
from retainkit.load.schema import Column as Canonical
from retainkit.sqltext import literal

ROW, WHO, WHAT = "row", "who", "what"  # what a joined file is about
PERHAPS = 0.6  # that of a column which may stand in for another
COARSE = 60  # the most values of a group of products: some dozens, not hundreds
STAGES = 20  # the most words of a column of stages
ORDER = ("deals", "contracts", "orders", "responses", "spend", "changes", "activity", "customers")


def propose(looks: Sequence[Look], answers: dict[str, str], taken: set[str]) -> list[Proposal]:
    """The best proposal for each canonical table that is not `taken`; a file is the base of one table."""
    tried = list[Proposal]()
    for look in looks:
        links = links_of(look, looks)
        for name in ORDER:
            numbered = any(p.look is look and {"order_id", "customer_id"} <= p.columns.keys() for p in tried)
            if name == "spend" and numbered and not said_of(name, answers):
                continue  # orders may say by which channel they came
            if name not in taken and (found := _try(look, links, TABLES[name], said_of(name, answers))):
                tried.append(found)
    tried.sort(key=lambda p: (-p.score, ORDER.index(p.table)))
    used: dict[str, str] = {}
    chosen: list[Proposal] = []
    for proposal in tried:
        first = next((p for p in chosen if p.table == proposal.table != "customers"), None)
        if first and proposal.look.table not in used:
            _finish(proposal, answers)
            first.instead.append(proposal)
        if proposal.table in taken or (proposal.look.table in used and (used[proposal.look.table], proposal.table) != ("customers", "contracts")):
            continue  # a list of customers may say since when and until when they pay
        taken.add(proposal.table)
        used[proposal.look.table] = proposal.table
        _finish(proposal, answers)
        ends(proposal, answers)
        chosen.append(proposal)
    return sorted(chosen, key=lambda p: list(TABLES).index(p.table))


def _try(look: Look, links: Links, table: Table, said: dict[str, str]) -> Proposal | None:
    """The file as one canonical table, or None when a needed column is nowhere."""
    columns, joined = dict(look.columns), dict[str, str]()
    if table.name != "customers":
        for other, key, _ in links:
            more = {n: c for n, c in other.columns.items() if n not in columns}
            columns |= more
            joined |= dict.fromkeys(more, key)
    found = _assign(look, table, columns, joined, said)
    proposal = Proposal(table.name, look, columns={name: column for name, (column, _) in found.items()})
    for name, (column, score) in found.items():
        map_column(proposal, table.column(name), column, score)
        if name == "product_line" and score == PERHAPS:
            proposal.why[name] = (GUESS, f"{counted(column.distinct, 'product')}, few enough to be taken for groups of products")
    proposal.notes += _rivals(proposal)
    without_a_column(proposal)
    if table.name == "orders":
        amount_of(proposal, columns)
        given_back(proposal, {n: c for n, c in columns.items() if n not in joined or _reach(table, joined[n]) == ROW})
    own, missing = proposal.columns, [c.name for c in table.columns if c.required and c.name not in proposal.lines]
    evidence = EVIDENCE[table.name]
    look.nearly[table.name] = [n for n, column in own.items() if column.name in look.columns and table.column(n).required], missing
    if missing or (evidence and not said and not own.keys() & evidence and table.name.rstrip("s") not in look.files[0].name.lower()):
        return None
    if table.name in ("customers", "activity") and (own["customer_id"].distinct < look.rows * 0.98) is (table.name == "customers"):
        return None  # a list of people has one row of each, and what they did several
    beside = [c for c in columns.values() if any(c.sql in line for line in proposal.lines.values())]
    proposal.joins = used_of(look, links, [c for n, c in own.items() if c.name in proposal.lines.get(n, "")] + beside)
    proposal.email = next((c.sql for c in look.columns.values() if called(c, "email", ENOUGH)), "")
    texts = [c for c in look.columns.values() if c.kind == "text"]
    codes = (c for c in texts if called(c, "currency", ENOUGH) and all(re.fullmatch("[A-Za-z]{3}", v) for v in c.values))
    currency = next((c.sql for c in texts if called(c, "currency")), next((c.sql for c in codes), ""))
    proposal.currency = currency or signs(own.get("amount"))
    scores = [found[c.name][1] if c.name in own else 0.5 for c in table.columns if c.required and proposal.lines[c.name] != "row_no"]
    named = 0.3 if table.name.rstrip("s") in look.files[0].name.lower() else -0.3 if of_returns(look) else 0.0
    rows = 0.1 if look.rows == max([look.rows, *(other.rows for other, _, _ in links)]) else 0.0
    proposal.score = sum(scores) / len(scores) + named + rows + 0.02 * len(own)
    return proposal


def _reach(table: Table, key: str) -> str:
    """What a file says that is joined by a column: what happened (by the number of the order), who the customer is, or what was bought."""
    known = words().get(table.name, {})
    best = {of: likeness(key.partition(" = ")[0], known.get(name, [])) for of, name in ((ROW, (table.key or ("order_id",))[0]), (WHO, "customer_id"))}
    return max(best, key=lambda of: best[of]) if max(best.values()) >= ENOUGH else WHAT


def _fits_joined(canonical: Canonical, reach: str) -> bool:
    """Whether a joined file can say it: a customer's own dates and words are none of an order."""
    told = {WHO: canonical.name in ("segment", "region", "source", "owner"), WHAT: canonical.kind == "text" or canonical.name == "monthly_value"}
    return told.get(reach, True)


def _assign(look: Look, table: Table, columns: dict[str, Column], joined: dict[str, str], said: dict[str, str]) -> dict[str, tuple[Column, float]]:
    """The column for each canonical one, the most alike first, none used twice; `joined` columns are found by another one."""
    known = words().get(table.name, {})
    told = {name: columns[column] for name, column in said.items() if column in columns}
    pairs = [(2.0, 1.0, name, column) for name, column in told.items()]
    for canonical in (c for c in table.columns if c.name not in told):
        names = list(known.get(canonical.name, []))
        if canonical.name == (table.key or ("order_id",))[0] and table.name.rstrip("s") in look.files[0].name.lower():
            names.append("id")
        for column in columns.values():
            if not fits(canonical, column) or (canonical.kind == "choice" and not _spoken(table, canonical, column)):
                continue
            own = plain(column.name).split()
            if (canonical.kind == "id" and own[-1:] and own[-1] in single("remarks")) or (canonical.name == "amount" and single("off_price") & set(own)):
                continue
            if column.name in joined and not _fits_joined(canonical, _reach(table, joined[column.name])):
                continue
            score = likeness(column.name, names) - (0.03 if column.name not in look.columns else 0)
            if canonical.name == "status" and choices(table.name, canonical.name, column)[0] < 0.5:
                score *= 0.9  # after one whose words are known
            if canonical.name == "product_line" and column.distinct > COARSE:
                score *= 0.9
            elif canonical.name == "product_line" and column.kind == "text" and plain(column.name) in words()["also"]["product"]:
                score = max(score, PERHAPS)
            if score >= ENOUGH:
                pairs.append((score * (0.9 + 0.1 * column.filled / max(column.rows, 1)), score, canonical.name, column))
    found: dict[str, tuple[Column, float]] = {}
    for _, score, name, column in sorted(pairs, key=lambda p: (-p[0], p[2], p[3].name)):
        if name not in found and all(column is not other for other, _ in found.values()):
            found[name] = (column, score)
    _by_kind(look, table, {n: c for n, c in columns.items() if n not in joined}, found)
    return found


def _rivals(p: Proposal) -> list[str]:
    """Other columns of the file that could be the day or the money of a row as well: net and gross, ordered and shipped."""
    told, free = [], p.free(p.look.columns).values()
    for canonical in (c for c in TABLES[p.table].columns if c.required and c.kind in ("day", "money") and c.name in p.columns):
        name, names = f"{p.table}.{canonical.name}", words()[p.table][canonical.name]
        alike = max(ENOUGH, min(0.8, likeness(p.columns[canonical.name].name, names)))
        if others := [f"`{c.name}`" for c in free if fits(canonical, c) and likeness(c.name, names) >= alike]:
            told.append(f"{name} is `{p.columns[canonical.name].name}`; it could be {listed(others, limit=5)} as well: --answer {name}=...")
    return told + [line for line in (_named_alike(p), _invoices(p)) if line]


def _invoices(p: Proposal) -> str:
    """A column that numbers contracts beside orders, which may be their invoices: by one of these nobody comes back."""
    if p.table != "orders" or "order_type" in p.columns:
        return ""
    free = p.free(p.look.columns).values()
    c = next((c for c in free if c.filled and likeness(c.name, words()["contracts"]["contract_id"]) >= 0.9), None)
    if not c:
        return ""
    line = toml(f"case when coalesce(trim(cast({c.sql} as varchar)), '') <> '' then 'recurring' else 'one_off' end")
    said = f"`{c.name}` stands in {c.filled:,} of {c.rows:,} rows: if they are invoices of running contracts"
    return f"{said}, each counts as a purchase, and whoever pays comes back. order_type = {line} counts them as invoices"


def _named_alike(p: Proposal) -> str:
    """A number beside the column taken for the customer, of which one name has several: namesakes would be one customer."""
    who, look = p.columns.get("customer_id"), p.look
    if not who or who.name not in look.columns or p.table == "customers":
        return ""
    free = [c for c in p.free(look.columns).values() if c.kind != "day" and not measure(c) and c.filled == c.rows]
    known = {word for name in words()[p.table]["customer_id"] for word in name.split()} - single("number")
    for c in (c for c in free if known & set(words_of := plain(c.name).split()) and words_of[-1] in single("number") and who.distinct < c.distinct < c.rows):
        (pairs,) = look.con.execute(f"select count(distinct (trim({who.sql}), trim({c.sql}))) from {look.table}").fetchall()[0]
        if pairs == c.distinct:  # each number has one name
            return (
                f"{p.table}.customer_id is `{who.name}` ({who.distinct:,} different ones), of which some have several of `{c.name}` ({c.distinct:,}): "
                f"if that numbers customers, --answer {shlex.quote(f'{p.table}.customer_id={c.name}')}"
            )
    return ""


def _spoken(table: Table, canonical: Canonical, column: Column) -> bool:
    """Whether the words of a column are those of a choice, or it is called after stages: what its words are is asked."""
    share, by = choices(table.name, canonical.name, column)
    if canonical.name == "status" and share < 0.5:
        names = set(words()["orders"]["status"]) - single("state")
        return column.distinct <= STAGES and not measure(column) and plain(column.name) in names
    if canonical.name != "outcome":
        return share >= 0.5
    return {"won", "lost"} <= set(by) or (column.kind == "text" and column.distinct <= STAGES and called(column, "stage", 0.9))


def _asked(canonical: Canonical, by: dict[str, list[str]]) -> bool:
    """Whether words that nobody knows are left as they are, and asked of: deals are open otherwise, where some are known to be won and lost."""
    return bool(canonical.default) or (canonical.name == "outcome" and not {"won", "lost"} <= set(by))


def _by_kind(look: Look, table: Table, columns: dict[str, Column], found: dict[str, tuple[Column, float]]) -> None:
    """Orders without telling names: the only day is the day, and in a file without a header the order of columns speaks."""
    if table.name != "orders":
        return
    days = [c for c in columns.values() if c.kind == "day"]
    if "ordered_at" not in found and len(days) == 1:
        found["ordered_at"] = (days[0], 0.5)
    if look.settings.get("header", True):
        return
    numbers = [c for c in columns.values() if c.kind == "number" and all(c is not o for o, _ in found.values())]
    repeats = [c for c in columns.values() if c.kind != "day" and not measure(c) and 1 < c.distinct < c.rows and len(c.values[0]) > 1]
    if money := [c for c in numbers if measure(c)]:
        found["amount"] = (money[-1], 0.5)
    if repeats:
        found["customer_id"] = (repeats[0], 0.5)
    if counts := [c for c in numbers if not measure(c) and c.distinct < 200 and all(c is not r for r in repeats[:1])]:
        found["quantity"] = (counts[-1], 0.5)


def map_column(proposal: Proposal, canonical: Canonical, column: Column, score: float) -> None:
    """One line of the mapping, with how sure it is."""
    sql = column.name if column.sql == f'"{column.name}"' else column.sql
    how = SURE if score >= 0.9 else LIKELY if score >= 0.65 else GUESS
    why = "its name and its values" if score >= 0.65 else "its values only"
    if column.days and column.days.formats and column.days.proof:
        why += f"; {column.days.proof}"
    if column.numbers and canonical.kind in ("money", "number") and (column.numbers.sql or in_hundredths(column)):
        sql = number_of(column)
        why += f"; {column.numbers.proof}"
        how = LIKELY if how == SURE and column.numbers.both else how  # what is sure is not explained
        if in_hundredths(column):
            how, why = max(how, LIKELY, key=[SURE, LIKELY, GUESS].index), f"{why}, counted in hundredths"
    if column.numbers and column.numbers.doubt and canonical.kind in ("money", "number"):
        proposal.undecided(column)
    if canonical.name == "customer_id" and all("@" in v for v in column.values):
        sql, why = f"lower(trim({column.sql}))", f"{why}; an address is the same in capital letters"
    if canonical.kind == "choice":
        _, by = choices(proposal.table, canonical.name, column)
        sql = _cases(column, canonical, by)
        left = [v for v in column.values if all(v not in vs for vs in by.values())]
        if left:
            how = LIKELY if how == SURE else how  # what is sure is not explained
            what = "left as they are, and rejected" if _asked(canonical, by) else f"read as {_other(canonical)}"
            why += f"; {what}: {', '.join(left[:5])}"
            if _asked(canonical, by) and canonical.name not in ("status", "outcome"):  # that is asked
                none = f"words that are no {canonical.name} retainkit knows: {', '.join(left[:5])}"
                proposal.notes.append(f"`{column.name}` has {none}. Those rows are {what}.")
    if (proposal.table, canonical.name, how) == ("orders", "amount", GUESS):
        _ask_amount(proposal, column)
    proposal.put(canonical.name, sql, why, how)


def _ask_amount(proposal: Proposal, column: Column) -> None:
    """Ask which column is the amount where no name of one says it, and several hold money."""
    beside = [c for c in proposal.look.columns.values() if not called(c, "price", ENOUGH) and not called(c, "discount", ENOUGH)]
    money = [c.name for c in beside if measure(c) or (c.numbers and c.numbers.sql)]
    if len(money) > 1:
        first = [column.name, *(name for name in money if name != column.name)][:6]
        proposal.ask("orders.amount", f"{proposal.look.name}: no column is called after what was paid, and `{column.name}` is a guess: which one is it?",
                     *(f"--answer {shlex.quote(f'orders.amount={name}')}" for name in first))


def _other(canonical: Canonical) -> str:
    return canonical.default or canonical.choices[-1]


def _cases(column: Column, canonical: Canonical, by: dict[str, list[str]]) -> str:
    """SQL that turns the file's words into those of a choice; a word nobody knows stays as it is where it would be a guess."""
    own = {v.lower() for v in column.values[: len(canonical.choices)]} <= set(canonical.choices)  # the commonest are the very words
    if own and (canonical.default or len(column.values) <= len(canonical.choices)):
        return column.name if column.sql == f'"{column.name}"' else column.sql
    other = column.sql if _asked(canonical, by) else literal(_other(canonical))
    whens = [f"when {literal(v)} then {literal(c)}" for c in canonical.choices for v in by.get(c, []) if literal(c) != other]
    return f"case trim({column.sql}) {' '.join(whens)} else {other} end" if whens else other


def _finish(proposal: Proposal, answers: dict[str, str]) -> None:
    """Settle days, returns, and values that say nothing."""
    order = {c.name: i for i, c in enumerate(TABLES[proposal.table].columns)}
    proposal.lines = dict(sorted(proposal.lines.items(), key=lambda line: order[line[0]]))
    days_lines(proposal)
    only, proposal.above_zero = proposal.above_zero, ""
    if only and answers.get("returns") == "out":
        proposal.where = " and ".join(filter(None, (proposal.where, only)))
    elif only and answers.get("returns") != "in":
        proposal.notes.append("Lines at or below zero are kept as money given back. To leave them out: --answer returns=out")
    stage, amount = proposal.columns.get("outcome"), proposal.columns.get("amount")
    if proposal.table == "deals" and stage and amount:
        _, by = choices("deals", "outcome", stage)
        won = f"trim({stage.sql}) in ({', '.join(map(literal, by.get('won', [''])))})"
        own = "won" in by and amount.name in proposal.look.columns and stage.name in proposal.look.columns
        if own and not proposal.look.count(f"not {won} and {number_of(amount)} <> 0"):
            value = number_of(amount) if amount.numbers and amount.numbers.sql else amount.sql
            why = "a lost or open deal carries 0, which is no value"
            proposal.put("amount", f"case when {won} then {value} end", why, proposal.why["amount"][0])
