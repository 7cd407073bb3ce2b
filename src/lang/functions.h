/* functions.h - the functions of expressions, in one list
 * Name, usage, forms (see expr_builtin.c), documentation. */
#ifndef ORR_LANG_FUNCTIONS_H
#define ORR_LANG_FUNCTIONS_H

#include "lang/internal.h"

#define ORRI_FUNCTIONS(X)                                                              \
    X(abs, "abs(x)", "i>i f>f d>d", "x without its sign")                              \
    X(all, "all(list<bool>) -> bool", "B>b",                                           \
      "true when every item is; true "                                                 \
      "when empty")                                                                    \
    X(any, "any(list<bool>) -> bool", "B>b",                                           \
      "true when some item is; false "                                                 \
      "when empty")                                                                    \
    X(basename, "basename(path) -> string", "p>s s>s", "the last part of a path")      \
    X(bytes, "bytes(size or blob) -> int", "z>i k>i", "the number of bytes")           \
    X(ceil, "ceil(float) -> int", "i>i f>i", "the least int that is not below")        \
    X(dirname, "dirname(path) -> path", "p>p s>s", "the path without its last part")   \
    X(endswith, "endswith(text, end) -> bool", "ss>b ps>b", "does the text end so?")   \
    X(float, "float(x) -> float", "f>f s>f b>f", "a number from an int or a text")     \
    X(floor, "floor(float) -> int", "i>i f>i", "the greatest int that is not above")   \
    X(format, "format(x, spec) -> string", "*s>s",                                     \
      "x as Python's format() writes it: \"05d\", \".3f\", \"x\", \">8\"")             \
    X(int, "int(x) -> int", "i>i f>i s>i b>i",                                         \
      "an int from a float (cut toward 0), a text or a bool")                          \
    X(join, "join(list<string>, between) -> string", "Ss>s", "the items as one text")  \
    X(len, "len(list or string) -> int", "X>i s>i",                                    \
      "the number of items or "                                                        \
      "characters")                                                                    \
    X(lower, "lower(string) -> string", "s>s", "ASCII letters made small")             \
    X(max, "max(a, b, ...) or max(list)",                                              \
      "ii+>i ff+>f dd+>d zz+>z ss+>s I>i "                                             \
      "F>f D>d Z>z S>s",                                                               \
      "the greatest")                                                                  \
    X(min, "min(a, b, ...) or min(list)",                                              \
      "ii+>i ff+>f dd+>d zz+>z ss+>s I>i "                                             \
      "F>f D>d Z>z S>s",                                                               \
      "the least")                                                                     \
    X(path, "path(string) -> path", "p>p s>p", "a path from a text")                   \
    X(quote, "quote(x) -> string", "*>s",                                              \
      "x as one word of /bin/sh; a list as one word an item")                          \
    X(range, "range(end), range(start, end), range(start, end, step) -> list<int>",    \
      "i>I ii>I iii>I", "the ints from start (0) up to, not including, end")           \
    X(replace, "replace(text, old, new) -> string", "sss>s", "every `old` made `new`") \
    X(round, "round(x) -> int, round(x, digits) -> float", "i>i f>i fi>f",             \
      "the nearest; halves go to the even neighbour")                                  \
    X(seconds, "seconds(duration) -> float", "d>f", "a duration as a number")          \
    X(sorted, "sorted(list) -> list", "X>X", "the items in ascending order")           \
    X(split, "split(text, between) -> list<string>", "ss>S", "the parts of a text")    \
    X(startswith, "startswith(text, start) -> bool", "ss>b ps>b",                      \
      "does the "                                                                      \
      "text begin so?")                                                                \
    X(stem, "stem(path) -> string", "p>s s>s",                                         \
      "the last part of a path, "                                                      \
      "without its suffix")                                                            \
    X(str, "str(x) -> string", "*>s",                                                  \
      "x as text: durations in seconds, sizes "                                        \
      "in bytes")                                                                      \
    X(strip, "strip(text) -> string", "s>s", "the text without blanks around it")      \
    X(sum, "sum(list)", "I>i F>f D>d Z>z", "all items added")                          \
    X(upper, "upper(string) -> string", "s>s", "ASCII letters made large")

#define X(name, usage, forms, doc) orri_function orri_run_##name;
ORRI_FUNCTIONS(X)
#undef X

#endif
