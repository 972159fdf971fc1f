/* The stub in many threads, for ThreadSanitizer. Threads share listeners, datagram sockets,
   options and modes as Python's threads may; each closes only what it has opened. Closing what
   others use is for tests/hard/closing.c. */

#include "../../build/lines/sockets-stub.c"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS = 4, SENDERS = 4, ROUNDS = 1500, BYTES = 70000, DATAGRAMS = 20000 };

#define CHECK(true_) do { \
        if (!(true_)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #true_); \
            exit(1); \
        } \
    } while (0)

#define AT(number) (&(struct foreign_socket) {.fd = (number)})

struct place {
    struct sockaddr_in address;
    int listener, left, right;      /* right is connected to left */
};

static int open_socket(int type)
{
    int fd = (int) socket_block(AF_INET, type, 0);

    CHECK(fd >= 0);
    CHECK(get_nonblocking_block(fd) == 1);
    CHECK(set_nonblocking_keep(AT(fd), 0) == 0);
    return fd;
}

static struct sockaddr_in name(int fd)
{
    struct foreign_frame frame;
    struct sockaddr_in address;

    CHECK(getsockname_keep(AT(fd), &frame) == 0 && frame.length == sizeof address);
    memcpy(&address, &frame.address, sizeof address);
    return address;
}

static void bind_to_loopback(int fd)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof address);
    address_header_keep(&address, AF_INET, sizeof address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind_block(AT(fd), (const char *) &address, sizeof address) == 0);
}

static void *serve(void *argument)
{
    struct place *place = argument;
    static _Thread_local char data[BYTES];

    for (int round = 0; round < ROUNDS; round++) {
        struct foreign_frame from;
        int client = (int) accept_block(AT(place->listener), 0, &from);
        size_t total = 0;
        ssize_t n;

        CHECK(client >= 0 && from.length == sizeof(struct sockaddr_in));
        while ((n = recvfrom_block(AT(client), data, sizeof data, 0, &from)) > 0)
            total += (size_t) n;
        CHECK(n == 0 && total == BYTES);
        CHECK(sendto_block(AT(client), "done", 4, 0, NULL, 0) == 4);
        CHECK(close_block(AT(client)) == 0);
    }
    return NULL;
}

static void *visit(void *argument)
{
    struct place *place = argument;
    static _Thread_local char data[BYTES];

    for (int round = 0; round < ROUNDS; round++) {
        struct foreign_frame from;
        int fd = open_socket(SOCK_STREAM);
        char answer[4];
        size_t sent = 0;

        CHECK(connect_block(AT(fd), (const char *) &place->address, sizeof place->address) == 0);
        CHECK(connect_wait_block(AT(fd), 0) == 0);
        CHECK(getpeername_keep(AT(fd), &from) == 0);
        CHECK(recvfrom_keep(AT(fd), answer, 4, 0, &from) == -EAGAIN);
        while (sent < BYTES) {
            ssize_t n = (round % 2 ? sendto_block : sendto_keep)
                (AT(fd), data + sent, BYTES - sent, 0, NULL, 0);

            CHECK(n > 0 || n == -EAGAIN);
            sent += n > 0 ? (size_t) n : 0;
        }
        CHECK(shutdown_block(AT(fd), SHUT_WR) == 0);
        CHECK(recvfrom_block(AT(fd), answer, 4, MSG_WAITALL, &from) == 4);
        CHECK(memcmp(answer, "done", 4) == 0);
        CHECK(close_block(AT(fd)) == 0);
        CHECK(close_block(AT(-1)) == -EBADF);
    }
    return NULL;
}

static void *post(void *argument)
{
    struct place *place = argument;
    struct sockaddr_in to = name(place->left);

    for (int i = 0; i < DATAGRAMS; i++) {
        ssize_t n = i % 2 ? sendto_keep(AT(place->right), "hello", 5, 0, NULL, 0)
            : sendto_block(AT(place->right), "hello", 5, 0, (const char *) &to, sizeof to);

        CHECK(n == 5 || n == -EAGAIN);
    }
    return NULL;
}

static void *collect(void *argument)
{
    struct place *place = argument;
    struct sockaddr_in from = name(place->right);

    for (int i = 0; i < DATAGRAMS; i++) {
        struct foreign_frame frame;
        char data[64];
        ssize_t n = recvfrom_keep(AT(place->left), data, sizeof data, 0, &frame);

        if (n == -EAGAIN) {
            CHECK(frame.length == 0);
            continue;
        }
        CHECK(n == 5 && memcmp(data, "hello", 5) == 0 && frame.length == sizeof from);
        CHECK(memcmp(&frame.address, &from, 8) == 0);
    }
    return NULL;
}

