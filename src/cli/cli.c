/* cli.c - finds the subcommand, parses its options, prints help
 * Owns: the parsed command line. */
#include "cli/cli.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct orr_command_entry *const commands[] = {
    &orri_new,     &orri_import,    &orri_validate, &orri_fmt,    &orri_test,
    &orri_plan,    &orri_simulate,  &orri_run,      &orri_resume, &orri_status,
    &orri_ls,      &orri_cat,       &orri_export,   &orri_why,    &orri_verify,
    &orri_compact, &orri_functions, &orri_explain,  &orri_schema, &orri_reference,
    &orri_topo,    &orri_bench,     &orri_cache,    &orri_submit, &orri_cancel,
    &orri_logs,
};

enum { N_COMMANDS = sizeof commands / sizeof *commands, OPTIONS_MAX = 40 };

/* ---- help ---- */

static void print_commands(FILE *out)
{
    (void)fprintf(
        out, "usage: orrery COMMAND [OPTION]... [ARGUMENT]...\n\n"
             "Runs workflows of chunked work (media and other) on supercomputers.\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        (void)fprintf(out, "  %-10s %-14s %s\n", commands[i]->name,
                      commands[i]->arguments, commands[i]->summary);
    (void)fprintf(out,
                  "\n`orrery COMMAND --help` explains a command; `orrery --version` "
                  "prints the version.\n"
                  "exit codes: 0 all requests succeeded, 1 some failed, 2 wrong input "
                  "(nothing was run),\n3 the store or the machine failed, 75 drained, "
                  "130 interrupted (3, 75, 130: resume is possible)\n");
}

static void print_option(FILE *out, const struct orr_option *option)
{
    char left[80];
    char letter[8] = "    ";
    if (option->letter)
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name,
                   option->argument ? "=" : "",
                   option->argument ? option->argument : "");
    (void)fprintf(out, "  %-28s %s\n", left, option->help);
}

static void print_help(FILE *out, const struct orr_command_entry *command)
{
    (void)fprintf(out, "usage: orrery %s [OPTION]... %s\n\n%s\n", command->name,
                  command->arguments, command->summary);
    if (command->details)
        (void)fprintf(out, "\n%s\n", command->details);
    (void)fprintf(out, "\noptions:\n");
    for (const struct orr_option *o = command->options; o && o->name; o++)
        print_option(out, o);
    (void)fprintf(out, "  -h, --%-22s %s\n", "help", "print this");
}

/* ---- parsing ---- */

/* Given without the value that it needs, or with one that it does not take? Said when
 * so. */
static bool value_misfits(const struct orr_command_entry *command,
                          const struct orr_option *option)
{
    if (!option)
        return false;
    if (!option->argument) {
        (void)fprintf(stderr,
                      "orrery %s: option --%s takes no value\n"
                      "try 'orrery %s --help'\n",
                      command->name, option->name, command->name);
        return true;
    }
    (void)fprintf(stderr,
                  "orrery %s: option --%s needs a value: --%s=%s\n"
                  "try 'orrery %s --help'\n",
                  command->name, option->name, option->name, option->argument,
                  command->name);
    return true;
}

static int complain_option(const struct orr_command_entry *command, const char *word)
{
    const char *names[OPTIONS_MAX] = { "help" };
    char bare[100];
    size_t n = 1;
    for (const struct orr_option *o = command->options; o && o->name; o++)
        names[n++] = o->name;
    (void)snprintf(bare, sizeof bare, "%s", word + strspn(word, "-"));
    bare[strcspn(bare, "=")] = '\0';
    const char *near = orr_text_nearest(bare, names, n);
    (void)fprintf(stderr, "orrery %s: unknown option '%s'", command->name, word);
    if (near && strcmp(near, bare) != 0)
        (void)fprintf(stderr, "; did you mean '--%s'?", near);
    (void)fprintf(stderr, "\ntry 'orrery %s --help'\n", command->name);
    return ORR_EXIT_INPUT;
}

static void describe_options(const struct orr_command_entry *command,
                             struct option *longs, char *shorts)
{
    size_t n = 0;
    size_t s = 0;
    shorts[s++] = ':';
    for (const struct orr_option *o = command->options; o && o->name; o++, n++) {
        longs[n] =
            (struct option) { o->name, o->argument ? required_argument : no_argument,
                              NULL, 256 + (int)n };
        if (o->letter)
            shorts[s++] = o->letter;
        if (o->letter && o->argument)
            shorts[s++] = ':';
    }
    longs[n] = (struct option) { "help", no_argument, NULL, 'h' };
    shorts[s++] = 'h';
    shorts[s] = '\0';
}

static const struct orr_option *find_option(const struct orr_command_entry *command,
                                            int code)
{
    size_t at = 0;
    for (const struct orr_option *o = command->options; o && o->name; o++, at++)
        if (code == 256 + (int)at || (o->letter && code == o->letter))
            return o;
    return NULL;
}

