/* Both C files at work without Python, for C libraries and processors that have no Python here.
   Prints how many things were so, and stops at the first that is not. */

#include "../../generated/sockets-stub.c"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int get_ffi_value(const char *name, long long *value);

static int checks;

#define CHECK(true_) do { \
        if (!(true_)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #true_); \
            exit(1); \
        } \
        checks++; \
    } while (0)

#define PACKED(address) ((const char *) &(address)), sizeof (address)

static long long value(const char *name)
{
    long long found;

    CHECK(get_ffi_value(name, &found) == 1);
    return found;
}

static void values(void)
{
    long long found, untouched = 4242;

    CHECK(value("af-inet") == AF_INET && value("af-unix") == AF_UNIX);
    CHECK(value("size-of/pointer") == sizeof(void *));
    CHECK(value("size-of/size-t") == sizeof(size_t));
    CHECK(value("size-of/addrinfo") == sizeof(struct addrinfo));
    CHECK(value("size-of/sockaddr-in") == 16);
    CHECK(value("invalid-socket") == -1);
    CHECK(value("$error-would-block") == EWOULDBLOCK);
    CHECK(get_ffi_value("size-of/wsa-data", &found) == 2);
    CHECK(get_ffi_value("no-such-name", &untouched) == 0 && untouched == 4242);
}

static struct sockaddr_in loopback(void)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof address);
    address_header_keep(&address, AF_INET, sizeof address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(address.sin_family == AF_INET);
#ifdef ADDRESS_HAS_LENGTH
    CHECK(address_length == sizeof address);
#endif
    return address;
}

static struct foreign_socket make(int domain, int type)
{
    struct foreign_socket sock = {.fd = socket_block(domain, type, 0)};

    CHECK(sock.fd >= 0);
    CHECK(get_nonblocking_block(sock.fd) == 1);
    CHECK(fcntl(sock.fd, F_GETFD) & FD_CLOEXEC);
    return sock;
}

static struct sockaddr_in bound(struct foreign_socket *sock)
{
    struct sockaddr_in address = loopback();
    struct foreign_frame frame;

