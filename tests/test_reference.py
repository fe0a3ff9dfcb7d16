"""Every reference value there is, one by one: a leaf of the file that no check here reads fails the test.

The tests of each estimator have most of these numbers as literals; this one makes sure that none was passed over. It reads
`shared/reference/reference_values.json` beside the repository, and is skipped where that is not.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung
from renewal_fits import fit_bdw, fit_sbg, model_survival
from scipy.stats import norm

from retainkit.estimate import intervals as iv
from retainkit.estimate.competing import EVENT_FREE, aalen_johansen, incidence_at
from retainkit.estimate.funnel import binomial_limits, poisson_limits
from retainkit.estimate.promoters import promoter_score
from retainkit.estimate.rep_model import joint_rep_model
from retainkit.estimate.repeat_buying import (
    BGNBD,
    GammaGamma,
    expected_orders,
    expected_value,
    fit_bg_nbd,
    fit_gamma_gamma,
    p_alive,
)
from retainkit.estimate.survival import at_times, kaplan_meier, logrank, median_survival, rmst

FOLDER = Path(__file__).parents[1].parent / "shared" / "reference"
WORDS = {"source", "note"}


MGUS2 = """suppressMessages(library(survival)); d <- survival::mgus2
duration <- ifelse(d$pstat == 1, d$ptime, d$futime); cause <- ifelse(d$pstat == 1, "pcm", ifelse(d$death == 1, "death", ""))
write.csv(aggregate(n ~ duration + cause, data.frame(duration, cause, n = 1), sum), row.names = FALSE)"""


class Leaves:
    """The values under one heading; `take` hands some out and remembers that they were asked for."""

    def __init__(self, tree: Any) -> None:
        self.tree, self.left = tree, {path for path, _ in leaves(tree)}

    def take(self, *path: Any) -> Any:
        """The value, list or table at this place."""
        self.left -= {leaf for leaf in self.left if leaf[: len(path)] == path}
        at = self.tree
        for step in path:
            at = at[step]
        return at

    def agree(self, found: Any, *path: Any, within: float) -> None:
        """What was computed is what the file has at this place."""
        np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(self.take(*path), dtype=float), rtol=0, atol=within, err_msg=str(path))


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every number of a tree of dicts and lists, with its place."""
    if isinstance(tree, (dict, list)):
        for step, below in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(below, (*path, step))
    elif path[-1] not in WORDS:
        yield path, tree


def cells_of(durations: Any, events: Any, name: str = "event", **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"duration": durations, name: events, "n": 1, **more})


def wilson(of: Leaves) -> None:
    for i, row in enumerate(of.tree):
        low, high = iv.wilson(of.take(i, "x"), of.take(i, "n"))
        of.agree(low, i, "lo", within=5e-5)
        of.agree(high, i, "hi", within=5e-5)
        assert row.keys() == {"x", "n", "lo", "hi"}


def newcombe(of: Leaves) -> None:
    for i in range(len(of.tree)):
        found = iv.newcombe(*(of.take(i, name) for name in ("x1", "n1", "x2", "n2")))
        for name, value in zip(("d", "lo", "hi"), found, strict=True):
            of.agree(value, i, name, within=5e-5)


def lung(of: Leaves) -> None:
    cells = load_lung().rename(columns={"time": "duration", "status": "event"})[["duration", "event"]].assign(n=1)
    curve = kaplan_meier(cells)
    found = at_times(curve, of.take("t"))
    for name, column in {"at_risk": "at_risk", "S": "survival", "lo": "low", "hi": "high"}.items():
        of.agree(found[column], name, within=1e-6)
    of.agree(median_survival(curve), "median", within=0)
    for tau in (365, 730):
        of.agree(rmst(cells, tau=tau), f"rmst{tau}", within=1e-7)


def aml(of: Leaves) -> None:
    arms = {arm: cells_of(of.take(arm, "time"), of.take(arm, "event")) for arm in ("maintained", "nonmaintained")}
    for arm, cells in arms.items():
        curve, times = kaplan_meier(cells), list(of.tree[arm]["S"])
        found = at_times(curve, [int(t) for t in times]).set_index(pd.Index(times))
        for t in times:
            of.agree(found.loc[t, "survival"], arm, "S", t, within=5e-7)
        for name in {"ci9", "ci48"} & set(of.tree[arm]):
            of.agree(found.loc[name.removeprefix("ci"), ["low", "high"]], arm, name, within=1e-6)
        of.agree(median_survival(curve)[0], arm, "median", within=0)
        of.agree(rmst(cells, tau=40), arm, "rmst40", within=1e-8)
    of.agree(logrank(pd.concat([cells.assign(arm=arm) for arm, cells in arms.items()]), by="arm"), "logrank", within=5e-6)


