/* import.c - what each reader makes of a text, and what it says of a wrong one */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200, ROUNDS = 4000 };

/* A submit file that nodes may name. */
struct file {
    const char *path;
    const char *text;
};
static const struct file files[] = {
    { "/d/a.sub", "executable = work\narguments = \"x 'y z' $(JOB)\"\n"
                  "request_cpus=2\nRequest_Memory = 1.5G\nqueue\n" },
    { "/d/env.sub", "executable = /bin/env\nenvironment = \"A='p q' B=it''s\"\n"
                    "output = o.$(Process)\nerror = e$(Cluster)\ninput = i\n" },
    { "/d/old.sub", "executable=bin/x\narguments = a \\\"b\\\" $(v:dflt)\n"
                    "environment = A=1;B=2 3\ninitialdir = s p\n" },
    { "/d/more.sub", "exec\\\nutable = t\narguments = \\\n  -a \\\n  -b\n" },
    { "/d/self.sub", "executable = $(a)\na = x$(b)\nb = $(a)\n" },
    { "/d/bad.sub", "executable = x\nqueue 3\nfoo\nif true\narguments = \"a\n"
                    "environment = 1=2\nrequest_cpus = 0\nrequest_memory = x\n"
                    "universe = docker\ninput = $ENV(H)\noutput = $(nope)\n" },
    { "/d/none.sub", "arguments = 1\n" },
    { "/d/sub/a.sub", "executable = /bin/pwd\n" },
};

static orr_status read_file(void *context, const char *path, struct orr_text *out,
                            struct orr_error *err)
{
    (void)context;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].path, path) == 0) {
            orr_text_puts(out, files[i].text);
            return ORR_OK;
        }
    return orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN, "cannot open %s", path);
}

struct input {
    const char *name;
    orr_import_reader *read;
    const char *text;
    bool commands;
    const char *expected; /* findings, or the lines of the job behind 'tasks:' */
};

/* ---- what is good ---- */

#define TRACE(tasks, files, ran)                                                       \
    "{\"schemaVersion\": \"1.5\", \"workflow\": {\"specification\": {\"tasks\": "      \
    "[" tasks "], \"files\": [" files "]}, \"execution\": {\"tasks\": [" ran "]}}}"

