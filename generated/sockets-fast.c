#if defined Py_PYTHON_H && !defined PYPY_VERSION && !defined Py_GIL_DISABLED \
    && (!defined Py_LIMITED_API || Py_LIMITED_API + 0 >= 0x030A0000) && !defined NO_FAST_PATHS
#include <errno.h>
#include <structmember.h>

#define CAPTURES(NAME) \
    NAME(AddressInfo) NAME(AddressInfoOption) NAME(Internet6Address) NAME(InternetAddress) \
    NAME(ReceiveFromOption) NAME(SendToOption) NAME(Socket) NAME(SocketAddress) \
    NAME(SocketCondition) NAME(SocketDomain) NAME(SocketOption) NAME(SocketProtocol) \
    NAME(SocketType) NAME(UnixAddress) NAME(borrow_writable) NAME(expect) \
    NAME(foreign_sample) NAME(foreign_socket) NAME(foreign_to_internet6_address) \
    NAME(foreign_to_internet_address) NAME(foreign_to_unix_address) NAME(from_buffer) \
    NAME(judge_connect) NAME(known_answers) NAME(known_constant) NAME(known_protocols) \
    NAME(known_types) NAME(new_foreign) NAME(not_yet) NAME(report_unresolved) \
    NAME(socket_domain_db) NAME(socket_error) PROCEDURES(NAME)
#define PROCEDURES(NAME) \
    NAME(accept_socket) NAME(close_socket) NAME(connect_socket) NAME(create_socket) \
    NAME(get_address_info) NAME(get_socket_option) NAME(receive_from_socket) \
    NAME(receive_into_socket) NAME(send_to_socket) NAME(set_socket_option)
#define WORDS(NAME) \
    NAME(accept_socket) NAME(accept) NAME(receive_from_socket) NAME(receive_into_socket) \
    NAME(recvfrom) NAME(send_to_socket) NAME(sendto)
#define NUMBER(name) NUMBER_OF_##name,
#define WORD_NUMBER(name) WORD_##name,
#define TEXT(name) #name,

enum { CAPTURES(NUMBER) WORDS(WORD_NUMBER) HOW_MANY, HOW_MANY_CAPTURES = WORD_accept_socket };
static const char *const texts[] = { CAPTURES(TEXT) WORDS(TEXT) };

#define THE(name) captured[NUMBER_OF_##name]
#define WORD(name) captured[WORD_##name]
#define IS(object, class) PyObject_TypeCheck(object, (PyTypeObject *) THE(class))

#define SLOTS(SLOT) \
    SLOT(Socket, _foreign) SLOT(Socket, _domain) SLOT(Socket, _type) SLOT(Socket, _protocol) \
    SLOT(Socket, _nonblocking) SLOT(SocketDomain, extractor) SLOT(SocketType, value) \
    SLOT(InternetAddress, _packed) SLOT(SocketOption, _number) SLOT(SocketCondition, who) \
    SLOT(SocketCondition, syscall) SLOT(SocketCondition, address) SLOT(AddressInfo, domain) \
    SLOT(AddressInfo, type) SLOT(AddressInfo, protocol) SLOT(AddressInfo, address)
#define PLACE(class, name) static size_t place_of_##class##_##name;

SLOTS(PLACE)
static size_t place_of_pointer;

#define AT(object, place) (*(PyObject **) (void *) ((char *) (object) + (place)))
#define FIELD(object, class, name) AT(object, place_of_##class##_##name)
#define IS_SOCKET(object) (IS(object, Socket) && FIELD(object, Socket, _protocol) != NULL)
#define IS_CONSTANT(object, class) (IS(object, class) && FIELD(object, SocketType, value) != NULL)

/* Where in the object `wanted` stands, or 0. */
static size_t find_place(PyObject *object, const void *wanted)
{
    PyObject *room = PyObject_GetAttrString((PyObject *) Py_TYPE(object), "__basicsize__");
    const size_t size = room == NULL ? 0 : PyLong_AsSize_t(room);
    size_t place = sizeof(PyObject);

    Py_XDECREF(room);
    while (place < size && (const void *) AT(object, place) != wanted)
        place += sizeof(PyObject *);
    return place < size ? place : 0;
}
static size_t find_slot(PyObject *class, const char *name)
{
    PyObject *object = PyType_GenericAlloc((PyTypeObject *) class, 0);
    PyObject *marker = PyList_New(0), *key = PyUnicode_FromString(name);
    size_t place = 0;

    if (object != NULL && marker != NULL && key != NULL
        && PyObject_GenericSetAttr(object, key, marker) == 0
        && (place = find_place(object, marker)) != 0)
        Py_CLEAR(AT(object, place));
    Py_XDECREF(key);
    Py_XDECREF(marker);
    Py_XDECREF(object);
    return place;
}