static void *change(void *argument)
{
    struct place *place = argument;

    for (int i = 0; i < ROUNDS * 5; i++) {
        int value = i % 2, got = 0;

        CHECK(setsockopt_block(AT(place->left), SOL_SOCKET, SO_KEEPALIVE, (char *) &value, 4) == 0);
        CHECK(getsockopt_block(AT(place->left), SOL_SOCKET, SO_TYPE, (char *) &got, 4) == 4);
        CHECK(got == SOCK_DGRAM);
        CHECK(set_nonblocking_keep(AT(place->left), value) == 0);
        CHECK(get_nonblocking_block(place->left) >= 0);
        CHECK(listen_keep(AT(place->listener), 64) == 0);
        if (i % 10 == 0) {
            struct foreign_frame frame;
            int pair[2], copy = duplicate_block(AT(place->listener));

            CHECK(copy >= 0 && close_block(AT(copy)) == 0);
            CHECK(socketpair_block(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
            CHECK(poll_block(AT(pair[0]), 1, 1, 0) == 2 && poll_block(AT(-1), 1, 0, 0) == -EBADF);
            CHECK(getpeername_keep(AT(pair[1]), &frame) == 0);
            CHECK(address_family_keep(&frame) == AF_UNIX);
            CHECK(close_block(AT(pair[0])) == 0 && close_block(AT(pair[1])) == 0);
        }
    }
    return NULL;
}

/* What the package has around these calls too. The C library has a lock of its own inside them,
   but of a kind that ThreadSanitizer does not see. */
static pthread_mutex_t protocol_database = PTHREAD_MUTEX_INITIALIZER;

static void *look_up(void *argument)
{
    (void) argument;
    for (int i = 0; i < ROUNDS; i++) {
        struct foreign_resolution found;
        struct foreign_protocol answer;
        struct addrinfo hints;
        char strings[8192];
        int code;

        memset(&hints, 0, sizeof hints);
        hints.ai_flags = AI_NUMERICHOST;
        CHECK(getaddrinfo_block("127.0.0.1", "80", &hints, &found) == 0 && found.list != NULL);
        freeaddrinfo(found.list);
        code = getaddrinfo_block("not numeric", "80", &hints, &found);
        CHECK(code == EAI_NONAME && found.list == NULL);
        CHECK(gai_strerror(code) != NULL);
        CHECK(pthread_mutex_lock(&protocol_database) == 0);
        CHECK(getprotobyname_block("tcp", &answer, strings, sizeof strings) == 0);
        CHECK(answer.found == NULL || answer.found->p_proto == IPPROTO_TCP);
        CHECK(getprotobynumber_block(IPPROTO_UDP, &answer, strings, sizeof strings) == 0);
        CHECK(answer.found == NULL || strcmp(answer.found->p_name, "udp") == 0);
        setprotoent_block(i % 2);
        CHECK(getprotoent_block(&answer, strings, sizeof strings) == 0);
        endprotoent_block();
        CHECK(pthread_mutex_unlock(&protocol_database) == 0);
    }
    return NULL;
}

int main(void)
{
    static void *(*const works[])(void *) = {serve, visit, post, collect, change, look_up};
    static const int many[] = {CLIENTS, CLIENTS, SENDERS, SENDERS, 2, 3};
    pthread_t threads[64];
    struct place place;
    int count = 0;

    place.listener = open_socket(SOCK_STREAM);
    place.left = open_socket(SOCK_DGRAM);
    place.right = open_socket(SOCK_DGRAM);
    bind_to_loopback(place.listener);
    bind_to_loopback(place.left);
    bind_to_loopback(place.right);
    CHECK(listen_keep(AT(place.listener), 64) == 0);
    place.address = name(place.left);
    CHECK(connect_block(AT(place.right), (const char *) &place.address,
                        sizeof place.address) == 0);
    place.address = name(place.listener);
    for (size_t work = 0; work < sizeof works / sizeof *works; work++)
        for (int i = 0; i < many[work]; i++)
            CHECK(pthread_create(&threads[count++], NULL, works[work], &place) == 0);
    for (int i = 0; i < count; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(close_block(AT(place.listener)) == 0 && close_block(AT(place.left)) == 0);
    CHECK(close_block(AT(place.right)) == 0);
    printf("%d threads are through\n", count);
    return 0;
}
