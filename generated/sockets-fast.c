#if defined Py_PYTHON_H && !defined PYPY_VERSION && !defined Py_GIL_DISABLED \
    && (!defined Py_LIMITED_API || Py_LIMITED_API + 0 >= 0x030B0000) && !defined NO_FAST_PATHS
#include <errno.h>
#include <structmember.h>

struct socket_base {
    PyObject_HEAD
    PyObject *foreign;                  /* cffi's object, which owns the structure */
    struct foreign_socket *structure;
    PyObject *domain, *type, *protocol; /* the first a DomainBase, if they are set */
    int nonblocking;
};

struct constant_base {
    PyObject_HEAD
    int value, is_set;
};

struct domain_base {
    struct constant_base constant;      /* a domain is a constant, and goes on */
    PyObject *extractor;
};

struct info_base {
    PyObject_HEAD
    PyObject *domain, *type, *protocol, *address;
};

struct run_base {
    PyObject_HEAD
    PyObject *data, *size, *address, *truncated;
};

struct header_base {
    PyObject_HEAD
    PyObject *address, *items, *flags;
};

struct address_base {
    PyObject_HEAD
    PyObject *packed;                   /* a bytes, once it has been packed */
};

struct option_base {
    PyObject_HEAD
    int quick;
    int is_number, is_truth, low, high, level, id;      /* §63A */
};

#define SOCKET(object) ((struct socket_base *) (void *) (object))
#define CONSTANT(object) ((struct constant_base *) (void *) (object))
#define DOMAIN(object) ((struct domain_base *) (void *) (object))
#define INFO(object) ((struct info_base *) (void *) (object))
#define RUN(object) ((struct run_base *) (void *) (object))
#define HEADER(object) ((struct header_base *) (void *) (object))
#define ADDRESS(object) ((struct address_base *) (void *) (object))
#define OPTION(object) ((struct option_base *) (void *) (object))
#define PLACE(kind, field) ((void *) offsetof(struct kind, field))
#define AT(object, place) ((PyObject **) (void *) ((char *) (object) + (size_t) (place)))

/* Put an object, which is given up, in the place of another. */
static void put(PyObject **place, PyObject *value)
{
    PyObject *old = *place;

    *place = value;
    Py_XDECREF(old);
}

static int refuse(PyObject *error, const char *text)
{
    PyErr_SetString(error, text);
    return -1;
}

static PyObject *get_object(PyObject *self, void *place)
{
    PyObject *object = *AT(self, place);

    if (object == NULL)
        (void) refuse(PyExc_AttributeError, "the record is empty: its constructor was not called");
    else
        Py_INCREF(object);
    return object;
}

/* Fill a field once: the same again is no change. */
static int set_object_once(PyObject *self, PyObject *value, void *place)
{
    PyObject **field = AT(self, place);

    if (value == NULL || (*field != NULL && *field != value))
        return refuse(PyExc_AttributeError, "a record is immutable");
    if (*field == NULL)
        *field = Py_NewRef(value);
    return 0;
}
/* Whether it is an int that fits; if not, an exception says so. */
static int read_int(PyObject *value, int *number)
{
    const long wide = value != NULL && PyLong_CheckExact(value) ? PyLong_AsLong(value) : -1;

    if (value == NULL || !PyLong_CheckExact(value))
        return refuse(PyExc_TypeError, "it must be an int") == 0;
    if (wide == -1 && PyErr_Occurred() != NULL)
        return 0;
    if (wide < INT_MIN || wide > INT_MAX)
        return refuse(PyExc_OverflowError, "it must be an int of C") == 0;
    *number = (int) wide;
    return 1;
}

static PyObject *get_value(PyObject *self, void *nothing)
{
    (void) nothing;
    if (!CONSTANT(self)->is_set) {
        (void) refuse(PyExc_AttributeError, "the record is empty: its constructor was not called");
        return NULL;
    }
    return PyLong_FromLong(CONSTANT(self)->value);
}

static int set_value(PyObject *self, PyObject *value, void *nothing)
{
    struct constant_base *constant = CONSTANT(self);
    int number;

    (void) nothing;
    if (!read_int(value, &number))
        return -1;
    if (constant->is_set && constant->value != number)
        return refuse(PyExc_AttributeError, "a record is immutable");
    constant->value = number;
    constant->is_set = 1;
    return 0;
}
static int set_packed(PyObject *self, PyObject *value, void *nothing)
{
    (void) nothing;
    if (value == NULL || !PyBytes_CheckExact(value))
        return refuse(PyExc_TypeError, "it must be bytes");
    if (ADDRESS(self)->packed == NULL)
        ADDRESS(self)->packed = Py_NewRef(value);
    return 0;
}
static PyObject *get_flag(PyObject *self, void *place)
{
    return PyBool_FromLong(*(int *) (void *) AT(self, place));
}

static int set_flag(PyObject *self, PyObject *value, void *place)
{
    if (value != Py_True && value != Py_False)
        return refuse(PyExc_TypeError, "it must be a bool");
    *(int *) (void *) AT(self, place) = value == Py_True;
    return 0;
}

static PyObject *get_number(PyObject *self, void *nothing)
{
    const struct option_base *option = OPTION(self);

    (void) nothing;
    if (!option->is_number)
        return Py_NewRef(Py_None);
    return Py_BuildValue("Oiiii", option->is_truth ? &PyBool_Type : &PyLong_Type, option->low,
                         option->high, option->level, option->id);
}

static int set_number(PyObject *self, PyObject *value, void *nothing)
{
    struct option_base *option = OPTION(self);
    int numbers[4], is_truth;

    (void) nothing;
    if (value == Py_None) {
        option->is_number = 0;
        return 0;
    }
    if (value == NULL || !PyTuple_CheckExact(value) || PyTuple_Size(value) != 5)
        return refuse(PyExc_TypeError, "it must be None or a tuple of five");
    is_truth = PyTuple_GetItem(value, 0) == (PyObject *) &PyBool_Type;
    for (Py_ssize_t i = 0; i < 4; i++)
        if (!read_int(PyTuple_GetItem(value, i + 1), &numbers[i]))
            return -1;
    option->is_truth = is_truth;
    option->low = numbers[0];
    option->high = numbers[1];
    option->level = numbers[2];
    option->id = numbers[3];
    option->is_number = 1;
    return 0;
}

#define PROCEDURES(ROW) \
    ROW(accept_socket, accept) ROW(close_socket, close) ROW(connect_socket, connect) \
    ROW(create_socket, socket) ROW(get_address_info, getaddrinfo) \
    ROW(get_peer_name, getpeername) ROW(get_socket_name, getsockname) \
    ROW(get_socket_option, getsockopt) ROW(lay_runs, sendmmsg) ROW(read_runs, recvmmsg) \
    ROW(receive_exactly, recvfrom) ROW(receive_from_socket, recvfrom) \
    ROW(receive_into_socket, recvfrom) ROW(send_all, sendto) ROW(send_to_socket, sendto) \
    ROW(set_socket_nonblocking, ioctl) ROW(set_socket_option, setsockopt) \
    ROW(tell_address, audit) ROW(wait_for_socket, poll) MESSAGES(ROW)
#ifdef _WIN32
#define MESSAGES(ROW)
#else
#define MESSAGES(ROW) \
    ROW(receive_message, recvmsg) ROW(receive_message_into, recvmsg) ROW(send_message, sendmsg)
#endif
#define BASES(BASE) \
    BASE(SocketBase) BASE(ConstantBase) BASE(DomainBase) BASE(InfoBase) BASE(AddressBase) \
    BASE(RunBase) BASE(HeaderBase) BASE(OptionBase)
#define CLASSES(ROW) \
    ROW(AddressInfo, InfoBase) ROW(AddressInfoOption, ConstantBase) ROW(Datagrams, RunBase) \
    ROW(Internet6Address, AddressBase) \
    ROW(InternetAddress, AddressBase) ROW(MessageHeader, HeaderBase) \
    ROW(ReceiveFromOption, ConstantBase) \
    ROW(SendToOption, ConstantBase) ROW(Socket, SocketBase) ROW(SocketAddress, AddressBase) \
    ROW(SocketDomain, DomainBase) ROW(SocketOption, OptionBase) \
    ROW(SocketProtocol, ConstantBase) ROW(SocketType, ConstantBase) ROW(UnixAddress, AddressBase)
#define CAPTURES(NAME) \
    NAME(Descriptors) NAME(SIZES) NAME(SocketCondition) NAME(any_pointer) NAME(deadline_for) \
    NAME(expect) \
    NAME(foreign_to_internet6_address) NAME(foreign_to_internet_address) \
    NAME(foreign_to_unix_address) NAME(is_over) NAME(items_to_foreign) NAME(judge_connect) \
    NAME(known_constant) NAME(known_protocols) NAME(known_types) NAME(late_condition) \
    NAME(new_control) NAME(new_uncleared) NAME(not_yet) NAME(own_descriptors) \
    NAME(pack_if_possible) NAME(plain_address) NAME(read_item) NAME(refuse_buffer) \
    NAME(report_failure) NAME(report_unresolved) NAME(socket_domain_db) NAME(tell_done) \
    NAME(wait_again)
#define SLOTS(SLOT) SLOT(who) SLOT(syscall) SLOT(address)

#define NUMBER(name) NUMBER_OF_##name,
#define CLASS_NUMBER(name, base) NUMBER_OF_##name,
#define SLOT_NUMBER(name) SLOT_##name,
#define THREE_NUMBERS(name, call) NUMBER_OF_##name, NAME_OF_##name, CALL_OF_##name,

enum {
    BASES(NUMBER) CLASSES(CLASS_NUMBER) CAPTURES(NUMBER) SLOTS(SLOT_NUMBER)
    PROCEDURES(THREE_NUMBERS) NUMBER_OF_new_foreign, NUMBER_OF_foreign_socket,
    ANSWER_CLASS, ANSWER_PARTS, LONG_EQ, LONG_HASH, HOW_MANY
};

struct state {
    PyObject *captured[HOW_MANY];
    descrsetfunc set_slot;              /* how a class's slots are set (§90H) */
    newfunc new_error;
    int (*audit)(const char *event, const char *format, ...);       /* PySys_Audit (§90X) */
    ssize_t answer;                     /* the error of which ANSWER_CLASS is (§90K) */
    int bases_made, places_taken;
};

#define THE(name) state->captured[NUMBER_OF_##name]
#define IS(object, class) PyObject_TypeCheck(object, (PyTypeObject *) THE(class))
/* Whether the slot of a condition could be filled. */
static int fill(struct state *state, PyObject *condition, int slot, PyObject *value)
{
    return state->set_slot(state->captured[slot], condition, value) == 0;
}

