/* As much of JSON as a small program needs. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

/* The value of `key` in the object that begins at `object`; NULL if there is
 * none, or if it is no object. */
const char *json_get(const char *object, const char *key);

/* Whether the value is `true`. */
bool json_is_true(const char *value);

/* The number that the value is, or `otherwise`. */
long json_number(const char *value, long otherwise);

/* Writes `text` to stdout as a JSON string. */
void json_print(const char *text);

#endif
