#include "fibers.h"

#include "failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK = 256 * 1024, EVENTS = 64, PATIENCE_MILLISECONDS = 20000 };

struct fiber {
    ucontext_t context;
    char *stack;
    bool done;
};

struct fibers {
    int poller;
    bool silent; /* nothing has happened for so long that nothing will */
    ucontext_t scheduler;
    struct fiber *current;
    void (*work)(void *);
    void *argument;
};

static _Thread_local struct fibers *own;

static void begin(void) {
    own->work(own->argument);
    own->current->done = true;
}

static void resume(struct fiber *fiber) {
    if (fiber->done)
        return;
    own->current = fiber;
    swapcontext(&own->scheduler, &fiber->context);
}

bool watch_socket(int socket) {
    if (own == NULL)
        return failed("a connection that may block, outside of a fiber");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = own->current};
    return epoll_ctl(own->poller, EPOLL_CTL_ADD, socket, &event) == 0 || failed("epoll: %s", strerror(errno));
}

bool wait_for_socket(void) {
    errno = EAGAIN;
    if (own == NULL)
        return false;
    swapcontext(&own->current->context, &own->scheduler);
    errno = ETIMEDOUT;
    return !own->silent;
}

static bool make_fiber(struct fiber *fiber) {
    fiber->stack = malloc(STACK);
    if (fiber->stack == NULL || getcontext(&fiber->context) != 0)
        return failed("no memory for a fiber");
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = &own->scheduler;
    makecontext(&fiber->context, begin, 0);
    return true;
}

static bool any_left(const struct fiber *fibers, int count) {
    for (int i = 0; i < count; i++) {
        if (!fibers[i].done)
            return true;
    }
    return false;
}

static void resume_all(struct fiber *fibers, int count) {
    for (int i = 0; i < count; i++)
        resume(&fibers[i]);
}

static void schedule(struct fiber *fibers, int count) {
    struct epoll_event events[EVENTS];
    resume_all(fibers, count);
    while (any_left(fibers, count)) {
        int news = epoll_wait(own->poller, events, EVENTS, PATIENCE_MILLISECONDS);
        own->silent = news <= 0;
        if (own->silent)
            resume_all(fibers, count);
        for (int i = 0; i < news; i++)
            resume(events[i].data.ptr);
    }
}

bool run_fibers(int count, void (*work)(void *), void *argument) {
    struct fiber fibers[count];
    struct fibers all = {.poller = epoll_create1(EPOLL_CLOEXEC), .work = work, .argument = argument};
    bool made = all.poller >= 0 || failed("epoll: %s", strerror(errno));
    memset(fibers, 0, sizeof fibers);
    own = &all;
    for (int i = 0; made && i < count; i++)
        made = make_fiber(&fibers[i]);
    if (made)
        schedule(fibers, count);
    own = NULL;
    for (int i = 0; i < count; i++)
        free(fibers[i].stack);
    close(all.poller);
    return made;
}
