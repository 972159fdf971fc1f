/* Put before the stub: makes it what it is where neither Linux nor GNU has added anything. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <netdb.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#undef SOCK_CLOEXEC
#undef SOCK_NONBLOCK
#undef MSG_WAITFORONE
#undef MSG_CMSG_CLOEXEC
#undef UDP_SEGMENT
#undef UDP_GRO
#undef __GLIBC__
#define SO_NOSIGPIPE SO_KEEPALIVE   /* some option that is a flag and that every socket has */

