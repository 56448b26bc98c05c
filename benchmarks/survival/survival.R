# R's survival on the benchmark's rows: Rscript survival.R rows.csv results.csv weeks tau
suppressPackageStartupMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(arguments[1])
weeks <- as.numeric(arguments[3])
tau <- as.numeric(arguments[4])
results <- list()
timed <- function(what, estimate) {
  seconds <- system.time(values <- estimate())[["elapsed"]]
  results[[length(results) + 1]] <<- data.frame(what, value = sprintf("%.17g", values), seconds)
}
all <- rows[rep(seq_len(nrow(rows)), rows$firms), c("group", "week", "end")]
first <- all[all$group == 0, ]
first$state <- factor(first$end, 0:2)
timed(c("survival", "survival se", "survival log-log lower"), function() {
  fit <- survfit(Surv(week, end > 0) ~ 1, first, conf.type = "log-log")
  last <- summary(fit, times = weeks, extend = TRUE)
  c(last$surv, last$std.err, last$lower)
})
timed(c("rmst", "rmst se"), function() {
  summary(survfit(Surv(week, end > 0) ~ 1, first), rmean = tau)$table[c("rmean", "se(rmean)")]
})
timed(c("incidence", "incidence se"), function() {
  last <- summary(survfit(Surv(week, state) ~ 1, first), times = weeks, extend = TRUE)
  c(last$pstate[3], last$std.err[3])
})
timed("log-rank", function() survdiff(Surv(week, end > 0) ~ group, all)$chisq)
timed(c("breslow", "breslow se"), function() {
  fit <- coxph(Surv(week, end > 0) ~ group, rows, weights = firms, ties = "breslow", robust = FALSE,
               control = coxph.control(eps = 1e-14, toler.chol = 1e-15))
  c(coef(fit), sqrt(vcov(fit)))
})
write.csv(do.call(rbind, results), arguments[2], row.names = FALSE, quote = FALSE)
