/* The lock file: which ports it locks, and what of it is refused. The locker itself is tried on a real bridge by the lab. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lock/lock-file.h"
#include "../src/nft.h"
#include "check.h"

static char path[] = "/tmp/rollcall-lock-XXXXXX";
static struct lock_file file;
static char why[256];

static int read_text(const char *text) {
    FILE *stream = fopen(path, "w");
    CHECK(stream && fputs(text, stream) >= 0 && fclose(stream) == 0);
    return lock_file_read(path, &file, why);
}

static void a_later_line_wins_and_an_uplink_over_all(void) {
    CHECK_EQUAL(read_text("# ours\nbridge br0\nuplink up*\n\nport *\nport p5 off\nport p6 force-authorized\n"
                          "port p[67] force-unauthorized\nport p7\n"),
                0);
    CHECK_TEXT(file.bridge, "br0");
    CHECK(lock_file_locks(&file, "p1"));
    CHECK(!lock_file_locks(&file, "p5"));
    CHECK(lock_file_locks(&file, "p6"));
    CHECK(lock_file_locks(&file, "p7"));
    CHECK(!lock_file_locks(&file, "up0"));
    CHECK_EQUAL(read_text("bridge br0\nport p1 off\nport p* \n"), 0);
    CHECK(!lock_file_locks(&file, "p1")); /* the later one says nothing of control */
    CHECK(lock_file_locks(&file, "p2"));
    CHECK(!lock_file_locks(&file, "eth0"));
}

static void a_line_that_makes_no_sense_opens_nothing(void) {
    static const char *const wrong[] = {
        "port",  "port p1 locked", "bridge br1", "bridge a-name-too-long-x", "uplink up0 auto", "port p1 auto now", "mirror p9",
    };
    char text[200], longest[3000];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "bridge br0\n%s\nuplink up0\nport *\n", wrong[i]);
        CHECK_EQUAL(read_text(text), 0);
        CHECK(strstr(why, ":2: a line is `bridge NAME`") != NULL);
        CHECK_TEXT(file.bridge, "br0");
        CHECK(lock_file_locks(&file, "p1"));
        CHECK(!lock_file_locks(&file, "up0"));
    }
    memset(longest, 'x', 2000);
    strcpy(longest + 2000, "\nbridge br2\nport p*\n");
    CHECK_EQUAL(read_text(longest), 0);
    CHECK(strstr(why, ":1: a line is") != NULL);
    CHECK_TEXT(file.bridge, "br2");
    CHECK_EQUAL(read_text("bridge br0\n"), 0);
    CHECK_TEXT(why, "");
}

static void a_file_without_a_bridge_changes_nothing(void) {
    CHECK_EQUAL(read_text("bridge br0\nport p*\n"), 0);
    CHECK_EQUAL(read_text("port p*\n"), -EINVAL);
    CHECK(strstr(why, "there is no line `bridge NAME`") != NULL);
    CHECK_EQUAL(read_text("hello\nport p*\n"), -EINVAL);
    CHECK(strstr(why, ":1: a line is") != NULL);
    CHECK_EQUAL(read_text(""), -EINVAL);
    CHECK_EQUAL(lock_file_read("/nonexistent/lock.conf", &file, why), -ENOENT);
    CHECK_TEXT(file.bridge, "br0");
    CHECK(lock_file_locks(&file, "p1"));
}

/* The same cases as of the agent's own patterns: test/base/glob.test.ts. */
static void patterns_are_those_of_the_configuration(void) {
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"p1", "p1", true},       {"p1", "p10", false},     {"p*", "p", true},         {"p*", "up0", false},
        {"*", "", true},          {"?", "", false},         {"p?", "p1", true},        {"p?", "p10", false},
        {"a*b*c", "aXbYc", true}, {"a*b*c", "aXbY", false}, {"lan[1-4]", "lan3", true}, {"lan[1-4]", "lan5", false},
        {"p[!1]", "p2", true},    {"p[!1]", "p1", false},   {"p[", "p[", true},         {"p[]a]", "p]", true},
        {"p[!]", "p!", true},     {"*.10", "p1.10", true},  {"*.10", "p1.100", false},  {"[a-]x", "-x", true},
        {"**1", "p21", true},     {"p[0-9][0-9]", "p07", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (lock_pattern_matches(cases[i].pattern, cases[i].name) != cases[i].matches) {
            fprintf(stderr, "%s on %s\n", cases[i].pattern, cases[i].name);
            exit(1);
        }
}

/* As src/io/dataplane/table-name.ts makes them. */
static void no_two_bridges_have_one_table(void) {
    char name[NFT_TABLE_NAME];
    CHECK_TEXT(nft_table_name("rollcall_", "br0", name), "rollcall_br0");
    CHECK_TEXT(nft_table_name("rollcall_lock_", "br-lan", name), "rollcall_lock_br-lan");
    CHECK_TEXT(nft_table_name("rollcall_lock_", "br.lan", name), "rollcall_lock_br.lan");
    CHECK_TEXT(nft_table_name("rollcall_lock_", "br_lan", name), "rollcall_lock_br_lan");
    CHECK_TEXT(nft_table_name("rollcall_", "br+lan", name), "rollcall_br/2blan");
    CHECK_TEXT(nft_table_name("rollcall_", "br\xc3\xa4", name), "rollcall_br/c3/a4");
    CHECK_EQUAL(strlen(nft_table_name("rollcall_lock_", "+++++++++++++++", name)), strlen("rollcall_lock_") + 45);
}

int main(void) {
    CHECK(mkstemp(path) >= 0);
    SITUATION(a_later_line_wins_and_an_uplink_over_all);
    SITUATION(a_line_that_makes_no_sense_opens_nothing);
    SITUATION(a_file_without_a_bridge_changes_nothing);
    SITUATION(patterns_are_those_of_the_configuration);
    SITUATION(no_two_bridges_have_one_table);
    lock_file_free(&file);
    unlink(path);
    return 0;
}