static const struct input good[] = {
    { "commands", orr_import_list, "# c\n\n  echo 'a'  \r\nb \"$X\" {y}\n", true,
      "    - {n: 1, id: \"line 3\", kind: \"command\", command: \"echo 'a'\"}\n"
      "    - {n: 2, id: \"line 4\", kind: \"command\", command: \"b \\\"$X\\\" "
      "{y}\"}\n" },
    { "any character", orr_import_list,
      "\xEF\xBB\xBF"
      "a\tb \x01 \x7F \xC2\x85 \xE2\x80\xA8 \xEF\xBB\xBF \xC3\xA4 "
      "\xF0\x9F\x8E\xAC \\n",
      true,
      "    - {n: 1, id: \"line 1\", kind: \"command\", command: \"a\\x09b \\x01 "
      "\\u007F "
      "\\u0085 \\u2028 \\uFEFF \xC3\xA4 \xF0\x9F\x8E\xAC \\\\n\"}\n" },
    { "disbatch", orr_import_list,
      "#DISBATCH PREFIX ( cd x; \n#DISBATCH SUFFIX  )\na\n#DISBATCH REPEAT 2 start 7 "
      "step "
      "3 b $I\n#DISBATCH PREFIX \n#DISBATCH SUFFIX \n#disbatch x\nc\n",
      true,
      "    - {n: 1, id: \"line 3\", kind: \"command\", index: 0, command: \"( cd x; a "
      ")\"}\n"
      "    - {n: 2, id: \"line 4 #1\", kind: \"command\", index: 7, command: \"( cd x; "
      "b "
      "$I )\"}\n"
      "    - {n: 3, id: \"line 4 #2\", kind: \"command\", index: 10, command: \"( cd "
      "x; b "
      "$I )\"}\n"
      "    - {n: 4, id: \"line 8\", kind: \"command\", index: 0, command: \"c\"}\n" },
    { "barriers", orr_import_list,
      "a\nb\n#DISBATCH BARRIER\nc\n#DISBATCH BARRIER CHECK key\nd\n", true,
      "    - {n: 1, id: \"line 1\", kind: \"command\", parents: 0, children: [3], "
      "index: "
      "0, command: \"a\"}\n"
      "    - {n: 2, id: \"line 2\", kind: \"command\", parents: 0, children: [3], "
      "index: "
      "0, command: \"b\"}\n"
      "    - {n: 3, id: \"line 3\", kind: \"barrier\", parents: 2, children: [4, 5], "
      "index: "
      "0, command: \"\"}\n"
      "    - {n: 4, id: \"line 4\", kind: \"command\", parents: 1, children: [5], "
      "index: "
      "0, command: \"c\"}\n"
      "    - {n: 5, id: \"line 5\", kind: \"barrier_check\", parents: 2, children: "
      "[6], "
      "index: 0, command: \"\"}\n"
      "    - {n: 6, id: \"line 6\", kind: \"command\", parents: 1, children: [], "
      "index: 0, "
      "command: \"d\"}\n" },
    { "pmc", orr_import_pmc,
      "#@ 1 a b\nEDGE A B\nTASK A -m 1.5 --request-cpus 2 -p -3 /x/prog 'a b' \"c\" "
      "d\\ e "
      "$H\nTASK B -t 3 prog it\\'s\nEDGE A B\n",
      true,
      "    - {n: 1, id: \"A\", kind: \"prog\", parents: 0, children: [2], priority: "
      "-3, "
      "memory: 2097152B, command: \"exec /x/prog 'a b' c 'd e' '$H'\"}\n"
      "    - {n: 2, id: \"B\", kind: \"prog_2\", parents: 1, children: [], priority: "
      "0, "
      "command: \"exec prog 'it'\\\\''s'\"}\n" },
    { "dagman", orr_import_dagman,
      "# x\nPARENT A CHILD B C\njob A a.sub\nJOB B env.sub NOOP\nJOB C sub DIR x DONE\n"
      "PARENT B C CHILD D\nJOB D a.sub\nDOT f.dot\nretry D 3\n",
      true,
      "    - {n: 1, id: \"A\", kind: \"work\", parents: 0, children: [2, 3], memory: "
      "1610612736B, command: \"exec ./work x 'y z' A\"}\n"
      "    - {n: 2, id: \"B\", kind: \"done\", parents: 1, children: [4], command: "
      "\"\"}\n"
      "    - {n: 3, id: \"C\", kind: \"done\", parents: 1, children: [4], command: "
      "\"\"}\n"
      "    - {n: 4, id: \"D\", kind: \"work_2\", parents: 2, children: [], memory: "
      "1610612736B, command: \"exec ./work x 'y z' D\"}\n" },
    { "submit files", orr_import_dagman,
      "JOB E env.sub\nJOB O old.sub\nJOB P old.sub\nVARS P v=\"q\\\\w\" u = \"\"\n"
      "JOB M more.sub\nJOB S a.sub DIR sub\nVARS ALL_NODES JOB=\"!\"\n"
      "PRIORITY S 4\n",
      true,
      "    - {n: 1, id: \"E\", kind: \"env\", priority: 0, command: \"export A='p q' "
      "B=its; exec /bin/env < i > o.0 2> e1\"}\n"
      "    - {n: 2, id: \"O\", kind: \"x\", priority: 0, command: \"cd 's p' && export "
      "A=1 B='2 3'; exec \\\"$OLDPWD\\\"/bin/x a '\\\"b\\\"' dflt\"}\n"
      "    - {n: 3, id: \"P\", kind: \"x\", priority: 0, command: \"cd 's p' && export "
      "A=1 B='2 3'; exec \\\"$OLDPWD\\\"/bin/x a '\\\"b\\\"' 'q\\\\w'\"}\n"
      "    - {n: 4, id: \"M\", kind: \"t\", priority: 0, command: \"exec ./t -a -b\"}\n"
      "    - {n: 5, id: \"S\", kind: \"pwd\", priority: 4, command: \"cd sub && exec "
      "/bin/pwd\"}\n" },
    { "trace", orr_import_wfcommons,
      TRACE(
          "{\"name\": \"split_ID01\", \"id\": \"s\", \"parents\": [], \"children\": "
          "[\"m\"], \"inputFiles\": [\"f\", \"g\"], \"outputFiles\": [\"g\"]}, "
          "{\"name\": \"Q:M.X (a b)\", \"id\": \"m\", \"parents\": [\"s\"], "
          "\"children\": []}",
          "{\"id\": \"f\", \"sizeInBytes\": 5}, {\"id\": \"g\", \"sizeInBytes\": 7}",
          "{\"id\": \"m\", \"runtimeInSeconds\": 2, \"coreCount\": 4}, {\"id\": \"s\", "
          "\"runtimeInSeconds\": 0.25, \"memoryInBytes\": 9}"),
      false,
      "    - {n: 1, id: \"s\", kind: \"split\", parents: 0, children: [2], seconds: "
      "0.25, "
      "memory: 9B, reads: 12B, writes: 7B}\n"
      "    - {n: 2, id: \"m\", kind: \"Q_M.X\", parents: 1, children: [], seconds: "
      "2}\n" },
    { "commands of a trace", orr_import_wfcommons,
      TRACE(
          "{\"name\": \"a\", \"id\": \"a\"}", "",
          "{\"id\": \"a\", \"runtimeInSeconds\": 1, \"command\": {\"program\": \"x\", "
          "\"arguments\": [\"-y z\", \"2>\", \"e\"]}}"),
      true,
      "    - {n: 1, id: \"a\", kind: \"a\", seconds: 1, command: \"x -y z 2> e\"}\n" },
    { "old trace", orr_import_wfcommons,
      "{\"schemaVersion\": \"1.3\", \"workflow\": {\"tasks\": [{\"name\": \"a\", "
      "\"id\": "
      "\"1\", \"runtime\": 3, \"memory\": 2, \"category\": \"cat\", \"files\": "
      "[{\"link\": "
      "\"input\", \"size\": 4}, {\"link\": \"output\", \"size\": 5}]}, {\"name\": "
      "\"b_7\", "
      "\"runtime\": 1, \"parents\": [\"a\"], \"cores\": 2}, {\"name\": \"c\", "
      "\"runtime\": "
      "1, \"parents\": [\"1\"]}]}}",
      false,
      "    - {n: 1, id: \"a\", kind: \"cat\", parents: 0, children: [2, 3], seconds: "
      "3, "
      "memory: 2000B, reads: 4B, writes: 5B}\n"
      "    - {n: 2, id: \"b_7\", kind: \"b\", parents: 1, children: [], seconds: 1}\n"
      "    - {n: 3, id: \"c\", kind: \"c\", parents: 1, children: [], seconds: 1}\n" },
};

