/* refused.c - options that Slurm would not take, or did not: who gave them, what to do
 * Owns: nothing. */
#include "cli/batch.h"
#include "cli/submission.h"

#include <stdio.h>
#include <string.h>

static const struct orr_slurm_option *find(const struct orr_slurm_option *options,
                                           size_t n, const char *name)
{
    for (size_t i = n; i-- > 0;)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

/* ---- before ---- */

static const struct form {
    const char *name;
    const char *letters; /* it begins with a figure, and has no others */
    const char *words;   /* or is one of these */
    const char *is;
} forms[] = {
    { "nodes", "0123456789-,:kKmM", "", "a number of nodes, or a range such as 2-8" },
    { "ntasks-per-node", "0123456789", "", "a number" },
    { "ntasks", "0123456789", "", "a number" },
    { "cpus-per-task", "0123456789", "", "a number" },
    { "time", "0123456789-:", "INFINITE UNLIMITED",
      "minutes, or as 02:30:00 or 1-12:00:00 (one day and a half)" },
};

static bool is_good(const struct form *form, const char *value)
{
    size_t length = strlen(value);
    return (*value >= '0' && *value <= '9' && strspn(value, form->letters) == length) ||
           (length && strstr(form->words, value));
}

bool orri_check_options(const struct orri_submission *s)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct orr_slurm_option *option =
            find(s->options, s->n_options, forms[i].name);
        if (!option || is_good(&forms[i], option->value))
            continue;
        (void)fprintf(stderr, "orrery submit: %s=%s, from %s, should be %s\n",
                      option->name, option->value,
                      option->from ? option->from : "orrery submit", forms[i].is);
        return false;
    }
    return true;
}

/* ---- after ---- */

static const struct reason {
    const char *sign; /* in what sbatch prints */
    const char *option;
    const char *advice;
} reasons[] = {
    { "ccount", "account", "sacctmgr show associations user=$USER lists yours" },
    { "qos", "qos", "sacctmgr show qos lists them" },
    { "QOS", "qos", "sacctmgr show qos lists them" },
    { "artition", "partition", "sinfo -s lists the partitions" },
    { "time", "time", "sinfo -o '%P %l' shows the limits of the partitions" },
    { "processors", "ntasks-per-node",
      "sinfo -o '%P %D %c' shows what nodes there are" },
    { "ode co", "nodes", "sinfo -o '%P %D %c %m' shows what nodes there are" },
};

static void advise(const struct orri_sbatch_call *call, const struct reason *reason)
{
    const struct orr_slurm_option *option =
        find(call->options, call->n_options, reason->option);
    if (option)
        (void)fprintf(stderr, "orrery submit: %s=%s comes from %s; %s\n", option->name,
                      option->value, option->from ? option->from : "orrery submit",
                      reason->advice);
    else
        (void)fprintf(
            stderr,
            "orrery submit: nothing says %s: --%s, `slurm:` of the job or the "
            "site file can; %s\n",
            reason->option, reason->option, reason->advice);
}

static void tell_unsure(const struct orri_submission *s,
                        const struct orri_sbatch_call *call)
{
    (void)fprintf(stderr,
                  "orrery submit: error: Slurm did not answer in time, and may have "
                  "taken the %s nevertheless: ",
                  call->guests ? "opportunistic jobs" : "job");
    if (call->guests)
        (void)fprintf(stderr, "orrery cancel %s ends all\n", s->run_dir);
    else
        (void)fprintf(stderr,
                      "submit again with --run-dir %s, and a job that is there is "
                      "found\n",
                      s->run_dir);
}

int orri_tell_refused(struct orri_submission *s, const struct orri_sbatch_call *call,
                      int code, const char *messages)
{
    if (code == ORRI_NOT_STARTED) {
        (void)fputs("orrery submit: error: this machine has no sbatch: submit on a "
                    "login node of the cluster, or load its module\n",
                    stderr);
        return ORR_EXIT_MACHINE;
    }
    if (strstr(messages, "imed out")) {
        s->unsure = true;
        tell_unsure(s, call);
        return ORR_EXIT_MACHINE;
    }
    if (strstr(messages, "nable to contact")) {
        (void)fprintf(stderr,
                      "orrery submit: error: Slurm does not answer, %s submitted: try "
                      "again later (scontrol ping shows its state)\n",
                      call->guests ? "no opportunistic jobs were" : "nothing was");
        return ORR_EXIT_MACHINE;
    }
    (void)fprintf(stderr, "orrery submit: error: sbatch refused the %s (%d)\n",
                  call->guests ? "opportunistic jobs; the run has its own" : "job",
                  code);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strstr(messages, reasons[i].sign)) {
            advise(call, &reasons[i]);
            break;
        }
    return ORR_EXIT_INPUT;
}