def mgus2(of: Leaves) -> None:
    """1,384 patients followed to a plasma cell malignancy or death, counted by month: `mgus2` of R's survival package, asked of R."""
    rscript = shutil.which("Rscript")
    asked = subprocess.run([rscript, "-e", MGUS2], capture_output=True, text=True, check=False) if rscript else None
    if not asked or asked.returncode:
        pytest.skip("needs R and its survival package (Debian: r-cran-survival), which hold the data")
    counts = pd.read_csv(io.StringIO(asked.stdout), keep_default_na=False)
    found = incidence_at(aalen_johansen(counts), of.take("t")).pivot(index="time", columns="cause")
    for name, cause in {"pcm": "pcm", "death": "death", "S": EVENT_FREE}.items():
        of.agree(found["incidence"][cause], name, within=1e-10)
    for cause in ("pcm", "death"):
        of.agree(found["se"][cause], f"se_{cause}", within=1e-10)


def tiny(of: Leaves) -> None:
    rows, times = pd.read_csv(FOLDER / "tiny_cr.csv"), of.take("t")
    for prefix, entry in (("", 0), ("entry_", rows["entry"])):
        found = incidence_at(aalen_johansen(cells_of(rows["time"], rows["event"], "cause", entry=entry)), times).pivot(index="time", columns="cause")
        for name, cause in {"cif1": 1, "cif2": 2, "S": EVENT_FREE}.items():
            of.agree(found["incidence"][cause], prefix + name, within=6e-9)
        if not prefix:
            of.agree(found["se"][1], "se1", within=1e-9)
    of.agree(rmst(cells_of(rows["time"], (rows["event"] > 0) * 1), tau=90), "rmst90", within=5e-7)


def edges(of: Leaves) -> None:
    for i, case in enumerate(of.tree):
        curve = aalen_johansen(cells_of(of.take(i, "time"), of.take(i, "event"), "cause"))
        for name, cause in {"cif1": 1, "cif2": 2, "S": EVENT_FREE}.items():
            for t in case.get(name, {}):
                found = incidence_at(curve, [int(t)]).set_index("cause").loc[cause, "incidence"]
                of.agree(found, i, name, t, within=1e-12)


def renewals(of: Leaves, shares: dict[str, list[float]], fit: Callable[[pd.DataFrame], Any], names: list[str]) -> None:
    """A renewal model fitted to both segments: parameters, log-likelihood, and survival of periods 8 to 12."""
    for segment, kept in shares.items():
        here = 10 * np.array(kept)  # of 1,000 customers
        made = fit(pd.DataFrame({"cohort": "a", "period": range(1, len(here)), "at_risk": here[:-1], "lost": -np.diff(here)}).round())
        within = 6e-4 if "abc" not in of.tree[segment] else 1.5e-3
        found = [getattr(made, name) for name in names]
        for name, value in {"alpha": found[0], "beta": found[1], "abc": found, "ll": round(made.loglik, 1)}.items():
            if name in of.tree[segment]:
                of.agree(value, segment, name, within=within)
        if "S8_12" in of.tree[segment]:
            of.agree((100 * model_survival(made, np.arange(8, 13))).round(1), segment, "S8_12", within=1e-9)


def sbg(of: Leaves) -> None:
    renewals(of, {segment: of.take(segment, "pct") for segment in ("regular", "highend")}, fit_sbg, ["alpha", "beta"])


def bdw(of: Leaves) -> None:
    renewals(of, {segment: reference()["sbg"][segment]["pct"] for segment in ("regular", "highend")}, fit_bdw, ["alpha", "beta", "c"])


def cdnow(of: Leaves) -> None:
    from tests.test_repeat_buying import CDNOW_FILE, calibration

    buyers = calibration(CDNOW_FILE)
    of.agree(buyers["n"].sum(), "n", within=0)
    of.agree((buyers["x"] > 0).sum(), "gg", "n_repeat", within=0)
    habits, values = fit_bg_nbd(buyers), fit_gamma_gamma(buyers)
    for name in ("r", "alpha", "a", "b"):
        of.agree(getattr(habits, name), "bgnbd", name, within=6e-4)
    of.agree(round(habits.loglik, 1), "bgnbd", "ll", within=1e-9)
    for name in ("p", "q", "v"):
        of.agree(getattr(values, name), "gg", name, within=0.006)
    printed = BGNBD(*(of.tree["bgnbd"][name] for name in ("r", "alpha", "a", "b")), loglik=0.0)
    x, t_x, age, ahead = (of.take("cond_exp", name) for name in ("x", "tx", "T", "t"))
    of.agree(expected_orders(printed, x, t_x, age, within=ahead), "cond_exp", "value", within=6e-4)
    for i in range(len(of.tree["p_alive"])):
        of.agree(p_alive(printed, *(of.take("p_alive", i, name) for name in ("x", "tx", "T"))), "p_alive", i, "value", within=5e-5)
    spent = GammaGamma(*(of.tree["gg"][name] for name in ("p", "q", "v")), loglik=0.0)
    for i in range(len(of.tree["gg_cond"])):
        of.agree(expected_value(spent, of.take("gg_cond", i, "x"), of.take("gg_cond", i, "m")), "gg_cond", i, "value", within=0.05)


