/* Arbitrary bytes as ancillary data, and items of every size laid out and found again. Prints how
   many things were so. The control stands at the end of a block of exactly its size. */

#include "../../generated/sockets-stub.c"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(true_) do { \
        if (!(true_)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #true_); \
            exit(1); \
        } \
        checks++; \
    } while (0)

static long checks;
static unsigned seed = 1;

static unsigned next(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % below;
}

/* Whatever the bytes are, items lie one behind the other within them, and there is room for all. */
static void arbitrary(struct foreign_control *control)
{
    int table[4 * (CONTROL_ROOM / 12)], end = 0, count;
    const size_t length = next(4) ? next(200) : next(CONTROL_ROOM + 1);

    for (size_t i = 0; i < length; i++)
        control->bytes[i] = (char) (next(3) ? next(40) % 21 : 0);
    control->length = length;
    count = list_items(control, table);
    CHECK(count >= 0 && count <= CONTROL_ROOM / 12);
    for (int i = 0; i < count; i++) {
        const int *item = table + 4 * i;

        CHECK(item[2] >= end + (int) CMSG_LEN(0) && item[3] >= 0);
        end = item[2] + item[3];
        CHECK(end <= (int) length);
        CHECK(item[2] % (int) sizeof(int) == 0);
    }
}

/* What is laid out is found, all of it; and what has no room is refused. */
static void there_and_back(struct foreign_control *control)
{
    int given[3 * 8], found[4 * (CONTROL_ROOM / 12)], count = (int) next(9);
    char data[8 * 900];
    size_t size = 0, space = 0, at = 0;

    for (int i = 0; i < count; i++) {
        given[3 * i] = (int) next(5);
        given[3 * i + 1] = 2 + (int) next(5);           /* no descriptors */
        given[3 * i + 2] = (int) (next(3) ? next(40) : next(900));
        size += (size_t) given[3 * i + 2];
        space += CMSG_SPACE((size_t) given[3 * i + 2]);
    }
    for (size_t i = 0; i < size; i++)
        data[i] = (char) next(256);
    if (space > CONTROL_ROOM) {
        CHECK(lay_out(control, data, given, count) == -ENOBUFS);
        return;
    }
    CHECK(lay_out(control, data, given, count) == 0 && control->length == space);
    CHECK(list_items(control, found) == count);
    for (int i = 0; i < count; i++) {
        CHECK(found[4 * i] == given[3 * i] && found[4 * i + 1] == given[3 * i + 1]);
        CHECK(found[4 * i + 3] == given[3 * i + 2]);
        CHECK(memcmp(control->bytes + found[4 * i + 2], data + at, (size_t) found[4 * i + 3]) == 0);
        at += (size_t) found[4 * i + 3];
    }
}

/* Descriptors are closed once, also those of a list that was cut in the midst of one. */
static void descriptors(struct foreign_control *control)
{
    int pair[2], item[4], given[3] = {SOL_SOCKET, SCM_RIGHTS, 2 * sizeof(int)};
    size_t at = 0;

    CHECK(socketpair_block(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(lay_out(control, (const char *) pair, given, 1) == 0);
    if (next(2)) {
        control->length = CMSG_LEN(sizeof(int)) + next(sizeof(int));
        drop_control_block(control);
        CHECK(fcntl(pair[0], F_GETFD) == -1 && fcntl(pair[1], F_GETFD) >= 0);
        CHECK(close(pair[1]) == 0);
        return;
    }
    CHECK(next_item(control, &at, item) == 1 && is_rights(item));
    close_descriptors_block(control, item[2] / (int) sizeof(int) + 1, 1);
    CHECK(fcntl(pair[0], F_GETFD) >= 0 && fcntl(pair[1], F_GETFD) == -1);
    drop_control_block(control);
    CHECK(fcntl(pair[0], F_GETFD) == -1);
    drop_control_block(control);
}

int main(void)
{
    struct foreign_control *control = malloc(sizeof *control);

    CHECK(control != NULL);
    for (int i = 0; i < 100000; i++) {
        arbitrary(control);
        there_and_back(control);
        if (i % 100 == 0)
            descriptors(control);
    }
    free(control);
    printf("%ld\n", checks);
    return 0;
}
