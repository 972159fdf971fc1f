/* The clients that the servers are measured with, and a server with nothing but epoll.
 *
 *     load serve KIND WHERE                                  prints where it is
 *     load ask KIND WHERE CLIENTS SIZE SECONDS PID           prints three numbers:
 *         requests, and the nanoseconds that passed and that the process PID computed meanwhile
 *
 * KIND is tcp, unix, udp, http or churn.  Each client has one request under way: so many bytes,
 * which come back, or with http a page.  With churn each request has a connection of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536, EVENTS = 64 };

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\n"
                              "Accept: */*\r\n\r\n";
static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                           "Content-Length: 15\r\n\r\nHello, sockets.";
static char room[ROOM];
static int datagrams, pages, churns, all;

static long check(long result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static long long now(clockid_t clock)
{
    struct timespec time;

    check(clock_gettime(clock, &time), "clock_gettime");
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void watch(int fd, int one)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = one};

    check(epoll_ctl(fd, EPOLL_CTL_ADD, one, &event), "epoll_ctl");
}

/* A path begins with a slash; else it is an IPv4 address and a port. */
static socklen_t read_place(const char *text, struct sockaddr_storage *place)
{
    struct sockaddr_un *local = (struct sockaddr_un *) place;
    struct sockaddr_in *inet = (struct sockaddr_in *) place;
    char host[16];
    unsigned short port;

    memset(place, 0, sizeof *place);
    if (text[0] == '/') {
        local->sun_family = AF_UNIX;
        strncpy(local->sun_path, text, sizeof local->sun_path - 1);
        return sizeof *local;
    }
    if (sscanf(text, "%15[0-9.]:%hu", host, &port) != 2)
        exit(2);
    inet->sin_family = AF_INET;
    inet->sin_port = htons(port);
    inet_pton(AF_INET, host, &inet->sin_addr);
    return sizeof *inet;
}

/* How many events there are. A server that was stopped for a while is interrupted (signal(7)). */
static int wait_for(struct epoll_event *events, int milliseconds)
{
    const int count = epoll_wait(all, events, EVENTS, milliseconds);

    return count < 0 && errno == EINTR ? 0 : (int) check(count, "epoll_wait");
}

static int open_socket(const struct sockaddr_storage *place, int flags)
{
    return (int) check(socket(place->ss_family, (datagrams ? SOCK_DGRAM : SOCK_STREAM)
                              | SOCK_CLOEXEC | flags, 0), "socket");
}

/* The server. */

static void echo_datagrams(int fd)
{
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t count;

    while ((count = recvfrom(fd, room, ROOM, 0, (struct sockaddr *) &from, &length)) >= 0)
        check(sendto(fd, room, (size_t) count, 0, (struct sockaddr *) &from, length), "sendto");
    if (errno != EAGAIN)
        check(-1, "recvfrom");
}

static void answer(int fd)
{
    const ssize_t count = recv(fd, room, ROOM, 0);

    if (count <= 0 || send(fd, pages ? page : room, pages ? sizeof page - 1 : (size_t) count,
                           MSG_NOSIGNAL) < 0)
        close(fd);
}

static void serve(const char *where)
{
    struct sockaddr_storage place;
    socklen_t length = read_place(where, &place);
    const int server = open_socket(&place, SOCK_NONBLOCK);
    struct epoll_event events[EVENTS];
    char host[16];

    all = (int) check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    check(bind(server, (struct sockaddr *) &place, length), "bind");
    if (!datagrams)
        check(listen(server, 128), "listen");
    watch(all, server);
    if (place.ss_family == AF_INET) {
        struct sockaddr_in *inet = (struct sockaddr_in *) &place;

        check(getsockname(server, (struct sockaddr *) inet, &length), "getsockname");
        printf("%s:%d\n", inet_ntop(AF_INET, &inet->sin_addr, host, sizeof host),
               ntohs(inet->sin_port));
    } else
        printf("%s\n", where);
    fflush(stdout);
    for (;;) {
        const int count = wait_for(events, -1);

        for (int i = 0; i < count; i++)
            if (events[i].data.fd != server)
                answer(events[i].data.fd);
            else if (datagrams)
                echo_datagrams(server);
            else
                watch(all, (int) check(accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
                                       "accept4"));
    }
}

/* The clients. */

static struct sockaddr_storage server;
static socklen_t server_length;
static size_t size, missing[ROOM];  /* how much of the answer is to come, by descriptor */

static void ask(int fd)
{
    const char *data = pages ? request : room;

    missing[fd] = pages ? sizeof page - 1 : size;
    check(send(fd, data, pages ? sizeof request - 1 : size, MSG_NOSIGNAL), "send");
}

static void begin(void)
{
    const int fd = open_socket(&server, 0);

    check(connect(fd, (struct sockaddr *) &server, server_length), "connect");
    watch(all, fd);
    ask(fd);
}

/* How many requests are done: one, or none yet. */
static int go_on(int fd)
{
    const ssize_t count = recv(fd, room, ROOM, MSG_DONTWAIT);

    check(count > 0 || (count < 0 && errno == EAGAIN) ? 0 : -1, "recv");
    missing[fd] -= count > 0 ? (size_t) count : 0;
    if (missing[fd] > 0)
        return 0;
    if (churns) {
        close(fd);
        begin();
    } else
        ask(fd);
    return 1;
}

static long requests_until(long long end)
{
    struct epoll_event events[EVENTS];
    long done = 0;

    while (now(CLOCK_MONOTONIC) < end) {
        const int count = wait_for(events, 100);

        for (int i = 0; i < count; i++)
            done += go_on(events[i].data.fd);
    }
    return done;
}

/* Waits longer for the first, which only a server that is dead never answers. */
static long requests_in(double seconds)
{
    long done = 0;

    for (int patience = 100; done == 0 && patience > 0; patience--)
        done = requests_until(now(CLOCK_MONOTONIC) + (long long) (seconds * 1e9));
    return done;
}

static void ask_server(int clients, double seconds, pid_t pid)
{
    clockid_t computing;
    long long began, computed;
    long done;

    if (clock_getcpuclockid(pid, &computing) != 0)
        exit(1);
    all = (int) check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    while (clients-- > 0)
        begin();
    requests_in(seconds / 10);      /* to warm up */
    computed = now(computing);
    began = now(CLOCK_MONOTONIC);
    done = requests_in(seconds);
    printf("%ld %lld %lld\n", done, now(CLOCK_MONOTONIC) - began, now(computing) - computed);
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    datagrams = strcmp(arguments[2], "udp") == 0;
    pages = strcmp(arguments[2], "http") == 0;
    churns = strcmp(arguments[2], "churn") == 0;
    if (count == 4)
        serve(arguments[3]);
    if (count != 8)
        return 2;
    server_length = read_place(arguments[3], &server);
    size = (size_t) atol(arguments[5]);
    ask_server(atoi(arguments[4]), atof(arguments[6]), (pid_t) atol(arguments[7]));
    return 0;
}
