# Distribution functions, a panel a latency. $curve_i_k: latency, % of requests, of result k in panel i; lines: results;
# line_k: their names; limit_i, share_i: the objective (NaN = none); is_log_i, x_low_i, x_high_i, x_label_i.
eval legend
do for [k = 1:lines] { eval key_line("lw 2.2 lc rgb result_colour(k) dt result_dash(k)", "value(sprintf('line_%d', k))") }
if (is_promised) { eval key_line("ls 98", "'objective'") }
eval legend_end
do for [i = 1:panels] {
    eval panel
    x_low = value(sprintf("x_low_%d", i))
    x_high = value(sprintf("x_high_%d", i))
    if (value(sprintf("is_log_%d", i))) {
        set logscale x
        eval log_ticks("x", x_low, x_high)
    } else {
        set xtics round_step(x_high / x_ticks)
    }
    set xrange [x_low:x_high]
    set yrange [0:100]
    set ytics 20
    set xlabel value(sprintf("x_label_%d", i)) textcolor rgb muted offset 0, 0.4
    limit = value(sprintf("limit_%d", i))
    if (limit == limit) {
        set arrow 1 from limit, 0 to limit, 100 nohead front ls 98
        set arrow 2 from x_low, value(sprintf("share_%d", i)) to limit, value(sprintf("share_%d", i)) nohead front ls 98 lw 1
    }
    plot for [k = 1:lines] sprintf("$curve_%d_%d", i, k) using 1:2 with lines lw 2.2 lc rgb result_colour(k) dt result_dash(k)
}