static void give_back(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    ((freefunc) PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* How a base of this kind shows and drops the objects that it holds, from the first field on. */
#define HOLDS(kind, first, count) \
    static int visit_##kind(PyObject *self, visitproc visit, void *arg) \
    { \
        Py_VISIT(Py_TYPE(self)); \
        for (int i = 0; i < count; i++) \
            Py_VISIT(AT(self, PLACE(kind, first))[i]); \
        return 0; \
    } \
    static int clear_##kind(PyObject *self) \
    { \
        for (int i = 0; i < count; i++) \
            Py_CLEAR(AT(self, PLACE(kind, first))[i]); \
        return 0; \
    } \
    static void free_##kind(PyObject *self) \
    { \
        PyObject_GC_UnTrack(self); \
        (void) clear_##kind(self); \
        give_back(self); \
    }

HOLDS(socket_base, domain, 3)
HOLDS(domain_base, extractor, 1)
HOLDS(info_base, domain, 4)
HOLDS(run_base, data, 4)
HOLDS(header_base, address, 3)

static void free_socket(PyObject *self)
{
    PyObject *foreign = SOCKET(self)->foreign;

    PyObject_GC_UnTrack(self);          /* before the lock is given up: it belongs to nobody now */
    if (SOCKET(self)->structure->fd >= 0)
        (void) close_block(SOCKET(self)->structure);
    free_socket_base(self);
    Py_DECREF(foreign);                 /* and with it the structure */
}

static void free_address(PyObject *self)
{
    Py_CLEAR(ADDRESS(self)->packed);
    give_back(self);
}
static PyObject *new_socket_base(PyTypeObject *type, PyObject *arguments, PyObject *named);

static struct state *state_of(PyTypeObject *type, int slot, void *function)
{
    PyTypeObject *base = type;

    for (PyTypeObject *at = type; at != NULL; at = PyType_GetSlot(at, Py_tp_base))
        if (PyType_GetSlot(at, slot) == function)
            base = at;
    return PyType_GetModuleState(base);
}

#define STATE_OF_SOCKET(type) state_of(type, Py_tp_new, (void *) new_socket_base)
#define STATE_OF_ADDRESS(type) state_of(type, Py_tp_dealloc, (void *) free_address)

static PyObject *new_record_of_socket(struct state *state, PyTypeObject *type)
{
    struct _cffi_ctypedescr *kind = (struct _cffi_ctypedescr *) (void *) THE(foreign_socket);
    PyObject *foreign = PyObject_CallFunctionObjArgs(THE(new_foreign), THE(foreign_socket), NULL);
    void *structure = foreign == NULL ? NULL : _cffi_to_c_pointer(foreign, kind);
    PyObject *sock = structure == NULL ? NULL : PyType_GenericAlloc(type, 0);

    if (sock == NULL) {
        Py_XDECREF(foreign);
        return NULL;
    }
    SOCKET(sock)->foreign = foreign;
    SOCKET(sock)->structure = structure;
    SOCKET(sock)->structure->fd = -1;
    return sock;
}

static PyObject *new_socket_base(PyTypeObject *type, PyObject *arguments, PyObject *named)
{
    struct state *state = STATE_OF_SOCKET(type);

    (void) arguments, (void) named;
    return state == NULL ? NULL : new_record_of_socket(state, type);
}

static int set_kind(PyObject *self, PyObject *value, void *place, int number, const char *text)
{
    struct state *state = STATE_OF_SOCKET(Py_TYPE(self));

    if (state == NULL)
        return -1;
    if (value == NULL || !PyObject_TypeCheck(value, (PyTypeObject *) state->captured[number]))
        return refuse(PyExc_TypeError, text);
    put(AT(self, place), Py_NewRef(value));
    return 0;
}

static int set_domain(PyObject *self, PyObject *value, void *place)
{
    return set_kind(self, value, place, NUMBER_OF_DomainBase, "it must be a SocketDomain");
}

static int set_constant(PyObject *self, PyObject *value, void *place)
{
    return set_kind(self, value, place, NUMBER_OF_ConstantBase,
                    "it must be a SocketType or a SocketProtocol");
}
#define FIELD(name, getter, setter, place) {name, getter, setter, NULL, place}
#define ONCE(kind, name) FIELD(#name, get_object, set_object_once, PLACE(kind, name))
#define NO_FIELD {NULL, NULL, NULL, NULL, NULL}
#define DOES(slot, function) {slot, (void *) (function)}
#define HOLDER(kind, fields) { \
        DOES(Py_tp_traverse, visit_##kind), DOES(Py_tp_clear, clear_##kind), \
        DOES(Py_tp_dealloc, free_##kind), DOES(Py_tp_getset, fields), {0, NULL}, \
    }

static PyGetSetDef socket_fields[] = {
    FIELD("_foreign", get_object, NULL, PLACE(socket_base, foreign)),
    FIELD("_domain", get_object, set_domain, PLACE(socket_base, domain)),
    FIELD("_type", get_object, set_constant, PLACE(socket_base, type)),
    FIELD("_protocol", get_object, set_constant, PLACE(socket_base, protocol)),
    FIELD("_nonblocking", get_flag, set_flag, PLACE(socket_base, nonblocking)),
    NO_FIELD,
};
static PyGetSetDef constant_fields[] = { FIELD("value", get_value, set_value, NULL), NO_FIELD };
static PyGetSetDef domain_fields[] = { ONCE(domain_base, extractor), NO_FIELD };
static PyGetSetDef info_fields[] = {
    ONCE(info_base, domain), ONCE(info_base, type), ONCE(info_base, protocol),
    ONCE(info_base, address), NO_FIELD,
};
static PyGetSetDef run_fields[] = {
    ONCE(run_base, data), ONCE(run_base, size), ONCE(run_base, address),
    ONCE(run_base, truncated), NO_FIELD,
};
static PyGetSetDef header_fields[] = {
    ONCE(header_base, address), ONCE(header_base, items), ONCE(header_base, flags), NO_FIELD,
};
static PyGetSetDef address_fields[] = {
    FIELD("_packed", get_object, set_packed, PLACE(address_base, packed)), NO_FIELD,
};
static PyGetSetDef option_fields[] = {
    FIELD("_quick", get_flag, set_flag, PLACE(option_base, quick)),
    FIELD("_number", get_number, set_number, NULL), NO_FIELD,
};

static PyType_Slot socket_does[] = {
    DOES(Py_tp_new, new_socket_base), DOES(Py_tp_traverse, visit_socket_base),
    DOES(Py_tp_clear, clear_socket_base), DOES(Py_tp_dealloc, free_socket),
    DOES(Py_tp_getset, socket_fields), {0, NULL},
};
static PyType_Slot constant_does[] = { DOES(Py_tp_getset, constant_fields), {0, NULL} };
static PyType_Slot domain_does[] = HOLDER(domain_base, domain_fields);
static PyType_Slot info_does[] = HOLDER(info_base, info_fields);
static PyType_Slot run_does[] = HOLDER(run_base, run_fields);
static PyType_Slot header_does[] = HOLDER(header_base, header_fields);
static PyType_Slot address_does[] = {
    DOES(Py_tp_dealloc, free_address), DOES(Py_tp_getset, address_fields), {0, NULL},
};
static PyType_Slot option_does[] = { DOES(Py_tp_getset, option_fields), {0, NULL} };

#define OPEN (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE)
#define SPECIFY(name, kind, flags, does) \
    {"sockets." #name, (int) sizeof(struct kind), 0, flags, does}

static PyType_Spec specifications[] = {         /* in the order of BASES */
    SPECIFY(SocketBase, socket_base, OPEN | Py_TPFLAGS_HAVE_GC, socket_does),
    SPECIFY(ConstantBase, constant_base, OPEN, constant_does),
    SPECIFY(DomainBase, domain_base, OPEN | Py_TPFLAGS_HAVE_GC, domain_does),
    SPECIFY(InfoBase, info_base, OPEN | Py_TPFLAGS_HAVE_GC, info_does),
    SPECIFY(AddressBase, address_base, OPEN, address_does),
    SPECIFY(RunBase, run_base, OPEN | Py_TPFLAGS_HAVE_GC, run_does),
    SPECIFY(HeaderBase, header_base, OPEN | Py_TPFLAGS_HAVE_GC, header_does),
    SPECIFY(OptionBase, option_base, OPEN, option_does),
};
static const char *const base_names[] = {
#define AS_TEXT(name) #name,
    BASES(AS_TEXT)
};

static PyObject *cut_to_length(PyObject *filled, Py_ssize_t length)
{
    const Py_ssize_t head = PyBytes_AsString(filled) - (char *) filled;
    PyObject *cut = PyObject_Realloc(filled, (size_t) (head + length + 1));

    if (cut == NULL && length > PyBytes_Size(filled))
        return NULL;
    if (cut == NULL)
        cut = filled;
    Py_SET_SIZE((PyVarObject *) cut, length);
    PyBytes_AsString(cut)[length] = '\0';
    return cut;
}
static int is_same(PyObject *one, PyObject *other)
{
    return one == NULL || other == NULL ? -1 : PyObject_RichCompareBool(one, other, Py_EQ);
}

/* 1 if a bytes can be cut, 0 if not, -1 and an exception if that cannot be found out. */
static int bytes_can_be_cut(void)
{
    PyObject *model = PyBytes_FromStringAndSize("1234", 4), *is = NULL, *wanted = NULL;
    PyObject *filled = PyBytes_FromStringAndSize(NULL, 5000);
    int can = -1;

    if (model != NULL && filled != NULL) {
        is = PyLong_FromSsize_t(PyBytes_AsString(filled) - (char *) filled + 1);
        wanted = PyObject_GetAttrString((PyObject *) &PyBytes_Type, "__basicsize__");
        can = Py_SIZE(filled) == 5000 ? is_same(is, wanted) : 0;
    }
    if (can == 1) {
        memcpy(PyBytes_AsString(filled), "1234", 4);
        filled = cut_to_length(filled, 4);
        put(&is, PyObject_CallMethod(filled, "__sizeof__", NULL));
        put(&wanted, PyObject_CallMethod(model, "__sizeof__", NULL));
        can = is_same(is, wanted);
    }
    if (can == 1)
        can = is_same(filled, model);
    Py_XDECREF(model);
    Py_XDECREF(filled);
    Py_XDECREF(is);
    Py_XDECREF(wanted);
    return can;
}

/* make_bases(ffi.new, the type of the structure of a socket): whether there are bases now. */
static PyObject *make_bases(PyObject *self, PyObject *arguments)
{
    struct state *state = PyModule_GetState(self);
    PyObject *new_foreign, *kind;
    int can;

    if (!PyArg_ParseTuple(arguments, "OO:make_bases", &new_foreign, &kind))
        return NULL;
    if (state->bases_made) {
        (void) refuse(PyExc_RuntimeError, "make_bases: they are made already");
        return NULL;
    }
    can = bytes_can_be_cut();
    if (can != 1)
        return can < 0 ? NULL : Py_NewRef(Py_False);
    state->bases_made = 1;
    THE(new_foreign) = Py_NewRef(new_foreign);
    THE(foreign_socket) = Py_NewRef(kind);
    for (int i = NUMBER_OF_SocketBase; i <= NUMBER_OF_OptionBase; i++) {
        PyObject *base = i == NUMBER_OF_DomainBase ? THE(ConstantBase) : NULL;

        state->captured[i] = PyType_FromModuleAndSpec(self, &specifications[i], base);
        if (state->captured[i] == NULL
            || PyObject_SetAttrString(self, base_names[i], state->captured[i]) < 0)
            return NULL;
    }
    return Py_NewRef(Py_True);
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

/* Whether there are no named arguments, or one, of this name. */
static int may_be_named(PyObject *names, const char *name)
{
    return names == NULL
        || (PyTuple_Size(names) == 1
            && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), name) == 0);
}
/* Whether there is no error, or one of this kind, which is cleared. */
static int only(PyObject *error)
{
    if (PyErr_Occurred() == NULL)
        return 1;
    if (!PyErr_ExceptionMatches(error))
        return 0;
    PyErr_Clear();
    return 1;
}

#define UNTIL_DONE(result, call) do { \
        (result) = (call); \
    } while ((result) == -EINTR && PyErr_CheckSignals() == 0)

/* The same for a call that may wait, for no longer than its socket's time-out (§86V). */
#define UNTIL_LATE(result, structure, writing, call) do { \
        const double since = clock_keep(); \
        (result) = (call); \
        while ((result) == -EINTR && PyErr_CheckSignals() == 0) \
            if (((result) = wait_for_rest_block(structure, writing, since)) > 0) \
                (result) = (call); \
    } while (0)

/* Raise the condition for a result of the procedure of this number. */
static PyObject *fail(struct state *state, int procedure, ssize_t result, PyObject *sock)
{
    return PyObject_CallFunction(THE(report_failure), "OOnO", state->captured[procedure + 1],
                                 state->captured[procedure + 2], (Py_ssize_t) -result, sock);
}
static struct socket_base *whole_socket(struct state *state, PyObject *object)
{
    struct socket_base *sock = IS(object, Socket) ? SOCKET(object) : NULL;

    return sock != NULL && sock->domain != NULL && sock->type != NULL && sock->protocol != NULL
        ? sock : NULL;
}
static PyObject *learn_answer(struct state *state, PyObject *condition, ssize_t result)
{
    PyObject *parts = condition == NULL ? NULL : PyObject_GetAttrString(condition, "args");

    if (parts != NULL && PyTuple_CheckExact(parts) && PyTuple_Size(parts) == 2
        && IS(condition, SocketCondition)) {
        state->answer = 0;
        put(&state->captured[ANSWER_CLASS], Py_NewRef((PyObject *) Py_TYPE(condition)));
        put(&state->captured[ANSWER_PARTS], Py_NewRef(parts));
        state->answer = result;
    }
    Py_XDECREF(parts);
    if (parts == NULL)
        Py_CLEAR(condition);
    return condition;
}

static PyObject *say_not_yet(struct state *state, int procedure, ssize_t result,
                             PyObject *address, PyObject *sock)
{
    PyObject *who = state->captured[procedure + 1], *syscall = state->captured[procedure + 2];
    PyObject *condition;

    if (result == -EINTR)
        return NULL;
    if (result != state->answer) {
        condition = PyObject_CallFunction(THE(not_yet), "OOnOO", who, syscall,
                                          (Py_ssize_t) -result, address, sock);
        return learn_answer(state, condition, result);
    }
    condition = state->new_error((PyTypeObject *) state->captured[ANSWER_CLASS],
                                 state->captured[ANSWER_PARTS], NULL);
    if (condition != NULL
        && !(fill(state, condition, SLOT_who, who) && fill(state, condition, SLOT_syscall, syscall)
             && fill(state, condition, SLOT_address, address)))
        Py_CLEAR(condition);
    return condition;
}

static PyObject *new_address(PyObject *class, const struct foreign_frame *from, size_t length)
{
    PyObject *packed = PyBytes_FromStringAndSize((const char *) &from->address,
                                                 (Py_ssize_t) length);
    PyObject *address = packed == NULL ? NULL : PyType_GenericAlloc((PyTypeObject *) class, 0);

    if (address != NULL)
        ADDRESS(address)->packed = packed;
    else
        Py_XDECREF(packed);
    return address;
}

static PyObject *address_from(struct state *state, PyObject *domain,
                              const struct foreign_frame *from)
{
    PyObject *extractor = DOMAIN(domain)->extractor, *packed, *address;

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
    if (extractor == NULL)
        return PyObject_GetAttrString(domain, "extractor");     /* which says that it is empty */
    packed = PyBytes_FromStringAndSize((const char *) &from->address, (Py_ssize_t) from->length);
    Py_INCREF(extractor);
    address = packed == NULL ? NULL : PyObject_CallFunctionObjArgs(extractor, packed, NULL);
    Py_DECREF(extractor);
    Py_XDECREF(packed);
    return address;
}
/* Whether it is exactly of a built-in kind: an address of another class compares as it likes. */
static int is_built_in(struct state *state, PyObject *address)
{
    const PyObject *class = (const PyObject *) Py_TYPE(address);

#ifndef _WIN32
    if (class == THE(UnixAddress))
        return 1;
#endif
    return class == THE(InternetAddress) || class == THE(Internet6Address);
}

#ifdef __linux__
#define IS_ABSTRACT(path, length) ((length) > 0 && *(path) == '\0')     /* §92 */
#else
#define IS_ABSTRACT(path, length) 0
#endif

/* The bytes of its fields; or a null pointer if it has not been packed. */
static const char *find_fields(struct state *state, PyObject *address, size_t *length)
{
    PyObject *packed = ADDRESS(address)->packed;
    const PyObject *class = (const PyObject *) Py_TYPE(address);
    const size_t size = packed == NULL ? 0 : (size_t) PyBytes_Size(packed);
    const size_t header = offsetof(struct sockaddr, sa_data) < size
        ? offsetof(struct sockaddr, sa_data) : size;
    const size_t most = class == THE(InternetAddress) ? 6       /* port and host */
        : class == THE(Internet6Address) ? 26 : size;           /* and flow information and scope */
    const char *data, *end;

    if (packed == NULL)
        return NULL;
    data = PyBytes_AsString(packed) + header;
    *length = size - header < most ? size - header : most;
    if (class == THE(UnixAddress) && !IS_ABSTRACT(data, *length)
        && (end = memchr(data, '\0', *length)) != NULL)
        *length = (size_t) (end - data);
    return data;
}

static PyObject *fast_eq(PyObject *self, PyObject *other)
{
    struct state *state = STATE_OF_ADDRESS(Py_TYPE(self));
    const char *own = NULL, *others = NULL;
    size_t length, its_length;

    if (state == NULL)
        return NULL;
    if (Py_TYPE(self) == Py_TYPE(other) && is_built_in(state, self)
        && (own = find_fields(state, self, &length)) != NULL)
        others = find_fields(state, other, &its_length);
    if (others == NULL)
        return PyObject_CallFunctionObjArgs(state->captured[LONG_EQ], self, other, NULL);
    return PyBool_FromLong(length == its_length && memcmp(own, others, length) == 0);
}
static PyObject *fast_hash(PyObject *self, PyObject *nothing)
{
    struct state *state = STATE_OF_ADDRESS(Py_TYPE(self));
    PyObject *piece = NULL;
    const char *data = NULL;
    size_t length;
    Py_hash_t hash;

    (void) nothing;
    if (state == NULL)
        return NULL;
    if (is_built_in(state, self) && (data = find_fields(state, self, &length)) == NULL) {
        piece = PyObject_CallFunctionObjArgs(THE(pack_if_possible), self, NULL);
        if (piece == NULL)
            return NULL;
        Py_DECREF(piece);
        data = find_fields(state, self, &length);
    }
    if (data == NULL)
        return PyObject_CallFunctionObjArgs(state->captured[LONG_HASH], self, NULL);
    piece = PyBytes_FromStringAndSize(data, (Py_ssize_t) length);
    hash = piece == NULL ? -1 : PyObject_Hash(piece);
    Py_XDECREF(piece);
    return hash == -1 ? NULL : PyLong_FromSsize_t(hash);
}
static PyObject *packed_form(struct state *state, const struct socket_base *sock,
                             PyObject *address, const char **data, socklen_t *length)
{
    PyObject *packed = IS(address, SocketAddress) ? ADDRESS(address)->packed : NULL;
    struct sockaddr head = {0};

    if (packed == NULL)
        return NULL;
    *data = PyBytes_AsString(packed);
    *length = (socklen_t) PyBytes_Size(packed);
    if (*length < offsetof(struct sockaddr, sa_data))
        return NULL;
    memcpy(&head, *data, offsetof(struct sockaddr, sa_data));
    return head.sa_family == CONSTANT(sock->domain)->value ? packed : NULL;
}

/* Whether all flags are of the class; `bits` is them together. */
static int fold(PyObject *class, PyObject *const *flags, Py_ssize_t count, int *bits)
{
    int plain = 1;

    for (*bits = 0; plain && count > 0; count--, flags++) {
        plain = PyObject_TypeCheck(*flags, (PyTypeObject *) class) && CONSTANT(*flags)->is_set;
        *bits |= plain ? CONSTANT(*flags)->value : 0;
    }
    return plain;
}
/* Whether the buffer is lent; if not, an exception says why. */
static int borrow(struct state *state, int procedure, PyObject *buffer, int writable,
                  Py_buffer *lent)
{
    if (PyObject_GetBuffer(buffer, lent, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) == 0)
        return 1;
    if (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError)
        || PyErr_ExceptionMatches(PyExc_BufferError)) {
        PyErr_Clear();
        Py_XDECREF(PyObject_CallFunction(THE(refuse_buffer), "OOO", state->captured[procedure + 1],
                                         buffer, writable ? Py_True : Py_False));
    }
    return 0;
}

