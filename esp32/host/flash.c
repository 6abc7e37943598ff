#include "flash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* Read one line, `key value`. */
static bool read_line(flash_memory *made, const char *line) {
    return sscanf(line, "boot %" SCNu32, &made->boot) == 1 || sscanf(line, "id %63s", made->id) == 1 ||
           sscanf(line, "secret %128s", made->secret) == 1 || sscanf(line, "code %31s", made->code) == 1 ||
           sscanf(line, "nonce %32s", made->nonce) == 1;
}

bool flash_read(flash_memory *made, const char *path) {
    char line[256];
    bool is_good = true;
    memset(made, 0, sizeof *made);
    made->path = path;
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    if (file == NULL) {
        return path == NULL || errno == ENOENT;
    }
    while (is_good && fgets(line, sizeof line, file) != NULL) {
        is_good = read_line(made, line);
    }
    fclose(file);
    return is_good;
}

static void write_text(FILE *file, const char *key, const char *value) {
    if (value[0] != '\0') {
        fprintf(file, "%s %s\n", key, value);
    }
}

bool flash_write(const flash_memory *kept) {
    char path[PATH_BYTES];
    if (kept->path == NULL) {
        return true;
    }
    /* Two processes may be the same board for a moment: each writes a file of its own. */
    int size = snprintf(path, sizeof path, "%s.%ld", kept->path, (long)getpid());
    FILE *file = size > 0 && size < PATH_BYTES ? fopen(path, "w") : NULL;
    if (file == NULL) {
        return false;
    }
    fprintf(file, "boot %" PRIu32 "\n", kept->boot);
    write_text(file, "id", kept->id);
    write_text(file, "secret", kept->secret);
    write_text(file, "code", kept->code);
    write_text(file, "nonce", kept->nonce);
    bool is_written = fchmod(fileno(file), S_IRUSR | S_IWUSR) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    is_written = fclose(file) == 0 && is_written && rename(path, kept->path) == 0;
    if (!is_written) {
        remove(path);
    }
    return is_written;
}

bool flash_erase(flash_memory *kept) {
    const flash_memory empty = {.path = kept->path, .boot = kept->boot};
    *kept = empty;
    return flash_write(kept);
}
