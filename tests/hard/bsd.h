/* Put before the stub, after tests/hard/plain.h: makes it what it is on macOS. Sending keeps no lock, and
   addresses begin with their length; as there is no place for it in an address here, it is noted. */
#define __APPLE__ 1
static unsigned char address_length __attribute__((unused));
#define sa_len sa_family = 0, address_length
