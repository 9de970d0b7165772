/* check.h: assertions on our own state, always on where cheap.
 *
 * CHECK is for what cannot be false unless this program is wrong; it never judges bytes that came
 * from a client, a file or another process (those get a status). A failed CHECK ends this process;
 * the others repair what it leaves. CHECK_SLOW is compiled into debug builds only. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

_Noreturn void check_failed(const char *expression, const char *file, int line);

#define CHECK(expression)                                                                          \
    (__builtin_expect(!(expression), 0) ? check_failed(#expression, __FILE__, __LINE__) : (void)0)

#ifdef NDEBUG
#define CHECK_SLOW(expression) ((void)sizeof(expression))
#else
#define CHECK_SLOW(expression) CHECK(expression)
#endif

#endif
