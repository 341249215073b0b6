# Cost rate, stacked. $cost_i: time, then sums from the bottom layer up; layers; layer_k: their names, "" for those that
# cost nothing.
layer_colour(k) = word(blue." ".grey." ".orange." ".purple." ".green." ".light." ".ink, k)
name(k) = value(sprintf("layer_%d", k))
eval legend
do for [k = 1:layers] { if (strlen(name(k))) { eval key_box("layer_colour(k)", "name(k)") } }
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    set format y "$%g"
    d = block("cost", i)
    plot for [j = 1:layers] d using 1:(column(layers + 2 - j)) with filledcurves y1=0 fc rgb layer_colour(layers + 1 - j) fs solid noborder, \
         for [j = 1:layers - 1] d using 1:(column(1 + j)) with lines lw 1 lc rgb paper, \
         d using 1:(column(1 + layers)) with lines lw 1.2 lc rgb muted
}
