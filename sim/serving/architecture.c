/* Shapes of the decoders that manifests name, from the config.json published with each. Parameter counts are
 * those of the published weights; the unit test computes each from its shape. */
#include "serving/service_time.h"

#include <ctype.h>
#include <string.h>

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define DECODER(l, d, f, h, kv, hd, v)                                                                       \
    .layers = (l), .hidden = (d), .ffn = (f), .heads = (h), .kv_heads = (kv), .head_dim = (hd),              \
    .vocab = (v), .ffn_matrices = 3

const struct architecture architectures[] = {
    {.name = "llama-3-8b",
     .aliases = ALIASES("llama-3-8b", "llama3-8b", "llama-3.0-8b"),
     DECODER(32, 4096, 14336, 32, 8, 128, 128256),
     .parameters = 8030261248,
     .max_positions = 8192,
     .source = "huggingface.co/meta-llama/Meta-Llama-3-8B config.json"},
    {.name = "llama-3.1-8b",
     .aliases = ALIASES("llama-3.1-8b", "llama3.1-8b", "llama-3_1-8b", "r1-distill-llama-8b"),
     DECODER(32, 4096, 14336, 32, 8, 128, 128256),
     .parameters = 8030261248,
     .max_positions = 131072,
     .source = "huggingface.co/meta-llama/Llama-3.1-8B config.json"},
    {.name = "llama-3-70b",
     .aliases = ALIASES("llama-3-70b", "llama3-70b", "llama-3.0-70b"),
     DECODER(80, 8192, 28672, 64, 8, 128, 128256),
     .parameters = 70553706496,
     .max_positions = 8192,
     .source = "huggingface.co/meta-llama/Meta-Llama-3-70B config.json"},
    {.name = "llama-3.1-70b",
     .aliases = ALIASES("llama-3.1-70b", "llama-3.3-70b", "llama3.1-70b", "llama3.3-70b", "llama-3_1-70b",
                        "llama-3_3-70b", "r1-distill-llama-70b"),
     DECODER(80, 8192, 28672, 64, 8, 128, 128256),
     .parameters = 70553706496,
     .max_positions = 131072,
     .source = "huggingface.co/meta-llama/Llama-3.1-70B config.json (3.3 is the same)"},
    {.name = "llama-3.1-405b",
     .aliases = ALIASES("llama-3.1-405b", "llama3.1-405b"),
     DECODER(126, 16384, 53248, 128, 8, 128, 128256),
     .parameters = 405853388800,
     .max_positions = 131072,
     .source = "huggingface.co/meta-llama/Llama-3.1-405B config.json"},
    {.name = "llama-3.2-1b",
     .aliases = ALIASES("llama-3.2-1b", "llama3.2-1b"),
     DECODER(16, 2048, 8192, 32, 8, 64, 128256),
     .parameters = 1235814400,
     .max_positions = 131072,
     .source = "huggingface.co/meta-llama/Llama-3.2-1B config.json"},
    {.name = "llama-3.2-3b",
     .aliases = ALIASES("llama-3.2-3b", "llama3.2-3b"),
     DECODER(28, 3072, 8192, 24, 8, 128, 128256),
     .parameters = 3212749824,
     .max_positions = 131072,
     .source = "huggingface.co/meta-llama/Llama-3.2-3B config.json"},
    {.name = "llama-2-7b",
     .aliases = ALIASES("llama-2-7b", "llama2-7b"),
     DECODER(32, 4096, 11008, 32, 32, 128, 32000),
     .parameters = 6738415616,
     .max_positions = 4096,
     .source = "huggingface.co/meta-llama/Llama-2-7b-hf config.json"},
    {.name = "llama-2-13b",
     .aliases = ALIASES("llama-2-13b", "llama2-13b"),
     DECODER(40, 5120, 13824, 40, 40, 128, 32000),
     .parameters = 13015864320,
     .max_positions = 4096,
     .source = "huggingface.co/meta-llama/Llama-2-13b-hf config.json"},
    {.name = "llama-2-70b",
     .aliases = ALIASES("llama-2-70b", "llama2-70b"),
     DECODER(80, 8192, 28672, 64, 8, 128, 32000),
     .parameters = 68976648192,
     .max_positions = 4096,
     .source = "huggingface.co/meta-llama/Llama-2-70b-hf config.json"},
    {.name = "codellama-34b",
     .aliases = ALIASES("codellama-34b", "code-llama-34b"),
     DECODER(48, 8192, 22016, 64, 8, 128, 32000),
     .parameters = 33743970304,
     .max_positions = 16384,
     .source = "huggingface.co/codellama/CodeLlama-34b-Instruct-hf config.json"},
    {.name = "tinyllama-1.1b",
     .aliases = ALIASES("tinyllama-1.1b", "tinyllama"),
     DECODER(22, 2048, 5632, 32, 4, 64, 32000),
     .parameters = 1100048384,
     .max_positions = 2048,
     .source = "huggingface.co/TinyLlama/TinyLlama-1.1B-Chat-v1.0 config.json"},
    {.name = "mixtral-8x7b",
     .aliases = ALIASES("mixtral-8x7b"),
     DECODER(32, 4096, 14336, 32, 8, 128, 32000),
     .experts = 8,
     .experts_per_token = 2,
     .parameters = 46702792704,
     .max_positions = 32768,
     .source = "huggingface.co/mistralai/Mixtral-8x7B-v0.1 config.json"},
    /* The sliding window of v0.1 is not modelled. */
    {.name = "mistral-7b",
     .aliases = ALIASES("mistral-7b"),
     DECODER(32, 4096, 14336, 32, 8, 128, 32000),
     .parameters = 7241732096,
     .max_positions = 32768,
     .source = "huggingface.co/mistralai/Mistral-7B-Instruct-v0.2 config.json"},
    {.name = "mistral-7b-v0.3",
     .aliases = ALIASES("mistral-7b-v0.3", "mistral-7b-instruct-v0.3"),
     DECODER(32, 4096, 14336, 32, 8, 128, 32768),
     .parameters = 7248023552,
     .max_positions = 32768,
     .source = "huggingface.co/mistralai/Mistral-7B-Instruct-v0.3 config.json"},
    {.name = "qwen2.5-0.5b",
     .aliases = ALIASES("qwen2.5-0.5b", "qwen2-0.5b", "qwen2.5-coder-0.5b"),
     DECODER(24, 896, 4864, 14, 2, 64, 151936),
     .parameters = 494032768,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-0.5B-Instruct config.json"},
    {.name = "qwen2.5-1.5b",
     .aliases = ALIASES("qwen2.5-1.5b", "qwen2-1.5b", "qwen2.5-coder-1.5b"),
     DECODER(28, 1536, 8960, 12, 2, 128, 151936),
     .parameters = 1543714304,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-1.5B-Instruct config.json"},
    {.name = "qwen2.5-3b",
     .aliases = ALIASES("qwen2.5-3b", "qwen2.5-coder-3b"),
     DECODER(36, 2048, 11008, 16, 2, 128, 151936),
     .parameters = 3085938688,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-3B-Instruct config.json"},
    {.name = "qwen2.5-7b",
     .aliases = ALIASES("qwen2.5-7b", "qwen2-7b", "qwen2.5-coder-7b"),
     DECODER(28, 3584, 18944, 28, 4, 128, 152064),
     .parameters = 7615616512,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-7B-Instruct config.json (Qwen2-7B is the same)"},
    {.name = "qwen2.5-14b",
     .aliases = ALIASES("qwen2.5-14b", "qwen2.5-coder-14b"),
     DECODER(48, 5120, 13824, 40, 8, 128, 152064),
     .parameters = 14770033664,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-14B-Instruct config.json"},
    {.name = "qwen2.5-32b",
     .aliases = ALIASES("qwen2.5-32b", "qwen2.5-coder-32b"),
     DECODER(64, 5120, 27648, 40, 8, 128, 152064),
     .parameters = 32763876352,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-32B-Instruct config.json"},
    {.name = "qwen2.5-72b",
     .aliases = ALIASES("qwen2.5-72b", "qwen2-72b"),
     DECODER(80, 8192, 29568, 64, 8, 128, 152064),
     .parameters = 72706203648,
     .max_positions = 32768,
     .source = "huggingface.co/Qwen/Qwen2.5-72B-Instruct config.json"},
    {.name = "qwen3-0.6b",
     .aliases = ALIASES("qwen3-0.6b"),
     DECODER(28, 1024, 3072, 16, 8, 128, 151936),
     .qk_norm = true,
     .parameters = 596049920,
     .max_positions = 40960,
     .source = "huggingface.co/Qwen/Qwen3-0.6B config.json"},
    {.name = "qwen3-4b",
     .aliases = ALIASES("qwen3-4b"),
     DECODER(36, 2560, 9728, 32, 8, 128, 151936),
     .qk_norm = true,
     .parameters = 4022468096,
     .max_positions = 40960,
     .source = "huggingface.co/Qwen/Qwen3-4B config.json"},
    {.name = "qwen3-8b",
     .aliases = ALIASES("qwen3-8b"),
     DECODER(36, 4096, 12288, 32, 8, 128, 151936),
     .qk_norm = true,
     .parameters = 8190735360,
     .max_positions = 40960,
     .source = "huggingface.co/Qwen/Qwen3-8B config.json"},
    {.name = "qwen3-14b",
     .aliases = ALIASES("qwen3-14b"),
     DECODER(40, 5120, 17408, 40, 8, 128, 151936),
     .qk_norm = true,
     .parameters = 14768307200,
     .max_positions = 40960,
     .source = "huggingface.co/Qwen/Qwen3-14B config.json"},
    {.name = "qwen3-32b",
     .aliases = ALIASES("qwen3-32b"),
     DECODER(64, 5120, 25600, 64, 8, 128, 151936),
     .qk_norm = true,
     .parameters = 32762123264,
     .max_positions = 40960,
     .source = "huggingface.co/Qwen/Qwen3-32B config.json"},
    {.name = "gemma-2b",
     .aliases = ALIASES("gemma-2b", "gemma-1.1-2b"),
     DECODER(18, 2048, 16384, 8, 1, 256, 256000),
     .parameters = 2506172416,
     .max_positions = 8192,
     .source = "huggingface.co/google/gemma-2b config.json"},
    {.name = "opt-125m",
     .aliases = ALIASES("opt-125m"),
     .layers = 12,
     .hidden = 768,
     .ffn = 3072,
     .heads = 12,
     .kv_heads = 12,
     .head_dim = 64,
     .vocab = 50272,
     .ffn_matrices = 2,
     .parameters = 125239296,
     .max_positions = 2048,
     .source = "huggingface.co/facebook/opt-125m config.json"},
    {.name = NULL},
};

bool name_has(const char *text, const char *part) {
    for (; *text != '\0'; text++) {
        size_t i = 0;
        while (part[i] != '\0' && tolower((unsigned char)text[i]) == part[i]) {
            i++;
        }
        if (part[i] == '\0') {
            return true;
        }
    }
    return false;
}

/* The length of the longest alias found in `model`, 0 when there is none. */
static size_t longest_alias(const struct architecture *a, const char *model) {
    size_t longest = 0;
    for (const char *const *alias = a->aliases; *alias != NULL; alias++) {
        size_t length = strlen(*alias);
        if (length > longest && name_has(model, *alias)) {
            longest = length;
        }
    }
    return longest;
}

const struct architecture *architecture_find(const char *model) {
    if (model == NULL) {
        return NULL;
    }
    const struct architecture *best = NULL;
    size_t longest = 0;
    for (const struct architecture *a = architectures; a->name != NULL; a++) {
        if (strcmp(a->name, model) == 0) {
            return a;
        }
        size_t length = longest_alias(a, model);
        if (length > longest) {
            longest = length;
            best = a;
        }
    }
    return best;
}
