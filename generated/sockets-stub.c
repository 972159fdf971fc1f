#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netdb.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <netinet/udp.h>
#include <signal.h>
#include <sys/sendfile.h>
#endif
#endif
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef _WIN32
#define poll WSAPoll
typedef intptr_t socket_t;          /* SOCKET, but with a sign: errors are negative */
typedef int io_size;
#define HANDLE_OF(fd) ((SOCKET) (fd))
#define LAST_ERROR() WSAGetLastError()
#define BAD_DESCRIPTOR WSAENOTSOCK
#else
typedef int socket_t;
typedef size_t io_size;
#define HANDLE_OF(fd) (fd)
#define LAST_ERROR() errno
#define BAD_DESCRIPTOR EBADF
#endif
static ssize_t in_band(ssize_t result)
{
    return result < 0 ? -(ssize_t) LAST_ERROR() : result;
}
static int released;                /* calls that have released the lock; read and set with it */

#ifdef Py_GIL_DISABLED
#define COUNT(step) ((void) 0)
#else
#define COUNT(step) (released += (step))
#endif

#if defined Py_PYTHON_H && !defined PYPY_VERSION
#define GUARD(expression) do { \
        PyThreadState *state; \
        COUNT(1); \
        state = PyEval_SaveThread(); \
        expression; \
        PyEval_RestoreThread(state); \
        COUNT(-1); \
    } while (0)
#else
#define GUARD(expression) do { expression; } while (0)
#endif

#define SOCKET_GUARD(sock, expression) do { \
        const socket_t fd = begin_call(sock); \
        GUARD(expression); \
        end_call(sock, fd); \
    } while (0)

#if defined Py_PYTHON_H && !defined PYPY_VERSION && !defined Py_GIL_DISABLED
#define KEEP(sock, expression) do { const socket_t fd = (sock)->fd; expression; } while (0)
#else
#define KEEP(sock, expression) do { \
        const socket_t fd = begin_call(sock); \
        expression; \
        end_call(sock, fd); \
    } while (0)
#endif

/* All of a stub that makes one call, with its guard, and returns what that returns. */
#define RETURN(guard, type, sock, expression) do { \
        type result; \
        guard(sock, result = (type) (expression)); \
        return result; \
    } while (0)
#define RETURN_GUARD(type, sock, expression) RETURN(SOCKET_GUARD, type, sock, expression)

struct foreign_frame {
    struct sockaddr_storage address;
    socklen_t length;
};

#define ROOM ((socklen_t) sizeof(struct sockaddr_storage))

static struct sockaddr *open_frame(struct foreign_frame *frame)
{
    frame->length = ROOM;
    frame->address.ss_family = AF_UNSPEC;
    return (struct sockaddr *) &frame->address;
}

static ssize_t close_frame(struct foreign_frame *frame, ssize_t result)
{
    if (result < 0 || frame->address.ss_family == AF_UNSPEC)
        frame->length = 0;
    else if (frame->length > ROOM)
        frame->length = ROOM;
    return result;
}
#ifdef _WIN32
#define IO_SIZE(size) ((io_size) ((size) > INT_MAX ? INT_MAX : (size)))
#else
#define IO_SIZE(size) (size)
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static ssize_t receive(socket_t fd, char *buffer, size_t size, int flags,
                       struct foreign_frame *from)
{
    struct sockaddr *address = open_frame(from);
    ssize_t result = in_band(recvfrom(HANDLE_OF(fd), buffer, IO_SIZE(size), flags, address,
                                      &from->length));

#ifdef _WIN32
    if (result == -WSAEMSGSIZE)     /* the buffer is full, and the rest of the datagram lost */
        result = IO_SIZE(size);
#endif
    return close_frame(from, result);
}

static ssize_t send_away(socket_t fd, const char *buffer, size_t size, int flags,
                         const char *address, socklen_t length)
{
    return in_band(sendto(HANDLE_OF(fd), buffer, IO_SIZE(size), flags | MSG_NOSIGNAL,
                          (const void *) address, length));
}
#ifdef _WIN32
static int set_mode(socket_t fd, int nonblocking)
{
    u_long mode = (u_long) nonblocking;

    return ioctlsocket(HANDLE_OF(fd), (long) FIONBIO, &mode);
}

static int close_plain(socket_t fd)
{
    return closesocket(HANDLE_OF(fd));
}
#else
static int set_mode(socket_t fd, int nonblocking)
{
    return ioctl(fd, FIONBIO, &nonblocking);
}

static int close_plain(socket_t fd)
{
    return close(fd);
}
#endif

#ifndef SOCK_CLOEXEC
#ifdef _WIN32
#define CLOSE_ON_EXEC(fd) \
    (SetHandleInformation((HANDLE) (fd), HANDLE_FLAG_INHERIT, 0) ? 0 : -1)
#else
#define CLOSE_ON_EXEC(fd) fcntl((fd), F_SETFD, FD_CLOEXEC)
#endif

#ifdef SO_NOSIGPIPE
static int quiet(socket_t fd)
{
    const int yes = 1;

    return setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
}
#define QUIET(fd) quiet(fd)
#else
#define QUIET(fd) 0
#endif

/* The new descriptor in the right modes, or the error with the descriptor closed. */
static socket_t settle(socket_t fd, int nonblocking)
{
    socket_t error;

    if (fd < 0)
        return (socket_t) in_band(-1);
    if (CLOSE_ON_EXEC(fd) == 0 && QUIET(fd) == 0 && set_mode(fd, nonblocking) == 0)
        return fd;
    error = (socket_t) in_band(-1);
    (void) close_plain(fd);
    return error;
}
#endif
#ifdef SOCK_CLOEXEC
static socket_t socket_plain(int domain, int type, int protocol)
{
    return (socket_t) in_band(socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

static socket_t accept_plain(socket_t fd, int nonblocking, struct foreign_frame *from)
{
    struct sockaddr *address = open_frame(from);
    const int modes = SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);

    return (socket_t) close_frame(from, in_band(accept4(fd, address, &from->length, modes)));
}
#else
static socket_t socket_plain(int domain, int type, int protocol)
{
    return settle((socket_t) socket(domain, type, protocol), 1);
}

static socket_t accept_plain(socket_t fd, int nonblocking, struct foreign_frame *from)
{
    struct sockaddr *address = open_frame(from);
    socket_t client = (socket_t) accept(HANDLE_OF(fd), address, &from->length);

    return (socket_t) close_frame(from, settle(client, nonblocking));
}
#endif
static int get_option(socket_t fd, int level, int id, char *value, int size)
{
    socklen_t length = (socklen_t) size;
    int result = (int) in_band(getsockopt(HANDLE_OF(fd), level, id, (void *) value, &length));

    return result < 0 ? result : (int) length;
}
typedef uintptr_t word;

struct foreign_socket {
    socket_t fd;                    /* -1 once it is closed */
    socket_t late;                  /* what it was, if the last call under way closes it */
    word state;                     /* CLOSED? the calls under way; the era (§86N) of the count */
    struct foreign_socket *next;    /* another one whose last call closes it */
};

#define CLOSED ((word) 1)
#define ONE_CALL ((word) 2)
#define ERA ((word) 1 << 4 * sizeof(word))
#ifdef _MSC_VER
#include <intrin.h>
#define LOOK(place) (*(place))
#define PUT(place, value) ((void) (*(place) = (value)))
#define SWAP(place, old, new) (_InterlockedCompareExchangePointer( \
        (void *volatile *) (place), (void *) (new), (void *) (old)) == (void *) (old))
