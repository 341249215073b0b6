# Nodes, stacked. $nodes_i: corners of steps: time, then sums from the bottom layer up (a pool's Ready nodes each), and
# last with those being provisioned; layers; layer_k: names of the pools.
layer_colour(k) = word(blue." ".light." ".green." ".purple." ".brown." ".ink, k)
eval legend
do for [k = 1:layers] { eval key_box("layer_colour(k)", "value(sprintf('layer_%d', k))") }
eval key_box("orange", "'provisioning'")
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    if (y_max < 6) { set ytics 1 }
    d = block("nodes", i)
    plot d using 1:(column(layers + 2)) with filledcurves y1=0 fc rgb orange fs solid noborder, \
         for [j = 1:layers] d using 1:(column(layers + 2 - j)) with filledcurves y1=0 fc rgb layer_colour(layers + 1 - j) fs solid noborder, \
         for [j = 1:layers] d using 1:(column(1 + j)) with lines lw 1 lc rgb paper
}
