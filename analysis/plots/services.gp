# p95 TTFT of each service. $service_i: time, p95; limit_i: the objective (NaN = none); is_promised: some service has one.
eval legend
eval key_line("lw 2 lc rgb blue", "'p95 TTFT'")
if (is_promised) { eval key_line("ls 98", "'objective'") }
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    limit = value(sprintf("limit_%d", i))
    if (limit == limit) { set arrow 1 from 0, limit to x_max, limit nohead front ls 98 }
    plot block("service", i) using 1:2 with lines lw 2 lc rgb blue
}
