/* sim/base/hash.h: XXH3 for keys and tables, SHA-256 for provenance (libxxhash, nettle). */
#ifndef DRYDOCK_BASE_HASH_H
#define DRYDOCK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

uint64_t hash64(const void *bytes, size_t n, uint64_t seed);
uint64_t hash64_text(const char *text);

enum { SHA256_TEXT_BYTES = 65 };
void sha256_text(const void *bytes, size_t n, char out[SHA256_TEXT_BYTES]);

/* Of a file's bytes as they lie on disk (compressed files are not unpacked). */
bool sha256_file(const char *path, char out[SHA256_TEXT_BYTES], struct error *err);

#endif
