#include "storm_device.h"

#include "failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { ACCEPTED = 202, DONE = 200, THROTTLED = 429 };

/* Where a client has no time-out of its own, TCP's ends the wait. */
static const double PATIENCE = 300;

static const struct rule *rule_of(const struct storm *storm, long index) { return storm->plan->arrivals[index].rule; }

static bool wait_until(struct storm *storm, long index, enum step step, double due) {
    struct storm_device *device = &storm->devices[index];
    device->step = step;
    device->due = due;
    return add_timer(&storm->timers, due, index);
}

static bool expect(struct storm *storm, long index, enum step step, double timeout) {
    return wait_until(storm, index, step, storm->now + (timeout < 0 ? PATIENCE : timeout));
}

/* --- the end of an attempt ----------------------------------------------------------------------------------- */

void leave(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    if (device->session == NULL)
        return;
    reset_connection(&device->session->connection);
    free(device->session);
    device->session = NULL;
    storm->connections--;
}

/* The SDK gives up, and the application will start it again. */
static bool give_up(struct storm *storm, long index, long *reason) {
    struct storm_device *device = &storm->devices[index];
    ++*reason;
    storm->setbacks.wasted_handshakes += device->step > SHAKING_HANDS;
    leave(storm, index);
    device->failures++;
    return wait_until(storm, index, AWAY, storm->now + loop_delay(storm->plan, device->failures));
}

static bool arrive_home(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    storm->provisioned++;
    printf("%ld %.4f %.4f %.4f %.4f %.4f %d %d\n", index, storm->now, device->connected - device->began,
           device->admitted - device->connected, device->session->connection.waited, storm->now - device->began,
           device->attempts, device->refusals);
    leave(storm, index);
    device->step = PROVISIONED;
    return true;
}

/* --- questions ----------------------------------------------------------------------------------------------- */

static bool ask(struct storm *storm, long index, enum step step, double timeout) {
    struct storm_device *device = &storm->devices[index];
    struct device identity;
    make_device(&identity, &storm->target->fleet, index);
    begin_to_wait(&device->session->connection);
    bool asked = step == REGISTERING ? ask_to_register(device->session, storm->target, &identity)
                                     : ask_for_status(device->session, storm->target, &identity);
    return asked ? expect(storm, index, step, timeout) : give_up(storm, index, &storm->setbacks.disconnects);
}

static bool begin_to_register(struct storm *storm, long index) {
    return ask(storm, index, REGISTERING, rule_of(storm, index)->request_timeout);
}

static bool poll(struct storm *storm, long index) {
    return ask(storm, index, POLLING, rule_of(storm, index)->poll_timeout);
}

static void note_first_answer(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    if (device->admitted == 0 && device->session->connection.arrived > 0)
        device->admitted = device->session->connection.arrived - storm->started_wall;
}

static bool greet_server(struct storm *storm, long index) {
    struct device identity;
    make_device(&identity, &storm->target->fleet, index);
    storm->handshakes++;
    storm->devices[index].step = GREETING;
    begin_to_wait(&storm->devices[index].session->connection);
    switch (greet(storm->devices[index].session, storm->target, &identity)) {
    case GREETED: return begin_to_register(storm, index);
    case NOTHING: return true; /* the time-out runs on */
    default: return give_up(storm, index, &storm->setbacks.disconnects);
    }
}

/* --- connecting ---------------------------------------------------------------------------------------------- */

static bool watch(struct storm *storm, long index, int operation, unsigned events) {
    struct epoll_event event = {.events = events, .data.u64 = (unsigned long long)index};
    return epoll_ctl(storm->epoll, operation, storm->devices[index].session->connection.socket, &event) == 0 ||
           failed("epoll_ctl");
}

/* The limit of descriptors is the machine's, and no doing of the device. */
static bool starve(struct storm *storm, long index) {
    free(storm->devices[index].session);
    storm->devices[index].session = NULL;
    storm->starved++;
    return wait_until(storm, index, AWAY, storm->now + 0.25);
}

static bool connect_device(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    const struct rule *rule = rule_of(storm, index);
    device->session = calloc(1, sizeof *device->session);
    if (device->session == NULL)
        return failed("out of memory");
    if (!begin_connection(&device->session->connection, &rule->endpoint, NULL, index))
        return starve(storm, index);
    device->session->mqtt = rule->mqtt;
    device->began = storm->now;
    device->admitted = 0;
    device->attempts++;
    storm->attempts++;
    if (++storm->connections > storm->most_connections)
        storm->most_connections = storm->connections;
    return watch(storm, index, EPOLL_CTL_ADD, EPOLLOUT) && expect(storm, index, CONNECTING, rule->request_timeout);
}

