#include "analysis/report/svg_style.h"

#include <stddef.h>

/* A colour of style.gp, by its channels as gnuplot writes them, and what it becomes on a dark page. */
static const struct dark_colour {
    int red, green, blue;
    const char *dark;
} colours[] = {
    {34, 34, 34, "#e8eaed"},    /* ink */
    {255, 255, 255, "#191d22"}, /* paper */
    {95, 107, 118, "#a9b4bf"},  /* muted */
    {223, 227, 232, "#343b43"}, /* faint */
    {0, 114, 178, "#4a9fd8"},   /* blue */
    {207, 227, 243, "#223b50"}, /* pale */
    {79, 143, 198, "#8fc4ee"},  /* light */
    {0, 58, 93, "#cfe8ff"},     /* navy */
    {196, 64, 10, "#ff8c5a"},   /* red */
    {201, 133, 0, "#e69f00"},   /* orange */
    {0, 122, 87, "#3ecf9f"},    /* green */
    {143, 74, 130, "#d79bcb"},  /* purple */
    {201, 206, 212, "#59626c"}, /* grey */
    {138, 97, 0, "#e0b355"},    /* brown */
};

static const char *const properties[] = {"stroke", "fill", "color"};

/* As gnuplot writes it in one place and in another. */
static void append_rules(struct strbuf *svg, const struct dark_colour *c) {
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const char *p = properties[i];
        strbuf_printf(svg, "[%s=\"rgb(%3d, %3d, %3d)\"]", p, c->red, c->green, c->blue);
        if (i == 1) {
            strbuf_printf(svg, ",[%s=\"rgb(%d,%d,%d)\"]", p, c->red, c->green, c->blue);
        }
        strbuf_printf(svg, "{%s:%s}\n", p, c->dark);
    }
}

void svg_style_append(struct strbuf *svg) {
    strbuf_append(
        svg, "<style>text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,"
             "\"DejaVu Sans\",sans-serif}\n@media (prefers-color-scheme:dark){\n"
             "rect[fill=\"#ffffff\"]{fill:#191d22}\n[fill=\"black\"]{fill:#e8eaed}\n"
             "[stroke=\"black\"]{stroke:#e8eaed}\n[color=\"black\"]{color:#e8eaed}\n");
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        append_rules(svg, &colours[i]);
    }
    strbuf_append(svg, "}</style>");
}
