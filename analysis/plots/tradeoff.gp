# Service against cost: $spots: cost, service, and the ends of their intervals; name_i, left_of_i, line_i: the labels;
# x_low ... y_high; limit: the objective (NaN = none); is_money; is_joined.
eval legend
if (limit == limit) { eval key_line("ls 98", "'objective'") }
eval legend_end
i = 1
eval panel
set xrange [x_low:x_high]
set yrange [y_low:y_high]
set xtics round_step((x_high - x_low) / x_ticks)
set xlabel x_label textcolor rgb muted offset 0, 0.4
if (is_money) { set format x "$%g" }
if (limit == limit) { set arrow 1 from x_low, limit to x_high, limit nohead front ls 98 }
do for [k = 1:spots] {
    is_left = value(sprintf("left_of_%d", k))
    dy = value(sprintf("line_%d", k))
    at_x = real(word($spots[k], 1))
    at_y = real(word($spots[k], 2))
    point_name = value(sprintf("name_%d", k))
    if (is_left) {
        set label 10 + k point_name at at_x, at_y right offset -0.9, dy front textcolor rgb ink
    } else {
        set label 10 + k point_name at at_x, at_y left offset 0.9, dy front textcolor rgb ink
    }
}
plot $spots using (is_joined ? $1 : NaN):2 with lines lw 1.5 lc rgb light, \
     $spots using 1:2:3:4:5:6 with xyerrorbars lw 1.5 lc rgb blue pt 7 ps 0.9