/* ---- what is wrong ---- */

static const struct input wrong[] = {
    { "no command", orr_import_list, "# x\n\n", true,
      "F: error: the file names no task to run\n" },
    { "bytes", orr_import_list,
      "a\nb\xFF"
      "c\n\xC3\xA4\xC3\n",
      true,
      "F:2:2: error: the line is not UTF-8 text: byte 0xff\n"
      "F:3:2: error: the line is not UTF-8 text: byte 0xc3\n" },
    { "directives", orr_import_list,
      "#DISBATCH PREFX a\n#DISBATCH\n#DISBATCH REPEAT\n#DISBATCH REPEAT 2 step x\n"
      "#DISBATCH PERENGINE START x\n#DISBATCH REPEAT 2000000 x\n",
      true,
      "F:1:11: error: #DISBATCH has no 'PREFX'; did you mean 'PREFIX'?\n"
      "F:2:10: error: #DISBATCH wants PREFIX, SUFFIX, REPEAT or BARRIER\n"
      "F:3:17: error: REPEAT wants a number up to 200000, then perhaps 'start N', "
      "'step "
      "N', and a command\n"
      "F:4:25: error: 'step' wants a number\n"
      "F:5:11: error: #DISBATCH PERENGINE is not supported: no task can be bound to a "
      "node; put it in front of the commands with PREFIX\n"
      "F:6:18: error: REPEAT wants a number up to 200000, then perhaps 'start N', "
      "'step "
      "N', and a command\n" },
    { "pmc records", orr_import_pmc,
      "TSK A x\nTASK\nTASK A\nTASK B -m\nTASK C -f A=b x\nTASK D -z x\nTASK E 'x\n"
      "TASK F x\nTASK F y\nEDGE F\nEDGE F G\nEDGE F F F\nTASK word_1 x\nEDGE F "
      "wrod_1\n",
      true,
      "F:1:1: error: a line is TASK, EDGE or a comment, not 'TSK'; did you mean "
      "'TASK'?\n"
      "F:2:5: error: TASK wants an id, options and a program\n"
      "F:3:7: error: the task has no program\n"
      "F:4:8: error: -m wants a number that makes sense\n"
      "F:5:8: error: -f is not supported: output is not forwarded; let the program "
      "write "
      "its file\n"
      "F:6:8: error: a task has no option -z: there are -m, -c, -t and -p\n"
      "F:7:8: error: the quote has no end\n"
      "F:9:6: error: 'F' is there already, in line 8\n"
      "F:10:7: error: EDGE wants the ids of two tasks\n"
      "F:11:8: error: there is no task 'G'\n"
      "F:12:10: error: EDGE wants the ids of two tasks\n"
      "F:14:8: error: there is no task 'wrod_1'; did you mean 'word_1'?\n" },
    { "circle", orr_import_pmc,
      "TASK a x\nTASK b x\nTASK c x\nTASK d x\nEDGE a b\nEDGE c b\nEDGE b d\nEDGE d "
      "c\n",
      true, "F:2:6: error: these tasks wait for each other: b -> d -> c -> b\n" },
    { "itself", orr_import_pmc, "TASK a x\nEDGE a a\n", true,
      "F:1:6: error: these tasks wait for each other: a -> a\n" },
    { "dagman records", orr_import_dagman,
      "JBO A a.sub\nJOB B\nJOB A a.sub DR x\nJOB C { x\nJOB D gone.sub\nJOB E a.sub\n"
      "PARENT E CHILD F\nPARENT E CHILD\nRETRY E x\nRETRY E 1 UNLESS-EXIT 2\nVARS E "
      "x=1\n"
      "VARS E x=\"1\nSCRIPT PRE E x\nMAXJOBS c 2\nPRIORITY E\n",
      true,
      "F:1:1: error: DAGMan has no 'JBO'; did you mean 'JOB'?\n"
      "F:2:6: error: JOB wants a name and a submit file\n"
      "F:3:13: error: a JOB has no option 'DR'; did you mean 'DIR'?\n"
      "F:4:7: error: submit descriptions inside of the DAG are not supported: write it "
      "into a file\n"
      "F:5:7: error: cannot open /d/gone.sub\n"
      "F:7:16: error: there is no task 'F'\n"
      "F:8:15: error: PARENT wants nodes, then CHILD and nodes\n"
      "F:9:9: error: RETRY wants a node and a number\n"
      "F:10:11: error: UNLESS-EXIT is not supported: an error handler of the workflow "
      "can "
      "do it\n"
      "F:11:8: error: MACRO=\"VALUE\" is expected\n"
      "F:12:8: error: the quote has no end\n"
      "F:13:1: error: SCRIPT is not supported: put what it does into the executable, "
      "or "
      "make it a node\n"
      "F:14:1: error: MAXJOBS is not supported: give the function a pool with 'max' in "
      "the workflow\n"
      "F:15:11: error: PRIORITY wants a node and a number\n" },
    { "submit files", orr_import_dagman,
      "JOB A bad.sub\nJOB B bad.sub\nJOB C self.sub\nJOB D none.sub\n", true,
      "/d/bad.sub:2:1: error: a node is one job: 'queue' with a number or a list is "
      "not "
      "supported\n"
      "/d/bad.sub:3:1: error: a line is NAME = VALUE, 'queue' or a comment\n"
      "/d/bad.sub:4:1: error: if, include and use are not supported in submit "
      "descriptions: write what they come to\n"
      "/d/bad.sub:5:1: error: arguments: \" in the old form is written \\\"\n"
      "/d/bad.sub:6:1: error: environment: variables are NAME=VALUE, with blanks "
      "between "
      "and in double quotes, or with ; between\n"
      "/d/bad.sub:7:1: error: request_cpus: a number of cores is expected\n"
      "/d/bad.sub:8:1: error: request_memory: a number of MB is expected, or one with "
      "K, "
      "M, G or T\n"
      "/d/bad.sub:9:1: error: universe: only vanilla, local and scheduler are "
      "supported\n"
      "/d/bad.sub:10:1: error: $ENV(...) is not supported: write the value itself\n"
      "/d/bad.sub:11:1: error: macro 'nope' is not defined, for one node at least\n"
      "/d/self.sub:3:1: error: the macro holds itself\n"
      "F:4:5: error: node 'D': /d/none.sub names no executable\n" },
    { "no JSON", orr_import_wfcommons, "{\n\"a\": }", false,
      "F:2:6: error: not JSON: unexpected token near '}'\n" },
    { "no version", orr_import_wfcommons, "{}", false,
      "F: error: no WfFormat file: there is no 'schemaVersion'\n" },
    { "version", orr_import_wfcommons, "{\n \"schemaVersion\": \"1.7\"}", false,
      "F:2:19: error: WfFormat 1.7 is not known: 1.0 to 1.6 are\n" },
    { "no tasks", orr_import_wfcommons, "{\"schemaVersion\": \"1.5\", \"workflow\": 1}",
      false, "F: error: 'workflow.specification.tasks' is no list of tasks\n" },
    { "no execution", orr_import_wfcommons,
      "{\"schemaVersion\": \"1.6\", \"workflow\": {\"specification\": {\"tasks\": "
      "[{\"id\": \"a\"}]}}}",
      false,
      "F: error: there is no 'workflow.execution.tasks': times and commands are not "
      "recorded\n" },
    { "tasks", orr_import_wfcommons,
      TRACE("{\"name\": \"a\"}, 3, {\"id\": \"b\"}, {\"id\": \"b\"}", "", ""), false,
      "F: error: task 1 of the list has no 'id'\n"
      "F: error: task 2 of the list has no 'id'\n"
      "F:1:92: error: 'b' is there already\n" },
    { "execution", orr_import_wfcommons,
      TRACE(
          "{\"id\": \"a\", \"parents\": [\"x\"]}, {\"id\": \"b\"}, {\"id\": \"c\", "
          "\"children\": [1]}",
          "",
          "{\"id\": \"a\", \"runtimeInSeconds\": -1}, {\"id\": \"c\"}, {\"id\": \"c\", "
          "\"runtimeInSeconds\": 1}, {\"id\": \"y\"}"),
      false,
      "F:1:74: error: task 'a': 'runtimeInSeconds' must be a number, 0 or more\n"
      "F:1:74: error: there is no task 'x'\n"
      "F:1:105: error: task 'b': 'execution' says nothing of it\n"
      "F:1:118: error: task 'c': 'children' must be a list of texts\n"
      "F:1:118: error: task 'c': it is there twice in 'execution'\n"
      "F:1:118: error: task 'c': its time is not recorded: there is no "
      "'runtimeInSeconds'\n"
      "F:1:273: error: task 'y': it ran, but 'specification' does not name it\n" },
};

