/* traces/presets.c: traffic without a file: parameters that were fitted, and where to.
 *
 * azure-conv-2023 and azure-code-2023: the two hours of Azure LLM inference traces of 16 November 2023 (Azure
 * Public Dataset, CC-BY 4.0; Patel et al., Splitwise, ISCA 2024): 19,366 and 8,819 requests. Rate by the
 * minute, shape of the gaps within minutes (maximum likelihood: gamma 0.901 +- 0.008, weibull 0.470 +-
 * 0.004), quantiles of the lengths, correlation of their normal scores: `drydock trace fit FILE --window
 * 60s`.
 *
 * mooncake-conversation: the conversation hour of Mooncake (Qin et al., FAST 2025; Apache-2.0), 12,031
 * requests. Its clock ticks every 3 s, which hides the process: Poisson arrivals at the rate of 5 minutes.
 * Prefix hashes are not part of it.
 */
#include <string.h>

#include "traces/traces.h"

/* The probabilities of fit.c. */
enum { FIT_POINTS = 33 };
#define FIT_PROBABILITIES                                                                                    \
    {                                                                                                        \
        0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, \
            0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1           \
    }

static const struct synth_spec azure_conv_2023 = {
    .process = ARRIVAL_GAMMA,
    .rate_per_s = 5.4888,
    .shape = 0.9008,
    .duration_s = 3501.9028,
    .profile_count = 59,
    .profile =
        {
            0.5756, 0.7987, 0.9915, 1.0639, 0.9252, 0.8228, 0.8077, 0.7866, 0.9704, 0.8981, 0.9072, 0.9102,
            1.0398, 0.9825, 0.8529, 0.8408, 0.8439, 0.9282, 1.0337, 1.0578, 1.0578, 1.0337, 1.2296, 1.1935,
            1.1633, 1.1995, 1.302,  1.4466, 1.4346, 1.3652, 1.3502, 1.528,  1.32,   1.2447, 1.2748, 1.2598,
            1.4014, 0.9373, 0.9915, 0.9524, 1.0036, 1.0699, 0.9614, 1.085,  1.0066, 1.1302, 0.9946, 0.7504,
            0.666,  0.7504, 0.7987, 0.8439, 0.7715, 0.7655, 0.7293, 0.7836, 0.7414, 0.6781, 0.3055,
        },
    .profile_period_s = 3540,
    .input_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 2,
            .high = 14050,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    2,      16.8,   29,   91,   161,  181,  200,  207,  372,  387,    396,
                    403,    414,    703,  984,  1020, 1045, 1071, 1097, 1130, 1189,   1315,
                    1876.3, 2734.5, 4075, 4083, 4090, 4098, 4142, 4831, 5652, 6179.1, 14050,
                },
        },
    .output_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 7,
            .high = 1000,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    7,   14,  16,  24,  32,  41,  48,  54,  67,  77,  85,  91,  96,    103,   113, 129,  151,
                    177, 217, 384, 395, 400, 411, 424, 430, 451, 509, 540, 601, 643.2, 916.5, 954, 1000,
                },
        },
    .correlation = 0.014,
    .session_turns_mean = 1,
    .name = "azure-conv-2023",
};