#else
#define LOOK(place) __atomic_load_n(place, __ATOMIC_SEQ_CST)
#define PUT(place, value) __atomic_store_n(place, value, __ATOMIC_SEQ_CST)
#define SWAP(place, old, new) __sync_bool_compare_and_swap(place, old, new)
#endif

static word era;

static word in_this_era(word state)
{
    return state / ERA == era ? state : era * ERA + state % ONE_CALL;
}
static socket_t begin_call(struct foreign_socket *sock)
{
    const socket_t fd = LOOK(&sock->fd);
    word old, now;

    do {
        old = LOOK(&sock->state);
        now = in_this_era(old);
        if (fd < 0 || now & CLOSED)
            return -1;
    } while (!SWAP(&sock->state, old, now + ONE_CALL));
    return fd;
}
static struct foreign_socket *to_close;
static word list_is_held;

static void hold_list(void)
{
    while (!SWAP(&list_is_held, 0, 1))
        ;
}

/* The number, or -1 if it is closed already; and whether the last call under way closes it. */
static socket_t close_to_calls(struct foreign_socket *sock, int *later)
{
    socket_t fd;
    word old, now = 0;

    hold_list();
    fd = LOOK(&sock->fd);
    if (fd >= 0) {
        do {
            old = LOOK(&sock->state);
            now = in_this_era(old);
        } while (!SWAP(&sock->state, old, now | CLOSED));
        PUT(&sock->fd, -1);
    }
    *later = now % ERA >= ONE_CALL;
    if (*later) {
        sock->late = fd;
        sock->next = to_close;
        to_close = sock;
    }
    PUT(&list_is_held, 0);
    return fd;
}

static void leave_list(struct foreign_socket *sock)
{
    struct foreign_socket **place = &to_close;

    hold_list();
    while (*place != sock)
        place = &(*place)->next;
    *place = sock->next;
    PUT(&list_is_held, 0);
}

static void end_call(struct foreign_socket *sock, socket_t fd)
{
    word old;

    if (fd < 0)
        return;
    do
        old = LOOK(&sock->state);
    while (!SWAP(&sock->state, old, old - ONE_CALL));
    if (old % ERA == ONE_CALL + CLOSED) {
        leave_list(sock);
        GUARD((void) close_plain(fd));
    }
}
#define LONG_COPY 65536

static int marks_are_used;

static int low_water(socket_t fd)
{
    int mark = 1;

    (void) get_option(fd, SOL_SOCKET, SO_RCVLOWAT, (char *) &mark, sizeof mark);
    return mark;
}

/* Whether that was all: `result` is what the receive returns, bytes or an error. */
static int receive_at_once(socket_t fd, char *buffer, size_t size, int flags,
                           struct foreign_frame *from, ssize_t *result)
{
#ifdef MSG_DONTWAIT
    if (size < LONG_COPY && released <= 1 && !(flags & (MSG_WAITALL | MSG_DONTWAIT))
        && !(marks_are_used && low_water(fd) > 1)) {
        *result = receive(fd, buffer, size, flags | MSG_DONTWAIT, from);
        return *result != -EAGAIN && *result != -EWOULDBLOCK;
    }
#else
    (void) fd, (void) buffer, (void) size, (void) flags, (void) from, (void) result;
#endif
    return 0;
}

/* Whether that was all. `part` is how many bytes the kernel has taken, or an error. */
static int send_at_once(socket_t fd, const char *buffer, size_t size, int flags,
                        const char *address, socklen_t length, ssize_t *part)
{
    *part = 0;
#if defined MSG_DONTWAIT && !defined __APPLE__
    if (size < LONG_COPY && released <= 1 && flags == 0) {
        const ssize_t result = send_away(fd, buffer, size, MSG_DONTWAIT, address, length);

        if (result != -EAGAIN && result != -EWOULDBLOCK) {
            *part = result;
            return result < 0 || (size_t) result == size;
        }
    }
#else
    (void) fd, (void) buffer, (void) size, (void) flags, (void) address, (void) length;
#endif
    return 0;
}

/* accept(2): the new socket, close-on-exec, and its address in `from`. */
socket_t accept_block(struct foreign_socket *sock, int nonblocking, struct foreign_frame *from)
{
    RETURN_GUARD(socket_t, sock, accept_plain(fd, nonblocking, from));
}

/* connect(2) */
int connect_block(struct foreign_socket *sock, const char *address, socklen_t length)
{
    RETURN_GUARD(int, sock, in_band(connect(HANDLE_OF(fd), (const void *) address, length)));
}

/* recvfrom(2): the number of bytes received, and their sender's address in `from`. */
ssize_t recvfrom_block(struct foreign_socket *sock, char *buffer, size_t size, int flags,
                       struct foreign_frame *from)
{
    ssize_t result;
    int done;

    KEEP(sock, done = receive_at_once(fd, buffer, size, flags, from, &result));
    if (done)
        return result;
    SOCKET_GUARD(sock, result = receive(fd, buffer, size, flags, from));
    return result;
}

/* sendto(2): the number of bytes taken; never a SIGPIPE. */
ssize_t sendto_block(struct foreign_socket *sock, const char *buffer, size_t size, int flags,
                     const char *address, socklen_t length)
{
    ssize_t result, part;
    int done;

    KEEP(sock, done = send_at_once(fd, buffer, size, flags, address, length, &part));
    if (done)
        return part;
    SOCKET_GUARD(sock, result = send_away(fd, buffer + part, size - (size_t) part, flags,
                                          address, length));
    return part > 0 ? part + (result > 0 ? result : 0) : result;
}
/* socket(2): a new socket, close-on-exec and non-blocking. */
socket_t socket_block(int domain, int type, int protocol)
{
    socket_t result;

    GUARD(result = socket_plain(domain, type, protocol));
    return result;
}

/* bind(2) */
int bind_block(struct foreign_socket *sock, const char *address, socklen_t length)
{
    RETURN_GUARD(int, sock, in_band(bind(HANDLE_OF(fd), (const void *) address, length)));
}

/* close(2): now, or when the last call under way has returned. */
int close_block(struct foreign_socket *sock)
{
    int result = 0, later;
    const socket_t fd = close_to_calls(sock, &later);

    if (!later)
        GUARD(result = (int) in_band(close_plain(fd)));
    return result;
}

/* close(2), if nobody has done so: for a structure that nobody can reach any more. */
void drop_block(struct foreign_socket *sock)
{
    if (sock->fd >= 0)
        GUARD((void) close_plain(sock->fd));
}

/* shutdown(2) */
int shutdown_block(struct foreign_socket *sock, int method)
{
    RETURN_GUARD(int, sock, in_band(shutdown(HANDLE_OF(fd), method)));
}

static int get_mode(socket_t fd)
{
#ifdef _WIN32
    int type, size = sizeof type;

    return (int) in_band(getsockopt(HANDLE_OF(fd), SOL_SOCKET, SO_TYPE, (char *) &type, &size));
#else
    const int flags = (int) in_band(fcntl(fd, F_GETFL));

    return flags < 0 ? flags : (flags & O_NONBLOCK) != 0;
#endif
}

/* fcntl(2): 1 if the descriptor is non-blocking, 0 if it blocks; on Windows, 0 if it is a socket. */
int get_nonblocking_block(socket_t fd)
{
    int result;

    GUARD(result = get_mode(fd));
    return result;
}
static int limits_are_used;

