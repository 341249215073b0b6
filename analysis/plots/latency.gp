# A latency over time. $latency_i: time, p50, the percentile `judged`, p99; limit_i: the objective (NaN = none);
# is_promised: some panel has one; is_log, y_min, y_max.
eval legend
eval key_line("lw 1.5 lc rgb light", "'p50'")
eval key_line("lw 2.5 lc rgb blue", "judged")
if (judged ne "p99") { eval key_line("lw 1.5 lc rgb navy dt (2, 2)", "'p99'") }
if (is_promised) { eval key_line("ls 98", "'objective'") }
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    if (is_log) {
        set logscale y
        eval log_ticks("y", y_min, y_max)
    }
    set yrange [y_min:y_max]
    d = block("latency", i)
    limit = value(sprintf("limit_%d", i))
    if (limit == limit) { set arrow 1 from 0, limit to x_max, limit nohead front ls 98 }
    plot d using 1:2 with lines lw 1.5 lc rgb light, \
         d using 1:(judged eq "p99" ? NaN : column(4)) with lines lw 1.5 lc rgb navy dt (2, 2), \
         d using 1:3 with lines lw 2.5 lc rgb blue
}
