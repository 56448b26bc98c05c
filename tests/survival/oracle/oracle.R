# What R's survival says of the firms in firms.csv: `Rscript oracle.R firms.csv oracle.csv`.
# Every row of the result: case, group (-1 = all), what, cause (0 = none), week (or tau; -1 = none), value.
suppressPackageStartupMessages({library(survival); library(cmprsk)})
arguments <- commandArgs(trailingOnly = TRUE)
firms <- read.csv(arguments[1])
out <- list()
put <- function(case, group, what, value, cause = 0, week = -1)
  out[[length(out) + 1]] <<- data.frame(case, group, what, cause, week, value = as.numeric(value))

single <- function(case, group, d, horizon) {
  weeks <- 0:horizon
  fit <- survfit(Surv(week, end > 0) ~ 1, d, conf.type = "log")
  s <- summary(fit, times = weeks, extend = TRUE)
  put(case, group, "survival", s$surv, week = weeks)
  put(case, group, "survival_se", s$std.err, week = weeks)
  put(case, group, "cumulative_hazard", s$cumhaz, week = weeks)
  put(case, group, "cumulative_hazard_se", s$std.chaz, week = weeks)
  put(case, group, "log_lower", s$lower, week = weeks)
  put(case, group, "log_upper", s$upper, week = weeks)
  ll <- summary(survfit(Surv(week, end > 0) ~ 1, d, conf.type = "log-log"), times = weeks, extend = TRUE)
  put(case, group, "log_log_lower", ll$lower, week = weeks)
  put(case, group, "log_log_upper", ll$upper, week = weeks)
  listed <- sort(unique(c(0, horizon, 5 * seq_len(horizon %/% 5))))
  r <- summary(fit, times = listed, extend = TRUE)
  put(case, group, "at_risk", r$n.risk, week = listed)
  put(case, group, "events", r$n.event, week = listed)
  put(case, group, "censored", r$n.censor, week = listed)
  for (tau in unique(c(1, horizon %/% 2, horizon - 1, horizon))) if (tau >= min(d$week)) {  # R refuses others
    t <- summary(fit, rmean = tau)$table
    put(case, group, "rmst", t["rmean"], week = tau)
    put(case, group, "rmst_se", t["se(rmean)"], week = tau)
  }
  if (any(d$end > 0)) {
    d$state <- factor(d$end, 0:3)
    states <- survfit(Surv(week, state) ~ 1, d, influence = TRUE)
    s <- summary(states, times = weeks, extend = TRUE)
    gray <- cuminc(d$week, d$end, cencode = 0)
    for (cause in 1:3) {
      put(case, group, "incidence", s$pstate[, cause + 1], cause, weeks)
      put(case, group, "incidence_se", s$std.err[, cause + 1], cause, weeks)
      name <- paste("1", cause)
      if (name %in% names(gray)) {
        at <- timepoints(gray[name], weeks[weeks <= max(d$week)])$est
        put(case, group, "gray_incidence", as.numeric(at), cause, weeks[weeks <= max(d$week)])
      }
      for (tau in unique(c(horizon %/% 2, horizon))) {
        influence <- matrix(states$influence.pstate[, -1, cause + 1], ncol = length(states$time))  # -1: of the start
        inside <- states$time < tau
        width <- diff(c(states$time[inside], tau))
        put(case, group, "lost", sum(width * states$pstate[inside, cause + 1]), cause, tau)
        put(case, group, "lost_se", sqrt(sum((influence[, inside, drop = FALSE] %*% width)^2)), cause, tau)
      }
    }
  }
}

for (case in unique(firms$case)) {
  of_case <- firms[firms$case == case, ]
  for (group in unique(of_case$group)) single(case, group, of_case[of_case$group == group, ], max(of_case$week))
}

for (case in c("censored", "horizon")) {
  d <- firms[firms$case == case, ]
  for (cause in 0:3) {
    ended <- if (cause == 0) d$end > 0 else d$end == cause
    plain <- survdiff(Surv(week, ended) ~ group, d)
    put(case, -1, "logrank", plain$chisq, cause)
    by_stratum <- survdiff(Surv(week, ended) ~ group + strata(stratum), d)
    put(case, -1, "logrank_stratified", by_stratum$chisq, cause)
    put(case, -1, "logrank_expected", rowSums(by_stratum$exp), cause, seq_len(nrow(by_stratum$exp)) - 1)

    # Frequency weights equal expanded rows for Breslow's coxph with robust = FALSE.
    rows <- aggregate(n ~ group + stratum + week + ended, transform(d, ended = ended, n = 1), sum)
    tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
    cox <- coxph(Surv(week, ended) ~ group * stratum, rows, weights = n, ties = "breslow", robust = FALSE, control = tight)
    put(case, -1, "breslow", coef(cox), cause, 0:2)
    put(case, -1, "breslow_se", sqrt(diag(vcov(cox))), cause, 0:2)
    cox <- coxph(Surv(week, ended) ~ group + strata(stratum), rows, weights = n, ties = "breslow", robust = FALSE,
                 control = tight)
    put(case, -1, "breslow_stratified", coef(cox), cause)
    put(case, -1, "breslow_stratified_se", sqrt(diag(vcov(cox))), cause)

    grid <- expand.grid(group = unique(d$group), stratum = unique(d$stratum), week = sort(unique(d$week[ended])))
    here <- function(keep) mapply(function(g, s, w) sum(keep(g, s, w)), grid$group, grid$stratum, grid$week)
    grid$ended <- here(function(g, s, w) d$group == g & d$stratum == s & d$week == w & ended)
    grid$at_risk <- here(function(g, s, w) d$group == g & d$stratum == s & d$week >= w)
    grid <- grid[grid$at_risk > 0, ]
    grouped <- glm(cbind(ended, at_risk - ended) ~ factor(week) + group * stratum, binomial("cloglog"), grid,
                   control = glm.control(epsilon = 1e-15, maxit = 200))
    last <- tail(seq_along(coef(grouped)), 3)
    put(case, -1, "cloglog", coef(grouped)[last], cause, 0:2)
    put(case, -1, "cloglog_se", sqrt(diag(vcov(grouped)))[last], cause, 0:2)
    grid <- grid[ave(grid$ended, grid$week, grid$stratum, FUN = sum) > 0, ]  # others say nothing of the slope
    split <- glm(cbind(ended, at_risk - ended) ~ factor(paste(week, stratum)) + group, binomial("cloglog"), grid,
                 control = glm.control(epsilon = 1e-15, maxit = 200))
    put(case, -1, "cloglog_stratified", coef(split)["group"], cause)
    put(case, -1, "cloglog_stratified_se", sqrt(vcov(split)["group", "group"]), cause)
    for (distribution in c("weibull", "lognormal", "loglogistic")) {
      aft <- survreg(Surv(week, ended) ~ group * stratum, rows, weights = n, dist = distribution,
                     control = survreg.control(rel.tolerance = 1e-12, maxiter = 100))
      put(case, -1, distribution, c(coef(aft), log(aft$scale)), cause, 0:4)
      put(case, -1, paste0(distribution, "_se"), sqrt(diag(vcov(aft))), cause, 0:4)
    }
  }
}
result <- do.call(rbind, out)
result$value <- ifelse(is.finite(result$value), sprintf("%.17g", result$value), "nan")
write.csv(result, arguments[2], row.names = FALSE, quote = FALSE)
cat("R", as.character(getRversion()), "survival", as.character(packageVersion("survival")),
    "cmprsk", as.character(packageVersion("cmprsk")), "\n")
