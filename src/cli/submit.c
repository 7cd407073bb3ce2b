/* submit.c - orrery submit: a run as a job of Slurm
 * Owns: what is put together of job, site and command line. Hands on: the script
 * (slurm/script), sbatch (sbatch.c, submit_array.c). */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/after.h"
#include "cli/amounts.h"
#include "cli/batch.h"
#include "cli/prepare.h"
#include "cli/size.h"
#include "cli/submission.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { SITE_MAX = 1 << 20 };

static void add_option_from(struct orri_submission *s, const char *name,
                            const char *value, const char *from)
{
    s->options =
        orr_grow(s->options, s->n_options, &s->cap_options, sizeof *s->options);
    s->options[s->n_options++] = (struct orr_slurm_option) { name, value, from };
}

static void add_option(struct orri_submission *s, const char *name, const char *value)
{
    add_option_from(s, name, value, NULL);
}

static void add_word(struct orri_submission *s, const char *word)
{
    s->command =
        orr_grow(s->command, s->n_command, &s->cap_command, sizeof *s->command);
    s->command[s->n_command++] = word;
}

/* ---- the site ---- */

/* A path, or a name in the places for site files. NULL: there is none. */
static char *find_site(struct orri_submission *s, const char *name)
{
    const char *home = getenv("HOME");
    const char *config = getenv("XDG_CONFIG_HOME");
    struct orr_text path = ORR_TEXT_INIT;
    if (name && strchr(name, '/'))
        return orr_strdup(name);
    if (config && *config)
        orr_text_printf(&path, "%s/orrery/", config);
    else if (home && *home)
        orr_text_printf(&path, "%s/.config/orrery/", home);
    if (path.length) {
        orr_text_printf(&path, "%s%s.yaml", name ? "sites/" : "", name ? name : "site");
        if (access(path.s, F_OK) == 0)
            return path.s;
    }
    orr_text_release(&path);
    if (!name)
        return NULL;
    char *bin = orr_path_directory(s->self);
    static const char *const places[] = { "../share/orrery/sites",
                                          "../../slurm/sites" };
    char *found = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++) {
        const char *at =
            orr_arena_printf(&s->arena, "%s/%s/%s.yaml", bin, places[i], name);
        found = access(at, F_OK) == 0 ? orr_strdup(at) : NULL;
    }
    free(bin);
    return found ? found : orr_strdup(name); /* a file here, or the message says so */
}

/* False after a message. */
static bool read_site(struct orri_submission *s)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    char *path = find_site(s, orri_option(s->line, "site"));
    bool good = true;
    if (!path)
        return true;
    const char *file = orr_arena_strdup(&s->arena, path);
    free(path);
    s->site_file = file;
    if (orr_file_read(file, SITE_MAX, &text, &err) != ORR_OK) {
        (void)orri_complain(&err);
        orr_text_release(&text);
        return false;
    }
    orr_slurm_site_read(file, text.s ? text.s : "", text.length, &s->site, &s->diags);
    if (s->diags.n) {
        struct orr_text out = ORR_TEXT_INIT;
        orr_diags_render(&s->diags, NULL, NULL, &out);
        orr_text_print(stderr, out.s);
        orr_text_release(&out);
        good = s->diags.errors == 0;
    }
    orr_text_release(&text);
    return good;
}

/* ---- options of sbatch ---- */

static bool says(const struct orri_submission *s, const char *name)
{
    for (size_t i = 0; i < s->n_options; i++)
        if (strcmp(s->options[i].name, name) == 0)
            return true;
    return false;
}

/* All cores of a node, unless somebody says how many. */
static void add_shape(struct orri_submission *s)
{
    static const char *const sizes[] = { "ntasks-per-node", "tasks-per-node", "ntasks",
                                         "cpus-per-task", "exclusive" };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (says(s, sizes[i]))
            return;
    if (s->site.cores)
        add_option(s, "ntasks-per-node",
                   orr_arena_printf(&s->arena, "%" PRIu32, s->site.cores));
}

static const char *value_of(const struct orri_submission *s, const char *name)
{
    for (size_t i = s->n_options; i-- > 0;)
        if (strcmp(s->options[i].name, name) == 0)
            return s->options[i].value;
    return NULL;
}

