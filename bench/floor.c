/* What is measured, done in C: nothing that a Python program calls can be faster.
 *
 * Each function does its work `count` times and returns how many nanoseconds of the process's
 * time that took, or -1 and a message if something went wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define TRY(call) do { \
        if ((call) < 0) { \
            perror(#call); \
            return -1; \
        } \
    } while (0)

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int bound(int domain, int type)
{
    struct sockaddr_in inet = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};     /* no path: Linux gives it a name */
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    TRY(fd);
    if (domain == AF_INET)
        TRY(bind(fd, (struct sockaddr *) &inet, sizeof inet));
    else
        TRY(bind(fd, (struct sockaddr *) &local, sizeof local.sun_family));
    return fd;
}

long long datagrams(int count)
{
    struct sockaddr_in to, from;
    socklen_t length = sizeof to;
    char data[64] = {0}, room[2048];
    int one = bound(AF_INET, SOCK_DGRAM), other = bound(AF_INET, SOCK_DGRAM);
    long long began;

    TRY(getsockname(other, (struct sockaddr *) &to, &length));
    began = now();
    while (count-- > 0) {
        length = sizeof from;
        TRY(sendto(one, data, sizeof data, 0, (struct sockaddr *) &to, sizeof to));
        TRY(recvfrom(other, room, sizeof room, 0, (struct sockaddr *) &from, &length));
    }
    began = now() - began;
    close(one);
    close(other);
    return began;
}

/* Sixty-four in a call, without offload. */
long long many_datagrams(int count)
{
    enum { MANY = 64 };
    static struct mmsghdr out[MANY], in[MANY];
    static struct sockaddr_in from[MANY];
    static struct iovec sent[MANY], got[MANY];
    static char data[64], room[MANY][64];
    struct sockaddr_in to;
    socklen_t length = sizeof to;
    int one = bound(AF_INET, SOCK_DGRAM), other = bound(AF_INET, SOCK_DGRAM);
    long long began;

    TRY(getsockname(other, (struct sockaddr *) &to, &length));
    for (int i = 0; i < MANY; i++) {
        sent[i] = (struct iovec) {data, sizeof data};
        got[i] = (struct iovec) {room[i], sizeof room[i]};
        out[i].msg_hdr = (struct msghdr) {.msg_name = &to, .msg_namelen = length,
                                          .msg_iov = &sent[i], .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr) {.msg_name = &from[i], .msg_iov = &got[i],
                                         .msg_iovlen = 1};
    }
    began = now();
    while (count-- > 0) {
        for (int i = 0; i < MANY; i++)
            in[i].msg_hdr.msg_namelen = sizeof from[i];
        if (sendmmsg(one, out, MANY, 0) != MANY || recvmmsg(other, in, MANY, 0, NULL) != MANY)
            return -1;
    }
    began = now() - began;
    close(one);
    close(other);
    return began;
}

long long stream(int count)
{
    struct sockaddr_un from;
    socklen_t length;
    char room[2048];
    int pair[2];
    long long began;

    TRY(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    began = now();
    while (count-- > 0)
        for (int way = 0; way < 2; way++) {
            length = sizeof from;
            TRY(sendto(pair[way], "x", 1, 0, NULL, 0));
            TRY(recvfrom(pair[1 - way], room, sizeof room, 0, (struct sockaddr *) &from, &length));
        }
    began = now() - began;
    close(pair[0]);
    close(pair[1]);
    return began;
}

long long nothing_yet(int count)
{
    struct sockaddr_in from;
    socklen_t length;
    char room[2048];
    int fd = bound(AF_INET, SOCK_DGRAM);
    long long began = now();

    while (count-- > 0) {
        length = sizeof from;
        if (recvfrom(fd, room, sizeof room, 0, (struct sockaddr *) &from, &length) >= 0
            || errno != EAGAIN)
            return -1;
    }
    began = now() - began;
    close(fd);
    return began;
}

static long long connections(int domain, int count)
{
    struct sockaddr_storage to, from;
    socklen_t length = sizeof to, room;
    int listener = bound(domain, SOCK_STREAM);
    long long began;

    TRY(listen(listener, 8));
    TRY(getsockname(listener, (struct sockaddr *) &to, &length));
    began = now();
    while (count-- > 0) {
        int client = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

        TRY(client);
        TRY(connect(client, (struct sockaddr *) &to, length));
        room = sizeof from;
        TRY(server = accept4(listener, (struct sockaddr *) &from, &room, SOCK_CLOEXEC));
        TRY(close(client));
        TRY(close(server));
    }
    began = now() - began;
    close(listener);
    return began;
}

long long tcp_connections(int count)
{
    return connections(AF_INET, count);
}

long long unix_connections(int count)
{
    return connections(AF_UNIX, count);
}

long long get_option(int count)
{
    int fd = bound(AF_INET, SOCK_STREAM), value;
    long long began = now();

    while (count-- > 0) {
        socklen_t length = sizeof value;

        TRY(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &length));
    }
    began = now() - began;
    close(fd);
    return began;
}

long long set_option(int count)
{
    int fd = bound(AF_INET, SOCK_STREAM), value = 65536;
    long long began = now();

    while (count-- > 0)
        TRY(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
    began = now() - began;
    close(fd);
    return began;
}

long long resolve(int count)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list;
    long long began = now();

    while (count-- > 0) {
        TRY(getaddrinfo("127.0.0.1", "80", &hints, &list));
        freeaddrinfo(list);
    }
    return now() - began;
}

static long long blocks(size_t size, int count)
{
    struct sockaddr_in to;
    socklen_t length = sizeof to;
    int listener = bound(AF_INET, SOCK_STREAM), client = socket(AF_INET, SOCK_STREAM, 0), server;
    char *data = calloc(1, size), *room = malloc(size);
    long long began;

    TRY(listen(listener, 1));
    TRY(getsockname(listener, (struct sockaddr *) &to, &length));
    TRY(connect(client, (struct sockaddr *) &to, length));
    TRY(server = accept(listener, NULL, NULL));
    TRY(fcntl(client, F_SETFL, O_NONBLOCK));
    TRY(fcntl(server, F_SETFL, O_NONBLOCK));
    began = now();
    while (count-- > 0)
        for (size_t sent = 0, got = 0; got < size;) {
            ssize_t n = sent < size ? send(client, data + sent, size - sent, 0) : 0;

            sent += n > 0 ? (size_t) n : 0;
            n = recvfrom(server, room, size - got, 0, NULL, NULL);
            got += n > 0 ? (size_t) n : 0;
        }
    began = now() - began;
    close(client);
    close(server);
    close(listener);
    free(data);
    free(room);
    return began;
}

long long blocks_64k(int count)
{
    return blocks(65536, count);
}

long long blocks_1m(int count)
{
    return blocks(1 << 20, count);
}
