/* The plan of a storm, a file that bench/storm/real_plan.py writes:
 *
 *     storm SEED DEADLINE FIRST LONGEST        one line: of chance, in seconds, and of the application's loop
 *     rule PORT TRANSPORT SHORTEST LONGEST DEFAULT JITTER FIRST-POLL REQUEST-TIMEOUT POLL-TIMEOUT REGISTER POLL
 *     device ARRIVAL RULE                      as many as there are, in order of arrival
 *
 * What the numbers of a rule mean, and where they come from: `RetryRule` in bench/storm/clients.py. Negative: none.
 */
#ifndef HOMEPORT_LOAD_STORM_PLAN_H
#define HOMEPORT_LOAD_STORM_PLAN_H

#include "connection.h"

#include <stdbool.h>

enum { RULES = 32 };

struct rule {
    struct endpoint endpoint;
    bool mqtt;
    double shortest, longest, standard, jitter, first_poll, request_timeout, poll_timeout;
    int resends_register, resends_poll;
};

struct arrival {
    double time;
    const struct rule *rule;
};

struct plan {
    unsigned long long seed; /* and the state of chance from then on */
    double deadline, first_retry, longest_retry;
    struct rule rules[RULES];
    int rule_count;
    struct arrival *arrivals;
    long devices;
};

/* The endpoints are on this address. */
bool read_plan(struct plan *plan, const char *path, const char *address);
void free_plan(struct plan *plan);

/* Seconds that a client waits before it asks again; `retry_after` is negative where there was none. */
double delay_of(struct plan *plan, const struct rule *rule, double retry_after);

/* Seconds that an application waits before it starts its SDK again. */
double loop_delay(struct plan *plan, int failures);

#endif
