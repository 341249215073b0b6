# Requests running and queued. $load_i: time, running, queued.
eval legend
eval key_box("pale", "'running'")
eval key_line("lw 2.2 lc rgb red", "'queued'")
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    d = block("load", i)
    plot d using 1:2 with filledcurves y1=0 fc rgb pale fs solid noborder, \
         d using 1:2 with lines lw 1.5 lc rgb blue, \
         d using 1:3 with lines lw 2.2 lc rgb red
}