static void note_option(int level, int id)
{
    if (level == SOL_SOCKET && id == SO_RCVLOWAT)
        marks_are_used = 1;
    if (level == SOL_SOCKET && (id == SO_RCVTIMEO || id == SO_SNDTIMEO))
        limits_are_used = 1;
}

static int set_option(socket_t fd, int level, int id, const char *value, int size)
{
    return (int) in_band(setsockopt(HANDLE_OF(fd), level, id, (const void *) value,
                                    (socklen_t) size));
}

/* getsockopt(2), for options that cannot take long: the length of the value. */
int getsockopt_keep(struct foreign_socket *sock, int level, int id, char *value, int size)
{
    RETURN(KEEP, int, sock, get_option(fd, level, id, value, size));
}

/* getsockopt(2), for a quick option that is an int: the int, or less than any if it fails. */
long long getsockopt_number_keep(struct foreign_socket *sock, int level, int id)
{
    int value = 0;
    const int size = getsockopt_keep(sock, level, id, (char *) &value, sizeof value);

    return size == sizeof value ? value : LLONG_MIN;
}

/* getsockopt(2), for any option */
int getsockopt_block(struct foreign_socket *sock, int level, int id, char *value, int size)
{
    RETURN_GUARD(int, sock, get_option(fd, level, id, value, size));
}

/* setsockopt(2), for options that cannot take long */
int setsockopt_keep(struct foreign_socket *sock, int level, int id, const char *value, int size)
{
    int result;

    note_option(level, id);
    KEEP(sock, result = set_option(fd, level, id, value, size));
    return result;
}

/* setsockopt(2), for a quick option that is an int: 0, or an error */
int setsockopt_number_keep(struct foreign_socket *sock, int level, int id, int value)
{
    return setsockopt_keep(sock, level, id, (const char *) &value, sizeof value);
}

/* setsockopt(2), for any option */
int setsockopt_block(struct foreign_socket *sock, int level, int id, const char *value,
                     int size)
{
    int result;

    note_option(level, id);
    SOCKET_GUARD(sock, result = set_option(fd, level, id, value, size));
    return result;
}
#ifdef MSG_DONTWAIT
#define NO_WAIT MSG_DONTWAIT
#define KEEP_RECEIVE(sock, expression) KEEP(sock, expression)
#else
#define NO_WAIT 0
#define KEEP_RECEIVE(sock, expression) SOCKET_GUARD(sock, expression)
#endif
#if defined MSG_DONTWAIT && !defined __APPLE__
#define KEEP_SEND(sock, expression) KEEP(sock, expression)
#else
#define KEEP_SEND(sock, expression) SOCKET_GUARD(sock, expression)
#endif

/* ioctl(2): change the one flag. */
int set_nonblocking_keep(struct foreign_socket *sock, int nonblocking)
{
    RETURN(KEEP, int, sock, in_band(set_mode(fd, nonblocking)));
}

/* listen(2) */
int listen_keep(struct foreign_socket *sock, int queue_length)
{
    RETURN(KEEP, int, sock, in_band(listen(HANDLE_OF(fd), queue_length)));
}

/* getsockname(2) */
int getsockname_keep(struct foreign_socket *sock, struct foreign_frame *name)
{
    struct sockaddr *address = open_frame(name);
    ssize_t result;

    KEEP(sock, result = in_band(getsockname(HANDLE_OF(fd), address, &name->length)));
    return (int) close_frame(name, result);
}

/* getpeername(2) */
int getpeername_keep(struct foreign_socket *sock, struct foreign_frame *name)
{
    struct sockaddr *address = open_frame(name);
    ssize_t result;

    KEEP(sock, result = in_band(getpeername(HANDLE_OF(fd), address, &name->length)));
    return (int) close_frame(name, result);
}

/* recvfrom(2) with MSG_DONTWAIT */
ssize_t recvfrom_keep(struct foreign_socket *sock, char *buffer, size_t size, int flags,
                      struct foreign_frame *from)
{
    RETURN(KEEP_RECEIVE, ssize_t, sock, receive(fd, buffer, size, flags | NO_WAIT, from));
}

/* sendto(2) with MSG_DONTWAIT */
ssize_t sendto_keep(struct foreign_socket *sock, const char *buffer, size_t size, int flags,
                    const char *address, socklen_t length)
{
    RETURN(KEEP_SEND, ssize_t, sock, send_away(fd, buffer, size, flags | NO_WAIT, address, length));
}
/* EMFILE or ENFILE, if no descriptor can be had; else 0. */
static int lacks_descriptors(void)
{
#ifdef _WIN32
    return 0;                       /* files and handles are not of one kind there */
#else
    const socket_t fd = socket_plain(AF_INET, SOCK_DGRAM, 0);

    if (fd >= 0)
        (void) close_plain(fd);
    return fd == -EMFILE || fd == -ENFILE ? (int) -fd : 0;
#endif
}
#ifndef EAI_SYSTEM
#define EAI_SYSTEM EAI_FAIL
#endif

/* Whether the resolver may have failed because it could not ask. */
static int could_not_ask(int code, int numeric)
{
    return (code == EAI_NONAME && !numeric) || code == EAI_SERVICE || code == EAI_AGAIN
        || code == EAI_FAIL || code == EAI_SYSTEM;
}

struct foreign_resolution {
    struct addrinfo *list;
    int system_error;
    int count;                      /* of the elements of the list */
};

/* getaddrinfo(3): 0, or an EAI code. */
int getaddrinfo_block(const char *node, const char *service, const struct addrinfo *hints,
                      struct foreign_resolution *found)
{
    int code, lacks;

    found->list = NULL;
    found->system_error = 0;
    GUARD(code = getaddrinfo(node, service, hints, &found->list);
          found->system_error = LAST_ERROR());
    if (code != EAI_SYSTEM || EAI_SYSTEM == EAI_FAIL)
        found->system_error = 0;
    lacks = could_not_ask(code, hints != NULL && hints->ai_flags & AI_NUMERICHOST)
        && found->system_error != EINTR ? lacks_descriptors() : 0;
    if (lacks != 0)
        found->system_error = lacks;
    found->count = 0;
    for (const struct addrinfo *at = found->list; at != NULL; at = at->ai_next)
        found->count++;
    return code;
}

/* Four numbers for each element of the list (family, type, protocol, length), and ROOM bytes. */
void copy_addresses_keep(const struct foreign_resolution *found, int *numbers, char *addresses)
{
    for (const struct addrinfo *at = found->list; at != NULL; at = at->ai_next) {
        const size_t length = at->ai_addrlen < ROOM ? (size_t) at->ai_addrlen : (size_t) ROOM;

        *numbers++ = at->ai_family;
        *numbers++ = at->ai_socktype;
        *numbers++ = at->ai_protocol;
        *numbers++ = (int) length;
        memcpy(addresses, at->ai_addr, length);
        addresses += ROOM;
    }
}
struct foreign_protocol {
    struct protoent entry;
    struct protoent *found;
};

#ifdef __GLIBC__
#define FIND(reentrant, plain) code = reentrant
#else
#define FIND(reentrant, plain) answer->found = plain; (void) strings; (void) size
#endif

static int outcome(const void *found, int code)
{
    if (code != 0 && code != ENOENT)
        return -code;
    return found == NULL ? -lacks_descriptors() : 0;
}

