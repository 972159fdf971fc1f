/* Makes the system calls of sockets._stub fail, as a test orders; see tests/hard/test_faults.py.

   Preloaded, so that its functions stand before those of the C library. A call is touched only
   if it comes out of the compiled stub, in the thread that gave the order; all others pass. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum how { INSTEAD, AFTER, SHORT, LENGTH };

struct order {
    char call[32];
    int how;            /* INSTEAD of the call, or AFTER it, report an error; */
                        /* cut the call SHORT; or change the LENGTH it returns */
    int error;          /* an errno, or the code of getaddrinfo */
    long value;         /* SHORT, LENGTH: how many bytes; getaddrinfo: the errno */
    int skip, times;    /* which of the calls: so many not, then so many */
    int signal;         /* sent to the thread before the error is reported, if not 0 */
};

struct count {
    char call[32];
    long calls;
};

static _Thread_local struct order orders[16];
static _Thread_local struct count counts[64];
static _Thread_local int number, counting;

/* What the tests call. */

void fault_clear(void)
{
    number = counting = 0;
    memset(counts, 0, sizeof counts);
}

void fault_watch(void)
{
    counting = 1;
}

int fault_order(const char *call, int how, int error, long value, int skip, int times, int signal)
{
    struct order *order = &orders[number];

    if (number == sizeof orders / sizeof *orders)
        return -1;
    memset(order, 0, sizeof *order);
    strncpy(order->call, call, sizeof order->call - 1);
    order->how = how;
    order->error = error;
    order->value = value;
    order->skip = skip;
    order->times = times;
    order->signal = signal;
    return number++;
}

/* How many calls of this name the stub has made since fault_watch. */
long fault_calls(const char *call)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts && counts[i].call[0]; i++)
        if (strcmp(counts[i].call, call) == 0)
            return counts[i].calls;
    return 0;
}

/* How often the orders have not struck yet. */
int fault_left(void)
{
    int left = 0;

    for (int i = 0; i < number; i++)
        left += orders[i].times;
    return left;
}

/* Whether this call is to fail, and how. */

static int from_stub(const void *caller)
{
    Dl_info info;

    return dladdr(caller, &info) != 0 && info.dli_fname != NULL
        && strstr(info.dli_fname, "/_stub.") != NULL;
}

static void count(const char *call)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].call[0] == '\0')
            strncpy(counts[i].call, call, sizeof counts[i].call - 1);
        if (strcmp(counts[i].call, call) == 0) {
            counts[i].calls++;
            return;
        }
    }
}

static const struct order *strike(const char *call, const void *caller)
{
    if (!counting || !from_stub(caller))
        return NULL;
    count(call);
    for (int i = 0; i < number; i++) {
        struct order *order = &orders[i];

        if (order->times == 0 || strcmp(order->call, call) != 0)
            continue;
        if (order->skip > 0) {
            order->skip--;
            return NULL;
        }
        order->times--;
        return order;
    }
    return NULL;
}

static int report(const struct order *order)
{
    if (order->signal != 0)
        pthread_kill(pthread_self(), order->signal);
    errno = order->error;
    return -1;
}

#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* A call that returns -1 and sets errno; `arguments` in parentheses. */
#define FAIL(name, arguments) do { \
        const struct order *order = strike(#name, CALLER); \
        if (order != NULL && order->how == AFTER) \
            (void) REAL(name) arguments; \
        if (order != NULL && order->how <= AFTER) \
            return report(order); \
        return REAL(name) arguments; \
    } while (0)

/* The same for a call that stores a length. */
#define FAIL_OR_MEASURE(type, name, arguments, length) do { \
        const struct order *order = strike(#name, CALLER); \
        type result; \
        if (order != NULL && order->how <= AFTER) { \
            if (order->how == AFTER) \
                (void) REAL(name) arguments; \
            return report(order); \
        } \
        result = REAL(name) arguments; \
        if (order != NULL && order->how == LENGTH && result >= 0) \
            *(length) = (socklen_t) order->value; \
        return result; \
    } while (0)

int socket(int domain, int type, int protocol)
{
    FAIL(socket, (domain, type, protocol));
}

int socketpair(int domain, int type, int protocol, int pair[2])
{
    FAIL(socketpair, (domain, type, protocol, pair));
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    FAIL(bind, (fd, address, length));
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    FAIL(connect, (fd, address, length));
}

int listen(int fd, int queue_length)
{
    FAIL(listen, (fd, queue_length));
}

int close(int fd)
{
    FAIL(close, (fd));
}

