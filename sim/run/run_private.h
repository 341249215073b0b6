/* sim/run/run_private.h: how the parts of a run hand events to each other. */
#ifndef DRYDOCK_RUN_RUN_PRIVATE_H
#define DRYDOCK_RUN_RUN_PRIVATE_H

#include "world/world.h"

/* changes.c: how many replicas a workload shall have from now on; the scenario's changes by hand */
void world_scale(struct world *w, uint32_t demand, int64_t replicas);
void changes_begin(struct world *w);

/* dataplane.c */
bool dataplane_begin(struct world *w, struct error *err);
void dataplane_arrived(struct world *w, struct request *r); /* sent by its user now */
void dataplane_give_up(struct world *w, struct request *r); /* before its first token */
void dataplane_stop(struct world *w, struct request *r);    /* after it */
void dataplane_stop_when_done(struct world *w);

/* What handover.c needs of it. `stage`: the service, or its replicas that decode. */
void dataplane_route(struct world *w, struct request *r, struct service_state *stage);
void dataplane_leave_pod(struct world *w, struct request *r);
void dataplane_count_reject(struct world *w, const struct request *r, const char *reason);
void dataplane_end(struct world *w, struct request *r, enum request_status status); /* no replica has it */
void dataplane_finish(struct world *w, struct request *r, enum request_status status);

/* handover.c: prefill at one replica, decode at another; for requests that have a `handover`, from
 * handover_begin to handover_free */
void handover_build(struct world *w);                    /* nothing where no service is disaggregated */
void handover_begin(struct world *w, struct request *r); /* both pools have a Ready replica */
void handover_stop(struct world *w, struct request *r, enum request_status status);
/* Its request ends. False: not yet; dataplane_finish is called again when its prefill replica has let go. */
bool handover_close(struct world *w, struct request *r, enum request_status status);
void handover_abandon(struct world *w, struct request *r); /* the run is over */
void handover_free(struct world *w, struct request *r);
void handover_release(struct world *w,
                      struct service_state *s); /* those held go on, as far as there is who decodes */
void handover_pod_killed(struct world *w, const struct serving_pod *p); /* its replica has stopped */
const struct handover_trace *handover_trace(const struct world *w,
                                            const struct request *r); /* NULL: has none */

/* routing.c: the router's choice. `stage`: the service, or its replicas that decode. `hop`: how long it takes
 * to get there: 0 inside a zone and for bare pods. */
struct serving_pod *routing_choose(struct world *w, struct service_state *stage, struct request *r,
                                   simtime *hop);
simtime routing_hop(const struct world *w, const struct request *r, const struct serving_pod *p);
void routing_first_token(struct world *w, const struct request *r); /* told to the router that chose */
void routing_ended(struct world *w, const struct request *r);

/* arrivals.c */
void arrivals_begin(struct world *w);
void arrivals_forget(struct request *r); /* what the record has beside itself */
/* Another service takes the request: with its own terms, and the target's adapter. */
void arrivals_move(struct world *w, struct request *r, const struct route_target *target);

/* door.c: lets a request in (NULL), or says why not */
const char *door_why_not(struct world *w, struct service_state *s, const struct request *r);
struct gate_load door_load(const struct world *w, const struct service_state *s);

/* models.c: of requests that ask for a route's model. Which target of a choice is drawn; and door_why_not of
 * the service that takes it, which is the request's from then on. */
const struct route_target *models_target(const struct world *w, uint32_t route, uint64_t id, uint32_t choice);
const char *models_why_not(struct world *w, struct request *r);

/* candidates.c: what routers choose from, as the gateway sees it */
struct service_state *candidates_stage(const struct world *w, const struct serving_pod *p); /* whose it is */
void candidates_add(struct world *w, struct serving_pod *p);
void candidates_remove(struct world *w, struct serving_pod *p);
void candidates_refresh(struct world *w, struct serving_pod *p); /* after an event at the replica */
void candidates_see(struct world *w, struct service_state *s);   /* before a router chooses */

/* patience.c: begins at the gateway, ends with the first token or the request, whichever comes first. */
void patience_begins(struct world *w, struct request *r);
void patience_ends(struct world *w, struct request *r);

/* explain.c: for requests that are watched; explain_ended for every one, when there is a diary */
void explain_sent(struct world *w, const struct request *r);
void explain_routed(struct world *w, const struct request *r, const struct service_state *s, uint32_t chosen,
                    simtime hop); /* before anybody counts it as outstanding */
void explain_rejected(struct world *w, const struct request *r, const char *reason);
void explain_ended(struct world *w, const struct request *r);

/* clients.c: what users do with what they get; of services whose `clients` have such users */
void clients_sent(struct world *w, const struct request *r); /* for the first time */
/* The attempt ended with `status`. Answers after how long its user sends it once more; -1 = never. */
simtime clients_try_again(struct world *w, const struct request *r, enum request_status status);
void clients_reads(struct world *w, struct request *r); /* has its first token */
void clients_read(struct world *w,
                  struct request *r); /* the attempt has ended, and it would have stopped it */

/* observe.c, autoscaler.c */
void observe_pod(struct world *w, struct serving_pod *p);
void autoscaler_build(struct world *w);
void autoscaler_begin(struct world *w);
void autoscaler_free(struct world *w);

/* judge.c: objectives, gates and warnings, when all figures are known */
void world_judge(struct world *w, struct summary *summary);

#endif
