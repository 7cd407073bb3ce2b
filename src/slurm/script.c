/* script.c - a batch script as text; owns nothing */
#include "slurm/slurm.h"

#include <inttypes.h>
#include <string.h>

void orr_slurm_quote(const char *word, struct orr_text *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_-+=./,:@%";
    if (*word && strspn(word, plain) == strlen(word)) {
        orr_text_puts(out, word);
        return;
    }
    orr_text_puts(out, "'");
    for (; *word; word++) {
        if (*word == '\'')
            orr_text_puts(out, "'\\''");
        else
            orr_text_append(out, word, 1);
    }
    orr_text_puts(out, "'");
}

/* ---- options ---- */

/* sbatch splits its lines at blanks, and takes away quotes and backslashes. */
static void put_value(const char *value, struct orr_text *out)
{
    if (!strpbrk(value, " \t\"'\\#")) {
        orr_text_puts(out, value);
        return;
    }
    orr_text_puts(out, "\"");
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            orr_text_puts(out, "\\");
        orr_text_append(out, value, 1);
    }
    orr_text_puts(out, "\"");
}

static bool said_later(const struct orr_slurm_script *script, size_t i)
{
    for (size_t k = i + 1; k < script->n_options; k++)
        if (strcmp(script->options[k].name, script->options[i].name) == 0)
            return true;
    return false;
}

static void put_options(const struct orr_slurm_script *script, struct orr_text *out)
{
    for (size_t i = 0; i < script->n_options; i++) {
        const struct orr_slurm_option *o = &script->options[i];
        if (said_later(script, i) || strcmp(o->value, "false") == 0)
            continue;
        orr_text_printf(out, "#SBATCH --%s", o->name);
        if (*o->value && strcmp(o->value, "true") != 0) {
            orr_text_puts(out, "=");
            put_value(o->value, out);
        }
        orr_text_puts(out, "\n");
    }
}

/* ---- the rest ---- */

static void put_variable(const char *name, const char *value, struct orr_text *out)
{
    orr_text_printf(out, "%s=", name);
    orr_slurm_quote(value, out);
    orr_text_puts(out, "\n");
}

/* Shells of batch jobs often have no `module` yet. */
static const char load[] =
    "\n"
    "load() {\n"
    "    for init in \"${MODULESHOME:-/usr/share/modules}/init/bash\" "
    "/etc/profile.d/modules.sh \\\n"
    "        /etc/profile.d/lmod.sh /usr/share/lmod/lmod/init/bash; do\n"
    "        # shellcheck disable=SC1090\n"
    "        type module >/dev/null 2>&1 || [ ! -r \"$init\" ] || . \"$init\"\n"
    "    done\n"
    "    type module >/dev/null 2>&1 || {\n"
    "        fault \"cannot load module $1, which $site asks for: $(uname -n) has no "
    "command 'module'\"\n"
    "        return 1\n"
    "    }\n"
    "    module load \"$1\" || {\n"
    "        fault \"cannot load module $1, which $site asks for (on $(uname -n))\"\n"
    "        return 1\n"
    "    }\n"
    "}\n"
    "set +u # module files are not as strict\n";

static void put_modules(const struct orr_slurm_script *script, struct orr_text *out)
{
    if (!script->n_modules)
        return;
    orr_text_puts(out, "\n");
    put_variable("site", script->site ? script->site : "the site file", out);
    orr_text_puts(out, load + 1);
    for (size_t i = 0; i < script->n_modules; i++) {
        orr_text_puts(out, "load ");
        orr_slurm_quote(script->modules[i], out);
        orr_text_puts(out, " || exit 3\n");
    }
    orr_text_puts(out, "set -u\n");
}

/* By the id of its own: SLURM_JOB_ID of one element is that of the whole array. */
#define ELEMENT_ID "job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"

/* A log for each element: what sbatch was told cannot add to the index. */
static const char element[] =
    "index=$((SLURM_ARRAY_TASK_ID + ${1:-0})) # Slurm's indices end early "
    "(MaxArraySize)\n"
    "run=$run/$index\n" ELEMENT_ID
    "mkdir -p \"$run/slurm\" && exec >>\"$run/slurm/log-$job.txt\" 2>&1 || exit 3\n";

static const char before[] =
    "\n"
    "# Over for good? Then there is nothing to do, however often the job is started.\n"
    "if [ -s \"$run/slurm/DONE\" ]; then\n"
    "    exit \"$(cat \"$run/slurm/DONE\")\"\n"
    "fi\n"
    "restarts=${SLURM_RESTART_COUNT:-0}\n"
    "note() {\n"
    "    printf '%s job %s start %s: %s\\n' \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\" "
    "\"$job\" \\\n"
    "        \"$((restarts + 1))\" \"$*\" >>\"$run/slurm/attempts\"\n"
    "}\n"
    "fault() {\n"
    "    note \"$*\"\n"
    "    printf 'orrery: error: %s\\n' \"$*\" >&2\n"
    "}\n"
    "if [ \"$restarts\" -lt \"$requeues\" ]; then # for those who are left without "
    "this\n"
    "    export ORRERY_BATCH_HOST=\"${SLURMD_NODENAME:-}\"\n"
    "fi\n"
    "cd \"$directory\" || {\n"
    "    fault \"$(uname -n) cannot enter $directory, where the job was submitted\"\n"
    "    exit 3\n"
    "}\n";