static uint32_t cores_of_node(const struct orri_submission *s)
{
    const char *tasks = value_of(s, "ntasks-per-node");
    tasks = tasks ? tasks : value_of(s, "tasks-per-node");
    return tasks ? (uint32_t)strtoul(tasks, NULL, 10) : s->site.cores;
}

/* Half as long again as simulated, and ten minutes: whole minutes. */
static void add_time(struct orri_submission *s, double makespan)
{
    const double slack = 1.5;
    if (!says(s, "time"))
        add_option(s, "time",
                   orr_arena_printf(&s->arena, "%.0f", makespan / 60 * slack + 10.5));
}

/* Nodes by simulation when that is asked for; false after a message. */
static bool add_size(struct orri_submission *s)
{
    struct orri_size_ask ask = { .self = s->self,
                                 .job = s->line->args[0],
                                 .line = s->line,
                                 .costs = orri_option(s->line, "costs") };
    struct orri_size size;
    long most = 0;
    long hours = 0;
    const char *nodes = orri_option(s->line, "nodes");
    if (!orri_number(s->line, "max-nodes", 1, 100000, 64, &most) ||
        !orri_seconds(s->line, "until", 0, &ask.until) ||
        !orri_number(s->line, "core-hours", 1, 1000000000, 0, &hours))
        return false;
    if (orri_has(s->line, "until") && !(ask.until > 0)) {
        (void)fputs("orrery submit: --until is how long the run may take, such as 3h; "
                    "nothing takes no time\n",
                    stderr);
        return false;
    }
    bool wanted = ask.until > 0 || hours > 0 || (nodes && strcmp(nodes, "auto") == 0);
    if (!wanted)
        return true;
    ask.most = (uint32_t)most;
    ask.core_hours = (double)hours;
    ask.cores = cores_of_node(s);
    if (!ask.cores) {
        (void)fprintf(stderr,
                      "orrery submit: how many cores has a node? --ntasks-per-node, or "
                      "the site file's node, says so\n");
        return false;
    }
    if (!orri_size_find(&ask, &size))
        return false;
    char time[ORR_TIME_TEXT];
    orr_duration_text(size.makespan, time);
    (void)fprintf(stderr,
                  "orrery submit: %" PRIu32 " node%s of %" PRIu32
                  " cores: simulated %s, %.1f %% of the cores busy\n",
                  size.nodes, size.nodes == 1 ? "" : "s", ask.cores, time,
                  size.efficiency * 100);
    add_option(s, "nodes", orr_arena_printf(&s->arena, "%" PRIu32, size.nodes));
    add_time(s, size.makespan);
    return true;
}

/* What runs have to succeed before, besides what the job or the site waits for; false
 * after a message. */
static bool add_after(struct orri_submission *s)
{
    struct orr_text jobs = ORR_TEXT_INIT;
    const char *other = value_of(s, "dependency");
    bool good = orri_after_jobs(s->line, &jobs);
    if (good && jobs.length && other && strchr(other, '?')) {
        (void)fprintf(
            stderr,
            "orrery submit: --after cannot be added to dependency=%s, of which "
            "any is enough\n",
            other);
        good = false;
    }
    if (good && jobs.length) {
        add_option(s, "dependency",
                   orr_arena_printf(&s->arena, "%s%safterok%s", other ? other : "",
                                    other ? "," : "", jobs.s));
        add_option(s, "kill-on-invalid-dep", "yes");
    }
    orr_text_release(&jobs);
    return good;
}

/* The elements, and how many of them at a time. */
static void add_array(struct orri_submission *s)
{
    uint32_t n = s->job->n_requests;
    if (!orri_has(s->line, "array"))
        return;
    const char *limit = s->limit ? orr_arena_printf(&s->arena, "%%%ld", s->limit) : "";
    add_option(s, "array",
               orr_arena_printf(&s->arena, "0-%" PRIu32 "%s", n - 1, limit));
    add_option(s, "output", "log-%A.txt"); /* until an element has its own */
}