static void end_loan(Py_buffer *lent)
{
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    PyBuffer_Release(lent);
    PyErr_Restore(type, value, traceback);
}

struct told {
    struct state *state;
    PyObject *address;
};

static PyObject *make_plain(void *argument)
{
    const struct told *told = argument;

    return PyObject_CallFunctionObjArgs(
        told->state->captured[NUMBER_OF_plain_address], told->address, NULL);
}

/* Whether nobody objects to the use of an address. */
static int may_use(struct state *state, const char *event, PyObject *sock, PyObject *address)
{
    struct told told = {state, address};

    return state->audit(event, "OO&", sock, make_plain, &told) == 0;
}

static PyObject *fast_tell_address(CALL)
{
    struct state *state = PyModule_GetState(self);
    const char *event;

    if (count != 3 || names != NULL)
        return THE_LONG_WAY(tell_address);
    event = PyUnicode_AsUTF8AndSize(arguments[0], NULL);
    if (event == NULL || !may_use(state, event, arguments[1], arguments[2]))
        return NULL;
    return Py_NewRef(Py_None);
}

/* sendto(2) by the rule of §54: bytes, or a negative error. */
static ssize_t send_by_rule(struct socket_base *sock, const char *data, Py_ssize_t size, int bits,
                            const char *to, socklen_t length)
{
    const int quick = sock->nonblocking && size < LONG_COPY;
    ssize_t result;

    bits |= sock->nonblocking ? NO_WAIT : 0;
    if (quick)
        UNTIL_DONE(result, sendto_keep(sock->structure, data, (size_t) size, bits, to, length));
    else
        UNTIL_LATE(result, sock->structure, 1,
                   sendto_block(sock->structure, data, (size_t) size, bits, to, length));
    return result;
}