static PyObject *go_the_long_way(PyObject *procedure, PyObject *const *arguments,
                                 Py_ssize_t count, PyObject *names)
{
    PyObject *plain = PyTuple_New(count), *named = PyDict_New(), *result = NULL;
    int failed = plain == NULL || named == NULL;

    for (Py_ssize_t i = 0; !failed && i < count; i++) {
        Py_INCREF(arguments[i]);
        failed = PyTuple_SetItem(plain, i, arguments[i]) < 0;
    }
    for (Py_ssize_t i = 0; !failed && names != NULL && i < PyTuple_Size(names); i++)
        failed = PyDict_SetItem(named, PyTuple_GetItem(names, i), arguments[count + i]) < 0;
    if (!failed)
        result = PyObject_Call(procedure, plain, named);
    Py_XDECREF(plain);
    Py_XDECREF(named);
    return result;
}

#define CALL PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names
#define THE_LONG_WAY(name) go_the_long_way(THE(name), arguments, count, names)

#define UNTIL_DONE(result, call) do { \
        (result) = (call); \
    } while ((result) == -EINTR && PyErr_CheckSignals() == 0)

static struct foreign_socket *structure_of(PyObject *foreign)
{
    return (struct foreign_socket *) (void *) AT(foreign, place_of_pointer);
}

/* Raise the condition for a result of `who`. */
static PyObject *fail(PyObject **captured, const char *who, const char *syscall, ssize_t result)
{
    return PyObject_CallFunction(THE(socket_error), "ssi", who, syscall, (int) -result);
}
static newfunc new_error;

static PyObject *say_not_yet(PyObject **captured, PyObject *who, PyObject *syscall, ssize_t result,
                             PyObject *address)
{
    PyObject *number, *answer, *condition;

    if (result == -EINTR)
        return NULL;
    number = PyLong_FromSsize_t(-result);
    answer = number == NULL ? NULL : PyDict_GetItemWithError(THE(known_answers), number);
    if (answer == NULL) {
        condition = PyObject_CallFunctionObjArgs(THE(not_yet), who, syscall, number, address,
                                                 NULL);
    } else {
        condition = new_error((PyTypeObject *) PyTuple_GetItem(answer, 0),
                              PyTuple_GetItem(answer, 1), NULL);
        if (condition != NULL) {
            FIELD(condition, SocketCondition, who) = Py_NewRef(who);
            FIELD(condition, SocketCondition, syscall) = Py_NewRef(syscall);
            FIELD(condition, SocketCondition, address) = Py_NewRef(address);
        }
    }
    Py_XDECREF(number);
    return condition;
}

static PyObject *new_address(PyObject *class, const struct foreign_frame *from, size_t length)
{
    PyObject *packed = PyBytes_FromStringAndSize((const char *) &from->address,
                                                 (Py_ssize_t) length);
    PyObject *address = packed == NULL ? NULL : PyType_GenericAlloc((PyTypeObject *) class, 0);

    if (address != NULL)
        FIELD(address, InternetAddress, _packed) = packed;
    else
        Py_XDECREF(packed);
    return address;
}

