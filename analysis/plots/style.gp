# analysis/plots/style.gp: what all figures share. To draw one by hand:
#
#   drydock report RESULT --plots DIR
#   cat DIR/demand.wide.input analysis/plots/style.gp analysis/plots/demand.gp | gnuplot > demand.svg
#
# An input says: width, height, columns, rows (of panels, in pixels and counts), panels, title_1 ... (their titles, ""
# for none), y_label, y_max, time_unit and x_max where there is a time axis; legend_rows and legend_cell (pixels an entry); and what its figure asks for.
set encoding utf8
set terminal svg size width, height fixed noenhanced font "Helvetica,13" background "#ffffff"

# Okabe and Ito's colours, which the colour-blind can tell apart, darkened where a thin line of them would be too faint
# on white (3:1). Lines also differ in width or dash, and areas are parted by lines, so that grey will do.
# analysis/report/svg_style.c turns each of them into its counterpart on a dark page.
ink = "#222222"
paper = "#ffffff"
muted = "#5f6b76"
faint = "#dfe3e8"
blue = "#0072b2"
pale = "#cfe3f3"
light = "#4f8fc6"
navy = "#003a5d"
red = "#c4400a"
orange = "#c98500"
green = "#007a57"
purple = "#8f4a82"
grey = "#c9ced4"
brown = "#8a6100"
# Lines of several results, in their order; red is for objectives.
result_colour(k) = word(blue." ".ink." ".green." ".purple." ".brown." ".light, (k - 1) % 6 + 1)
result_dash(k) = (k - 1) % 4 + 1

# Panel i lies in a grid; around it is room for its title, the tick labels and the name of the axis.
titled = strlen(title_1) > 0
legend_px = legend_rows * 20 + (legend_rows > 0 ? 6 : 0)
above_px = titled ? 46 : 28
below_px = 54
beside_px = 58
cell_w = real(width) / columns
cell_h = real(height - legend_px) / rows
slot(i) = (i - 1) % columns
row(i) = (i - 1) / columns
left(i) = (slot(i) * cell_w + beside_px) / width
right(i) = ((slot(i) + 1) * cell_w - 16) / width
top(i) = 1 - (legend_px + row(i) * cell_h + above_px) / height
bottom(i) = 1 - (legend_px + (row(i) + 1) * cell_h - below_px) / height
block(name, i) = sprintf("$%s_%d", name, i)

# Ticks at round numbers, none closer than 62 pixels: 1-2-5, and for time what clocks have.
decade(s) = 10 ** floor(log10(s))
round_step(s) = s <= decade(s) * 1.0001 ? decade(s) : s <= 2.0001 * decade(s) ? 2 * decade(s) : \
                s <= 5.0001 * decade(s) ? 5 * decade(s) : 10 * decade(s)
clock_step(s) = s <= 1 ? round_step(s) : s <= 2 ? 2 : s <= 5 ? 5 : s <= 10 ? 10 : s <= 15 ? 15 : s <= 20 ? 20 : \
                s <= 30 ? 30 : s <= 60 ? 60 : round_step(s)
day_step(s) = s <= 1 ? round_step(s) : s <= 2 ? 2 : s <= 3 ? 3 : s <= 6 ? 6 : s <= 12 ? 12 : s <= 24 ? 24 : \
              s <= 48 ? 48 : round_step(s)
x_ticks = (cell_w - beside_px - 16) / 62
y_ticks = (cell_h - above_px - below_px) / 26
time_step(span) = time_unit eq "hours" ? day_step(span / x_ticks) : \
                  time_unit eq "days" ? round_step(span / x_ticks) : clock_step(span / x_ticks)

# Dash types 1 to 4 of the terminal: solid, long, short, dotted. Lines of results go through them.
# A logarithmic axis has the decades, and 2 and 5 between them where there are at most two.
decades(axis) = "set " . axis . "tics nomirror out scale 0.4 () textcolor rgb ink; set for [e = -6:6] " . axis . \
                "tics add (sprintf('%g', 10.0**e) 10.0**e)"
between(axis) = "set for [e = -6:6] " . axis . \
                "tics add (sprintf('%g', 2 * 10.0**e) 2 * 10.0**e, sprintf('%g', 5 * 10.0**e) 5 * 10.0**e)"
log_ticks(axis, low, high) = decades(axis) . (high <= 100 * low ? "; " . between(axis) : "")

set tics nomirror out scale 0.4 textcolor rgb ink
set style line 99 lc rgb faint lw 1 dt solid
set style line 98 lc rgb red lw 2 dt (8, 5)
set multiplot

# The legend stands in a strip of its own above the panels, in columns of legend_cell pixels. A figure writes
#   eval legend
#   eval key_line("lw 2 lc rgb blue", "'ready'")     an entry: a line, a box or a point in its style, and an expression
#   eval legend_end                                  for its name: a variable with text from a result stays a text
legend = "unset border; unset tics; unset grid; unset label; unset arrow; unset key; entry = 0; " . \
         "set lmargin at screen 0; set rmargin at screen 1; set tmargin at screen 1; " . \
         "set bmargin at screen 0; set xrange [0:1]; set yrange [0:1]"
legend_columns = int((width - 20) / legend_cell)
key_x(k) = real(20 + ((k - 1) % legend_columns) * legend_cell) / width
key_y(k) = 1 - real(12 + ((k - 1) / legend_columns) * 20) / height
key_text(name) = "set label 200 + entry ".name." at screen key_x(entry) + 36.0 / width, screen key_y(entry) " . \
                 "left textcolor rgb ink"
key_line(style, name) = "entry = entry + 1; set arrow entry from screen key_x(entry), screen key_y(entry) to " . \
                        "screen key_x(entry) + 28.0 / width, screen key_y(entry) nohead " . style . "; " . \
                        key_text(name)
key_box(colour, name) = key_line("lw 10 lc rgb " . colour, name)
key_point(style, name) = "entry = entry + 1; set label entry '' at screen key_x(entry) + 14.0 / width, " . \
                         "screen key_y(entry) point " . style . "; " . key_text(name)
legend_end = "plot NaN notitle"

# Then each panel begins with `eval panel` (i is its number), and those over time with `eval over_time` too.
panel = "unset key; unset label; unset arrow; unset logscale; set autoscale; " . \
        "set lmargin at screen left(i); set rmargin at screen right(i); " . \
        "set tmargin at screen top(i); set bmargin at screen bottom(i); " . \
        "set border 3 lc rgb muted lw 1; set xtics nomirror out scale 0.4 autofreq textcolor rgb ink; set ytics nomirror out scale 0.4 autofreq textcolor rgb ink; set format '%g'; " . \
        "set grid ytics back ls 99; unset xlabel; " . \
        "set label 1 value(sprintf('title_%d', i)) at screen left(i) - (beside_px - 8.0) / width, " . \
        "screen top(i) + 34.0 / height font ',14' textcolor rgb ink; " . \
        "set label 2 y_label at screen left(i) - (beside_px - 8.0) / width, " . \
        "screen top(i) + 15.0 / height textcolor rgb muted"
over_time = "set xrange [0:x_max]; set xtics time_step(x_max); set ytics round_step(y_max / y_ticks); " . \
            "set xlabel time_unit.' since the start' textcolor rgb muted offset 0, 0.4"
