# Writes 19 published data sets as one table: Rscript published_firms.R published_firms.csv folder-of-lifelines-datasets
#
# From R's survival (LGPL >= 2; each data set's help page names its source) and, the last two, lifelines (MIT). Kept are
# the columns that are tested: time (an integer; fractions of months are counted in hundredths, of days in halves, of
# years in tenths), cause (0 = censored), group, stratum, x (a covariate), entry (delayed entry).
suppressPackageStartupMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
out <- list()
add <- function(data, time, cause, group, stratum = 0, x = 0, entry = 0) {
  d <- data.frame(data, time = as.integer(round(time)), cause = as.integer(cause), group = as.integer(group),
                  stratum = as.integer(stratum), x = as.integer(round(x)), entry = as.integer(round(entry)))
  out[[length(out) + 1]] <<- d[complete.cases(d) & d$time > d$entry, ]
}
with(aml, add("aml", time, status, x))
with(lung, add("lung", time, status - 1, sex, ph.ecog, age))
with(ovarian, add("ovarian", futime, fustat, rx, resid.ds, age))
with(veteran, add("veteran", time, status, trt, celltype, karno))
with(kidney, add("kidney", time, status, sex, disease, age))
with(pbc, add("pbc", time, status, trt, sex, age))  # 1 = transplant, 2 = death
with(mgus2, add("mgus2", ifelse(pstat == 0, futime, ptime), ifelse(pstat == 1, 1, 2 * death), sex, 0, age))
with(subset(colon, etype == 2), add("colon", time, status, rx, extent, nodes))
with(gbsg, add("gbsg", rfstime, status, hormon, grade, pmin(nodes, 20)))
with(retinopathy, add("retinopathy", 100 * futime, status, trt, type, risk))
with(head(myeloma, 800), add("myeloma", futime, death, year > 70, 0, year, entry))
with(heart, add("heart", 2 * stop, event, transplant, surgery, age, 2 * start))
with(transplant, add("transplant", futime, as.integer(event) - 1, abo, sex, age))  # 1 = death, 2 = transplant, 3 = withdrawal
with(udca1, add("udca1", futime, status, trt, stage, pmin(riskscore, 9)))
with(myeloid, {
  first <- pmin(crtime, futime, na.rm = TRUE)
  complete <- !is.na(crtime) & crtime <= futime
  add("myeloid", first, ifelse(complete, 1, 2 * death), factor(trt), 0, sex == "m")  # 1 = complete response, 2 = death
})
with(rats, add("rats", time, status, rx, factor(sex), litter))
with(cgd, add("cgd", tstop, status, treat, inherit, age, tstart))
rossi <- read.csv(file.path(arguments[2], "rossi.csv"))
with(rossi, add("rossi", week, arrest, fin, race, prio))
larynx <- read.csv(file.path(arguments[2], "larynx.csv"))
with(larynx, add("larynx", 10 * time, death, 1 + Stage_II + 2 * Stage_III + 3 * Stage_IV, 0, age))
write.csv(do.call(rbind, out), arguments[1], row.names = FALSE, quote = FALSE)