static PyObject *address_from(PyObject **captured, PyObject *domain,
                              const struct foreign_frame *from)
{
    PyObject *extractor = FIELD(domain, SocketDomain, extractor), *packed, *address;

    if (from->length == 0)
        return Py_NewRef(Py_None);
    if (extractor == THE(foreign_to_internet_address)
        && from->length == sizeof(struct sockaddr_in))
        return new_address(THE(InternetAddress), from, from->length);
    if (extractor == THE(foreign_to_internet6_address)
        && from->length == sizeof(struct sockaddr_in6))
        return new_address(THE(Internet6Address), from, from->length);
#ifndef _WIN32
    if (extractor == THE(foreign_to_unix_address))
        return new_address(THE(UnixAddress), from, from->length < sizeof(struct sockaddr_un)
                           ? from->length : sizeof(struct sockaddr_un));
#endif
    packed = PyBytes_FromStringAndSize((const char *) &from->address, (Py_ssize_t) from->length);
    address = packed == NULL ? NULL : PyObject_CallFunctionObjArgs(extractor, packed, NULL);
    Py_XDECREF(packed);
    return address;
}
static PyObject *packed_form(PyObject **captured, PyObject *address)
{
    PyObject *packed = IS(address, SocketAddress) ? FIELD(address, InternetAddress, _packed) : NULL;

    return packed != NULL && PyBytes_CheckExact(packed) ? packed : NULL;
}

static int value_of(PyObject *constant)
{
    return (int) PyLong_AsLong(FIELD(constant, SocketType, value));
}

/* Whether all flags are of the class; `bits` is them together. */
static int fold(PyObject *class, PyObject *const *flags, Py_ssize_t count, int *bits)
{
    int plain = 1;

    for (*bits = 0; plain && count > 0; count--, flags++) {
        plain = PyObject_TypeCheck(*flags, (PyTypeObject *) class)
            && FIELD(*flags, SocketType, value) != NULL;
        *bits |= plain ? value_of(*flags) : 0;
    }
    return plain;
}
/* The object that is lent memory, `buffer` itself if it is a bytes; or NULL and no exception. */
static PyObject *borrow(PyObject *lender, PyObject *buffer, char **data, Py_ssize_t *size)
{
    PyObject *lent;

    if (PyBytes_CheckExact(buffer)) {
        *data = PyBytes_AsString(buffer);
        *size = PyBytes_Size(buffer);
        return Py_NewRef(buffer);
    }
    lent = PyObject_CallFunctionObjArgs(lender, buffer, NULL);
    if (lent != NULL) {
        *data = (char *) AT(lent, place_of_pointer);
        *size = PyObject_Size(lent);
    }
    PyErr_Clear();
    return lent;
}

static PyObject *fast_send_to_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *foreign, *packed = NULL, *lent = NULL;
    char *data;
    const char *to = NULL;
    Py_ssize_t size;
    socklen_t length = 0;
    ssize_t result;
    int bits, quick, plain = count >= 3 && names == NULL && IS_SOCKET(arguments[0])
        && (arguments[2] == Py_None || (packed = packed_form(captured, arguments[2])) != NULL)
        && fold(THE(SendToOption), arguments + 3, count - 3, &bits);

    if (!plain || (lent = borrow(THE(from_buffer), arguments[1], &data, &size)) == NULL)
        return THE_LONG_WAY(send_to_socket);
    if (packed != NULL) {
        to = PyBytes_AsString(packed);
        length = (socklen_t) PyBytes_Size(packed);
    }
    foreign = Py_NewRef(FIELD(arguments[0], Socket, _foreign));
    quick = FIELD(arguments[0], Socket, _nonblocking) == Py_True;
    bits |= quick ? NO_WAIT : 0;
    if (quick && size < LONG_COPY)
        UNTIL_DONE(result, sendto_keep(structure_of(foreign), data, (size_t) size, bits, to,
                                       length));
    else
        UNTIL_DONE(result, sendto_block(structure_of(foreign), data, (size_t) size, bits, to,
                                        length));
    Py_DECREF(foreign);
    Py_DECREF(lent);
    if (result < 0)
        return say_not_yet(captured, WORD(send_to_socket), WORD(sendto), result, arguments[2]);
    return PyLong_FromSsize_t(result);
}
/* recvfrom(2) by the rule of §58: bytes, or a negative error. */
static ssize_t receive_by_rule(PyObject *sock, char *data, Py_ssize_t size, int bits,
                               struct foreign_frame *from)
{
    PyObject *foreign = Py_NewRef(FIELD(sock, Socket, _foreign));
    ssize_t result;

