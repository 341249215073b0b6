/* Queues whose answers are known. Each case runs 20 independent replications through the whole program
 * (scenario, synthesised arrivals, event core, plain server, statistics); the closed form must lie within the
 * Student interval of their mean at 99.9 %. The tolerance thus comes from the run's own standard error, and
 * the seeds are fixed.
 *
 * Formulas: Kleinrock, Queueing Systems I (1975); Erlang B and C by the recursion of Cooper (1981). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "run/run.h"

enum { REPLICATIONS = 20 };
static const double CONFIDENCE = 0.999;
static const double WARM_UP_S = 2000;
static const double RUN_S = 42000;

struct sample {
    double wait_s, sojourn_s, lost;
};

static const char *write_scenario(const char *service, double rate_per_s) {
    static char path[64];
    static char text[1024];
    snprintf(path, sizeof path, "/tmp/drydock-closed-form-%d.yaml", (int)getpid());
    int n = snprintf(text, sizeof text,
                     "apiVersion: drydock/v1\nkind: Scenario\nmetadata: {name: closed-form}\nspec:\n"
                     "  warmup: %.0fs\n  services: [{name: station, %s}]\n"
                     "  traces: [{synth: {process: poisson, rate_per_s: %.17g, duration_s: %.0f}}]\n",
                     WARM_UP_S, service, rate_per_s, RUN_S);
    struct error err = {0};
    assert_true(file_write(path, text, (size_t)n, &err));
    return path;
}

static struct sample run_once(const char *path, uint64_t seed) {
    struct arena arena = {0};
    struct run_result result = {0};
    struct error err = {0};
    struct run_options options = {.scenario = path, .out = "", .seed = seed};
    if (!run_scenario(&options, &arena, &result, &err)) {
        char text[1200];
        fail_msg("%s", error_text(&err, text, sizeof text));
    }
    const struct scope_summary *s = &result.summary.all;
    double counted = (double)(s->queue.n + s->queue.excluded);
    struct sample out = {
        .wait_s = s->queue.mean,
        .sojourn_s = s->e2e.mean,
        .lost = (double)s->queue.excluded / counted,
    };
    arena_free(&arena);
    return out;
}

/* Is `truth` within the interval of the mean of x? */
static void assert_covers(const char *what, const double x[REPLICATIONS], double truth) {
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < REPLICATIONS; i++) {
        mean += x[i] / REPLICATIONS;
    }
    for (int i = 0; i < REPLICATIONS; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    double error = sqrt(squares / (REPLICATIONS - 1) / REPLICATIONS);
    double half = gsl_cdf_tdist_Pinv((1 + CONFIDENCE) / 2, REPLICATIONS - 1) * error;
    print_message("  %-22s %.6g +- %.2g, closed form %.6g\n", what, mean, half, truth);
    assert_true(error > 0 &&
                half < 0.1 * truth); /* an interval so wide that it covers anything proves nothing */
    assert_true(fabs(mean - truth) <= half);
}

static void check(const char *service, double rate_per_s, double wait_s, double sojourn_s, double lost) {
    const char *path = write_scenario(service, rate_per_s);
    double wait[REPLICATIONS];
    double sojourn[REPLICATIONS];
    double loss[REPLICATIONS];
    for (int i = 0; i < REPLICATIONS; i++) {
        struct sample s = run_once(path, rng_replication_seed(7, (uint64_t)i));
        wait[i] = s.wait_s;
        sojourn[i] = s.sojourn_s;
        loss[i] = s.lost;
    }
    unlink(path);
    if (wait_s > 0) {
        assert_covers("mean wait, s", wait, wait_s);
    }
    if (sojourn_s > 0) {
        assert_covers("mean sojourn time, s", sojourn, sojourn_s);
    }
    if (lost > 0) {
        assert_covers("share lost", loss, lost);
    }
}