/* Too many arguments, or too few: which one it is. */
static int complain_count(const struct orr_line *line)
{
    const struct orr_command_entry *command = line->command;
    if (line->n_args > command->most) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_printf(&text, "orrery %s: unexpected argument '%s'\n", command->name,
                        line->args[command->most]);
        orr_text_print(stderr, text.s);
        orr_text_release(&text);
    } else {
        const char *missing = command->arguments; /* "RUN [TABLE]", "FILE..." */
        for (size_t i = 0; i < line->n_args; i++)
            missing += strcspn(missing, " ") + 1;
        (void)fprintf(stderr, "orrery %s: %.*s is missing\n", command->name,
                      (int)strcspn(missing, " ."), missing);
    }
    (void)fprintf(stderr, "usage: orrery %s [OPTION]... %s\ntry 'orrery %s --help'\n",
                  command->name, command->arguments, command->name);
    return ORR_EXIT_INPUT;
}

/* -1: go on; else the exit code. */
static int parse(struct orr_line *line)
{
    struct option longs[OPTIONS_MAX + 1] = { 0 };
    char shorts[3 * OPTIONS_MAX];
    describe_options(line->command, longs, shorts);
    opterr = 0;
    optind = 2;
    for (int code = 0;
         (code = getopt_long(line->argc, line->argv, shorts, longs, NULL)) != -1;) {
        if (code == 'h') {
            print_help(stdout, line->command);
            return ORR_EXIT_OK;
        }
        const struct orr_option *option = find_option(line->command, code);
        if (!option && value_misfits(line->command, find_option(line->command, optopt)))
            return ORR_EXIT_INPUT;
        if (!option)
            return complain_option(line->command, line->argv[optind - 1]);
        line->given[line->n_given++] =
            (struct orr_given) { option, option->argument ? optarg : "" };
    }
    line->args = line->argv + optind;
    line->n_args = (size_t)(line->argc - optind);
    if (line->n_args >= line->command->least && line->n_args <= line->command->most)
        return -1;
    return complain_count(line);
}

const char *orri_option(const struct orr_line *line, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < line->n_given; i++)
        if (strcmp(line->given[i].option->name, name) == 0)
            value = line->given[i].value;
    return value;
}

bool orri_has(const struct orr_line *line, const char *name)
{
    return orri_option(line, name) != NULL;
}

bool orri_number(const struct orr_line *line, const char *name, long least, long most,
                 long fallback, long *out)
{
    const char *text = orri_option(line, name);
    *out = fallback;
    if (!text)
        return true;
    char *end = NULL;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (!errno && *text && !*end && *out >= least && *out <= most)
        return true;
    (void)fprintf(stderr,
                  "orrery %s: --%s wants a whole number from %ld to %ld, not '%s'\n",
                  line->command->name, name, least, most, text);
    return false;
}

int orri_complain(const struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    if (err->at.file && err->at.line)
        orr_text_printf(&text, "%s:%u:%u: error: %s\n", err->at.file, err->at.line,
                        err->at.column, err->text);
    else
        orr_text_printf(&text, "orrery: error: %s\n", err->text);
    orr_text_print(stderr, text.s);
    orr_text_release(&text);
    if (err->code == ORR_ERR_INPUT || err->code == ORR_ERR_LIMIT)
        return ORR_EXIT_INPUT;
    return err->code == ORR_ERR_FAILED ? ORR_EXIT_FAILED : ORR_EXIT_MACHINE;
}

static const struct orr_command_entry *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = orr_text_nearest(name, names, N_COMMANDS);
    (void)fprintf(stderr, "orrery: there is no command '%s'", name);
    if (near)
        (void)fprintf(stderr, "; did you mean '%s'?", near);
    (void)fprintf(stderr, "\ntry 'orrery --help'\n");
    return ORR_EXIT_INPUT;
}

/* Output that did not reach the disk or the pipe must not pass for success. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fprintf(stderr, "orrery: cannot write to standard output\n");
    return code ? code : ORR_EXIT_MACHINE;
}

/* A standard stream that is closed must not become the number of a file of ours:
 * messages would be written into it. What is put there fails when it is used. */
static void keep_stream_numbers(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int orr_cli_main(int argc, char **argv)
{
    orr_memory_keep();
    keep_stream_numbers();
    (void)umask(umask(0) | S_IWOTH); /* nothing of ours is for anybody to change */
    /* a limit on sizes of files is an error as others */
    (void)signal(SIGXFSZ, SIG_IGN);
    const char *word = argc > 1 ? argv[1] : "";
    if (!*word || strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 ||
        (strcmp(word, "help") == 0 && argc == 2)) {
        print_commands(*word ? stdout : stderr);
        return *word ? finish(ORR_EXIT_OK) : ORR_EXIT_INPUT;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        (void)printf("orrery %s\n", ORR_VERSION);
        return finish(ORR_EXIT_OK);
    }
    if (strcmp(word, "help") == 0) {
        const struct orr_command_entry *command = find_command(argv[2]);
        if (command)
            print_help(stdout, command);
        return command ? finish(ORR_EXIT_OK) : unknown_command(argv[2]);
    }
    struct orr_line line = { .command = find_command(word),
                             .argc = argc,
                             .argv = argv };
    if (!line.command)
        return unknown_command(word);
    line.given = orr_alloc((size_t)argc, sizeof *line.given);
    int code = parse(&line);
    if (code < 0)
        code = line.command->run(&line);
    free(line.given);
    return finish(code);
}
