/* expr_lex.c - text of an expression to tokens, literals included
 * Owns nothing: values land in the compilation's arena. */
#include "lang/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct orr_span orri_lex_span(struct orri_lexer *lexer, size_t offset)
{
    if (offset < lexer->counted)
        lexer->counted = lexer->columns = 0;
    for (; lexer->counted < offset && lexer->counted < lexer->length; lexer->counted++)
        lexer->columns += ((unsigned char)lexer->text[lexer->counted] & 0xC0) != 0x80;
    struct orr_span at = lexer->base;
    at.column += at.column ? (uint32_t)lexer->columns : 0;
    return at;
}

static void bad(struct orri_lexer *lexer, size_t offset, const char *id,
                const char *text)
{
    orr_diag_error(lexer->diags, orri_lex_span(lexer, offset), id, "%s", text);
    lexer->token = ORRI_T_BAD;
}

static void literal(struct orri_lexer *lexer, struct orr_value value)
{
    lexer->token = ORRI_T_CONST;
    lexer->value = value;
    lexer->type = orr_type_scalar((enum orr_kind)value.kind);
}

/* ---- numbers ---- */

struct unit {
    const char *name;
    enum orr_kind kind;
    int64_t scale;
};

static const struct unit *find_unit(const char *name, size_t length)
{
    static const struct unit units[] = {
        { "ns", ORR_KIND_DURATION, 1 },
        { "us", ORR_KIND_DURATION, 1000 },
        { "ms", ORR_KIND_DURATION, 1000000 },
        { "s", ORR_KIND_DURATION, 1000000000 },
        { "min", ORR_KIND_DURATION, INT64_C(60000000000) },
        { "h", ORR_KIND_DURATION, INT64_C(3600000000000) },
        { "d", ORR_KIND_DURATION, INT64_C(86400000000000) },
        { "B", ORR_KIND_SIZE, 1 },
        { "KB", ORR_KIND_SIZE, 1000 },
        { "MB", ORR_KIND_SIZE, 1000000 },
        { "GB", ORR_KIND_SIZE, 1000000000 },
        { "TB", ORR_KIND_SIZE, INT64_C(1000000000000) },
        { "PB", ORR_KIND_SIZE, INT64_C(1000000000000000) },
        { "KiB", ORR_KIND_SIZE, 1024 },
        { "MiB", ORR_KIND_SIZE, 1048576 },
        { "GiB", ORR_KIND_SIZE, 1073741824 },
        { "TiB", ORR_KIND_SIZE, INT64_C(1099511627776) },
        { "PiB", ORR_KIND_SIZE, INT64_C(1125899906842624) },
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
            return &units[i];
    return NULL;
}

static size_t digits(const char *s, size_t at, size_t length)
{
    while (at < length && isdigit((unsigned char)s[at]))
        at++;
    return at;
}

/* The end of [digits][.digits][e+-digits] from `at`; *whole when it is digits only. */
static size_t scan_number(const char *s, size_t at, size_t length, bool *whole)
{
    size_t end = digits(s, at, length);
    *whole = true;
    if (end + 1 < length && s[end] == '.' && isdigit((unsigned char)s[end + 1])) {
        *whole = false;
        end = digits(s, end + 1, length);
    }
    if (end < length && (s[end] == 'e' || s[end] == 'E')) {
        size_t sign = end + 1 < length && (s[end + 1] == '+' || s[end + 1] == '-');
        size_t more = digits(s, end + 1 + sign, length);
        if (more > end + 1 + sign) {
            *whole = false;
            end = more;
        }
    }
    return end;
}

static bool parse_whole(const char *s, size_t length, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < length; i++)
        if (__builtin_mul_overflow(*out, UINT64_C(10), out) ||
            __builtin_add_overflow(*out, (uint64_t)(s[i] - '0'), out))
            return false;
    return true;
}

static double parse_float(const char *s, size_t length)
{
    char text[512];
    size_t n = length < sizeof text ? length : sizeof text - 1;
    memcpy(text, s, n);
    text[n] = '\0';
    return strtod(text, NULL);
}

