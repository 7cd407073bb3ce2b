/* cache.c - a directory of results of finished runs
 * Owns: the layout, the file `about`. Hands on: results (table.c, collect.c). */
#include "reuse/cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "reuse/collect.h"
#include "reuse/table.h"
#include "store/share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ABOUT_MAX = 1 << 20, NAME_LENGTH = 32, OPEN_FOLDERS = 16 };

static bool is_name(const char *name)
{
    return strlen(name) == NAME_LENGTH &&
           strspn(name, "0123456789abcdef") == NAME_LENGTH;
}

static char *join(const char *a, const char *b, const char *c)
{
    struct orr_text text = ORR_TEXT_INIT;
    orr_text_printf(&text, "%s/%s%s%s", a, b, c ? "/" : "", c ? c : "");
    return text.s;
}

/* ---- looking ---- */

static void read_about(char *text, struct orr_cache_entry *entry)
{
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, ' ');
        if (!value)
            continue;
        *value++ = '\0';
        char **to = strcmp(line, "directory") == 0  ? &entry->directory
                    : strcmp(line, "job") == 0      ? &entry->job
                    : strcmp(line, "workflow") == 0 ? &entry->workflow
                                                    : NULL;
        if (to && !*to)
            *to = orr_strdup(value);
        if (strcmp(line, "entered") == 0)
            entry->entered = strtoll(value, NULL, 10);
        if (strcmp(line, "results") == 0)
            entry->results = strtoull(value, NULL, 10);
    }
}

static struct orr_cache_entry read_entry(const char *path, const char *name)
{
    struct orr_cache_entry entry = { .name = orr_strdup(name) };
    struct orr_text text = ORR_TEXT_INIT;
    char *about = join(path, name, "about");
    if (orr_file_read(about, ABOUT_MAX, &text, NULL) == ORR_OK && text.s)
        read_about(text.s, &entry);
    char **texts[] = { &entry.directory, &entry.job, &entry.workflow };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = *texts[i] ? *texts[i] : orr_strdup("?");
    free(about);
    orr_text_release(&text);
    return entry;
}

static int newest_first(const void *left, const void *right)
{
    const struct orr_cache_entry *a = left;
    const struct orr_cache_entry *b = right;
    if (a->entered != b->entered)
        return a->entered > b->entered ? -1 : 1;
    return strcmp(a->name, b->name);
}

orr_status orr_cache_list(const char *path, struct orr_cache_entry **out, size_t *n,
                          struct orr_error *err)
{
    size_t cap = 0;
    struct dirent *file = NULL;
    DIR *stream = opendir(path);
    *out = NULL;
    *n = 0;
    if (!stream && errno == ENOENT)
        return ORR_OK;
    if (!stream)
        return orr_error_errno(err, ORR_ERR_INPUT, errno, "cannot open the cache %s",
                               path);
    while ((file = readdir(stream)) != NULL) {
        if (!is_name(file->d_name))
            continue;
        *out = orr_grow(*out, *n, &cap, sizeof **out);
        (*out)[(*n)++] = read_entry(path, file->d_name);
    }
    (void)closedir(stream);
    if (*n)
        qsort(*out, *n, sizeof **out, newest_first);
    return ORR_OK;
}

void orr_cache_list_free(struct orr_cache_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].name);
        free(entries[i].directory);
        free(entries[i].job);
        free(entries[i].workflow);
    }
    free(entries);
}

