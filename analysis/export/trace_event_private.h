/* analysis/export/trace_event_private.h: what the two files of this format share: trace_event.c has the frame
 * and what is few, trace_event_requests.c the requests. */
#ifndef DRYDOCK_ANALYSIS_EXPORT_TRACE_EVENT_PRIVATE_H
#define DRYDOCK_ANALYSIS_EXPORT_TRACE_EVENT_PRIVATE_H

#include "analysis/export/exports.h"
#include "analysis/export/fleet.h"

/* Processes: the cluster, then services, then pods. Threads of a pod: its phases, its requests. */
enum { PID_CLUSTER = 1, PID_SERVICES = 10, PID_PODS = 100000, TID_PHASES = 1, TID_REQUESTS = 2 };

struct trace_out {
    FILE *out;
    const struct result *result;
    const struct export_request *request;
    struct fleet fleet;
    struct arena arena;
    bool begun; /* some event is written */
};

/* Begins an event at `s` seconds of the run: {"ph":..,"name":..,"pid":..,"tid":..,"ts":..  */
void trace_event(struct trace_out *t, char phase, const char *name, int64_t pid, int64_t tid, double s);

/* A text as JSON, with its quotes. */
void trace_text(struct trace_out *t, const char *text);

/* Something between `from` and `to` is in the window. */
bool trace_shows(const struct trace_out *t, double from_s, double to_s);

bool trace_requests(struct trace_out *t, struct error *err);

#endif