static const char traps[] =
    "pid=$!\nended=''\n"
    "# The end of the time, or of a preempted turn, comes near: finish what can be "
    "finished.\n"
    "trap 'trapped=1; note \"told that the end is near\"; kill -USR1 \"$pid\" "
    "2>/dev/null' USR1\n"
    "# Cancelled, or Slurm takes the nodes now: end what runs, keep what is done.\n"
    "trap 'trapped=1; ended=1; note \"told to end\"; kill -USR2 \"$pid\" 2>/dev/null' "
    "TERM\n";

/* It may be killed as well: what it was at is made elsewhere. */
static const char traps_of_guest[] =
    "pid=$!\ntold=''\nended=''\n"
    "# Preempted, or out of time: leave, in good order if there is time, and come "
    "again.\n"
    "trap 'trapped=1; told=1; kill -TERM \"$pid\" 2>/dev/null' USR1\n"
    "# Cancelled, or Slurm takes the node now, and asks for another turn itself.\n"
    "trap 'trapped=1; ended=1; kill -TERM \"$pid\" 2>/dev/null' TERM\n";

/* When the program ends while a trap runs, the next wait says how: bash knows. But when
 * it ends as the signal comes, bash drops what it was told, and says -1 (5.2). */
static const char waits[] =
    "trapped=1\ncode=255\n"
    "while [ -n \"$trapped\" ] && [ \"$code\" -gt 128 ]; do # a trap ends wait, not "
    "the program\n"
    "    trapped=''\n"
    "    wait \"$pid\"\n"
    "    code=$?\n"
    "done\n";

static const char after[] =
    "note \"exit code $code\"\n"
    "again() {\n"
    "    if [ -n \"${SLURM_JOB_ID:-}\" ] && [ \"$restarts\" -lt \"$requeues\" ]; then\n"
    "        note \"asks for another turn\"\n"
    "        trap - TERM # not to wait for KILL\n"
    "        scontrol requeue \"$job\" && sleep 300\n"
    "    else\n"
    "        note \"no more turns (--requeues)\"\n"
    "    fi\n"
    "}\n"
    "failed=$run/slurm/failed\n"
    "[ \"$code\" = 3 ] || rm -f \"$failed\"\n"
    "case $code in\n"
    "0 | 1) # all is done, or what failed would fail again\n"
    "    echo \"$code\" >\"$run/slurm/DONE.tmp\" && mv \"$run/slurm/DONE.tmp\" "
    "\"$run/slurm/DONE\"\n"
    "    ;;\n"
    "75 | -1) # drained, or bash does not know: there is more to do, but not when "
    "somebody\n"
    "    # cancelled the job\n"
    "    if [ -z \"$ended\" ]; then again; fi\n"
    "    ;;\n"
    "3) # the machine or the store: twice that may have been chance\n"
    "    echo x >>\"$failed\" || ended=1 # a full disk cannot count\n"
    "    if [ -z \"$ended\" ] && [ \"$(wc -l <\"$failed\")\" -lt 3 ]; then again; fi\n"
    "    ;;\n"
    "esac\n"
    "exit \"$code\"\n";

static const char after_guest[] =
    "if [ -n \"$told\" ] && [ -z \"$ended\" ] && [ ! -s \"$run/slurm/DONE\" ] &&\n"
    "    [ \"$restarts\" -lt \"$requeues\" ]; then\n"
    "    trap - TERM # not to wait for KILL\n"
    "    scontrol requeue \"$job\" && sleep 300\n"
    "fi\n"
    "exit \"$code\"\n";

void orr_slurm_script_put(const struct orr_slurm_script *script, struct orr_text *out)
{
    orr_text_puts(
        out, script->guest
                 ? "#!/bin/bash\n# made by orrery submit: joins a run\n"
                 : "#!/bin/bash\n# made by orrery submit: starts or resumes a run\n");
    put_options(script, out);
    orr_text_printf(out, "\nset -u\numask %03o\n", script->umask & 0777);
    put_variable("run", script->run_dir, out);
    put_variable("directory", script->directory, out);
    orr_text_printf(out, "requeues=%" PRIu32 "\n", script->requeues);
    orr_text_puts(out, script->array   ? element
                       : script->guest ? ELEMENT_ID
                                       : "job=${SLURM_JOB_ID:-none}\n");
    orr_text_puts(out, before);
    put_modules(script, out);
    for (size_t i = 0; i < script->n_setup; i++)
        orr_text_printf(out, "%s%s\n", i ? "" : "\n", script->setup[i]);
    orr_text_puts(out, script->guest
                           ? "\n"
                           : "\nnote \"on ${SLURM_JOB_NODELIST:-this machine}\"\n");
    for (size_t i = 0; i < script->n_command; i++) {
        orr_text_puts(out, i ? " " : "");
        orr_slurm_quote(script->command[i], out);
    }
    orr_text_puts(out, script->array ? " --run-dir \"$run\" --request \"$index\"" : "");
    orr_text_puts(out, " &\n");
    orr_text_puts(out, script->guest ? traps_of_guest : traps);
    orr_text_puts(out, waits);
    orr_text_puts(out, script->guest ? after_guest : after);
}