static bool add_options(struct orri_submission *s)
{
    static const char *const own[] = { "nodes", "ntasks-per-node", "time", "partition",
                                       "account" };
    add_option(s, "output", "log-%j.txt");
    add_option(s, "open-mode", "append");
    add_option(s, "requeue", "");
    add_option(s, "no-kill", "");
    add_option(s, "signal", orr_arena_printf(&s->arena, "B:USR1@%ld", s->warn));
    for (size_t i = 0; i < s->site.n_options; i++)
        add_option_from(s, s->site.options[i].name, s->site.options[i].value,
                        s->site_file);
    for (uint32_t i = 0; i < s->job->n_slurm; i++)
        add_option_from(s, s->job->slurm_names[i], s->job->slurm_values[i],
                        s->job->file);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (orri_option(s->line, own[i]) &&
            strcmp(orri_option(s->line, own[i]), "auto") != 0)
            add_option_from(s, own[i], orri_option(s->line, own[i]),
                            orr_arena_printf(&s->arena, "--%s", own[i]));
    add_shape(s);
    add_array(s);
    return orri_check_options(s) && add_size(s) && add_after(s);
}

/* ---- the command ---- */

static void add_given(struct orri_submission *s, const char *name)
{
    const char *value = orri_option(s->line, name);
    if (value && *value)
        add_word(s, orr_arena_printf(&s->arena, "--%s=%s", name, value));
    else if (value)
        add_word(s, orr_arena_printf(&s->arena, "--%s", name));
}

static void add_command(struct orri_submission *s)
{
    static const char *const handed[] = {
        "durability",    "cores-per-rank",  "max-failures", "accept-changes",
        "retry-failed",  "cache",           "bind",         "no-twins",
        "gpus-per-node", "memory-per-node", "request"
    };
    const char *local = orri_option(s->line, "local-dir");
    const char *durability = orri_option(s->line, "durability");
    const char *launcher = orri_option(s->line, "launcher");
    bool node = durability && strcmp(durability, "node") == 0;
    launcher = launcher ? launcher : s->site.launcher;
    local = local || !node ? local : s->site.local_dir;
    add_word(s, s->self);
    add_word(s, "run");
    add_word(s, s->line->args[0]);
    if (!orri_has(s->line, "array")) {
        add_word(s, "--run-dir");
        add_word(s, s->run_dir);
    }
    add_word(s, "--resume");
    add_word(s, orr_arena_printf(&s->arena, "--grace=%ld",
                                 s->warn > 60 ? s->warn - 30 : s->warn / 2));
    for (size_t i = 0; i < sizeof handed / sizeof *handed; i++)
        add_given(s, handed[i]);
    if (s->guests) /* each may come and go many times */
        add_word(s, orr_arena_printf(&s->arena, "--guests=%ld",
                                     s->guests < 100 ? s->guests * 100 : 10000));
    if (launcher)
        add_word(s, orr_arena_printf(&s->arena, "--launcher=%s", launcher));
    if (local)
        add_word(s, orr_arena_printf(&s->arena, "--local-dir=%s", local));
    for (size_t i = 0; i < s->line->n_given; i++)
        if (strcmp(s->line->given[i].option->name, "set") == 0)
            add_word(s,
                     orr_arena_printf(&s->arena, "--set=%s", s->line->given[i].value));
}

/* ---- all together ---- */

static bool find_places(struct orri_submission *s)
{
    char here[PATH_MAX];
    char self[PATH_MAX];
    const char *given = orri_option(s->line, "run-dir");
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (!getcwd(here, sizeof here) || length < 0) {
        (void)fprintf(stderr, "orrery: error: cannot find where we are: %s\n",
                      strerror(errno));
        return false;
    }
    self[length] = '\0';
    s->self = orr_strdup(self);
    s->directory = orr_strdup(here);
    char name[300];
    char when[32];
    time_t now = time(NULL);
    struct tm parts;
    (void)localtime_r(&now, &parts);
    (void)strftime(when, sizeof when, "%Y%m%d-%H%M%S", &parts);
    (void)snprintf(name, sizeof name, "runs/%.200s-%s", s->job->name, when);
    s->run_dir = orr_path_join(here, given ? given : name);
    if (!strpbrk(s->run_dir, "\n\r"))
        return true;
    (void)fprintf(stderr, "orrery submit: a run directory of Slurm jobs is one line\n");
    return false;
}

