#define _GNU_SOURCE /* SCHED_BATCH */
#include "run.h"

#include "failure.h"
#include "fibers.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct run {
    const struct target *target;
    exchange exchange;
    double *latencies; /* seconds, by operation */
    atomic_long next;  /* the first operation that no device has taken yet */
    atomic_bool stopped;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void restart_clock(struct worker *worker) { worker->started = now(); }

static double own_cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One failure ends the run: figures of a run with failures would be thrown away in any case. */
static void stop(struct run *run, long index) {
    if (!atomic_exchange(&run->stopped, true))
        fprintf(stderr, "operation %ld: %s\n", index, last_failure());
}

static void work(void *argument) {
    struct run *run = argument;
    struct worker worker = {.target = run->target, .connection = {.socket = -1}};
    for (;;) {
        long index = run->next++;
        if (index >= run->target->operations || run->stopped)
            break;
        worker.started = now();
        if (!run->exchange(&worker, index)) {
            stop(run, index);
            break;
        }
        run->latencies[index] = now() - worker.started;
    }
    reset_connection(&worker.connection);
}

/* One thread, and the devices that are its share. */
struct share {
    struct run *run;
    int devices;
    pthread_t thread;
};

static void *work_in_fibers(void *argument) {
    struct share *share = argument;
    if (!run_fibers(share->devices, work, share->run))
        stop(share->run, share->run->next);
    return NULL;
}

static bool work_in_threads(struct run *run) {
    int started = 0, wanted = run->target->threads, devices = run->target->devices;
    struct share shares[wanted];
    for (int i = 0; i < wanted; i++)
        shares[i] = (struct share){.run = run, .devices = devices / wanted + (i < devices % wanted)};
    while (started < wanted && pthread_create(&shares[started].thread, NULL, work_in_fibers, &shares[started]) == 0)
        started++;
    if (started < wanted)
        run->stopped = true;
    for (int i = 0; i < started; i++)
        pthread_join(shares[i].thread, NULL);
    return started == wanted || failed("could start %d threads only", started);
}

static int by_value(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static double percentile_us(const double *sorted, long count, double fraction) {
    return sorted[(long)(fraction * (double)(count - 1))] * 1e6;
}

static void print_result(struct run *run, double seconds, double cpu_seconds) {
    long count = run->target->operations;
    struct handshakes handshakes = handshakes_seen();
    qsort(run->latencies, (size_t)count, sizeof *run->latencies, by_value);
    printf("{\"operations\": %ld, \"seconds\": %.6f, \"client_cpu_seconds\": %.6f, "
           "\"latency_p50_us\": %.1f, \"latency_p90_us\": %.1f, \"latency_p99_us\": %.1f, \"latency_max_us\": %.1f, "
           "\"certificate_requests\": %ld, \"session_tickets\": %ld}\n",
           count, seconds, cpu_seconds, percentile_us(run->latencies, count, 0.5),
           percentile_us(run->latencies, count, 0.9), percentile_us(run->latencies, count, 0.99),
           percentile_us(run->latencies, count, 1), handshakes.certificate_requests, handshakes.session_tickets);
}

/* Devices that share threads are there to disturb a server least: whenever an answer arrives, they wait for a processor
 * to become free instead of driving the server off its own. */
static void give_way(void) { sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){.sched_priority = 0}); }

bool run_exchanges(const struct target *target, exchange measured) {
    struct run run = {.target = target, .exchange = measured};
    run.latencies = calloc((size_t)target->operations, sizeof *run.latencies);
    if (run.latencies == NULL)
        return failed("out of memory");
    if (target->threads < target->devices)
        give_way();
    double started = now(), cpu_before = own_cpu_seconds();
    bool done = work_in_threads(&run) && !run.stopped;
    if (done)
        print_result(&run, now() - started, own_cpu_seconds() - cpu_before);
    free(run.latencies);
    return done || failed("not every operation succeeded");
}