    if (FIELD(sock, Socket, _nonblocking) == Py_True)
        bits |= NO_WAIT;
    if (NO_WAIT != 0 && bits & NO_WAIT && size < LONG_COPY)
        UNTIL_DONE(result, recvfrom_keep(structure_of(foreign), data, (size_t) size, bits, from));
    else
        UNTIL_DONE(result, recvfrom_block(structure_of(foreign), data, (size_t) size, bits, from));
    Py_DECREF(foreign);
    return result > size ? size : result;
}
static PyObject *pair(PyObject *first, PyObject *second)
{
    PyObject *both = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;

    Py_XDECREF(first);
    Py_XDECREF(second);
    return both;
}

static PyObject *nothing_yet(PyObject **captured, PyObject *who, PyObject *syscall, ssize_t result)
{
    return pair(Py_NewRef(Py_None), say_not_yet(captured, who, syscall, result, Py_None));
}

static PyObject *cut_to_length(PyObject *filled, Py_ssize_t length)
{
    const Py_ssize_t head = PyBytes_AsString(filled) - (char *) filled;
    PyObject *cut = PyObject_Realloc(filled, (size_t) (head + length + 1));

    if (cut == NULL)
        cut = filled;
    Py_SET_SIZE((PyVarObject *) cut, length);
    PyBytes_AsString(cut)[length] = '\0';
    return cut;
}
static PyObject *fast_receive_from_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *filled = NULL;
    struct foreign_frame from;
    char small[4096], *data = small;
    Py_ssize_t size = -1;
    ssize_t result;
    int bits;

    if (count >= 2 && names == NULL && IS_SOCKET(arguments[0]) && PyLong_CheckExact(arguments[1])
        && fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits))
        size = PyLong_AsSsize_t(arguments[1]);
    if (size > (Py_ssize_t) sizeof small
        && (filled = PyBytes_FromStringAndSize(NULL, size)) != NULL)
        data = PyBytes_AsString(filled);
    if (size < 0 || (data == small && size > (Py_ssize_t) sizeof small)) {
        PyErr_Clear();
        return THE_LONG_WAY(receive_from_socket);
    }
    result = receive_by_rule(arguments[0], data, size, bits, &from);
    if (result < 0) {
        Py_XDECREF(filled);
        return nothing_yet(captured, WORD(receive_from_socket), WORD(recvfrom), result);
    }
    filled = filled == NULL ? PyBytes_FromStringAndSize(small, result)
        : result < size ? cut_to_length(filled, result) : filled;
    return pair(filled, address_from(captured, FIELD(arguments[0], Socket, _domain), &from));
}
static PyObject *fast_receive_into_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *lent = NULL;
    struct foreign_frame from;
    char *data;
    Py_ssize_t size;
    ssize_t result;
    int bits;

    if (count >= 2 && names == NULL && IS_SOCKET(arguments[0]) && !PyBytes_CheckExact(arguments[1])
        && fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits))
        lent = borrow(THE(borrow_writable), arguments[1], &data, &size);
    if (lent == NULL)
        return THE_LONG_WAY(receive_into_socket);
    result = receive_by_rule(arguments[0], data, size, bits, &from);
    Py_DECREF(lent);
    if (result < 0)
        return nothing_yet(captured, WORD(receive_into_socket), WORD(recvfrom), result);
    return pair(PyLong_FromSsize_t(result),
                address_from(captured, FIELD(arguments[0], Socket, _domain), &from));
}

