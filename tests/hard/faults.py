"""The system calls of generated/sockets-stub.c, and how each of them can fail: data.

A call that the C text makes and that stands nowhere here fails test_faults.py, and so does an
error that a call's manual page names and its row does not.
"""

from __future__ import annotations

import errno
from typing import NamedTuple


class Call(NamedTuple):
    """One call: its manual page, the errors, and what they end in if not in a raised condition."""

    manual: str
    errors: str
    returned: str = ""  # a condition that is returned: no failure
    retried: str = ""  # the call is made again once the signal handlers have run
    ignored: str = ""  # the procedure returns as if nothing had been


CALLS = {
    "socket": Call(
        "socket.2",
        "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPROTONOSUPPORT EPROTOTYPE",
    ),
    "socketpair": Call(
        "socketpair.2",
        "EAFNOSUPPORT EFAULT EMFILE ENFILE EOPNOTSUPP EPROTONOSUPPORT ENOMEM ENOBUFS EACCES",
    ),
    "accept4": Call(
        "accept.2",
        "EAGAIN EWOULDBLOCK EBADF ECONNABORTED EFAULT EINTR EINVAL EMFILE ENFILE ENOBUFS ENOMEM "
        "ENOTSOCK EOPNOTSUPP EPERM EPROTO ENOSR ESOCKTNOSUPPORT EPROTONOSUPPORT ETIMEDOUT "
        "ERESTARTSYS ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH ENETUNREACH ENOSYS",
        returned="EAGAIN EWOULDBLOCK", retried="EINTR",
    ),
    "connect": Call(
        "connect.2",
        "EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED "
        "EFAULT EINPROGRESS EINTR EISCONN ENETUNREACH ENOTSOCK EPROTOTYPE ETIMEDOUT "
        "ENETDOWN EHOSTUNREACH ECONNRESET EWOULDBLOCK",
        returned="EAGAIN EWOULDBLOCK EINPROGRESS", retried="EINTR",
    ),
    "bind": Call(
        "bind.2",
        "EACCES EADDRINUSE EBADF EINVAL ENOTSOCK EADDRNOTAVAIL EFAULT ELOOP ENAMETOOLONG ENOENT "
        "ENOMEM ENOTDIR EROFS EAFNOSUPPORT",
    ),
    "listen": Call("listen.2", "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP"),
    "close": Call("close.2", "EBADF EINTR EIO ENOSPC EDQUOT", ignored="EINTR"),
    "shutdown": Call("shutdown.2", "EBADF EINVAL ENOTCONN ENOTSOCK"),
    "recvfrom": Call(
        "recv.2",
        "EAGAIN EWOULDBLOCK EBADF ECONNREFUSED EFAULT EINTR EINVAL ENOMEM ENOTCONN ENOTSOCK "
        "ECONNRESET ETIMEDOUT EHOSTUNREACH EIO",
        returned="EAGAIN EWOULDBLOCK", retried="EINTR",
    ),
    "sendto": Call(
        "send.2",
        "EACCES EAGAIN EWOULDBLOCK EALREADY EBADF ECONNRESET EDESTADDRREQ EFAULT EINTR EINVAL "
        "EISCONN EMSGSIZE ENOBUFS ENOMEM ENOTCONN ENOTSOCK EOPNOTSUPP EPIPE "
        "ECONNREFUSED ENETUNREACH EHOSTUNREACH ENETDOWN EPERM",
        returned="EAGAIN EWOULDBLOCK", retried="EINTR",
    ),
    "sendfile": Call(
        "sendfile.2",
        "EAGAIN EBADF EFAULT EINVAL EIO ENOMEM EOVERFLOW ESPIPE ENOSYS EINTR EWOULDBLOCK EPIPE "
        "ECONNRESET ENOTCONN EPERM ENOTSOCK",
        returned="EAGAIN EWOULDBLOCK", retried="EINTR",
    ),
    "getsockopt": Call("getsockopt.2", "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK EOPNOTSUPP"),
    "setsockopt": Call(
        "setsockopt.2", "EBADF EFAULT EINVAL ENOPROTOOPT ENOTSOCK EDOM EPERM ENOMEM EOPNOTSUPP"
    ),
    "getsockname": Call("getsockname.2", "EBADF EFAULT EINVAL ENOBUFS ENOTSOCK"),
    "getpeername": Call("getpeername.2", "EBADF EFAULT EINVAL ENOBUFS ENOTCONN ENOTSOCK"),
    "fcntl": Call(
        "fcntl.2",
        "EACCES EAGAIN EBADF EBUSY EDEADLK EFAULT EINTR EINVAL EMFILE ENOLCK ENOTDIR EPERM",
        retried="EINTR",
    ),
    "ioctl": Call("ioctl.2", "EBADF EFAULT EINTR EINVAL ENOTTY", retried="EINTR"),
    "poll": Call("poll.2", "EFAULT EINTR EINVAL ENOMEM", retried="EINTR"),
    "getaddrinfo": Call(
        "getaddrinfo.3",
        "EAI_ADDRFAMILY EAI_AGAIN EAI_BADFLAGS EAI_FAIL EAI_FAMILY EAI_MEMORY EAI_NODATA "
        "EAI_NONAME EAI_SERVICE EAI_SOCKTYPE EAI_SYSTEM EAI_OVERFLOW",
    ),
    "getprotobyname_r": Call("getprotoent_r.3", "ENOENT ERANGE EMFILE ENOMEM", ignored="ENOENT"),
    "getprotobynumber_r": Call("getprotoent_r.3", "ENOENT ERANGE EMFILE ENOMEM", ignored="ENOENT"),
    "getprotoent_r": Call("getprotoent_r.3", "ENOENT ERANGE EMFILE ENOMEM", ignored="ENOENT"),
    "getnameinfo": Call(
        "getnameinfo.3",
        "EAI_AGAIN EAI_BADFLAGS EAI_FAIL EAI_FAMILY EAI_MEMORY EAI_NONAME EAI_OVERFLOW EAI_SYSTEM",
    ),
    "getservbyname_r": Call("getservent_r.3", "ENOENT ERANGE EMFILE ENOMEM", ignored="ENOENT"),
    "getservbyport_r": Call("getservent_r.3", "ENOENT ERANGE EMFILE ENOMEM", ignored="ENOENT"),
    "gethostname": Call("gethostname.2", "EFAULT EINVAL ENAMETOOLONG EPERM"),
    "if_nametoindex": Call("if_nametoindex.3", "ENODEV ENXIO EMFILE ENOMEM"),
    "if_indextoname": Call("if_nametoindex.3", "ENODEV ENXIO EMFILE ENOMEM"),
    "if_nameindex": Call(
        "if_nameindex.3", "ENOBUFS EMFILE ENOMEM EINTR", retried="EINTR",
    ),
    # They have no way to fail.
    "sigpending": Call("sigpending.2", ""),
    "pthread_sigmask": Call("pthread_sigmask.3", ""),
    "sigtimedwait": Call("sigwaitinfo.2", ""),
    "setprotoent": Call("getprotoent.3", ""),
    "endprotoent": Call("getprotoent.3", ""),
    "freeaddrinfo": Call("getaddrinfo.3", ""),
    "if_freenameindex": Call("if_nameindex.3", ""),
    "gai_strerror": Call("getaddrinfo.3", ""),
}

