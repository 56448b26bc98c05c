"""The methods paragraph, to be pasted into a paper, and the references that it names."""

from __future__ import annotations

from firmfate.analysis.cell_labels import filled_cells, is_incomplete
from firmfate.analysis.formatting import format_value, spaced
from firmfate.counts import WEEKS_PER_YEAR
from firmfate.precision import sentences
from firmfate.reporting.blocks import Prose, Section, Verbatim
from firmfate.reporting.context import Context

REFERENCES = {
    "Kaplan & Meier 1958": "Kaplan, E. L. & Meier, P. (1958). Nonparametric estimation from incomplete observations. "
    "Journal of the American Statistical Association 53, 457-481.",
    "Greenwood 1926": "Greenwood, M. (1926). The natural duration of cancer. Reports on Public Health and Medical "
    "Subjects 33. London: His Majesty's Stationery Office.",
    "Wilson 1927": "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. "
    "Journal of the American Statistical Association 22, 209-212.",
    "Agresti & Coull 1998": "Agresti, A. & Coull, B. A. (1998). Approximate is better than 'exact' for interval "
    "estimation of binomial proportions. The American Statistician 52, 119-126.",
    "Clopper & Pearson 1934": "Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits "
    "illustrated in the case of the binomial. Biometrika 26, 404-413.",
    "Aalen & Johansen 1978": "Aalen, O. O. & Johansen, S. (1978). An empirical transition matrix for non-homogeneous "
    "Markov chains based on censored observations. Scandinavian Journal of Statistics 5, 141-150.",
    "Royston & Parmar 2013": "Royston, P. & Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to "
    "the hazard ratio "
    "for the design and analysis of randomized trials with a time-to-event outcome. BMC Medical Research Methodology "
    "13, 152.",
    "Salmon et al. 2011": "Salmon, J. K., Moraes, M. A., Dror, R. O. & Shaw, D. E. (2011). Parallel random numbers: as "
    "easy as 1, 2, 3. Proceedings of SC11, 16:1-16:12.",
    "Glasserman & Yao 1992": "Glasserman, P. & Yao, D. D. (1992). Some guidelines and guarantees for common random "
    "numbers. Management Science 38, 884-908.",
    "Miller 1974": "Miller, R. G. (1974). The jackknife: a review. Biometrika 61, 1-15.",
}


def section(context: Context) -> Section:
    """Return the section."""
    text = paragraph(context)
    listed = "\n".join(entry for short, entry in sorted(REFERENCES.items()) if short.rpartition(" ")[0] in text)
    return Section(
        "methods",
        "Methods",
        [
            Prose("A paragraph that may be pasted into a paper as it is, and its references."),
            Verbatim(text, "Methods paragraph"),
            Verbatim(listed, "References"),
        ],
    )


def paragraph(context: Context) -> str:
    """Return the methods paragraph of this run."""
    ds = context.ds
    model = context.model
    step = 1 / float(ds.attrs.get("steps_per_week", 1))
    steps = "one week" if step == 1 else f"{format_value(step)} weeks"
    versions = context.gathered.get("versions", {})
    of_model = f" ({model.summary.rstrip('.')[0].lower()}{model.summary.rstrip('.')[1:]})" if model else ""
    common = int(ds.attrs.get("common_random_numbers", 0))
    parts = [
        f"We simulated {context.firms:,} firms with the model {ds.attrs.get('model', '?')}{of_model} of firmfate "
        f"{versions.get('firmfate', '')}".rstrip()
        + f": {_held(context)}{_design(context)}, for {context.years:g} years of {WEEKS_PER_YEAR} weeks in "
        f"steps of {steps}.",
        f"Random numbers were counter-based (Philox4x32-10; Salmon et al. 2011), seed {ds.attrs.get('seed', '?')}"
        + (
            "; cells shared them (common random numbers; Glasserman & Yao 1992)."
            if common and context.cells > 1
            else "."
        ),
        "Firms alive at the horizon were censored there, and there was no other censoring.",
        "Survival was estimated by the product-limit estimator (Kaplan & Meier 1958) with standard errors after "
        "Greenwood (1926) and pointwise 95 % limits after Wilson (1927), incidence by cause, with causes competing, "
        "after Aalen & Johansen (1978).",
        "We summarise lifetimes by the restricted mean survival time, the mean of "
        f"min(lifetime, {context.years:g} years) (Royston & Parmar 2013).",
    ]
    if context.cells > 1 and context.batches:
        turning = (
            ", and of the misalignment at which the effect of execution changes its sign," if context.poles else ""
        )
        parts.append(
            f"Standard errors of differences and derivatives between cells{turning} come from a jackknife over "
            f"{context.batches} batches of firms, leaving the same batch out of every cell (Miller 1974), with limits "
            f"from Student's t with {context.batches - 1} degrees of freedom."
        )
    if context.study and context.study.population.keys:
        parts.append(f"Within a cell, firms differed in {', '.join(map(spaced, context.study.population.keys))}.")
    if context.precision and context.pilot:
        pilot = context.pilot
        last = max(one.firms for one in context.precision)
        parts.append(
            f"The number of firms followed from the precision asked for: after a pilot of {pilot:,} firms a cell, "
            f"rounds of predicted size were added where they were needed, to {last:,} firms a cell at most, until "
            "limits were narrow enough or the work allowed was done; variances were those of the firms and of z² more, "
            "half of them at either extreme (Agresti & Coull 1998), and limits of shares of which none was seen exact "
            "(Clopper & Pearson 1934). "
            f"{'. '.join(sentences(context.precision))}."
        )
    parts.append("Standard errors describe the simulation alone and not the fit of the model to firms.")
    return " ".join(parts)


def _held(context: Context) -> str:
    """Return how many firms there are in how many cells; of an incomplete result, that it is one."""
    filled, many = filled_cells(context.ds)
    whole = filled == context.cells and "between" not in many
    of = "" if whole else f"{filled:,} of "
    words = f"{many} in each of {of}{context.cells:,} {'cell' if context.cells == 1 else 'cells'}"
    return f"{words} (a result that is not complete)" if is_incomplete(context.ds) else words


def _design(context: Context) -> str:
    """Return the design in words."""
    design = context.study.design if context.study else None
    return f" of {design.words}" if design and design.axes else ""
