/* The packet filter's part: see lock-table.h. */
#include "lock-table.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word of ours per rule, and of the patterns at most so many. */
#define TEXT 16384

/* The beginning of a pattern that can stand between quotes, and that an ifname pattern of nftables can have. */
static size_t plain_length(const char *pattern) {
    size_t length = 0;
    while (length < IF_NAMESIZE - 1 && (isalnum((unsigned char)pattern[length]) || (pattern[length] && strchr("_.-", pattern[length]))))
        length++;
    return length;
}

/* Before the rules that close: by names, for a kernel that cannot tell bridges apart. */
static size_t rules_by_name(const struct lock_file *file, const char *table, char *out, size_t room) {
    size_t length = 0;
    for (size_t i = 0; i < file->count && length < room; i++) {
        const struct lock_rule *rule = &file->rules[i];
        if (rule->kind != RULE_PORT && rule->kind != RULE_LOCKED) continue;
        const size_t plain = plain_length(rule->pattern);
        const char *star = rule->pattern[plain] ? "*" : "";
        length += (size_t)(plain ? snprintf(out + length, room - length,
                                            "add rule bridge %s prerouting iifname \"%.*s%s\" iif != @open drop\n", table,
                                            (int)plain, rule->pattern, star)
                                 : snprintf(out + length, room - length,
                                            "add rule bridge %s prerouting iif != @open drop\n", table));
    }
    return length;
}

/* The table as text without the elements of its set, which is allocated. */
static char *rules_of(struct lock_table *table, struct pa_handle *handle) {
    int error;
    char *text = nft_table(&table->nft, handle, "bridge", table->name, &error);
    char *from = text ? strstr(text, NFT_ELEMENTS) : NULL;
    const char *to = from ? strchr(from, '}') : NULL;
    if (!to) return text;
    while (from > text && from[-1] == '\t') from--;
    to += strspn(to, "}\n");
    memmove(from, to, strlen(to) + 1);
    return text;
}

int lock_table_load(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file) {
    static char text[TEXT];
    nft_table_name("rollcall_lock_", file->bridge, table->name);
    const char *t = table->name;
    const size_t head = (size_t)snprintf(
        text, sizeof text,
        "table bridge %s { set open { type iface_index; }\n"
        "chain prerouting { type filter hook prerouting priority -310; policy accept; }\n}\nflush chain bridge %s prerouting\n",
        t, t);
    int error = -EOPNOTSUPP;
    if (plain_length(file->bridge) == strlen(file->bridge)) {
        snprintf(text + head, sizeof text - head, "add rule bridge %s prerouting meta ibrname \"%s\" iif != @open drop\n", t,
                 file->bridge);
        error = nft_run(&table->nft, handle, "shut the ports that are not locked yet", text);
    }
    if (error == -EOPNOTSUPP && table->nft) {
        if (rules_by_name(file, t, text + head, sizeof text - head) >= sizeof text - head)
            return pa_error(handle, E2BIG, "shut the ports that are not locked yet: too many patterns");
        error = nft_run(&table->nft, handle, "shut the ports that are not locked yet", text);
    }
    free(table->rules);
    table->rules = error ? NULL : rules_of(table, handle);
    return error;
}

static size_t list_elements(char *out, size_t room, const char *verb, const char *table, const uint32_t *ports, size_t count) {
    size_t length = (size_t)snprintf(out, room, "%s element bridge %s open { ", verb, table);
    for (size_t i = 0; i < count && length < room; i++)
        length += (size_t)snprintf(out + length, room - length, "%s%u", i ? ", " : "", ports[i]);
    if (length < room) length += (size_t)snprintf(out + length, room - length, " }\n");
    return length;
}

int lock_table_change(struct lock_table *table, struct pa_handle *handle, const uint32_t *in, size_t in_count,
                      const uint32_t *out, size_t out_count) {
    static char text[3 * TEXT];
    size_t length = 0;
    if (!table->rules) return 0;
    /* Added first in any case: to take out what is not there would fail. */
    if (out_count) length += list_elements(text, sizeof text, "add", table->name, out, out_count);
    if (out_count && length < sizeof text)
        length += list_elements(text + length, sizeof text - length, "delete", table->name, out, out_count);
    if (in_count && length < sizeof text)
        length += list_elements(text + length, sizeof text - length, "add", table->name, in, in_count);
    if (length >= sizeof text) return pa_error(handle, E2BIG, "change the set of open ports");
    return length ? nft_run(&table->nft, handle, "change the set of open ports", text) : 0;
}

int lock_table_open(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file, uint32_t ifindex) {
    char text[64 + NFT_TABLE_NAME];
    nft_table_name("rollcall_lock_", file->bridge, table->name);
    list_elements(text, sizeof text, "add", table->name, &ifindex, 1);
    const int error = nft_run(&table->nft, handle, "let the port through", text);
    return error == -ENOENT || error == -EOPNOTSUPP ? 0 : error;
}

struct walk {
    void (*each)(void *context, uint32_t ifindex);
    void *context;
};

/* As nftables names an interface: "p1" between quotes, or the number of one that is gone. */
static void take_element(void *context, const char *element) {
    const struct walk *walk = context;
    char name[NFT_ELEMENT];
    const size_t length = strcspn(element + 1, "\"");
    if (element[0] != '"' || length >= sizeof name) {
        walk->each(walk->context, (uint32_t)strtoul(element, NULL, 10));
        return;
    }
    memcpy(name, element + 1, length);
    name[length] = 0;
    const uint32_t ifindex = if_nametoindex(name);
    if (ifindex) walk->each(walk->context, ifindex);
}

int lock_table_each(struct lock_table *table, struct pa_handle *handle, void (*each)(void *context, uint32_t ifindex),
                    void *context) {
    struct walk walk = {each, context};
    const struct nft_set set = {"bridge", table->name, "open"};
    return table->rules ? nft_list(&table->nft, handle, &set, take_element, &walk) : 0;
}

bool lock_table_is_whole(struct lock_table *table, struct pa_handle *handle) {
    char *now = rules_of(table, handle);
    const bool whole = now && table->rules && strcmp(now, table->rules) == 0;
    free(now);
    return whole;
}

int lock_table_remove(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file) {
    char text[64 + 2 * NFT_TABLE_NAME];
    nft_table_name("rollcall_lock_", file->bridge, table->name);
    snprintf(text, sizeof text, "table bridge %s {}\ndelete table bridge %s\n", table->name, table->name);
    free(table->rules);
    table->rules = NULL;
    return nft_run(&table->nft, handle, "take the table away", text);
}

void lock_table_free(struct lock_table *table) {
    nft_close(table->nft);
    free(table->rules);
    *table = (struct lock_table){0};
}