int shutdown(int fd, int method)
{
    FAIL(shutdown, (fd, method));
}

int setsockopt(int fd, int level, int id, const void *value, socklen_t size)
{
    FAIL(setsockopt, (fd, level, id, value, size));
}

int poll(struct pollfd *set, nfds_t size, int timeout)
{
    FAIL(poll, (set, size, timeout));
}

int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    FAIL_OR_MEASURE(int, accept, (fd, address, length), length);
}

int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    FAIL_OR_MEASURE(int, accept4, (fd, address, length, flags), length);
}

int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    FAIL_OR_MEASURE(int, getsockname, (fd, address, length), length);
}

int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    FAIL_OR_MEASURE(int, getpeername, (fd, address, length), length);
}

int getsockopt(int fd, int level, int id, void *restrict value, socklen_t *restrict length)
{
    FAIL_OR_MEASURE(int, getsockopt, (fd, level, id, value, length), length);
}

static size_t cut(const struct order *order, size_t size)
{
    return order != NULL && order->how == SHORT && (size_t) order->value < size
        ? (size_t) order->value : size;
}

ssize_t recvfrom(int fd, void *restrict buffer, size_t size, int flags,
                 struct sockaddr *restrict address, socklen_t *restrict length)
{
    const struct order *order = strike("recvfrom", CALLER);
    ssize_t result;

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    result = REAL(recvfrom)(fd, buffer, cut(order, size), flags, address, length);
    if (order != NULL && order->how == LENGTH && result >= 0)
        *length = (socklen_t) order->value;
    return result;
}

ssize_t sendto(int fd, const void *buffer, size_t size, int flags,
               const struct sockaddr *address, socklen_t length)
{
    const struct order *order = strike("sendto", CALLER);

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    return REAL(sendto)(fd, buffer, cut(order, size), flags, address, length);
}

/* SHORT: how many messages. */

int sendmmsg(int fd, struct mmsghdr *headers, unsigned length, int flags)
{
    const struct order *order = strike("sendmmsg", CALLER);

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    return REAL(sendmmsg)(fd, headers, (unsigned) cut(order, length), flags);
}

int recvmmsg(int fd, struct mmsghdr *headers, unsigned length, int flags,
             struct timespec *timeout)
{
    const struct order *order = strike("recvmmsg", CALLER);
    int result;

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    result = REAL(recvmmsg)(fd, headers, (unsigned) cut(order, length), flags, timeout);
    for (int i = 0; order != NULL && order->how == LENGTH && i < result; i++)
        headers[i].msg_hdr.msg_namelen = (socklen_t) order->value;
    return result;
}

/* SHORT: of how many bytes the first part; the others are left out. */

ssize_t sendmsg(int fd, const struct msghdr *header, int flags)
{
    const struct order *order = strike("sendmsg", CALLER);
    struct msghdr cut_off = *header;
    struct iovec part;

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    if (order != NULL && order->how == SHORT) {
        part.iov_base = header->msg_iov->iov_base;
        part.iov_len = cut(order, header->msg_iov->iov_len);
        cut_off.msg_iov = &part;
        cut_off.msg_iovlen = 1;
    }
    return REAL(sendmsg)(fd, &cut_off, flags);
}

/* SHORT: for how many bytes of ancillary data there is room. */

ssize_t recvmsg(int fd, struct msghdr *header, int flags)
{
    const struct order *order = strike("recvmsg", CALLER);
    ssize_t result;

    if (order != NULL && order->how == INSTEAD)
        return report(order);
    header->msg_controllen = cut(order, header->msg_controllen);
    result = REAL(recvmsg)(fd, header, flags);
    if (order != NULL && order->how == LENGTH && result >= 0)
        header->msg_namelen = (socklen_t) order->value;
    return result;
}

/* Two names, one call: which of them a program uses depends on how its headers were read. */

#define SEND_FILE(name) \
    ssize_t name(int fd, int file, off_t *offset, size_t size) \
    { \
        const struct order *order = strike("sendfile", CALLER); \
        if (order != NULL && order->how == INSTEAD) \
            return report(order); \
        return REAL(name)(fd, file, offset, cut(order, size)); \
    }

SEND_FILE(sendfile)
SEND_FILE(sendfile64)

int ioctl(int fd, unsigned long request, ...)
{
    const struct order *order = strike("ioctl", CALLER);
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (order != NULL && order->how == INSTEAD)
        return report(order);
    return REAL(ioctl)(fd, request, argument);
}

