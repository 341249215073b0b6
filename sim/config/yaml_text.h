/* sim/config/yaml_text.h: private to yaml*.c: what is checked before libyaml reads, and what its complaints
 * mean. */
#ifndef DRYDOCK_CONFIG_YAML_TEXT_H
#define DRYDOCK_CONFIG_YAML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "base/error.h"

/* Refuses UTF-16, UTF-32, known binary formats, control characters and malformed UTF-8 at their place.
 * libyaml would tell a byte offset only, or take UTF-16 for granted. */
bool yaml_text_check(const char *file, const char *bytes, size_t length, struct error *err);

/* Bytes of the well-formed UTF-8 character at `s` (at most `left` bytes are there), 0 when there is none; its
 * number in *point. Whether YAML 1.1 lets it stand in a file as it is. */
size_t yaml_text_decode(const unsigned char *s, size_t left, uint32_t *point);
bool yaml_text_is_printable(uint32_t point);

/* Turns the parser's failure into a located error in our words. Always returns false. */
bool yaml_text_syntax_error(const char *file, const yaml_parser_t *parser, struct error *err);

#endif
