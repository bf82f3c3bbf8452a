/* Finds what editors leave in text files: spaces at the end of a line, Windows
 * line ends, lines that are too long, and a last line without an end.
 *
 * A plain program: the task is a JSON document on stdin, the outcome one on
 * stdout, and the exit code says which of them it is. It reads every folder that
 * it is given with `--mount`.
 *
 * The task's input is {"max-line": 100}, and may be left out; with "gate": true
 * what is found is a rejection, which sends the work back. */

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wasi/api.h>

#include "json.h"

enum {
    REJECTED = 3,    /* a gate rejects */
    TRANSIENT = 1,   /* trying again may help */
    EX_DATAERR = 65, /* sysexits.h: the input is wrong */
    EX_NOINPUT = 66, /* sysexits.h: an input file does not exist */
    FIRST_FOLDER = 3,
    MAX_PATH = 1024,
    MAX_FINDINGS = 1000,
};

static long files, lines, findings, max_line;

static void fail(int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(code);
}

/* All of stdin, as a string. */
static char *read_task(void) {
    size_t len = 0, room = 1 << 16;
    char *text = malloc(room);
    while (text != NULL) {
        len += fread(text + len, 1, room - 1 - len, stdin);
        if (len < room - 1) {
            text[len] = '\0';
            return text;
        }
        text = realloc(text, room *= 2);
    }
    fail(TRANSIENT, "no memory for the task");
    return NULL;
}

/* The findings are written as they are found; `mount` is left out of paths. */
static void found(const char *path, long line, long column, const char *rule, const char *what) {
    if (findings++ >= MAX_FINDINGS) return;
    printf("%s{\"rule\":\"%s\",\"severity\":\"low\",\"message\":", findings > 1 ? "," : "", rule);
    json_print(what);
    printf(",\"location\":{\"path\":");
    json_print(strchr(path + 1, '/') + 1);
    printf(",\"line\":%ld,\"column\":%ld}}", line, column);
}

static void check_line(const char *path, long number, const char *line, long len) {
    if (len > 0 && line[len - 1] == '\r') {
        found(path, number, len, "windows-line-end", "the line ends as on Windows");
        len--;
    }
    if (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
        found(path, number, len, "trailing-space", "there is space at the end of the line");
    }
    if (max_line > 0 && len > max_line) {
        char what[80];
        snprintf(what, sizeof what, "the line has %ld bytes, more than %ld", len, max_line);
        found(path, number, max_line + 1, "long-line", what);
    }
}

static void check_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(TRANSIENT, "%s was there and cannot be read: %s", path, strerror(errno));
    char *text = malloc(size + 1);
    if (text == NULL) fail(TRANSIENT, "no memory for %s", path);
    size_t len = fread(text, 1, size, file);
    if (ferror(file)) fail(TRANSIENT, "%s: %s", path, strerror(errno));
    fclose(file);
    /* What holds a zero is no text. */
    if (memchr(text, '\0', len) == NULL) {
        long number = 0;
        files++;
        for (size_t at = 0; at < len;) {
            const char *end = memchr(text + at, '\n', len - at);
            size_t line = end == NULL ? len - at : (size_t)(end - (text + at));
            check_line(path, ++number, text + at, (long)line);
            if (end == NULL) {
                found(path, number, (long)line, "no-last-line-end", "the last line does not end");
            }
            at += line + 1;
        }
        lines += number;
    }
    free(text);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void check_folder(const char *folder);

static void check_entry(const char *folder, const char *name) {
    char path[MAX_PATH];
    struct stat status;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= MAX_PATH) {
        fail(EX_DATAERR, "%s/%s is too long a path", folder, name);
    }
    if (stat(path, &status) != 0) {
        fail(TRANSIENT, "%s was there and cannot be read: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        check_folder(path);
    } else {
        check_file(path, (size_t)status.st_size);
    }
}

static void check_folder(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    if (count < 0) fail(EX_NOINPUT, "%s is no folder that I may read: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') check_entry(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* Checks every folder that was given, and says how many there were. */
static int check_mounts(void) {
    int mounts = 0;
    __wasi_prestat_t prestat;
    for (__wasi_fd_t fd = FIRST_FOLDER; __wasi_fd_prestat_get(fd, &prestat) == 0; fd++) {
        char name[MAX_PATH] = "";
        size_t len = prestat.u.dir.pr_name_len;
        if (len >= sizeof name || __wasi_fd_prestat_dir_name(fd, (uint8_t *)name, len) != 0) {
            fail(EX_DATAERR, "a mount has too long a name");
        }
        check_folder(name);
        mounts++;
    }
    return mounts;
}

int main(void) {
    const char *input = json_get(read_task(), "input");
    if (input == NULL) fail(EX_DATAERR, "the task on stdin has no input");
    max_line = json_number(json_get(input, "max-line"), 100);
    bool is_gate = json_is_true(json_get(input, "gate"));

    printf("{\"findings\":[");
    int mounts = check_mounts();
    if (mounts == 0) fail(EX_NOINPUT, "there is no folder to check: give one with --mount NAME=PATH");
    printf("],\"value\":{\"files\":%ld,\"lines\":%ld,\"found\":%ld}", files, lines, findings);
    if (is_gate && findings > 0) {
        printf(",\"reason\":\"%ld places are untidy\"}\n", findings);
        return REJECTED;
    }
    puts("}");
    return 0;
}