static PyObject *fast_send_to_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    PyObject *packed = NULL;
    Py_buffer lent;
    const char *to = NULL;
    socklen_t length = 0;
    ssize_t result;
    int bits;

    if (count < 3 || names != NULL || (sock = whole_socket(state, arguments[0])) == NULL
        || (arguments[2] != Py_None
            && (packed = packed_form(state, sock, arguments[2], &to, &length)) == NULL)
        || !fold(THE(SendToOption), arguments + 3, count - 3, &bits))
        return THE_LONG_WAY(send_to_socket);
    if (packed != NULL && !may_use(state, "socket.sendto", arguments[0], arguments[2]))
        return NULL;
    if (!borrow(state, NUMBER_OF_send_to_socket, arguments[1], 0, &lent))
        return NULL;
    Py_XINCREF(packed);
    result = send_by_rule(sock, lent.buf, lent.len, bits, to, length);
    end_loan(&lent);
    Py_XDECREF(packed);
    if (result < 0)
        return say_not_yet(state, NUMBER_OF_send_to_socket, result, arguments[2], arguments[0]);
    return PyLong_FromSsize_t(result);
}
/* recvfrom(2) by the rule of §58: bytes, or a negative error. */
static ssize_t receive_by_rule(struct socket_base *sock, char *data, Py_ssize_t size, int bits,
                               struct foreign_frame *from)
{
    struct foreign_socket *structure = sock->structure;
    ssize_t result;

    if (sock->nonblocking)
        bits |= NO_WAIT;
    if (NO_WAIT != 0 && bits & NO_WAIT && size < LONG_COPY)
        UNTIL_DONE(result, recvfrom_keep(structure, data, (size_t) size, bits, from));
    else
        UNTIL_LATE(result, structure, 0,
                   recvfrom_block(structure, data, (size_t) size, bits, from));
    return result;
}
static PyObject *pair(PyObject *first, PyObject *second)
{
    PyObject *both = first != NULL && second != NULL ? PyTuple_Pack(2, first, second) : NULL;

    Py_XDECREF(first);
    Py_XDECREF(second);
    return both;
}

static PyObject *nothing_yet(struct state *state, int procedure, ssize_t result, PyObject *sock)
{
    return pair(Py_NewRef(Py_None), say_not_yet(state, procedure, result, Py_None, sock));
}

static PyObject *sender(struct state *state, struct socket_base *sock,
                        const struct foreign_frame *from)
{
    PyObject *domain = Py_NewRef(sock->domain), *address = address_from(state, domain, from);

    Py_DECREF(domain);
    return address;
}

struct piece {
    char small[4096];
    PyObject *filled;
};

/* Where a piece of this size is received; or a null pointer, and perhaps an exception. */
static char *begin_piece(struct piece *piece, Py_ssize_t size)
{
    piece->filled = size > (Py_ssize_t) sizeof piece->small
        ? PyBytes_FromStringAndSize(NULL, size) : NULL;
    return piece->filled != NULL ? PyBytes_AsString(piece->filled)
        : size >= 0 && size <= (Py_ssize_t) sizeof piece->small ? piece->small : NULL;
}

/* What came; with MSG_TRUNC its length may be more than the size (§59). */
static PyObject *end_piece(struct piece *piece, Py_ssize_t size, ssize_t length)
{
    if (piece->filled == NULL)
        return PyBytes_FromStringAndSize(piece->small, length < size ? length : size);
    return length < size ? cut_to_length(piece->filled, length) : piece->filled;
}

static PyObject *fast_receive_from_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    PyObject *received;
    struct piece piece;
    struct foreign_frame from;
    char *data;
    Py_ssize_t size = -1;
    ssize_t result;
    int bits;

    if (count >= 2 && names == NULL && (sock = whole_socket(state, arguments[0])) != NULL
        && PyLong_CheckExact(arguments[1])
        && fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits))
        size = PyLong_AsSsize_t(arguments[1]);
    if ((data = begin_piece(&piece, size)) == NULL)
        return only(PyExc_OverflowError) ? THE_LONG_WAY(receive_from_socket) : NULL;
    result = receive_by_rule(sock, data, size, bits, &from);
    if (result < 0) {
        Py_XDECREF(piece.filled);
        return nothing_yet(state, NUMBER_OF_receive_from_socket, result, arguments[0]);
    }
    received = end_piece(&piece, size, result);
    return received == NULL ? NULL : pair(received, sender(state, sock, &from));
}
static PyObject *fast_receive_into_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    Py_buffer lent;
    struct foreign_frame from;
    ssize_t result;
    int bits;

    if (count < 2 || names != NULL || (sock = whole_socket(state, arguments[0])) == NULL
        || !fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits))
        return THE_LONG_WAY(receive_into_socket);
    if (!borrow(state, NUMBER_OF_receive_into_socket, arguments[1], 1, &lent))
        return NULL;
    result = receive_by_rule(sock, lent.buf, lent.len, bits, &from);
    end_loan(&lent);
    if (result < 0)
        return nothing_yet(state, NUMBER_OF_receive_into_socket, result, arguments[0]);
    return pair(PyLong_FromSsize_t(result), sender(state, sock, &from));
}

#define MUCH ((Py_ssize_t) 1 << 26)

struct whole {
    const int sends;
    PyObject *filled;                   /* when receiving: a bytes that no one else has seen */
    char *data;
    Py_ssize_t wanted, room, done;
};

/* Whether there is room for more; if not, an exception says so. */
static int make_room(struct whole *all)
{
    const Py_ssize_t most = all->filled == NULL ? MUCH : all->room * 2;
    const Py_ssize_t room = all->wanted < most ? all->wanted : most;
    PyObject *filled = all->filled == NULL ? PyBytes_FromStringAndSize(NULL, room)
        : cut_to_length(all->filled, room);

    if (filled == NULL && PyErr_Occurred() == NULL)
        (void) PyErr_NoMemory();
    if (filled == NULL)
        return 0;
    all->filled = filled;
    all->data = PyBytes_AsString(filled);
    all->room = room;
    return 1;
}
/* 1 for yes, 0 for no, -1 for an exception; the answer is given up. */
static int is_true(PyObject *answer)
{
    const int is = answer == NULL ? -1 : answer == Py_True;

    Py_XDECREF(answer);
    return is;
}

static ssize_t move_part(struct socket_base *sock, const struct whole *all)
{
    const int wait_for_all = all->done > 0 && !sock->nonblocking ? MSG_WAITALL : 0;
    char *data = all->data + all->done;
    struct foreign_frame from;

    return all->sends ? send_by_rule(sock, data, all->room - all->done, 0, NULL, 0)
        : receive_by_rule(sock, data, all->room - all->done, wait_for_all, &from);
}

/* A new condition that says why it is not all; None if it is, or at the end; or NULL. */
static PyObject *move_all(struct state *state, PyObject *sock, PyObject *deadline,
                          struct whole *all)
{
    const int procedure = all->sends ? NUMBER_OF_send_to_socket : NUMBER_OF_receive_from_socket;
    PyObject *who = state->captured[procedure + 1], *syscall = state->captured[procedure + 2], *why;
    PyObject *reads = all->sends ? Py_False : Py_True, *writes = all->sends ? Py_True : Py_False;
    int ready = 0, late = 0;
    ssize_t result;

    do {
        if (all->done == all->room && all->done < all->wanted && !make_room(all))
            return NULL;
        result = move_part(SOCKET(sock), all);
        if (result >= 0) {
            all->done += result;
            ready = 0;
            if (all->done == all->wanted || (result == 0 && !all->sends))
                break;
            if (PyErr_CheckSignals() != 0)
                return NULL;
            if (deadline != Py_None)
                late = is_true(PyObject_CallFunctionObjArgs(THE(is_over), deadline, NULL));
            continue;
        }
        why = say_not_yet(state, procedure, result, Py_None, sock);
        if (why == NULL || !SOCKET(sock)->nonblocking)
            return why;
        Py_DECREF(why);
        ready = is_true(PyObject_CallFunctionObjArgs(THE(wait_again), who, deadline, sock, reads,
                                                     writes, ready ? Py_True : Py_False, NULL));
        late = ready < 0 ? -1 : !ready;
    } while (late == 0);
    return late < 0 ? NULL : late == 0 ? Py_NewRef(Py_None)
        : PyObject_CallFunctionObjArgs(THE(late_condition), who, syscall, NULL);
}
static void tell_of(struct state *state, PyObject *done)
{
    PyObject *type, *value, *traceback, *told;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    told = PyObject_CallFunctionObjArgs(THE(tell_done), value, done, NULL);
    if (told == NULL) {
        PyObject *first = value;

        Py_XDECREF(type);
        Py_XDECREF(traceback);
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyException_SetContext(value, first);
    }
    Py_XDECREF(told);
    PyErr_Restore(type, value, traceback);
}

