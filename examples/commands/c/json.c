#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at) {
    return at + strspn(at, " \t\r\n");
}

/* Past the string that begins at `at`; NULL if it does not end. */
static const char *skip_string(const char *at) {
    for (at++; *at != '"'; at++) {
        if (*at == '\\') at++;
        if (*at == '\0') return NULL;
    }
    return at + 1;
}

/* Past the value that begins at `at`; NULL if it does not end. */
static const char *skip_value(const char *at) {
    if (*at == '"') return skip_string(at);
    int depth = 0;
    for (; *at != '\0'; at++) {
        if (*at == '"') {
            at = skip_string(at);
            if (at == NULL) return NULL;
            at--;
        } else if (strchr("{[", *at)) {
            depth++;
        } else if (strchr("}]", *at)) {
            if (depth == 0) return at;
            if (--depth == 0) return at + 1;
        } else if (depth == 0 && strchr(", \t\r\n", *at)) {
            return at;
        }
    }
    return depth == 0 ? at : NULL;
}

const char *json_get(const char *object, const char *key) {
    if (object == NULL) return NULL;
    const char *at = skip_space(object);
    if (*at != '{') return NULL;
    size_t len = strlen(key);
    at = skip_space(at + 1);
    while (*at == '"') {
        const char *name = at + 1;
        at = skip_string(at);
        if (at == NULL) return NULL;
        bool is_key = (size_t)(at - 1 - name) == len && memcmp(name, key, len) == 0;
        at = skip_space(at);
        if (*at != ':') return NULL;
        at = skip_space(at + 1);
        if (is_key) return at;
        at = skip_value(at);
        if (at == NULL) return NULL;
        at = skip_space(at);
        if (*at == ',') at = skip_space(at + 1);
    }
    return NULL;
}

bool json_is_true(const char *value) {
    return value != NULL && strncmp(value, "true", 4) == 0;
}

long json_number(const char *value, long otherwise) {
    if (value == NULL) return otherwise;
    char *end;
    long number = strtol(value, &end, 10);
    return end == value ? otherwise : number;
}

void json_print(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}
