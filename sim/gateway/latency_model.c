#include "gateway/latency_model.h"

#include <math.h>

/* An observation of 1,000 requests ago weighs 1/e: what a pool is like changes within minutes, and llm-d's
 * predictor trains on a sliding window, too. P begins as ridge regression with a penalty of 1/100. */
static const double FORGETTING = 0.999;
static const double P_FIRST = 100;

void latency_model_init(struct latency_model *m, uint32_t features) {
    *m = (struct latency_model){.features = features};
    for (uint32_t i = 0; i < features; i++) {
        m->p[i][i] = P_FIRST;
    }
}

static double mean_of(const struct latency_model *m, const double *x) {
    double sum = 0;
    for (uint32_t i = 0; i < m->features; i++) {
        sum += m->theta[i] * x[i];
    }
    return sum;
}

static double size_of(const struct latency_model *m) {
    double trace = 0;
    for (uint32_t i = 0; i < m->features; i++) {
        trace += m->p[i][i];
    }
    return trace;
}

void latency_model_learn(struct latency_model *m, const double *x, double y) {
    uint32_t n = m->features;
    double f = size_of(m) < P_FIRST * n ? FORGETTING : 1;
    double px[LATENCY_FEATURES_MAX] = {0};
    double denominator = f;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            px[i] += m->p[i][j] * x[j];
        }
        denominator += x[i] * px[i];
    }
    double error = y - mean_of(m, x);
    for (uint32_t i = 0; i < n; i++) {
        m->theta[i] += px[i] / denominator * error;
        for (uint32_t j = 0; j <= i; j++) { /* symmetric, and kept so */
            m->p[i][j] = m->p[j][i] = (m->p[i][j] - px[i] * px[j] / denominator) / f;
        }
    }
    m->samples++;
    double weight = (double)m->samples * (1 - FORGETTING) < 1 ? 1 / (double)m->samples : 1 - FORGETTING;
    m->variance += weight * (error * error - m->variance);
    m->deviation = sqrt(m->variance);
}

double latency_model_predict(const struct latency_model *m, const double *x, double deviations) {
    return fmax(mean_of(m, x) + deviations * m->deviation, 0);
}
