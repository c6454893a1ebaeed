/* The lock file: see lock-file.h. */
#include "lock-file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_set(const char *from, const char *to, char character) {
    for (; from < to; from++) {
        const bool range = from + 2 < to && from[1] == '-';
        if (*from <= character && character <= (range ? from[2] : *from)) return true;
        if (range) from += 2;
    }
    return false;
}

/* Where the pattern goes on after it has matched one character; NULL = it does not match. */
static const char *match_one(const char *at, char character) {
    if (*at == '?') return at + 1;
    const char *close = *at == '[' && at[1] ? strchr(at + 2, ']') : NULL;
    if (!close) return *at == character ? at + 1 : NULL;
    const bool negated = at[1] == '!' && close > at + 2;
    return in_set(at + (negated ? 2 : 1), close, character) != negated ? close + 1 : NULL;
}

/* Backtracks to the last star only: at most pattern length times name length steps. */
bool lock_pattern_matches(const char *pattern, const char *name) {
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
            continue;
        }
        const char *next = *pattern ? match_one(pattern, *name) : NULL;
        if (next) {
            pattern = next;
            name++;
        } else if (star) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

bool lock_file_locks(const struct lock_file *file, const char *port) {
    bool ours = false, locked = true;
    for (size_t i = 0; i < file->count; i++) {
        const struct lock_rule *rule = &file->rules[i];
        if (!lock_pattern_matches(rule->pattern, port)) continue;
        if (rule->kind == RULE_UPLINK) return false;
        ours = true;
        if (rule->kind != RULE_PORT) locked = rule->kind == RULE_LOCKED;
    }
    return ours && locked;
}

/* True for a kind that the line can have. */
static bool kind_of(const char *verb, const char *control, enum lock_rule_kind *kind) {
    if (strcmp(verb, "uplink") == 0 && !control) {
        *kind = RULE_UPLINK;
        return true;
    }
    if (strcmp(verb, "port") != 0) return false;
    if (!control)
        *kind = RULE_PORT;
    else if (strcmp(control, "auto") == 0 || strcmp(control, "force-unauthorized") == 0)
        *kind = RULE_LOCKED;
    else if (strcmp(control, "force-authorized") == 0 || strcmp(control, "off") == 0)
        *kind = RULE_OPEN;
    else
        return false;
    return true;
}

static bool add_rule(struct lock_file *file, enum lock_rule_kind kind, const char *pattern) {
    struct lock_rule *grown = realloc(file->rules, (file->count + 1) * sizeof *grown);
    if (!grown) return false;
    file->rules = grown;
    grown[file->count].kind = kind;
    memset(grown[file->count].pattern, 0, LOCK_PATTERN);
    memcpy(grown[file->count++].pattern, pattern, strlen(pattern));
    return true;
}

/* 0, or -EINVAL for a line that makes no sense. An empty one and a comment make some. */
static int take_line(struct lock_file *file, char *line) {
    static const char space[] = " \t\r\n";
    char *rest = NULL;
    const char *verb = strtok_r(line, space, &rest);
    if (!verb || verb[0] == '#') return 0;
    const char *name = strtok_r(NULL, space, &rest), *control = strtok_r(NULL, space, &rest);
    if (!name || strtok_r(NULL, space, &rest)) return -EINVAL;
    if (strcmp(verb, "bridge") == 0) {
        if (control || file->bridge[0] || strlen(name) >= sizeof file->bridge) return -EINVAL;
        memcpy(file->bridge, name, strlen(name));
        return 0;
    }
    enum lock_rule_kind kind;
    if (!kind_of(verb, control, &kind) || strlen(name) >= LOCK_PATTERN) return -EINVAL;
    return add_rule(file, kind, name) ? 0 : -ENOMEM;
}

/* One that is longer than there is room for is passed over to its end. */
static bool is_whole(const char *line, FILE *stream) {
    if (strchr(line, '\n')) return true;
    int next, more = 0;
    while ((next = fgetc(stream)) != EOF && next != '\n') more++;
    return more == 0;
}

int lock_file_read(const char *path, struct lock_file *out, char why[256]) {
    FILE *stream = fopen(path, "re");
    if (!stream) return -errno;
    struct lock_file file = {0};
    char line[512];
    int error = 0;
    why[0] = 0;
    for (unsigned number = 1; error != -ENOMEM && fgets(line, sizeof line, stream); number++) {
        error = is_whole(line, stream) ? take_line(&file, line) : -EINVAL;
        if (error == -EINVAL && !why[0])
            snprintf(why, 256, "%s:%u: a line is `bridge NAME`, `uplink PATTERN` or `port PATTERN [CONTROL]`", path, number);
    }
    if (error == -EINVAL) error = 0;
    if (!error && ferror(stream)) error = -EIO;
    fclose(stream);
    if (!error && !file.bridge[0]) {
        error = -EINVAL;
        if (!why[0]) snprintf(why, 256, "%s: there is no line `bridge NAME`", path);
    }
    if (error) {
        lock_file_free(&file);
        return error;
    }
    lock_file_free(out);
    *out = file;
    return 0;
}

void lock_file_free(struct lock_file *file) {
    free(file->rules);
    *file = (struct lock_file){0};
}
