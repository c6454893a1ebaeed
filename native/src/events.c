/*
 * The wake thread: turns "the notice socket is readable" into one octet on a stream pair, which an event loop
 * that knows nothing of netlink can wait on.
 *
 * It never reads the source (the caller does, in pa_events) and never has more than one octet outstanding: after
 * writing it stops looking at the source until pa_wake_rearm says that the caller has caught up. So a flood of
 * notices costs one wake-up.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

/* Values added to the control eventfd; a sum that reaches STOP ends the thread, as re-arms stay below it. */
#define CONTROL_REARM 1ull
#define CONTROL_STOP (1ull << 62)

static void *wake_main(void *argument) {
    struct pa_wake *wake = argument;
    bool armed = true;
    for (;;) {
        struct pollfd watched[2] = {{.fd = wake->control, .events = POLLIN},
                                    {.fd = armed ? wake->source : -1, .events = POLLIN}};
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR) continue;
            return NULL;
        }
        if (watched[0].revents) {
            uint64_t value = 0;
            if (read(wake->control, &value, sizeof value) != (ssize_t)sizeof value) continue;
            if (value >= CONTROL_STOP) return NULL;
            armed = true;
            continue;
        }
        if (watched[1].revents) {
            const char octet = 1;
            /* The caller may have closed its end: no signal, and nobody left to tell. */
            (void)!send(wake->far, &octet, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            armed = false;
        }
    }
}

int pa_wake_start(struct pa_wake *wake, int source) {
    int pair[2];
    *wake = (struct pa_wake){.source = source, .control = -1, .near = -1, .far = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) return -errno;
    wake->near = pair[0];
    wake->far = pair[1];
    wake->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake->control < 0) {
        const int error = errno;
        pa_wake_stop(wake);
        return -error;
    }
    /* The host's signals are the host's: this thread takes none. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    const int error = pthread_create(&wake->thread, &attributes, wake_main, wake);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        pa_wake_stop(wake);
        return -error;
    }
    wake->running = true;
    return 0;
}

static void tell(struct pa_wake *wake, uint64_t value) {
    if (wake->control >= 0) (void)!write(wake->control, &value, sizeof value);
}

void pa_wake_rearm(struct pa_wake *wake) { tell(wake, CONTROL_REARM); }

void pa_wake_stop(struct pa_wake *wake) {
    if (wake->running) {
        tell(wake, CONTROL_STOP);
        pthread_join(wake->thread, NULL);
        wake->running = false;
    }
    if (wake->control >= 0) close(wake->control);
    if (wake->far >= 0) close(wake->far);
    if (wake->near >= 0 && !wake->taken) close(wake->near);
    wake->control = wake->far = wake->near = -1;
}