    CHECK(bind_block(sock, PACKED(address)) == 0);
    CHECK(getsockname_keep(sock, &frame) == 0);
    CHECK(frame.length == sizeof address && address_family_keep(&frame) == AF_INET);
    memcpy(&address, &frame.address, sizeof address);
    CHECK(address.sin_port != 0 && address.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    return address;
}

static void datagrams(void)
{
    struct foreign_socket here = make(AF_INET, SOCK_DGRAM), there = make(AF_INET, SOCK_DGRAM);
    struct sockaddr_in near = bound(&here), far = bound(&there);
    struct foreign_frame from;
    char buffer[16];

    CHECK(recvfrom_keep(&there, buffer, sizeof buffer, 0, &from) == -EWOULDBLOCK);
    CHECK(from.length == 0);
    CHECK(sendto_keep(&here, "datagram", 8, 0, PACKED(far)) == 8);
    CHECK(poll_block(&there, 1, 0, 10000) == 1);
    CHECK(recvfrom_keep(&there, buffer, sizeof buffer, 0, &from) == 8);
    CHECK(memcmp(buffer, "datagram", 8) == 0);
    CHECK(((struct sockaddr_in *) &from.address)->sin_port == near.sin_port);
    CHECK(sendto_block(&here, "", 0, 0, PACKED(far)) == 0);
    CHECK(set_nonblocking_keep(&there, 0) == 0 && get_nonblocking_block(there.fd) == 0);
    CHECK(recvfrom_block(&there, buffer, sizeof buffer, 0, &from) == 0);
    CHECK(recvfrom_keep(&there, buffer, sizeof buffer, 0, &from) == -EWOULDBLOCK);
    CHECK(close_block(&here) == 0 && close_block(&there) == 0);
    CHECK(sendto_keep(&here, "", 0, 0, PACKED(far)) == -EBADF);
}

static void streams(void)
{
    struct foreign_socket listener = make(AF_INET, SOCK_STREAM);
    struct foreign_socket client = make(AF_INET, SOCK_STREAM);
    struct sockaddr_in address = bound(&listener);
    struct foreign_socket server = {.fd = -1}, twin = {.fd = -1};
    struct foreign_frame from, name;
    char buffer[16];
    int error;

    CHECK(accept_block(&listener, 0, &from) == -EINVAL && from.length == 0);
    CHECK(listen_keep(&listener, 4) == 0);
    CHECK(accept_block(&listener, 0, &from) == -EWOULDBLOCK);
    error = connect_block(&client, PACKED(address));
    CHECK(error == 0 || error == -EINPROGRESS);
    CHECK(connect_wait_block(&client, 0) == 0);
    CHECK(connect_block(&client, PACKED(address)) <= 0);
    CHECK(connect_block(&client, PACKED(address)) == -EISCONN);
    CHECK(poll_block(&listener, 1, 1, 10000) == 1);
    server.fd = accept_block(&listener, 0, &from);
    CHECK(server.fd >= 0 && get_nonblocking_block(server.fd) == 0);
    CHECK(fcntl(server.fd, F_GETFD) & FD_CLOEXEC);
    CHECK(getsockname_keep(&client, &name) == 0 && name.length == from.length);
    CHECK(((struct sockaddr_in *) &name.address)->sin_port
          == ((struct sockaddr_in *) &from.address)->sin_port);
    CHECK(getpeername_keep(&server, &name) == 0 && name.length == from.length);
    twin.fd = duplicate_block(&server);
    CHECK(twin.fd > server.fd && fcntl(twin.fd, F_GETFD) & FD_CLOEXEC);
    CHECK(sendto_block(&server, "stream", 6, 0, NULL, 0) == 6);
    CHECK(close_block(&server) == 0 && server.fd == -1);
    CHECK(shutdown_block(&twin, SHUT_WR) == 0);
    CHECK(poll_block(&client, 1, 0, 10000) == 1);
    CHECK(recvfrom_block(&client, buffer, sizeof buffer, MSG_WAITALL, &from) == 6);
    CHECK(recvfrom_block(&client, buffer, sizeof buffer, 0, &from) == 0);
    CHECK(close_block(&client) == 0 && close_block(&listener) == 0 && close_block(&twin) == 0);
    CHECK(close_block(&twin) == -EBADF);
}

static void options(void)
{
    struct foreign_socket sock = make(AF_INET, SOCK_STREAM);
    int yes = 1, found = 0;

    CHECK(setsockopt_keep(&sock, SOL_SOCKET, SO_REUSEADDR, PACKED(yes)) == 0);
    CHECK(getsockopt_keep(&sock, SOL_SOCKET, SO_REUSEADDR, (char *) &found, sizeof found)
          == sizeof found);
    CHECK(found != 0);
    CHECK(setsockopt_block(&sock, SOL_SOCKET, -1, PACKED(yes)) == -ENOPROTOOPT);
    CHECK(getsockopt_block(&sock, SOL_SOCKET, SO_TYPE, (char *) &found, sizeof found)
          == sizeof found);
    CHECK(found == SOCK_STREAM);
    CHECK(close_block(&sock) == 0);
}

static void pairs(void)
{
    struct foreign_socket left = {.fd = -1}, right = {.fd = -1};
    struct foreign_frame from;
    char buffer[16];
    int pair[2];

    CHECK(socketpair_block(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    left.fd = pair[0];
    right.fd = pair[1];
    CHECK(get_nonblocking_block(pair[0]) == 1 && get_nonblocking_block(pair[1]) == 1);
    CHECK(fcntl(pair[0], F_GETFD) & fcntl(pair[1], F_GETFD) & FD_CLOEXEC);
    CHECK(sendto_keep(&left, "pair", 4, 0, NULL, 0) == 4);
    CHECK(recvfrom_keep(&right, buffer, sizeof buffer, 0, &from) == 4);
    CHECK(close_block(&right) == 0);
    CHECK(sendto_keep(&left, "pair", 4, 0, NULL, 0) == -EPIPE);     /* and no signal */
    CHECK(close_block(&left) == 0);
    CHECK(socketpair_block(AF_INET, SOCK_STREAM, 0, pair) < 0);
}

static void messages(void)
{
    struct foreign_socket left = {.fd = -1}, right = {.fd = -1}, taken = {.fd = -1};
    struct foreign_control control;
    struct foreign_frame from;
    char first[4], second[4];
    struct iovec out[2] = {{"ab", 2}, {"cdef", 4}}, in[2] = {{first, 4}, {second, 4}};
    int pair[2], numbers[3] = {SOL_SOCKET, SCM_RIGHTS, sizeof pair};
    int table[4 * (CONTROL_ROOM / 12)], *received, last;

    CHECK(socketpair_block(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    left.fd = pair[0];
    right.fd = pair[1];
    CHECK(value("$scm/rights") == SCM_RIGHTS && value("%msg/items-truncated") == MSG_CTRUNC);
    CHECK(recvmsg_keep(&right, in, 2, &from, &control, CONTROL_ROOM, table, 0) == -EWOULDBLOCK);
    CHECK(control.items == 0 && control.length == 0);
    for (int blocking = 0; blocking < 2; blocking++) {
        CHECK((blocking ? sendmsg_block : sendmsg_keep)(
            &left, out, 2, NULL, 0, (const char *) pair, numbers, 1, 0) == 6);
        CHECK((blocking ? recvmsg_block : recvmsg_keep)(
            &right, in, 2, &from, &control, CONTROL_ROOM, table, 0) == 6);
        CHECK(memcmp(first, "abcd", 4) == 0 && memcmp(second, "ef", 2) == 0);
        CHECK(control.items == 1 && control.flags == 0 && is_rights(table));
        CHECK(table[3] == sizeof pair && table[2] % (int) sizeof(int) == 0);
        received = control.descriptors + table[2] / (int) sizeof(int);
        CHECK(received[0] != pair[0] && received[1] > received[0]);
        CHECK(fcntl(received[0], F_GETFD) & fcntl(received[1], F_GETFD) & FD_CLOEXEC);
        close_descriptors_block(&control, table[2] / (int) sizeof(int), 1);
        CHECK(received[0] == -1 && fcntl(received[1], F_GETFD) >= 0);
        CHECK(move_descriptor_keep(&control, table[2] / (int) sizeof(int), 3, &taken) == 0);
        CHECK(taken.fd == -1 && received[0] == -1);
        last = received[1];
        CHECK(move_descriptor_keep(&control, table[2] / (int) sizeof(int) + 1, last, &taken) == 1);
        CHECK(taken.fd == last && received[1] == -1);
        CHECK(close_block(&taken) == 0 && fcntl(last, F_GETFD) == -1);
        drop_control_block(&control);
        taken = (struct foreign_socket) {.fd = -1};
    }
#if !defined __s390x__ && !defined __arm__    /* these are QEMU, which cuts in another place */
    CHECK(sendmsg_keep(&left, out, 2, NULL, 0, (const char *) pair, numbers, 1, 0) == 6);
    CHECK(recvmsg_keep(&right, in, 2, &from, &control, CMSG_LEN(sizeof(int)), table, 0) == 6);
    CHECK(control.flags & MSG_CTRUNC && control.items == 1 && table[3] == sizeof(int));
    drop_control_block(&control);
#endif
    numbers[2] = CONTROL_ROOM;
    CHECK(sendmsg_block(&left, out, 2, NULL, 0, NULL, numbers, 1, 0) == -ENOBUFS);
    CHECK(close_block(&right) == 0);
    CHECK(sendmsg_keep(&left, out, 2, NULL, 0, NULL, NULL, 0, 0) == -EPIPE);    /* and no signal */
    CHECK(close_block(&left) == 0);
}

static void names(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST};
    struct foreign_resolution found;
    struct foreign_protocol answer;
    struct sockaddr_in address;
    struct foreign_names names_found;
    struct foreign_service service;
    struct foreign_interface interface;
    const int port = htons(80);
    char strings[4096];

    CHECK(getaddrinfo_block("127.0.0.2", "258", &hints, &found) == 0);
    CHECK(found.system_error == 0 && found.list->ai_next == NULL);
    CHECK(found.list->ai_addrlen == sizeof address);
    memcpy(&address, found.list->ai_addr, sizeof address);
    CHECK(memcmp(&address.sin_port, "\1\2", 2) == 0);
    CHECK(memcmp(&address.sin_addr, "\177\0\0\2", 4) == 0);
    freeaddrinfo(found.list);
    CHECK(getaddrinfo_block("no.number", NULL, &hints, &found) == EAI_NONAME);
    CHECK(found.list == NULL && found.system_error == 0);
    CHECK(getprotobyname_block("tcp", &answer, strings, sizeof strings) == 0);
    CHECK(answer.found != NULL && answer.found->p_proto == IPPROTO_TCP);
    CHECK(getprotobynumber_block(IPPROTO_UDP, &answer, strings, sizeof strings) == 0);
    CHECK(answer.found != NULL && strcmp(answer.found->p_name, "udp") == 0);
    CHECK(getprotobyname_block("no such", &answer, strings, sizeof strings) == 0);
    CHECK(answer.found == NULL);
    setprotoent_block(1);
    CHECK(getprotoent_block(&answer, strings, sizeof strings) == 0 && answer.found != NULL);
    endprotoent_block();
    CHECK(if_nametoindex_keep("lo") > 0);
    CHECK(if_nametoindex_keep("no such") == -ENODEV);
    memset(&address, 0, sizeof address);
    address_header_keep(&address, AF_INET, sizeof address);
    memcpy(&address.sin_addr, "\177\0\0\2", 4);
    memcpy(&address.sin_port, "\1\2", 2);
    CHECK(getnameinfo_block((const char *) &address, sizeof address,
                            NI_NUMERICHOST | NI_NUMERICSERV, &names_found) == 0);
    CHECK(strcmp(names_found.host, "127.0.0.2") == 0 && strcmp(names_found.service, "258") == 0);
    CHECK(getservbyname_block("http", "tcp", &service, strings, sizeof strings) == 0);
    CHECK(service.found != NULL && service.found->s_port == port);
    CHECK(getservbyport_block(service.found->s_port, "tcp", &service, strings, sizeof strings) == 0);
    CHECK(service.found != NULL && strcmp(service.found->s_name, "http") == 0);
    CHECK(gethostname_keep(strings, 1024) == 0 && strings[0] != '\0');
    CHECK(if_nameindex_block(&interface, 1) >= 1 && interface.index > 0);
    strings[0] = '\0';
    strcat(strings, interface.name);
    CHECK(if_indextoname_keep(interface.index, &interface) == 1);
    CHECK(strcmp(interface.name, strings) == 0);
}

int main(void)
{
    alarm(60);
    values();
    datagrams();
    streams();
    options();
    pairs();
    messages();
    names();
    printf("%d\n", checks);
    return 0;
}
