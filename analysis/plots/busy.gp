# GPUs busy and KV cache in use. y_max is 102. $busy_i: time, GPUs, KV cache, both from 0 to 1.
eval legend
eval key_line("lw 2 lc rgb green", "'GPUs busy'")
eval key_line("lw 2 lc rgb purple dt 2", "'KV cache in use'")
eval legend_end
do for [i = 1:panels] {
    eval panel
    eval over_time
    set yrange [0:y_max]
    set ytics 20
    d = block("busy", i)
    plot d using 1:(100 * $2) with lines lw 2 lc rgb green, \
         d using 1:(100 * $3) with lines lw 2 lc rgb purple dt 2
}
