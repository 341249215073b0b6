/* sim/gateway/gate.h: the gate of a service: its admission policies in a row, and the requests that one of
 * them holds. A service without any has a gate that is all zeros, and costs a test a request. */
#ifndef DRYDOCK_GATEWAY_GATE_H
#define DRYDOCK_GATEWAY_GATE_H

#include "gateway/admission.h"
#include "gateway/tenants.h"
#include "workload/request.h"

struct gate_policy {
    const struct admission_ops *ops;
    void *state;
};

enum { GATE_POLICIES_MAX = 8 };

struct gate {
    struct gate_policy policies[GATE_POLICIES_MAX];
    uint32_t count;
    int holder; /* the policy that holds, when `holds` */
    bool holds;
    bool releasing; /* whoever asks gate_release in a loop is at work: it is not to be begun from within */
    uint64_t in_flight;
    uint64_t held;
    struct request_list first_come; /* held, in order of arrival; or */
    struct by_tenant flows;         /* struct request_list: held, by tenant */
};

/* What the gate does not know itself: requests of the service that are not yet in a batch, held ones
 * included, and Ready replicas. */
struct gate_load {
    simtime now;
    uint64_t waiting;
    uint32_t replicas;
};

/* Adds a policy; false when it holds requests and another one does already, or there are too many. */
bool gate_add(struct gate *g, const struct admission_ops *ops, const struct dd_option_value *values);

/* Lets the request in (NULL), or says why not. */
const char *gate_admit(struct gate *g, const struct request *r, const struct gate_load *load);

/* One got into a batch; the load is of after that. */
void gate_started(struct gate *g, const struct gate_load *load);

/* One that was let in is answered, given up or failed; a held one is taken off (gate_take_off) before. */
void gate_ended(struct gate *g, const struct request *r, bool was_held, simtime now);

/* ---- of a gate that holds ---- */

void gate_hold(struct gate *g, struct request *r);
void gate_take_off(struct gate *g, struct request *r); /* gave up */

/* The next one that may go to a replica, no longer held; NULL when none may. */
struct request *gate_release(struct gate *g, const struct gate_load *load);

/* How far apart tenants came; false where no policy says. */
bool gate_gap(const struct gate *g, struct admission_gap *gap);

void gate_free(struct gate *g);

#endif