/* number * scale + *sum, exact for whole numbers. */
static bool add_quantity(const char *s, size_t length, bool whole, int64_t scale,
                         int64_t *sum)
{
    uint64_t n = 0;
    int64_t part = 0;
    if (whole) {
        if (!parse_whole(s, length, &n) || n > INT64_MAX ||
            __builtin_mul_overflow((int64_t)n, scale, &part))
            return false;
    } else {
        double f = parse_float(s, length) * (double)scale;
        if (!(f < 9.2e18))
            return false;
        part = llround(f);
    }
    return !__builtin_add_overflow(*sum, part, sum);
}

/* "1h30min" from `at`: the end, or 0 when there is no quantity; *problem says why. */
static size_t scan_quantity(const char *s, size_t at, size_t length,
                            enum orr_kind *kind, int64_t *value, const char **problem)
{
    *kind = ORR_KIND_NULL;
    *value = 0;
    while (at < length && isdigit((unsigned char)s[at])) {
        bool whole = true;
        size_t unit = scan_number(s, at, length, &whole);
        size_t end = unit;
        while (end < length && isalpha((unsigned char)s[end]))
            end++;
        const struct unit *u = find_unit(s + unit, end - unit);
        if (!u || (*kind != ORR_KIND_NULL && u->kind != *kind)) {
            *problem =
                u ? "a duration and a size cannot be one number" : "unknown unit";
            return 0;
        }
        *kind = u->kind;
        if (!add_quantity(s + at, unit - at, whole, u->scale, value)) {
            *problem = "this does not fit into 64 bits";
            return 0;
        }
        at = end;
    }
    return at;
}

bool orri_quantity(const char *text, size_t length, enum orr_kind kind,
                   struct orr_value *out)
{
    enum orr_kind found = ORR_KIND_NULL;
    const char *problem = NULL;
    int64_t value = 0;
    bool minus = length > 0 && text[0] == '-';
    size_t end = scan_quantity(text, minus, length, &found, &value, &problem);
    if (end != length || found != kind)
        return false;
    *out = (struct orr_value) { .kind = (uint8_t)kind, .as.i = minus ? -value : value };
    return true;
}

/* Units of other programs, and what may be meant. Two words: it is not clear which. */
static const char *const *meant(const char *unit, size_t length)
{
    static const char *const words[][3] = {
        { "m", "min", "ms" },      { "k", "KiB", "KB" },       { "K", "KiB", "KB" },
        { "M", "MiB", "MB" },      { "G", "GiB", "GB" },       { "T", "TiB", "TB" },
        { "P", "PiB", "PB" },      { "g", "GiB", "GB" },       { "Ki", "KiB", NULL },
        { "Mi", "MiB", NULL },     { "Gi", "GiB", NULL },      { "Ti", "TiB", NULL },
        { "Pi", "PiB", NULL },     { "kb", "KB", NULL },       { "kB", "KB", NULL },
        { "mb", "MB", NULL },      { "gb", "GB", NULL },       { "tb", "TB", NULL },
        { "b", "B", NULL },        { "sec", "s", NULL },       { "secs", "s", NULL },
        { "second", "s", NULL },   { "seconds", "s", NULL },   { "mins", "min", NULL },
        { "minute", "min", NULL }, { "minutes", "min", NULL }, { "hr", "h", NULL },
        { "hrs", "h", NULL },      { "hour", "h", NULL },      { "hours", "h", NULL },
        { "day", "d", NULL },      { "days", "d", NULL },      { "msec", "ms", NULL },
        { "usec", "us", NULL },    { "nsec", "ns", NULL },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == length && memcmp(words[i][0], unit, length) == 0)
            return words[i];
    return NULL;
}