/* getprotobyname(3): 0 and the entry, or a null pointer, in `answer`; or an error, negative. */
int getprotobyname_block(const char *name, struct foreign_protocol *answer, char *strings,
                         size_t size)
{
    int code = 0;

    GUARD(FIND(getprotobyname_r(name, &answer->entry, strings, size, &answer->found),
               getprotobyname(name)));
    return outcome(answer->found, code);
}

/* getprotobynumber(3) */
int getprotobynumber_block(int number, struct foreign_protocol *answer, char *strings,
                           size_t size)
{
    int code = 0;

    GUARD(FIND(getprotobynumber_r(number, &answer->entry, strings, size, &answer->found),
               getprotobynumber(number)));
    return outcome(answer->found, code);
}
#ifndef _WIN32
/* getprotoent(3) */
int getprotoent_block(struct foreign_protocol *answer, char *strings, size_t size)
{
    int code = 0;

    GUARD(FIND(getprotoent_r(&answer->entry, strings, size, &answer->found),
               getprotoent()));
    return outcome(answer->found, code);
}

/* setprotoent(3) */
void setprotoent_block(int keep_alive)
{
    GUARD(setprotoent(keep_alive));
}

/* endprotoent(3) */
void endprotoent_block(void)
{
    GUARD(endprotoent());
}
#else
/* FormatMessageW: the text's length, or 0. */
int format_message_keep(int flags, int error, wchar_t *text, int size)
{
    return (int) FormatMessageW((DWORD) flags | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                                (DWORD) error, 0, text, (DWORD) size, NULL);
}

/* WSAStartup: 0, or an error. */
int winsock_start_keep(int version)
{
    WSADATA data;

    return WSAStartup((WORD) version, &data);
}
#endif
static int let_time_pass(int milliseconds)
{
#ifdef _WIN32
    Sleep((DWORD) milliseconds);
    return 0;
#else
    return (int) in_band(poll(NULL, 0, milliseconds));
#endif
}

#define URGENT 2                    /* instead of 1, for reading: wait for urgent data (§65G) */
#ifdef _WIN32
#define POLL_URGENT POLLRDBAND
#else
#define POLL_URGENT POLLPRI
#endif

static int wait_for(socket_t fd, int reading, int writing, int milliseconds)
{
#ifdef _WIN32
    WSAPOLLFD wait = {HANDLE_OF(fd), 0, 0};
#else
    struct pollfd wait = {fd, 0, 0};
#endif
    int result;

    wait.events = (short) ((reading == URGENT ? POLL_URGENT : reading ? POLLIN : 0)
        | (writing ? POLLOUT : 0));
    if (fd < 0)
        return -BAD_DESCRIPTOR;
    if (wait.events == 0)
        return let_time_pass(milliseconds);
    result = (int) in_band(poll(&wait, 1, milliseconds));
    if (result <= 0)
        return result;
    if (wait.revents & POLLNVAL)
        return -BAD_DESCRIPTOR;
    return (reading && wait.revents & (POLLIN | POLL_URGENT | POLLHUP | POLLERR) ? 1 : 0)
        + (writing && wait.revents & (POLLOUT | POLLHUP | POLLERR) ? 2 : 0);
}

/* poll(2): 1 for readable plus 2 for writable, or 0 if the time was over before. */
int poll_block(struct foreign_socket *sock, int reading, int writing, int milliseconds)
{
    RETURN_GUARD(int, sock, wait_for(fd, reading, writing, milliseconds));
}

/* The AF_... number in the header of an address. */
int address_family_keep(const struct foreign_frame *name)
{
    return name->address.ss_family;
}

#ifndef _WIN32
/* dup(2): another descriptor for the same socket, close-on-exec. */
int duplicate_block(struct foreign_socket *sock)
{
    RETURN_GUARD(int, sock, in_band(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
}

/* socketpair(2): 0, and two connected sockets, close-on-exec and non-blocking; or twice -1. */
int socketpair_block(int domain, int type, int protocol, int *pair)
{
    int result;

#ifdef SOCK_CLOEXEC
    type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
#endif
    GUARD(result = (int) in_band(socketpair(domain, type, protocol, pair)));
#ifndef SOCK_CLOEXEC
    if (result == 0) {
        result = settle(pair[0], 1);
        if (result < 0)
            (void) close_plain(pair[1]);
        else if ((result = settle(pair[1], 1)) < 0)
            (void) close_plain(pair[0]);
        else
            result = 0;
    }
#endif
    if (result < 0)                 /* Linux leaves numbers there that are nobody's any more */
        pair[0] = pair[1] = -1;
    return result;
}

/* if_nametoindex(3): the index, or an error; 0 stands for no index and no error. */
ssize_t if_nametoindex_keep(const char *name)
{
    const unsigned index = if_nametoindex(name);
    const ssize_t error = in_band(-1);

    return index != 0 ? (ssize_t) index : error == -ENOENT ? -lacks_descriptors() : error;
}
#endif
/* To be called in the child of a fork. */
void begin_era_keep(void)
{
    era = (era + 1) % ERA;
    list_is_held = 0;
    released = 0;
    for (; to_close != NULL; to_close = to_close->next)
        (void) close_plain(to_close->late);
}
struct position {
    const char *data, *address;
    const size_t *run;              /* its bytes; those of a datagram, and of the address */
    size_t runs, done;              /* the runs that are left; bytes of the first that are not */
};

struct message {
    const char *data, *address;
    size_t length, size, datagrams;
    socklen_t address_length;
};

#define GREATEST (65535 - 8 - 60)   /* bytes behind the headers of UDP and, at worst, of IP */

static struct message next_message(struct position *at, size_t most)
{
    const size_t left = at->run[0] - at->done, size = at->run[1] > 0 ? at->run[1] : left;
    struct message message = {at->data, at->address, left < size ? left : size, size, 1,
                              (socklen_t) at->run[2]};

    if (most > 1 && left > size && size <= GREATEST / 2) {
        const size_t fit = size * (GREATEST / size < most ? GREATEST / size : most);

        message.length = left < fit ? left : fit;
        message.datagrams = (message.length + size - 1) / size;
    }
    at->data += message.length;
    at->done += message.length;
    if (at->done == at->run[0]) {
        at->address += at->run[2];
        at->run += 3;
        at->runs--;
        at->done = 0;
    }
    return message;
}
#define BATCH 64U

#if defined __linux__ && defined MSG_WAITFORONE
union control {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(uint16_t))];
};

#ifdef UDP_SEGMENT
static size_t most_in_a_message(socket_t fd)
{
    int value;

    return get_option(fd, IPPROTO_UDP, UDP_SEGMENT, (char *) &value, sizeof value) < 0 ? 1 : 64;
}

static void ask_to_cut(struct msghdr *header, union control *control, size_t size)
{
    const uint16_t value = (uint16_t) size;

    memset(control, 0, sizeof *control);
    header->msg_control = control;
    header->msg_controllen = CMSG_SPACE(sizeof value);
    control->header.cmsg_level = IPPROTO_UDP;
    control->header.cmsg_type = UDP_SEGMENT;
    control->header.cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(&control->header), &value, sizeof value);
}
#else
#define most_in_a_message(fd) 1
#define ask_to_cut(header, control, size) ((void) (control))
#endif

