/* The table of admission policies. */
#include <string.h>

#include "gateway/admission.h"

const struct admission_ops *const admissions[] = {
    &admission_token_bucket,
    &admission_concurrency,
    &admission_deadline,
    &admission_tiers,
    &admission_fifo,
    &admission_vtc,
    NULL,
};

const struct admission_ops *admission_find(const char *name) {
    for (int i = 0; admissions[i]; i++) {
        if (strcmp(admissions[i]->name, name) == 0) {
            return admissions[i];
        }
    }
    return NULL;
}
