#include "gateway/options.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

static enum unit_kind unit_of(const struct dd_option *o) {
    return o->type == DD_OPTION_DURATION ? UNIT_DURATION : UNIT_NUMBER;
}

static void print_choices(const struct dd_option *o) {
    for (int i = 0; o->choices[i]; i++) {
        printf("%s%s", i ? ", " : "", o->choices[i]);
    }
}

static void print_range(const struct dd_option *o) {
    char low[48];
    char high[48];
    printf("%s to %s", unit_text(unit_of(o), o->low, low), unit_text(unit_of(o), o->high, high));
}

static void print_type(const struct dd_option *o) {
    switch ((enum dd_option_type)o->type) {
    case DD_OPTION_WORKLOADS:
        fputs("a workload, or a list of them", stdout);
        break;
    case DD_OPTION_CHOICE:
        print_choices(o);
        break;
    case DD_OPTION_TENANTS:
        fputs(o->choices ? "a mapping from tenant to " : "a mapping from tenant to a number, ", stdout);
        if (o->choices) {
            print_choices(o);
        } else {
            print_range(o);
        }
        break;
    default:
        fputs(o->type == DD_OPTION_INTEGER    ? "integer, "
              : o->type == DD_OPTION_DURATION ? "duration, "
                                              : "number, ",
              stdout);
        print_range(o);
    }
}

static void print_fallback(const struct dd_option *o) {
    char fallback[48];
    if (o->required) {
        puts("; required");
    } else if (o->type == DD_OPTION_WORKLOADS || o->type == DD_OPTION_TENANTS || isnan(o->fallback) ||
               o->fallback < o->low) {
        puts("");
    } else if (o->type == DD_OPTION_CHOICE) {
        printf("; default %s\n", o->choices[(size_t)o->fallback]);
    } else {
        printf("; default %s\n", isinf(o->fallback) ? "none" : unit_text(unit_of(o), o->fallback, fallback));
    }
}

void options_print(const struct dd_option *options) {
    for (const struct dd_option *o = options; o && o->name; o++) {
        printf("      %-15s %s\n      %-16s", o->name, o->help, "");
        print_type(o);
        print_fallback(o);
    }
}
