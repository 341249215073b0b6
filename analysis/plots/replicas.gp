# Replicas by state. $replicas_i: corners of steps: time, desired, then sums: ready, + starting, + pending, + terminating;
# $marks_i: time, replicas, 1 for a scale-up; ups_i, downs_i: how many; is_marked: some panel has marks.
eval legend
eval key_line("lw 2 lc rgb ink", "'desired'")
eval key_box("blue", "'Ready'")
eval key_box("orange", "'starting'")
eval key_box("red", "'pending'")
eval key_box("grey", "'terminating'")
if (is_marked) { eval key_point("pt 9 ps 1 lc rgb ink", "'scale up'") }
if (is_marked) { eval key_point("pt 11 ps 1 lc rgb ink", "'scale down'") }
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    if (y_max < 6) { set ytics 1 }
    d = block("replicas", i)
    m = block("marks", i)
    ups = "m using 1:($3 > 0 ? $2 : NaN) with points pt 9 ps 1.1 lc rgb ink"
    downs = "m using 1:($3 > 0 ? NaN : $2) with points pt 11 ps 1.1 lc rgb ink"
    marks = (value(sprintf("ups_%d", i)) > 0 ? ", ".ups : "").(value(sprintf("downs_%d", i)) > 0 ? ", ".downs : "")
    eval "plot d using 1:6 with filledcurves y1=0 fc rgb grey fs solid noborder, " . \
         "d using 1:5 with filledcurves y1=0 fc rgb red fs solid noborder, " . \
         "d using 1:4 with filledcurves y1=0 fc rgb orange fs solid noborder, " . \
         "d using 1:3 with filledcurves y1=0 fc rgb blue fs solid noborder, " . \
         "for [k = 3:5] d using 1:k with lines lw 1 lc rgb paper, " . \
         "d using 1:2 with lines lw 2 lc rgb ink" . marks
}