/* W_q = rho / (mu - lambda) */
static void mm1_waits_rho_over_mu_minus_lambda(void **state) {
    (void)state;
    double mu = 1.0;
    double lambda = 0.8;
    double wait = lambda / mu / (mu - lambda);
    check("server: {law: exponential, mean: 1s}", lambda, wait, wait + 1 / mu, 0);
}

/* Erlang B by recursion, Erlang C from it. */
static double erlang_b(double load, int servers) {
    double b = 1;
    for (int k = 1; k <= servers; k++) {
        b = load * b / (k + load * b);
    }
    return b;
}

static double erlang_c(double load, int servers) {
    double b = erlang_b(load, servers);
    return b / (1 - load / servers * (1 - b));
}

static void mmc_waits_as_erlang_c_says(void **state) {
    (void)state;
    double lambda = 3.2;
    double wait = erlang_c(lambda, 4) / (4 - lambda);
    check("concurrency: 4, server: {law: exponential, mean: 1s}", lambda, wait, wait + 1, 0);
}

/* Pollaczek and Khinchine: W_q = lambda E[S^2] / (2 (1 - rho)) */
static double pollaczek_khinchine(double lambda, double mean, double cv) {
    return lambda * mean * mean * (1 + cv * cv) / (2 * (1 - lambda * mean));
}

static void md1_waits_half_as_long_as_mm1(void **state) {
    (void)state;
    double wait = pollaczek_khinchine(0.8, 1, 0);
    check("server: {law: constant, mean: 1s}", 0.8, wait, wait + 1, 0);
}

static void mg1_with_gamma_service_obeys_pollaczek_khinchine(void **state) {
    (void)state;
    double wait = pollaczek_khinchine(0.7, 1, 1.5);
    check("server: {law: gamma, mean: 1s, cv: 1.5}", 0.7, wait, wait + 1, 0);
}

static void mg1_with_lognormal_service_obeys_pollaczek_khinchine(void **state) {
    (void)state;
    double sigma = 0.8;
    double mean = exp(sigma * sigma / 2); /* median 1 s */
    double cv = sqrt(exp(sigma * sigma) - 1);
    double lambda = 0.7 / mean;
    double wait = pollaczek_khinchine(lambda, mean, cv);
    check("server: {law: lognormal, median: 1s, sigma: 0.8}", lambda, wait, wait + mean, 0);
}

/* M/M/c/K: p_n ~ load^n / n! up to c, then (load/c) each; lost are those who find K. */
static void mmck_loses_the_share_that_finds_it_full(void **state) {
    (void)state;
    enum { C = 3, K = 5 };
    double lambda = 3.6;
    double p[K + 1];
    double sum = p[0] = 1;
    for (int n = 1; n <= K; n++) {
        p[n] = p[n - 1] * lambda / (n < C ? n : C);
        sum += p[n];
    }
    double lost = p[K] / sum;
    double in_queue = 0;
    for (int n = C + 1; n <= K; n++) {
        in_queue += (n - C) * p[n] / sum;
    }
    double wait = in_queue / (lambda * (1 - lost));
    check("concurrency: 3, queue_limit: 2, server: {law: exponential, mean: 1s}", lambda, wait, wait + 1,
          lost);
}

/* M/M/c/c: Erlang B, and insensitive to the law of service. */
static void erlang_loss_does_not_depend_on_the_law_of_service(void **state) {
    (void)state;
    double lost = erlang_b(3.0, 4);
    check("concurrency: 4, queue_limit: 0, server: {law: constant, mean: 1s}", 3.0, 0, 0, lost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mm1_waits_rho_over_mu_minus_lambda),
        cmocka_unit_test(mmc_waits_as_erlang_c_says),
        cmocka_unit_test(md1_waits_half_as_long_as_mm1),
        cmocka_unit_test(mg1_with_gamma_service_obeys_pollaczek_khinchine),
        cmocka_unit_test(mg1_with_lognormal_service_obeys_pollaczek_khinchine),
        cmocka_unit_test(mmck_loses_the_share_that_finds_it_full),
        cmocka_unit_test(erlang_loss_does_not_depend_on_the_law_of_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