static const struct synth_spec azure_code_2023 = {
    .process = ARRIVAL_WEIBULL,
    .rate_per_s = 2.6847,
    .shape = 0.4697,
    .duration_s = 3436.3377,
    .profile_count = 58,
    .profile =
        {
            0.4091, 0,      0,      3.4484, 1.2144, 0.8442, 0.0974, 0.2728, 0.2468, 3.0912, 2.7341, 0.4091,
            0,      0,      4.1043, 1.9418, 0,      0.1299, 2.5717, 2.0457, 0.7533, 0.5065, 1.9872, 2.9029,
            1.6365, 0.2208, 0.8313, 0.7209, 2.6366, 1.5196, 0.7663, 1.0975, 0.8442, 1.9872, 1.0261, 0,
            2.2015, 0.3572, 1.8508, 1.2404, 0,      0.1818, 1.3313, 1.5911, 0.6429, 0,      0,      0.2078,
            0,      0,      0,      0.6299, 1.3768, 0.1429, 0.2078, 0.7338, 0.3052, 4.6746,
        },
    .profile_period_s = 3480,
    .input_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 3,
            .high = 7437,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    3,      12,     17,   35,     50,   75,   102.4, 147,    232,    385.6,  578,
                    770,    938.6,  1075, 1261.1, 1469, 1690, 1909,  2163.7, 2433,   2744.5, 3192.4,
                    3920.2, 5187.6, 6097, 7303.3, 7435, 7436, 7436,  7436,   7436.4, 7437,   7437,
                },
        },
    .output_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 6,
            .high = 1899,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    6,  6,  6,  6,  6,  6,  6,  7,  7,  8,   9,     9,     10,    11,    12,    13,   14,
                    16, 18, 20, 24, 29, 39, 55, 69, 90, 128, 170.9, 251.5, 359.4, 669.6, 825.3, 1899,
                },
        },
    .correlation = -0.013,
    .session_turns_mean = 1,
    .name = "azure-code-2023",
};

static const struct synth_spec mooncake_conversation = {
    .process = ARRIVAL_POISSON,
    .rate_per_s = 3.40686,
    .shape = 1,
    .duration_s = 3537.293,
    .profile_count = 12,
    .profile =
        {
            0.8997,
            0.8154,
            0.9585,
            0.9114,
            0.9869,
            1.033,
            1.0183,
            1.0712,
            1.0673,
            1.081,
            1.082,
            1.0953,
        },
    .profile_period_s = 3600,
    .input_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 891,
            .high = 126195,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    891,     893,     894,      896,      897,      901,    913,   964,     1261,
                    1662,    2306.5,  3263,     4251,     4993,     5870.5, 6909,  8186.5,  9570,
                    11237.5, 13196,   15367,    17869,    21464,    27367,  31519, 39550.5, 52215.4,
                    66448.6, 85400.4, 100810.3, 118460.9, 121300.9, 126195,
                },
        },
    .output_tokens =
        {
            .law = LENGTH_QUANTILES,
            .low = 1,
            .high = 2000,
            .quantile_count = FIT_POINTS,
            .probability = FIT_PROBABILITIES,
            .value =
                {
                    1,   1,   3,   3,     5,     10,    17,     24,     46,   100,  156.5,
                    213, 256, 291, 322.5, 350,   375,   399,    423,    447,  472,  504,
                    543, 597, 639, 698,   800.2, 891.8, 1118.5, 1567.6, 2000, 2000, 2000,
                },
        },
    .correlation = 0.07,
    .session_turns_mean = 1,
    .name = "mooncake-conversation",
};

/* What a chat service of a small team sees; made up. */
static const struct synth_spec quickstart = {
    .process = ARRIVAL_POISSON,
    .rate_per_s = 2,
    .shape = 1,
    .duration_s = 600,
    .input_tokens = {.law = LENGTH_LOGNORMAL, .mu = 6.4, .sigma = 0.9, .low = 8, .high = 4096},
    .output_tokens = {.law = LENGTH_LOGNORMAL, .mu = 5.1, .sigma = 0.7, .low = 1, .high = 1024},
    .session_turns_mean = 1,
    .name = "quickstart",
};

const struct trace_preset trace_presets[] = {
    {"quickstart", "10 minutes of chat at 2 requests/s, log-normal lengths; made up", &quickstart},
    {"azure-conv-2023", "fitted to the Azure LLM conversation hour of 2023: 19,366 requests",
     &azure_conv_2023},
    {"azure-code-2023", "fitted to the Azure LLM code hour of 2023: 8,819 requests in bursts",
     &azure_code_2023},
    {"mooncake-conversation", "fitted to the Mooncake conversation hour: 12,031 requests with long prompts",
     &mooncake_conversation},
    {NULL, NULL, NULL},
};

const struct trace_preset *trace_preset_find(const char *name) {
    for (const struct trace_preset *preset = trace_presets; preset->name; preset++) {
        if (!strcmp(preset->name, name)) {
            return preset;
        }
    }
    return NULL;
}