static PyObject *new_socket(PyObject **captured, socket_t fd, PyObject *domain, PyObject *type,
                            PyObject *protocol, PyObject *nonblocking)
{
    PyObject *foreign = PyObject_CallFunctionObjArgs(THE(new_foreign), THE(foreign_socket), NULL);
    PyObject *sock = foreign == NULL ? NULL
        : PyType_GenericAlloc((PyTypeObject *) THE(Socket), 0);

    if (sock == NULL) {
        (void) close_plain(fd);
        Py_XDECREF(foreign);
        return NULL;
    }
    structure_of(foreign)->fd = fd;
    FIELD(sock, Socket, _foreign) = foreign;
    FIELD(sock, Socket, _domain) = Py_NewRef(domain);
    FIELD(sock, Socket, _type) = Py_NewRef(type);
    FIELD(sock, Socket, _protocol) = Py_NewRef(protocol);
    FIELD(sock, Socket, _nonblocking) = Py_NewRef(nonblocking);
    return sock;
}
static PyObject *fast_create_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    socket_t fd;

    if (count != 3 || names != NULL || !IS_CONSTANT(arguments[0], SocketDomain)
        || !IS_CONSTANT(arguments[1], SocketType) || !IS_CONSTANT(arguments[2], SocketProtocol))
        return THE_LONG_WAY(create_socket);
    fd = socket_block(value_of(arguments[0]), value_of(arguments[1]), value_of(arguments[2]));
    if (fd < 0)
        return fail(captured, "create_socket", "socket", fd);
    return new_socket(captured, fd, arguments[0], arguments[1], arguments[2], Py_True);
}
static PyObject *fast_accept_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *foreign, *client, *listener;
    struct foreign_frame from;
    socket_t fd;

    if (count != 1 || names != NULL || !IS_SOCKET(arguments[0]))
        return THE_LONG_WAY(accept_socket);
    listener = arguments[0];
    foreign = Py_NewRef(FIELD(listener, Socket, _foreign));
    UNTIL_DONE(fd, accept_block(structure_of(foreign), &from));
    Py_DECREF(foreign);
    if (fd < 0)
        return nothing_yet(captured, WORD(accept_socket), WORD(accept), fd);
    client = new_socket(captured, fd, FIELD(listener, Socket, _domain),
                        FIELD(listener, Socket, _type), FIELD(listener, Socket, _protocol),
                        Py_False);
    if (client == NULL)
        return NULL;
    return pair(client, address_from(captured, FIELD(listener, Socket, _domain), &from));
}
static PyObject *fast_connect_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *foreign, *packed;
    int result;

    if (count != 2 || names != NULL || !IS_SOCKET(arguments[0])
        || (packed = packed_form(captured, arguments[1])) == NULL)
        return THE_LONG_WAY(connect_socket);
    foreign = Py_NewRef(FIELD(arguments[0], Socket, _foreign));
    result = connect_block(structure_of(foreign), PyBytes_AsString(packed),
                           (socklen_t) PyBytes_Size(packed));
    Py_DECREF(foreign);
    if (result == 0)
        return Py_NewRef(Py_True);
    return PyObject_CallFunction(THE(judge_connect), "OOi", arguments[0], arguments[1], result);
}
static PyObject *fast_close_socket(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *foreign;
    int result;

    if (count != 1 || names != NULL || !IS_SOCKET(arguments[0]))
        return THE_LONG_WAY(close_socket);
    foreign = Py_NewRef(FIELD(arguments[0], Socket, _foreign));
    result = close_block(structure_of(foreign));
    Py_DECREF(foreign);
    if (result < 0 && result != -EINTR)
        return fail(captured, "close_socket", "close", result);
    return Py_NewRef(Py_None);
}

/* The kind, the bounds, the level and the number of such an option, or NULL. */
static PyObject *number_option(PyObject **captured, PyObject *sock, PyObject *option)
{
    PyObject *number = IS_SOCKET(sock) && IS(option, SocketOption)
        ? FIELD(option, SocketOption, _number) : NULL;

    return number == Py_None ? NULL : number;
}

static int part(PyObject *number, Py_ssize_t index)
{
    return (int) PyLong_AsLong(PyTuple_GetItem(number, index));
}
static PyObject *fast_get_socket_option(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *number = count != 2 || names != NULL ? NULL
        : number_option(captured, arguments[0], arguments[1]);
    const long long value = number == NULL ? LLONG_MIN : getsockopt_number_keep(
        structure_of(FIELD(arguments[0], Socket, _foreign)), part(number, 3), part(number, 4));

    if (value < INT_MIN)
        return THE_LONG_WAY(get_socket_option);
    if (PyTuple_GetItem(number, 0) == (PyObject *) &PyBool_Type)
        return PyBool_FromLong(value != 0);
    return PyLong_FromLongLong(value);
}
static PyObject *fast_set_socket_option(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    PyObject *number = count != 3 || names != NULL ? NULL
        : number_option(captured, arguments[0], arguments[1]);
    int fits = 0, value = 0;

    if (number != NULL && (PyObject *) Py_TYPE(arguments[2]) == PyTuple_GetItem(number, 0)) {
        const long given = PyLong_AsLong(arguments[2]);

        fits = PyErr_Occurred() == NULL && given >= part(number, 1) && given <= part(number, 2);
        PyErr_Clear();                  /* the complaint about a number that no long can be */
        value = (int) given;
    }
    if (fits && setsockopt_number_keep(structure_of(FIELD(arguments[0], Socket, _foreign)),
                                       part(number, 3), part(number, 4), value) == 0)
        return Py_NewRef(Py_None);
    return THE_LONG_WAY(set_socket_option);
}

