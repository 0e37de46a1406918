#include "storm_plan.h"

#include "failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DOUBLINGS = 16 };

static bool read_rule(struct plan *plan, const char *line, const char *address) {
    char port[8], transport[8];
    if (plan->rule_count == RULES)
        return failed("more than %d rules", RULES);
    struct rule *rule = &plan->rules[plan->rule_count++];
    int fields = sscanf(line, "rule %7s %7s %lf %lf %lf %lf %lf %lf %lf %d %d", port, transport, &rule->shortest,
                        &rule->longest, &rule->standard, &rule->jitter, &rule->first_poll, &rule->request_timeout,
                        &rule->poll_timeout, &rule->resends_register, &rule->resends_poll);
    rule->mqtt = strcmp(transport, "mqtt") == 0;
    return fields == 11 ? resolve_endpoint(&rule->endpoint, address, port, true) : failed("no rule: %.80s", line);
}

static bool read_device(struct plan *plan, const char *line) {
    double time;
    int rule;
    if (sscanf(line, "device %lf %d", &time, &rule) != 2 || rule < 0 || rule >= plan->rule_count)
        return failed("no device: %.80s", line);
    if ((plan->devices & (plan->devices - 1)) == 0) { /* full at every power of two */
        size_t room = plan->devices == 0 ? 1 : 2 * (size_t)plan->devices;
        struct arrival *arrivals = realloc(plan->arrivals, room * sizeof *arrivals);
        if (arrivals == NULL)
            return failed("out of memory");
        plan->arrivals = arrivals;
    }
    plan->arrivals[plan->devices++] = (struct arrival){time, &plan->rules[rule]};
    return true;
}

static bool read_line(struct plan *plan, const char *line, const char *address) {
    if (strncmp(line, "device", 6) == 0)
        return read_device(plan, line);
    if (strncmp(line, "rule", 4) == 0)
        return read_rule(plan, line, address);
    return sscanf(line, "storm %llu %lf %lf %lf", &plan->seed, &plan->deadline, &plan->first_retry,
                  &plan->longest_retry) == 4 ||
           failed("unknown line: %.80s", line);
}

bool read_plan(struct plan *plan, const char *path, const char *address) {
    char line[256];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return failed("%s: %s", path, strerror(errno));
    bool done = true;
    while (done && fgets(line, sizeof line, file) != NULL)
        done = read_line(plan, line, address);
    fclose(file);
    return done && (plan->devices > 0 || failed("%s has no devices", path));
}

void free_plan(struct plan *plan) {
    for (int i = 0; i < plan->rule_count; i++)
        free_endpoint(&plan->rules[i].endpoint);
    free(plan->arrivals);
}

/* SplitMix64: from 0 up to 1. */
static double chance(struct plan *plan) {
    unsigned long long z = plan->seed += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

double delay_of(struct plan *plan, const struct rule *rule, double retry_after) {
    if (retry_after < 0)
        return rule->standard + rule->jitter * chance(plan);
    return retry_after >= rule->shortest && retry_after <= rule->longest ? retry_after : rule->standard;
}

double loop_delay(struct plan *plan, int failures) {
    double base = plan->first_retry;
    for (int i = 1; i < failures && i <= MOST_DOUBLINGS && base < plan->longest_retry; i++)
        base *= 2;
    base = base < plan->longest_retry ? base : plan->longest_retry;
    return base * (1 + chance(plan));
}
