/* Arbitrary bytes as addresses and lengths, through the stub and the kernel, for libFuzzer.

   A frame stands at the end of a block of exactly its size, so that AddressSanitizer sees a byte
   too many; and whatever comes back has to keep to the room that was given for it. */

#include "../../build/lines/sockets-stub.c"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(true_) do { \
        if (!(true_)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #true_); \
            abort(); \
        } \
    } while (0)

#define AT(number) (&(struct foreign_socket) {.fd = (number)})

static const uint8_t *input;
static size_t left;

static unsigned next_byte(void)
{
    return left == 0 ? 0 : (left--, *input++);
}

/* The next bytes of the input, at most `size`, in a block of exactly their number. */
static char *next_block(size_t size, socklen_t *length)
{
    char *block;

    if (size > left)
        size = left;
    block = malloc(size ? size : 1);
    CHECK(block != NULL);
    memcpy(block, input, size);
    input += size;
    left -= size;
    *length = (socklen_t) size;
    return block;
}

/* What every answer has to keep to. */
static void check_frame(const struct foreign_frame *frame, ssize_t result)
{
    CHECK(frame->length <= ROOM);
    CHECK(result >= 0 || frame->length == 0);
    CHECK(result >= -4095);
}

static socket_t make(int family, int type)
{
    socket_t fd = socket_block(family, type, 0);

    CHECK(fd >= 0 && get_nonblocking_block(fd) == 1);
    return fd;
}

/* Bind to the bytes, ask for the name, and send to it and to the bytes. */
static void through_the_kernel(int family)
{
    socket_t fd = make(family, SOCK_DGRAM), other = make(family, SOCK_DGRAM);
    struct foreign_frame *frame = malloc(sizeof *frame);
    socklen_t length, own;
    size_t count = next_byte();
    char *room = malloc(count ? count : 1), *address = next_block(next_byte() % 160, &length);
    struct sockaddr_in loopback;
    ssize_t n;

    CHECK(frame != NULL && room != NULL);
    memset(&loopback, 0, sizeof loopback);
    if (family == AF_INET && length >= sizeof loopback) {
        /* Only to this machine. */
        memcpy(&loopback, address, sizeof loopback);
        loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (loopback.sin_family == AF_UNSPEC)   /* which binds to any address, and disconnects */
            loopback.sin_family = AF_INET;
        memcpy(address, &loopback, sizeof loopback);
    }
    if (family == AF_UNIX && length > 2) {
        /* No files: every name becomes an abstract one. Still as long, and of any bytes. */
        address[2] = '\0';
        if (next_byte() % 4)
            address_header_keep(address, AF_UNIX, length);
    }
    n = bind_block(AT(fd), address, length);
    CHECK(n <= 0 && n >= -4095);
    if (n < 0 && family == AF_UNIX)             /* a name that the kernel chooses */
        CHECK(bind_block(AT(fd), "\1", sizeof(sa_family_t)) <= 0);
    n = getsockname_keep(AT(fd), frame);
    check_frame(frame, n);
    CHECK(n == 0);
    own = frame->length;
    check_frame(frame, getpeername_keep(AT(fd), frame));
    if (own > sizeof(sa_family_t) && getsockname_keep(AT(fd), frame) == 0) {
        struct sockaddr_storage name = frame->address;
        if (sendto_keep(AT(other), "payload", count % 8, 0, (char *) &name, own) >= 0) {
            n = recvfrom_keep(AT(fd), room, count, 0, frame);
            check_frame(frame, n);
            CHECK(n <= (ssize_t) count);
        }
        if (connect_block(AT(other), (char *) &name, own) == 0)
            check_frame(frame, getpeername_keep(AT(other), frame));
    }
    n = sendto_keep(AT(other), "x", 1, (int) (next_byte() & MSG_DONTROUTE), address, length);
    CHECK(n <= 1 && n >= -4095);
    n = recvfrom_keep(AT(fd), room, count, 0, frame);
    check_frame(frame, n);
    CHECK(n <= (ssize_t) count);
    CHECK(close_block(AT(fd)) == 0 && close_block(AT(other)) == 0 && close_block(AT(fd)) == -EBADF);
    free(address);
    free(frame);
    free(room);
}

/* A header is written into an address, and nothing else of it. */
static void header(void)
{
    socklen_t length;
    int family = (int) next_byte();
    char *before = next_block(128, &length), *after;

    if (length >= sizeof(struct sockaddr)) {
        after = malloc(length);
        CHECK(after != NULL);
        memcpy(after, before, length);
        address_header_keep(after, family, length);
        CHECK(((struct sockaddr *) after)->sa_family == family);
        CHECK(memcmp(after + offsetof(struct sockaddr, sa_data),
                     before + offsetof(struct sockaddr, sa_data),
                     length - offsetof(struct sockaddr, sa_data)) == 0);
        free(after);
    }
    free(before);
}

/* Whatever length a call reports, a frame says no more than its room. */
static void frames(void)
{
    struct foreign_frame *frame = malloc(sizeof *frame);
    socklen_t length;
    char *bytes = next_block(4, &length);
    ssize_t result = (ssize_t) (int8_t) next_byte();

    CHECK(frame != NULL);
    CHECK(open_frame(frame) == (struct sockaddr *) &frame->address && frame->length == ROOM);
    memcpy(&frame->length, bytes, length);
    CHECK(close_frame(frame, result) == result);
    check_frame(frame, result);
    free(bytes);
    free(frame);
}

/* An option of any number and size, on a socket of its own. */
static void options(void)
{
    socket_t fd = make(AF_INET, SOCK_STREAM);
    int level = next_byte() % 2 ? SOL_SOCKET : IPPROTO_TCP, id = (int) next_byte(), size, n;
    socklen_t length;
    char *value = next_block(next_byte() % 40, &length), *got;

    if (level != SOL_SOCKET || id != SO_LINGER) /* which would keep close from returning */
        CHECK(setsockopt_block(AT(fd), level, id, value, (int) length) >= -4095);
    size = (int) next_byte() % 40;
    got = malloc(size ? (size_t) size : 1);
    CHECK(got != NULL);
    n = getsockopt_block(AT(fd), level, id, got, size);
    CHECK(n >= -4095 && (n <= size || id == SO_PEERSEC || id == SO_PEERGROUPS));
    CHECK(close_block(AT(fd)) == 0);
    free(value);
    free(got);
}

/* Ancillary data: items lie within their bytes, one behind the other. */
static void items(void)
{
    struct foreign_control *control = malloc(sizeof *control);
    int table[4 * (CONTROL_ROOM / 12)], end = 0, count;
    socklen_t length;
    char *bytes = next_block(CONTROL_ROOM, &length);

    CHECK(control != NULL);
    memcpy(control->bytes, bytes, length);
    control->length = length;
    count = list_items(control, table);
    for (int i = 0; i < count; i++) {
        CHECK(table[4 * i + 2] >= end && table[4 * i + 3] >= 0);
        end = table[4 * i + 2] + table[4 * i + 3];
    }
    CHECK(end <= (int) length);
    free(bytes);
    free(control);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    left = size;
    switch (next_byte() % 6) {
    case 0: header(); break;
    case 1: frames(); break;
    case 2: options(); break;
    case 4: items(); break;
    case 3: through_the_kernel(AF_INET); break;
    default: through_the_kernel(AF_UNIX); break;
    }
    return 0;
}
