/* findings.h - the numbers of all findings of the compiler, and what each means
 *
 * E01 YAML, E02 expressions, E03 the shape of the files, E04 workflows, E05 jobs, E06
 * tests; W are warnings. Numbers are stable and never reused.
 * tests/unit/model/findings.c holds that the sources use exactly these. */
#ifndef ORR_MODEL_FINDINGS_H
#define ORR_MODEL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#define ORR_FINDINGS(X)                                                                \
    X("E0101", "The text is not YAML; the place is where the parser gave up.")         \
    X("E0102", "YAML does not allow tabs for indentation: use spaces.")                \
    X("E0103", "A file is UTF-8 text without control characters and zero bytes.")      \
    X("E0104", "A mapping names a key twice; the second would hide the first.")        \
    X("E0105", "A file holds one YAML document; '---' starts another.")                \
    X("E0106", "An alias (*name) needs an anchor (&name) that ended before it.")       \
    X("E0107", "The file, or what its aliases expand to, is larger than the limit.")   \
    X("E0108", "Lists and mappings are nested deeper than 64 levels.")                 \
    X("E0109", "The file holds nothing but blanks and comments.")                      \
    X("E0110", "The keys of a mapping are names, not lists or mappings.")              \
    X("E0111", "Lines end with a line feed, not with other characters.")               \
    X("E0201", "The expression breaks the grammar, which is Python's.")                \
    X("E0202", "A number is too large, or has a unit that is not known.")              \
    X("E0203", "A string inside an expression has no end or an unknown escape.")       \
    X("E0204", "The expression is nested too deep or too long.")                       \
    X("E0205", "A '}' stands alone in a quoted string; as a character it is '}}'.")    \
    X("E0206", "The name is no variable that can be seen here.")                       \
    X("E0207", "The record has no field of that name.")                                \
    X("E0208", "The operator does not take values of these types.")                    \
    X("E0209", "The items of a list, or both sides of if/else, must be of one type.")  \
    X("E0210", "The value is not of the type that is needed here.")                    \
    X("E0211", "There is no built-in function of that name.")                          \
    X("E0212", "The function does not take such arguments.")                           \
    X("E0213", "The value may be null; test it with '!= null' first.")                 \
    X("E0214", "A constant expression fails, as by overflow or division by zero.")     \
    X("E0215", "A quantity has no unit, or one that can be read in two ways.")         \
    X("E0216", "A value stands in a script where the shell would not see its quotes.") \
    X("W0220", "A value that cannot be null is compared with null.")                   \
    X("E0301", "The key is not known here.")                                           \
    X("E0302", "A key that is needed is missing.")                                     \
    X("E0303", "A value, a list and a mapping are different things; this is the "      \
               "wrong one.")                                                           \
    X("E0304", "The file is written in a version of the language that is not known.")  \
    X("W0310", "The key still works, but there is a better way to write it.")          \
    X("E0401", "A fact, function or pool of that name is not defined.")                \
    X("E0402", "The type is not known or not allowed here.")                           \
    X("E0403", "The name is not allowed: wrong characters, or a word of the "          \
               "language.")                                                            \
    X("E0404", "The data is not of the type that is needed here.")                     \
    X("E0405", "There is no field or argument of that name.")                          \
    X("E0406", "A field or argument that is needed is missing.")                       \
    X("E0407", "The number is out of range.")                                          \
    X("E0408", "A fact that holds itself has no end.")                                 \
    X("E0409", "Two things of one kind have the same name.")                           \
    X("E0410", "The pools do not form a tree.")                                        \
    X("E0411", "The key belongs to another form of function.")                         \
    X("E0412", "The word is none of those that may stand here.")                       \
    X("E0413", "A function has exactly one of use, command, shell and workflow.")      \
    X("E0415", "The result cannot be obtained from the command as it is written.")     \
    X("E0416", "More variables or parameters than the limit.")                         \
    X("E0417", "A command needs at least the name of a program.")                      \
    X("E0418", "Workflows call themselves, too deep or too many others.")              \
    X("E0420", "A rule must match at least one fact.")                                 \
    X("E0421", "A condition that is always false: the rule cannot fire.")              \
    X("E0422", "Facts cannot be ordered by such a value.")                             \
    X("E0423", "'for' is VARIABLE in LIST.")                                           \
    X("E0424", "The fact 'job' holds the inputs and is made by the request alone.")    \
    X("E0425", "An error handler does exactly one thing.")                             \
    X("E0426", "The parts of the rule do not go together.")                            \
    X("E0427", "Steps that wait for each other never start.")                          \
    X("E0430", "Outputs tell when a request has succeeded, each by one fact.")         \
    X("E0431", "A fact is needed that no rule asserts.")                               \
    X("E0432", "A workflow without rules does nothing.")                               \
    X("E0433", "The file cannot be read.")                                             \
    X("E0434", "A rule that can never fire: what it matches is never made.")           \
    X("E0435", "An output that can never hold: what it waits for is never made.")      \
    X("E0436", "A gather that waits for more facts than there can be.")                \
    X("E0437", "A text or list is empty where something must stand.")                  \
    X("W0440", "Shares of one pool's children sum to more than 1.")                    \
    X("W0441", "No rule reads the input.")                                             \
    X("W0442", "No function uses the pool.")                                           \
    X("W0443", "No rule calls the function.")                                          \
    X("W0444", "Nothing takes the fact.")                                              \
    X("W0445", "Rules may feed each other without end.")                               \
    X("W0446", "A result is computed and dropped.")                                    \
    X("W0447", "The variable of a match is not used.")                                 \
    X("W0448", "A parameter of a command is not used.")                                \
    X("W0449", "The variable of a 'for' is not used.")                                 \
    X("W0450", "An error handler comes after one that always holds.")                  \
    X("W0451", "Two rules do the same.")                                               \
    X("W0452", "An assertion or a step that never happens.")                           \
    X("W0453", "A text is taken as it stands, but reads like an expression.")          \
    X("E0501", "The workflow has no input of that name.")                              \
    X("E0502", "An input without a default is not given.")                             \
    X("E0503", "More requests than a run holds.")                                      \
    X("E0504", "The list of requests is empty.")                                       \
    X("E0505", "A sweep gives each of its inputs a list of values.")                   \
    X("E0506", "requests and sweep exclude each other.")                               \
    X("E0507", "The slurm option cannot be written as one.")                           \
    X("E0601", "An example or an answer lacks a result that a rule reads.")            \
    X("E0602", "An answer to a call is either a result or a failure.")                 \
    X("E0603", "The parts of an expectation do not go together.")                      \
    X("W0604", "An answer before this one always holds.")

struct orr_finding {
    const char *id;
    const char *text;
};

/* The page of `orrery explain`. An example shows the top-level keys that matter, or is
 * a whole file. tests/unit/graph/pages.c holds that `wrong` gives the finding and
 * `right` does not. */
struct orr_page {
    const char *id;
    bool whole;
    const char *why;
    const char *wrong;
    const char *right;
};
const struct orr_page *orr_finding_page(const char *id); /* or NULL */

const struct orr_finding *orr_findings(
    size_t *n);                               /* in ascending order within E and W */
const char *orr_finding_text(const char *id); /* or NULL */

#endif
