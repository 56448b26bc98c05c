# What R's survival and cmprsk say of the firms in published_firms.csv.gz: Rscript published.R published_firms.csv.gz out.csv
# Every row of the result: data, what, group (or term; -1 = all), cause (0 = all), week (tau, landmark; -1 = none), value.
suppressPackageStartupMessages({library(survival); library(cmprsk)})
arguments <- commandArgs(trailingOnly = TRUE)
firms <- read.csv(arguments[1])
out <- list()
put <- function(data, what, value, group = -1, cause = 0, week = -1)
  out[[length(out) + 1]] <<- data.frame(data, what, group, cause, week, value = as.numeric(value))
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)

curves <- function(name, group, d, cause) {
  # Times are integers throughout; a dozen of them, spread over those with events.
  d$y <- if (any(d$entry > 0)) Surv(d$entry, d$time, d$cause > 0) else Surv(d$time, d$cause > 0)
  fit <- survfit(y ~ 1, d)
  weeks <- unique(quantile(d$time[d$cause > 0], seq(0, 1, length.out = 12), type = 1))
  s <- summary(fit, times = weeks, extend = TRUE)
  put(name, "survival", s$surv, group, 0, weeks)
  put(name, "survival_se", s$std.err, group, 0, weeks)
  put(name, "hazard", s$cumhaz, group, 0, weeks)
  put(name, "hazard_se", s$std.chaz, group, 0, weeks)
  put(name, "at_risk", s$n.risk, group, 0, weeks)
  for (tau in weeks[c(ceiling(length(weeks) / 2), length(weeks))]) {
    t <- summary(fit, rmean = tau)$table
    put(name, "rmst", t["rmean"], group, 0, tau)
    put(name, "rmst_se", t["se(rmean)"], group, 0, tau)
  }
  for (p in c(25, 50)) {
    reached <- fit$time[fit$surv <= 1 - p / 100 + 1e-12]
    put(name, "quantile", if (length(reached)) min(reached) else NA, group, 0, p)
  }
  start <- weeks[ceiling(length(weeks) / 3)]
  later <- weeks[weeks > start]
  # start.time keeps events of that time; ours are conditional on living longer. Times are integers.
  conditional <- summary(survfit(y ~ 1, d, start.time = start + 0.5), times = later, extend = TRUE)
  put(name, "landmark", conditional$surv, group, start, later)  # the landmark stands in the column of the cause
  put(name, "landmark_se", conditional$std.err, group, start, later)
  if (max(cause) > 1 && all(d$entry == 0)) {
    d$state <- factor(d$cause, 0:max(cause))
    m <- summary(survfit(Surv(time, state) ~ 1, d), times = weeks, extend = TRUE)
    gray <- cuminc(d$time, d$cause)
    for (k in seq_len(max(cause))) {
      put(name, "incidence", m$pstate[, k + 1], group, k, weeks)
      put(name, "incidence_se", m$std.err[, k + 1], group, k, weeks)
      put(name, "cuminc", timepoints(gray[paste("1", k)], weeks)$est, group, k, weeks)
    }
  }
}

# Fleming and Harrington's test with both powers, which survdiff does not have: the textbook sum, written out.
fleming_harrington <- function(d, ended, rho, gamma) {
  groups <- sort(unique(d$group))
  u <- numeric(length(groups))
  v <- matrix(0, length(groups), length(groups))
  alive <- 1
  for (t in sort(unique(d$time[ended]))) {
    n <- sapply(groups, function(g) sum(d$group == g & d$entry < t & d$time >= t))
    e <- sapply(groups, function(g) sum(d$group == g & d$time == t & ended))
    w <- alive^rho * (1 - alive)^gamma
    u <- u + w * (e - sum(e) * n / sum(n))
    if (sum(n) > 1) v <- v + w^2 * sum(e) * (sum(n) - sum(e)) / (sum(n) - 1) * (diag(n / sum(n), length(n)) - outer(n, n) / sum(n)^2)
    alive <- alive * (1 - sum(e) / sum(n))
  }
  keep <- -length(groups)
  drop(u[keep] %*% solve(v[keep, keep], u[keep]))
}