/* What was done, and why not more; or an exception that knows it. What was done is given up. */
static PyObject *tell_what_was_done(struct state *state, PyObject *done, PyObject *why)
{
    PyObject *answer = why == NULL || done == NULL ? NULL : PyTuple_Pack(2, done, why);

    if (answer == NULL && done != NULL)
        tell_of(state, done);
    Py_XDECREF(done);
    Py_XDECREF(why);
    return answer;
}

static PyObject *deadline_of(struct state *state, int procedure, PyObject *timeout, PyObject *sock)
{
    if (timeout == NULL || timeout == Py_None)
        return Py_NewRef(Py_None);
    return PyObject_CallFunctionObjArgs(THE(deadline_for), state->captured[procedure + 1], timeout,
                                        sock, NULL);
}
static PyObject *fast_receive_exactly(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct whole all = {0, NULL, NULL, -1, 0, 0};
    const struct socket_base *sock;
    PyObject *deadline, *why = NULL;

    if (count == 2 && may_be_named(names, "timeout") && PyLong_CheckExact(arguments[1])
        && (sock = whole_socket(state, arguments[0])) != NULL
        && (CONSTANT(sock->type)->value & 15) == SOCK_STREAM)
        all.wanted = PyLong_AsSsize_t(arguments[1]);
    if (all.wanted < 0)
        return only(PyExc_OverflowError) ? THE_LONG_WAY(receive_exactly) : NULL;
    deadline = deadline_of(state, NUMBER_OF_receive_exactly, names == NULL ? NULL : arguments[2],
                           arguments[0]);
    if (deadline == NULL)
        return NULL;
    if (make_room(&all))
        why = all.wanted == 0 ? Py_NewRef(Py_None) : move_all(state, arguments[0], deadline, &all);
    Py_DECREF(deadline);
    if (all.done < all.room)
        all.filled = cut_to_length(all.filled, all.done);
    return tell_what_was_done(state, all.filled, why);
}

static PyObject *fast_send_all(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct whole all = {1, NULL, NULL, 0, 0, 0};
    PyObject *deadline, *why;
    Py_buffer lent;

    if (count != 2 || !may_be_named(names, "timeout") || whole_socket(state, arguments[0]) == NULL)
        return THE_LONG_WAY(send_all);
    deadline = deadline_of(state, NUMBER_OF_send_all, names == NULL ? NULL : arguments[2],
                           arguments[0]);
    if (deadline == NULL || !borrow(state, NUMBER_OF_send_all, arguments[1], 0, &lent)) {
        Py_XDECREF(deadline);
        return NULL;
    }
    all.data = lent.buf;
    all.wanted = all.room = lent.len;
    why = move_all(state, arguments[0], deadline, &all);
    Py_DECREF(deadline);
    end_loan(&lent);
    return tell_what_was_done(state, PyLong_FromSsize_t(all.done), why);
}

struct plain_run {
    PyObject *of;
    const char *data, *address;
    size_t numbers[3];                  /* those of §61D */
};

static int read_run(struct state *state, const struct socket_base *sock, PyObject *object,
                    struct plain_run *run)
{
    const struct run_base *from = RUN(object);          /* if it is one */
    Py_ssize_t size = -1;
    socklen_t length = 0;

    if (Py_TYPE(object) == (PyTypeObject *) THE(Datagrams) && from->data != NULL
        && from->address != NULL && PyBytes_CheckExact(from->data) && from->size != NULL
        && PyLong_CheckExact(from->size))
        size = PyLong_AsSsize_t(from->size);
    if (size < 0 || (size == 0 && PyBytes_Size(from->data) > 0)
        || (from->address != Py_None
            && packed_form(state, sock, from->address, &run->address, &length) == NULL))
        return 0;
    run->of = from->address;
    run->data = PyBytes_AsString(from->data);
    run->numbers[0] = (size_t) PyBytes_Size(from->data);
    run->numbers[1] = (size_t) size;
    run->numbers[2] = length;
    return 1;
}

/* Where the memory of an object of cffi's begins. */
static void *pointer_to(struct state *state, PyObject *foreign)
{
    struct _cffi_ctypedescr *kind = (struct _cffi_ctypedescr *) (void *) THE(any_pointer);

    return foreign == NULL ? NULL : _cffi_to_c_pointer(foreign, kind);
}

/* Data, addresses, the table, and how many datagrams there are. */
static PyObject *write_runs(struct state *state, const struct plain_run *runs, Py_ssize_t count,
                            size_t room, size_t address_room)
{
    PyObject *data = PyBytes_FromStringAndSize(NULL, (Py_ssize_t) room);
    PyObject *addresses = PyBytes_FromStringAndSize(NULL, (Py_ssize_t) address_room);
    PyObject *table = PyObject_CallFunction(THE(new_uncleared), "On", THE(SIZES), 3 * count + 1);
    char *to = data == NULL ? NULL : PyBytes_AsString(data);
    char *address = addresses == NULL ? NULL : PyBytes_AsString(addresses);
    size_t *numbers = pointer_to(state, table);
    Py_ssize_t datagrams = 0;

    for (; to != NULL && address != NULL && numbers != NULL && count > 0; count--, runs++) {
        const size_t length = runs->numbers[0], size = runs->numbers[1];

        memcpy(to, runs->data, length);
        if (runs->numbers[2] > 0)
            memcpy(address, runs->address, runs->numbers[2]);
        memcpy(numbers + 1, runs->numbers, sizeof runs->numbers);
        to += length;
        address += runs->numbers[2];
        numbers += 3;
        datagrams += length <= size ? 1 : (Py_ssize_t) ((length - 1) / size + 1);
    }
    return Py_BuildValue("NNNn", data, addresses, table, datagrams);
}

static PyObject *fast_lay_runs(CALL)
{
    struct state *state = PyModule_GetState(self);
    const struct socket_base *sock = count == 3 && names == NULL
        ? whole_socket(state, arguments[1]) : NULL;
    struct plain_run plain[BATCH];
    PyObject *runs = NULL, *result = NULL;
    size_t room = 0, address_room = 0;
    Py_ssize_t n = 0, i = 0;

    if (sock != NULL && (PyList_CheckExact(arguments[2]) || PyTuple_CheckExact(arguments[2]))
        && (runs = PySequence_Tuple(arguments[2])) != NULL)
        n = PyTuple_Size(runs);
    for (; i < n && n <= (Py_ssize_t) BATCH && room < LONG_COPY
             && read_run(state, sock, PyTuple_GetItem(runs, i), &plain[i]); i++) {
        room += plain[i].numbers[0];
        address_room += plain[i].numbers[2];
    }
    if (runs == NULL || i < n || room >= LONG_COPY) {
        Py_XDECREF(runs);
        return only(PyExc_OverflowError) ? THE_LONG_WAY(lay_runs) : NULL;
    }
    for (i = 0; i < n && (i > 0 && plain[i].of == plain[i - 1].of
                          ? 1 : may_use(state, "socket.sendmsg", arguments[1], plain[i].of)); i++)
        ;
    if (i == n)
        result = write_runs(state, plain, n, room, address_room);
    Py_DECREF(runs);
    return result;
}
static PyObject *new_run(struct state *state, const char *data, const struct foreign_run *found,
                         PyObject *domain)
{
    PyObject *run = PyType_GenericAlloc((PyTypeObject *) THE(Datagrams), 0);

    if (run == NULL)
        return NULL;
    RUN(run)->truncated = PyBool_FromLong(found->truncated);
    RUN(run)->data = PyBytes_FromStringAndSize(data + found->start, (Py_ssize_t) found->length);
    RUN(run)->size = PyLong_FromSize_t(found->size);
    if (RUN(run)->data == NULL || RUN(run)->size == NULL
        || (RUN(run)->address = address_from(state, domain, &found->source)) == NULL)
        Py_CLEAR(run);
    return run;
}

static PyObject *fast_read_runs(CALL)
{
    struct state *state = PyModule_GetState(self);
    const char *data;
    const struct foreign_run *found;
    PyObject *runs, *run;
    int n;

    if (count != 4 || names != NULL || !IS(arguments[3], SocketDomain))
        return THE_LONG_WAY(read_runs);
    if ((data = pointer_to(state, arguments[0])) == NULL
        || (found = pointer_to(state, arguments[1])) == NULL
        || !read_int(arguments[2], &n) || (runs = PyList_New(0)) == NULL)
        return NULL;
    for (; runs != NULL && n > 0; n--, found++) {
        run = new_run(state, data, found, arguments[3]);
        if (run == NULL || PyList_Append(runs, run) < 0)
            Py_CLEAR(runs);
        Py_XDECREF(run);
    }
    return runs;
}

#ifndef _WIN32
#define PARTS 16

struct lent {
    Py_buffer loans[PARTS];
    struct iovec parts[PARTS];
    Py_ssize_t count, size;
};

static void end_loans(struct lent *lent)
{
    while (lent->count > 0)
        end_loan(&lent->loans[--lent->count]);
}

/* Whether all buffers of a list or tuple are lent; if not, there may be an exception. */
static int borrow_all(struct state *state, int procedure, PyObject *buffers, int writable,
                      struct lent *lent)
{
    PyObject *all = PyList_CheckExact(buffers) || PyTuple_CheckExact(buffers)
        ? PySequence_Tuple(buffers) : NULL;
    const Py_ssize_t wanted = all == NULL || PyTuple_Size(all) > PARTS ? -1 : PyTuple_Size(all);

    for (lent->count = lent->size = 0; lent->count < wanted; lent->count++) {
        Py_buffer *loan = &lent->loans[lent->count];

        if (!borrow(state, procedure, PyTuple_GetItem(all, lent->count), writable, loan))
            break;
        lent->parts[lent->count] = (struct iovec) {loan->buf, (size_t) loan->len};
        lent->size = loan->len < PY_SSIZE_T_MAX - lent->size ? lent->size + loan->len
            : PY_SSIZE_T_MAX;
    }
    Py_XDECREF(all);
    if (lent->count != wanted)
        end_loans(lent);
    return lent->count == wanted;
}

struct laid {
    PyObject *answer;                   /* of the procedure, or NULL */
    const char *data;
    int table[3 * PARTS], count, fds[PARTS];
};

