/* Put before the stub, after tests/hard/plain.h: control messages are laid out as on macOS, with
   lengths and gaps of four bytes. The kernel here does not know them; tests/hard/control.c. */
struct narrow_header {
    socklen_t cmsg_len;
    int cmsg_level, cmsg_type;
};
#define cmsghdr narrow_header
#undef CMSG_LEN
#undef CMSG_SPACE
#undef CMSG_DATA
#define CMSG_LEN(size) ((socklen_t) (sizeof(struct narrow_header) + (size)))
#define CMSG_SPACE(size) (sizeof(struct narrow_header) + (((size) + 3) & ~(size_t) 3))
#define CMSG_DATA(header) ((unsigned char *) ((header) + 1))
