# Arrivals and goodput. $demand_i: time, arrivals, goodput, failures (1/s); has_failures.
eval legend
eval key_line("lw 1.5 lc rgb ink", "'arrivals'")
eval key_box("pale", "'goodput'")
if (has_failures) { eval key_line("lw 2 lc rgb red dt (4, 3)", "'failures'") }
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    d = block("demand", i)
    failures = ", d using 1:4 with lines lw 2 lc rgb red dt (4, 3)"
    eval "plot d using 1:3 with filledcurves y1=0 fc rgb pale fs solid noborder, " . \
         "d using 1:3 with lines lw 1.5 lc rgb blue, " . \
         "d using 1:2 with lines lw 1.5 lc rgb ink" . (has_failures ? failures : "")
}