/* Whether that is one item with a few descriptors, which needs no procedure. */
static int lay_descriptors(struct state *state, PyObject *items, struct laid *laid)
{
    PyObject *item = PyList_CheckExact(items) && PyList_Size(items) == 1
        ? PyList_GetItem(items, 0) : NULL;
    PyObject *files = item != NULL && (PyObject *) Py_TYPE(item) == THE(Descriptors)
        ? PyObject_GetAttrString(item, "files") : NULL;
    const int count = files != NULL && PyTuple_CheckExact(files) && PyTuple_Size(files) <= PARTS
        ? (int) PyTuple_Size(files) : 0;
    int known = 0;

    for (; known < count; known++) {
        PyObject *file = PyTuple_GetItem(files, known);

        if ((PyObject *) Py_TYPE(file) == THE(Socket))
            laid->fds[known] = (int) SOCKET(file)->structure->fd;
        else if (!PyLong_CheckExact(file) || !read_int(file, &laid->fds[known]))
            break;
        if (laid->fds[known] < 0)
            break;
    }
    Py_XDECREF(files);
    laid->table[0] = SOL_SOCKET;
    laid->table[1] = SCM_RIGHTS;
    laid->table[2] = count * (int) sizeof(int);
    laid->data = (const char *) laid->fds;
    laid->count = 1;
    return known > 0 && known == count;
}

/* Whether the items are laid out; if not, there may be an exception. */
static int lay_items(struct state *state, PyObject *items, struct laid *laid)
{
    PyObject *numbers;
    int plain = 1;

    laid->answer = NULL;
    laid->count = 0;
    if (items == NULL || (PyTuple_CheckExact(items) && PyTuple_Size(items) == 0)
        || lay_descriptors(state, items, laid))
        return 1;
    if (!only(PyExc_AttributeError) && !only(PyExc_OverflowError))
        return 0;
    laid->answer = PyObject_CallFunctionObjArgs(
        THE(items_to_foreign), state->captured[NAME_OF_send_message], items, NULL);
    if (laid->answer == NULL)
        return 0;
    numbers = PyTuple_GetItem(laid->answer, 0);
    laid->count = (int) (PyList_Size(numbers) / 3);
    for (int i = 0; plain && i < 3 * laid->count; i++)
        plain = i < 3 * PARTS && read_int(PyList_GetItem(numbers, i), &laid->table[i]);
    laid->data = PyBytes_AsString(PyTuple_GetItem(laid->answer, 1));
    return plain;
}

static PyObject *fast_send_message(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    PyObject *packed = NULL, *address = count > 2 ? arguments[2] : Py_None;
    const char *to = NULL;
    struct laid laid;
    struct lent lent;
    socklen_t length = 0;
    ssize_t result = -EINTR;
    int bits = 0, is_quick;

    if (count < 2 || names != NULL || (sock = whole_socket(state, arguments[0])) == NULL
        || (address != Py_None
            && (packed = packed_form(state, sock, address, &to, &length)) == NULL)
        || (count > 4 && !fold(THE(SendToOption), arguments + 4, count - 4, &bits)))
        return THE_LONG_WAY(send_message);
    if (!lay_items(state, count > 3 ? arguments[3] : NULL, &laid)
        || !borrow_all(state, NUMBER_OF_send_message, arguments[1], 0, &lent)) {
        Py_XDECREF(laid.answer);
        return PyErr_Occurred() == NULL ? THE_LONG_WAY(send_message) : NULL;
    }
    Py_XINCREF(packed);
    if (may_use(state, "socket.sendmsg", arguments[0], address)) {
        is_quick = sock->nonblocking && lent.size < LONG_COPY;
        bits |= sock->nonblocking ? NO_WAIT : 0;
        if (is_quick)
            UNTIL_DONE(result, sendmsg_keep(sock->structure, lent.parts, (size_t) lent.count, to,
                                            length, laid.data, laid.table, laid.count, bits));
        else
            UNTIL_LATE(result, sock->structure, 1,
                       sendmsg_block(sock->structure, lent.parts, (size_t) lent.count, to,
                                     length, laid.data, laid.table, laid.count, bits));
    }
    end_loans(&lent);
    Py_XDECREF(packed);
    Py_XDECREF(laid.answer);
    if (result < 0)
        return say_not_yet(state, NUMBER_OF_send_message, result, address, arguments[0]);
    return PyLong_FromSsize_t(result);
}
struct arrival {
    struct foreign_frame from;
    struct foreign_control control;
    int table[4 * (CONTROL_ROOM / 12)];
};

/* What owns the descriptors that have come, or None if there are none. */
static PyObject *own_arrival(struct state *state, struct arrival *arrival)
{
    struct foreign_control *control = &arrival->control, *kept;
    PyObject *memory;
    int rights = 0;

    for (int i = 0; i < control->items; i++)
        rights |= is_rights(arrival->table + 4 * i);
    if (!rights)
        return Py_NewRef(Py_None);
    memory = PyObject_CallFunctionObjArgs(THE(new_control), NULL);
    if ((kept = pointer_to(state, memory)) != NULL) {
        memcpy(kept->bytes, control->bytes, control->length);
        kept->length = control->length;
    } else {
        drop_control_block(control);
        Py_CLEAR(memory);
    }
    return memory;
}

static PyObject *arrived_item(struct state *state, int procedure, const struct arrival *arrival,
                              const int *item, PyObject *memory)
{
    if (is_rights(item))
        return PyObject_CallFunction(THE(own_descriptors), "Oii", memory, item[2], item[3]);
    return PyObject_CallFunction(
        THE(read_item), "OiiN", state->captured[procedure + 1], item[0], item[1],
        PyBytes_FromStringAndSize(arrival->control.bytes + item[2], item[3]));
}

static PyObject *arrived_items(struct state *state, int procedure, const struct arrival *arrival,
                               PyObject *memory)
{
    const int count = arrival->control.items;
    PyObject *items = PyTuple_New(count), *item;

    for (int i = 0; items != NULL && i < count; i++)
        (void) PyTuple_SetItem(items, i, Py_NewRef(Py_None));
    for (int i = 0; items != NULL && i < 2 * count; i++)
        if (is_rights(arrival->table + 4 * (i % count)) == (i < count)) {
            item = arrived_item(state, procedure, arrival, arrival->table + 4 * (i % count), memory);
            if (item == NULL || PyTuple_SetItem(items, i % count, item) < 0)
                Py_CLEAR(items);
        }
    return items;
}

/* The answer: what was received, which is given up, and its header. Or NULL, and all is closed. */
static PyObject *finish_arrival(struct state *state, int procedure, struct socket_base *sock,
                                struct arrival *arrival, PyObject *done)
{
    PyObject *memory = done == NULL ? NULL : own_arrival(state, arrival), *header = NULL;

    if (done == NULL)
        drop_control_block(&arrival->control);
    if (memory != NULL)
        header = PyType_GenericAlloc((PyTypeObject *) THE(MessageHeader), 0);
    if (header != NULL
        && ((HEADER(header)->flags = PyLong_FromLong(arrival->control.flags)) == NULL
            || (HEADER(header)->address = sender(state, sock, &arrival->from)) == NULL
            || (HEADER(header)->items = arrived_items(state, procedure, arrival, memory)) == NULL))
        Py_CLEAR(header);
    Py_XDECREF(memory);
    if (header == NULL && done != NULL)
        tell_of(state, done);
    return pair(done, header);
}
static ssize_t receive_parts(struct socket_base *sock, struct iovec *parts, size_t count,
                             Py_ssize_t size, struct arrival *arrival, size_t room, int bits)
{
    struct foreign_socket *structure = sock->structure;
    ssize_t result;

    bits |= sock->nonblocking ? NO_WAIT : 0;
    if (NO_WAIT != 0 && bits & NO_WAIT && size < LONG_COPY)
        UNTIL_DONE(result, recvmsg_keep(structure, parts, count, &arrival->from,
                                        &arrival->control, room, arrival->table, bits));
    else
        UNTIL_LATE(result, structure, 0,
                   recvmsg_block(structure, parts, count, &arrival->from,
                                 &arrival->control, room, arrival->table, bits));
    return result;
}

/* Whether there are no named arguments, or one, the room for items, that is a usual one. */
static int read_room(PyObject *const *named, PyObject *names, size_t *room)
{
    int wanted = CONTROL_ROOM;

    if (names != NULL && (PyTuple_Size(names) != 1 || !PyLong_CheckExact(named[0])
        || PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), "room") != 0
        || !read_int(named[0], &wanted)))
        return 0;
    *room = (size_t) wanted;
    return wanted >= 0 && wanted <= CONTROL_ROOM;
}

static PyObject *fast_receive_message(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    struct arrival arrival;
    struct iovec part;
    struct piece piece;
    Py_ssize_t size = -1;
    size_t room;
    ssize_t result;
    int bits;

    if (count >= 2 && (sock = whole_socket(state, arguments[0])) != NULL
        && PyLong_CheckExact(arguments[1]) && read_room(arguments + count, names, &room)
        && fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits))
        size = PyLong_AsSsize_t(arguments[1]);
    if ((part.iov_base = begin_piece(&piece, size)) == NULL)
        return only(PyExc_OverflowError) ? THE_LONG_WAY(receive_message) : NULL;
    part.iov_len = (size_t) size;
    result = receive_parts(sock, &part, 1, size, &arrival, room, bits);
    if (result < 0) {
        Py_XDECREF(piece.filled);
        return nothing_yet(state, NUMBER_OF_receive_message, result, arguments[0]);
    }
    return finish_arrival(state, NUMBER_OF_receive_message, sock, &arrival,
                          end_piece(&piece, size, result));
}

static PyObject *fast_receive_message_into(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    struct arrival arrival;
    struct lent lent;
    size_t room;
    ssize_t result;
    int bits;

    if (count < 2 || (sock = whole_socket(state, arguments[0])) == NULL
        || !read_room(arguments + count, names, &room)
        || !fold(THE(ReceiveFromOption), arguments + 2, count - 2, &bits)
        || !borrow_all(state, NUMBER_OF_receive_message_into, arguments[1], 1, &lent))
        return only(PyExc_OverflowError) ? THE_LONG_WAY(receive_message_into) : NULL;
    result = receive_parts(sock, lent.parts, (size_t) lent.count, lent.size, &arrival, room, bits);
    end_loans(&lent);
    if (result < 0)
        return nothing_yet(state, NUMBER_OF_receive_message_into, result, arguments[0]);
    return finish_arrival(state, NUMBER_OF_receive_message_into, sock, &arrival,
                          PyLong_FromSsize_t(result));
}
#endif