static bool shake_hands(struct storm *storm, long index) {
    enum progress progress = continue_handshake(&storm->devices[index].session->connection);
    note_first_answer(storm, index);
    switch (progress) {
    case FINISHED: return greet_server(storm, index);
    case UNFINISHED: return true;
    default: return give_up(storm, index, &storm->setbacks.disconnects);
    }
}

static bool finish_connecting(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    if (!is_connected(&device->session->connection))
        return give_up(storm, index, &storm->setbacks.disconnects);
    device->step = SHAKING_HANDS;
    device->connected = storm->now;
    return watch(storm, index, EPOLL_CTL_MOD, EPOLLIN) && shake_hands(storm, index);
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static bool pause_before_poll(struct storm *storm, long index, double delay) {
    return wait_until(storm, index, PAUSING, storm->now + delay);
}

static bool take_registration(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    const struct rule *rule = rule_of(storm, index);
    const struct answer *answer = &storm->answer;
    end_to_wait(&device->session->connection);
    if (answer->status >= THROTTLED && rule->resends_register) {
        device->refusals++;
        storm->setbacks.refusals++;
        return wait_until(storm, index, RESTING, storm->now + delay_of(storm->plan, rule, answer->retry_after));
    }
    if (answer->status >= THROTTLED) {
        device->refusals++;
        return give_up(storm, index, &storm->setbacks.refusals);
    }
    if (answer->status != ACCEPTED || !copy_operation_id(device->session->operation_id, answer->body))
        return give_up(storm, index, &storm->setbacks.errors);
    bool has_first = rule->first_poll >= 0;
    return pause_before_poll(storm, index,
                             has_first ? rule->first_poll : delay_of(storm->plan, rule, answer->retry_after));
}

static bool take_status(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    const struct rule *rule = rule_of(storm, index);
    const struct answer *answer = &storm->answer;
    end_to_wait(&device->session->connection);
    if (answer->status == DONE && says_assigned(answer->body))
        return arrive_home(storm, index);
    if (answer->status == ACCEPTED || (answer->status >= THROTTLED && rule->resends_poll)) {
        storm->setbacks.refusals += answer->status != ACCEPTED;
        return pause_before_poll(storm, index, delay_of(storm->plan, rule, answer->retry_after));
    }
    return give_up(storm, index,
                   answer->status >= THROTTLED ? &storm->setbacks.refusals : &storm->setbacks.errors);
}

static bool understand(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    switch (hear(device->session, &storm->answer)) {
    case NOTHING: return true;
    case GREETED:
        end_to_wait(&device->session->connection);
        return begin_to_register(storm, index);
    case ANSWERED:
        if (device->step == REGISTERING)
            return take_registration(storm, index);
        if (device->step == POLLING)
            return take_status(storm, index);
        return true; /* to a question that was given up */
    default: return give_up(storm, index, &storm->setbacks.errors);
    }
}

/* Between two questions HTTP may be hung up on, and starts again when it is time; an MQTT client notices at once. */
static bool lose_connection(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    bool idle = device->step == RESTING || device->step == PAUSING;
    if (device->session->mqtt || !idle)
        return give_up(storm, index, &storm->setbacks.disconnects);
    leave(storm, index);
    device->step = AWAY;
    return true;
}

static bool receive(struct storm *storm, long index) {
    struct session *session = storm->devices[index].session;
    size_t room = sizeof session->bytes - 1 - session->length, received;
    switch (receive_arrived(&session->connection, session->bytes + session->length, room, &received)) {
    case FINISHED: session->length += received; return understand(storm, index);
    case UNFINISHED: return true;
    default: return lose_connection(storm, index);
    }
}

bool on_arrival(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    if (device->session == NULL)
        return true; /* closed by something that happened in the same moment */
    if (device->step == CONNECTING)
        return finish_connecting(storm, index);
    if (device->step == SHAKING_HANDS)
        return shake_hands(storm, index);
    bool going_on = receive(storm, index);
    /* What OpenSSL has decrypted already rings no bell. */
    while (going_on && device->session != NULL && SSL_pending(device->session->connection.tls) > 0)
        going_on = receive(storm, index);
    return going_on;
}

bool on_time(struct storm *storm, long index) {
    struct storm_device *device = &storm->devices[index];
    switch (device->step) {
    case AWAY: return connect_device(storm, index);
    case RESTING:
        device->began = device->connected = device->admitted = storm->now;
        device->session->connection.waited = 0;
        return begin_to_register(storm, index);
    case PAUSING: return poll(storm, index);
    case PROVISIONED: return true;
    default: return give_up(storm, index, &storm->setbacks.timeouts);
    }
}