static ssize_t send_some(socket_t fd, struct position at, size_t most, unsigned limit, int flags,
                         unsigned *tried)
{
    struct mmsghdr headers[BATCH];
    union control controls[BATCH];
    struct iovec parts[BATCH];
    unsigned n = 0;

    for (; n < limit && at.runs > 0; n++) {
        const struct message message = next_message(&at, most);
        struct msghdr *header = &headers[n].msg_hdr;

        memset(header, 0, sizeof *header);
        parts[n].iov_base = (void *) (uintptr_t) message.data;
        parts[n].iov_len = message.length;
        header->msg_iov = &parts[n];
        header->msg_iovlen = 1;
        header->msg_name = message.address_length > 0
            ? (void *) (uintptr_t) message.address : NULL;
        header->msg_namelen = message.address_length;
        if (message.datagrams > 1)
            ask_to_cut(header, &controls[n], message.size);
    }
    *tried = n;
    return in_band(sendmmsg(fd, headers, n, flags | MSG_NOSIGNAL));
}
#else
#define most_in_a_message(fd) 1

static ssize_t send_some(socket_t fd, struct position at, size_t most, unsigned limit, int flags,
                         unsigned *tried)
{
    const struct message message = next_message(&at, most);
    const char *address = message.address_length > 0 ? message.address : NULL;
    const ssize_t result = send_away(fd, message.data, message.length, flags, address,
                                     message.address_length);

    (void) limit;
    *tried = 1;
    return result < 0 ? result : 1;
}
#endif
#ifdef MSG_DONTWAIT
#define NOT_WAITING MSG_DONTWAIT
#else
#define NOT_WAITING 0
#endif

#ifdef _WIN32
#define WAS_REFUSED(error) ((void) (error), 0)
#else
#define WAS_REFUSED(error) ((error) == EINVAL || (error) == EMSGSIZE || (error) == EIO \
        || (error) == EOPNOTSUPP || (error) == ENOPROTOOPT)
#endif

static ssize_t send_many(socket_t fd, const char *data, const char *addresses, size_t *table,
                         size_t runs, int flags)
{
    struct position at = {data, addresses, table + 1, runs, 0};
    size_t most = most_in_a_message(fd), sent = 0;
    int alone = 0, going_on = 1;

    table[0] = 0;
    while (at.runs > 0 && going_on) {
        struct position ahead = at;
        const size_t datagrams = next_message(&ahead, most).datagrams;
        unsigned tried;
        ssize_t result = send_some(fd, at, most, alone ? 1U : BATCH,
                                   alone ? flags | NOT_WAITING : flags, &tried);

        if (result < 0 && datagrams > 1 && WAS_REFUSED(-result)) {
            most = 1;
            alone = 0;
        } else if (result < 0) {
            table[0] = (size_t) -result;
            going_on = 0;
        } else {
            going_on = !alone;
            alone = (size_t) result < tried;
            for (; result > 0; result--)
                sent += next_message(&at, most).datagrams;
        }
    }
    return sent > 0 || table[0] == 0 ? (ssize_t) sent : -(ssize_t) table[0];
}

/* sendmmsg(2) with MSG_DONTWAIT: how many datagrams were sent; what ended it, in table[0]. */
ssize_t sendmmsg_keep(struct foreign_socket *sock, const char *data, const char *addresses,
                      size_t *table, size_t runs, int flags)
{
    RETURN(KEEP_SEND, ssize_t, sock, send_many(fd, data, addresses, table, runs, flags | NO_WAIT));
}

/* sendmmsg(2) */
ssize_t sendmmsg_block(struct foreign_socket *sock, const char *data, const char *addresses,
                       size_t *table, size_t runs, int flags)
{
    RETURN_GUARD(ssize_t, sock, send_many(fd, data, addresses, table, runs, flags));
}
struct foreign_run {
    size_t start, length, size;     /* where in the data, how much, how much of it at a time */
    int error;                      /* of the first run: what came after the last, or 0 */
    int truncated;                  /* whether they were longer than `size` */
    struct foreign_frame source;
};

static void cut(char *data, struct foreign_run *run, size_t size)
{
    size_t kept = 0;

    if (run->size <= size)
        return;
    for (size_t at = 0; at < run->length; at += run->size) {
        const size_t left = run->length - at, piece = left < size ? left : size;

        memmove(data + run->start + kept, data + run->start + at, piece);
        kept += piece;
    }
    run->length = kept;
    run->size = size;
    run->truncated = 1;
}

static int goes_on(const struct foreign_run *last, const struct foreign_run *run)
{
    return run->size > 0 && last->size > 0 && last->length % last->size == 0
        && (run->size == last->size || (run->size < last->size && run->length == run->size))
        && run->truncated == last->truncated && run->source.length == last->source.length
        && memcmp(&run->source.address, &last->source.address,
                  (size_t) run->source.length) == 0;
}

/* Add the run behind the `count` that there are, and return how many there are then. */
static size_t add_run(char *data, struct foreign_run *runs, size_t count, size_t size)
{
    struct foreign_run *run = &runs[count], *last = run - 1;

    cut(data, run, size);
    if (count == 0 || !goes_on(last, run))
        return count + 1;
    memmove(data + last->start + last->length, data + run->start, run->length);
    last->length += run->length;
    return count;
}
static ssize_t receive_run(socket_t fd, char *data, size_t room, int flags,
                           struct foreign_run *run)
{
#ifdef _WIN32
    struct sockaddr *address = open_frame(&run->source);
    ssize_t result = in_band(recvfrom(HANDLE_OF(fd), data + run->start, IO_SIZE(room), flags,
                                      address, &run->source.length));
    const int size = 0;

    run->truncated = result == -WSAEMSGSIZE;
    if (run->truncated)
        result = (ssize_t) room;
#else
    union { struct cmsghdr header; char room[256]; } control;
    struct iovec part = {data + run->start, room};
    struct msghdr header = {
        .msg_name = open_frame(&run->source), .msg_namelen = ROOM, .msg_iov = &part,
        .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
    };
    const ssize_t result = in_band(recvmsg(fd, &header, flags));
    int size = 0;

    run->source.length = header.msg_namelen;
    run->truncated = (header.msg_flags & MSG_TRUNC) != 0;
#ifdef UDP_GRO
    for (struct cmsghdr *told = result < 0 ? NULL : CMSG_FIRSTHDR(&header); told != NULL;
         told = CMSG_NXTHDR(&header, told))
        if (told->cmsg_level == IPPROTO_UDP && told->cmsg_type == UDP_GRO)
            memcpy(&size, CMSG_DATA(told), sizeof size);
#endif
#endif
    (void) close_frame(&run->source, result);
    run->length = (size_t) result < room ? (size_t) result : room;
    run->size = size > 0 ? (size_t) size : run->length;
    return result;
}

static int has_an_end(socket_t fd)
{
    int type = 0;

    return get_option(fd, SOL_SOCKET, SO_TYPE, (char *) &type, sizeof type) > 0
        && type == SOCK_SEQPACKET;
}

static ssize_t receive_each(socket_t fd, char *data, size_t room, size_t message, size_t size,
                            struct foreign_run *runs, size_t count, int flags)
{
    size_t datagrams = 0, n = 0, used = 0;
    ssize_t result = 0;
    int ended;