/* ---- running them ---- */

static bool take(const struct input *input, const struct orr_text *text,
                 struct orr_text *job, struct orr_text *workflow, struct orr_text *said)
{
    struct orr_import import = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_import_options options = { .directory = "/d",
                                          .shell = "bash",
                                          .commands = input->commands,
                                          .time_scale = 1,
                                          .file = read_file };
    bool fine = input->read("F", text, &options, &import, &diags);
    assert_int_equal(fine, diags.errors == 0);
    if (fine) {
        orr_import_workflow(&import, &options, "w", "F", workflow);
        orr_import_job(&import, &options, "w", "F", job);
    }
    orr_diags_render(&diags, NULL, NULL, said);
    orr_diags_release(&diags);
    orr_import_release(&import);
    return fine;
}

static void one(void **state)
{
    const struct input *input = *state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text job = ORR_TEXT_INIT;
    struct orr_text workflow = ORR_TEXT_INIT;
    struct orr_text said = ORR_TEXT_INIT;
    orr_text_puts(&text, input->text);
    bool fine = take(input, &text, &job, &workflow, &said);
    orr_text_puts(&said, "");
    if (fine) {
        const char *tasks = strstr(job.s, "  tasks:\n");
        assert_non_null(tasks);
        assert_string_equal(tasks + strlen("  tasks:\n"), input->expected);
    } else {
        assert_string_equal(said.s, input->expected);
    }
    orr_text_release(&text);
    orr_text_release(&job);
    orr_text_release(&workflow);
    orr_text_release(&said);
}