/* No context in readdir's tree walks: a walk of our own. */
static uint64_t bytes_below(int directory)
{
    uint64_t bytes = 0;
    struct dirent *file = NULL;
    struct stat info;
    DIR *stream = directory < 0 ? NULL : fdopendir(directory);
    while (stream && (file = readdir(stream)) != NULL) {
        if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0 ||
            fstatat(dirfd(stream), file->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISDIR(info.st_mode))
            bytes += bytes_below(openat(dirfd(stream), file->d_name,
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        else
            bytes += (uint64_t)info.st_blocks * 512;
    }
    if (stream)
        (void)closedir(stream);
    return bytes;
}

uint64_t orr_cache_bytes(const char *path, const char *name)
{
    char *folder = join(path, name, NULL);
    uint64_t bytes = bytes_below(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    free(folder);
    return bytes;
}

/* ---- removing ---- */

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

/* Out of the way first, under a name that nobody looks into: who has it open goes on.
 */
orr_status orr_cache_remove(const char *path, const char *name, struct orr_error *err)
{
    char *folder = join(path, name, NULL);
    struct orr_text away = ORR_TEXT_INIT;
    orr_text_printf(&away, "%s/.old-%s-%ld", path, name, (long)getpid());
    orr_status status = ORR_OK;
    if (!is_name(name) || (access(folder, F_OK) != 0 && errno == ENOENT))
        status = orr_error_set(err, ORR_ERR_INPUT, ORR_NO_SPAN,
                               "the cache %s has no entry '%s'", path, name);
    else if (rename(folder, away.s) != 0 && errno != ENOENT)
        status = orr_error_errno(err, ORR_ERR_STORE, errno, "cannot remove %s", folder);
    else
        remove_tree(away.s);
    orr_text_release(&away);
    free(folder);
    return status;
}

void orr_cache_sweep(const char *path)
{
    enum { DAY = 86400 };
    struct dirent *file = NULL;
    struct stat info;
    DIR *stream = opendir(path);
    while (stream && (file = readdir(stream)) != NULL) {
        bool left_over = strncmp(file->d_name, ".new-", 5) == 0 ||
                         strncmp(file->d_name, ".old-", 5) == 0;
        if (!left_over || fstatat(dirfd(stream), file->d_name, &info, 0) != 0 ||
            orr_clock_wall() / ORR_SECOND - info.st_mtime < DAY)
            continue;
        char *folder = join(path, file->d_name, NULL);
        remove_tree(folder);
        free(folder);
    }
    if (stream)
        (void)closedir(stream);
}

/* ---- entering ---- */

struct entering {
    const char *folder;    /* of the entry while it is made */
    int run;               /* the open directory */
    struct orr_map shards; /* hash of the name -> 1 linked, 2 it could not be */
    bool by_name;
};

static bool enter_blob(void *context, const struct orr_blob *blob)
{
    struct entering *e = context;
    char name[ORRI_BLOB_FILE];
    bool fresh = false;
    orri_blob_file(blob, name);
    uint64_t *state =
        orr_map_insert(&e->shards, orr_hash64(name, strlen(name), 0), &fresh);
    if (fresh) {
        char *to = join(e->folder, name, NULL);
        enum orri_shared shared = orri_share_shard(e->run, name, to);
        e->by_name = e->by_name || shared == ORRI_SHARED_BY_NAME;
        *state = shared == ORRI_SHARED_NOT ? 2 : 1;
        free(to);
    }
    return *state == 1;
}

static bool enter_file(void *context, const char *below)
{
    struct entering *e = context;
    char *name = join("out", below, NULL);
    char *to = join(e->folder, name, NULL);
    bool good = orri_share_file(e->run, name, to, false);
    free(name);
    free(to);
    return good;
}

static orr_status make_folders(const char *folder, struct orr_error *err)
{
    static const char *const names[] = { "shards", "reuse", "out" };
    orr_status status = ORR_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == ORR_OK; i++) {
        char *path = join(folder, names[i], NULL);
        status = orr_mkdirs(path, 0777, err);
        free(path);
    }
    return status;
}

static orr_status write_about(const char *folder, const struct orr_cache_run *run,
                              uint64_t results, struct orr_error *err)
{
    struct orr_text text = ORR_TEXT_INIT;
    char *path = join(folder, "about", NULL);
    orr_text_printf(&text,
                    "orrery-cache 1\njob %s\nworkflow %s\nentered %" PRId64
                    "\nresults %" PRIu64 "\ndirectory %s\n",
                    run->job, run->workflow, orr_clock_wall(), results, run->run_dir);
    orr_status status = orr_file_write(path, text.s, text.length, true, err);
    free(path);
    orr_text_release(&text);
    return status;
}

static orr_status fill(struct entering *e, const struct orr_cache_run *run,
                       struct orr_error *err)
{
    struct orri_collector collector = { .run_dir = run->run_dir,
                                        .run_id = run->run_id,
                                        .blob = enter_blob,
                                        .file = enter_file,
                                        .context = e };
    uint64_t results = 0;
    char *table = join(e->folder, "results", NULL);
    orr_status status = make_folders(e->folder, err);
    if (status == ORR_OK)
        status =
            orr_table_begin(table, run->run_id, run->run_dir, &collector.table, err);
    free(table);
    if (status != ORR_OK)
        return status;
    status = orri_collect(&collector, err);
    if (status == ORR_OK)
        status = orr_table_commit(collector.table, &results, err);
    else
        orr_table_abandon(collector.table);
    if (status == ORR_OK)
        status = write_about(e->folder, run, results, err);
    return status == ORR_OK ? orr_fsync_directory(e->folder, err) : status;
}

static orr_status put_in_place(const char *path, const char *folder, const char *name,
                               struct orr_error *err)
{
    char *to = join(path, name, NULL);
    orr_status status = ORR_OK;
    while (rename(folder, to) != 0 && status == ORR_OK) {
        if (errno == ENOTEMPTY || errno == EEXIST)
            status = orr_cache_remove(path, name, err);
        else
            status =
                orr_error_errno(err, ORR_ERR_STORE, errno, "cannot rename to %s", to);
    }
    free(to);
    return status;
}

orr_status orr_cache_enter(const char *path, const struct orr_cache_run *run,
                           bool *by_name, struct orr_error *err)
{
    char name[ORR_ID_TEXT];
    struct orr_text folder = ORR_TEXT_INIT;
    orr_id_text(run->run_id, name);
    orr_text_printf(&folder, "%s/.new-%s-%ld", path, name, (long)getpid());
    struct entering e = { .folder = folder.s };
    e.run = open(run->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    orr_status status = orr_mkdirs(path, 0700, err);
    if (status == ORR_OK)
        status = fill(&e, run, err);
    if (status == ORR_OK)
        status = put_in_place(path, folder.s, name, err);
    if (status != ORR_OK)
        remove_tree(folder.s);
    *by_name = e.by_name;
    if (e.run >= 0)
        (void)close(e.run);
    orr_map_release(&e.shards);
    orr_text_release(&folder);
    return status;
}