static PyObject *known(PyObject **captured, PyObject *table, PyObject *kind, int value)
{
    PyObject *number = PyLong_FromLong(value), *constant;

    constant = number == NULL ? NULL : PyDict_GetItemWithError(table, number);
    if (constant != NULL)
        Py_INCREF(constant);
    else if (number != NULL && PyErr_Occurred() == NULL)
        constant = PyObject_CallFunctionObjArgs(THE(known_constant), table, kind, number, NULL);
    Py_XDECREF(number);
    return constant;
}
static PyObject *new_address_info(PyObject **captured, PyObject *domain, const struct addrinfo *at)
{
    PyObject *info = PyType_GenericAlloc((PyTypeObject *) THE(AddressInfo), 0), *address;
    struct foreign_frame from;

    if (info == NULL)
        return NULL;
    from.length = at->ai_addrlen < ROOM ? (socklen_t) at->ai_addrlen : ROOM;
    memcpy(&from.address, at->ai_addr, (size_t) from.length);
    FIELD(info, AddressInfo, domain) = Py_NewRef(domain);   /* an extractor may register another */
    FIELD(info, AddressInfo, address) = address = address_from(captured, domain, &from);
    FIELD(info, AddressInfo, type) = known(captured, THE(known_types), THE(SocketType),
                                           at->ai_socktype);
    FIELD(info, AddressInfo, protocol) = known(captured, THE(known_protocols), THE(SocketProtocol),
                                               at->ai_protocol);
    if (address != NULL && address != Py_None && !IS(address, SocketAddress))
        Py_XDECREF(PyObject_CallFunction(THE(expect), "ssOO", "get_address_info", "address",
                                         address, THE(SocketAddress)));
    if (PyErr_Occurred() != NULL)
        Py_CLEAR(info);
    return info;
}
static PyObject *address_infos(PyObject **captured, const struct addrinfo *at)
{
    PyObject *infos = PyList_New(0);

    for (; infos != NULL && at != NULL; at = at->ai_next) {
        PyObject *family = PyLong_FromLong(at->ai_family), *info = NULL, *domain;

        domain = family == NULL ? NULL : PyDict_GetItemWithError(THE(socket_domain_db), family);
        if (domain != NULL && (info = new_address_info(captured, domain, at)) != NULL)
            (void) PyList_Append(infos, info);
        if (PyErr_Occurred() != NULL)
            Py_CLEAR(infos);
        Py_XDECREF(family);
        Py_XDECREF(info);
    }
    return infos;
}
static int read_hint(PyObject *class, PyObject *const *hint, int *value)
{
    return *hint == Py_None || fold(class, hint, 1, value);
}

static int read_hints(PyObject **captured, PyObject *const *arguments, Py_ssize_t count,
                      struct addrinfo *hints)
{
    int plain = (count < 3 || read_hint(THE(SocketDomain), arguments + 2, &hints->ai_family))
        && (count < 4 || read_hint(THE(SocketType), arguments + 3, &hints->ai_socktype))
        && (count < 5 || read_hint(THE(SocketProtocol), arguments + 4, &hints->ai_protocol));

