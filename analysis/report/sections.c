/* The order of the page: what a manager asks first, then what an engineer wants to see of it. */
#include "analysis/report/page.h"

const struct section sections[] = {
    {"verdict", NULL, section_verdict, false},
    {"figures", NULL, section_tiles, false},
    {"promises", NULL, section_promises, false},
    {"comparison", "Side by side", section_comparison, false},
    {"demand", "Demand", section_demand, true},
    {"latency", "What users felt", section_latency, true},
    {"fleet", "Fleet", section_fleet, true},
    {"cost", "Cost", section_cost, true},
    {"services", "Services and tenants", section_services, true},
    {"assumptions", "What this rests on", section_assumptions, false},
    {"repeat", "How to repeat it", section_repeat, false},
    {NULL, NULL, NULL, false},
};
