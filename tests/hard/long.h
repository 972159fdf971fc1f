/* Put before the C files: leaves the fast paths out, so that all goes the long way. */
#define NO_FAST_PATHS
