#include "storm.h"

#include "failure.h"
#include "storm_device.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, LONGEST_SLEEP_MS = 100 };

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static double monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void look_at_clock(struct storm *storm) { storm->now = monotonic() - storm->started; }

static bool is_over(const struct storm *storm) {
    return stopped || storm->provisioned == storm->plan->devices || storm->now >= storm->plan->deadline;
}

/* As many at a time as there may be events, so that neither waits for the other for long. */
static bool ring_timers(struct storm *storm) {
    for (int rung = 0; rung < EVENTS; rung++) {
        const struct timer *first = first_timer(&storm->timers);
        if (first == NULL || first->due > storm->now)
            return true;
        struct timer timer = take_first_timer(&storm->timers);
        if (storm->devices[timer.index].due != timer.due)
            continue; /* out of date */
        if (storm->now - timer.due > storm->latest)
            storm->latest = storm->now - timer.due;
        storm->devices[timer.index].due = -1;
        if (!on_time(storm, timer.index))
            return false;
        look_at_clock(storm);
    }
    return true;
}

static int sleep_ms(const struct storm *storm) {
    const struct timer *first = first_timer(&storm->timers);
    double ms = first == NULL ? LONGEST_SLEEP_MS : (first->due - storm->now) * 1e3;
    return ms < 0 ? 0 : ms > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : (int)ms + 1;
}

static bool hear_connections(struct storm *storm) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(storm->epoll, events, EVENTS, sleep_ms(storm));
    for (int i = 0; i < count; i++) {
        look_at_clock(storm);
        if (!on_arrival(storm, (long)events[i].data.u64))
            return false;
    }
    return true;
}

static bool prepare(struct storm *storm) {
    storm->devices = calloc((size_t)storm->plan->devices, sizeof *storm->devices);
    storm->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (storm->devices == NULL || storm->epoll < 0)
        return failed("out of memory");
    for (long index = 0; index < storm->plan->devices; index++) {
        storm->devices[index].due = storm->plan->arrivals[index].time;
        if (!add_timer(&storm->timers, storm->devices[index].due, index))
            return false;
    }
    return true;
}

static bool go_on(struct storm *storm) {
    storm->started = monotonic();
    storm->started_wall = wall_clock();
    printf("started %.6f\n", storm->started);
    fflush(stdout);
    bool going_on = true;
    for (look_at_clock(storm); going_on && !is_over(storm); look_at_clock(storm))
        going_on = ring_timers(storm) && hear_connections(storm);
    return going_on;
}

static void print_summary(const struct storm *storm) {
    struct rusage usage;
    const struct setbacks *setbacks = &storm->setbacks;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"provisioned\": %ld, \"seconds\": %.3f, \"client_cpu_seconds\": %.3f, \"attempts\": %ld, "
           "\"handshakes\": %ld, \"wasted_handshakes\": %ld, \"timeouts\": %ld, \"disconnects\": %ld, "
           "\"refusals\": %ld, \"errors\": %ld, \"most_connections\": %ld, \"starved\": %ld, "
           "\"latest_timer\": %.3f}\n",
           storm->provisioned, storm->now,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
           storm->attempts, storm->handshakes, setbacks->wasted_handshakes, setbacks->timeouts, setbacks->disconnects,
           setbacks->refusals, setbacks->errors, storm->most_connections, storm->starved,
           storm->latest);
}

static void end(struct storm *storm) {
    for (long index = 0; storm->devices != NULL && index < storm->plan->devices; index++)
        leave(storm, index);
    free(storm->devices);
    free_timers(&storm->timers);
    if (storm->epoll >= 0)
        close(storm->epoll);
}

bool run_storm(const struct target *target) {
    if (target->plan == NULL)
        return failed("a storm needs --plan");
    struct plan plan = {0};
    struct storm *storm = calloc(1, sizeof *storm); /* its answer is too large for some stacks */
    if (storm == NULL)
        return failed("out of memory");
    *storm = (struct storm){.target = target, .plan = &plan, .epoll = -1};
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    bool done = read_plan(&plan, target->plan, target->address) && prepare(storm) && go_on(storm);
    if (done)
        print_summary(storm);
    end(storm);
    free_plan(&plan);
    free(storm);
    return done;
}