# The same errors for several datagrams as for one.
CALLS |= {
    "recvmmsg": CALLS["recvfrom"], "recvmsg": CALLS["recvfrom"], "sendmmsg": CALLS["sendto"],
    "sendmsg": CALLS["sendto"],
}

# What the text calls where there is no accept4, and no C library of GNU. These are reached in
# a second copy of the stub, compiled as if for such a platform (tests/hard/plain.h).
CALLS |= {
    "accept": CALLS["accept4"],
    "getprotobyname": Call("getprotoent.3", "ENOENT", ignored="ENOENT"),
    "getprotobynumber": Call("getprotoent.3", "ENOENT", ignored="ENOENT"),
    "getprotoent": Call("getprotoent.3", "ENOENT", ignored="ENOENT"),
    "getservbyname": Call("getservent.3", "ENOENT", ignored="ENOENT"),
    "getservbyport": Call("getservent.3", "ENOENT", ignored="ENOENT"),
}

# What the text calls on Windows only.
WINDOWS = {
    "FormatMessageW", "SetHandleInformation", "Sleep", "WSAGetLastError", "WSAStartup",
    "_InterlockedCompareExchangePointer", "closesocket", "ioctlsocket",
}

# Named by the manual pages, but not for a program: the kernel keeps the first to itself, and the
# others are answers of getaddrinfo_a.
NUMBERS = {"ERESTARTSYS": 512}
ELSEWHERE = {
    "EAI_ALLDONE", "EAI_CANCELED", "EAI_IDN_ENCODE", "EAI_INPROGRESS", "EAI_INTR",
    "EAI_NOTCANCELED",
}

# <netdb.h>
RESOLVER = {
    "EAI_BADFLAGS": -1, "EAI_NONAME": -2, "EAI_AGAIN": -3, "EAI_FAIL": -4, "EAI_NODATA": -5,
    "EAI_FAMILY": -6, "EAI_SOCKTYPE": -7, "EAI_SERVICE": -8, "EAI_ADDRFAMILY": -9,
    "EAI_MEMORY": -10, "EAI_SYSTEM": -11, "EAI_OVERFLOW": -12,
}


def number_of(name: str) -> int:
    return NUMBERS.get(name) or int(getattr(errno, name))