static void unknown_unit(struct orri_lexer *lexer, size_t unit, const char *problem)
{
    size_t end = unit;
    while (end < lexer->length && isalnum((unsigned char)lexer->text[end]))
        end++;
    const char *const *words = meant(lexer->text + unit, end - unit);
    char *number = orr_arena_strndup(lexer->arena, lexer->text + lexer->start,
                                     unit - lexer->start);
    if (words && words[2]) {
        bad(lexer, unit, "E0215", "this unit can be read in two ways");
        orr_diag_hint(lexer->diags, "write %s%s or %s%s, whichever is meant", number,
                      words[1], number, words[2]);
        return;
    }
    bad(lexer, unit, "E0202", problem);
    if (words)
        orr_diag_hint(lexer->diags, "did you mean %s%s?", number, words[1]);
    else
        orr_diag_hint(lexer->diags, "units are ns us ms s min h d, and B KB MB GB TB "
                                    "PB KiB MiB GiB TiB PiB");
}

/* 0x10, 0b11 and the like. */
static bool other_base(struct orri_lexer *lexer, size_t unit)
{
    const char *s = lexer->text + lexer->start;
    if (unit - lexer->start != 1 || s[0] != '0' || !strchr("xXoObB", s[1]) ||
        !isxdigit((unsigned char)s[2]))
        return false;
    bad(lexer, lexer->start, "E0202",
        strchr("xX", s[1])   ? "hexadecimal numbers are not known"
        : strchr("oO", s[1]) ? "octal numbers are not known"
                             : "binary numbers are not known");
    char *end = NULL;
    int base = strchr("xX", s[1]) ? 16 : strchr("oO", s[1]) ? 8 : 2;
    unsigned long long n = strtoull(s + 2, &end, base);
    if (end > s + 2 && end - s < 16 && !isalnum((unsigned char)*end))
        orr_diag_hint(lexer->diags, "write %llu", n);
    return true;
}

static void lex_quantity(struct orri_lexer *lexer, size_t unit)
{
    enum orr_kind kind = ORR_KIND_NULL;
    int64_t value = 0;
    const char *problem = NULL;
    size_t end = scan_quantity(lexer->text, lexer->start, lexer->length, &kind, &value,
                               &problem);
    if (end == 0 && strcmp(problem, "unknown unit") == 0) {
        unknown_unit(lexer, unit, problem);
        return;
    }
    if (end == 0) {
        bad(lexer, lexer->start, "E0202", problem);
        return;
    }
    lexer->at = end;
    literal(lexer, (struct orr_value) { .kind = (uint8_t)kind, .as.i = value });
}

static void lex_number(struct orri_lexer *lexer)
{
    bool whole = true;
    uint64_t n = 0;
    size_t end = scan_number(lexer->text, lexer->start, lexer->length, &whole);
    if (end < lexer->length && (isalpha((unsigned char)lexer->text[end]))) {
        if (other_base(lexer, end))
            return;
        lex_quantity(lexer, end);
        return;
    }
    lexer->at = end;
    if (!whole) {
        double f = parse_float(lexer->text + lexer->start, end - lexer->start);
        if (!isfinite(f))
            bad(lexer, lexer->start, "E0202", "this number is too large for a float");
        else
            literal(lexer, orr_float(f));
        return;
    }
    if (!parse_whole(lexer->text + lexer->start, end - lexer->start, &n) ||
        n > (uint64_t)INT64_MAX + 1) {
        bad(lexer, lexer->start, "E0202", "this number does not fit into 64 bits");
        return;
    }
    lexer->least_int = n > INT64_MAX;
    literal(lexer, orr_int(lexer->least_int ? INT64_MIN : (int64_t)n));
}

/* ---- strings ---- */

static bool escape(struct orri_lexer *lexer, struct orr_text *out)
{
    static const char from[] = "\\'\"ntr{}";
    static const char to[] = "\\'\"\n\t\r{}";
    char c = lexer->at < lexer->length ? lexer->text[lexer->at] : '\0';
    const char *found = c ? strchr(from, c) : NULL;
    if (!found) {
        bad(lexer, lexer->at - 1, "E0203",
            "unknown escape; known are \\\\ \\' \\\" \\n \\t \\r");
        return false;
    }
    orr_text_append(out, &to[found - from], 1);
    lexer->at++;
    return true;
}

