/* CPython's own main(), for an interpreter that was made to start one packed program.

   The interpreter is linked with this, which is asked before the C library for what calls main. */

#define _GNU_SOURCE
#include <dlfcn.h>

int Py_BytesMain(int count, char **words);

static int start(int count, char **words, char **environment)
{
    (void) environment;
    return Py_BytesMain(count, words);
}

int __libc_start_main(int (*main)(int, char **, char **), int count, char **words,
                      void (*init)(void), void (*fini)(void), void (*end)(void), void *stack)
{
    __typeof__(__libc_start_main) *real = dlvsym(RTLD_NEXT, "__libc_start_main", "GLIBC_2.2.5");

    (void) main;
    return real(start, count, words, init, fini, end, stack);
}
