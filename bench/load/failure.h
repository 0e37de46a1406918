/* What went wrong, kept per thread until somebody prints it.
 *
 * Every function of the generator that can fail answers true or false; the one that notices the cause
 * writes it down on its way out: `return failed("status %d instead of 202", status);`
 */
#ifndef HOMEPORT_LOAD_FAILURE_H
#define HOMEPORT_LOAD_FAILURE_H

#include <stdbool.h>

/* Remember the message for this thread. Always false, so that it can be returned. */
bool failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The message last remembered by this thread. */
const char *last_failure(void);

#endif