unsigned orri_mask_now(void)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return mask;
}

/* Disks of one machine alone cannot be told from shared ones, but memory can. */
static void warn_of_memory(const struct orri_submission *s)
{
    struct statfs info;
    char *at = orr_strdup(s->run_dir);
    while (statfs(at, &info) != 0 && strcmp(at, "/") != 0) {
        char *above = orr_path_directory(at);
        free(at);
        at = above;
    }
    if (statfs(at, &info) == 0 && info.f_type == TMPFS_MAGIC)
        (void)fprintf(stderr,
                      "orrery submit: warning: %s is in the memory of this machine "
                      "(tmpfs): other nodes do not see it\n",
                      s->run_dir);
    free(at);
}

static int submit_job(struct orri_submission *s)
{
    struct orr_text text = ORR_TEXT_INIT;
    int code = ORR_EXIT_INPUT;
    if (!find_places(s) || !read_site(s) || !add_options(s))
        return ORR_EXIT_INPUT;
    add_command(s);
    struct orr_slurm_script script = {
        .options = s->options,
        .n_options = s->n_options,
        .run_dir = s->run_dir,
        .array = orri_has(s->line, "array"),
        .directory = s->directory,
        .command = s->command,
        .n_command = s->n_command,
        .modules = s->site.modules,
        .n_modules = s->site.n_modules,
        .site = s->site_file,
        .setup = s->site.setup,
        .n_setup = s->site.n_setup,
        .requeues = (uint32_t)s->requeues,
        .umask = orri_mask_now(),
    };
    orr_slurm_script_put(&script, &text);
    if (orri_has(s->line, "print")) {
        (void)fputs(text.s, stdout);
        if (s->guests)
            orri_print_guests(s);
        code = ORR_EXIT_OK;
    } else {
        warn_of_memory(s);
        code = (script.array ? orri_submit_array : orri_submit_run)(s, &text);
    }
    orr_text_release(&text);
    return code;
}

static bool check_together(const struct orr_line *line)
{
    bool array = orri_has(line, "array");
    if (array && orri_has(line, "request"))
        (void)fputs("orrery submit: --array is all requests, --request one of them\n",
                    stderr);
    else if (array && orri_has(line, "opportunistic"))
        (void)fputs("orrery submit: opportunistic jobs are for one run, not for "
                    "--array\n",
                    stderr);
    else if (orri_has(line, "opportunistic-partition") &&
             !orri_has(line, "opportunistic"))
        (void)fputs("orrery submit: --opportunistic-partition goes with "
                    "--opportunistic\n",
                    stderr);
    else if (!array && orri_has(line, "array-limit"))
        (void)fputs("orrery submit: --array-limit goes with --array\n", stderr);
    else
        return true;
    return false;
}

static int submit_main(const struct orr_line *line)
{
    struct orri_submission s = { .line = line };
    struct orri_texts texts = { 0 };
    struct orr_setting *settings = NULL;
    struct orri_session session = { .job = line->args[0],
                                    .run_dir = orri_option(line, "run-dir"),
                                    .accept_changes =
                                        orri_has(line, "accept-changes") };
    int code = ORR_EXIT_INPUT;
    if (!orri_number(line, "requeues", 0, 100000, 20, &s.requeues) ||
        !orri_number(line, "warn", 10, 86400, 120, &s.warn) ||
        !orri_number(line, "array-limit", 1, 1000000, 0, &s.limit) ||
        !orri_number(line, "opportunistic", 1, 1000, 0, &s.guests) ||
        !check_together(line) || !orri_settings(line, &settings, &session.n_settings))
        return ORR_EXIT_INPUT;
    s.settings = session.settings = settings;
    s.n_settings = session.n_settings;
    session.resume =
        session.run_dir && !orri_has(line, "array") && orri_is_run(session.run_dir);
    struct orr_job *job = orri_compile_job(&session, &texts, true);
    s.job = job;
    const char *word = session.resume ? "warning" : "error"; /* as run does */
    if (job && (orri_inputs_readable(job, word) || session.resume))
        code = submit_job(&s);
    orr_job_free(job);
    orri_texts_release(&texts);
    orri_settings_free(settings, session.n_settings);
    orr_slurm_site_release(&s.site);
    orr_diags_release(&s.diags);
    orr_arena_release(&s.arena);
    free(s.run_dir);
    free(s.directory);
    free(s.self);
    free(s.options);
    free(s.command);
    return code;
}

