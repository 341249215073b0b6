/* sim/accounts/accounts.h: the books of a run: requests by scope, node time, bytes, energy, time series, rows
 * of the result, and the figures of all that. What happens does not depend on any of it. */
#ifndef DRYDOCK_ACCOUNTS_ACCOUNTS_H
#define DRYDOCK_ACCOUNTS_ACCOUNTS_H

#include "finops/meter.h"
#include "world/world.h"

/* bill.c: what happened on the nodes, metered once for the ledger (nothing without prices) and the footprint
 */
bool bill_build(struct world *w, struct error *err);
void bill_outstanding(struct world *w, struct serving_pod *p,
                      int change); /* requests sent and not answered */
bool bill_make(struct world *w, const struct summary *summary, struct error *err); /* after world_summarise */
bool bill_figures(struct world *w, struct summary *summary, struct error *err);
/* What a pod with a node holds of it, as the ledger counts: GPUs, or milli-cores where it has none. */
int64_t bill_capacity_held(const struct world *w, const struct pod *pod);
struct meter_node bill_meter_node(const struct world *w, const struct node *n, simtime end);
/* The pods that were ever on a node; `pods` has room for all there are. */
size_t bill_meter_pods(const struct world *w, size_t node, struct meter_pod *pods);

struct cost_counts bill_counts(const struct scope *s);
struct cost_figures bill_cost_figures(const struct cost_summary *c);

/* allocation.c: who used what of the replicas */
bool allocation_pod(struct world *w, struct serving_pod *p, struct error *err); /* its price */
/* The request leaves the pod, or the run ends: its work there is its own. */
void allocation_release(struct world *w, const struct serving_pod *p, struct request *r);
/* Tenants' costs, from those of the services told. */
bool allocation_figures(struct world *w, struct summary *summary, const struct cost_summary *services,
                        struct error *err);

/* transfers.c: bytes between places, counted as attempts end and pulls arrive */
void transfers_build(struct world *w);
void transfers_count(struct world *w, const struct request *r);
void transfers_pulled(struct world *w, uint32_t demand, const struct node *node, double bytes, bool is_image);
bool transfers_make(struct world *w, struct error *err); /* to the ledger and the footprint */

/* storage.c: disks of nodes and PersistentVolumeClaims; only with prices */
bool storage_build(struct world *w, struct error *err);
bool storage_node(struct world *w, size_t pool, const struct meter_node *node, struct error *err);
bool storage_claims(struct world *w, struct error *err);

/* footprint.c: energy and carbon; nothing without a node pool */
bool footprint_build(struct world *w, struct error *err);
void footprint_check(struct world *w); /* warnings that need the end of the run */
void footprint_begin(struct world *w, const struct summary *summary); /* before nodes are metered */
void footprint_figures(struct world *w, struct summary *summary);

/* scopes.c */
struct scope *scope_of_tenant(struct world *w, uint32_t name);
void scopes_arrived(struct world *w, const struct request *r);
/* Another service than `from` takes this attempt. */
void scopes_moved(struct world *w, const struct request *r, uint32_t from);
void scopes_retried(struct world *w, const struct request *r); /* sent once more */
void scopes_finished(struct world *w, const struct request *r, const struct outcome *o);
/* Adds the services up to the whole, which until then has counted arrivals and nothing else. */
void scopes_sum_up(struct world *w);
void accounts_free(struct world *w); /* all books */
struct outcome outcome_of(const struct request *r, const struct request_limits *limits);

/* fairness.c: how alike groups of users were served */
void fairness_finished(struct world *w, const struct request *r, const struct outcome *o); /* before scopes */
void fairness_figures(struct world *w, struct summary *summary); /* after world_summarise and bill_figures */
void fairness_free(struct world *w);

/* series.c, series_write.c: all do nothing when there is no result to write or the scenario wants no series.
 */
void series_begin(struct world *w); /* after rows_open, before the run */
void series_arrived(struct world *w, const struct request *r);
void series_moved(struct world *w, const struct request *r, uint32_t from); /* as scopes_moved */
void series_attempted(struct world *w, const struct request *r);            /* before it is sent once more */
void series_finished(struct world *w, const struct request *r, const struct outcome *o);
void series_rescaled(struct world *w, uint32_t demand); /* before replicas_wanted changes */
void series_pod_ready(struct world *w, struct serving_pod *p);
void series_served(struct world *w, const struct serving_pod *p, simtime since);
void series_end(struct world *w);
bool series_write(struct world *w, struct error *err);
void series_free(struct world *w);

/* rows.c */
bool rows_open(struct world *w, const char *directory, bool compress, bool own_thread, struct error *err);
/* `handover` NULL: one replica did it all. */
void rows_request(struct world *w, const struct request *r, const struct outcome *o,
                  const struct handover_trace *handover);
void rows_decision(struct world *w, const struct hpa *spec, const char *workload,
                   const struct hpa_decision *decision);
void rows_event(struct world *w, const char *object, const char *reason, const char *message);
bool rows_close(struct world *w, const struct summary *summary, struct error *err);
void rows_print_schema(void); /* JSON Schema of the tables in result.h5, on stdout */

/* provenance.c */
bool provenance_write(struct world *w, struct error *err);

/* assumptions.c: what the figures rest on, a line each. */
void assumptions_append(const struct world *w, struct strbuf *out);

/* checks.c: what must hold of every run; a failure is a fault of Drydock's and says so. */
bool world_check(const struct world *w, struct error *err);

/* figures.c */
void world_summarise(struct world *w, struct summary *summary);

#endif