static int control(const char *name, const void *caller, int fd, int command, void *argument)
{
    const struct order *order = strike("fcntl", caller);
    int (*real)(int, int, ...) = (int (*)(int, int, ...)) dlsym(RTLD_NEXT, name);

    return order != NULL && order->how == INSTEAD ? report(order) : real(fd, command, argument);
}

#define CONTROL(name) \
    int name(int fd, int command, ...) \
    { \
        va_list arguments; \
        void *argument; \
        va_start(arguments, command); \
        argument = va_arg(arguments, void *); \
        va_end(arguments); \
        return control(#name, CALLER, fd, command, argument); \
    }

CONTROL(fcntl)
CONTROL(fcntl64)

/* The calls that return what went wrong. */

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
    const struct order *order = strike("getaddrinfo", CALLER);

    if (order == NULL)
        return REAL(getaddrinfo)(node, service, hints, list);
    (void) report(order);
    errno = (int) order->value;
    return order->error;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host,
                socklen_t host_size, char *restrict service, socklen_t service_size, int flags)
{
    const struct order *order = strike("getnameinfo", CALLER);

    if (order == NULL)
        return REAL(getnameinfo)(address, length, host, host_size, service, service_size, flags);
    (void) report(order);
    errno = (int) order->value;
    return order->error;
}

int gethostname(char *name, size_t size)
{
    FAIL(gethostname, (name, size));
}

#define FAIL_CODE(name, arguments, found) do { \
        const struct order *order = strike(#name, CALLER); \
        if (order == NULL) \
            return REAL(name) arguments; \
        *(found) = NULL; \
        (void) report(order); \
        return order->error; \
    } while (0)

int getprotobyname_r(const char *restrict name, struct protoent *restrict entry,
                     char *restrict strings, size_t size, struct protoent **restrict found)
{
    FAIL_CODE(getprotobyname_r, (name, entry, strings, size, found), found);
}

int getprotobynumber_r(int protocol, struct protoent *restrict entry, char *restrict strings,
                       size_t size, struct protoent **restrict found)
{
    FAIL_CODE(getprotobynumber_r, (protocol, entry, strings, size, found), found);
}

int getprotoent_r(struct protoent *restrict entry, char *restrict strings, size_t size,
                  struct protoent **restrict found)
{
    FAIL_CODE(getprotoent_r, (entry, strings, size, found), found);
}

int getservbyname_r(const char *restrict name, const char *restrict protocol,
                    struct servent *restrict entry, char *restrict strings, size_t size,
                    struct servent **restrict found)
{
    FAIL_CODE(getservbyname_r, (name, protocol, entry, strings, size, found), found);
}

int getservbyport_r(int port, const char *restrict protocol, struct servent *restrict entry,
                    char *restrict strings, size_t size, struct servent **restrict found)
{
    FAIL_CODE(getservbyport_r, (port, protocol, entry, strings, size, found), found);
}

/* The calls that answer with a null pointer, whatever went wrong. */

#define FAIL_NULL(name, arguments) do { \
        const struct order *order = strike(#name, CALLER); \
        if (order == NULL) \
            return REAL(name) arguments; \
        (void) report(order); \
        return NULL; \
    } while (0)

struct protoent *getprotobyname(const char *name)
{
    FAIL_NULL(getprotobyname, (name));
}

struct protoent *getprotobynumber(int protocol)
{
    FAIL_NULL(getprotobynumber, (protocol));
}

struct protoent *getprotoent(void)
{
    FAIL_NULL(getprotoent, ());
}

struct servent *getservbyname(const char *name, const char *protocol)
{
    FAIL_NULL(getservbyname, (name, protocol));
}

struct servent *getservbyport(int port, const char *protocol)
{
    FAIL_NULL(getservbyport, (port, protocol));
}

struct if_nameindex *if_nameindex(void)
{
    FAIL_NULL(if_nameindex, ());
}

char *if_indextoname(unsigned index, char name[IF_NAMESIZE])
{
    FAIL_NULL(if_indextoname, (index, name));
}

unsigned if_nametoindex(const char *name)
{
    const struct order *order = strike("if_nametoindex", CALLER);

    if (order == NULL)
        return REAL(if_nametoindex)(name);
    (void) report(order);
    return 0;
}

/* These cannot fail; a signal may arrive during them. */

void setprotoent(int keep_alive)
{
    const struct order *order = strike("setprotoent", CALLER);

    REAL(setprotoent)(keep_alive);
    if (order != NULL)
        (void) report(order);
}

void endprotoent(void)
{
    const struct order *order = strike("endprotoent", CALLER);

    REAL(endprotoent)();
    if (order != NULL)
        (void) report(order);
}