static const struct orr_option submit_options[] = {
    { "run-dir", 'd', "DIR", "the run directory (default: runs/JOB-DATE-TIME)", false },
    { "set", 's', "INPUT=VALUE", "give an input, as for run. May be repeated", true },
    { "array", 0, NULL,
      "each request of the job is a run of its own, RUN/0, RUN/1, ..., in one array of "
      "Slurm",
      false },
    { "array-limit", 0, "N", "with --array: not more of them at a time", false },
    { "request", 0, "N",
      "only this one of the job's requests, counted from 0, or of its sweep's", false },
    { "print", 0, NULL,
      "print the batch script (two with --opportunistic); submit nothing", false },
    { "dry-run", 0, NULL, "ask sbatch when the job would start; submit nothing",
      false },
    { "site", 0, "NAME|FILE",
      "the site file: partitions, modules, node shape (default: "
      "~/.config/orrery/site.yaml, if it is there)",
      false },
    { "nodes", 'N', "N|auto",
      "nodes of the job; auto: as many as keep 90 % of their cores busy, by simulation",
      false },
    { "until", 0, "TIME", "as few nodes as end the run within that time, by simulation",
      false },
    { "core-hours", 0, "N", "as many nodes as use no more than that, by simulation",
      false },
    { "max-nodes", 0, "N", "for these: not more (default 64)", false },
    { "costs", 0, "RUN|FILE", "for these: times of an earlier run, as for simulate",
      false },
    { "ntasks-per-node", 0, "N", "cores of each node that are used", false },
    { "time", 't', "TIME", "time limit, as sbatch takes it", false },
    { "partition", 'p', "NAME", "partition", false },
    { "account", 'A', "NAME", "account", false },
    { "after", 0, "RUN",
      "start when that submitted run, or array of runs, has succeeded. May be repeated",
      true },
    { "opportunistic", 0, "N",
      "and N jobs of one node that join the run, when and as long as there is room: "
      "they may be preempted",
      false },
    { "opportunistic-partition", 0, "NAME", "of these (default: that of the run)",
      false },
    { "requeues", 0, "N", "how often the job may be started again (default 20)",
      false },
    { "warn", 0, "SECONDS",
      "be told of the end that long before; running attempts get most of it (default "
      "120)",
      false },
    { "launcher", 0, "NAME", "srun or mpirun (default: what the nodes have)", false },
    { "durability", 0, "WHERE", "as for run", false },
    { "local-dir", 0, "DIR", "as for run (default: the site's)", false },
    { "cores-per-rank", 0, "K", "as for run", false },
    { "max-failures", 0, "N", "as for run", false },
    { "cache", 0, "DIR", "as for run", false },
    { "bind", 0, "core|numa|none", "as for run", false },
    { "no-twins", 0, NULL, "as for run", false },
    { "gpus-per-node", 0, "N", "as for run", false },
    { "memory-per-node", 0, "SIZE", "as for run", false },
    { "accept-changes", 0, NULL, "as for run --resume", false },
    { "retry-failed", 0, NULL, "as for run --resume", false },
    { 0 },
};

const struct orr_command_entry orri_submit = {
    .name = "submit",
    .arguments = "JOB [-- SBATCH-OPTION...]",
    .summary = "give a run to Slurm: a batch job that starts, drains, resumes it",
    .details =
        "Options of sbatch come from the site file, then from the job's `slurm:` "
        "block, "
        "then from\nhere; what follows -- goes to sbatch as it is. Script, job ids and "
        "logs are in RUN/slurm.\nSubmitting a run again goes on with it; while it has "
        "a job, that is refused.",
    .options = submit_options,
    .least = 1,
    .most = 1000,
    .run = submit_main,
};
