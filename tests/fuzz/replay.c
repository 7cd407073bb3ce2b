/* replay.c - runs a fuzz target over files, without a fuzzer: what was found once */
#include "fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static int replay_file(const char *path)
{
    struct orr_text text = ORR_TEXT_INIT;
    struct orr_error err = { 0 };
    if (orr_file_read(path, 64 << 20, &text, &err) != ORR_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)(text.s ? text.s : ""), text.length);
    orr_text_release(&text);
    return 0;
}

static int replay(const char *path)
{
    struct stat info;
    int failed = 0;
    DIR *directory =
        stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? opendir(path) : NULL;
    if (!directory)
        return replay_file(path);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        char *file = orr_path_join(path, entry->d_name);
        failed += replay_file(file);
        free(file);
    }
    (void)closedir(directory);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed += replay(argv[i]);
    return failed ? 1 : 0;
}
