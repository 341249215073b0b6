/* sim/gateway/latency_model.h: a latency as a linear function of what a gateway sees when it sends a request,
 * learnt from how long the requests before took.
 *
 * Recursive least squares with a forgetting factor (Ljung, System Identification, 2nd ed., section 11.2):
 * each observation y of the features x changes theta by the gain g = P x / (f + x' P x) times the error,
 *
 *     theta += g (y - theta' x),     P = (P - g x' P) / f
 *
 * so that an observation made n observations ago weighs f^n. Where the traffic shows nothing new P would grow
 * without bound; nothing is forgotten while it is as large as at the beginning. The errors' variance is
 * averaged with the same weights; a prediction is the mean and so many standard deviations.
 *
 * Features are to be of the order of 1, the first is 1. Pure arithmetic: the same on every machine. */
#ifndef DRYDOCK_GATEWAY_LATENCY_MODEL_H
#define DRYDOCK_GATEWAY_LATENCY_MODEL_H

#include <stdint.h>

enum { LATENCY_FEATURES_MAX = 6 };

struct latency_model {
    uint32_t features;
    uint64_t samples;
    double theta[LATENCY_FEATURES_MAX];
    double p[LATENCY_FEATURES_MAX][LATENCY_FEATURES_MAX];
    double variance, deviation; /* of the errors, and its square root */
};

void latency_model_init(struct latency_model *m, uint32_t features);
void latency_model_learn(struct latency_model *m, const double *x, double y);

/* At least 0. */
double latency_model_predict(const struct latency_model *m, const double *x, double deviations);

#endif