static PyObject *new_socket(struct state *state, socket_t fd, PyObject *domain, PyObject *type,
                            PyObject *protocol, int nonblocking)
{
    PyObject *sock;

    Py_INCREF(domain), Py_INCREF(type), Py_INCREF(protocol);    /* before anything is collected */
    sock = new_record_of_socket(state, (PyTypeObject *) THE(Socket));
    if (sock == NULL) {
        Py_DECREF(domain), Py_DECREF(type), Py_DECREF(protocol);
        if (fd >= 0)
            (void) close_plain(fd);
        return NULL;
    }
    SOCKET(sock)->domain = domain;
    SOCKET(sock)->type = type;
    SOCKET(sock)->protocol = protocol;
    SOCKET(sock)->nonblocking = nonblocking;
    SOCKET(sock)->structure->fd = fd;
    if (state->audit("socket.__new__", "Oiii", sock, CONSTANT(domain)->value,
                     CONSTANT(type)->value, CONSTANT(protocol)->value) != 0) {
        if (fd >= 0)
            (void) close_block(SOCKET(sock)->structure);
        Py_CLEAR(sock);
    }
    return sock;
}
static PyObject *fast_create_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    PyObject *sock;
    int domain, type, protocol;
    socket_t fd;

    if (count != 3 || names != NULL || !fold(THE(SocketDomain), arguments, 1, &domain)
        || !fold(THE(SocketType), arguments + 1, 1, &type)
        || !fold(THE(SocketProtocol), arguments + 2, 1, &protocol))
        return THE_LONG_WAY(create_socket);
    sock = new_socket(state, -1, arguments[0], arguments[1], arguments[2], 1);
    if (sock == NULL)
        return NULL;
    fd = socket_block(domain, type, protocol);
    if (fd < 0) {
        Py_DECREF(sock);
        return fail(state, NUMBER_OF_create_socket, fd, Py_None);
    }
    SOCKET(sock)->structure->fd = fd;
    return sock;
}
/* Whether it is missing, or a truth value: `value` is it. */
static int read_truth(PyObject *const *named, PyObject *names, int *value)
{
    *value = names != NULL && named[0] == Py_True;
    return names == NULL || *value || named[0] == Py_False;
}

static PyObject *fast_accept_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *listener = NULL;
    PyObject *client;
    struct foreign_frame from;
    socket_t fd;
    int nonblocking;

    if (count != 1 || !may_be_named(names, "nonblocking")
        || !read_truth(arguments + 1, names, &nonblocking)
        || (listener = whole_socket(state, arguments[0])) == NULL)
        return THE_LONG_WAY(accept_socket);
    UNTIL_LATE(fd, listener->structure, 0,
               accept_block(listener->structure, nonblocking, &from));
    if (fd < 0)
        return nothing_yet(state, NUMBER_OF_accept_socket, fd, arguments[0]);
    client = new_socket(state, fd, listener->domain, listener->type, listener->protocol,
                        nonblocking);
    return client == NULL ? NULL : pair(client, sender(state, listener, &from));
}
static PyObject *fast_connect_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    PyObject *packed;
    const char *to;
    socklen_t length;
    double since;
    int result;

    if (count != 2 || names != NULL || (sock = whole_socket(state, arguments[0])) == NULL
        || (packed = packed_form(state, sock, arguments[1], &to, &length)) == NULL)
        return THE_LONG_WAY(connect_socket);
    if (!may_use(state, "socket.connect", arguments[0], arguments[1]))
        return NULL;
    Py_INCREF(packed);
    since = clock_keep();
    result = connect_block(sock->structure, to, length);
    Py_DECREF(packed);
    if (result == 0)
        return Py_NewRef(Py_True);
    return PyObject_CallFunction(THE(judge_connect), "OOid", arguments[0], arguments[1], result,
                                 since);
}
static PyObject *fast_close_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    int result;

    if (count != 1 || names != NULL || (sock = whole_socket(state, arguments[0])) == NULL)
        return THE_LONG_WAY(close_socket);
    result = close_block(sock->structure);
    if (result < 0 && result != -EINTR)
        return fail(state, NUMBER_OF_close_socket, result, arguments[0]);
    return Py_NewRef(Py_None);
}

static struct option_base *quick_option(struct state *state, PyObject *sock, PyObject *option)
{
    return whole_socket(state, sock) != NULL && IS(option, SocketOption)
        && OPTION(option)->is_number ? OPTION(option) : NULL;
}

static PyObject *fast_get_socket_option(CALL)
{
    struct state *state = PyModule_GetState(self);
    const struct option_base *option = count != 2 || names != NULL ? NULL
        : quick_option(state, arguments[0], arguments[1]);
    const long long value = option == NULL ? LLONG_MIN : getsockopt_number_keep(
        SOCKET(arguments[0])->structure, option->level, option->id);

    if (value < INT_MIN)
        return THE_LONG_WAY(get_socket_option);
    return option->is_truth ? PyBool_FromLong(value != 0) : PyLong_FromLongLong(value);
}
static PyObject *fast_set_socket_option(CALL)
{
    struct state *state = PyModule_GetState(self);
    const struct option_base *option = count != 3 || names != NULL ? NULL
        : quick_option(state, arguments[0], arguments[1]);
    long value = 0;
    int fits = 0;

    if (option != NULL
        && Py_TYPE(arguments[2]) == (option->is_truth ? &PyBool_Type : &PyLong_Type)) {
        value = PyLong_AsLong(arguments[2]);
        fits = PyErr_Occurred() == NULL && value >= option->low && value <= option->high;
        if (!only(PyExc_OverflowError))
            return NULL;
    }
    if (fits && setsockopt_number_keep(SOCKET(arguments[0])->structure, option->level,
                                       option->id, (int) value) == 0)
        return Py_NewRef(Py_None);
    return THE_LONG_WAY(set_socket_option);
}

static PyObject *ask_at_once(CALL, int procedure,
                             int (*ask)(struct foreign_socket *, struct foreign_frame *))
{
    struct state *state = PyModule_GetState(self);
    struct foreign_frame name;
    int result;

    if (count != 1 || names != NULL || whole_socket(state, arguments[0]) == NULL)
        return go_the_long_way(state->captured[procedure], arguments, count, names);
    UNTIL_DONE(result, ask(SOCKET(arguments[0])->structure, &name));
    return result == 0 ? sender(state, SOCKET(arguments[0]), &name)
        : result == -EINTR ? NULL : fail(state, procedure, result, arguments[0]);
}

static PyObject *fast_get_socket_name(CALL)
{
    return ask_at_once(self, arguments, count, names, NUMBER_OF_get_socket_name, getsockname_keep);
}

static PyObject *fast_get_peer_name(CALL)
{
    return ask_at_once(self, arguments, count, names, NUMBER_OF_get_peer_name, getpeername_keep);
}

static PyObject *fast_set_socket_nonblocking(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = count != 2 || names != NULL || !PyBool_Check(arguments[1]) ? NULL
        : whole_socket(state, arguments[0]);
    const int nonblocking = sock != NULL && arguments[1] == Py_True;
    int result;

    if (sock == NULL)
        return THE_LONG_WAY(set_socket_nonblocking);
    UNTIL_DONE(result, set_nonblocking_keep(sock->structure, nonblocking));
    if (result < 0)
        return result == -EINTR ? NULL
            : fail(state, NUMBER_OF_set_socket_nonblocking, result, arguments[0]);
    sock->nonblocking = nonblocking;
    return Py_NewRef(Py_None);
}
static int is_zero(PyObject *number)
{
    int overflow = 0;

    if (PyFloat_CheckExact(number))
        return PyFloat_AsDouble(number) == 0.0;
    return PyLong_CheckExact(number) && PyLong_AsLongAndOverflow(number, &overflow) == 0;
}

static int look(struct foreign_socket *structure, int reading, int writing)
{
    int result;

    KEEP(structure, result = wait_for(fd, reading, writing, 0));
    return result;
}

static PyObject *fast_wait_for_socket(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct socket_base *sock = NULL;
    int result;

    if (count == (names == NULL ? 4 : 3) && may_be_named(names, "timeout")
        && PyBool_Check(arguments[1]) && PyBool_Check(arguments[2]) && is_zero(arguments[3]))
        sock = whole_socket(state, arguments[0]);
    if (sock == NULL)
        return THE_LONG_WAY(wait_for_socket);
    UNTIL_DONE(result, look(sock->structure, arguments[1] == Py_True, arguments[2] == Py_True));
    if (result < 0)
        return result == -EINTR ? NULL : fail(state, NUMBER_OF_wait_for_socket, result, arguments[0]);
    return pair(PyBool_FromLong(result & 1), PyBool_FromLong(result & 2));
}

static PyObject *known(struct state *state, PyObject *table, PyObject *kind, int value)
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
static PyObject *checked_address(struct state *state, PyObject *address)
{
    if (address == NULL || IS(address, SocketAddress))
        return address;
    Py_XDECREF(PyObject_CallFunction(THE(expect), "ssOO", "get_address_info", "address",
                                     address, THE(SocketAddress)));
    Py_DECREF(address);
    return NULL;
}

static PyObject *new_address_info(struct state *state, PyObject *domain,
                                  const struct addrinfo *at)
{
    PyObject *info = PyType_GenericAlloc((PyTypeObject *) THE(AddressInfo), 0);
    struct foreign_frame from;

    if (info == NULL)
        return NULL;
    from.length = at->ai_addrlen < ROOM ? (socklen_t) at->ai_addrlen : ROOM;
    memcpy(&from.address, at->ai_addr, (size_t) from.length);
    INFO(info)->domain = Py_NewRef(domain);
    if ((INFO(info)->address = checked_address(state, address_from(state, domain, &from))) == NULL
        || (INFO(info)->type = known(state, THE(known_types), THE(SocketType),
                                     at->ai_socktype)) == NULL
        || (INFO(info)->protocol = known(state, THE(known_protocols), THE(SocketProtocol),
                                         at->ai_protocol)) == NULL)
        Py_CLEAR(info);
    return info;
}
/* The domain that is registered for a family, or NULL, with an exception or without. */
static PyObject *registered(struct state *state, int family)
{
    PyObject *number = PyLong_FromLong(family), *domain;

    domain = number == NULL ? NULL : PyDict_GetItemWithError(THE(socket_domain_db), number);
    Py_XINCREF(domain);
    Py_XDECREF(number);
    if (domain != NULL && !IS(domain, SocketDomain)) {
        Py_XDECREF(PyObject_CallFunction(THE(expect), "ssOO", "get_address_info",
                                         "a registered domain", domain, THE(SocketDomain)));
        Py_CLEAR(domain);
    }
    return domain;
}

