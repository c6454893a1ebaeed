/* The smallest test harness: a failed check says where and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

#define CHECK_EQUAL(got, wanted)                                                                     \
    do {                                                                                             \
        const long long got_ = (long long)(got), wanted_ = (long long)(wanted);                      \
        if (got_ != wanted_) {                                                                       \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #got, got_, wanted_); \
            exit(1);                                                                                 \
        }                                                                                            \
    } while (0)

#define CHECK_TEXT(got, wanted)                                                                          \
    do {                                                                                                 \
        const char *got_ = (got), *wanted_ = (wanted);                                                   \
        if (strcmp(got_, wanted_) != 0) {                                                                \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #got, got_, wanted_); \
            exit(1);                                                                                     \
        }                                                                                                \
    } while (0)

/* A sentence that ends with the C library's words for an error, which are not the same in each, and the error's name. */
#define CHECK_FAULT(got, sentence, error)                                              \
    do {                                                                               \
        char fault_[256];                                                              \
        snprintf(fault_, sizeof fault_, "%s: %s (%s)", sentence, strerror(error), #error); \
        CHECK_TEXT(got, fault_);                                                       \
    } while (0)

#define SITUATION(function)           \
    do {                              \
        printf("  %s\n", #function);  \
        function();                   \
    } while (0)

#endif
