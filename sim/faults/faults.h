/* sim/faults/faults.h: what breaks, when and to whom: the scenario's `faults` at work (docs/faults.md).
 *
 * A fault is dated (`at`: all its targets at once) or comes at random (`between`: each replica, or each node,
 * by a renewal process of its own). Random dates depend on the seed, the fault and the name of the replica or
 * of the node's place alone, and lie on the calendar: two definitions compared under one seed see the same
 * failures, whatever else they have. What is not there at such a date, or does not run, is spared.
 *
 * Who is slow by several faults at once is slow by their product, but by no more than 1000.
 */
#ifndef DRYDOCK_FAULTS_FAULTS_H
#define DRYDOCK_FAULTS_FAULTS_H

#include "world/world.h"

/* Before the cluster begins. */
void faults_begin(struct world *w);

/* A pod has become Ready for the first time and serves. */
void faults_pod_ready(struct world *w, struct serving_pod *p);

/* Faults of a date that found nobody: after the run. */
void faults_say(struct world *w);

#endif
