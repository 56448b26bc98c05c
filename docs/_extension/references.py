"""The list of references: each with its DOI where it has one, and the parameters whose values rest on it."""

from __future__ import annotations

import re
from typing import NamedTuple

from firmfate.models import load_model

CITED = re.compile(r"([A-Z][A-Za-z]+)(?: & (?:Van )?[A-Z]\w+| et al\.)?,? \(?((?:19|20)\d\d)")
"""A citation in a table's source: first author and year."""


class Reference(NamedTuple):
    """One work; `key` is its first author and year as sources cite it."""

    key: str
    text: str
    doi: str = ""


MODELS = (
    Reference("Bloom 2007", "Bloom, N. & Van Reenen, J. (2007). Measuring and explaining management practices across firms and "
              "countries. *Quarterly Journal of Economics* 122(4), 1351-1408.", "10.1162/qjec.2007.122.4.1351"),
    Reference("Broadie 1997", "Broadie, M., Glasserman, P. & Kou, S. (1997). A continuity correction for discrete barrier options. "
              "*Mathematical Finance* 7(4), 325-349.", "10.1111/1467-9965.00035"),
    Reference("Daepp 2015", "Daepp, M. I. G., Hamilton, M. J., West, G. B. & Bettencourt, L. M. A. (2015). The mortality of companies. "
              "*Journal of the Royal Society Interface* 12(106), 20150120.", "10.1098/rsif.2015.0120"),
    Reference("Drury 1975", "Drury, C. G. & Fox, J. G. (eds) (1975). *Human Reliability in Quality Control*. Taylor & Francis."),
    Reference("Forrester 1961", "Forrester, J. W. (1961). *Industrial Dynamics*. MIT Press."),
    Reference("Forrester 1968", "Forrester, J. W. (1968). Market growth as influenced by capital investment. *Industrial Management "
              "Review* 9(2), 83-105."),
    Reference("Higginson 1994", "Higginson, J. K. & Bookbinder, J. H. (1994). Policy recommendations for a shipment-consolidation "
              "program. *Journal of Business Logistics* 15(1), 87-112."),
    Reference("Institute 2016", "JPMorgan Chase Institute (2016). *Cash is King: Flows, Balances, and Buffer Days. Evidence from "
              "600,000 Small Businesses*."),
    Reference("Karmarkar 1987", "Karmarkar, U. S. (1987). Lot sizes, lead times and in-process inventories. *Management Science* 33(3), "
              "409-418.", "10.1287/mnsc.33.3.409"),
    Reference("Karmarkar 1989", "Karmarkar, U. S. (1989). Capacity loading and release planning with work-in-progress (WIP) and "
              "leadtimes. *Journal of Manufacturing and Operations Management* 2, 105-123."),
    Reference("Kingman 1961", "Kingman, J. F. C. (1961). The single server queue in heavy traffic. *Mathematical Proceedings of the "
              "Cambridge Philosophical Society* 57(4), 902-904.", "10.1017/S0305004100036094"),
    Reference("Larkin 2014", "Larkin, I. (2014). The cost of high-powered incentives: Employee gaming in enterprise software sales. "
              "*Journal of Labor Economics* 32(2), 199-227.", "10.1086/673371"),
    Reference("Missbauer 2020", "Missbauer, H. & Uzsoy, R. (2020). *Production Planning with Capacitated Resources and Congestion*. "
              "Springer.", "10.1007/978-1-0716-0354-3"),
    Reference("Repenning 2001", "Repenning, N. P. & Sterman, J. D. (2001). Nobody ever gets credit for fixing problems that never "
              "happened. *California Management Review* 43(4), 64-88.", "10.2307/41166101"),
    Reference("Repenning 2002", "Repenning, N. P. & Sterman, J. D. (2002). Capability traps and self-confirming attribution errors in "
              "the dynamics of process improvement. *Administrative Science Quarterly* 47(2), 265-295.", "10.2307/3094806"),
    Reference("Schneiderman 1988", "Schneiderman, A. M. (1988). Setting quality goals. *Quality Progress* 21(4), 51-57."),
    Reference("Sterman 1989", "Sterman, J. D. (1989). Modeling managerial behavior: Misperceptions of feedback in a dynamic decision "
              "making experiment. *Management Science* 35(3), 321-339.", "10.1287/mnsc.35.3.321"),
    Reference("West 2017", "West, G. (2017). *Scale*. Penguin Press."),
)  # fmt: skip
"""Sources of models' equations and values."""

