#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#define EXPORTED __declspec(dllexport)
#else
#define __APPLE_USE_RFC_3542    /* macOS defines the numbers of RFC 3542 only then */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#ifdef __linux__
#include <netinet/udp.h>
#endif
#include <netdb.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#define EXPORTED
#endif
#include <stddef.h>
#include <string.h>

#define VALUE(name, expression) {name, 1, (long long) (expression)}
#define LACKS(name) {name, 2, 0}
#ifndef SO_LINGER_SEC
#define SO_LINGER_SEC SO_LINGER
#endif
#if !defined TCP_KEEPIDLE && defined TCP_KEEPALIVE
#define TCP_KEEPIDLE TCP_KEEPALIVE
#endif
#ifdef __linux__
#define ARRIVES_AS(item, option) item
#else
#define ARRIVES_AS(item, option) option
#endif
#ifdef SCM_TIMESTAMPNS
#define TIME_STAMP struct timespec
#define PART_OF_SECOND tv_nsec
#else
#define TIME_STAMP struct timeval
#define PART_OF_SECOND tv_usec
#endif

static const struct foreign_value {
    const char *name;
    int known;
    long long value;
} foreign_values[] = {
    VALUE("$ipproto-ip", IPPROTO_IP),
    VALUE("$ipproto-raw", IPPROTO_RAW),
    VALUE("$ipproto-tcp", IPPROTO_TCP),
    VALUE("$ipproto-udp", IPPROTO_UDP),
    VALUE("$sol-socket", SOL_SOCKET),
    VALUE("%ai/canonname", AI_CANONNAME),
    VALUE("%ai/numerichost", AI_NUMERICHOST),
    VALUE("%ai/passive", AI_PASSIVE),
    VALUE("%ai/addrconfig", AI_ADDRCONFIG),
    VALUE("%ai/numericserv", AI_NUMERICSERV),
    #ifdef AI_V4MAPPED
    VALUE("%ai/all", AI_ALL),
    VALUE("%ai/v4mapped", AI_V4MAPPED),
    #endif
    VALUE("%ni/dgram", NI_DGRAM),
    VALUE("%ni/namereqd", NI_NAMEREQD),
    VALUE("%ni/nofqdn", NI_NOFQDN),
    VALUE("%ni/numerichost", NI_NUMERICHOST),
    VALUE("%ni/numericserv", NI_NUMERICSERV),
    VALUE("%msg/dont-route", MSG_DONTROUTE),
    VALUE("%msg/out-of-band", MSG_OOB),
    VALUE("%msg/peek", MSG_PEEK),
    VALUE("%msg/wait-all", MSG_WAITALL),
    VALUE("%socket-domain/internet", AF_INET),
    VALUE("%socket-domain/internet-v6", AF_INET6),
    VALUE("%socket-type/datagram", SOCK_DGRAM),
    VALUE("%socket-type/random", SOCK_RDM),
    VALUE("%socket-type/raw", SOCK_RAW),
    VALUE("%socket-type/sequence-packet", SOCK_SEQPACKET),
    VALUE("%socket-type/stream", SOCK_STREAM),
    VALUE("%somaxconn", SOMAXCONN),
    VALUE("af-inet", AF_INET),
    VALUE("size-of/addr-in", sizeof(struct sockaddr_in)),
    VALUE("size-of/addrinfo", sizeof(struct addrinfo)),
    VALUE("size-of/integer", sizeof(int)),
    VALUE("size-of/ip", sizeof(struct in_addr)),
    VALUE("size-of/pointer", sizeof(void *)),
    VALUE("size-of/port", sizeof ((struct sockaddr_in *) 0)->sin_port),
    VALUE("size-of/protoent", sizeof(struct protoent)),
    VALUE("size-of/sa-family", sizeof ((struct sockaddr *) 0)->sa_family),
    VALUE("size-of/size-t", sizeof(size_t)),
    VALUE("size-of/sockaddr-in", sizeof(struct sockaddr_in)),
    VALUE("size-of/sockaddr-storage", sizeof(struct sockaddr_storage)),
    VALUE("size-of/socklen-t", sizeof(socklen_t)),
#ifdef _WIN32
    VALUE("$error-again", WSAEWOULDBLOCK),
    VALUE("$error-in-progress", WSAEINPROGRESS),
    VALUE("$error-would-block", WSAEWOULDBLOCK),
    VALUE("$file-set-flag", FIONBIO),
    VALUE("$format-message-allocate-buffer", FORMAT_MESSAGE_ALLOCATE_BUFFER),
    VALUE("$format-message-from-system", FORMAT_MESSAGE_FROM_SYSTEM),
    VALUE("$option-non-blocking", 1),
    VALUE("$socket-error", SOCKET_ERROR),
    VALUE("%shutdown/read", SD_RECEIVE),
    VALUE("%shutdown/read&write", SD_BOTH),
    VALUE("%shutdown/write", SD_SEND),
    VALUE("invalid-socket", INVALID_SOCKET),
    VALUE("size-of/wsa-data", sizeof(WSADATA)),
    LACKS("%msg/dont-wait"),
    LACKS("%socket-domain/local"),
    LACKS("%socket-domain/unix"),
    LACKS("af-unix"),
    LACKS("size-of/addr-un"),
    LACKS("size-of/sockaddr-un"),
    LACKS("unix-max-path"),
#else
    VALUE("$error-again", EAGAIN),
    VALUE("$error-in-progress", EINPROGRESS),
    VALUE("$error-would-block", EWOULDBLOCK),
    VALUE("$file-set-flag", F_SETFL),
    VALUE("$option-non-blocking", O_NONBLOCK),
    VALUE("$socket-error", -1),
    VALUE("%msg/dont-wait", MSG_DONTWAIT),
    VALUE("%shutdown/read", SHUT_RD),
    VALUE("%shutdown/read&write", SHUT_RDWR),
    VALUE("%shutdown/write", SHUT_WR),
    #ifdef AF_LOCAL
    VALUE("%socket-domain/local", AF_LOCAL),
    #else
    VALUE("%socket-domain/local", AF_UNIX),
    #endif
    VALUE("%socket-domain/unix", AF_UNIX),
    VALUE("af-unix", AF_UNIX),
    VALUE("invalid-socket", -1),
    VALUE("size-of/addr-un", sizeof(struct sockaddr_un)),
    VALUE("size-of/sockaddr-un", sizeof(struct sockaddr_un)),
    VALUE("unix-max-path", sizeof ((struct sockaddr_un *) 0)->sun_path),
    LACKS("$format-message-allocate-buffer"),
    LACKS("$format-message-from-system"),
    LACKS("size-of/wsa-data"),
#endif
    VALUE("%eai/again", EAI_AGAIN),
    VALUE("%eai/badflags", EAI_BADFLAGS),
    VALUE("%eai/fail", EAI_FAIL),
    VALUE("%eai/family", EAI_FAMILY),
    VALUE("%eai/memory", EAI_MEMORY),
    VALUE("%eai/noname", EAI_NONAME),
    VALUE("%eai/service", EAI_SERVICE),
    VALUE("%eai/socktype", EAI_SOCKTYPE),
    #ifdef EAI_ADDRFAMILY
    VALUE("%eai/addrfamily", EAI_ADDRFAMILY),
    #endif
    #ifdef EAI_NODATA
    VALUE("%eai/nodata", EAI_NODATA),
    #endif
    #ifdef EAI_OVERFLOW
    VALUE("%eai/overflow", EAI_OVERFLOW),
    #endif
    #ifdef EAI_SYSTEM
    VALUE("%eai/system", EAI_SYSTEM),
    #endif
    VALUE("$so/reuse-address", SO_REUSEADDR),
    #ifdef SO_REUSEPORT
    VALUE("$so/reuse-port", SO_REUSEPORT),
    #endif
    VALUE("$so/broadcast", SO_BROADCAST),
    VALUE("$so/keep-alive", SO_KEEPALIVE),
    VALUE("$so/linger", SO_LINGER_SEC),
    VALUE("$so/receive-buffer", SO_RCVBUF),
    VALUE("$so/send-buffer", SO_SNDBUF),
    VALUE("$so/receive-timeout", SO_RCVTIMEO),
    VALUE("$so/send-timeout", SO_SNDTIMEO),
    VALUE("$so/error", SO_ERROR),
    VALUE("$so/type", SO_TYPE),
    #ifdef SO_DOMAIN
    VALUE("$so/domain", SO_DOMAIN),
    #endif
    #ifdef SO_PROTOCOL
    VALUE("$so/protocol", SO_PROTOCOL),
    #endif
    VALUE("$tcp/no-delay", TCP_NODELAY),
    #ifdef TCP_KEEPIDLE
    VALUE("$tcp/keep-idle", TCP_KEEPIDLE),
    #endif
    #ifdef TCP_KEEPINTVL
    VALUE("$tcp/keep-interval", TCP_KEEPINTVL),
    #endif
    #ifdef TCP_KEEPCNT
    VALUE("$tcp/keep-count", TCP_KEEPCNT),
    #endif
    VALUE("$ip/ttl", IP_TTL),
    VALUE("$ip/add-membership", IP_ADD_MEMBERSHIP),
    VALUE("$ip/drop-membership", IP_DROP_MEMBERSHIP),
    VALUE("$ip/multicast-interface", IP_MULTICAST_IF),
    VALUE("$ip/multicast-loop", IP_MULTICAST_LOOP),
    VALUE("$ip/multicast-ttl", IP_MULTICAST_TTL),
    VALUE("$ipproto-ipv6", IPPROTO_IPV6),
    VALUE("$ipv6/hop-limit", IPV6_UNICAST_HOPS),
    VALUE("$ipv6/v6-only", IPV6_V6ONLY),
    VALUE("$ipv6/join-group", IPV6_JOIN_GROUP),
    VALUE("$ipv6/leave-group", IPV6_LEAVE_GROUP),
    VALUE("$ipv6/multicast-interface", IPV6_MULTICAST_IF),
    VALUE("$ipv6/multicast-loop", IPV6_MULTICAST_LOOP),
    VALUE("$ipv6/multicast-hops", IPV6_MULTICAST_HOPS),
    #ifdef UDP_GRO
    VALUE("$udp/receive-offload", UDP_GRO),
    #endif
    VALUE("size-of/timeval", sizeof(struct timeval)),
    VALUE("size-of/linger", sizeof(struct linger)),
    VALUE("$so/out-of-band-inline", SO_OOBINLINE),
    VALUE("$ip/type-of-service", IP_TOS),
    #ifdef IPV6_TCLASS
    VALUE("$ipv6/traffic-class", IPV6_TCLASS),
    #endif
    #ifdef IPV6_DONTFRAG
    VALUE("$ipv6/dont-fragment", IPV6_DONTFRAG),
    #endif
    #ifdef __linux__
    VALUE("$so/priority", SO_PRIORITY),
    VALUE("$so/busy-poll", SO_BUSY_POLL),
    VALUE("$so/mark", SO_MARK),
    VALUE("$so/bind-to-device", SO_BINDTODEVICE),
    VALUE("$so/peer-credentials", SO_PEERCRED),
    VALUE("$tcp/cork", TCP_CORK),
    VALUE("$tcp/quick-ack", TCP_QUICKACK),
    VALUE("$tcp/user-timeout", TCP_USER_TIMEOUT),
    VALUE("$tcp/defer-accept", TCP_DEFER_ACCEPT),
    VALUE("$tcp/fast-open", TCP_FASTOPEN),
    VALUE("$tcp/fast-open-connect", 30),        /* TCP_FASTOPEN_CONNECT, not in older headers */
    VALUE("$tcp/congestion", TCP_CONGESTION),
    VALUE("$tcp/information", TCP_INFO),
    VALUE("$ip/mtu-discover", IP_MTU_DISCOVER),
    VALUE("$ip/mtu", IP_MTU),
    VALUE("$ip/transparent", IP_TRANSPARENT),
    VALUE("$ip/multicast-all", IP_MULTICAST_ALL),
    VALUE("$ipv6/mtu-discover", IPV6_MTU_DISCOVER),
    VALUE("$ipv6/mtu", IPV6_MTU),
    VALUE("$ipv6/transparent", 75),             /* IPV6_TRANSPARENT */
    VALUE("$ipv6/multicast-all", 29),           /* IPV6_MULTICAST_ALL */
    #endif
    #ifdef MCAST_JOIN_SOURCE_GROUP
    VALUE("$mcast/join-group", MCAST_JOIN_GROUP),
    VALUE("$mcast/leave-group", MCAST_LEAVE_GROUP),
    VALUE("$mcast/join-source-group", MCAST_JOIN_SOURCE_GROUP),
    VALUE("$mcast/leave-source-group", MCAST_LEAVE_SOURCE_GROUP),
    VALUE("size-of/group-req", sizeof(struct group_req)),
    #endif
    #ifndef _WIN32
    VALUE("$scm/rights", SCM_RIGHTS),
    VALUE("$scm/time-stamps", SCM_TIMESTAMP),
    VALUE("$so/time-stamps", SO_TIMESTAMP),
    VALUE("$ipv6/hop-limit-item", IPV6_HOPLIMIT),
    VALUE("$ipv6/receive-hop-limit", IPV6_RECVHOPLIMIT),
    VALUE("$ipv6/receive-traffic-class", IPV6_RECVTCLASS),
    VALUE("$ipv6/packet-info", IPV6_PKTINFO),
    VALUE("$ipv6/receive-packet-info", IPV6_RECVPKTINFO),
    VALUE("%msg/truncated", MSG_TRUNC),
    VALUE("%msg/items-truncated", MSG_CTRUNC),
    VALUE("size-of/time-stamp", sizeof(TIME_STAMP)),
    VALUE("size-of/part-of-second", sizeof ((TIME_STAMP *) 0)->PART_OF_SECOND),
    VALUE("$so/receive-low-water", SO_RCVLOWAT),
    #ifdef SCM_CREDENTIALS
    VALUE("$scm/credentials", SCM_CREDENTIALS),
    VALUE("$so/pass-credentials", SO_PASSCRED),
    #endif
    #ifdef SCM_TIMESTAMPNS
    VALUE("$scm/time-stamps-ns", SCM_TIMESTAMPNS),
    VALUE("$so/time-stamps-ns", SO_TIMESTAMPNS),
    #endif
    #ifdef IP_RECVTTL
    VALUE("$ip/receive-ttl", IP_RECVTTL),
    VALUE("$ip/ttl-item", ARRIVES_AS(IP_TTL, IP_RECVTTL)),
    #endif
    #ifdef IP_RECVTOS
    VALUE("$ip/receive-type-of-service", IP_RECVTOS),
    VALUE("$ip/type-of-service-item", ARRIVES_AS(IP_TOS, IP_RECVTOS)),
    #endif
    #if defined IP_PKTINFO && (defined __linux__ || defined __APPLE__)
    VALUE("$ip/packet-info", IP_PKTINFO),
    #endif
    #ifdef IPV6_TCLASS
    VALUE("$ipv6/traffic-class-item", IPV6_TCLASS),
    #endif
    #ifdef IP_RECVERR
    VALUE("$ip/receive-errors", IP_RECVERR),
    VALUE("$ipv6/receive-errors", IPV6_RECVERR),
    VALUE("%msg/error-queue", MSG_ERRQUEUE),
    #endif
    #ifdef UDP_SEGMENT
    VALUE("$udp/segment", UDP_SEGMENT),
    #endif
    #endif
};

#define COUNT (sizeof foreign_values / sizeof *foreign_values)

/* Whether the name is known: 1, and its value is stored; 2, but the platform lacks it; or 0. */
EXPORTED int get_ffi_value(const char *name, long long *value);

EXPORTED int get_ffi_value(const char *name, long long *value)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(name, foreign_values[i].name) == 0) {
            *value = foreign_values[i].value;
            return foreign_values[i].known;
        }
    return 0;
}

/* The name at this place in the table, or a null pointer at its end. */
EXPORTED const char *get_ffi_name(size_t place);

EXPORTED const char *get_ffi_name(size_t place)
{
    return place < COUNT ? foreign_values[place].name : NULL;
}