static PyObject *address_infos(struct state *state, const struct addrinfo *at)
{
    PyObject *infos = PyList_New(0);

    for (; infos != NULL && at != NULL; at = at->ai_next) {
        PyObject *domain = at->ai_addrlen == 0 ? NULL : registered(state, at->ai_family);
        PyObject *info = domain == NULL ? NULL : new_address_info(state, domain, at);

        if (info != NULL)
            (void) PyList_Append(infos, info);
        if (PyErr_Occurred() != NULL)
            Py_CLEAR(infos);
        Py_XDECREF(domain);
        Py_XDECREF(info);
    }
    return infos;
}
static int read_hint(PyObject *class, PyObject *const *hint, int *value)
{
    return *hint == Py_None || fold(class, hint, 1, value);
}

static int read_hints(struct state *state, PyObject *const *arguments, Py_ssize_t count,
                      struct addrinfo *hints)
{
    int plain = (count < 3 || read_hint(THE(SocketDomain), arguments + 2, &hints->ai_family))
        && (count < 4 || read_hint(THE(SocketType), arguments + 3, &hints->ai_socktype))
        && (count < 5 || read_hint(THE(SocketProtocol), arguments + 4, &hints->ai_protocol));

    return plain && (count <= 5 || fold(THE(AddressInfoOption), arguments + 5, count - 5,
                                        &hints->ai_flags));
}
static PyObject *canonical_name(const struct addrinfo *first)
{
    return first != NULL && first->ai_canonname != NULL
        ? PyUnicode_DecodeFSDefault(first->ai_canonname) : Py_NewRef(Py_None);
}

static PyObject *fast_get_address_info(CALL)
{
    struct state *state = PyModule_GetState(self);
    struct foreign_resolution found;
    struct addrinfo hints = {0};
    PyObject *infos;
    const char *node = NULL;
    Py_ssize_t length = 0;
    char service[8];
    long port = -1;
    int code;

    if (count >= 2 && names == NULL && PyUnicode_CheckExact(arguments[0])
        && PyLong_CheckExact(arguments[1]) && read_hints(state, arguments, count, &hints)
        && (node = PyUnicode_AsUTF8AndSize(arguments[0], &length)) != NULL)
        port = PyLong_AsLong(arguments[1]);
    if (!only(PyExc_OverflowError) && !only(PyExc_UnicodeError))
        return NULL;
    if (node == NULL || port < 0 || port > 65535 || length != PyUnicode_GetLength(arguments[0])
        || strlen(node) != (size_t) length)
        return THE_LONG_WAY(get_address_info);
    (void) PyOS_snprintf(service, sizeof service, "%ld", port);
    if (state->audit("socket.getaddrinfo", "OOiii", arguments[0], arguments[1],
                     hints.ai_family, hints.ai_socktype, hints.ai_protocol) != 0)
        return NULL;
    do {
        code = getaddrinfo_block(node, service, &hints, &found);
    } while (code != 0 && found.system_error == EINTR && PyErr_CheckSignals() == 0);
    if (code != 0)
        return PyErr_Occurred() != NULL ? NULL : PyObject_CallFunction(
            THE(report_unresolved), "iiOO", code, found.system_error, arguments[0], arguments[1]);
    infos = address_infos(state, found.list);
    if (infos != NULL)
        infos = pair(infos, canonical_name(found.list));
    freeaddrinfo(found.list);
    return infos;
}

static PyObject *take_places(PyObject *self, PyObject *arguments);

static PyMethodDef own_methods[] = {
    {"make_bases", make_bases, METH_VARARGS, NULL},
    {"take_places", take_places, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int visit_captures(PyObject *self, visitproc visit, void *arg)
{
    struct state *state = PyModule_GetState(self);

    for (int i = 0; state != NULL && i < HOW_MANY; i++)
        Py_VISIT(state->captured[i]);
    return 0;
}

static int drop_captures(PyObject *self)
{
    struct state *state = PyModule_GetState(self);

    for (int i = 0; state != NULL && i < HOW_MANY; i++)
        Py_CLEAR(state->captured[i]);
    return 0;
}

static void free_captures(void *self)
{
    (void) drop_captures(self);
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "fast", NULL, sizeof(struct state), own_methods, NULL,
    visit_captures, drop_captures, free_captures
};

/* Put the module `fast` among the names of whoever calls: whether it is done. */
int make_fast_module_keep(void)
{
    PyObject *globals = PyEval_GetGlobals();
    PyObject *module = globals == NULL ? NULL : PyModule_Create(&definition);
    const int done = module != NULL && PyDict_SetItemString(globals, "fast", module) == 0;

    Py_XDECREF(module);
    (void) only(PyExc_MemoryError);
    return done;
}
static int capture(struct state *state, int number, PyObject *value)
{
    if (value == NULL && PyErr_Occurred() == NULL)
        PyErr_SetString(PyExc_RuntimeError, "sockets: a name is missing for the fast paths");
    put(&state->captured[number], value);
    return value != NULL;
}

static PyObject *global(PyObject *globals, const char *name)
{
    PyObject *value = PyDict_GetItemString(globals, name);

    Py_XINCREF(value);
    return value;
}

static int capture_class(struct state *state, int number, PyObject *class, PyObject *base)
{
    if (class != NULL && (!PyType_Check(class)
        || !PyType_IsSubtype((PyTypeObject *) class, (PyTypeObject *) base)))
        Py_CLEAR(class);
    return capture(state, number, class);
}

static int capture_slot(struct state *state, int number, const char *name)
{
    PyObject *slot = PyObject_GetAttrString(THE(SocketCondition), name);
    PyObject *model = state->captured[SLOT_who];

    if (slot != NULL && model != NULL && Py_TYPE(slot) != Py_TYPE(model))
        Py_CLEAR(slot);
    return capture(state, number, slot);
}

static int capture_all(struct state *state, PyObject *globals)
{
#define CAPTURE(name) && capture(state, NUMBER_OF_##name, global(globals, #name))
#define CAPTURE_CLASS(name, base) \
    && capture_class(state, NUMBER_OF_##name, global(globals, #name), THE(base))
#define CAPTURE_SLOT(name) && capture_slot(state, SLOT_##name, #name)
#define CAPTURE_ROW(name, call) CAPTURE(name) \
    && capture(state, NAME_OF_##name, PyUnicode_InternFromString(#name)) \
    && capture(state, CALL_OF_##name, PyUnicode_InternFromString(#call))

    return 1 CLASSES(CAPTURE_CLASS) CAPTURES(CAPTURE) SLOTS(CAPTURE_SLOT)
        PROCEDURES(CAPTURE_ROW);
}
static PyObject *packed_name(const struct foreign_frame *name)
{
    return PyBytes_FromStringAndSize((const char *) &name->address, (Py_ssize_t) name->length);
}

static PyObject *fast_del(PyObject *sock, PyObject *nothing)
{
    struct foreign_socket *structure = SOCKET(sock)->structure;
    const socket_t fd = structure->fd;
    struct foreign_frame own, peer;
    PyObject *own_name, *peer_name, *result;

    (void) nothing;
    if (fd < 0)
        return Py_NewRef(Py_None);
    (void) getsockname_keep(structure, &own);
    (void) getpeername_keep(structure, &peer);
    (void) close_block(structure);
    own_name = packed_name(&own);
    peer_name = own_name == NULL ? NULL : packed_name(&peer);
    result = peer_name == NULL ? NULL
        : PyObject_CallMethod(sock, "_complain", "LiOO", (long long) fd, 2, own_name, peer_name);
    Py_XDECREF(own_name);
    Py_XDECREF(peer_name);
    return result;
}

static PyMethodDef method_del = {"__del__", fast_del, METH_NOARGS, NULL};
static PyMethodDef method_eq = {"__eq__", fast_eq, METH_O, NULL};
static PyMethodDef method_hash = {"__hash__", fast_hash, METH_NOARGS, NULL};

static int replace_method(PyObject *class, PyMethodDef *method)
{
    PyObject *descriptor = PyDescr_NewMethod((PyTypeObject *) class, method);
    const int done = descriptor != NULL
        && PyObject_SetAttrString(class, method->ml_name, descriptor) == 0;

    Py_XDECREF(descriptor);
    return done;
}

static int replace_methods(struct state *state)
{
    PyObject *address = THE(SocketAddress);

    return capture(state, LONG_EQ, PyObject_GetAttrString(address, "__eq__"))
        && capture(state, LONG_HASH, PyObject_GetAttrString(address, "__hash__"))
        && replace_method(address, &method_eq) && replace_method(address, &method_hash)
        && replace_method(THE(Socket), &method_del);
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
    PyObject_GC_UnTrack(self);
    Py_CLEAR(FAST_PATH(self)->module);
    Py_CLEAR(FAST_PATH(self)->procedure);
    give_back(self);
}
#define ASKED(name) {name, ask_procedure, NULL, NULL, (void *) (uintptr_t) name}

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
static int replace(PyObject *globals, PyObject *module, PyObject *class, PyObject *procedure,
                   const char *name, fast_call call)
{
    PyObject *path = PyType_GenericAlloc((PyTypeObject *) class, 0);
    int done;

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
/* take_places(globals, address of PySys_Audit): let the names mean the fast paths. */
static PyObject *take_places(PyObject *self, PyObject *arguments)
{
    struct state *state = PyModule_GetState(self);
    PyObject *globals, *slot, *class;
    unsigned long long audit;
    int done;

    if (!PyArg_ParseTuple(arguments, "O!K:take_places", &PyDict_Type, &globals, &audit))
        return NULL;
    if (!state->bases_made || state->places_taken) {
        PyErr_SetString(PyExc_RuntimeError, "take_places: once, when the bases are made");
        return NULL;
    }
    state->places_taken = 1;
    state->audit = (int (*)(const char *, const char *, ...)) (uintptr_t) audit;
    if (!capture_all(state, globals))
        return NULL;
    slot = state->captured[SLOT_who];
    state->set_slot = (descrsetfunc) PyType_GetSlot(Py_TYPE(slot), Py_tp_descr_set);
    state->new_error = (newfunc) PyType_GetSlot((PyTypeObject *) PyExc_OSError, Py_tp_new);
    class = PyType_FromSpec(&fast_path_class);
#define REPLACE(name, call) && replace(globals, self, class, THE(name), #name, fast_##name)
    done = class != NULL PROCEDURES(REPLACE) && replace_methods(state);
    Py_XDECREF(class);
    return done ? Py_NewRef(Py_True) : NULL;
}

#else
int make_fast_module_keep(void)
{
    return 0;
}
#endif
