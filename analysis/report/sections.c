/* The order of the page: what a manager asks first, then what an engineer wants to see of it. */
#include "analysis/report/page.h"

const struct section sections[] = {
    {"verdict", NULL, section_verdict},
    {"figures", NULL, section_tiles},
    {"promises", NULL, section_promises},
    {"comparison", "Side by side", section_comparison},
    {"demand", "Demand", section_demand},
    {"latency", "What users felt", section_latency},
    {"fleet", "Fleet", section_fleet},
    {"cost", "Cost", section_cost},
    {"services", "Services and tenants", section_services},
    {"assumptions", "What this rests on", section_assumptions},
    {"repeat", "How to repeat it", section_repeat},
    {NULL, NULL, NULL},
};