/* The cores and retries of what is told apart. */
static void kinds(void **state)
{
    (void)state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_text job = ORR_TEXT_INIT;
    struct orr_text workflow = ORR_TEXT_INIT;
    struct orr_text said = ORR_TEXT_INIT;
    struct input input = { .read = orr_import_dagman, .commands = true };
    orr_text_puts(&text, "JOB A a.sub\nJOB B a.sub\nRETRY B 3\nPARENT A CHILD B\n");
    assert_true(take(&input, &text, &job, &workflow, &said));
    assert_non_null(strstr(workflow.s, "  work:\n"));
    assert_non_null(strstr(workflow.s, "    cores: 2\n  work_2:\n"));
    assert_non_null(strstr(workflow.s, "    cores: 2\n    retries: 3\n  judge:\n"));
    orr_text_release(&text);
    orr_text_release(&job);
    orr_text_release(&workflow);
    orr_text_release(&said);
}

/* 50 parents and 50 children are 100 edges and a node between, not 2500. */
static void many_to_many(void **state)
{
    (void)state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_import import = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_import_options options = {
        .directory = "/d", .shell = "sh", .commands = true, .file = read_file
    };
    for (int i = 0; i < 100; i++)
        orr_text_printf(&text, "JOB N%d a.sub\n", i);
    orr_text_puts(&text, "PARENT");
    for (int i = 0; i < 100; i++)
        orr_text_printf(&text, "%s N%d", i == 50 ? " CHILD" : "", i);
    assert_true(orr_import_dagman("F", &text, &options, &import, &diags));
    assert_int_equal(import.n_edges, 100);
    assert_int_equal(import.n_tasks, 101);
    assert_int_equal(orr_import_calls(&import), 100);
    assert_int_equal(import.tasks[99].parents, 1);
    orr_import_release(&import);
    orr_diags_release(&diags);
    orr_text_release(&text);
}