    return plain && (count <= 5 || fold(THE(AddressInfoOption), arguments + 5, count - 5,
                                        &hints->ai_flags));
}
static PyObject *fast_get_address_info(CALL)
{
    PyObject **captured = PyModule_GetState(self);
    struct foreign_resolution found;
    struct addrinfo hints = {0};
    PyObject *infos, *canonical;
    const char *node = NULL;
    Py_ssize_t length = 0;
    char service[8];
    long port = -1;
    int code;

    if (count >= 2 && names == NULL && PyUnicode_Check(arguments[0])
        && PyLong_CheckExact(arguments[1]) && read_hints(captured, arguments, count, &hints)) {
        node = PyUnicode_AsUTF8AndSize(arguments[0], &length);
        port = PyLong_AsLong(arguments[1]);
        PyErr_Clear();
    }
    if (node == NULL || port < 0 || port > 65535 || length != PyUnicode_GetLength(arguments[0])
        || strlen(node) != (size_t) length)
        return THE_LONG_WAY(get_address_info);
    (void) PyOS_snprintf(service, sizeof service, "%ld", port);
    do {
        code = getaddrinfo_block(node, service, &hints, &found);
    } while (code != 0 && found.system_error == EINTR && PyErr_CheckSignals() == 0);
    if (code != 0)
        return PyErr_Occurred() != NULL ? NULL : PyObject_CallFunction(
            THE(report_unresolved), "iiOO", code, found.system_error, arguments[0], arguments[1]);
    infos = address_infos(captured, found.list);
    canonical = found.list != NULL && found.list->ai_canonname != NULL
        ? PyUnicode_DecodeFSDefault(found.list->ai_canonname) : Py_NewRef(Py_None);
    freeaddrinfo(found.list);
    return pair(infos, canonical);
}

static int visit_captures(PyObject *self, visitproc visit, void *arg)
{
    PyObject **captured = PyModule_GetState(self);

    for (int i = 0; captured != NULL && i < HOW_MANY; i++)
        Py_VISIT(captured[i]);
    return 0;
}

static int drop_captures(PyObject *self)
{
    PyObject **captured = PyModule_GetState(self);

    for (int i = 0; captured != NULL && i < HOW_MANY; i++)
        Py_CLEAR(captured[i]);
    return 0;
}

static void free_captures(void *self)
{
    (void) drop_captures(self);
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "sockets._sockets", NULL, HOW_MANY * sizeof(PyObject *), NULL, NULL,
    visit_captures, drop_captures, free_captures
};
static int capture(PyObject **captured, PyObject *globals)
{
    for (int i = 0; i < HOW_MANY; i++) {
        captured[i] = i < HOW_MANY_CAPTURES ? PyDict_GetItemString(globals, texts[i])
            : PyUnicode_InternFromString(texts[i]);
        if (captured[i] == NULL)
            return 0;
        if (i < HOW_MANY_CAPTURES)
            Py_INCREF(captured[i]);
    }
    return 1;
}
static PyObject *fast_del(PyObject *sock, PyObject *nothing)
{
    PyObject *foreign = FIELD(sock, Socket, _foreign);
    const socket_t fd = foreign == NULL ? -1 : structure_of(foreign)->fd;

    (void) nothing;
    if (fd < 0)
        return Py_NewRef(Py_None);
    Py_INCREF(foreign);
    (void) close_block(structure_of(foreign));
    Py_DECREF(foreign);
    return PyObject_CallMethod(sock, "_complain", "Li", (long long) fd, 2);
}

static PyMethodDef method_del = {"__del__", fast_del, METH_NOARGS, NULL};

static int replace_del(PyObject *class)
{
    PyObject *descriptor = PyDescr_NewMethod((PyTypeObject *) class, &method_del);
    const int done = descriptor != NULL
        && PyObject_SetAttrString(class, "__del__", descriptor) == 0;

    Py_XDECREF(descriptor);
    return done;
}
#ifndef Py_TPFLAGS_HAVE_VECTORCALL
#define Py_TPFLAGS_HAVE_VECTORCALL (1UL << 11)
#endif
#define COUNT_OF(count) ((Py_ssize_t) ((count) & (SIZE_MAX >> 1)))     /* the highest bit is a flag */

typedef PyObject *(*fast_call)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

struct fast_path {
    PyObject_HEAD
    PyObject *(*enter)(PyObject *, PyObject *const *, size_t, PyObject *);
    fast_call call;
    PyObject *module, *procedure;
};

#define FAST_PATH(object) ((struct fast_path *) (void *) (object))

static PyObject *enter(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    return FAST_PATH(self)->call(FAST_PATH(self)->module, arguments, COUNT_OF(count), names);
}
static PyObject *call_procedure(PyObject *self, PyObject *arguments, PyObject *names)
{
    return PyObject_Call(FAST_PATH(self)->procedure, arguments, names);
}

static PyObject *ask_procedure(PyObject *self, void *name)
{
    return PyObject_GetAttrString(FAST_PATH(self)->procedure, name);
}