METHODS = (
    Reference("Aalen 1978", "Aalen, O. O. & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains based "
              "on censored observations. *Scandinavian Journal of Statistics* 5(3), 141-150."),
    Reference("Cox 1972", "Cox, D. R. (1972). Regression models and life-tables. *Journal of the Royal Statistical Society B* 34(2), "
              "187-220.", "10.1111/j.2517-6161.1972.tb00899.x"),
    Reference("Fine 1999", "Fine, J. P. & Gray, R. J. (1999). A proportional hazards model for the subdistribution of a competing risk. "
              "*Journal of the American Statistical Association* 94(446), 496-509.", "10.1080/01621459.1999.10474144"),
    Reference("Gray 1988", "Gray, R. J. (1988). A class of K-sample tests for comparing the cumulative incidence of a competing risk. "
              "*Annals of Statistics* 16(3), 1141-1154.", "10.1214/aos/1176350951"),
    Reference("Kaplan 1958", "Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations. *Journal of the "
              "American Statistical Association* 53(282), 457-481.", "10.1080/01621459.1958.10501452"),
    Reference("Morris 1991", "Morris, M. D. (1991). Factorial sampling plans for preliminary computational experiments. "
              "*Technometrics* 33(2), 161-174.", "10.1080/00401706.1991.10484804"),
    Reference("Royston 2013", "Royston, P. & Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to the hazard ratio. "
              "*BMC Medical Research Methodology* 13, 152.", "10.1186/1471-2288-13-152"),
    Reference("Salmon 2011", "Salmon, J. K., Moraes, M. A., Dror, R. O. & Shaw, D. E. (2011). Parallel random numbers: as easy as 1, 2, "
              "3. *SC '11*.", "10.1145/2063384.2063405"),
    Reference("Saltelli 2010", "Saltelli, A., Annoni, P., Azzini, I., Campolongo, F., Ratto, M. & Tarantola, S. (2010). Variance based "
              "sensitivity analysis of model output. *Computer Physics Communications* 181(2), 259-270.",
              "10.1016/j.cpc.2009.09.018"),
    Reference("Wilson 1931", "Wilson, E. B. & Hilferty, M. M. (1931). The distribution of chi-square. *Proceedings of the National "
              "Academy of Sciences* 17(12), 684-688.", "10.1073/pnas.17.12.684"),
)  # fmt: skip
"""Sources of estimators and random numbers."""

OTHER = """\
Data that are no publication of one author: the US Census Bureau's *Business Dynamics Statistics* and the Bureau of Labor Statistics'
*Business Employment Dynamics* (survival of establishments), A. Damodaran's tables of margins by sector, and the Juran Institute's
figures on the cost of poor quality. SSRN 4959549 is a working paper, [doi:10.2139/ssrn.4959549](https://doi.org/10.2139/ssrn.4959549).
"""


def cited() -> dict[str, list[str]]:
    """Return what the tables of parameters cite: first author and year -> parameters."""
    found: dict[str, list[str]] = {}
    for name in ("firm", "car"):
        for row in load_model(name).parameters:
            for author, year in CITED.findall(row.source):
                found.setdefault(f"{author} {year}", []).append(row.name)
    return found


def pages() -> dict[str, str | bytes]:
    """Return the page.

    Raises
    ------
    ValueError
        Where a table cites a work that is not in the list.
    """
    uses = cited()
    known = {reference.key for reference in MODELS}
    if missing := set(uses) - known:
        raise ValueError(f"docs/_extension/references.py: parameters cite {sorted(missing)}, which the list lacks")
    parts = ["# References\n\n## Models\n"]
    parts += [_line(reference, uses.get(reference.key, [])) for reference in MODELS]
    parts += [f"\n{OTHER}\n## Methods\n", *(_line(reference, []) for reference in METHODS)]
    return {"references.md": "\n".join(parts) + "\n"}


def _line(reference: Reference, used_by: list[str]) -> str:
    link = f" [doi:{reference.doi}](https://doi.org/{reference.doi})" if reference.doi else ""
    names = ", ".join(f"`{name}`" for name in used_by)
    return f"- {reference.text}{link}{f' Used for {names}.' if names else ''}"
