/* homeport-load: devices that register, look up their status or wait, as many as asked for.
 *
 *     homeport-load MODE ADDRESS PORT [--host NAME] [--id-scope S] [--group-key BASE64] [--prefix P]
 *                   [--first N] [--stride N] [--fleet-size N] [--operations N] [--devices N]
 *                   [--threads N] [--credentials PEM-FILE] [--plan STORM-PLAN]
 *
 * One JSON line on standard output when every operation succeeded; exit code 1 and the first failure on
 * standard error otherwise; `storm` says more (storm.h), takes its ports from its plan, and is one thread that never
 * blocks. Otherwise so many devices at the same time, each in a thread of its own or all in as many as asked for
 * (fibers.h). OpenSSL and nothing else: a client in Python would take several times the processor time of the server
 * that it measures. Its counterparts are bench/generator.py and bench/storm/real_run.py.
 */
#include "exchange.h"
#include "failure.h"
#include "run.h"
#include "storm.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct mode {
    const char *name;
    bool with_tls;
    exchange exchange;                      /* repeated by all devices, or else */
    bool (*run)(const struct target *target); /* what is done once */
};

static const struct mode modes[] = {
    {"https", true, register_by_http, NULL},
    {"http-plain", false, register_by_http, NULL},
    {"lookup", true, look_up_by_http, NULL},
    {"handshake", true, shake_hands_only, NULL},
    {"mqtt", true, register_by_mqtt, NULL},
    {"mqtt-broker", true, publish_to_broker, NULL},
    {"mqtt-idle", true, NULL, hold_idle_connections},
    {"amqp", true, register_by_amqp, NULL},
    {"storm", false, NULL, run_storm},
};

static const struct mode *find_mode(const char *name) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    }
    return NULL;
}

static bool read_number(long *number, const char *text) {
    char *end;
    *number = strtol(text, &end, 10);
    return (*end == '\0' && end != text && *number > 0) || failed("%s is not a positive number", text);
}

static bool read_small_number(int *number, const char *text) {
    long large = 0;
    if (!read_number(&large, text) || large > 512)
        return failed("%s is not a number from 1 to 512", text);
    *number = (int)large;
    return true;
}

static bool read_option(struct target *target, int option, const char *value) {
    switch (option) {
    case 'h': target->host = value; return true;
    case 's': target->fleet.id_scope = value; return true;
    case 'k': return decode_group_key(&target->fleet, value);
    case 'p': target->fleet.prefix = value; return strlen(value) <= 32 || failed("the prefix is too long");
    case 'f': return read_number(&target->fleet.first, value);
    case 'd': return read_number(&target->fleet.stride, value);
    case 'c': return load_credentials(&target->fleet.credentials, value);
    case 'o': target->plan = value; return true;
    case 'z': return read_number(&target->fleet.size, value);
    case 'n': return read_number(&target->operations, value);
    case 'm': return read_small_number(&target->devices, value);
    case 't': return read_small_number(&target->threads, value);
    default: return failed("see the head of main.c for the options");
    }
}

static bool read_options(struct target *target, int count, char **arguments) {
    static const struct option options[] = {
        {"host", required_argument, NULL, 'h'},       {"id-scope", required_argument, NULL, 's'},
        {"group-key", required_argument, NULL, 'k'},  {"prefix", required_argument, NULL, 'p'},
        {"first", required_argument, NULL, 'f'},      {"stride", required_argument, NULL, 'd'},
        {"fleet-size", required_argument, NULL, 'z'}, {"operations", required_argument, NULL, 'n'},
        {"devices", required_argument, NULL, 'm'},    {"threads", required_argument, NULL, 't'},
        {"credentials", required_argument, NULL, 'c'}, {"plan", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        if (!read_option(target, option, optarg))
            return false;
    }
    return optind + 3 == count || failed("MODE, ADDRESS and PORT are needed");
}

/* Every operation has a device, and every device of a fleet with certificates its own. */
static bool check_credentials(const struct target *target) {
    const struct credentials *credentials = &target->fleet.credentials;
    return credentials->each == NULL || credentials->count >= target->operations ||
           failed("%ld certificates are too few for %ld devices", credentials->count, target->operations);
}

enum { DESCRIPTORS = 200000 };

/* A thousand idle connections, and a storm of any size, need more descriptors than most shells allow at first. */
static void allow_many_descriptors(void) {
    struct rlimit limit, more = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max >= DESCRIPTORS || setrlimit(RLIMIT_NOFILE, &more) != 0) /* only root may raise the maximum */
        setrlimit(RLIMIT_NOFILE, &limit);
}

static bool run_mode(struct target *target, char **positional) {
    const struct mode *mode = find_mode(positional[0]);
    if (mode == NULL)
        return failed("unknown mode %s", positional[0]);
    if (!resolve_endpoint(&target->endpoint, positional[1], positional[2], mode->with_tls))
        return false;
    target->address = positional[1];
    if (target->threads == 0 || target->threads > target->devices)
        target->threads = target->devices;
    if (target->host == NULL)
        target->host = target->address;
    bool done = mode->exchange ? run_exchanges(target, mode->exchange) : mode->run(target);
    free_endpoint(&target->endpoint);
    return done;
}

int main(int count, char **arguments) {
    struct target target = {
        .fleet = {.id_scope = "0ne00000000", .prefix = "bench-", .stride = 1, .size = 1}, .operations = 1, .devices = 24};
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    bool done = read_options(&target, count, arguments) && check_credentials(&target) &&
                run_mode(&target, arguments + optind);
    free_credentials(&target.fleet.credentials);
    if (done)
        return EXIT_SUCCESS;
    fprintf(stderr, "homeport-load: %s\n", last_failure());
    return EXIT_FAILURE;
}
