/* Put before the stub, after tests/hard/plain.h: makes it what it is on macOS. Sending keeps no lock, and
   addresses begin with their length; as there is no place for it in an address here, it is noted. */
#define __APPLE__ 1
static unsigned char address_length __attribute__((unused));
#define sa_len sa_family = 0, address_length

/* Its sendfile, of which a part of what it sends is told beside an error. */
#ifndef SEND_AS_ON_MACOS
#define SEND_AS_ON_MACOS
#include <signal.h>
#include <sys/sendfile.h>
static int __attribute__((unused)) send_as_on_macos(int file, int fd, off_t offset, off_t *length)
{
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    const ssize_t sent = sendfile(fd, file, &offset, (size_t) *length);

    (void) signal(SIGPIPE, before);
    *length = sent > 0 ? (off_t) sent : 0;
    return sent < 0 ? -1 : 0;
}
#define sendfile(file, fd, offset, length, header, flags) send_as_on_macos(file, fd, offset, length)
#endif