/* A function for each of ten thousand programs would be no help to anybody. */
static void many_kinds(void **state)
{
    (void)state;
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_import import = { 0 };
    struct orr_diags diags = { 0 };
    struct orr_import_options options = { .directory = "/d",
                                          .shell = "sh",
                                          .commands = true };
    for (int i = 0; i < 1000; i++)
        orr_text_printf(&text, "TASK t%d /bin/p%d\n", i, i);
    assert_true(orr_import_pmc("F", &text, &options, &import, &diags));
    assert_int_equal(import.n_kinds, 301);
    assert_string_equal(import.kinds[300].name, "other");
    assert_int_equal(import.kinds[300].n_tasks, 700);
    orr_import_release(&import);
    orr_diags_release(&diags);
    orr_text_release(&text);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* Bytes of the cases above, cut, mixed and damaged: no reader may read past its text
 * (run it under ASan), and none says less than one word of what is wrong. */
static void damaged_texts(void **state)
{
    (void)state;
    size_t n_good = sizeof good / sizeof *good;
    size_t n_all = n_good + sizeof wrong / sizeof *wrong;
    uint32_t seed = 7;
    for (int round = 0; round < ROUNDS; round++) {
        size_t at = next_random(&seed) % n_all;
        struct input input = at < n_good ? good[at] : wrong[at - n_good];
        struct orr_text text = ORR_TEXT_INIT;
        struct orr_text job = ORR_TEXT_INIT;
        struct orr_text workflow = ORR_TEXT_INIT;
        struct orr_text said = ORR_TEXT_INIT;
        size_t length = strlen(input.text);
        size_t cut = next_random(&seed) % (length + 1);
        orr_text_append(&text, input.text, cut);
        for (uint32_t more = next_random(&seed) % 3; more; more--) {
            size_t from = next_random(&seed) % (length + 1);
            orr_text_append(&text, input.text + from,
                            next_random(&seed) % (length - from + 1));
        }
        for (uint32_t hits = next_random(&seed) % 4; hits && text.length; hits--)
            text.s[next_random(&seed) % text.length] = (char)next_random(&seed);
        /* exact: what is read behind the end is seen */
        struct orr_text exact = { orr_alloc(text.length + 1, 1), text.length, 0 };
        memcpy(exact.s, text.s ? text.s : "", text.length);
        if (!take(&input, &exact, &job, &workflow, &said))
            assert_true(said.length > 10);
        free(exact.s);
        orr_text_release(&text);
        orr_text_release(&job);
        orr_text_release(&workflow);
        orr_text_release(&said);
    }
}

static void which_dag(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        orr_import_reader *read;
    } cases[] = { { "# x\n\n  TASK a b\nJOB a b\n", orr_import_pmc },
                  { "# TASK\nJBO a b\nparent a child b\n", orr_import_dagman },
                  { "{\"JOB\": 1}\n", NULL },
                  { "", NULL } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct orr_text text = ORR_TEXT_INIT;
        orr_text_puts(&text, cases[i].text);
        assert_ptr_equal(orr_import_dag_reader(&text), cases[i].read);
        orr_text_release(&text);
    }
}

int main(void)
{
    struct CMUnitTest tests[MOST];
    size_t n = 0;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        tests[n++] = (struct CMUnitTest) { .name = good[i].name,
                                           .test_func = one,
                                           .initial_state = (void *)&good[i] };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        tests[n++] = (struct CMUnitTest) { .name = wrong[i].name,
                                           .test_func = one,
                                           .initial_state = (void *)&wrong[i] };
    const struct CMUnitTest others[] = { cmocka_unit_test(kinds),
                                         cmocka_unit_test(many_to_many),
                                         cmocka_unit_test(many_kinds),
                                         cmocka_unit_test(damaged_texts),
                                         cmocka_unit_test(which_dag) };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("import", tests, n, NULL, NULL);
}