static void lex_string(struct orri_lexer *lexer)
{
    char quote = lexer->text[lexer->start];
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_append(&text, "", 0);
    lexer->at = lexer->start + 1;
    lexer->token = ORRI_T_CONST;
    while (lexer->at < lexer->length && lexer->text[lexer->at] != quote) {
        char c = lexer->text[lexer->at++];
        if (c != '\\')
            orr_text_append(&text, &c, 1);
        else if (!escape(lexer, &text))
            break;
    }
    if (lexer->token != ORRI_T_BAD && lexer->at >= lexer->length)
        bad(lexer, lexer->start, "E0203", "this string has no end");
    else if (lexer->token != ORRI_T_BAD) {
        lexer->at++;
        literal(lexer,
                orr_string_new(lexer->arena, ORR_KIND_STRING, text.s, text.length));
    }
    orr_text_release(&text);
}

/* ---- names and signs ---- */

static bool is_word(const char *name)
{
    static const char *const words[] = {
        "and", "or", "not", "in", "if", "else", "for"
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], name) == 0)
            return true;
    return false;
}

static void lex_name(struct orri_lexer *lexer)
{
    size_t end = lexer->start;
    while (end < lexer->length &&
           (isalnum((unsigned char)lexer->text[end]) || lexer->text[end] == '_'))
        end++;
    lexer->at = end;
    lexer->name =
        orr_arena_strndup(lexer->arena, lexer->text + lexer->start, end - lexer->start);
    if (strcmp(lexer->name, "true") == 0 || strcmp(lexer->name, "false") == 0)
        literal(lexer, orr_bool(lexer->name[0] == 't'));
    else if (strcmp(lexer->name, "null") == 0)
        literal(lexer, orr_null());
    else
        lexer->token = is_word(lexer->name) ? ORRI_T_WORD : ORRI_T_NAME;
}

static void unknown_sign(struct orri_lexer *lexer)
{
    static const struct {
        const char *sign, *hint;
    } hints[] = {
        { "&&", "'and'" }, { "||", "'or'" }, { "!", "'not'" }, { "=", "'=='" }
    };
    const char *s = lexer->text + lexer->start;
    struct orr_span at = orri_lex_span(lexer, lexer->start);
    lexer->token = ORRI_T_BAD;
    if ((unsigned char)*s >= 0x80 || !isprint((unsigned char)*s))
        orr_diag_error(lexer->diags, at, "E0201",
                       "unexpected character in an expression");
    else
        orr_diag_error(lexer->diags, at, "E0201", "unexpected '%c' in an expression",
                       *s);
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strncmp(s, hints[i].sign, strlen(hints[i].sign)) == 0) {
            orr_diag_hint(lexer->diags, "did you mean %s?", hints[i].hint);
            return;
        }
}

static void lex_sign(struct orri_lexer *lexer)
{
    static const char *const signs[] = { "**", "//", "==", "!=", "<=", ">=", "+",
                                         "-",  "*",  "/",  "%",  "<",  ">",  "(",
                                         ")",  "[",  "]",  ",",  ".",  ":",  "}" };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (lexer->length - lexer->start >= n &&
            memcmp(lexer->text + lexer->start, signs[i], n) == 0) {
            memcpy(lexer->word, signs[i], n + 1);
            lexer->at = lexer->start + n;
            lexer->token = ORRI_T_SIGN;
            return;
        }
    }
    unknown_sign(lexer);
}

void orri_lex(struct orri_lexer *lexer)
{
    lexer->least_int = false;
    while (lexer->at < lexer->length && isspace((unsigned char)lexer->text[lexer->at]))
        lexer->at++;
    lexer->start = lexer->at;
    char c = lexer->at < lexer->length ? lexer->text[lexer->at] : '\0';
    if (c == '\0')
        lexer->token = ORRI_T_END;
    else if (isdigit((unsigned char)c))
        lex_number(lexer);
    else if (c == '"' || c == '\'')
        lex_string(lexer);
    else if (isalpha((unsigned char)c) || c == '_')
        lex_name(lexer);
    else
        lex_sign(lexer);
}

bool orri_lex_is(const struct orri_lexer *lexer, const char *sign_or_word)
{
    if (lexer->token == ORRI_T_SIGN)
        return strcmp(lexer->word, sign_or_word) == 0;
    return lexer->token == ORRI_T_WORD && strcmp(lexer->name, sign_or_word) == 0;
}