    while (datagrams < count && room - used >= message) {
        struct foreign_run *run = &runs[n];

        run->start = used;
        result = receive_run(fd, data, message, flags, run);
        if (result < 0)
            break;
        datagrams += run->size > 0 ? (run->length + run->size - 1) / run->size : 1;
        ended = result == 0 && has_an_end(fd);
        n = add_run(data, runs, n, size);
        used = runs[n - 1].start + runs[n - 1].length;
        flags |= NOT_WAITING;
        if (ended || (NOT_WAITING == 0 && wait_for(fd, 1, 0, 0) != 1))
            break;
    }
    if (n > 0)
        runs->error = result < 0 ? (int) -result : 0;
    return n > 0 ? (ssize_t) n : result;
}
#if defined __linux__ && defined MSG_WAITFORONE
static ssize_t receive_batches(socket_t fd, char *data, size_t size, struct foreign_run *runs,
                               size_t count, int flags)
{
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    size_t done = 0, n = 0;
    unsigned limit;
    int result;

    do {
        limit = count - done < BATCH ? (unsigned) (count - done) : BATCH;
        for (unsigned i = 0; i < limit; i++) {
            struct msghdr *header = &headers[i].msg_hdr;

            memset(header, 0, sizeof *header);
            parts[i].iov_base = data + (done + i) * size;
            parts[i].iov_len = size;
            header->msg_iov = &parts[i];
            header->msg_iovlen = 1;
            header->msg_name = open_frame(&runs[done + i].source);
            header->msg_namelen = ROOM;
        }
        result = (int) in_band(recvmmsg(fd, headers, limit, flags | MSG_WAITFORONE, NULL));
        for (int i = 0; i < result; i++) {
            struct foreign_run *run = &runs[n];

            if (n < done + (size_t) i)
                run->source = runs[done + (size_t) i].source;
            run->source.length = headers[i].msg_hdr.msg_namelen;
            (void) close_frame(&run->source, 0);
            run->start = (done + (size_t) i) * size;
            run->length = run->size = headers[i].msg_len < size ? headers[i].msg_len : size;
            run->truncated = (headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
            n = add_run(data, runs, n, size);
        }
        done += result > 0 ? (size_t) result : 0;
        flags |= MSG_DONTWAIT;
    } while (result == (int) limit && done < count);
    if (n > 0)
        runs->error = result < 0 ? -result : 0;
    return n > 0 ? (ssize_t) n : result;
}

static ssize_t receive_many(socket_t fd, char *data, size_t room, size_t size,
                            struct foreign_run *runs, size_t count, int flags)
{
#ifdef UDP_GRO
    int joined = 0;
    const int known = get_option(fd, IPPROTO_UDP, UDP_GRO, (char *) &joined, sizeof joined);

    if (known > 0)
        return joined ? receive_each(fd, data, room, 65536, size, runs, count, flags)
            : receive_batches(fd, data, size, runs, count, flags);
#endif
    if (has_an_end(fd))
        return receive_each(fd, data, room, size, size, runs, count, flags);
    return receive_batches(fd, data, size, runs, count, flags);
}
#else
static ssize_t receive_many(socket_t fd, char *data, size_t room, size_t size,
                            struct foreign_run *runs, size_t count, int flags)
{
    return receive_each(fd, data, room, size, size, runs, count, flags);
}
#endif

/* recvmmsg(2) with MSG_DONTWAIT: how many runs; why there were no more, in runs->error. */
ssize_t recvmmsg_keep(struct foreign_socket *sock, char *data, size_t room, size_t size,
                      struct foreign_run *runs, size_t count, int flags)
{
    RETURN(KEEP_RECEIVE, ssize_t, sock, receive_many(fd, data, room, size, runs, count,
        flags | NO_WAIT));
}

/* recvmmsg(2) */
ssize_t recvmmsg_block(struct foreign_socket *sock, char *data, size_t room, size_t size,
                       struct foreign_run *runs, size_t count, int flags)
{
    RETURN_GUARD(ssize_t, sock, receive_many(fd, data, room, size, runs, count, flags));
}
#ifdef _WIN32
double clock_keep(void)
{
    return 0;
}

static int rest_of_limit(socket_t fd, int writing, double since)
{
    (void) fd, (void) writing, (void) since;
    return -1;
}

static int has_limit(socket_t fd)
{
    (void) fd;
    return 0;
}
#else
static double limit_of(socket_t fd, int writing)
{
    struct timeval limit = {0, 0};

    (void) get_option(fd, SOL_SOCKET, writing ? SO_SNDTIMEO : SO_RCVTIMEO, (char *) &limit,
                      sizeof limit);
    return (double) limit.tv_sec + (double) limit.tv_usec / 1e6;
}

static int has_limit(socket_t fd)
{
    return limit_of(fd, 0) > 0 || limit_of(fd, 1) > 0;
}

/* The time in seconds; or 0, where no limit is used. */
double clock_keep(void)
{
    struct timespec now;

    if (!limits_are_used || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* How many milliseconds of the socket's time-out are left, or -1 if it has none. */
static int rest_of_limit(socket_t fd, int writing, double since)
{
    const double limit = since > 0 ? limit_of(fd, writing) : 0;
    const double rest = (since + limit - clock_keep()) * 1000;

    if (limit <= 0)
        return -1;
    return rest <= 0 ? 0 : rest < INT_MAX ? (int) rest + 1 : INT_MAX;
}
#endif

static int wait_for_rest(socket_t fd, int writing, double since)
{
    const int rest = rest_of_limit(fd, writing, since);
    int result;

    if (rest < 0 || get_mode(fd) != 0)
        return 1;
    result = rest > 0 ? wait_for(fd, !writing, writing, rest) : 0;
    return result == 0 ? -EAGAIN : result;
}

/* After an interruption: 1 when the call is to be made again, or an error; EAGAIN is too late. */
int wait_for_rest_block(struct foreign_socket *sock, int writing, double since)
{
    RETURN_GUARD(int, sock, wait_for_rest(fd, writing, since));
}

static int await_connect(socket_t fd, double since)
{
    const int rest = get_mode(fd) == 1 ? 0 : rest_of_limit(fd, 1, since);
    int error = 0, result = wait_for(fd, 0, 1, rest);

    if (result == 0)
        return -EAGAIN;
    if (result > 0)
        result = get_option(fd, SOL_SOCKET, SO_ERROR, (char *) &error, sizeof error);
    return result < 0 ? result : -error;
}

/* Wait for a connect that goes on, and return how it ended: 0 or its error; EAGAIN is too late. */
int connect_wait_block(struct foreign_socket *sock, double since)
{
    RETURN_GUARD(int, sock, await_connect(fd, since));
}

/* What is to be known of the options of a descriptor from elsewhere. */
void note_options_keep(socket_t fd)
{
    if (low_water(fd) > 1)
        marks_are_used = 1;
    if (has_limit(fd))
        limits_are_used = 1;
}
#ifndef _WIN32
#define CONTROL_ROOM 4096

struct foreign_control {
    union {
        _Alignas(struct cmsghdr) char bytes[CONTROL_ROOM];
        int descriptors[CONTROL_ROOM / sizeof(int)];
    };
    size_t length;                  /* how many bytes are filled */
    int flags, items;
};

/* Whether there is one more: its level, its type, where its bytes begin, and how many they are. */
static int next_item(struct foreign_control *control, size_t *at, int *item)
{
    struct cmsghdr header;
    size_t left = control->length < *at ? 0 : control->length - *at, size;

    if (left < CMSG_LEN(0))
        return 0;
    memcpy(&header, control->bytes + *at, sizeof header);
    if (header.cmsg_len < CMSG_LEN(0))
        return 0;
    left -= CMSG_LEN(0);
    size = header.cmsg_len - CMSG_LEN(0);
    size = size < left ? size : left;
    item[0] = header.cmsg_level;
    item[1] = header.cmsg_type;
    item[2] = (int) (*at + CMSG_LEN(0));
    item[3] = (int) size;
    *at += CMSG_SPACE(size);
    return 1;
}

static int is_rights(const int *item)
{
    return item[0] == SOL_SOCKET && item[1] == SCM_RIGHTS;
}

/* Take the descriptors that are left at these places: how many there were. */
static int take_some(struct foreign_control *control, int first, int count, int *taken)
{
    const int most = (int) (sizeof control->descriptors / sizeof(int));
    int number = 0;

    for (int i = first < 0 ? 0 : first; i < most && i - first < count; i++) {
        const int fd = LOOK(&control->descriptors[i]);

        if (fd >= 0 && SWAP(&control->descriptors[i], fd, -1))
            taken[number++] = fd;
    }
    return number;
}

/* Move a descriptor from its place into an empty structure, if it is still there: whether it is. */
int move_descriptor_keep(struct foreign_control *control, int place, int fd,
                         struct foreign_socket *owner)
{
    const int moved = SWAP(&control->descriptors[place], fd, -1);

    if (moved)
        PUT(&owner->fd, fd);
    return moved;
}

static void close_taken(const int *taken, int number)
{
    while (number-- > 0)
        (void) close_plain(*taken++);
}

/* close(2), for the descriptors that are left at these places */
void close_descriptors_block(struct foreign_control *control, int first, int count)
{
    int taken[CONTROL_ROOM / sizeof(int)];
    const int number = take_some(control, first, count, taken);

    GUARD(close_taken(taken, number));
}

/* close(2), for all that are left in a control that nobody can reach any more */
void drop_control_block(struct foreign_control *control)
{
    int item[4], taken[CONTROL_ROOM / sizeof(int)], number = 0;

    for (size_t at = 0; next_item(control, &at, item);)
        if (is_rights(item))
            number += take_some(control, item[2] / (int) sizeof(int), item[3] / (int) sizeof(int),
                                taken + number);
    if (number > 0)
        GUARD(close_taken(taken, number));
}
static ssize_t lay_out(struct foreign_control *control, const char *data, const int *table,
                       int count)
{
    size_t at = 0;

    for (; count > 0; count--, table += 3) {
        const size_t size = (size_t) table[2];
        struct cmsghdr *header = (void *) (control->bytes + at);

        if (size > CONTROL_ROOM || CMSG_SPACE(size) > CONTROL_ROOM - at)
            return -ENOBUFS;
        memset(header, 0, CMSG_SPACE(size));
        header->cmsg_level = table[0];
        header->cmsg_type = table[1];
        header->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(header), data, size);
        data += size;
        at += CMSG_SPACE(size);
    }
    control->length = at;
    return 0;
}

static struct msghdr make_header(struct iovec *parts, size_t count, const char *address,
                                 socklen_t length, struct foreign_control *control)
{
    struct msghdr header;

    memset(&header, 0, sizeof header);
    header.msg_iov = parts;
    header.msg_iovlen = count;
    header.msg_name = length > 0 ? (void *) (uintptr_t) address : NULL;
    header.msg_namelen = length;
    header.msg_control = control->length > 0 ? control->bytes : NULL;
    header.msg_controllen = control->length;
    return header;
}

static size_t size_of_parts(const struct iovec *parts, size_t count)
{
    size_t size = 0;

    while (count-- > 0)
        size += parts++->iov_len;
    return size;
}

static ssize_t send_header(socket_t fd, const struct msghdr *header, int flags)
{
    return in_band(sendmsg(fd, header, flags | MSG_NOSIGNAL));
}

#if defined MSG_DONTWAIT && !defined __APPLE__
static void skip_parts(struct msghdr *header, size_t size)
{
    if (size > 0) {
        header->msg_control = NULL;
        header->msg_controllen = 0;
    }
    while (size > 0) {
        struct iovec *part = header->msg_iov;
        const size_t step = size < part->iov_len ? size : part->iov_len;

        part->iov_base = (char *) part->iov_base + step;
        part->iov_len -= step;
        size -= step;
        if (part->iov_len == 0) {
            header->msg_iov++;
            header->msg_iovlen--;
        }
    }
}

/* Whether that was all. `part` is how many bytes the kernel has taken, or an error. */
static int send_header_at_once(socket_t fd, struct msghdr *header, int flags, ssize_t *part)
{
    const size_t size = size_of_parts(header->msg_iov, (size_t) header->msg_iovlen);

    *part = 0;
    if (size < LONG_COPY && flags == 0) {
        const ssize_t result = send_header(fd, header, MSG_DONTWAIT);

        if (result != -EAGAIN && result != -EWOULDBLOCK) {
            *part = result;
            if (result < 0 || (size_t) result == size)
                return 1;
            skip_parts(header, (size_t) result);
        }
    }
    return 0;
}
#else
#define send_header_at_once(fd, header, flags, part) ((void) (fd), *(part) = 0)
#endif

/* sendmsg(2) with MSG_DONTWAIT */
ssize_t sendmsg_keep(struct foreign_socket *sock, struct iovec *parts, size_t count,
                     const char *address, socklen_t length, const char *data, const int *table,
                     int items, int flags)
{
    struct foreign_control control;
    ssize_t result = lay_out(&control, data, table, items);
    struct msghdr header;

    if (result < 0)
        return result;
    header = make_header(parts, count, address, length, &control);
    KEEP_SEND(sock, result = send_header(fd, &header, flags | NO_WAIT));
    return result;
}

/* sendmsg(2): the number of bytes taken; never a SIGPIPE. */
ssize_t sendmsg_block(struct foreign_socket *sock, struct iovec *parts, size_t count,
                      const char *address, socklen_t length, const char *data, const int *table,
                      int items, int flags)
{
    struct foreign_control control;
    ssize_t result = lay_out(&control, data, table, items), part;
    struct msghdr header;
    int done;

    if (result < 0)
        return result;
    header = make_header(parts, count, address, length, &control);
    KEEP(sock, done = send_header_at_once(fd, &header, flags, &part));
    if (done)
        return part;
    SOCKET_GUARD(sock, result = send_header(fd, &header, flags));
    return part > 0 ? part + (result > 0 ? result : 0) : result;
}
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

/* Level, type, beginning and size of each item, into a table that has room for all. */
static int list_items(struct foreign_control *control, int *table)
{
    int count = 0;

    for (size_t at = 0; next_item(control, &at, table + 4 * count); count++)
        if (MSG_CMSG_CLOEXEC == 0 && is_rights(table + 4 * count))
            for (int i = 0; i < table[4 * count + 3] / (int) sizeof(int); i++)
                (void) fcntl(control->descriptors[table[4 * count + 2] / (int) sizeof(int) + i],
                             F_SETFD, FD_CLOEXEC);
    return count;
}

static ssize_t receive_header(socket_t fd, struct iovec *parts, size_t count,
                              struct foreign_frame *from, struct foreign_control *control,
                              size_t room, int *table, int flags)
{
    struct msghdr header;
    ssize_t result;

    control->length = room < CONTROL_ROOM ? room : CONTROL_ROOM;
    header = make_header(parts, count, (const char *) open_frame(from), ROOM, control);
    control->length = 0;
    result = in_band(recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC));
    if (result >= 0 && header.msg_control != NULL)
        control->length = header.msg_controllen < room ? header.msg_controllen : room;
    control->flags = header.msg_flags & ~MSG_CMSG_CLOEXEC;
    control->items = list_items(control, table);
    from->length = header.msg_namelen;
    return close_frame(from, result);
}

/* recvmsg(2) with MSG_DONTWAIT */
ssize_t recvmsg_keep(struct foreign_socket *sock, struct iovec *parts, size_t count,
                     struct foreign_frame *from, struct foreign_control *control, size_t room,
                     int *table, int flags)
{
    RETURN(KEEP_RECEIVE, ssize_t, sock, receive_header(fd, parts, count, from, control, room,
        table, flags | NO_WAIT));
}

/* recvmsg(2): the number of bytes received, with all that the kernel tells besides. */
ssize_t recvmsg_block(struct foreign_socket *sock, struct iovec *parts, size_t count,
                      struct foreign_frame *from, struct foreign_control *control, size_t room,
                      int *table, int flags)
{
    ssize_t result = -EWOULDBLOCK;

#ifdef MSG_DONTWAIT
    if (size_of_parts(parts, count) < LONG_COPY && !(flags & (MSG_WAITALL | MSG_DONTWAIT)))
        KEEP(sock, result = marks_are_used && low_water(fd) > 1 ? -EWOULDBLOCK
             : receive_header(fd, parts, count, from, control, room, table,
                              flags | MSG_DONTWAIT));
    if (result != -EAGAIN && result != -EWOULDBLOCK)
        return result;
#endif
    SOCKET_GUARD(sock, result = receive_header(fd, parts, count, from, control, room, table,
                                               flags));
    return result;
}
#endif
#if defined __APPLE__
static ssize_t send_part(socket_t fd, int file, off_t offset, size_t count)
{
    off_t length = (off_t) count;
    const ssize_t result = in_band(sendfile(file, fd, offset, &length, NULL, 0));

    return length > 0 ? (ssize_t) length : result;
}
#elif defined __FreeBSD__
static ssize_t send_part(socket_t fd, int file, off_t offset, size_t count)
{
    off_t length = 0;
    const ssize_t result = in_band(sendfile(file, fd, offset, count, NULL, &length, 0));

    return length > 0 ? (ssize_t) length : result;
}
#elif defined __linux__
static ssize_t send_part(socket_t fd, int file, off_t offset, size_t count)
{
    const struct timespec at_once = {0, 0};
    sigset_t broken, before, pending;
    ssize_t result;

    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    sigemptyset(&pending);
    (void) sigpending(&pending);
    (void) pthread_sigmask(SIG_BLOCK, &broken, &before);
    result = in_band(sendfile(fd, file, &offset, count));
    if (result == -EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&broken, NULL, &at_once) < 0 && errno == EINTR)
            ;
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}
#elif !defined _WIN32
static ssize_t send_part(socket_t fd, int file, off_t offset, size_t count)
{
    (void) fd, (void) file, (void) offset, (void) count;
    return -ENOSYS;
}
#endif