def surgical(of: Leaves) -> None:
    n, deaths = np.array(of.take("n")), np.array(of.take("r"))
    deals = pd.DataFrame({"rep": range(12), "offset": np.log(deaths.sum() / (n - deaths).sum()), "won": deaths, "n": n})
    with patch.multiple("retainkit.estimate.rep_grid", MEAN_SD=10.0, spread_prior=lambda s: -1.002 * np.log(s) - 0.001 / s**2):
        model = joint_rep_model(deals, pd.DataFrame({"rep": [], "observed": [], "expected": []}))
    of.agree(model.reps["rate"], "quadrature", within=1e-4)
    of.agree(model.reps["rate"], "openbugs", within=6e-4)
    company = model.company.set_index("quantity")["value"]
    of.agree(company["win_rate"], "pop_mean", within=3e-4)
    of.agree(company["s_u"], "sigma", within=0.0045)
    of.agree(deaths.sum() / n.sum(), "funnel_p0", within=5e-8)
    lines = binomial_limits(n, p0=deaths.sum() / n.sum()).round(4)
    for name, column in {"upper975": "high95", "lower025": "low95", "upper999": "high998"}.items():
        of.agree(lines[column], name, within=1e-9)


def poisson(of: Leaves) -> None:
    for kind in ("exact", "midp"):
        for count in of.tree[kind]:
            of.agree(iv.poisson_interval(int(count), exact=kind == "exact"), kind, count, within=6e-5)
    lines = poisson_limits(of.take("prediction", "E"))
    of.agree(lines["low95"].round(4), "prediction", "lo025", within=1e-9)
    of.agree(lines["high95"].round(4), "prediction", "hi975", within=1e-9)
    expected = np.array(of.take("funnelplotr_ci_limits", "E"))  # another funnel, which ours must not be
    for name, limit, ours in zip(("ll95", "ul95"), iv.poisson_interval(expected, exact=True), (lines["low95"], lines["high95"]), strict=True):
        of.agree(limit / expected, "funnelplotr_ci_limits", name, within=1e-6)
        assert (ours < limit / expected - 0.03).all()


def nps(of: Leaves) -> None:
    def variance(p: float, d: float) -> float:
        return p + d - (p - d) ** 2

    for i in range(len(of.tree["var"])):  # of one answer: of so many, ours adds nothing to it
        p, d = of.take("var", i, "p"), of.take("var", i, "d")
        _, low, high = promoter_score(6e8 * p, 6e8 * d, 6e8)
        of.agree(variance(p, d), "var", i, "var", within=1e-12)
        of.agree(((high - low) / 200 / norm.ppf(0.975)) ** 2 * 6e8, "var", i, "var", within=1e-6)
    for i in range(len(of.tree["se"])):
        up, between, down = (of.take("se", i, name) for name in ("prom", "pas", "det"))
        n = up + between + down
        value, low, high = promoter_score(up, down, n)
        of.agree(value, "se", i, "nps", within=5e-4)
        of.agree((low, high), "se", i, "adj", within=5e-4)
        wald = 100 * norm.ppf(0.975) * np.sqrt(variance(up / n, down / n) / n)  # too short in small surveys: not what we print
        of.agree((value - wald, value + wald), "se", i, "wald", within=5e-4)
    p, d, n = (of.take("width", name) for name in ("p", "d", "n"))
    of.agree(200 * norm.ppf(0.975) * np.sqrt(variance(p, d) / n), "width", "width", within=5e-5)
    _, low, high = promoter_score(n * p, n * d, n)
    of.agree(high - low, "width", "width", within=0.02)


def benjamini_hochberg(of: Leaves) -> None:
    of.agree(iv.benjamini_hochberg(of.take("p")), "q", within=5e-5)


CHECKS: dict[str, Callable[[Leaves], None]] = {
    "wilson": wilson, "newcombe_diff": newcombe, "km_lung": lung, "km_aml": aml, "aj_mgus2": mgus2, "tiny_cr": tiny, "aj_edge": edges,
    "sbg": sbg, "bdw": bdw, "cdnow": cdnow, "surgical": surgical, "poisson": poisson, "nps": nps, "bh": benjamini_hochberg}  # fmt: skip


def reference() -> dict[str, Any]:
    """The file, or a skipped test."""
    path = FOLDER / "reference_values.json"
    if not path.exists():
        pytest.skip("the reference values are not here")
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_every_heading_of_the_reference_values_has_a_check():
    assert reference().keys() == CHECKS.keys()


@pytest.mark.parametrize("heading", list(CHECKS))
def test_every_reference_value_is_computed(heading):
    of = Leaves(reference()[heading])
    CHECKS[heading](of)
    assert sorted(map(str, of.left)) == []