static PyObject *get_procedure(PyObject *self, void *nothing)
{
    (void) nothing;
    return Py_NewRef(FAST_PATH(self)->procedure);
}

static PyObject *get_itself(PyObject *self, PyObject *object, PyObject *class)
{
    (void) object, (void) class;
    return Py_NewRef(self);
}

static PyObject *tell_name(PyObject *self, PyObject *nothing)
{
    (void) nothing;
    return PyObject_GetAttrString(FAST_PATH(self)->procedure, "__qualname__");
}

static PyObject *show_fast_path(PyObject *self)
{
    return PyUnicode_FromFormat("<fast path of %R>", FAST_PATH(self)->procedure);
}

static int visit_fast_path(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(FAST_PATH(self)->module);
    Py_VISIT(FAST_PATH(self)->procedure);
    return 0;
}

static void free_fast_path(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Py_CLEAR(FAST_PATH(self)->module);
    Py_CLEAR(FAST_PATH(self)->procedure);
    ((freefunc) PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}
#define ASKED(name) {name, ask_procedure, NULL, NULL, (void *) (uintptr_t) name}
#define DOES(slot, function) {slot, (void *) (function)}

static PyGetSetDef fast_path_fields[] = {
    ASKED("__name__"), ASKED("__qualname__"), ASKED("__module__"), ASKED("__doc__"),
    ASKED("__annotations__"), {"__wrapped__", get_procedure, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMemberDef fast_path_places[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct fast_path, enter), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyMethodDef fast_path_methods[] = {
    {"__reduce__", tell_name, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL},
};
static PyType_Slot fast_path_does[] = {
    DOES(Py_tp_call, call_procedure), DOES(Py_tp_descr_get, get_itself),
    DOES(Py_tp_repr, show_fast_path), DOES(Py_tp_traverse, visit_fast_path),
    DOES(Py_tp_dealloc, free_fast_path), DOES(Py_tp_getset, fast_path_fields),
    DOES(Py_tp_members, fast_path_places), DOES(Py_tp_methods, fast_path_methods), {0, NULL},
};
static PyType_Spec fast_path_class = {
    "sockets._sockets.FastPath", sizeof(struct fast_path), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL
        | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    fast_path_does
};
static int replace(PyObject *globals, PyObject *module, PyObject *class, const char *name,
                   fast_call call)
{
    PyObject *procedure = PyDict_GetItemString(globals, name), *path = NULL;
    int done;

    if (class != NULL && procedure != NULL)
        path = PyType_GenericAlloc((PyTypeObject *) class, 0);
    if (path == NULL)
        return 0;
    FAST_PATH(path)->enter = enter;
    FAST_PATH(path)->call = call;
    FAST_PATH(path)->module = Py_NewRef(module);
    FAST_PATH(path)->procedure = Py_NewRef(procedure);
    done = PyDict_SetItemString(globals, name, path) == 0;
    Py_DECREF(path);
    return done;
}
/* Put the fast paths in the places of the procedures of `sockets._sockets`: whether it is done. */
int use_fast_paths_keep(struct foreign_socket *sample)
{
    PyObject *program = PyImport_AddModule("sockets._sockets");
    PyObject *globals = program == NULL ? NULL : PyModule_GetDict(program);
    PyObject *module = globals == NULL ? NULL : PyModule_Create(&definition);
    PyObject **captured = module == NULL ? NULL : PyModule_GetState(module);
    int done = captured != NULL && capture(captured, globals);
    PyObject *class = done ? PyType_FromSpec(&fast_path_class) : NULL;

#define LOOK(class, name) done = done && (place_of_##class##_##name = find_slot(THE(class), #name));
    SLOTS(LOOK)
    done = done && (place_of_pointer = find_place(THE(foreign_sample), sample)) != 0;
    new_error = (newfunc) PyType_GetSlot((PyTypeObject *) PyExc_OSError, Py_tp_new);
#define REPLACE(name) done = done && replace(globals, module, class, #name, fast_##name);
    PROCEDURES(REPLACE)
    done = done && replace_del(THE(Socket));
    Py_XDECREF(class);
    Py_XDECREF(module);
    PyErr_Clear();
    return done;
}

#else
int use_fast_paths_keep(struct foreign_socket *sample)
{
    (void) sample;
    return 0;
}
#endif