#ifndef _WIN32
/* sendfile(2): how many bytes of the file were sent, from `offset` on; 0 at its end. */
ssize_t sendfile_block(struct foreign_socket *sock, int file, long long offset, size_t count)
{
    ssize_t result = -EOVERFLOW;

    if ((off_t) offset == offset)
        SOCKET_GUARD(sock, result = send_part(fd, file, (off_t) offset, count));
    return result;
}
#endif
#if defined __APPLE__ || defined __FreeBSD__ || defined __NetBSD__ || defined __OpenBSD__ \
    || defined __DragonFly__
#define ADDRESS_HAS_LENGTH 1
#endif

void address_header_keep(void *address, int family, socklen_t length)
{
    struct sockaddr *header = address;

#ifdef ADDRESS_HAS_LENGTH
    header->sa_len = (unsigned char) length;
#else
    (void) length;
#endif
    header->sa_family = (unsigned char) family;
}
struct foreign_service {
    struct servent entry;
    struct servent *found;
};

/* getservbyname(3): 0 and the entry, or a null pointer, in `answer`; or an error, negative. */
int getservbyname_block(const char *name, const char *protocol, struct foreign_service *answer,
                        char *strings, size_t size)
{
    int code = 0;

    GUARD(FIND(getservbyname_r(name, protocol, &answer->entry, strings, size, &answer->found),
               getservbyname(name, protocol)));
    return outcome(answer->found, code);
}