tests <- function(name, d, k) {
  ended <- if (k == 0) d$cause > 0 else d$cause == k
  several <- length(unique(d$stratum)) > 1
  if (all(d$entry == 0)) {
    for (rho in c(0, 1, 0.5)) {
      put(name, "survdiff", survdiff(Surv(time, ended) ~ group, d, rho = rho)$chisq, -1, k, 10 * rho)
      if (several) {
        test <- survdiff(Surv(time, ended) ~ group + strata(stratum), d, rho = rho)
        put(name, "survdiff_stratified", test$chisq, -1, k, 10 * rho)
        put(name, "survdiff_expected", rowSums(test$exp), sort(unique(d$group)), k, 10 * rho)
      }
    }
  } else if (max(table(d$time[ended])) < 5) {
    # survdiff takes no delayed entry; the score test of Cox's exact likelihood is the log-rank test (slow with many ties).
    exact <- coxph(Surv(entry, time, ended) ~ factor(group), d, ties = "exact", control = tight)
    put(name, "survdiff", exact$score, -1, k, 0)
  }
  for (powers in list(c(0, 0), c(0, 1), c(1, 1), c(0.5, 2)))
    put(name, "fleming_harrington", fleming_harrington(d, ended, powers[1], powers[2]), -1, k, 10 * powers[1] + powers[2])
}

regressions <- function(name, d, k) {
  ended <- if (k == 0) d$cause > 0 else d$cause == k
  y <- if (any(d$entry > 0)) Surv(d$entry, d$time, ended) else Surv(d$time, ended)
  right <- if (length(unique(d$x)) > 1) "factor(group) + x" else "factor(group)"
  fit <- coxph(as.formula(paste("y ~", right)), d, ties = "breslow", control = tight)
  put(name, "coxph", coef(fit), seq_along(coef(fit)), k)
  put(name, "coxph_se", sqrt(diag(vcov(fit))), seq_along(coef(fit)), k)
  if (length(unique(d$stratum)) > 1) {
    fit <- coxph(y ~ factor(group) + strata(stratum), d, ties = "breslow", control = tight)
    put(name, "coxph_stratified", coef(fit), seq_along(coef(fit)), k)
    put(name, "coxph_stratified_se", sqrt(diag(vcov(fit))), seq_along(coef(fit)), k)
  }
}

competing <- function(name, d) {
  several <- length(unique(d$stratum)) > 1
  for (rho in c(0, 1)) {
    test <- cuminc(d$time, d$cause, d$group, rho = rho)$Tests
    put(name, "gray", test[, "stat"], -1, seq_len(nrow(test)), 10 * rho)
    if (several) {
      test <- cuminc(d$time, d$cause, d$group, d$stratum, rho = rho)$Tests
      put(name, "gray_stratified", test[, "stat"], -1, seq_len(nrow(test)), 10 * rho)
    }
  }
  x <- model.matrix(if (length(unique(d$x)) > 1) ~ factor(group) + x else ~ factor(group), d)[, -1, drop = FALSE]
  scale <- apply(abs(x), 2, max)
  for (k in sort(unique(d$cause[d$cause > 0]))) {
    scaled <- sweep(x, 2, scale, "/")
    fit <- crr(d$time, d$cause, scaled, failcode = k, gtol = 1e-15, maxiter = 100)
    # Its line search ends where the likelihood no longer rises by rounding, half the digits short: one more step.
    last <- fit$coef + drop(fit$invinf %*% fit$score)
    fit <- crr(d$time, d$cause, scaled, failcode = k, init = last, maxiter = 0)
    put(name, "crr", fit$coef / scale, seq_along(scale), k)
    put(name, "crr_se", sqrt(diag(fit$var)) / scale, seq_along(scale), k)
  }
}

for (name in unique(firms$data)) {
  d <- firms[firms$data == name, ]
  for (group in sort(unique(d$group))) curves(name, group, d[d$group == group, ], d$cause)
  for (k in unique(c(0, if (max(d$cause) > 1) seq_len(max(d$cause))))) {
    tests(name, d, k)
    regressions(name, d, k)
  }
  if (all(d$entry == 0)) competing(name, d)  # of one cause too
}
result <- do.call(rbind, out)
result <- result[is.finite(result$value), ]
result$value <- sprintf("%.15g", result$value)
write.csv(result, arguments[2], row.names = FALSE, quote = FALSE)
cat("R", as.character(getRversion()), "survival", as.character(packageVersion("survival")),
    "cmprsk", as.character(packageVersion("cmprsk")), "\n")
