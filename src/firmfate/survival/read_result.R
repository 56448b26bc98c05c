# Reads a result of firmfate (netCDF) into R as rows of counts, and fits what survival can fit with frequency weights:
#
#   source(system("python -c 'import firmfate.survival as s; print(s.__path__[0] + \"/read_result.R\")'", intern = TRUE))
#   rows <- firmfate_rows("runs/paradox/result.nc")
#   survfit(Surv(week, end != "censored") ~ execution, rows, weights = firms)
#   coxph(Surv(week, end != "censored") ~ execution * misalignment, rows, weights = firms, ties = "breslow", robust = FALSE)
#
# Weights are numbers of firms, which survfit (Kaplan-Meier), coxph with Breslow's ties and robust = FALSE, and survreg take
# as that many rows. survdiff, cox.zph, Efron's ties and multi-state standard errors do not: expand rows for those. R's
# standard errors hold for independent firms; under common random numbers take those of firmfate.
#
# From the command line, `Rscript read_result.R result.nc fits.csv` writes both fits over all axes.
suppressPackageStartupMessages({library(ncdf4); library(survival)})

firmfate_rows <- function(path) {
  file <- nc_open(path)
  on.exit(nc_close(file))
  events <- ncvar_get(file, "events", collapse_degen = FALSE)  # week, cause, then the axes from last to first
  firms <- ncvar_get(file, "firms", collapse_degen = FALSE)
  names <- vapply(file$var$events$dim, function(dim) dim$name, "")
  axes <- names[-(1:2)]
  causes <- as.character(ncvar_get(file, "cause"))
  weeks <- dim(events)[1]
  dim(events) <- c(weeks, length(causes), length(firms))
  if ("invalid" %in% names(file$var)) firms[ncvar_get(file, "invalid", collapse_degen = FALSE) > 0] <- 0
  coordinate <- function(axis) {
    dim <- file$var$events$dim[[match(axis, names)]]
    if (axis %in% c(names(file$var), names(file$dim))) as.vector(ncvar_get(file, axis)) else dim$vals
  }
  cells <- expand.grid(lapply(setNames(axes, axes), coordinate), KEEP.OUT.ATTRS = FALSE)
  cells <- cells[rev(axes)]
  left <- array(0, c(weeks, 1, length(firms)))
  if ("censored" %in% names(file$var)) left[] <- ncvar_get(file, "censored", collapse_degen = FALSE)
  ended <- apply(events, 3, sum) + apply(left, 3, sum)
  left[weeks, 1, ] <- left[weeks, 1, ] + as.vector(firms) - ended  # firms alive at the horizon are censored there
  left[, , firms == 0] <- 0
  events[, , firms == 0] <- 0
  one <- function(counts, end) {
    where <- which(counts > 0, arr.ind = TRUE)
    data.frame(cells[where[, 2], , drop = FALSE], week = where[, 1], end = rep(end, nrow(where)), firms = counts[where])
  }
  parts <- lapply(seq_along(causes), function(k) one(matrix(events[, k, ], weeks), causes[k]))
  rows <- do.call(rbind, c(parts, list(one(matrix(left[, 1, ], weeks), "censored"))))
  rownames(rows) <- NULL
  rows
}

if (sys.nframe() == 0) {
  arguments <- commandArgs(trailingOnly = TRUE)
  rows <- firmfate_rows(arguments[1])
  axes <- setdiff(names(rows), c("week", "end", "firms"))
  formula <- function(right) as.formula(paste("Surv(week, end != 'censored') ~", right))
  curves <- survfit(formula(paste(axes, collapse = " + ")), rows, weights = firms)
  last <- summary(curves, times = max(rows$week), extend = TRUE)
  fit <- coxph(formula(paste(axes, collapse = " * ")), rows, weights = firms, ties = "breslow", robust = FALSE)
  strata <- sub(" +$", "", as.character(last$strata))
  result <- rbind(data.frame(what = "survival", name = strata, value = last$surv, se = last$std.err),
                  data.frame(what = "coxph", name = names(coef(fit)), value = coef(fit), se = sqrt(diag(vcov(fit)))))
  result$name <- gsub(",", ";", result$name)
  write.csv(result, arguments[2], row.names = FALSE, quote = FALSE)
}