/* getservbyport(3) */
int getservbyport_block(int port, const char *protocol, struct foreign_service *answer,
                        char *strings, size_t size)
{
    int code = 0;

    GUARD(FIND(getservbyport_r(port, protocol, &answer->entry, strings, size, &answer->found),
               getservbyport(port, protocol)));
    return outcome(answer->found, code);
}
struct foreign_names {
    char host[1025], service[1025];     /* NI_MAXHOST; and a path may be a service */
    int system_error;
};

static int is_number(const char *text)
{
    return strchr(text, ':') != NULL || text[strspn(text, "0123456789.")] == '\0';
}

/* getnameinfo(3): 0, or an EAI code. */
int getnameinfo_block(const char *address, socklen_t length, int flags,
                      struct foreign_names *found)
{
    int code, doubt, lacks;

    GUARD(code = getnameinfo((const void *) address, length, found->host, sizeof found->host,
                             found->service, sizeof found->service, flags);
          found->system_error = LAST_ERROR());
    if (code != EAI_SYSTEM || EAI_SYSTEM == EAI_FAIL)
        found->system_error = 0;
    doubt = code != 0 ? could_not_ask(code, 0) && found->system_error != EINTR
        : (!(flags & NI_NUMERICHOST) && is_number(found->host))
            || (!(flags & NI_NUMERICSERV) && is_number(found->service));
    lacks = doubt ? lacks_descriptors() : 0;
    if (lacks != 0)
        found->system_error = lacks;
    return code == 0 && lacks != 0 ? EAI_FAIL : code;
}
/* gethostname(2) */
int gethostname_keep(char *name, int size)
{
    return (int) in_band(gethostname(name, (io_size) size));
}

struct foreign_interface {
    unsigned index;
    char name[256];                 /* IF_NAMESIZE, where that is greatest */
};

#ifndef _WIN32
static ssize_t list_interfaces(struct foreign_interface *found, size_t room)
{
    struct if_nameindex *list = if_nameindex();
    const ssize_t error = in_band(-1);
    size_t n = 0;

    if (list == NULL)
        return error;
    for (; list[n].if_index != 0; n++)
        if (n < room) {
            found[n].index = list[n].if_index;
            memcpy(found[n].name, list[n].if_name, strlen(list[n].if_name) + 1);
        }
    if_freenameindex(list);
    return (ssize_t) n;
}

/* if_nameindex(3): how many interfaces there are, as many of them in `found` as have room. */
ssize_t if_nameindex_block(struct foreign_interface *found, size_t room)
{
    ssize_t result;

    GUARD(result = list_interfaces(found, room));
    return result;
}

/* if_indextoname(3): 1 and the name, or an error. */
int if_indextoname_keep(unsigned index, struct foreign_interface *found)
{
    return if_indextoname(index, found->name) != NULL ? 1 : (int) in_band(-1);
}
#endif
