/* Speculative decoding: who drafts, and which drafts are right. */
#include <string.h>
#include <strings.h>

#include "base/rng.h"
#include "serving/speculation.h"

/* More drafts than any engine proposes; keeps a request's count within 16 bits. */
enum { DRAFTS_MAX = 64 };

/* ---- which drafts are right ---- */

/* A place in the answer is drawn for at most once: behind a wrong draft the next step begins one further on.
 */
uint32_t accepted_drafts(const struct replica_config *config, uint64_t request, uint32_t generated,
                         uint32_t drafts) {
    struct rng rng = rng_stream_id(config->seed, RNG_DRAFTS, request);
    uint32_t right = 0;
    while (right < drafts) {
        rng.counter[0] = generated + right;
        rng.used = 4;
        if (rng_uniform(&rng) >= config->speculation.acceptance) {
            break;
        }
        right++;
    }
    return right;
}

/* ---- who drafts ---- */

static const struct {
    const char *method;
    enum draft_kind kind;
} methods[] = {
    {"ngram", DRAFT_LOOKUP},  {"[ngram]", DRAFT_LOOKUP},    {"ngram_gpu", DRAFT_LOOKUP},
    {"suffix", DRAFT_LOOKUP}, {"medusa", DRAFT_HEADS},      {"mlp_speculator", DRAFT_LAYER},
    {"eagle", DRAFT_LAYER},   {"eagle3", DRAFT_LAYER},      {"mtp", DRAFT_LAYER},
    {"nextn", DRAFT_LAYER},   {"draft_model", DRAFT_MODEL}, {"standalone", DRAFT_MODEL},
};

static bool kind_of_method(const char *method, enum draft_kind *kind) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcasecmp(methods[i].method, method) == 0) {
            *kind = methods[i].kind;
            return true;
        }
    }
    /* Before one name was made of them: deepseek_mtp, qwen3_next_mtp ... */
    size_t n = strlen(method);
    *kind = DRAFT_LAYER;
    return n > 4 && strcmp(method + n - 4, "_mtp") == 0;
}

/* In vLLM's order (SpeculativeConfig.__post_init__): by the model's name, else it is a draft model. */
static enum draft_kind kind_of_model(const char *model) {
    return model == NULL || strcmp(model, "ngram") == 0 || strcmp(model, "[ngram]") == 0 ? DRAFT_LOOKUP
           : name_has(model, "eagle")                                                    ? DRAFT_LAYER
           : name_has(model, "medusa")                                                   ? DRAFT_HEADS
                                                                                         : DRAFT_MODEL;
}

static bool find_draft(struct speculation *s, const struct engine_speculation *asked, struct error *err) {
    if (s->kind != DRAFT_MODEL) {
        return true;
    }
    s->draft = architecture_find(asked->model);
    if (s->draft == NULL) {
        error_at(err, ERROR_INVALID, &asked->pos, "--speculative-config",
                 "no architecture is known for the draft model '%s'", asked->model ? asked->model : "");
        return error_hint(err, "`drydock help models` lists those that are; with \"method\": \"eagle\" or "
                               "\"ngram\" none is needed");
    }
    return true;
}

/* SGLang takes three where it is not told (_auto_choose_speculative_params in its arg_groups). */
static struct engine_speculation asked_of(const struct engine_args *args) {
    struct engine_speculation asked = args->speculation;
    if (asked.tokens < 0 && asked.method != NULL && args->server != NULL &&
        strcmp(args->server, "sglang") == 0) {
        asked.tokens = 3;
    }
    return asked;
}

bool speculation_fill(struct replica_config *config, const struct engine_args *args, struct error *err) {
    const struct engine_speculation given = asked_of(args), *asked = &given;
    struct speculation *s = &config->speculation;
    if (asked->tokens == 0 || (asked->tokens < 0 && asked->method == NULL && asked->model == NULL)) {
        return true;
    }
    if (asked->tokens < 1 || asked->tokens > DRAFTS_MAX) {
        error_at(err, ERROR_INVALID, &asked->pos, "--speculative-config",
                 "expected num_speculative_tokens, 1 to %d", DRAFTS_MAX);
        return error_hint(err, "how many tokens a step proposes: {\"method\": \"ngram\", "
                               "\"num_speculative_tokens\": 3}");
    }
    s->kind = kind_of_model(asked->model);
    if (asked->method != NULL && !kind_of_method(asked->method, &s->kind)) {
        error_at(err, ERROR_INVALID, &asked->pos, "--speculative-config", "unknown method '%.40s'",
                 asked->method);
        return error_hint(err, "known are ngram, suffix, medusa, mlp_speculator, eagle, eagle3, mtp and "
                               "draft_model");
    }
    s->tokens = asked->tokens;
    s->acceptance = speculation_acceptance;
    /* Scheduler.__init__: EAGLE's layer and a draft model write KV ahead of the step. */
    config->lookahead_tokens = s->kind == DRAFT_LAYER || s->kind == DRAFT_MODEL ? s->tokens : 0;
    return find_draft(s, asked, err);
}
