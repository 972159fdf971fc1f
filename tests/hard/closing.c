/* Sockets that some threads close and replace while others use them, for ThreadSanitizer. A mutex
   stands for Python's lock; who has given it up waits a little, so that many calls are on their
   way to the kernel when their socket is closed.

   Compiled with WITHOUT_LOCK, the stub knows of no lock, as in a Python that has none, and only
   counts; the mutex is the test's own then, for what the threads share besides sockets. */

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#ifdef WITHOUT_LOCK
#define ENOUGH 0                /* nothing makes the calls take long */
#define CALL_STUB(expression) do { \
        CHECK(pthread_mutex_unlock(&lock) == 0); \
        expression; \
        CHECK(pthread_mutex_lock(&lock) == 0); \
    } while (0)
#else
#define ENOUGH 100
#define CALL_STUB(expression) expression

#define Py_PYTHON_H
typedef void PyThreadState;

static PyThreadState *PyEval_SaveThread(void)
{
    (void) pthread_mutex_unlock(&lock);
    for (int i = 0; i < 3; i++)
        (void) sched_yield();
    return NULL;
}

static void PyEval_RestoreThread(PyThreadState *state)
{
    (void) state;
    (void) pthread_mutex_lock(&lock);
}
#endif

#include "../../generated/sockets-stub.c"

#include <stdio.h>
#include <stdlib.h>

enum { PAIRS = 4, USERS = 4, CLOSERS = 2, CALLS = 20000, REPLACEMENTS = 4000, NUMBERS = 200 };

#define CHECK(true_) do { \
        if (!(true_)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #true_); \
            exit(1); \
        } \
    } while (0)

/* Two connected sockets, and what alone is ever sent through them. Kept as long as it is used. */
struct pair {
    struct foreign_socket ends[2];
    long identity;
    int users;
};

static struct pair *pairs[PAIRS];
static long identities, received, refused, late;

static struct pair *make_pair(void)
{
    struct pair *pair = calloc(1, sizeof *pair);
    int numbers[2];

    CHECK(pair != NULL && socketpair_block(AF_UNIX, SOCK_DGRAM, 0, numbers) == 0);
    pair->ends[0].fd = numbers[0];
    pair->ends[1].fd = numbers[1];
    pair->identity = ++identities;
    pair->users = 1;
    return pair;
}

static void drop(struct pair *pair)
{
    if (--pair->users == 0)
        free(pair);
}

static void *use(void *seed)
{
    unsigned chance = (unsigned) (size_t) seed;

    CHECK(pthread_mutex_lock(&lock) == 0);
    for (int i = 0; i < CALLS; i++) {
        struct pair *pair = pairs[rand_r(&chance) % PAIRS];
        struct foreign_frame frame;
        long data = 0;
        ssize_t n;

        pair->users++;
        CALL_STUB(n = sendto_block(&pair->ends[i % 2], (char *) &pair->identity, sizeof data, 0,
                                   NULL, 0));
        CHECK(n == sizeof data || n == -EAGAIN || n == -EBADF || n == -ECONNREFUSED
              || n == -ENOTCONN || n == -ECONNRESET);
        /* All of it, or it would be asked first whether there is any, with the lock kept. */
        CALL_STUB(n = recvfrom_block(&pair->ends[i % 2], (char *) &data, sizeof data, MSG_WAITALL,
                                     &frame));
        CHECK(n == sizeof data ? data == pair->identity
              : n == -EAGAIN || n == -EBADF || n == -ECONNRESET);
        received += n > 0;
        refused += n == -EBADF;
        CALL_STUB(n = poll_block(&pair->ends[i % 2], 0, 1, 0));
        CHECK((n >= 0 && n <= 2) || n == -EBADF);
        refused += n == -EBADF;
        drop(pair);
    }
    CHECK(pthread_mutex_unlock(&lock) == 0);
    return NULL;
}

static void *replace(void *seed)
{
    unsigned chance = (unsigned) (size_t) seed;

    CHECK(pthread_mutex_lock(&lock) == 0);
    for (int i = 0; i < REPLACEMENTS; i++) {
        struct pair *new = make_pair(), **place = &pairs[rand_r(&chance) % PAIRS], *old = *place;

        *place = new;
        for (int end = 0; end < 2; end++) {
            int first, second;

            late += LOOK(&old->ends[end].state) % ERA >= ONE_CALL;
            CALL_STUB(first = close_block(&old->ends[end]));
            CALL_STUB(second = close_block(&old->ends[end]));
            CHECK(first == 0 && second == -EBADF);
        }
        drop(old);
    }
    CHECK(pthread_mutex_unlock(&lock) == 0);
    return NULL;
}

static int open_numbers(void)
{
    int count = 0;

    for (int number = 0; number < NUMBERS; number++)
        count += fcntl(number, F_GETFD) >= 0;
    return count;
}

int main(void)
{
    pthread_t threads[USERS + CLOSERS];
    int before = open_numbers();

    CHECK(pthread_mutex_lock(&lock) == 0);
    for (int i = 0; i < PAIRS; i++)
        pairs[i] = make_pair();
    CHECK(pthread_mutex_unlock(&lock) == 0);
    for (size_t i = 0; i < USERS + CLOSERS; i++)
        CHECK(pthread_create(&threads[i], NULL, i < USERS ? use : replace, (void *) i) == 0);
    for (int i = 0; i < USERS + CLOSERS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(to_close == NULL && open_numbers() == before + 2 * PAIRS);
    CHECK(pthread_mutex_lock(&lock) == 0);
    for (int i = 0; i < PAIRS; i++) {
        CHECK(close_block(&pairs[i]->ends[0]) == 0 && close_block(&pairs[i]->ends[1]) == 0);
        drop(pairs[i]);
    }
    CHECK(open_numbers() == before);
    printf("%ld received, %ld refused, %ld closed late\n", received, refused, late);
    CHECK(received > 1000 && refused > ENOUGH && late > ENOUGH);
    return 0;
}
